package backend

import (
	"cmp"
	"iter"
	"slices"
	"sync/atomic"
)

// pool chooses among services: the lowest priority first, and within one
// priority by weight.
type pool struct{ levels []*level }

// level is one priority.
type level struct {
	services []*member
	// sequence holds each service, by index, as often as its weight says,
	// spread evenly; next runs along it. Turns are exact where chance would
	// only come near, and need no lock.
	sequence []int
	next     atomic.Uint64
}

// member is a service with its share.
type member struct {
	*service
	weight int
}

// newPool makes a pool; priorities[i] is that of members[i].
func newPool(members []*member, priorities []int) *pool {
	byPriority := map[int]*level{}
	var order []int
	for i, m := range members {
		l := byPriority[priorities[i]]
		if l == nil {
			l = &level{}
			byPriority[priorities[i]] = l
			order = append(order, priorities[i])
		}
		l.services = append(l.services, m)
	}
	slices.Sort(order)
	p := &pool{}
	for _, priority := range order {
		l := byPriority[priority]
		l.sequence = sequence(l.services)
		p.levels = append(p.levels, l)
	}
	return p
}

// sequence spreads turns evenly: at each turn every service gains its weight,
// and the one that has most pays the sum of all. With weights 5, 1, 1 that is
// a a b a c a a.
func sequence(list []*member) []int {
	total, divisor := 0, 0
	for _, m := range list {
		total += m.weight
		divisor = gcd(divisor, m.weight)
	}
	if total == 0 { // all are equal
		turns := make([]int, len(list))
		for i := range turns {
			turns[i] = i
		}
		return turns
	}
	total /= divisor
	gained := make([]int, len(list))
	turns := make([]int, 0, total)
	for range total {
		best := 0
		for i, m := range list {
			gained[i] += m.weight / divisor
			if gained[i] > gained[best] {
				best = i
			}
		}
		gained[best] -= total
		turns = append(turns, best)
	}
	return turns
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// all yields every member once, in the order in which they are to be tried.
// Those of weight 0 come last in their priority.
func (p *pool) all() iter.Seq[*member] {
	return func(yield func(*member) bool) {
		for _, l := range p.levels {
			if !l.all(yield) {
				return
			}
		}
	}
}

func (l *level) all(yield func(*member) bool) bool {
	start := int((l.next.Add(1) - 1) % uint64(len(l.sequence)))
	first := l.sequence[start]
	if !yield(l.services[first]) {
		return false
	}
	seen := make([]bool, len(l.services))
	seen[first] = true
	for i := range l.sequence {
		if turn := l.sequence[(start+i)%len(l.sequence)]; !seen[turn] {
			seen[turn] = true
			if !yield(l.services[turn]) {
				return false
			}
		}
	}
	for i, m := range l.services {
		if !seen[i] && !yield(m) {
			return false
		}
	}
	return true
}

// byPathLength sorts backends for the longest match, then by id.
func byPathLength(a, b *Backend) int {
	return cmp.Or(cmp.Compare(len(b.base.escaped), len(a.base.escaped)), cmp.Compare(a.id, b.id))
}
