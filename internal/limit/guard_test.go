package limit

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// testBounds are bounds that tests reach.
var testBounds = &Bounds{ConnectionsPerClient: 2, ConnectionsPerPrefix: 3, RequestsPerClient: 2, BanFor: time.Minute}

func guardAt(pressure float64) *Guard {
	g := &gauge{pressure: pressure}
	guard := NewGuard(GuardOptions{Monitors: []Monitor{g.monitor("memory", Normal)}})
	guard.Ladder().Sample()
	return guard
}

// TestWhoComesFirst is the order of priorities.
func TestWhoComesFirst(t *testing.T) {
	a := addr("10.0.0.1")
	for _, row := range []struct {
		pressure                     float64
		connection, stranger, caller Verdict
	}{
		{0.94, Pass, Pass, Pass},
		{0.95, Overloaded, Overloaded, Pass},
		{0.98, Overloaded, Overloaded, Overloaded},
	} {
		g := guardAt(row.pressure)
		if got := g.Accept(a, false, testBounds); got != row.connection {
			t.Errorf("at %v a connection: %v", row.pressure, got)
		}
		if got := g.Begin(a, false, testBounds); got != row.stranger {
			t.Errorf("at %v a stranger's request: %v", row.pressure, got)
		}
		if got := g.Begin(a, true, testBounds); got != row.caller {
			t.Errorf("at %v a caller's request: %v", row.pressure, got)
		}
	}
}

func TestGuardCaps(t *testing.T) {
	g := guardAt(0)
	a, b, c := addr("10.0.0.1"), addr("10.0.0.2"), addr("10.0.0.3")
	for i, row := range []struct {
		peer netip.Addr
		want Verdict
	}{{a, Pass}, {a, Pass}, {a, OverClient}, {b, Pass}, {c, OverPrefix}} {
		if got := g.Accept(row.peer, false, testBounds); got != row.want {
			t.Errorf("connection %d: %v, want %v", i, got, row.want)
		}
	}
	if got := g.Accept(a, true, testBounds); got != Pass {
		t.Errorf("a trusted proxy over the cap: %v", got)
	}
	g.Closed(a)
	if got := g.Accept(a, false, testBounds); got != Pass {
		t.Errorf("after one has closed: %v", got)
	}
	for i, want := range []Verdict{Pass, Pass, OverClient} {
		if got := g.Begin(a, false, testBounds); got != want {
			t.Errorf("request %d: %v, want %v", i, got, want)
		}
	}
	g.End(a)
	if got := g.Begin(a, false, testBounds); got != Pass {
		t.Errorf("after one has ended: %v", got)
	}
}

func TestGuardBans(t *testing.T) {
	g := guardAt(0)
	a := addr("10.0.0.1")
	blameUntilBanned(g.Bans(), a)
	if got := g.Accept(a, false, testBounds); got != Banned {
		t.Errorf("a connection: %v", got)
	}
	if got := g.Accept(a, true, testBounds); got != Pass {
		t.Errorf("a trusted proxy: %v", got)
	}
	if got := g.Begin(a, true, testBounds); got != Banned {
		t.Errorf("a request: %v", got)
	}
	if got := g.Begin(a, true, &Bounds{}); got != Pass {
		t.Errorf("where nobody is banned: %v", got)
	}
}

func TestStatus(t *testing.T) {
	g := guardAt(0.96)
	blameUntilBanned(g.Bans(), addr("2001:db8::1"))
	text, err := json.Marshal(g.Status())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"level":"shed"`, `"pressure":0.96`, `{"name":"memory","pressure":0.96}`, `"banned":1`,
		`{"client":"2001:db8::/64","cause":"framing","forSeconds":60,"leftSeconds":59,"times":1}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

// TestRequestAllocatesNothing: the hot path of the guard.
func TestRequestAllocatesNothing(t *testing.T) {
	g := guardAt(0.5)
	blameUntilBanned(g.Bans(), addr("10.9.9.9"))
	a, b := addr("10.0.0.1"), addr("2001:db8::1")
	if n := testing.AllocsPerRun(1000, func() {
		for _, a := range [...]netip.Addr{a, b} {
			if g.Accept(a, false, testBounds) == Pass {
				g.Closed(a)
			}
			if g.Begin(a, false, testBounds) == Pass {
				g.End(a)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	g := guardAt(0.5)
	blameUntilBanned(g.Bans(), addr("10.9.9.9")) // the slower way
	bounds := &Bounds{RequestsPerClient: 5000, BanFor: time.Minute}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		a := addr("10.0.0.1")
		for pb.Next() {
			if g.Begin(a, false, bounds) == Pass {
				g.End(a)
			}
		}
	})
}

// BenchmarkSample is what the ladder costs four times a second.
func BenchmarkSample(b *testing.B) {
	l := NewLadder(SystemMonitors(SystemOptions{})...)
	for b.Loop() {
		l.Sample()
	}
}
