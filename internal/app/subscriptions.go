package app

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// minKeyLength of a subscription key, in bytes: API Management makes 32. The
// gate looks for a key's bytes in everything that leaves, and a short one
// would be found by chance.
const minKeyLength = 16

// callers are all who may call by key, token rule or certificate: the documents
// of apim/subscriptions say scope and state, cloister.yaml declares others, adds
// keys and bindings, and the store holds what commands have made.
type callers struct {
	// declared is what the site says, in its order; byID by id in lower case.
	declared []verify.KeySubscription
	byID     map[string]int
	// directory is both together, and follows the store.
	directory *verify.Directory
}

// addCallers brings them together.
func (b *built) addCallers(at surroundings) {
	b.callers.byID = map[string]int{}
	for _, s := range b.site.Service.Subscriptions {
		b.declare(verify.KeySubscription{ID: s.ID, Name: s.Name, Scope: s.Scope, State: s.State})
	}
	for i := range b.site.Config.Subscriptions {
		b.configure(&b.site.Config.Subscriptions[i], at)
	}
	var err error
	if b.callers.directory, err = verify.NewDirectory(at.digestKey); err != nil {
		b.problems.Add(site.Pos{File: "cloister.yaml"}, "state", "", "", "%v", err)
		return
	}
	for _, s := range b.callers.declared {
		b.put(s)
	}
	for _, s := range at.stored {
		effective, ok := b.callers.merge(s)
		if !ok {
			b.problems.Add(site.Pos{File: "cloister.yaml"}, "keys-twice", "keys in one place",
				"take its keys out of cloister.yaml, or delete the stored subscription: cloister subscription delete",
				"subscription %q has keys in cloister.yaml and in the state directory", s.ID)
			continue
		}
		b.put(effective)
	}
}

// put adds to the directory; what cannot be is a problem of the site.
func (b *built) put(s verify.KeySubscription) {
	err := b.callers.directory.Put(s)
	var taken *verify.TakenError
	switch {
	case err == nil:
	case errors.As(err, &taken) && taken.What == "certificate":
		b.problems.Add(s.Binding.Pos, "certificate-bound-twice", "one subscription for each client certificate",
			"take the fingerprint out of one of them", "%v", taken)
	default:
		pos := site.Pos{File: "cloister.yaml"}
		if taken != nil {
			pos = b.keyPos(s, pos)
		}
		b.problems.Add(pos, "subscription-keys", "a key of its own for every slot of every subscription",
			"make a new key for one of them", "subscription keys: %v", err)
	}
}

// keyPos is where the key is named that another slot has already.
func (b *built) keyPos(s verify.KeySubscription, or site.Pos) site.Pos {
	for i := range b.site.Config.Subscriptions {
		c := &b.site.Config.Subscriptions[i]
		if c.Name != s.ID {
			continue
		}
		for _, slot := range []struct {
			digest []byte
			ref    *site.SecretRef
		}{{s.PrimaryDigest, c.PrimaryKey}, {s.SecondaryDigest, c.SecondaryKey}} {
			if slot.ref != nil && b.callers.hasKey(slot.digest, s.ID) {
				return slot.ref.Pos
			}
		}
		if c.SecondaryKey != nil {
			return c.SecondaryKey.Pos
		}
	}
	return or
}

// hasKey reports whether a declared subscription other than id has the key.
func (c *callers) hasKey(digest []byte, id string) bool {
	for i := range c.declared {
		if s := &c.declared[i]; s.ID != id && s.HasKey(digest) {
			return true
		}
	}
	return false
}

func (b *built) declare(s verify.KeySubscription) *verify.KeySubscription {
	c := &b.callers
	c.byID[strings.ToLower(s.ID)] = len(c.declared)
	c.declared = append(c.declared, s)
	return &c.declared[len(c.declared)-1]
}

// find is what the site declares under an id; nil: nothing.
func (c *callers) find(id string) *verify.KeySubscription {
	if i, ok := c.byID[strings.ToLower(id)]; ok {
		return &c.declared[i]
	}
	return nil
}

func (b *built) configure(c *site.SubscriptionConfig, at surroundings) {
	s := b.callers.find(c.Name)
	if s == nil {
		s = b.declare(verify.KeySubscription{ID: c.Name, Name: c.Name, State: activeState})
	}
	if c.Scope != "" {
		s.Scope = c.Scope
	}
	if c.State != "" {
		s.State = strings.ToLower(c.State)
	}
	s.Binding = c.BoundTo
	s.PrimaryDigest = b.digest(c, "primaryKey", c.PrimaryKey, at)
	s.SecondaryDigest = b.digest(c, "secondaryKey", c.SecondaryKey, at)
}

const activeState = "active"

// digest reads a key by reference and keeps its digest alone.
func (b *built) digest(c *site.SubscriptionConfig, field string, ref *site.SecretRef, at surroundings) []byte {
	if ref == nil {
		return nil
	}
	value, err := secret.Resolve(ref, at.secrets)
	if err != nil {
		b.secretProblem(ref.Pos, err, "%s of subscription %q", field, c.Name)
		return nil
	}
	if len(value.Reveal()) < minKeyLength {
		b.problems.Add(ref.Pos, "key-too-short", "at least 16 characters", "make one with: openssl rand -hex 16",
			"%s of subscription %q has fewer than %d characters", field, c.Name, minKeyLength)
		return nil
	}
	if !at.development && carriesMarker(value.Reveal()) {
		b.problems.Add(ref.Pos, "emulator-key", "a key of your own", "make one with: openssl rand -hex 16",
			"%s of subscription %q was made by the emulator", field, c.Name)
	}
	d := verify.Digest(at.digestKey, value.Reveal())
	return d[:]
}

// merge is what a stored subscription comes to together with what the site
// says of it. Keys come from one place: ok is false where they are in both,
// because then a subscription would have more than it shows.
func (c *callers) merge(stored store.Subscription) (s verify.KeySubscription, ok bool) {
	s = verify.KeySubscription{
		ID: stored.ID, Name: stored.Name, Scope: stored.Scope, State: stored.State,
		PrimaryDigest: stored.PrimaryDigest, SecondaryDigest: stored.SecondaryDigest, Created: stored.CreatedAt,
	}
	d := c.find(stored.ID)
	if d == nil {
		return s, true
	}
	if len(d.PrimaryDigest)+len(d.SecondaryDigest) > 0 {
		return *d, false
	}
	s.ID, s.Name, s.Binding = d.ID, d.Name, d.Binding
	if d.Scope != "" {
		s.Scope = d.Scope
	}
	if d.State != activeState {
		s.State = d.State
	}
	return s, true
}

// follow takes a change of the store into the directory in force and returns
// the ids that it was about.
func (c *callers) follow(changes store.Changes, log *slog.Logger) (ids []string) {
	if changes.Whole {
		c.dropMissing(changes.Subscriptions, func(id string) { ids = append(ids, id) })
	}
	for _, id := range changes.Deleted {
		ids = append(ids, id)
		c.forget(id)
	}
	for _, stored := range changes.Subscriptions {
		ids = append(ids, stored.ID)
		s, ok := c.merge(stored)
		if !ok {
			log.Error("stored subscription ignored: the site has keys of its own for it", "subscription", stored.ID)
		}
		if err := c.directory.Put(s); err != nil {
			log.Error("subscription left out", "subscription", stored.ID, "error", err)
		}
	}
	return ids
}

// forget leaves of a subscription what the site declares.
func (c *callers) forget(id string) {
	d := c.find(id)
	if d == nil || c.directory.Put(*d) != nil {
		c.directory.Remove(id)
	}
}

// dropMissing forgets what the whole list of stored subscriptions has no more.
func (c *callers) dropMissing(stored []store.Subscription, forgot func(id string)) {
	have := make(map[string]bool, len(stored))
	for i := range stored {
		have[strings.ToLower(stored[i].ID)] = true
	}
	for _, id := range c.directory.IDs() {
		if !have[strings.ToLower(id)] {
			c.forget(id)
			forgot(id)
		}
	}
}
