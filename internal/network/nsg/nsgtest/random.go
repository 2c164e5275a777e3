package nsgtest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// Packet is the first packet of a flow.
type Packet struct {
	Protocol                    uint8
	Source, Destination         netip.Addr
	SourcePort, DestinationPort uint16
	AnySourcePort               bool
}

// Random makes networks and packets. Addresses and ports come from a small world,
// and often from the edges of what rules name, so that rules are hit.
type Random struct {
	*rand.Rand
	b *Builder
	// addresses and ports that something names, and their neighbours.
	addresses []netip.Addr
	ports     []uint16
	// hosts have a place in the network.
	hosts []netip.Addr
}

func NewRandom(t testing.TB, seed uint64) *Random {
	r := &Random{Rand: rand.New(rand.NewPCG(seed, 7)), b: New(t)}
	r.ports = []uint16{0, 1, 1023, 1024, 65535}
	for _, a := range []string{"8.8.8.8", "20.60.1.1", "168.63.129.16", "169.254.169.254", "192.168.0.1", "100.64.0.1", "224.0.0.1", "23.102.135.246", "2600::1", "fe80::1", "255.255.255.255", "0.0.0.0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		r.addresses = append(r.addresses, Addr(a))
	}
	return r
}

func pick[T any](r *Random, list []T) T { return list[r.IntN(len(list))] }

func (r *Random) near(a netip.Addr) {
	for _, n := range []netip.Addr{a, a.Prev(), a.Next()} {
		if n.IsValid() {
			r.addresses = append(r.addresses, n)
		}
	}
}

// prefix of the world: 10.0.0.0/14 and fd00::/46.
func (r *Random) prefix(six bool) netip.Prefix {
	a := netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(4)), byte(r.IntN(16))})
	bits := pick(r, []int{0, 8, 14, 16, 16, 22, 23, 24, 24, 28, 31, 32})
	if six {
		a = netip.AddrFrom16([16]byte{0: 0xfd, 5: byte(r.IntN(4)), 7: byte(r.IntN(4)), 15: byte(r.IntN(16))})
		bits = pick(r, []int{0, 32, 46, 48, 48, 62, 63, 64, 64, 124, 127, 128})
	}
	p := netip.PrefixFrom(a, bits)
	if r.IntN(4) > 0 {
		p = p.Masked() // documents may have bits behind the prefix
	}
	last := p.Masked().Addr()
	r.near(last)
	r.near(a)
	return p
}

func (r *Random) portList() (out []site.PortRange) {
	if r.IntN(2) == 0 {
		return []site.PortRange{{First: 0, Last: 65535}}
	}
	for range 1 + r.IntN(3) {
		a := pick(r, []uint16{0, 53, 80, 443, 1023, 1024, 1025, 8080, 32768, 65535})
		b := a + pick(r, []uint16{0, 1, 10, 1000, 32000})
		if b < a || r.IntN(12) == 0 {
			b = 65535
		}
		out = append(out, site.PortRange{First: a, Last: b})
		r.ports = append(r.ports, a, b, a-1, b+1)
	}
	return out
}

func (r *Random) side() (s site.RuleAddresses) {
	switch r.IntN(6) {
	case 0, 5:
		s.Any = true
	case 1:
		s.Groups = append(s.Groups, r.b.ASG(pick(r, []string{"one", "two"})))
	case 2:
		for range 1 + r.IntN(2) {
			name := pick(r, []string{"VirtualNetwork", "internet", "AzureLoadBalancer", "Storage", "STORAGE.WestEurope", "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM"})
			s.Tags = append(s.Tags, site.RuleTag{Name: name})
		}
	default:
		for range 1 + r.IntN(4) {
			s.Prefixes = append(s.Prefixes, r.prefix(r.IntN(3) == 0))
		}
	}
	return s
}

func (r *Random) group(name string, rules int) *site.SecurityGroup {
	g := &site.SecurityGroup{Name: name}
	free := r.Perm(3997)
	for i := range rules {
		p := 100 + free[i]
		g.Rules = append(g.Rules, &site.SecurityRule{
			Name: fmt.Sprintf("r%d", p), Priority: p, Inbound: r.IntN(2) == 0, Allow: r.IntN(2) == 0,
			Protocol: pick(r, []string{"*", "*", "tcp", "tcp", "udp", "icmp", "esp", "ah"}),
			Source:   r.side(), Destination: r.side(), SourcePorts: r.portList(), DestinationPorts: r.portList(),
		})
	}
	r.b.Network.SecurityGroups = append(r.b.Network.SecurityGroups, g)
	return g
}

// network is two networks that may be peered, with subnets, interfaces and
// endpoints.
func (r *Random) Network(rules int) *site.Network {
	b := r.b
	b.Tag("Storage", "20.60.0.0/16 2600::/16")
	b.Tag("Storage.WestEurope", "20.60.1.0/24")
	vn := b.VNet("vn", "10.0.0.0/16 fd00:0:0::/48")
	other := b.VNet("other", "10.1.0.0/16 fd00:0:1::/48")
	access := r.IntN(2) == 0
	if r.IntN(3) > 0 {
		b.Peer(vn, other, access)
		b.Peer(other, vn, access)
	}
	// Groups of the application are in the first network, so rules that name them
	// stand there.
	maybe := func(name string) *site.SecurityGroup {
		if r.IntN(4) == 0 {
			return nil
		}
		return r.group(name, r.IntN(rules+1))
	}
	for i := range 3 {
		s := b.Subnet(vn, fmt.Sprintf("s%d", i), fmt.Sprintf("10.0.%d.0/24 fd00:0:0:%d::/64", i, i), maybe(fmt.Sprintf("g%d", i)))
		s.EndpointRules = r.IntN(2) == 0
		for j := range 2 {
			a := fmt.Sprintf("10.0.%d.%d fd00:0:0:%d::%x", i, 4+j, i, 4+j)
			var groups []string
			if r.IntN(2) == 0 {
				groups = append(groups, pick(r, []string{"one", "two"}))
			}
			b.NIC(s, fmt.Sprintf("n%d%d", i, j), a, maybe(fmt.Sprintf("c%d%d", i, j)), groups...)
		}
		b.Endpoint(s, fmt.Sprintf("e%d", i), fmt.Sprintf("10.0.%d.9", i), "one")
	}
	b.NIC(vn.Subnets[0], "member", "10.0.0.12", nil, "one", "two")
	o := b.Subnet(other, "o", "10.1.0.0/24 fd00:0:1:0::/64", nil)
	b.NIC(o, "there", "10.1.0.4", nil)
	for _, nic := range b.Network.Interfaces {
		for _, a := range nic.Addresses {
			r.near(a)
		}
		r.hosts = append(r.hosts, nic.Addresses...)
	}
	for _, a := range []string{"10.0.0.200", "10.0.1.200", "10.0.2.200", "10.1.0.200", "fd00:0:0:1::200"} {
		r.hosts = append(r.hosts, Addr(a))
	}
	for _, e := range b.Network.PrivateEndpoints {
		r.near(e.Addresses[0])
	}
	return b.Network
}

func (r *Random) Packet() Packet {
	p := Packet{Protocol: pick(r, []uint8{6, 6, 6, 17, 17, 1, 58, 50, 51, 132}), Source: r.address(), AnySourcePort: r.IntN(4) == 0}
	for {
		p.Destination = r.address()
		if p.Destination.Is4() == p.Source.Is4() || r.IntN(50) == 0 {
			break
		}
	}
	p.SourcePort, p.DestinationPort = r.port(), r.port()
	return p
}

func (r *Random) address() netip.Addr {
	if r.IntN(4) > 0 {
		return pick(r, r.hosts)
	}
	return pick(r, r.addresses)
}

func (r *Random) port() uint16 {
	if r.IntN(8) == 0 {
		return uint16(r.IntN(65536))
	}
	return pick(r, r.ports)
}

// Ports are those that rules name, and their neighbours.
func (r *Random) Ports() []uint16 { return r.ports }

// Place is somewhere that packets come from: an interface, an endpoint, or the
// rest of a subnet.
type Place struct {
	Name string
	// Address is one that the place has.
	Address  netip.Addr
	Prefixes []netip.Prefix
}

// Places are those of the network that was made.
func (r *Random) Places() (out []Place) {
	add := func(name string, list []netip.Addr) {
		p := Place{Name: name, Address: list[0]}
		for _, a := range list {
			p.Prefixes = append(p.Prefixes, netip.PrefixFrom(a, a.BitLen()))
		}
		out = append(out, p)
	}
	for _, vn := range r.b.Network.VirtualNetworks {
		for _, s := range vn.Subnets {
			// The last address of a subnet is nobody's.
			first := s.Prefixes[0].Addr().As4()
			out = append(out, Place{Name: s.ID(), Address: netip.AddrFrom4([4]byte{first[0], first[1], first[2], 254}), Prefixes: s.Prefixes})
		}
	}
	for _, n := range r.b.Network.Interfaces {
		add(n.Name, n.Addresses)
	}
	for _, e := range r.b.Network.PrivateEndpoints {
		add(e.Name, e.Addresses)
	}
	return out
}
