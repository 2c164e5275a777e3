package nsg

import "net/netip"

// Inbound judges a packet that arrives at a point: by the rules of its subnet,
// then by those of its interface. Nil is outside, where nothing is denied.
func (r *Rules) Inbound(p *Point, pk Packet) Decision {
	src, dst, ok := sides(&pk)
	switch {
	case !ok:
		return Decision{Rule: r.standing.unreadable, Inbound: true}
	case p == nil:
		return Decision{Allow: true, Rule: r.standing.outside, Inbound: true}
	case p.Exempt():
		return Decision{Allow: true, Rule: r.standing.endpoint, Inbound: true}
	}
	d := decide(p.subnet.in, &pk, src, dst, SubnetLevel)
	if d.Allow && p.nic != nil {
		d = decide(p.nic.in, &pk, src, dst, InterfaceLevel)
	}
	d.Inbound = true
	return d
}

// Outbound judges a packet that leaves a point: by the rules of its interface,
// then by those of its subnet. Nil is outside, where nothing is denied.
func (r *Rules) Outbound(p *Point, pk Packet) Decision {
	src, dst, ok := sides(&pk)
	switch {
	case !ok:
		return Decision{Rule: r.standing.unreadable}
	case p == nil:
		return Decision{Allow: true, Rule: r.standing.outside}
	case isPlatform(dst):
		return r.toPlatform(p, &pk, src, dst)
	}
	if p.nic != nil {
		if d := decide(p.nic.out, &pk, src, dst, InterfaceLevel); !d.Allow {
			return d
		}
	}
	return decide(p.subnet.out, &pk, src, dst, SubnetLevel)
}

// Flow judges the first packet of a flow from end to end: out of the point that
// has its source, then into the one that has its destination. The answers of the
// flow are not asked about. Points of virtual networks that are not peered do not
// reach each other.
func (r *Rules) Flow(pk Packet) Decision {
	if _, _, ok := sides(&pk); !ok {
		return Decision{Rule: r.standing.unreadable}
	}
	from, to := r.At(pk.Source), r.At(pk.Destination)
	if !connected(from, to) {
		return Decision{Rule: r.standing.unconnected}
	}
	if d := r.Outbound(from, pk); !d.Allow || to == nil && from != nil {
		return d
	}
	return r.Inbound(to, pk)
}

// connected reports whether packets find a way from one point to another at all.
// A peering holds when both networks have it.
func connected(from, to *Point) bool {
	if from == nil || to == nil {
		return true
	}
	a, b := from.Subnet.VirtualNetwork, to.Subnet.VirtualNetwork
	if a == b {
		return true
	}
	var there, back bool
	for _, p := range a.Peerings {
		there = there || p.Remote == b
	}
	for _, p := range b.Peerings {
		back = back || p.Remote == a
	}
	return there && back
}

// sides are the addresses of a packet as rules know them; ok is false for those
// that no packet can have.
func sides(pk *Packet) (source, destination netip.Addr, ok bool) {
	source, destination = plain(pk.Source), plain(pk.Destination)
	return source, destination, source.IsValid() && destination.IsValid() && source.Is4() == destination.Is4()
}

func decide(t *table, pk *Packet, source, destination netip.Addr, level Level) Decision {
	r := t.first(pk, source, destination) // DenyAll is the last, so there is one
	return Decision{Allow: r.Allow, Rule: r, Level: level}
}

func isPlatform(a netip.Addr) bool { return a == HostAddress() || a == MetadataAddress() }

// toPlatform judges a packet to the platform's own addresses: only rules that
// name them by their tags hold.
func (r *Rules) toPlatform(p *Point, pk *Packet, src, dst netip.Addr) Decision {
	d := Decision{Allow: true, Rule: r.standing.azure}
	ask := func(g *groupRules, level Level) {
		if !d.Allow || g == nil || g.platform == nil {
			return
		}
		if rule := g.platform.first(pk, src, dst); rule != nil {
			d = Decision{Allow: rule.Allow, Rule: rule, Level: level}
		}
	}
	ask(p.nic, InterfaceLevel)
	ask(p.subnet, SubnetLevel)
	return d
}
