package nsg

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// maxTables bounds the memory of all tables of a network, in bytes.
const maxTables = 64 << 20

// maxEdges bounds the work for one dimension of one group: how many ranges its
// rules have, twice, tags resolved.
const maxEdges = 2 << 20

// firstEphemeral is the first port that a system may choose by itself as the
// source of a connection. Systems differ (Linux begins at 32768, IANA at 49152)
// and can be told otherwise; below 1024 a program has to ask.
const firstEphemeral = 1024

// A table answers which of its rules is the first that matches a packet. Every
// dimension (protocol, two addresses, two ports) is cut at the edges of the
// rules' ranges; each piece has a set of bits, one for each rule that holds
// there. A lookup finds five pieces by binary search, joins their sets, and takes
// the lowest bit. Pieces with equal sets share one.
//
// A decision tree over all dimensions would look at less, but may grow with the
// product of the dimensions, and a site must not be able to ask for that.
type table struct {
	rules []*Rule
	words int
	// sets are the sets of bits, words each.
	sets []uint64
	// protocols has a set for each protocol that rules can name, and at 0 that of
	// all others.
	protocols [256]uint32
	// noPorts is the set of rules with all ports; anySource that for a source
	// port that is not known.
	noPorts, anySource            uint32
	source4, destination4         pieces[uint32]
	source6, destination6         pieces[address6]
	sourcePorts, destinationPorts pieces[uint32]
	budget                        int
	interned                      map[string]uint32
}

// pieces are a dimension: starts ascend from the lowest value on, and sets has
// the set of the piece that begins there.
type pieces[K any] struct {
	starts []K
	sets   []uint32
}

// address6 is an IPv6 address as a number.
type address6 struct{ high, low uint64 }

func (a address6) compare(b address6) int {
	switch {
	case a.high < b.high || a.high == b.high && a.low < b.low:
		return -1
	case a == b:
		return 0
	}
	return 1
}

func (a address6) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.high)
	binary.BigEndian.PutUint64(b[8:], a.low)
	return netip.AddrFrom16(b)
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func number6(a netip.Addr) address6 {
	b := a.As16()
	return address6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// newTable compiles rules, which are in the order in which they are asked; nil
// where it would need more than budget bytes.
func newTable(rules []*Rule, platform bool, budget int) *table {
	t := &table{rules: rules, words: (len(rules) + 63) / 64, budget: budget, interned: map[string]uint32{}}
	t.protocolSets()
	t.portSets()
	source := func(r *Rule) *netipx.IPSet { return r.Source }
	destination := func(r *Rule) *netipx.IPSet {
		if platform {
			return r.platform
		}
		return r.Destination
	}
	t.source4, t.source6 = t.addresses(source)
	t.destination4, t.destination6 = t.addresses(destination)
	t.interned = nil
	if t.budget < 0 {
		return nil
	}
	t.sets = slices.Clip(t.sets)
	return t
}

// size is what the table takes of the budget, in bytes.
func (t *table) size() int {
	return 8*(len(t.sets)+len(t.source4.starts)+len(t.destination4.starts)+len(t.sourcePorts.starts)+len(t.destinationPorts.starts)) +
		20*(len(t.source6.starts)+len(t.destination6.starts))
}

// intern is the number of a set.
func (t *table) intern(set []uint64) uint32 {
	key := make([]byte, 0, 512)
	for _, w := range set {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	if id, ok := t.interned[string(key)]; ok {
		return id
	}
	t.budget -= 8 * len(set)
	if t.budget < 0 {
		return 0 // the table is given up
	}
	id := uint32(len(t.sets) / t.words)
	t.sets = append(t.sets, set...)
	t.interned[string(key)] = id
	return id
}

// which interns the set of the rules for which holds is true.
func (t *table) which(holds func(*Rule) bool) uint32 {
	set := make([]uint64, t.words)
	for i, r := range t.rules {
		if holds(r) {
			set[i/64] |= 1 << (i % 64)
		}
	}
	return t.intern(set)
}

func (t *table) protocolSets() {
	other := t.which(func(r *Rule) bool { return r.Any })
	for i := range t.protocols {
		t.protocols[i] = other
	}
	for _, p := range []Protocol{ICMP, TCP, UDP, ESP, AH} {
		t.protocols[p] = t.which(func(r *Rule) bool { return r.Any || r.Protocol == p })
	}
}

func (t *table) portSets() {
	t.noPorts = t.which(func(r *Rule) bool { return r.SourcePorts == nil && r.DestinationPorts == nil })
	t.anySource = t.which(coversAnySource)
	dimension := func(of func(*Rule) []site.PortRange) pieces[uint32] {
		var edges []edge[uint32]
		for i, r := range t.rules {
			for _, p := range portsOr(of(r)) {
				edges = append(edges, edge[uint32]{uint32(p.First), i, true}, edge[uint32]{uint32(p.Last) + 1, i, false})
			}
		}
		return cut(t, edges, func(a, b uint32) int { return int(a) - int(b) })
	}
	t.sourcePorts = dimension(func(r *Rule) []site.PortRange { return r.SourcePorts })
	t.destinationPorts = dimension(func(r *Rule) []site.PortRange { return r.DestinationPorts })
}

// portsOr are the ranges of a rule, all where it names none.
func portsOr(list []site.PortRange) []site.PortRange {
	if list == nil {
		return []site.PortRange{{First: 0, Last: 65535}}
	}
	return list
}

// coversAnySource reports whether a rule matches a source port that is not known
// yet: an Allow has to hold for every port that it may turn out to be, a Deny for
// any of them.
func coversAnySource(r *Rule) bool {
	for _, p := range portsOr(r.SourcePorts) {
		if r.Allow && p.First <= firstEphemeral && p.Last == 65535 || !r.Allow && p.Last >= firstEphemeral {
			return true
		}
	}
	return false
}

func (t *table) addresses(of func(*Rule) *netipx.IPSet) (pieces[uint32], pieces[address6]) {
	var four []edge[uint32]
	var six []edge[address6]
	for i, r := range t.rules {
		set := of(r)
		if set == nil {
			four, six = append(four, edge[uint32]{0, i, true}), append(six, edge[address6]{address6{}, i, true})
			continue
		}
		for _, rng := range set.Ranges() {
			from, to := rng.From(), rng.To()
			end := to.Next() // invalid behind the last address
			switch {
			case from.Is4():
				four = append(four, edge[uint32]{number4(from), i, true})
				if end.IsValid() {
					four = append(four, edge[uint32]{number4(end), i, false})
				}
			default:
				six = append(six, edge[address6]{number6(from), i, true})
				if end.IsValid() {
					six = append(six, edge[address6]{number6(end), i, false})
				}
			}
		}
		if len(four)+len(six) > maxEdges {
			t.budget = -1
			break
		}
	}
	return cut(t, four, func(a, b uint32) int {
			switch {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		}),
		cut(t, six, address6.compare)
}

// edge is where a rule begins or ceases to hold in a dimension.
type edge[K any] struct {
	at     K
	rule   int
	begins bool
}

// cut makes the pieces of a dimension. The ranges of one rule do not overlap.
func cut[K comparable](t *table, edges []edge[K], compare func(a, b K) int) pieces[K] {
	slices.SortFunc(edges, func(a, b edge[K]) int { return compare(a.at, b.at) })
	set := make([]uint64, t.words)
	var lowest K
	p := pieces[K]{starts: []K{lowest}}
	for i := 0; i < len(edges) && t.budget >= 0; {
		at := edges[i].at
		if at != p.starts[len(p.starts)-1] {
			p.close(t, set)
			p.starts = append(p.starts, at)
		}
		for ; i < len(edges) && edges[i].at == at; i++ {
			// Where one range of a rule ends and the next begins, both edges count.
			set[edges[i].rule/64] ^= 1 << (edges[i].rule % 64)
		}
	}
	p.close(t, set)
	return p
}

// close gives the last piece its set; a piece that has the set of the one before
// is joined to it.
func (p *pieces[K]) close(t *table, set []uint64) {
	id := t.intern(set)
	if n := len(p.sets); n > 0 && p.sets[n-1] == id {
		p.starts = p.starts[:n]
		return
	}
	p.sets = append(p.sets, id)
	t.budget -= 20
}

// first is the first rule that matches; nil for none. The addresses are plain
// and of one family.
func (t *table) first(p *Packet, source, destination netip.Addr) *Rule {
	i := t.index(p, source, destination)
	if i < 0 {
		return nil
	}
	return t.rules[i]
}

func (t *table) index(p *Packet, source, destination netip.Addr) int {
	var src, dst uint32
	if source.Is4() {
		src, dst = find4(&t.source4, number4(source)), find4(&t.destination4, number4(destination))
	} else {
		src, dst = find6(&t.source6, number6(source)), find6(&t.destination6, number6(destination))
	}
	sport, dport := t.noPorts, t.noPorts
	if p.Protocol.HasPorts() {
		dport = find4(&t.destinationPorts, uint32(p.DestinationPort))
		sport = t.anySource
		if !p.AnySourcePort {
			sport = find4(&t.sourcePorts, uint32(p.SourcePort))
		}
	}
	a, b := t.set(src), t.set(dst)
	c, d, e := t.set(sport), t.set(dport), t.set(t.protocols[p.Protocol])
	for i := range a {
		if w := a[i] & b[i] & c[i] & d[i] & e[i]; w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func (t *table) set(id uint32) []uint64 {
	at := int(id) * t.words
	return t.sets[at : at+t.words]
}

func find4(p *pieces[uint32], v uint32) uint32 {
	low, high := 0, len(p.starts)
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); p.starts[mid] <= v {
			low = mid
		} else {
			high = mid
		}
	}
	return p.sets[low]
}

func find6(p *pieces[address6], v address6) uint32 {
	low, high := 0, len(p.starts)
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); p.starts[mid].compare(v) <= 0 {
			low = mid
		} else {
			high = mid
		}
	}
	return p.sets[low]
}
