package nsg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// The priorities of custom rules.
const (
	minPriority = 100
	maxPriority = 4096
	// maxRules is how many rules Azure lets a group have.
	maxRules = 1000
)

func lower(name string) string { return strings.ToLower(name) }

// protocolOf reads a protocol as rules write it.
func protocolOf(name string) (p Protocol, any, ok bool) {
	switch lower(name) {
	case "*":
		return 0, true, true
	case "tcp":
		return TCP, false, true
	case "udp":
		return UDP, false, true
	case "icmp":
		return ICMP, false, true
	case "esp":
		return ESP, false, true
	case "ah":
		return AH, false, true
	}
	return 0, false, false
}

// checker looks for rules that mean nothing, or something else than they say.
type checker struct {
	network *site.Network
	ps      *site.Problems
	known   map[string]bool
	// homes are the virtual networks in which the members of an application
	// security group are.
	homes map[*site.ApplicationSecurityGroup][]*site.VirtualNetwork
	// stands are the virtual networks in which a security group is used.
	stands map[*site.SecurityGroup][]*site.VirtualNetwork
}

func check(n *site.Network, ps *site.Problems) {
	c := &checker{
		network: n, ps: ps, known: map[string]bool{},
		homes:  map[*site.ApplicationSecurityGroup][]*site.VirtualNetwork{},
		stands: map[*site.SecurityGroup][]*site.VirtualNetwork{},
	}
	for _, name := range tagNames(n) {
		c.known[lower(name)] = true
	}
	for key := range n.ServiceTags {
		c.known[lower(key)] = true
	}
	c.places()
	for _, g := range n.SecurityGroups {
		c.group(g)
	}
	for _, g := range n.ApplicationSecurityGroups {
		if len(c.homes[g]) > 1 {
			ps.Add(g.Pos, "application-security-group-networks", "interfaces of one virtual network",
				"make a group for each virtual network", "application security group %q has members in %s", g.Name, networkNames(c.homes[g]))
		}
	}
}

// places finds where groups are used, and subnets that have none.
func (c *checker) places() {
	for _, vn := range c.network.VirtualNetworks {
		c.prefixes(vn)
		for _, s := range vn.Subnets {
			if s.SecurityGroup != nil {
				c.stands[s.SecurityGroup] = addNetwork(c.stands[s.SecurityGroup], vn)
				continue
			}
			c.ps.Warn(s.Pos, "subnet-without-security-group", "associate a network security group with it: properties.networkSecurityGroup",
				"subnet %q has no network security group: in Azure everything would be open; here the default rules hold, without AllowInternetOutBound", s.ID())
		}
	}
	for _, nic := range c.network.Interfaces {
		if nic.Subnet == nil {
			c.ps.Add(nic.Pos, "missing-field", "a subnet of network/", "", "interface %q stands in no subnet", nic.Name)
			continue
		}
		vn := nic.Subnet.VirtualNetwork
		if nic.SecurityGroup != nil {
			c.stands[nic.SecurityGroup] = addNetwork(c.stands[nic.SecurityGroup], vn)
		}
		for _, g := range nic.Groups {
			c.homes[g] = addNetwork(c.homes[g], vn)
		}
	}
	for _, e := range c.network.PrivateEndpoints {
		if e.Subnet == nil {
			c.ps.Add(e.Pos, "missing-field", "a subnet of network/", "", "private endpoint %q stands in no subnet", e.Name)
			continue
		}
		for _, g := range e.Groups {
			c.homes[g] = addNetwork(c.homes[g], e.Subnet.VirtualNetwork)
		}
	}
}

func (c *checker) prefixes(vn *site.VirtualNetwork) {
	valid := func(pos site.Pos, list []netip.Prefix) {
		for _, p := range list {
			if !isPrefix(p) {
				c.ps.Add(pos, "address-prefix", "a prefix such as 10.0.0.0/16", "", "%q is no address prefix", p)
			}
		}
	}
	valid(vn.Pos, vn.AddressSpace)
	for _, s := range vn.Subnets {
		valid(s.Pos, s.Prefixes)
	}
	for _, p := range vn.Peerings {
		valid(p.Pos, p.AddressSpace)
		if p.Remote != nil {
			valid(p.Pos, p.Remote.AddressSpace)
		}
	}
}

func isPrefix(p netip.Prefix) bool {
	return p.IsValid() && !p.Addr().Is4In6() && p.Addr().Zone() == ""
}

func addNetwork(list []*site.VirtualNetwork, vn *site.VirtualNetwork) []*site.VirtualNetwork {
	if slices.Contains(list, vn) {
		return list
	}
	return append(list, vn)
}

func networkNames(list []*site.VirtualNetwork) string {
	var out []string
	for _, vn := range list {
		out = append(out, fmt.Sprintf("%q", vn.Name))
	}
	return strings.Join(out, " and ")
}

func (c *checker) group(g *site.SecurityGroup) {
	if len(g.Rules) > maxRules {
		c.ps.Add(g.Pos, "security-group-too-large", fmt.Sprintf("%d rules at most, as in Azure", maxRules), "join rules: a rule may name several prefixes and ports",
			"security group %q has %d rules", g.Name, len(g.Rules))
		return
	}
	type slot struct {
		inbound  bool
		priority int
	}
	taken := map[slot]*site.SecurityRule{}
	for _, r := range g.Rules {
		if r.Priority < minPriority || r.Priority > maxPriority {
			c.ps.Add(r.Pos, "rule-priority", fmt.Sprintf("%d to %d", minPriority, maxPriority), "",
				"rule %q has priority %d", r.Name, r.Priority)
		}
		s := slot{r.Inbound, r.Priority}
		if other := taken[s]; other != nil {
			c.ps.Add(r.Pos, "duplicate-priority", "each priority once in a direction", "write "+fmt.Sprint(freePriority(g, r)),
				"rules %q and %q have the same priority %d and direction", other.Name, r.Name, r.Priority)
		} else {
			taken[s] = r
		}
		c.rule(g, r)
	}
}

// freePriority is the next priority that no rule of the direction has.
func freePriority(g *site.SecurityGroup, r *site.SecurityRule) int {
	for p := min(max(r.Priority, minPriority), maxPriority); ; p++ {
		if p > maxPriority {
			p = minPriority // a group has fewer rules than there are priorities
		}
		if !slices.ContainsFunc(g.Rules, func(o *site.SecurityRule) bool { return o.Inbound == r.Inbound && o.Priority == p }) {
			return p
		}
	}
}

func (c *checker) rule(g *site.SecurityGroup, r *site.SecurityRule) {
	p, any, ok := protocolOf(r.Protocol)
	if !ok {
		c.ps.Add(r.Pos, "rule-protocol", "*, Tcp, Udp, Icmp, Esp or Ah", "", "rule %q has the protocol %q", r.Name, r.Protocol)
	}
	c.ports(r, "sourcePortRanges", r.SourcePorts)
	c.ports(r, "destinationPortRanges", r.DestinationPorts)
	if ok && !any && !p.HasPorts() && (mergePorts(r.SourcePorts) != nil || mergePorts(r.DestinationPorts) != nil) {
		c.ps.Warn(r.Pos, "rule-never-matches", `write "*" for both port ranges`, "rule %q never matches: %s has no ports", r.Name, p)
	}
	c.side(r, "source", &r.Source)
	c.side(r, "destination", &r.Destination)
	c.families(r)
	c.members(g, r)
}

func (c *checker) ports(r *site.SecurityRule, field string, list []site.PortRange) {
	if len(list) == 0 {
		c.ps.Add(r.Pos, "rule-ports", `"*", a port or a range`, "", "rule %q has no %s", r.Name, field)
	}
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b site.PortRange) int { return int(a.First) - int(b.First) })
	for i, p := range sorted {
		if p.First > p.Last {
			c.ps.Add(r.Pos, "rule-ports", "the lower port first", fmt.Sprintf("write %d-%d", p.Last, p.First), "rule %q: the range %d-%d of %s is empty", r.Name, p.First, p.Last, field)
		}
		if i > 0 && p.First <= sorted[i-1].Last {
			c.ps.Warn(r.Pos, "rule-overlap", "write one range", "rule %q: %s of %s overlap", r.Name, PortsText([]site.PortRange{sorted[i-1], p}), field)
		}
	}
}

func (c *checker) side(r *site.SecurityRule, field string, s *site.RuleAddresses) {
	if !s.Any && len(s.Prefixes)+len(s.Tags)+len(s.Groups) == 0 {
		c.ps.Add(r.Pos, "rule-addresses", `"*", prefixes, a tag or application security groups`, "", "rule %q has no %s", r.Name, field)
	}
	for _, p := range s.Prefixes {
		if !isPrefix(p) {
			c.ps.Add(r.Pos, "address-prefix", "a prefix such as 10.0.0.0/16", "", "rule %q: %q is no address prefix", r.Name, p)
		}
	}
	c.overlaps(r, field, s.Prefixes)
	for _, t := range s.Tags {
		if c.known[lower(t.Name)] {
			continue
		}
		mend := "name prefixes, or define the tag in network/"
		if near := site.Nearest(t.Name, tagNames(c.network)); near != "" {
			mend = fmt.Sprintf("write %q", near)
		}
		pos := t.Pos
		if pos.IsZero() {
			pos = r.Pos
		}
		c.ps.Add(pos, "unknown-service-tag", "a service tag of the site, VirtualNetwork, Internet or AzureLoadBalancer", mend,
			"rule %q: nobody knows the %s tag %q", r.Name, field, t.Name)
	}
}

// overlaps warns of prefixes that hold each other. Sorted, a prefix that overlaps
// any before it overlaps the last one that is not itself inside another.
func (c *checker) overlaps(r *site.SecurityRule, field string, list []netip.Prefix) {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		if d := a.Masked().Addr().Compare(b.Masked().Addr()); d != 0 {
			return d
		}
		return a.Bits() - b.Bits()
	})
	var outer netip.Prefix
	for _, p := range sorted {
		if outer.IsValid() && p.IsValid() && outer.Overlaps(p) {
			c.ps.Warn(r.Pos, "rule-overlap", "leave out "+p.String(), "rule %q: %s of the %s lies in %s, which Azure refuses in one rule", r.Name, p, field, outer)
			continue
		}
		outer = p
	}
}

// families finds rules whose sides can never meet: IPv4 here and IPv6 there.
func (c *checker) families(r *site.SecurityRule) {
	only := func(s *site.RuleAddresses) (four, six bool) {
		if s.Any || len(s.Tags)+len(s.Groups) > 0 {
			return false, false
		}
		isSix := func(p netip.Prefix) bool { return p.Addr().Is6() }
		six = slices.ContainsFunc(s.Prefixes, isSix)
		four = slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return !isSix(p) })
		return four, six
	}
	s4, s6 := only(&r.Source)
	d4, d6 := only(&r.Destination)
	switch {
	case s4 && !s6 && d6 && !d4, s6 && !s4 && d4 && !d6:
		c.ps.Warn(r.Pos, "rule-never-matches", "name prefixes of one family on both sides", "rule %q never matches: one side is IPv4, the other IPv6", r.Name)
	case s4 && s6 || d4 && d6:
		c.ps.Warn(r.Pos, "rule-families", "make a rule for each family", "rule %q names prefixes of IPv4 and IPv6 on one side, which Azure refuses in one rule", r.Name)
	}
}

// members checks the application security groups of a rule: all their interfaces
// are in one virtual network.
func (c *checker) members(g *site.SecurityGroup, r *site.SecurityRule) {
	var homes []*site.VirtualNetwork
	for _, a := range slices.Concat(r.Source.Groups, r.Destination.Groups) {
		if len(c.homes[a]) == 0 {
			c.ps.Warn(r.Pos, "rule-never-matches", "make an interface or a private endpoint a member",
				"rule %q: application security group %q has no members", r.Name, a.Name)
		}
		for _, vn := range c.homes[a] {
			homes = addNetwork(homes, vn)
		}
	}
	if len(homes) == 0 {
		return
	}
	if len(homes) > 1 {
		c.ps.Add(r.Pos, "application-security-group-networks", "application security groups of one virtual network",
			"make a rule for each virtual network, with prefixes for the other", "rule %q: the members of its application security groups are in %s", r.Name, networkNames(homes))
		return
	}
	for _, vn := range c.stands[g] {
		if vn != homes[0] {
			c.ps.Add(r.Pos, "application-security-group-networks", "application security groups of "+vn.Name,
				"name prefixes instead", "rule %q: the members of its application security groups are in %q, and security group %q stands in %q", r.Name, homes[0].Name, g.Name, vn.Name)
		}
	}
}
