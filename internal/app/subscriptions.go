package app

import (
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

// subscriptions brings together who may call by key: the documents of
// apim/subscriptions say scope and state, cloister.yaml declares others, adds
// keys and bindings, and the store holds keys that were made by commands.
func (b *built) subscriptions(at surroundings) []verify.KeySubscription {
	m := merged{built: b, at: at, byID: map[string]int{}}
	for _, s := range b.site.Service.Subscriptions {
		m.declare(verify.KeySubscription{ID: s.ID, Name: s.Name, Scope: s.Scope, State: s.State})
	}
	for i := range b.site.Config.Subscriptions {
		m.configure(&b.site.Config.Subscriptions[i])
	}
	for _, s := range at.stored {
		m.addStored(s)
	}
	return m.subs
}

type merged struct {
	*built
	at   surroundings
	subs []verify.KeySubscription
	byID map[string]int
}

func (m *merged) declare(s verify.KeySubscription) *verify.KeySubscription {
	m.byID[strings.ToLower(s.ID)] = len(m.subs)
	m.subs = append(m.subs, s)
	return &m.subs[len(m.subs)-1]
}

func (m *merged) find(id string) *verify.KeySubscription {
	if i, ok := m.byID[strings.ToLower(id)]; ok {
		return &m.subs[i]
	}
	return nil
}

func (m *merged) configure(c *site.SubscriptionConfig) {
	s := m.find(c.Name)
	if s == nil {
		s = m.declare(verify.KeySubscription{ID: c.Name, Name: c.Name, State: activeState})
	}
	if c.Scope != "" {
		s.Scope = c.Scope
	}
	if c.State != "" {
		s.State = strings.ToLower(c.State)
	}
	s.Binding = c.BoundTo
	s.PrimaryDigest = m.digest(c, "primaryKey", c.PrimaryKey)
	s.SecondaryDigest = m.digest(c, "secondaryKey", c.SecondaryKey)
}

const activeState = "active"

// digest reads a key by reference and keeps its digest alone.
func (m *merged) digest(c *site.SubscriptionConfig, field string, ref *site.SecretRef) []byte {
	if ref == nil {
		return nil
	}
	value, err := secret.Resolve(ref, m.at.secrets)
	if err != nil {
		m.secretProblem(ref.Pos, err, "%s of subscription %q", field, c.Name)
		return nil
	}
	if len(value.Reveal()) < minKeyLength {
		m.problems.Add(ref.Pos, "key-too-short", "at least 16 characters", "make one with: openssl rand -hex 16",
			"%s of subscription %q has fewer than %d characters", field, c.Name, minKeyLength)
		return nil
	}
	if !m.at.development && carriesMarker(value.Reveal()) {
		m.problems.Add(ref.Pos, "emulator-key", "a key of your own", "make one with: openssl rand -hex 16",
			"%s of subscription %q was made by the emulator", field, c.Name)
	}
	d := verify.Digest(m.at.digestKey, value.Reveal())
	return d[:]
}

// addStored adds what the state directory knows. Keys come from one place: a
// subscription that has keys in both would have more than it shows.
func (m *merged) addStored(stored store.Subscription) {
	s := m.find(stored.ID)
	if s == nil {
		m.declare(verify.KeySubscription{
			ID: stored.ID, Name: stored.Name, Scope: stored.Scope, State: stored.State,
			PrimaryDigest: stored.PrimaryDigest, SecondaryDigest: stored.SecondaryDigest,
		})
		return
	}
	if len(s.PrimaryDigest)+len(s.SecondaryDigest) > 0 {
		m.problems.Add(site.Pos{File: "cloister.yaml"}, "keys-twice", "keys in one place",
			"take its keys out of cloister.yaml, or delete the stored subscription",
			"subscription %q has keys in cloister.yaml and in the state directory", s.ID)
		return
	}
	s.PrimaryDigest, s.SecondaryDigest = stored.PrimaryDigest, stored.SecondaryDigest
	if s.Scope == "" {
		s.Scope = stored.Scope
	}
	if s.State == activeState {
		s.State = stored.State
	}
}
