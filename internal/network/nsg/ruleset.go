package nsg

import (
	"fmt"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// Ruleset is rules in the form that a packet filter takes: chains of statements.
// It is what nftables is given, as text ([Rules.HostText]) and over netlink
// (package nft), and means what [Rules.Inbound] and [Rules.Outbound] mean for a
// packet whose source port is known. A chain that comes to its end, or to
// [Return], lets the packet through; a packet of a flow that was let through is
// not to be asked about again, which is for whoever hangs the chains up.
type Ruleset struct {
	// Chains stand behind the chains that they jump to.
	Chains []*Chain
	// Entries are what statements log, by number.
	Entries []Entry
	// from and to are the chains of points.
	from, to map[*Point]string
	numbers  map[Entry]int
	rules    *Rules
}

// Entry is what the log of a statement means: a rule, and where it was asked.
type Entry struct {
	Rule    *Rule
	Level   Level
	Inbound bool
}

// Decision is the entry as an answer.
func (e Entry) Decision() Decision {
	return Decision{Allow: e.Rule.Allow, Rule: e.Rule, Level: e.Level, Inbound: e.Inbound}
}

// Chain is a list of statements.
type Chain struct {
	Name       string
	Statements []Statement
}

// Family is a family of addresses.
type Family uint8

// The families of a [Statement].
const (
	AnyFamily Family = 0
	IPv4      Family = 4
	IPv6      Family = 6
)

// Verdict is what happens to a packet that a statement matches.
type Verdict uint8

// The verdicts.
const (
	// Return lets the packet through this chain.
	Return Verdict = iota
	// Drop ends it without an answer, as Azure does.
	Drop
	// Jump asks another chain, and goes on behind it; Goto does not come back.
	Jump
	Goto
)

// Statement is one line of a chain.
type Statement struct {
	Family Family
	// Protocols is nil for all.
	Protocols []Protocol
	// Source and Destination are of Family, merged and ascending; nil for any.
	Source, Destination []netipx.IPRange
	// The ports are nil for all; otherwise Protocols are such as have some.
	SourcePorts, DestinationPorts []site.PortRange
	// Entry is logged and counted; -1 for nothing.
	Entry   int
	Verdict Verdict
	// Target of Jump and Goto.
	Target string
}

// Ruleset compiles the rules of points; of all points of the network without.
func (r *Rules) Ruleset(points ...*Point) *Ruleset {
	if len(points) == 0 {
		for _, e := range r.ends() {
			points = append(points, e.point)
		}
	}
	b := &rulesetBuilder{
		set:    &Ruleset{from: map[*Point]string{}, to: map[*Point]string{}, numbers: map[Entry]int{}, rules: r},
		rules:  r,
		chains: map[chainKey]string{}, pairs: map[pairKey]string{},
	}
	for _, p := range points {
		if p == nil || b.set.from[p] != "" {
			continue
		}
		b.set.from[p], b.set.to[p] = b.out(p), b.in(p)
	}
	return b.set
}

// From is the chain that packets from a point are asked of; empty for one that
// the ruleset does not hold.
func (s *Ruleset) From(p *Point) string { return s.from[p] }

// To is the chain for packets to a point.
func (s *Ruleset) To(p *Point) string { return s.to[p] }

// NotPeered is the entry for packets between virtual networks that are not peered
// with each other.
func (s *Ruleset) NotPeered() int { return s.entry(Entry{Rule: s.rules.standing.unconnected}) }

func (s *Ruleset) entry(e Entry) int {
	i, ok := s.numbers[e]
	if !ok {
		i = len(s.Entries)
		s.Entries, s.numbers[e] = append(s.Entries, e), i
	}
	return i
}

// Connected reports whether packets find a way between two points: they are of
// one virtual network, of two that are peered with each other, or one is outside.
func (r *Rules) Connected(from, to *Point) bool { return connected(from, to) }

// chainKey names the chain of a group; pairKey that of a point, which is the same
// for all points with the same groups.
type chainKey struct {
	group *groupRules
	level Level
	part  string // "in", "out" or "platform"
}

type pairKey struct {
	subnet, nic *groupRules
	part        string
}

type rulesetBuilder struct {
	set    *Ruleset
	rules  *Rules
	chains map[chainKey]string
	pairs  map[pairKey]string
}

func (b *rulesetBuilder) add(name string, list []Statement) string {
	b.set.Chains = append(b.set.Chains, &Chain{Name: name, Statements: list})
	return name
}

// in is the chain to a point: the subnet's group, then the interface's.
func (b *rulesetBuilder) in(p *Point) string {
	key := pairKey{p.subnet, p.nic, "in"}
	if p.Exempt() {
		key = pairKey{part: "exempt"}
	}
	if name := b.pairs[key]; name != "" {
		return name
	}
	var list []Statement
	if p.Exempt() {
		list = append(list, Statement{Entry: b.set.entry(Entry{Rule: b.rules.standing.endpoint, Inbound: true})})
	} else {
		list = append(list, jump(b.group(p.subnet, SubnetLevel, "in")))
		if p.nic != nil {
			list = append(list, jump(b.group(p.nic, InterfaceLevel, "in")))
		}
	}
	b.pairs[key] = b.add(fmt.Sprintf("to_%d", len(b.pairs)), list)
	return b.pairs[key]
}

// out is the chain from a point: the interface's group, then the subnet's; to the
// platform only the rules that name it.
func (b *rulesetBuilder) out(p *Point) string {
	key := pairKey{p.subnet, p.nic, "out"}
	if name := b.pairs[key]; name != "" {
		return name
	}
	var platform, list []Statement
	for _, l := range []struct {
		g     *groupRules
		level Level
	}{{p.nic, InterfaceLevel}, {p.subnet, SubnetLevel}} {
		if l.g == nil {
			continue
		}
		if l.g.platform != nil {
			platform = append(platform, jump(b.group(l.g, l.level, "platform")))
		}
		list = append(list, jump(b.group(l.g, l.level, "out")))
	}
	platform = append(platform, Statement{Entry: b.set.entry(Entry{Rule: b.rules.standing.azure})})
	toPlatform := b.add(fmt.Sprintf("platform_%d", len(b.pairs)), platform)
	list = append([]Statement{{Family: IPv4, Destination: setOfAddresses(HostAddress(), MetadataAddress()).Ranges(), Entry: -1, Verdict: Goto, Target: toPlatform}}, list...)
	b.pairs[key] = b.add(fmt.Sprintf("from_%d", len(b.pairs)), list)
	return b.pairs[key]
}

func jump(target string) Statement { return Statement{Entry: -1, Verdict: Jump, Target: target} }

// group is the chain of a group's rules. Those that allow return, so that the
// next level is asked.
func (b *rulesetBuilder) group(g *groupRules, level Level, part string) string {
	key := chainKey{g, level, part}
	if name := b.chains[key]; name != "" {
		return name
	}
	t := g.out
	switch part {
	case "in":
		t = g.in
	case "platform":
		t = g.platform
	}
	var list []Statement
	for _, r := range t.rules {
		destination := r.Destination
		if part == "platform" {
			destination = r.platform
		}
		list = append(list, b.statements(r, destination, level)...)
	}
	b.chains[key] = b.add(fmt.Sprintf("%s_%s_%d", level, part, len(b.chains)), list)
	return b.chains[key]
}

// statements are those of a rule: one for each family of the addresses that it
// names, none where its sides cannot meet.
func (b *rulesetBuilder) statements(r *Rule, destination *netipx.IPSet, level Level) (out []Statement) {
	base := Statement{
		SourcePorts: r.SourcePorts, DestinationPorts: r.DestinationPorts,
		Entry: b.set.entry(Entry{Rule: r, Level: level, Inbound: r.Inbound}),
	}
	if !r.Allow {
		base.Verdict = Drop
	}
	ports := r.SourcePorts != nil || r.DestinationPorts != nil
	switch {
	case r.Any && ports:
		base.Protocols = []Protocol{TCP, UDP}
	case !r.Any && ports && !r.Protocol.HasPorts():
		return nil
	case !r.Any:
		base.Protocols = []Protocol{r.Protocol}
	}
	if r.Source == nil && destination == nil {
		return []Statement{base}
	}
	for _, family := range []Family{IPv4, IPv6} {
		s := base
		s.Family = family
		s.Source, s.Destination = rangesOf(r.Source, family), rangesOf(destination, family)
		if r.Source != nil && s.Source == nil || destination != nil && s.Destination == nil {
			continue
		}
		if everything(s.Source) {
			s.Source = nil
		}
		if everything(s.Destination) {
			s.Destination = nil
		}
		out = append(out, s)
	}
	return out
}

// rangesOf are the ranges of a family; nil for any, and where there is none.
func rangesOf(s *netipx.IPSet, family Family) (out []netipx.IPRange) {
	if s == nil {
		return nil
	}
	for _, r := range s.Ranges() {
		if r.From().Is4() == (family == IPv4) {
			out = append(out, r)
		}
	}
	return out
}

// everything reports whether ranges are a whole family.
func everything(list []netipx.IPRange) bool {
	return len(list) == 1 && list[0].From().IsUnspecified() && !list[0].To().Next().IsValid()
}
