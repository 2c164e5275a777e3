package dns

import (
	"net/netip"
	"sync"
	"time"
)

// rate is what becomes of an answer.
type rate int

const (
	ratePass rate = iota
	// rateSlip: an empty answer that says "by TCP", every other time.
	rateSlip
	rateDrop
)

// maxBuckets bounds the source prefixes that are counted; others share one.
const maxBuckets = 4096

// rates bound answers by UDP for each source prefix: who forges a sender has many
// of them, and only the prefix of the victim.
type rates struct {
	perSecond float64

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket // guarded by mu
	shared  bucket                   // guarded by mu
	swept   time.Time                // guarded by mu
}

// bucket holds what may be answered at once.
type bucket struct {
	spent float64 // of perSecond
	at    time.Time
	slip  bool
}

func (r *rates) take(a netip.Addr, now time.Time) rate {
	bits := 56
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return rateDrop
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[p]
	if b == nil {
		if len(r.buckets) >= maxBuckets {
			r.sweep(now)
		}
		if len(r.buckets) >= maxBuckets {
			b = &r.shared
		} else {
			b = &bucket{at: now}
			r.buckets[p] = b
		}
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.spent = max(0, b.spent-passed.Seconds()*r.perSecond)
		b.at = now
	}
	if b.spent+1 <= 2*r.perSecond {
		b.spent++
		return ratePass
	}
	if b.slip = !b.slip; b.slip {
		return rateSlip
	}
	return rateDrop
}

// sweep forgets prefixes that have not asked for a while, at most once a second.
func (r *rates) sweep(now time.Time) {
	if now.Sub(r.swept) < time.Second {
		return
	}
	r.swept = now
	for p, b := range r.buckets {
		if now.Sub(b.at).Seconds()*r.perSecond >= b.spent {
			delete(r.buckets, p)
		}
	}
}
