//go:build linux

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
)

// recorder is a test that only notes its failures.
type recorder struct {
	testing.TB
	failures []string
}

// failedNow is what Fatalf of a recorder panics with.
type failedNow struct{}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(failedNow{})
}

// found are the failures of f.
func found(t testing.TB, f func(testing.TB)) []string {
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != (failedNow{}) {
				panic(p)
			}
		}()
		f(r)
	}()
	return r.failures
}

// TestFinds: the checks of this package find what they are for. Everything
// that was acknowledged is lost once, one after the other.
func TestFinds(t *testing.T) {
	o := given(t)
	tr := newTrial(t, o.seed, siteOptions{})
	g := tr.start(t)
	made := func(name string) *subscription {
		s := &subscription{name: name, busy: true}
		tr.model.subs = append(tr.model.subs, s)
		(&load{t: t, g: g, m: tr.model, l: tr.ledger}).act(s, act{action: create})
		return s
	}
	one, two, three := made("one"), made("two"), made("three")
	tr.history.verify(t, "at the begin")
	tr.check(t, g)
	door := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lost := func(what, want string, lose func()) {
		t.Helper()
		lose()
		for _, s := range tr.model.subs {
			s.checked = -1 // try every key
		}
		got := found(t, func(t testing.TB) { tr.check(t, g) })
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: found %q, want %q among them", what, got, want)
		}
	}
	lost("a suspension that nobody knows of", "one is ", func() { door(g.door.SuspendSubscription(t.Context(), "one")) })
	one.state = suspended
	lost("a key that is another", "the primary key of two: status 401", func() { door(g.door.RotateKey(t.Context(), "two", "primary")) })
	two.keys[primary] = ""
	lost("an old key that opens", "an old key of two: status 200", func() { two.old = append(two.old, two.keys[secondary]) })
	two.old = nil
	lost("a subscription that is gone", "three is there: false", func() { door(g.door.DeleteSubscription(t.Context(), "three")) })
	three.exists, three.keys = false, [2]string{}
	lost("one that nobody made", "four is there, and nobody made it", func() {
		door(g.door.CreateSubscription(t.Context(), admin.CreateSubscription{Name: "four"}))
	})
	door(g.door.DeleteSubscription(t.Context(), "four"))
	lost("a request without a record", "request not-there of two was answered", func() { tr.ledger.allowed["not-there"] = "two" })
	lost("an act without a record", `has [] where "subscription.suspend begin"`, func() { two.done = []act{{action: suspend}} })
	if got := found(t, func(t testing.TB) { tr.check(t, g) }); len(got) > 0 {
		t.Errorf("nothing is lost, and found was %q", got)
	}
	g.stop(t)
	tr.logFinds(t)
}

// logFinds damages the log of a gateway that has ended.
func (tr *trial) logFinds(t *testing.T) {
	tr.history.verify(t, "at the end")
	if got := found(t, func(t testing.TB) {
		h := *tr.history
		h.marks = []mark{{size: h.marks[0].size + 1}}
		h.verify(t, "truncated")
	}); !strings.Contains(strings.Join(got, "\n"), "records and had") {
		t.Errorf("a log that was longer: %q", got)
	}
	if got := found(t, func(t testing.TB) {
		h := *tr.history
		h.marks = []mark{{size: h.marks[0].size - 1}}
		h.verify(t, "another")
	}); !strings.Contains(strings.Join(got, "\n"), "does not continue") {
		t.Errorf("a log that was another: %q", got)
	}
	// The newest of the last tile's files: older ones are read by nobody.
	size := tr.history.checkpoint(t).size
	file := filepath.Join(tr.audit(), "tile", "entries", "000.p", fmt.Sprint(size))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(tr.audit(), tr.history.verifier, audit.VerifyOptions{})
	if err == nil && report.OK() {
		t.Error("the verifier accepts a bit that was turned")
	}
	if got := found(t, func(t testing.TB) { tr.history.fsckWithin(t, "damaged", 1500*time.Millisecond) }); len(got) == 0 {
		t.Error("the independent verifier accepts a bit that was turned")
	}
}
