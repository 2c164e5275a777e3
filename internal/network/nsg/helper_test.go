package nsg

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// The helpers below write a network in a few lines. Places are made up, so that
// tests can look for them.

func pos(line int) site.Pos { return site.Pos{File: "network/test.yaml", Line: line, Column: 1} }

func prefixes(text string) (out []netip.Prefix) {
	for _, f := range strings.Fields(text) {
		out = append(out, netip.MustParsePrefix(f))
	}
	return out
}

func prefixAddrs(text string) (out []netip.Addr) {
	for _, f := range strings.Fields(text) {
		out = append(out, addr(f))
	}
	return out
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// rule reads "100 in allow tcp SOURCE DESTINATION PORTS [SOURCEPORTS]", where a
// side is "*" or a list of prefixes, addresses and tags, or asg:NAME.
func (b *builder) rule(text string) *site.SecurityRule {
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
		Pos: pos(b.line), Name: "r" + f[0], Priority: int(number(b.t, f[0])), Inbound: f[1] == "in", Allow: f[2] == "allow", Protocol: f[3],
		Source: b.side(f[4]), Destination: b.side(f[5]), DestinationPorts: portList(b.t, f[6]), SourcePorts: portList(b.t, f[7]),
	}
}

func number(t testing.TB, s string) (n uint16) {
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
		out = append(out, site.PortRange{First: number(t, first), Last: number(t, last)})
	}
	return out
}

// builder makes a network.
type builder struct {
	t    testing.TB
	line int
	n    *site.Network
}

func newBuilder(t testing.TB) *builder {
	return &builder{t: t, n: &site.Network{ServiceTags: map[string]*site.ServiceTag{}}}
}

func (b *builder) side(s string) (out site.RuleAddresses) {
	for p := range strings.SplitSeq(s, ",") {
		switch {
		case p == "*":
			out.Any = true
		case strings.HasPrefix(p, "asg:"):
			out.Groups = append(out.Groups, b.asg(p[4:]))
		case strings.Contains(p, "/"):
			out.Prefixes = append(out.Prefixes, netip.MustParsePrefix(p))
		case p[0] >= '0' && p[0] <= '9' || strings.Contains(p, ":"):
			a := addr(p)
			out.Prefixes = append(out.Prefixes, netip.PrefixFrom(a, a.BitLen()))
		default:
			out.Tags = append(out.Tags, site.RuleTag{Pos: pos(900 + b.line), Name: p})
		}
	}
	return out
}

func (b *builder) asg(name string) *site.ApplicationSecurityGroup {
	for _, g := range b.n.ApplicationSecurityGroups {
		if g.Name == name {
			return g
		}
	}
	b.line++
	g := &site.ApplicationSecurityGroup{Pos: pos(b.line), Name: name}
	b.n.ApplicationSecurityGroups = append(b.n.ApplicationSecurityGroups, g)
	return g
}

func (b *builder) tag(name, list string) {
	b.n.ServiceTags[strings.ToLower(name)] = &site.ServiceTag{Name: name, Prefixes: prefixes(list)}
}

func (b *builder) vnet(name, space string) *site.VirtualNetwork {
	b.line++
	vn := &site.VirtualNetwork{Pos: pos(b.line), Name: name, AddressSpace: prefixes(space)}
	b.n.VirtualNetworks = append(b.n.VirtualNetworks, vn)
	return vn
}

func (b *builder) peer(from, to *site.VirtualNetwork, access bool) {
	b.line++
	from.Peerings = append(from.Peerings, &site.Peering{Pos: pos(b.line), Name: "to-" + to.Name, Remote: to, AddressSpace: to.AddressSpace, Access: access})
}

// group makes a security group; with the name "" it makes none.
func (b *builder) group(name string, rules ...string) *site.SecurityGroup {
	b.t.Helper()
	if name == "" {
		return nil
	}
	b.line++
	g := &site.SecurityGroup{Pos: pos(b.line), Name: name}
	for _, r := range rules {
		g.Rules = append(g.Rules, b.rule(r))
	}
	b.n.SecurityGroups = append(b.n.SecurityGroups, g)
	return g
}

func (b *builder) subnet(vn *site.VirtualNetwork, name, space string, g *site.SecurityGroup) *site.Subnet {
	b.line++
	s := &site.Subnet{Pos: pos(b.line), Name: name, VirtualNetwork: vn, Prefixes: prefixes(space), SecurityGroup: g}
	vn.Subnets = append(vn.Subnets, s)
	return s
}

func (b *builder) nic(s *site.Subnet, name, addresses string, g *site.SecurityGroup, asgs ...string) *site.NetworkInterface {
	b.line++
	nic := &site.NetworkInterface{Pos: pos(b.line), Name: name, Subnet: s, SecurityGroup: g}
	for _, a := range strings.Fields(addresses) {
		nic.Addresses = append(nic.Addresses, addr(a))
	}
	for _, a := range asgs {
		nic.Groups = append(nic.Groups, b.asg(a))
	}
	b.n.Interfaces = append(b.n.Interfaces, nic)
	return nic
}

func (b *builder) endpoint(s *site.Subnet, name, address string, asgs ...string) *site.PrivateEndpoint {
	b.line++
	e := &site.PrivateEndpoint{Pos: pos(b.line), Name: name, Subnet: s, Addresses: []netip.Addr{addr(address)}}
	for _, a := range asgs {
		e.Groups = append(e.Groups, b.asg(a))
	}
	b.n.PrivateEndpoints = append(b.n.PrivateEndpoints, e)
	return e
}

func (b *builder) compile() *Rules {
	b.t.Helper()
	r, ps := Compile(b.n)
	if r == nil {
		b.t.Fatal(ps.Err())
	}
	return r
}

// packet reads "tcp SOURCE[:PORT] DESTINATION[:PORT]"; a source port of "?" is
// not known.
func packet(t testing.TB, text string) Packet {
	t.Helper()
	f := strings.Fields(text)
	if len(f) != 3 {
		t.Fatalf("%q is no packet", text)
	}
	p := Packet{SourcePort: 50000}
	switch f[0] {
	case "icmpv6":
		p.Protocol = ICMPv6
	case "sctp":
		p.Protocol = 132
	default:
		p.Protocol, _, _ = protocolOf(f[0])
	}
	part := func(s string) (netip.Addr, string) {
		if strings.HasPrefix(s, "[") {
			a, port, _ := strings.Cut(s[1:], "]")
			return addr(a), strings.TrimPrefix(port, ":")
		}
		if strings.Count(s, ":") == 1 {
			a, port, _ := strings.Cut(s, ":")
			return addr(a), port
		}
		return addr(s), ""
	}
	var port string
	p.Source, port = part(f[1])
	switch port {
	case "":
	case "?":
		p.AnySourcePort = true
	default:
		p.SourcePort = number(t, port)
	}
	if p.Destination, port = part(f[2]); port != "" {
		p.DestinationPort = number(t, port)
	}
	return p
}

// said is a decision in one line: "allow out nic web/r100".
func said(d Decision) string {
	words := []string{"deny", "out", d.Level.String(), d.Rule.ID()}
	if d.Allow {
		words[0] = "allow"
	}
	if d.Inbound {
		words[1] = "in"
	}
	return strings.Join(words, " ")
}
