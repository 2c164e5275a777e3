package backend

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// pool chooses among services: the lowest priority first, and within one
// priority by weight.
type pool struct {
	levels []*level
	size   int
}

// level is one priority.
type level struct {
	services []*member
	// sequence holds each service, by index, as often as its weight says,
	// spread evenly; next runs along it. Turns are exact where chance would
	// only come near, and need no lock.
	sequence []int
	next     atomic.Uint64
	// spare counts the turns of members that are set aside.
	spare atomic.Uint64
}

// member is a service with its share of a priority.
type member struct {
	*service
	weight int
	// share is the turns that it has in a sequence.
	share int
	// index is its place in the pool.
	index int
	// token is what the cookie of a session says for it.
	token string
}

// newPool makes a pool; priorities[i] is that of members[i].
func newPool(members []*member, priorities []int) *pool {
	byPriority := map[int]*level{}
	var order []int
	for i, m := range members {
		m.index = i
		l := byPriority[priorities[i]]
		if l == nil {
			l = &level{}
			byPriority[priorities[i]] = l
			order = append(order, priorities[i])
		}
		l.services = append(l.services, m)
	}
	slices.Sort(order)
	p := &pool{size: len(members)}
	for _, priority := range order {
		l := byPriority[priority]
		setShares(l.services)
		l.sequence = sequence(l.services)
		p.levels = append(p.levels, l)
	}
	return p
}

// setShares reduces weights. Without any weight all are equal.
func setShares(list []*member) {
	divisor := 0
	for _, m := range list {
		divisor = gcd(divisor, m.weight)
	}
	for _, m := range list {
		m.share = 1
		if divisor > 0 {
			m.share = m.weight / divisor
		}
	}
}

// sequence spreads turns evenly: at each turn every service gains its share,
// and the one that has most pays the sum of all. With shares 5, 1, 1 that is
// a a b a c a a.
func sequence(list []*member) []int {
	total := 0
	for _, m := range list {
		total += m.share
	}
	gained := make([]int, len(list))
	turns := make([]int, 0, total)
	for range total {
		best := 0
		for i, m := range list {
			gained[i] += m.share
			if gained[i] > gained[best] {
				best = i
			}
		}
		gained[best] -= total
		turns = append(turns, best)
	}
	return turns
}

// turn is the member whose turn it is.
func (l *level) turn() *member {
	return l.services[l.sequence[(l.next.Add(1)-1)%uint64(len(l.sequence))]]
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// byPathLength sorts backends for the longest match, then by id.
func byPathLength(a, b *Backend) int {
	return cmp.Or(cmp.Compare(len(b.base.escaped), len(a.base.escaped)), cmp.Compare(a.id, b.id))
}
