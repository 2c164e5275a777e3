package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/identity"
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
	// Created is zero where it is not known.
	Created time.Time
	// State is Azure's; only "active" lets callers in.
	State string
	// PrimaryDigest and SecondaryDigest are made by [Digest]; empty: there is
	// no such key.
	PrimaryDigest, SecondaryDigest []byte
	// Binding narrows who may use the keys; nil: it does not. The directory
	// only carries it, see [Bound].
	Binding *site.Binding

	// principal is made once for all who call by key.
	principal *identity.Principal
}

// Active reports whether the subscription lets callers in.
func (s *KeySubscription) Active() bool { return s.State == stateActive }

// Principal is who calls by one of the keys and nothing else.
func (s *KeySubscription) Principal() *identity.Principal { return s.principal }

// HasKey reports whether digest is that of one of the keys.
func (s *KeySubscription) HasKey(digest []byte) bool {
	return subtle.ConstantTimeCompare(s.PrimaryDigest, digest)|subtle.ConstantTimeCompare(s.SecondaryDigest, digest) == 1
}

// Digest is what is kept of a subscription key: HMAC-SHA256 under a key that
// lies apart, so that a stolen database does not let anybody guess keys.
func Digest(digestKey []byte, key string) [32]byte {
	h := hmac.New(sha256.New, digestKey)
	h.Write([]byte(key))
	return [32]byte(h.Sum(nil))
}

// Directory finds subscriptions by key, id and client certificate. It changes
// one subscription at a time while callers look others up; what a lookup has
// given is never changed.
type Directory struct {
	hashers sync.Pool

	mu            sync.RWMutex // guards the rest
	byDigest      map[[sha256.Size]byte]keyEntry
	byID          map[string]*KeySubscription // by id in lower case
	byCertificate map[string]*KeySubscription
}

type keyEntry struct {
	sub   *KeySubscription
	which string
}

// hasher is a keyed hash with room for its input and output, so that a lookup
// allocates nothing.
type hasher struct {
	mac hash.Hash
	in  [maxSubscriptionKey]byte
	out [sha256.Size]byte
}

// NewDirectory makes an empty directory. It fails where the digest key is too
// short.
func NewDirectory(digestKey []byte) (*Directory, error) {
	if len(digestKey) < sha256.Size {
		return nil, fmt.Errorf("the digest key has %d bytes, not %d", len(digestKey), sha256.Size)
	}
	owned := append([]byte(nil), digestKey...)
	d := &Directory{
		byDigest:      map[[sha256.Size]byte]keyEntry{},
		byID:          map[string]*KeySubscription{},
		byCertificate: map[string]*KeySubscription{},
	}
	d.hashers.New = func() any { return &hasher{mac: hmac.New(sha256.New, owned)} }
	return d, nil
}

// TakenError says that two subscriptions have something that only one may
// have. The one that had it first keeps it.
type TakenError struct {
	// What is "key" or "certificate"; Value is the certificate's fingerprint.
	What, Value string
	// Subscription wants it; Other has it.
	Subscription, Other string
}

func (e *TakenError) Error() string {
	if e.What == "certificate" {
		return fmt.Sprintf("client certificate %s is bound to the subscriptions %q and %q", e.Value, e.Other, e.Subscription)
	}
	return fmt.Sprintf("a key of subscription %q is also a key of %q", e.Subscription, e.Other)
}

// Put adds a subscription, or replaces the one of its id. Where a digest does
// not have 32 bytes, or a key or certificate is another subscription's, the
// error says so and the subscription is left out: nobody gets in by it.
func (d *Directory) Put(sub KeySubscription) error {
	sub.principal = &identity.Principal{Kind: identity.KindSubscription, SubscriptionID: sub.ID}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(sub.ID)
	if err := d.conflict(&sub); err != nil {
		return err
	}
	for which, digest := range sub.digests() {
		if len(digest) > 0 {
			d.byDigest[[sha256.Size]byte(digest)] = keyEntry{&sub, which}
		}
	}
	if sub.Binding != nil {
		for _, fingerprint := range sub.Binding.Certificates {
			d.byCertificate[fingerprint] = &sub
		}
	}
	d.byID[strings.ToLower(sub.ID)] = &sub
	return nil
}

// digests yields the slots and what is in them.
func (s *KeySubscription) digests() func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		_ = yield(PrimaryKey, s.PrimaryDigest) && yield(SecondaryKey, s.SecondaryDigest)
	}
}

func (d *Directory) conflict(sub *KeySubscription) error {
	for which, digest := range sub.digests() {
		if len(digest) == 0 {
			continue
		}
		if len(digest) != sha256.Size {
			return fmt.Errorf("the %s digest of subscription %q has %d bytes, not %d", which, sub.ID, len(digest), sha256.Size)
		}
		if other, taken := d.byDigest[[sha256.Size]byte(digest)]; taken {
			return &TakenError{What: "key", Subscription: sub.ID, Other: other.sub.ID}
		}
	}
	if len(sub.PrimaryDigest) > 0 && subtle.ConstantTimeCompare(sub.PrimaryDigest, sub.SecondaryDigest) == 1 {
		return &TakenError{What: "key", Subscription: sub.ID, Other: sub.ID}
	}
	if sub.Binding == nil {
		return nil
	}
	var errs []error
	for _, fingerprint := range sub.Binding.Certificates {
		if other := d.byCertificate[fingerprint]; other != nil {
			errs = append(errs, &TakenError{What: "certificate", Value: fingerprint, Subscription: sub.ID, Other: other.ID})
		}
	}
	return errors.Join(errs...)
}

// Remove takes out the subscription of that id.
func (d *Directory) Remove(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(id)
}

func (d *Directory) remove(id string) {
	sub := d.byID[strings.ToLower(id)]
	if sub == nil {
		return
	}
	delete(d.byID, strings.ToLower(id))
	for _, digest := range sub.digests() {
		if len(digest) > 0 {
			delete(d.byDigest, [sha256.Size]byte(digest))
		}
	}
	if sub.Binding != nil {
		for _, fingerprint := range sub.Binding.Certificates {
			delete(d.byCertificate, fingerprint)
		}
	}
}

// Len is how many subscriptions there are.
func (d *Directory) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.byID)
}

// IDs are those of all subscriptions, in no order.
func (d *Directory) IDs() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	ids := make([]string, 0, len(d.byID))
	for _, s := range d.byID {
		ids = append(ids, s.ID)
	}
	return ids
}

// Get is the subscription of that id, compared without case; nil: there is
// none. Callers must not change it.
func (d *Directory) Get(id string) *KeySubscription {
	id = strings.ToLower(id)
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[id]
}

// ByCertificate is the subscription that a client certificate is bound to, by
// its fingerprint; nil: there is none.
func (d *Directory) ByCertificate(fingerprint string) *KeySubscription {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byCertificate[fingerprint]
}

// Lookup finds the subscription that key belongs to, and the slot. ok says
// that it may be used; where sub is not nil and ok is false, the key is known
// and sub.State is the reason to refuse it. Callers must not change *sub.
func (d *Directory) Lookup(key string) (sub *KeySubscription, which string, ok bool) {
	if key == "" || len(key) > maxSubscriptionKey {
		return nil, "", false
	}
	h, isHasher := d.hashers.Get().(*hasher)
	if !isHasher {
		return nil, "", false
	}
	n := copy(h.in[:], key)
	h.mac.Reset()
	h.mac.Write(h.in[:n])
	h.mac.Sum(h.out[:0])
	clear(h.in[:n])
	d.mu.RLock()
	e := d.byDigest[h.out]
	d.mu.RUnlock()
	// The map's own comparison leaks no more than where in a keyed digest two
	// digests part; the decision is made by the one below.
	same := e.sub != nil && e.sub.HasKey(h.out[:])
	d.hashers.Put(h)
	if !same {
		return nil, "", false
	}
	return e.sub, e.which, e.sub.Active()
}
