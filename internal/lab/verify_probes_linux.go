package lab

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

// probe is a packet that is put before the rules of one host, in one direction,
// without those of any other: two locks on one door hide it from each other when
// one of them is open.
type probe struct {
	host    *Host
	inbound bool
	packet  nsg.Packet
	// expected: what has to be reachable says that it passes.
	expected bool
}

const (
	// mostEdges bounds the addresses that are tried for one side of one rule,
	// mostPorts the ports, mostProbes the packets, and allProbes those of all rules
	// of all hosts; fewProbes is what a rule gets at least.
	mostEdges  = 12
	mostPorts  = 10
	mostProbes = 160
	fewProbes  = 8
	allProbes  = 40_000
	// firstSource is the first source port of probes, where the rule does not
	// care.
	firstSource = 40_000
)

// prober plans the probes of a network. Which packets are tried comes from the
// rules, so that whatever one opens is tried at its edges and inside; what is
// expected of them comes from what has to be reachable alone.
type prober struct {
	reach *reach
	rules *nsg.Rules
	plan  *Plan
	rnd   *rand.Rand
	each  int // packets for one rule
	found []probe
	seen  map[probeKey]bool
}

type probeKey struct {
	host    string
	inbound bool
	packet  nsg.Packet
}

func planProbes(rules *nsg.Rules, plan *Plan, r *reach, seed uint64) ([]probe, error) {
	p := &prober{reach: r, rules: rules, plan: plan, rnd: rand.New(rand.NewPCG(seed, 1)), seen: map[probeKey]bool{}}
	opening := 0
	p.eachLock(func(_ *Host, _ bool, list []*nsg.Rule) { opening += len(list) })
	if p.each = min(mostProbes, allProbes/max(1, opening)); p.each < fewProbes {
		return nil, fmt.Errorf("%d rules that allow something, counted at each host that has them, are too many to be tried; mend: verify parts of the network", opening)
	}
	p.eachLock(func(h *Host, inbound bool, list []*nsg.Rule) {
		for _, rule := range list {
			p.edges(h, inbound, rule)
		}
		p.mustPass(h, inbound)
	})
	return p.found, nil
}

// eachLock calls f for every host and direction in which rules are asked, with
// those that allow something.
func (p *prober) eachLock(f func(h *Host, inbound bool, allow []*nsg.Rule)) {
	for _, h := range p.plan.Hosts {
		point := pointOf(p.rules, p.reach.network, h)
		if point == nil {
			continue
		}
		for _, inbound := range []bool{false, true} {
			if inbound && point.Exempt() {
				continue
			}
			all := slices.Concat(point.SubnetRules(inbound), point.InterfaceRules(inbound))
			f(h, inbound, slices.DeleteFunc(all, func(r *nsg.Rule) bool { return !r.Allow }))
		}
	}
}

// edges tries what a rule lets through: where its ranges begin and end, and some
// places in them.
func (p *prober) edges(h *Host, inbound bool, rule *nsg.Rule) {
	var all []nsg.Packet
	for _, four := range []bool{true, false} {
		if h.Addr(like(four)) == (netip.Addr{}) {
			continue
		}
		for _, src := range p.addresses(rule.Source, four) {
			for _, dst := range p.addresses(rule.Destination, four) {
				for _, proto := range protocols(rule, four) {
					if !proto.HasPorts() {
						all = append(all, nsg.Packet{Protocol: proto, Source: src, Destination: dst})
						continue
					}
					for _, port := range p.ports(rule.DestinationPorts) {
						all = append(all, nsg.Packet{Protocol: proto, Source: src, Destination: dst, SourcePort: sourcePort(rule), DestinationPort: port})
					}
				}
			}
		}
	}
	p.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, packet := range all[:min(len(all), p.each)] {
		p.add(h, inbound, packet)
	}
}

// mustPass tries every line of what has to be reachable at a host of it.
func (p *prober) mustPass(h *Host, inbound bool) {
	for _, l := range p.reach.allow {
		for _, own := range h.Addrs {
			mine, other := l.from, l.to
			if inbound {
				mine, other = l.to, l.from
			}
			if !p.reach.holds(mine, own) {
				continue
			}
			for _, far := range p.members(other, own.Is4()) {
				for _, port := range l.ports {
					packet := nsg.Packet{Protocol: l.protocol, Source: own, Destination: far, SourcePort: firstSource, DestinationPort: port}
					if inbound {
						packet.Source, packet.Destination = far, own
					}
					p.add(h, inbound, packet)
				}
			}
		}
	}
}

func (p *prober) add(h *Host, inbound bool, packet nsg.Packet) {
	key := probeKey{h.Name, inbound, packet}
	if p.seen[key] || !sendable(packet) {
		return
	}
	p.seen[key] = true
	// What no link of the other end would carry to this host is not its rules'
	// to open: it stands on nobody's way.
	p.found = append(p.found, probe{host: h, inbound: inbound, packet: packet, expected: p.reach.allows(packet) && p.own(h, inbound, packet)})
}

// own reports whether a packet belongs to the host's subnet at its own end.
func (p *prober) own(h *Host, inbound bool, packet nsg.Packet) bool {
	a := packet.Source
	if inbound {
		a = packet.Destination
	}
	sub, err := p.reach.network.Subnet(h.Subnet)
	return err == nil && sub.Contains(a)
}

// members are addresses of a side.
func (p *prober) members(s side, four bool) (out []netip.Addr) {
	if s.outside {
		for _, a := range outsideAddrs {
			if a.Is4() == four {
				out = append(out, a)
			}
		}
		return out
	}
	for _, prefix := range s.prefixes {
		if r := netipx.RangeOfPrefix(prefix); prefix.Addr().Is4() == four {
			out = append(out, r.From(), r.To())
		}
	}
	return out
}

// addresses are those of a set that are tried: first the edges of its ranges,
// then hosts in it. Nil is any.
func (p *prober) addresses(set *netipx.IPSet, four bool) (out []netip.Addr) {
	var candidates []netip.Addr
	if set != nil {
		ranges := set.Ranges()
		p.rnd.Shuffle(len(ranges), func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
		for _, r := range ranges[:min(len(ranges), mostEdges)] {
			candidates = append(candidates, r.From(), r.To())
		}
	}
	candidates = append(candidates, p.landmarks()...)
	for _, a := range candidates {
		if a.Is4() == four && (set == nil || set.Contains(a)) && !slices.Contains(out, a) && len(out) < mostEdges {
			out = append(out, a)
		}
	}
	return out
}

// landmarks are addresses that mean something: hosts, the edges of subnets and of
// networks, and some outside.
func (p *prober) landmarks() (out []netip.Addr) {
	for _, h := range p.plan.Hosts {
		out = append(out, h.Addrs...)
	}
	for _, v := range p.reach.network.VirtualNetworks {
		for _, space := range v.AddressSpace {
			out = append(out, netipx.RangeOfPrefix(space).To())
		}
		for _, s := range v.Subnets {
			for _, prefix := range s.Prefixes {
				r := netipx.RangeOfPrefix(prefix)
				out = append(out, r.To().Prev(), r.To().Next())
			}
		}
	}
	return out
}

func (p *prober) ports(list []site.PortRange) (out []uint16) {
	if list == nil {
		return []uint16{1, 22, 53, 80, 443, 444, 3389, 8443, 65535}
	}
	for _, r := range list {
		for _, port := range []uint16{r.First, r.Last, r.First + (r.Last-r.First)/2} {
			if !slices.Contains(out, port) && len(out) < mostPorts {
				out = append(out, port)
			}
		}
	}
	return out
}

func sourcePort(rule *nsg.Rule) uint16 {
	if len(rule.SourcePorts) > 0 {
		return rule.SourcePorts[0].First
	}
	return firstSource
}

// protocols are those of a rule that are tried. AH is an extension header in
// IPv6, which the kernel does not match.
func protocols(rule *nsg.Rule, four bool) []nsg.Protocol {
	switch {
	case !rule.Any && rule.Protocol == nsg.AH && !four:
		return nil
	case !rule.Any:
		return []nsg.Protocol{rule.Protocol}
	case four:
		return []nsg.Protocol{nsg.TCP, nsg.UDP, nsg.ICMP}
	}
	return []nsg.Protocol{nsg.TCP, nsg.UDP, nsg.ICMPv6}
}

func like(four bool) netip.Addr {
	if four {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// sendable leaves out what no machine forwards.
func sendable(p nsg.Packet) bool {
	for _, a := range []netip.Addr{p.Source, p.Destination} {
		if a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || a.IsLinkLocalUnicast() || a == nsg.HostAddress() ||
			a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 224) {
			return false
		}
	}
	return p.Source.Is4() == p.Destination.Is4() && p.Source != p.Destination
}
