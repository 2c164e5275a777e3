package backend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var errDead = errors.New("dead")

// fail lets an attempt at h begin and fail now.
func fail(h *health, c *clock) { h.failed(h.state.Load(), c.now(), c.now(), errDead) }

// TestHealthDoubles: what goes on failing is left alone for longer, up to a
// bound, and one connection makes up for all of it.
func TestHealthDoubles(t *testing.T) {
	var h health
	c := newClock()
	for i, want := range []int{5, 10, 20, 40, 60, 60} {
		fail(&h, c)
		s := h.state.Load()
		if s.until.Sub(c.now()) != time.Duration(want)*time.Second || s.failures != i+1 {
			t.Fatalf("failure %d: aside for %s, %d failures", i+1, s.until.Sub(c.now()), s.failures)
		}
		if c.advance(s.span - 1); h.claim(c.now()) != nil {
			t.Fatalf("failure %d: tried before its time", i+1)
		}
		c.advance(1)
		if claimed := h.claim(c.now()); claimed != s || h.claim(c.now()) != nil {
			t.Fatalf("failure %d: claimed %v, and not once", i+1, claimed)
		}
	}
	if !h.reached(h.state.Load()) || !h.inUse() {
		t.Fatal("not in use again")
	}
	if fail(&h, c); h.state.Load().span != firstAside {
		t.Errorf("the count goes on: %+v", h.state.Load().span)
	}
}

// TestHealthEndpoint: a member whose private endpoint is not approved is asked
// again within a second, for as long as it takes; what fails then counts as always.
func TestHealthEndpoint(t *testing.T) {
	var h health
	c := newClock()
	refused := &ConnectError{Err: &egress.RefusedError{Code: egress.CodeEndpointNotApproved}}
	for range 20 {
		h.failed(h.state.Load(), c.now(), c.now(), refused)
		if left := h.state.Load().until.Sub(c.now()); left != refusedAside {
			t.Fatalf("aside for %s", left)
		}
		c.advance(refusedAside)
	}
	for _, want := range []time.Duration{firstAside, 2 * firstAside} {
		fail(&h, c)
		if got := h.state.Load().span; got != want {
			t.Errorf("aside for %s, want %s", got, want)
		}
		c.advance(want)
	}
}

// TestHealthCountsOnce: many attempts that were under way fail as one, those
// before its time put the end off and do not double, and connections from
// better times mend nothing.
func TestHealthCountsOnce(t *testing.T) {
	var h health
	c := newClock()
	started := c.now()
	c.advance(firstAside)
	for range 10 {
		h.failed(nil, started, c.now(), errDead)
		c.advance(time.Second)
	}
	s := h.state.Load()
	if s.failures != 1 || s.until.Sub(started) != 2*firstAside {
		t.Fatalf("%d failures, until %s", s.failures, s.until.Sub(started))
	}
	if h.reached(nil) || h.inUse() {
		t.Fatal("a connection of before set it in use")
	}
	early := s.until.Add(-time.Second)
	h.failed(s, early, early, errDead)
	if s = h.state.Load(); s.failures != 1 || s.span != firstAside || !s.until.Equal(early.Add(firstAside)) {
		t.Fatalf("before its time: %d failures, span %s, until %s", s.failures, s.span, s.until)
	}
}

// TestWalkAside: members that are set aside come after everybody else, and of
// them there is one.
func TestWalkAside(t *testing.T) {
	c := newClock()
	list := members(1, 1, 1, 1)
	p := newPool(list, []int{0, 0, 0, 1})
	set := func(ids string) {
		for _, m := range list {
			if m.health = (&health{}); strings.Contains(ids, m.id) {
				fail(m.health, c)
				c.advance(time.Millisecond) // a's time ends before b's
			}
		}
	}
	for _, step := range []struct{ aside, firsts, way string }{
		{"", "abc", "abcd"},
		{"a", "bbc", "bcda"},
		{"ab", "ccc", "cda"},
		{"abc", "ddd", "da"},
		{"abcd", "aaa", "a"},
		{"bcd", "aaa", "ab"},
	} {
		set(step.aside)
		p.levels[0].next.Store(0)
		p.levels[0].spare.Store(0)
		var firsts string
		for range 3 {
			firsts += first(p, c.now)
		}
		p.levels[0].spare.Store(0)
		if way := all(p, c.now); firsts != step.firsts || way != step.way {
			t.Errorf("without %q: first %s, way %s; want %s, %s", step.aside, firsts, way, step.firsts, step.way)
		}
	}
}

// TestWalkTrial: after its time one request tries a member; the others go
// elsewhere, until that one gives up or says how it is.
func TestWalkTrial(t *testing.T) {
	c := newClock()
	list := members(1, 1)
	p := newPool(list, []int{0, 1})
	fail(list[0].health, c)
	c.advance(firstAside)
	trying := walk{pool: p, now: c.now}
	if m := trying.next(); m.id != "a" {
		t.Fatalf("its time is over, and %s is tried", m.id)
	}
	for range 5 {
		if id := first(p, c.now); id != "b" {
			t.Fatalf("%s beside the trial", id)
		}
	}
	trying.release()
	if id := first(p, c.now); id != "a" {
		t.Errorf("%s after the trial was given up", id)
	}
}

// TestWalkWeights: the turns of a member that is set aside are shared by
// weight, exactly.
func TestWalkWeights(t *testing.T) {
	c := newClock()
	list := members(4, 3, 1, 0)
	p := newPool(list, []int{0, 0, 0, 0})
	fail(list[0].health, c)
	n := map[string]int{}
	for range 800 {
		n[first(p, c.now)]++
	}
	if want := map[string]int{"b": 600, "c": 200}; fmt.Sprint(n) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", n, want)
	}
}

// TestWalkProperties of any pool in any state: nobody is tried twice, of those
// set aside one is tried and as the last one, everybody in use is tried, and no
// trial is kept.
func TestWalkProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		c := newClock()
		var weights, priorities []int
		for range 1 + random.IntN(6) {
			weights, priorities = append(weights, random.IntN(4)), append(priorities, random.IntN(3))
		}
		list := members(weights...)
		p := newPool(list, priorities)
		state := map[string]int{} // 0 in use, 1 its time is over, 2 set aside
		free, asides := 0, 0
		for _, m := range list {
			switch state[m.id] = random.IntN(3); state[m.id] {
			case 1:
				fail(m.health, c)
				c.advance(firstAside)
			case 2:
				asides++
			}
		}
		for _, m := range list {
			if state[m.id] == 2 {
				fail(m.health, c)
			} else {
				free++
			}
		}
		way := all(p, c.now)
		for i, r := range way {
			id := string(r)
			if strings.Count(way, id) != 1 || state[id] == 2 && i != len(way)-1 {
				t.Fatalf("weights %v, priorities %v, states %v: %s", weights, priorities, state, way)
			}
		}
		for _, m := range list {
			if s := m.health.state.Load(); s != nil && s.trial.Load() {
				t.Fatalf("weights %v, priorities %v, states %v: %s, and the trial of %s is not given back", weights, priorities, state, way, m.id)
			}
		}
		if len(way) != free+min(asides, 1) {
			t.Fatalf("weights %v, priorities %v, states %v: %s, of %d free", weights, priorities, state, way, free)
		}
	}
}

// choices are pools as the hot path meets them.
func choices() map[string]*pool {
	c := newClock()
	pools := map[string]*pool{}
	for name, dead := range map[string]int{"in use": 0, "one aside": 1, "all aside": 3} {
		list := members(5, 3, 1)
		for _, m := range list[:dead] {
			m.health.failed(nil, c.now(), time.Now().Add(time.Hour), errDead)
		}
		pools[name] = newPool(list, make([]int, 3))
	}
	return pools
}

func TestChoiceAllocatesNothing(t *testing.T) {
	for name, p := range choices() {
		if n := testing.AllocsPerRun(100, func() { first(p, time.Now) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPoolChoice(b *testing.B) {
	for name, p := range choices() {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				first(p, time.Now)
			}
		})
	}
}
