//go:build linux

package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
)

// trial is a site that is hurt, and what must hold of it.
type trial struct {
	site
	model   *model
	ledger  *ledger
	history *history
	rand    *rand.Rand
	seed    uint64
}

func newTrial(t testing.TB, seed uint64, opt siteOptions) *trial {
	t.Helper()
	s := newSite(t, opt)
	return &trial{
		site: s, model: &model{rand: seeded(seed, 3)}, ledger: &ledger{allowed: map[string]string{}},
		history: &history{dir: s.audit()}, rand: seeded(seed, 4), seed: seed,
	}
}

// load begins a life's load, whose random numbers are its own.
func (tr *trial) load(t testing.TB, g *gateway, tolerant bool) *load {
	return begin(t, g, tr.model, tr.ledger, tr.rand.Uint64(), tolerant)
}

// check holds everything against what was acknowledged. Nothing else may run
// meanwhile.
func (tr *trial) check(t testing.TB, g *gateway) {
	t.Helper()
	ended := tr.acts(t)
	tr.state(t, g, ended)
	tr.keys(t, g)
}

// acts compares the audit log's new records with what was acknowledged since
// the last check: acts in order with their begin, end and actor, and requests.
// It returns the subscriptions whose unanswered act has a record of its end.
func (tr *trial) acts(t testing.TB) map[string]bool {
	t.Helper()
	actor := admin.OSActor(os.Geteuid()).Name
	recorded := map[string][]string{}
	begun := 0
	for _, r := range tr.history.news(t) {
		switch {
		case r.Kind == audit.KindAccess && r.Outcome == "allow":
			if name := tr.ledger.allowed[r.RequestID]; name != "" && name != r.Subscription {
				t.Errorf("request %s of %s is on record as one of %s", r.RequestID, name, r.Subscription)
			}
			delete(tr.ledger.allowed, r.RequestID)
		case r.Kind == audit.KindAdmin && r.Phase != "" && strings.HasPrefix(r.Action, "subscription."):
			if r.Actor != actor {
				t.Errorf("%s %s of %s is on record as an act of %q", r.Action, r.Phase, r.Target, r.Actor)
			}
			// Before a creation has begun, nobody has read what is to be made.
			if r.Action == create && r.Phase == "begin" {
				begun++
				continue
			}
			recorded[r.Target] = append(recorded[r.Target], r.Action+" "+r.Phase)
		}
	}
	for id, name := range tr.ledger.allowed {
		t.Errorf("LOST: request %s of %s was answered with 200 and is not in the audit log", id, name)
	}
	clear(tr.ledger.allowed)
	ended := map[string]bool{}
	for _, s := range tr.model.subs {
		got := recorded["subscription:"+s.name]
		delete(recorded, "subscription:"+s.name)
		for _, a := range s.done {
			if a.action == create {
				begun--
			} else if got = tr.next(t, s, got, a.action+" begin"); got == nil {
				break
			}
			if got = tr.next(t, s, got, a.action+" done"); got == nil {
				break
			}
		}
		s.done = nil
		if p := s.pending; p != nil {
			if len(got) > 0 && got[0] == p.action+" begin" {
				got = got[1:]
			}
			if len(got) > 0 && (got[0] == p.action+" done" || got[0] == p.action+" failed") {
				ended[s.name] = got[0] == p.action+" done"
				got = got[1:]
			}
		}
		if len(got) > 0 {
			t.Errorf("%s: acts on record that nobody did: %q", s.name, got)
		}
	}
	if begun < 0 {
		t.Errorf("LOST: %d creations were acknowledged and have no record of their begin", -begun)
	}
	for target, acts := range recorded {
		t.Errorf("acts on record on %q: %q", target, acts)
	}
	return ended
}

// next takes one record off the list; nil: it is not there.
func (tr *trial) next(t testing.TB, s *subscription, got []string, want string) []string {
	t.Helper()
	if len(got) == 0 || got[0] != want {
		t.Errorf("LOST: %s: the audit log has %q where %q was acknowledged", s.name, got, want)
		return nil
	}
	if len(got) == 1 {
		return []string{}
	}
	return got[1:]
}

// state compares the list at the door with the model, which learns what became
// of the acts that were not answered.
func (tr *trial) state(t testing.TB, g *gateway, ended map[string]bool) {
	t.Helper()
	list, err := g.door.Subscriptions(t.Context())
	if err != nil {
		t.Fatalf("listing: %v; the gateway printed:\n%s", err, tail(g.Output()))
	}
	there := map[string]admin.Subscription{}
	for _, s := range list {
		there[s.Name] = s
	}
	for _, s := range tr.model.subs {
		is, exists := there[s.name]
		delete(there, s.name)
		if s.pending != nil {
			tr.learn(t, g, s, is, exists, ended)
		}
		switch {
		case exists != s.exists:
			t.Errorf("LOST: %s is there: %t, want %t", s.name, exists, s.exists)
		case exists && (is.State != s.state || !is.PrimaryKey || !is.SecondaryKey):
			t.Errorf("LOST: %s is %+v, want it %s", s.name, is, s.state)
		}
	}
	for name := range there {
		t.Errorf("%s is there, and nobody made it", name)
	}
}

// learn finds out what became of an act that was not answered.
func (tr *trial) learn(t testing.TB, g *gateway, s *subscription, is admin.Subscription, exists bool, ended map[string]bool) {
	t.Helper()
	a := *s.pending
	var happened bool
	switch a.action {
	case create:
		happened = exists
	case remove:
		happened = !exists
	case suspend:
		happened = is.State == suspended
	case activate:
		happened = is.State == active
	case rotate:
		happened = true
		if key := s.keys[a.slot]; s.state == active && key != "" {
			status, _ := g.opens(t, key)
			happened = status == http.StatusUnauthorized
		} else if !ended[s.name] {
			// Whether the key still holds cannot be seen: it is neither
			// expected to open nor to be refused.
			s.keys[a.slot] = ""
		}
	}
	if done, known := ended[s.name]; known && done && !happened {
		t.Errorf("LOST: %s of %s is on record as done and is not in force", a.action, s.name)
	}
	if happened {
		s.apply(a, [2]string{})
	}
	s.pending, s.busy = nil, false
	s.version++
}

// keys tries the keys of the subscriptions that were changed since the last
// check, and of some others.
func (tr *trial) keys(t testing.TB, g *gateway) {
	t.Helper()
	for _, s := range tr.model.subs {
		if s.version == s.checked && tr.rand.IntN(10) > 0 {
			continue
		}
		s.checked = s.version
		want := http.StatusUnauthorized
		if s.exists && s.state == active {
			want = http.StatusOK
		}
		for slot, key := range s.keys {
			if key == "" {
				continue
			}
			status, id := g.opens(t, key)
			if status != want {
				t.Errorf("LOST: the %s key of %s: status %d, want %d", act{slot: slot}.key(), s.name, status, want)
			}
			if status == http.StatusOK {
				tr.ledger.allowed[id] = s.name
			}
		}
		for _, key := range s.old {
			if status, _ := g.opens(t, key); status != http.StatusUnauthorized {
				t.Errorf("LOST: an old key of %s: status %d", s.name, status)
			}
		}
	}
}

// summary is what a trial was made of.
func (tr *trial) summary() string {
	l := tr.ledger
	return fmt.Sprintf("%d requests (%d answered 200, %d refused, %d broken off), %d key operations (%d acknowledged, %d unanswered), %d audit records, %d subscriptions",
		l.requests, l.ok, l.refused, l.broken, l.acts, l.acknowledged, l.unanswered, tr.history.read, len(tr.model.subs))
}
