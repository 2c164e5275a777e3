package nsg

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// Explanation says why a flow is allowed or denied: every group that was asked,
// the rule that decided there, and why the rules before it did not.
type Explanation struct {
	From     End    `json:"from"`
	To       End    `json:"to"`
	Protocol string `json:"protocol"`
	// Port is that of the destination; absent where the protocol has none.
	Port  int  `json:"port,omitempty"`
	Allow bool `json:"allow"`
	// Steps are in the order in which they were asked; the last decided.
	Steps []Step `json:"steps"`
	// Others are addresses of an end that is a subnet or the internet for which
	// the answer is another, one for each answer.
	Others []Other `json:"others,omitempty"`
	// More is how many of such answers have no room in Others.
	More int `json:"more,omitempty"`
}

// Step is one group that was asked, or what holds outside them.
type Step struct {
	// Direction is "outbound" or "inbound".
	Direction string `json:"direction"`
	Level     Level  `json:"level"`
	// At is the subnet or interface of the group; empty at the platform level.
	At string `json:"at,omitempty"`
	// Group is the security group; empty without one.
	Group string `json:"group,omitempty"`
	Allow bool   `json:"allow"`
	// Rule decided; at the platform level Why says more.
	Rule Shown  `json:"rule"`
	Why  string `json:"why,omitempty"`
	// Passed are the rules before it, which did not match.
	Passed []Passed `json:"passed,omitempty"`
}

// Shown is a rule as it is written.
type Shown struct {
	Name             string    `json:"name"`
	Priority         int       `json:"priority,omitempty"`
	Access           string    `json:"access"`
	Default          bool      `json:"default,omitempty"`
	Protocol         string    `json:"protocol,omitempty"`
	Source           string    `json:"source,omitempty"`
	SourcePorts      string    `json:"sourcePorts,omitempty"`
	Destination      string    `json:"destination,omitempty"`
	DestinationPorts string    `json:"destinationPorts,omitempty"`
	Place            *site.Pos `json:"place,omitempty"`
}

// Passed is a rule that did not match, and why.
type Passed struct {
	Rule Shown    `json:"rule"`
	Why  []string `json:"why"`
}

// Other is an address with another answer.
type Other struct {
	// End is "from" or "to".
	End     string     `json:"end"`
	Address netip.Addr `json:"address"`
	Allow   bool       `json:"allow"`
	Level   Level      `json:"level"`
	Rule    string     `json:"rule"`
}

const maxOthers = 8

// Explain explains the first packet of a flow from one end to a port of another,
// from a source port that is not known yet ([Packet.AnySourcePort]). An end that
// is a subnet or the internet is tried with one address; where rules tell its
// addresses apart, Others says so.
func (r *Rules) Explain(from, to End, port uint16, protocol Protocol) (*Explanation, error) {
	if err := meet(&from, &to); err != nil {
		return nil, err
	}
	x := &Explanation{From: from, To: to, Protocol: protocol.String()}
	pk := Packet{Protocol: protocol, Source: from.Address, Destination: to.Address, AnySourcePort: true}
	if protocol.HasPorts() {
		x.Port, pk.DestinationPort = int(port), port
	}
	d := r.Flow(pk)
	x.Allow = d.Allow
	x.Steps = r.steps(from.point, to.point, &pk)
	if last := x.Steps[len(x.Steps)-1]; last.Allow != d.Allow || last.Rule.Name != d.Rule.Name || last.Level != d.Level {
		// Two ways to one answer: better none than one that is not what is enforced.
		return nil, fmt.Errorf("explaining %s to %s: the rules decide by %s, the explanation by %s", from.Address, to.Address, d.Rule.ID(), last.Rule.Name)
	}
	r.others(x, pk, d)
	return x, nil
}

// steps walks the levels as [Rules.Flow] does, rule by rule.
func (r *Rules) steps(from, to *Point, pk *Packet) []Step {
	platform := func(direction string, rule *Rule, why string) Step {
		return Step{Direction: direction, Level: PlatformLevel, Allow: rule.Allow, Rule: shown(rule), Why: why}
	}
	if !connected(from, to) {
		why := fmt.Sprintf("the virtual networks %q and %q are not peered with each other", from.Subnet.VirtualNetwork.Name, to.Subnet.VirtualNetwork.Name)
		return []Step{platform("outbound", r.standing.unconnected, why)}
	}
	var out []Step
	if from != nil {
		if isPlatform(pk.Destination) {
			out = append(out, r.platformSteps(from, pk, platform)...)
		} else {
			out = append(out, levels(from, pk, false)...)
		}
		if !out[len(out)-1].Allow || to == nil {
			return out
		}
	}
	switch {
	case to == nil:
		return append(out, platform("inbound", r.standing.outside, "both ends are outside the virtual networks of the site"))
	case to.Exempt():
		return append(out, platform("inbound", r.standing.endpoint,
			fmt.Sprintf("private endpoints of subnet %q are exempt from inbound rules: its privateEndpointNetworkPolicies does not say that they hold", to.Subnet.ID())))
	}
	return append(out, levels(to, pk, true)...)
}

// platformSteps are those to the platform's own addresses.
func (r *Rules) platformSteps(from *Point, pk *Packet, platform func(string, *Rule, string) Step) []Step {
	why := fmt.Sprintf("%s is an address of the platform, which only rules that name %s, %s or %s reach", pk.Destination, tagDNS, tagMetadata, tagLicences)
	var out []Step
	for _, l := range []struct {
		g     *groupRules
		level Level
		at    string
	}{{from.nic, InterfaceLevel, from.Name()}, {from.subnet, SubnetLevel, from.Subnet.ID()}} {
		if l.g == nil || l.g.platform == nil {
			continue
		}
		s := walk(l.g, l.g.platform.rules, pk, true)
		if s.Rule.Name == "" {
			continue
		}
		s.Direction, s.Level, s.At, s.Why = "outbound", l.level, l.at, why
		if out = append(out, s); !s.Allow {
			return out
		}
	}
	if len(out) == 0 {
		out = append(out, platform("outbound", r.standing.azure, why))
	}
	return out
}

func levels(p *Point, pk *Packet, inbound bool) (out []Step) {
	add := func(g *groupRules, level Level, at string) bool {
		s := walk(g, g.list(inbound), pk, false)
		s.Direction, s.Level, s.At = "outbound", level, at
		if inbound {
			s.Direction = "inbound"
		}
		if level == SubnetLevel && g.group == nil {
			s.Why = "the subnet has no security group: the default rules hold, without AllowInternetOutBound"
		}
		out = append(out, s)
		return s.Allow
	}
	nic := func() bool { return p.nic == nil || add(p.nic, InterfaceLevel, p.Name()) }
	subnet := func() bool { return add(p.subnet, SubnetLevel, p.Subnet.ID()) }
	if inbound {
		_ = subnet() && nic()
	} else {
		_ = nic() && subnet()
	}
	return out
}

// walk asks rules one by one. Without one that matches, the step has no rule.
func walk(g *groupRules, rules []*Rule, pk *Packet, platform bool) (s Step) {
	if g.group != nil {
		s.Group = g.group.Name
	}
	for _, r := range rules {
		why := mismatch(r, pk, platform)
		if len(why) == 0 {
			s.Allow, s.Rule = r.Allow, shown(r)
			return s
		}
		s.Passed = append(s.Passed, Passed{shown(r), why})
	}
	return s
}

func shown(r *Rule) Shown {
	s := Shown{Name: r.Name, Priority: r.Priority, Access: r.Access(), Default: r.Default}
	if r.Priority == 0 {
		return s
	}
	s.Protocol, s.Source, s.Destination = r.Protocols(), r.SourceText(), r.DestinationText()
	s.SourcePorts, s.DestinationPorts = PortsText(r.SourcePorts), PortsText(r.DestinationPorts)
	if !r.Pos.IsZero() {
		s.Place = &r.Pos
	}
	return s
}

// mismatch says why a rule does not match; nothing: it does.
func mismatch(r *Rule, pk *Packet, platform bool) (why []string) {
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if !r.Any && r.Protocol != pk.Protocol {
		add("protocol %s is not %s", pk.Protocol, r.Protocol)
	}
	destination := r.Destination
	if platform {
		destination = r.platform
	}
	side := func(name string, set *netipx.IPSet, a netip.Addr, text string) {
		if set != nil && !set.Contains(a) {
			add("%s %s is not in %s", name, a, text)
		}
	}
	side("source", r.Source, pk.Source, r.SourceText())
	side("destination", destination, pk.Destination, r.DestinationText())
	if !pk.Protocol.HasPorts() {
		if len(why) == 0 && (r.SourcePorts != nil || r.DestinationPorts != nil) {
			add("%s has no ports", pk.Protocol)
		}
		return why
	}
	switch {
	case !pk.AnySourcePort && !inPorts(r.SourcePorts, pk.SourcePort):
		add("source port %d is not in %s", pk.SourcePort, PortsText(r.SourcePorts))
	case pk.AnySourcePort && !coversAnySource(r) && r.Allow:
		add("source ports %s are not every port that a connection may come from", PortsText(r.SourcePorts))
	case pk.AnySourcePort && !coversAnySource(r):
		add("source ports %s are none that a connection may come from", PortsText(r.SourcePorts))
	}
	if !inPorts(r.DestinationPorts, pk.DestinationPort) {
		add("port %d is not in %s", pk.DestinationPort, PortsText(r.DestinationPorts))
	}
	return why
}

func inPorts(list []site.PortRange, port uint16) bool {
	return list == nil || slices.ContainsFunc(list, func(p site.PortRange) bool { return p.First <= port && port <= p.Last })
}

// others looks for addresses of a subnet, or outside, that the rules answer
// otherwise: it tries the edges of everything that rules name there.
func (r *Rules) others(x *Explanation, pk Packet, d Decision) {
	seen := map[*Rule]bool{d.Rule: true}
	try := func(end string, e *End, of func(*table) *pieces[uint32], of6 func(*table) *pieces[address6], set func(netip.Addr)) {
		if e.Kind != KindSubnet && e.Kind != KindInternet {
			return
		}
		for _, a := range edgesOf(x, pk.Source.Is4(), of, of6) {
			if r.At(a) != e.point || isPlatform(a) {
				continue
			}
			set(a)
			o := r.Flow(pk)
			if seen[o.Rule] || o.Allow == d.Allow && e.Kind == KindInternet {
				continue
			}
			seen[o.Rule] = true
			if len(x.Others) == maxOthers {
				x.More++
				continue
			}
			x.Others = append(x.Others, Other{End: end, Address: a, Allow: o.Allow, Level: o.Level, Rule: o.Rule.ID()})
		}
		set(e.Address)
	}
	try("from", &x.From, func(t *table) *pieces[uint32] { return &t.source4 }, func(t *table) *pieces[address6] { return &t.source6 }, func(a netip.Addr) { pk.Source = a })
	try("to", &x.To, func(t *table) *pieces[uint32] { return &t.destination4 }, func(t *table) *pieces[address6] { return &t.destination6 }, func(a netip.Addr) { pk.Destination = a })
}

// edgesOf are the first addresses of all pieces of a dimension, of every table
// that a flow between the ends may be asked of.
func edgesOf(x *Explanation, four bool, of func(*table) *pieces[uint32], of6 func(*table) *pieces[address6]) (out []netip.Addr) {
	var list []*table
	for _, p := range []*Point{x.From.point, x.To.point} {
		if p == nil {
			continue
		}
		for _, g := range []*groupRules{p.subnet, p.nic} {
			if g != nil {
				list = append(list, g.in, g.out)
			}
		}
	}
	for _, t := range list {
		if !four {
			for _, v := range of6(t).starts {
				out = append(out, v.addr())
			}
			continue
		}
		for _, v := range of(t).starts {
			out = append(out, netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}))
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
