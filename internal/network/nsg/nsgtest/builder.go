// Package nsgtest makes networks for tests, by hand and at random, and says
// naively what security rules answer in them. It shares no code with package nsg,
// so that the two can be held against each other.
package nsgtest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// The helpers below write a network in a few lines. Places are made up, so that
// tests can look for them.

func Pos(line int) site.Pos { return site.Pos{File: "network/test.yaml", Line: line, Column: 1} }

func Prefixes(text string) (out []netip.Prefix) {
	for _, f := range strings.Fields(text) {
		out = append(out, netip.MustParsePrefix(f))
	}
	return out
}

func Addrs(text string) (out []netip.Addr) {
	for _, f := range strings.Fields(text) {
		out = append(out, Addr(f))
	}
	return out
}

func Addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// rule reads "100 in allow tcp SOURCE DESTINATION PORTS [SOURCEPORTS]", where a
// side is "*" or a list of prefixes, addresses and tags, or asg:NAME.
func (b *Builder) Rule(text string) *site.SecurityRule {
	b.t.Helper()
	f := strings.Fields(text)
	if len(f) == 7 {
		f = append(f, "*")
	}
	if len(f) != 8 {
		b.t.Fatalf("%q is no rule", text)
	}
	b.line++
	return &site.SecurityRule{
		Pos: Pos(b.line), Name: "r" + f[0], Priority: int(Number(b.t, f[0])), Inbound: f[1] == "in", Allow: f[2] == "allow", Protocol: f[3],
		Source: b.Side(f[4]), Destination: b.Side(f[5]), DestinationPorts: portList(b.t, f[6]), SourcePorts: portList(b.t, f[7]),
	}
}

func Number(t testing.TB, s string) (n uint16) {
	t.Helper()
	for _, c := range s {
		if c < '0' || c > '9' {
			t.Fatalf("%q is no number", s)
		}
		n = n*10 + uint16(c-'0')
	}
	return n
}

func portList(t testing.TB, s string) (out []site.PortRange) {
	for p := range strings.SplitSeq(s, ",") {
		if p == "*" {
			out = append(out, site.PortRange{First: 0, Last: 65535})
			continue
		}
		first, last, ok := strings.Cut(p, "-")
		if !ok {
			last = first
		}
		out = append(out, site.PortRange{First: Number(t, first), Last: Number(t, last)})
	}
	return out
}

// Builder makes a network.
type Builder struct {
	t       testing.TB
	line    int
	Network *site.Network
}

func New(t testing.TB) *Builder {
	return &Builder{t: t, Network: &site.Network{ServiceTags: map[string]*site.ServiceTag{}}}
}

func (b *Builder) Side(s string) (out site.RuleAddresses) {
	for p := range strings.SplitSeq(s, ",") {
		switch {
		case p == "*":
			out.Any = true
		case strings.HasPrefix(p, "asg:"):
			out.Groups = append(out.Groups, b.ASG(p[4:]))
		case strings.Contains(p, "/"):
			out.Prefixes = append(out.Prefixes, netip.MustParsePrefix(p))
		case p[0] >= '0' && p[0] <= '9' || strings.Contains(p, ":"):
			a := Addr(p)
			out.Prefixes = append(out.Prefixes, netip.PrefixFrom(a, a.BitLen()))
		default:
			out.Tags = append(out.Tags, site.RuleTag{Pos: Pos(900 + b.line), Name: p})
		}
	}
	return out
}

func (b *Builder) ASG(name string) *site.ApplicationSecurityGroup {
	for _, g := range b.Network.ApplicationSecurityGroups {
		if g.Name == name {
			return g
		}
	}
	b.line++
	g := &site.ApplicationSecurityGroup{Pos: Pos(b.line), Name: name}
	b.Network.ApplicationSecurityGroups = append(b.Network.ApplicationSecurityGroups, g)
	return g
}

func (b *Builder) Tag(name, list string) {
	b.Network.ServiceTags[strings.ToLower(name)] = &site.ServiceTag{Name: name, Prefixes: Prefixes(list)}
}

func (b *Builder) VNet(name, space string) *site.VirtualNetwork {
	b.line++
	vn := &site.VirtualNetwork{Pos: Pos(b.line), Name: name, AddressSpace: Prefixes(space)}
	b.Network.VirtualNetworks = append(b.Network.VirtualNetworks, vn)
	return vn
}

func (b *Builder) Peer(from, to *site.VirtualNetwork, access bool) {
	b.line++
	from.Peerings = append(from.Peerings, &site.Peering{Pos: Pos(b.line), Name: "to-" + to.Name, Remote: to, AddressSpace: to.AddressSpace, Access: access})
}

// group makes a security group; with the name "" it makes none.
func (b *Builder) Group(name string, rules ...string) *site.SecurityGroup {
	b.t.Helper()
	if name == "" {
		return nil
	}
	b.line++
	g := &site.SecurityGroup{Pos: Pos(b.line), Name: name}
	for _, r := range rules {
		g.Rules = append(g.Rules, b.Rule(r))
	}
	b.Network.SecurityGroups = append(b.Network.SecurityGroups, g)
	return g
}

func (b *Builder) Subnet(vn *site.VirtualNetwork, name, space string, g *site.SecurityGroup) *site.Subnet {
	b.line++
	s := &site.Subnet{Pos: Pos(b.line), Name: name, VirtualNetwork: vn, Prefixes: Prefixes(space), SecurityGroup: g}
	vn.Subnets = append(vn.Subnets, s)
	return s
}

func (b *Builder) NIC(s *site.Subnet, name, addresses string, g *site.SecurityGroup, asgs ...string) *site.NetworkInterface {
	b.line++
	nic := &site.NetworkInterface{Pos: Pos(b.line), Name: name, Subnet: s, SecurityGroup: g}
	for _, a := range strings.Fields(addresses) {
		nic.Addresses = append(nic.Addresses, Addr(a))
	}
	for _, a := range asgs {
		nic.Groups = append(nic.Groups, b.ASG(a))
	}
	b.Network.Interfaces = append(b.Network.Interfaces, nic)
	return nic
}

func (b *Builder) Endpoint(s *site.Subnet, name, address string, asgs ...string) *site.PrivateEndpoint {
	b.line++
	e := &site.PrivateEndpoint{Pos: Pos(b.line), Name: name, Subnet: s, Addresses: []netip.Addr{Addr(address)}}
	for _, a := range asgs {
		e.Groups = append(e.Groups, b.ASG(a))
	}
	b.Network.PrivateEndpoints = append(b.Network.PrivateEndpoints, e)
	return e
}
