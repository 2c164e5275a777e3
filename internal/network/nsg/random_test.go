package nsg

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

var (
	seed    = flag.Uint64("nsg.seed", 1, "the seed of random networks")
	packets = flag.Int("nsg.packets", 1_000_000, "how many random packets")
)

// random makes networks and packets. Addresses and ports come from a small world,
// and often from the edges of what rules name, so that rules are hit.
type random struct {
	*rand.Rand
	b *builder
	// addresses and ports that something names, and their neighbours.
	addresses []netip.Addr
	ports     []uint16
	// hosts have a place in the network.
	hosts []netip.Addr
}

func newRandom(t testing.TB, seed uint64) *random {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 7)), b: newBuilder(t)}
	r.ports = []uint16{0, 1, 1023, 1024, 65535}
	for _, a := range []string{"8.8.8.8", "20.60.1.1", "168.63.129.16", "169.254.169.254", "192.168.0.1", "100.64.0.1", "224.0.0.1", "23.102.135.246", "2600::1", "fe80::1", "255.255.255.255", "0.0.0.0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		r.addresses = append(r.addresses, addr(a))
	}
	return r
}

func pick[T any](r *random, list []T) T { return list[r.IntN(len(list))] }

func (r *random) near(a netip.Addr) {
	for _, n := range []netip.Addr{a, a.Prev(), a.Next()} {
		if n.IsValid() {
			r.addresses = append(r.addresses, n)
		}
	}
}

// prefix of the world: 10.0.0.0/14 and fd00::/46.
func (r *random) prefix(six bool) netip.Prefix {
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

func (r *random) portList() (out []site.PortRange) {
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

func (r *random) side() (s site.RuleAddresses) {
	switch r.IntN(6) {
	case 0, 5:
		s.Any = true
	case 1:
		s.Groups = append(s.Groups, r.b.asg(pick(r, []string{"one", "two"})))
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

func (r *random) group(name string, rules int) *site.SecurityGroup {
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
	r.b.n.SecurityGroups = append(r.b.n.SecurityGroups, g)
	return g
}

// network is two networks that may be peered, with subnets, interfaces and
// endpoints.
func (r *random) network(rules int) *site.Network {
	b := r.b
	b.tag("Storage", "20.60.0.0/16 2600::/16")
	b.tag("Storage.WestEurope", "20.60.1.0/24")
	vn := b.vnet("vn", "10.0.0.0/16 fd00:0:0::/48")
	other := b.vnet("other", "10.1.0.0/16 fd00:0:1::/48")
	access := r.IntN(2) == 0
	if r.IntN(3) > 0 {
		b.peer(vn, other, access)
		b.peer(other, vn, access)
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
		s := b.subnet(vn, fmt.Sprintf("s%d", i), fmt.Sprintf("10.0.%d.0/24 fd00:0:0:%d::/64", i, i), maybe(fmt.Sprintf("g%d", i)))
		s.EndpointRules = r.IntN(2) == 0
		for j := range 2 {
			a := fmt.Sprintf("10.0.%d.%d fd00:0:0:%d::%x", i, 4+j, i, 4+j)
			var groups []string
			if r.IntN(2) == 0 {
				groups = append(groups, pick(r, []string{"one", "two"}))
			}
			b.nic(s, fmt.Sprintf("n%d%d", i, j), a, maybe(fmt.Sprintf("c%d%d", i, j)), groups...)
		}
		b.endpoint(s, fmt.Sprintf("e%d", i), fmt.Sprintf("10.0.%d.9", i), "one")
	}
	b.nic(vn.Subnets[0], "member", "10.0.0.12", nil, "one", "two")
	o := b.subnet(other, "o", "10.1.0.0/24 fd00:0:1:0::/64", nil)
	b.nic(o, "there", "10.1.0.4", nil)
	for _, nic := range b.n.Interfaces {
		for _, a := range nic.Addresses {
			r.near(a)
		}
		r.hosts = append(r.hosts, nic.Addresses...)
	}
	for _, a := range []string{"10.0.0.200", "10.0.1.200", "10.0.2.200", "10.1.0.200", "fd00:0:0:1::200"} {
		r.hosts = append(r.hosts, addr(a))
	}
	for _, e := range b.n.PrivateEndpoints {
		r.near(e.Addresses[0])
	}
	return b.n
}

func (r *random) packet() Packet {
	p := Packet{Protocol: pick(r, []Protocol{TCP, TCP, TCP, UDP, UDP, ICMP, ICMPv6, ESP, AH, 132}), Source: r.address(), AnySourcePort: r.IntN(4) == 0}
	for {
		p.Destination = r.address()
		if p.Destination.Is4() == p.Source.Is4() || r.IntN(50) == 0 {
			break
		}
	}
	p.SourcePort, p.DestinationPort = r.port(), r.port()
	return p
}

func (r *random) address() netip.Addr {
	if r.IntN(4) > 0 {
		return pick(r, r.hosts)
	}
	return pick(r, r.addresses)
}

func (r *random) port() uint16 {
	if r.IntN(8) == 0 {
		return uint16(r.IntN(65536))
	}
	return pick(r, r.ports)
}

// TestRandom holds the compiled rules to the naive evaluator: a million packets
// over random networks, IPv4 and IPv6, all protocols, subnets and interfaces,
// inbound and outbound.
func TestRandom(t *testing.T) {
	const each = 5000
	answers := map[string]int{}
	for i := range max(*packets/each, 1) {
		r := newRandom(t, *seed+uint64(i))
		n := r.network(1 + r.IntN(30))
		rules, ps := Compile(n)
		if rules == nil {
			t.Fatalf("seed %d: %v", *seed+uint64(i), ps.Err())
		}
		for range each {
			pk := r.packet()
			got, want := said(rules.Flow(pk)), naiveFlow(n, pk)
			if got != want {
				t.Fatalf("seed %d, %+v: %s, naively %s", *seed+uint64(i), pk, got, want)
			}
			answers[kind(rules.Flow(pk))]++
		}
	}
	// A comparison where everything ends at one rule would show nothing.
	for _, k := range []string{"allow in subnet", "deny in subnet", "allow in nic", "deny in nic", "deny out subnet", "deny out nic", "allow out subnet"} {
		if answers[k] < *packets/500 {
			t.Errorf("%s: %d of %d answers", k, answers[k], *packets)
		}
	}
	t.Log(answers)
}

// kind is what a decision has in common with others; custom rules alone count.
func kind(d Decision) string {
	k := "deny"
	if d.Allow {
		k = "allow"
	}
	k += map[bool]string{true: " in ", false: " out "}[d.Inbound] + d.Level.String()
	if d.Rule.Default {
		k += " by default"
	}
	return k
}

// FuzzCompile: no network, however odd, makes Compile panic, and what it accepts
// answers as the naive evaluator does.
func FuzzCompile(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint16(443), uint16(50000), uint8(6))
	f.Add(uint64(99), uint8(60), uint16(0), uint16(65535), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, rules uint8, dport, sport uint16, protocol uint8) {
		r := newRandom(t, seed)
		n := r.network(int(rules))
		compiled, ps := Compile(n)
		if compiled == nil {
			t.Fatal(ps.Err())
		}
		for range 50 {
			pk := r.packet()
			pk.Protocol, pk.SourcePort, pk.DestinationPort = Protocol(protocol), sport, dport
			if got, want := said(compiled.Flow(pk)), naiveFlow(n, pk); got != want {
				t.Fatalf("%+v: %s, naively %s", pk, got, want)
			}
		}
	})
}

// FuzzPacket: whatever a packet holds, there is a decision with a rule.
func FuzzPacket(f *testing.F) {
	_, rules := architecture(f)
	f.Add([]byte{10, 0, 0, 4}, []byte{10, 0, 1, 4}, uint16(1), uint16(443), uint8(6), false)
	f.Add([]byte{}, []byte{0: 0xfd, 15: 1}, uint16(0), uint16(0), uint8(255), true)
	f.Fuzz(func(t *testing.T, src, dst []byte, sport, dport uint16, protocol uint8, anyPort bool) {
		a, _ := netip.AddrFromSlice(src)
		b, _ := netip.AddrFromSlice(dst)
		pk := Packet{Protocol: Protocol(protocol), Source: a, Destination: b, SourcePort: sport, DestinationPort: dport, AnySourcePort: anyPort}
		d := rules.Flow(pk)
		if d.Rule == nil || d.Allow != d.Rule.Allow {
			t.Fatalf("%+v: %+v", pk, d)
		}
		if !a.IsValid() && d.Allow {
			t.Fatal("a packet from nowhere is allowed")
		}
	})
}

// TestAnySourcePortIsConservative: what is allowed without a source port is
// allowed with each.
func TestAnySourcePortIsConservative(t *testing.T) {
	allowed := 0
	for i := range uint64(40) {
		r := newRandom(t, *seed+i)
		rules, ps := Compile(r.network(30))
		if rules == nil {
			t.Fatal(ps.Err())
		}
		edges := slices.DeleteFunc(slices.Clone(r.ports), func(p uint16) bool { return p < 1024 })
		for range 500 {
			pk := r.packet()
			pk.Protocol, pk.AnySourcePort = TCP, true
			if !rules.Flow(pk).Allow {
				continue
			}
			allowed++
			pk.AnySourcePort = false
			for range 20 {
				if pk.SourcePort = pick(r, edges); !rules.Flow(pk).Allow {
					t.Fatalf("seed %d: %+v is denied", *seed+i, pk)
				}
			}
		}
	}
	if allowed < 500 {
		t.Errorf("%d packets were allowed", allowed)
	}
}
