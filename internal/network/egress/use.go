package egress

import (
	"cmp"
	"log/slog"
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"sync"
)

// Use is one attempt to reach something: opened, failed, or refused.
type Use struct {
	Class Class
	Host  string
	Port  uint16
	// Addr is what was connected to or judged; invalid where there was none.
	Addr netip.Addr
	// Public is true for a public address that the site lists as such.
	Public bool
	// Err is nil for a connection that was opened, a [*RefusedError] for one
	// that was not tried, else why it failed.
	Err error
}

// Outcomes of a [Count] beside the codes of refusals.
const (
	Opened = "opened"
	Failed = "failed"
)

// Count is how often something happened since the dialer was made.
type Count struct {
	Class Class
	// Outcome is [Opened], [Failed], or the code of a [RefusedError].
	Outcome string
	Public  bool
	N       uint64
}

// counters count by class, outcome and public: few keys, none from a caller.
type counters struct {
	mu sync.Mutex
	n  map[Count]uint64 // keyed by a Count with N 0
}

func (c *counters) add(k Count) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[Count]uint64{}
	}
	c.n[k]++
	return c.n[k]
}

// Counts are all counters, in a stable order.
func (d *Dialer) Counts() []Count {
	d.counts.mu.Lock()
	n := maps.Clone(d.counts.n)
	d.counts.mu.Unlock()
	var list []Count
	for k, v := range n {
		k.N = v
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Outcome, b.Outcome), boolCompare(a.Public, b.Public))
	})
	return list
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// use counts and reports an attempt that was made.
func (d *Dialer) use(u Use) {
	outcome := Opened
	if u.Err != nil {
		outcome = Failed
	}
	d.counts.add(Count{Class: u.Class, Outcome: outcome, Public: u.Public})
	if d.opt.OnUse != nil {
		d.opt.OnUse(u)
	}
}

// refuse counts, reports and logs a refusal. A policy in a loop could refuse
// a thousand times a second, so the log gets the 1st, 2nd, 4th, 8th, … of
// each class and code; OnUse gets all.
func (d *Dialer) refuse(e *RefusedError) *RefusedError {
	n := d.counts.add(Count{Class: e.Class, Outcome: e.Code})
	if bits.OnesCount64(n) == 1 {
		d.opt.Log.Warn("connection refused by egress", slog.String("class", string(e.Class)), slog.String("host", e.Host),
			slog.Int("port", int(e.Port)), slog.String("address", addrText(e.Addr)), slog.String("code", e.Code),
			slog.String("reason", e.Reason), slog.Uint64("count", n))
	}
	if d.opt.OnUse != nil {
		d.opt.OnUse(Use{Class: e.Class, Host: e.Host, Port: e.Port, Addr: e.Addr, Err: e})
	}
	return e
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
