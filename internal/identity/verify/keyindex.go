package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/cloister-ai/cloister/internal/site"
)

// Slots of a subscription's keys.
const (
	PrimaryKey   = "primary"
	SecondaryKey = "secondary"
)

// stateActive is the one state of a subscription that lets callers in.
const stateActive = "active"

// maxSubscriptionKey is the longest key that is looked up, in bytes; API
// Management's own limit is 256.
const maxSubscriptionKey = 512

// KeySubscription is a subscription with the digests of its keys.
type KeySubscription struct {
	ID, Name, Scope string
	// State is Azure's; only "active" lets callers in.
	State string
	// PrimaryDigest and SecondaryDigest are made by [Digest]; empty: there is
	// no such key.
	PrimaryDigest, SecondaryDigest []byte
	// Binding narrows who may use the keys; nil: it does not. The index only
	// carries it, see [Bound].
	Binding *site.Binding
}

// Digest is what is kept of a subscription key: HMAC-SHA256 under a key that
// lies apart, so that a stolen database does not let anybody guess keys.
func Digest(digestKey []byte, key string) [32]byte {
	h := hmac.New(sha256.New, digestKey)
	h.Write([]byte(key))
	return [32]byte(h.Sum(nil))
}

// KeyIndex finds subscriptions by key. It is immutable: a change of the
// subscriptions makes a new index.
type KeyIndex struct {
	entries map[[sha256.Size]byte]keyEntry
	hashers sync.Pool
}

type keyEntry struct {
	digest [sha256.Size]byte
	sub    *KeySubscription
	which  string
}

// hasher is a keyed hash with room for its input and output, so that a lookup
// allocates nothing.
type hasher struct {
	mac hash.Hash
	in  [maxSubscriptionKey]byte
	out [sha256.Size]byte
}

// NewKeyIndex indexes subs. It fails where the digest key is too short, where
// a digest does not have 32 bytes, and where two slots have the same key.
func NewKeyIndex(digestKey []byte, subs []KeySubscription) (*KeyIndex, error) {
	if len(digestKey) < sha256.Size {
		return nil, fmt.Errorf("the digest key has %d bytes, not %d", len(digestKey), sha256.Size)
	}
	owned := append([]byte(nil), digestKey...)
	ix := &KeyIndex{entries: make(map[[sha256.Size]byte]keyEntry, 2*len(subs))}
	ix.hashers.New = func() any { return &hasher{mac: hmac.New(sha256.New, owned)} }
	for i := range subs {
		sub := subs[i]
		if err := errors.Join(
			ix.add(&sub, PrimaryKey, sub.PrimaryDigest),
			ix.add(&sub, SecondaryKey, sub.SecondaryDigest),
		); err != nil {
			return nil, err
		}
	}
	return ix, nil
}

func (ix *KeyIndex) add(sub *KeySubscription, which string, digest []byte) error {
	if len(digest) == 0 {
		return nil
	}
	if len(digest) != sha256.Size {
		return fmt.Errorf("the %s digest of subscription %q has %d bytes, not %d", which, sub.ID, len(digest), sha256.Size)
	}
	d := [sha256.Size]byte(digest)
	if other, taken := ix.entries[d]; taken {
		return fmt.Errorf("the %s key of subscription %q is also the %s key of %q", which, sub.ID, other.which, other.sub.ID)
	}
	ix.entries[d] = keyEntry{d, sub, which}
	return nil
}

// Lookup finds the subscription that key belongs to, and the slot. ok says
// that it may be used; where sub is not nil and ok is false, the key is known
// and sub.State is the reason to refuse it. Callers must not change *sub.
func (ix *KeyIndex) Lookup(key string) (sub *KeySubscription, which string, ok bool) {
	if key == "" || len(key) > maxSubscriptionKey {
		return nil, "", false
	}
	h, isHasher := ix.hashers.Get().(*hasher)
	if !isHasher {
		return nil, "", false
	}
	n := copy(h.in[:], key)
	h.mac.Reset()
	h.mac.Write(h.in[:n])
	h.mac.Sum(h.out[:0])
	// The map's own comparison leaks no more than where in a keyed digest two
	// digests part; the decision is made by the one below.
	e := ix.entries[h.out]
	same := subtle.ConstantTimeCompare(e.digest[:], h.out[:]) == 1
	clear(h.in[:n])
	ix.hashers.Put(h)
	if !same || e.sub == nil {
		return nil, "", false
	}
	return e.sub, e.which, e.sub.State == stateActive
}
