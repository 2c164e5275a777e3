package nsg

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// groupRules are the rules of one security group in one virtual network, or
// those that a subnet without one has.
type groupRules struct {
	group   *site.SecurityGroup // nil without one
	in, out *table
	// platform holds the outbound rules that name a tag of the platform, with
	// that tag's addresses alone as destination; nil where none does.
	platform *table
}

func (g *groupRules) list(inbound bool) []*Rule {
	if inbound {
		return g.in.rules
	}
	return g.out.rules
}

// groupKey: a group means different addresses in different virtual networks.
type groupKey struct {
	group *site.SecurityGroup
	vn    *site.VirtualNetwork
}

// compiler holds what is known while a network is compiled.
type compiler struct {
	network *site.Network
	ps      *site.Problems
	tags    map[*site.VirtualNetwork]*tags
	groups  map[groupKey]*groupRules
	members map[*site.ApplicationSecurityGroup]*netipx.IPSet
	// left is how much memory tables may still take, in bytes.
	left int
}

// Compile compiles the rules of a network; nil has none, and every address is
// outside. With errors the rules are nil. A subnet without a security group is a
// warning.
func Compile(n *site.Network) (*Rules, site.Problems) { return compile(n, maxTables) }

// compile compiles rules whose tables need no more than limit bytes.
func compile(n *site.Network, limit int) (*Rules, site.Problems) {
	if n == nil {
		n = &site.Network{}
	}
	var ps site.Problems
	check(n, &ps)
	if ps.HasErrors() {
		return nil, ps
	}
	c := &compiler{
		network: n, ps: &ps,
		tags:    map[*site.VirtualNetwork]*tags{},
		groups:  map[groupKey]*groupRules{},
		members: membersOf(n),
		left:    limit,
	}
	r := &Rules{
		network:    n,
		subnets:    map[*site.Subnet]*Point{},
		interfaces: map[*site.NetworkInterface]*Point{},
		endpoints:  map[*site.PrivateEndpoint]*Point{},
		byAddress:  map[netip.Addr]*Point{},
		standing:   newStanding(),
	}
	c.points(r)
	if ps.HasErrors() {
		return nil, ps
	}
	return r, ps
}

// membersOf are the addresses of application security groups.
func membersOf(n *site.Network) map[*site.ApplicationSecurityGroup]*netipx.IPSet {
	builders := map[*site.ApplicationSecurityGroup]*netipx.IPSetBuilder{}
	add := func(groups []*site.ApplicationSecurityGroup, list []netip.Addr) {
		for _, g := range groups {
			if builders[g] == nil {
				builders[g] = &netipx.IPSetBuilder{}
			}
			for _, a := range list {
				builders[g].Add(plain(a))
			}
		}
	}
	for _, nic := range n.Interfaces {
		add(nic.Groups, nic.Addresses)
	}
	for _, e := range n.PrivateEndpoints {
		add(e.Groups, e.Addresses)
	}
	out := map[*site.ApplicationSecurityGroup]*netipx.IPSet{}
	for g, b := range builders {
		out[g] = setOf(b)
	}
	return out
}

func (c *compiler) points(r *Rules) {
	for _, vn := range c.network.VirtualNetworks {
		c.tags[vn] = tagsOf(c.network, vn)
		for _, s := range vn.Subnets {
			p := &Point{Subnet: s, subnet: c.group(s.SecurityGroup, vn)}
			r.subnets[s] = p
			for _, pre := range s.Prefixes {
				r.prefixes = append(r.prefixes, prefixPoint{pre.Masked(), p})
			}
		}
	}
	for _, nic := range c.network.Interfaces {
		p := &Point{Subnet: nic.Subnet, Interface: nic, subnet: r.subnets[nic.Subnet].subnet}
		if nic.SecurityGroup != nil {
			p.nic = c.group(nic.SecurityGroup, nic.Subnet.VirtualNetwork)
		}
		r.interfaces[nic] = p
		for _, a := range nic.Addresses {
			r.byAddress[plain(a)] = p
		}
	}
	for _, e := range c.network.PrivateEndpoints {
		p := &Point{Subnet: e.Subnet, Endpoint: e, subnet: r.subnets[e.Subnet].subnet}
		r.endpoints[e] = p
		for _, a := range e.Addresses {
			r.byAddress[plain(a)] = p
		}
	}
	// The longest first, so that the nearest subnet has an address.
	slices.SortStableFunc(r.prefixes, func(a, b prefixPoint) int { return cmp.Compare(b.prefix.Bits(), a.prefix.Bits()) })
}

// group compiles a group for a virtual network, once.
func (c *compiler) group(g *site.SecurityGroup, vn *site.VirtualNetwork) *groupRules {
	key := groupKey{g, vn}
	if out := c.groups[key]; out != nil {
		return out
	}
	t := c.tags[vn]
	var in, out, platform []*Rule
	if g != nil {
		for _, w := range g.Rules {
			rule := c.rule(g, w, t)
			switch {
			case rule.Inbound:
				in = append(in, rule)
			default:
				out = append(out, rule)
			}
		}
	}
	in, out = append(in, defaultRules(g, t, true)...), append(out, defaultRules(g, t, false)...)
	for _, list := range [][]*Rule{in, out} {
		slices.SortStableFunc(list, func(a, b *Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	}
	for _, rule := range out {
		if rule.platform != nil {
			platform = append(platform, rule)
		}
	}
	gr := &groupRules{group: g, in: c.table(g, in, false), out: c.table(g, out, false)}
	if len(platform) > 0 {
		gr.platform = c.table(g, platform, true)
	}
	c.groups[key] = gr
	return gr
}

// table compiles rules that are in order; platform takes their destinations for
// those of the platform's tags.
func (c *compiler) table(g *site.SecurityGroup, rules []*Rule, platform bool) *table {
	t := newTable(rules, platform, c.left)
	if t == nil && c.left == 0 {
		return &table{rules: rules} // was said
	}
	if t == nil {
		pos := site.Pos{}
		if g != nil {
			pos = g.Pos
		}
		c.ps.Add(pos, "security-group-too-large", "", "name fewer prefixes, or regional tags instead of whole ones",
			"the rules of the network need more than %d MiB of memory", maxTables>>20)
		c.left = 0
		return &table{rules: rules}
	}
	c.left -= t.size()
	return t
}

// rule resolves a rule of a group for a virtual network.
func (c *compiler) rule(g *site.SecurityGroup, w *site.SecurityRule, t *tags) *Rule {
	r := &Rule{
		Group: g.Name, Name: w.Name, Priority: w.Priority, Inbound: w.Inbound, Allow: w.Allow, Pos: w.Pos,
		SourcePorts: mergePorts(w.SourcePorts), DestinationPorts: mergePorts(w.DestinationPorts),
		Source: c.side(&w.Source, t), Destination: c.side(&w.Destination, t), written: w,
	}
	r.Protocol, r.Any, _ = protocolOf(w.Protocol)
	var b netipx.IPSetBuilder
	for _, tag := range w.Destination.Tags {
		for _, a := range platformTag(lower(tag.Name)) {
			b.Add(a)
		}
	}
	if s := setOf(&b); len(s.Ranges()) > 0 {
		r.platform = s
	}
	return r
}

// side is one side of a rule as addresses; nil for any.
func (c *compiler) side(s *site.RuleAddresses, t *tags) *netipx.IPSet {
	if s.Any {
		return nil
	}
	var b netipx.IPSetBuilder
	for _, p := range s.Prefixes {
		b.AddPrefix(p.Masked())
	}
	for _, tag := range s.Tags {
		if set := t.find(tag.Name); set != nil {
			b.AddSet(set)
		}
	}
	for _, g := range s.Groups {
		if set := c.members[g]; set != nil {
			b.AddSet(set)
		}
	}
	return setOf(&b)
}

// defaultRules are those that every group has. A subnet without a group has them
// without AllowInternetOutBound: what Azure leaves open is closed here.
func defaultRules(g *site.SecurityGroup, t *tags, inbound bool) []*Rule {
	base := Rule{Inbound: inbound, Default: true, Any: true}
	if g != nil {
		base.Group, base.Pos = g.Name, g.Pos
	}
	vn, load, outside := t.find(tagVirtualNetwork), t.find(tagLoadBalancer), t.find(tagInternet)
	add := func(name string, priority int, allow bool, from, to *netipx.IPSet, sides ...string) *Rule {
		r := base
		r.Name, r.Priority, r.Allow, r.Source, r.Destination = name, priority, allow, from, to
		r.sides = [2]string(sides)
		return &r
	}
	if inbound {
		return []*Rule{
			add("AllowVnetInBound", 65000, true, vn, vn, tagVirtualNetwork, tagVirtualNetwork),
			add("AllowAzureLoadBalancerInBound", 65001, true, load, nil, tagLoadBalancer, "*"),
			add("DenyAllInBound", 65500, false, nil, nil, "*", "*"),
		}
	}
	out := []*Rule{add("AllowVnetOutBound", 65000, true, vn, vn, tagVirtualNetwork, tagVirtualNetwork)}
	if g != nil {
		out = append(out, add("AllowInternetOutBound", 65001, true, nil, outside, "*", tagInternet))
	}
	return append(out, add("DenyAllOutBound", 65500, false, nil, nil, "*", "*"))
}
