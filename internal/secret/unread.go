package secret

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"sync"
)

// Unread stands in for vaults where nothing may be connected to, as "check"
// does without a network: it answers each reference with a placeholder that
// nobody can guess and that is the same for the same reference, so that the
// rest of a site can be judged, and remembers what it did not look at. Nothing
// that it answers may be put in force.
type Unread struct {
	salt [32]byte

	mu   sync.Mutex // guards refs
	refs map[string]bool
}

// NewUnread makes one with placeholders of its own.
func NewUnread() *Unread {
	u := &Unread{refs: map[string]bool{}}
	_, _ = rand.Read(u.salt[:]) // never fails
	return u
}

// ReadSecret implements [VaultReader]. An identifier that is not in order is
// refused as elsewhere.
func (u *Unread) ReadSecret(_ context.Context, identifier string) (Value, error) {
	o, err := ParseVaultID(identifier, KindSecrets)
	if err != nil {
		return Value{}, badIdentifier(identifier, err)
	}
	mac := hmac.New(sha256.New, u.salt[:])
	mac.Write([]byte(o.String()))
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refs[o.String()] = true
	return New("not-looked-at-" + hex.EncodeToString(mac.Sum(nil))), nil
}

// References are what was not looked at, in order.
func (u *Unread) References() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Sorted(maps.Keys(u.refs))
}
