package endpoint

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

const host = "contoso.openai.azure.com"

func TestJudge(t *testing.T) {
	n := contoso()
	doc := add(n, "openai", "contoso", "10.1.3.4")
	v := NewLive().View(compile(t, n))
	for _, c := range []struct{ host, addr, want string }{
		{host, "10.1.3.4", ""},
		{host, "::ffff:10.1.3.4", ""},
		{host, "10.1.3.5", CodeAddress},
		{host, "20.1.1.1", CodeAddress},
		{"contoso.privatelink.openai.azure.com", "10.1.3.5", CodeAddress},
		{"other.example", "10.1.3.5", ""},
		{"other.example", "10.1.3.4", ""},
	} {
		_, r := v.Judge(c.host, addr(c.addr))
		if got := codeOf(r); got != c.want {
			t.Errorf("%s at %s: %q, want %q", c.host, c.addr, got, c.want)
		}
	}
	doc.Status, doc.Description = site.ConnectionPending, "please"
	for _, c := range []struct{ host, addr, want string }{
		{host, "10.1.3.4", CodeNotApproved}, {host, "10.1.3.5", CodeNotApproved},
		{"other.example", "10.1.3.4", CodeNotApproved}, {"10.1.3.4", "10.1.3.4", CodeNotApproved}, {"other.example", "10.1.3.5", ""},
	} {
		_, r := v.Judge(c.host, addr(c.addr))
		if got := codeOf(r); got != c.want {
			t.Errorf("pending, %s at %s: %q, want %q", c.host, c.addr, got, c.want)
		}
	}
	if _, r := v.Host(host); r == nil || !strings.Contains(r.Reason, `"openai" is Pending (please)`) || r.Mend != "cloister network connections approve openai" {
		t.Errorf("%+v", r)
	}
	// An endpoint whose document gives it an address outside its subnet is at none.
	doc.Status, doc.Subnet = site.ConnectionApproved, nil
	if _, r := v.Judge(host, addr("10.1.3.4")); codeOf(r) != CodeAddress {
		t.Errorf("without a subnet: %+v", r)
	}
	var none *View
	if e, r := none.Judge(host, addr("10.1.3.5")); e != nil || r != nil || none.Set().Host(host) != nil {
		t.Error("the nil view has endpoints")
	}
}

func codeOf(r *Refusal) string {
	if r == nil {
		return ""
	}
	return r.Code
}

// TestCut: what may not go on is ended, by decisions and by documents, and
// nothing else is.
func TestCut(t *testing.T) {
	n := contoso()
	add(n, "openai", "contoso", "10.1.3.4")
	live := NewLive()
	v := live.View(compile(t, n))
	live.Enforce(v)
	e := v.Set().All()[0]
	var ended []string
	hold := func(host, a string) {
		t.Helper()
		if _, _, r := v.Hold(host, addr(a), func(r *Refusal) { ended = append(ended, host+" "+r.Code) }); r != nil {
			t.Fatal(r)
		}
	}
	hold(host, "10.1.3.4")
	hold("alias.example", "10.1.3.4")
	hold("other.example", "10.1.3.9")
	if n := live.Decided([]Decision{{ID: e.ID, State: site.ConnectionRejected}}, false); n != 2 || len(ended) != 2 || live.Open() != 1 {
		t.Errorf("%d cut: %v", n, ended)
	}
	if _, _, r := v.Hold(host, addr("10.1.3.4"), func(*Refusal) { t.Error("ended what never began") }); codeOf(r) != CodeNotApproved {
		t.Errorf("%+v", r)
	}
	live.Decided([]Decision{{ID: e.ID, State: "Aproved"}}, false)
	if _, r := v.Host(host); codeOf(r) != CodeNotApproved {
		t.Error("a decision that cannot be read lets through")
	}
	live.Decided([]Decision{{ID: "another/1", State: site.ConnectionRejected}}, true)
	if _, r := v.Host(host); r != nil {
		t.Errorf("the whole list has no decision about it: %+v", r)
	}

	// A site that gives the other host an endpoint elsewhere ends what leads past it.
	ended = nil
	hold(host, "10.1.3.4")
	next := contoso()
	add(next, "openai", "contoso", "10.1.3.4")
	add(next, "other", "other", "10.1.3.8").Names = []string{"other.example"}
	w := live.View(compile(t, next))
	if _, _, r := v.Hold("other.example", addr("10.1.3.9"), func(*Refusal) {}); r != nil {
		t.Errorf("a view that is not in force yet counts: %+v", r)
	}
	if n := live.Enforce(w); n != 2 || len(ended) != 1 || ended[0] != "other.example "+CodeAddress {
		t.Errorf("%d cut: %v", n, ended)
	}
	// And who still has the view of before is under the new one.
	if _, r := v.Judge("other.example", addr("10.1.3.9")); codeOf(r) != CodeAddress {
		t.Errorf("%+v", r)
	}
}

// TestRace: however holding, deciding and releasing interleave, nothing is open
// through a connection that is not approved once the decision is made.
func TestRace(t *testing.T) {
	n := contoso()
	add(n, "openai", "contoso", "10.1.3.4")
	live := NewLive()
	v := live.View(compile(t, n))
	live.Enforce(v)
	id := v.Set().All()[0].ID
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 3000 {
				h, _, _ := v.Hold(host, addr("10.1.3.4"), func(*Refusal) {})
				if r.IntN(2) == 0 {
					h.Release()
				}
			}
		})
	}
	for i := range 200 {
		state := States()[i%4]
		live.Decided([]Decision{{ID: id, State: state}}, false)
		if state != site.ConnectionApproved && live.Open() != 0 {
			t.Fatalf("%d open while it is %s", live.Open(), state)
		}
	}
	wg.Wait()
}
