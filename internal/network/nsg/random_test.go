package nsg

import (
	"flag"
	"net/netip"
	"slices"
	"testing"

	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
)

var (
	seed    = flag.Uint64("nsg.seed", 1, "the seed of random networks")
	packets = flag.Int("nsg.packets", 1_000_000, "how many random packets")
)

// TestRandom holds the compiled rules to the naive evaluator: a million packets
// over random networks, IPv4 and IPv6, all protocols, subnets and interfaces,
// inbound and outbound.
func TestRandom(t *testing.T) {
	const each = 5000
	answers := map[string]int{}
	for i := range max(*packets/each, 1) {
		r := nsgtest.NewRandom(t, *seed+uint64(i))
		n := r.Network(1 + r.IntN(30))
		rules, ps := Compile(n)
		if rules == nil {
			t.Fatalf("seed %d: %v", *seed+uint64(i), ps.Err())
		}
		for range each {
			pk := randomPacket(r)
			got, want := said(rules.Flow(pk)), naively(n, pk)
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
		r := nsgtest.NewRandom(t, seed)
		n := r.Network(int(rules))
		compiled, ps := Compile(n)
		if compiled == nil {
			t.Fatal(ps.Err())
		}
		for range 50 {
			pk := randomPacket(r)
			pk.Protocol, pk.SourcePort, pk.DestinationPort = Protocol(protocol), sport, dport
			if got, want := said(compiled.Flow(pk)), naively(n, pk); got != want {
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
		r := nsgtest.NewRandom(t, *seed+i)
		rules, ps := Compile(r.Network(30))
		if rules == nil {
			t.Fatal(ps.Err())
		}
		edges := slices.DeleteFunc(slices.Clone(r.Ports()), func(p uint16) bool { return p < 1024 })
		for range 500 {
			pk := randomPacket(r)
			pk.Protocol, pk.AnySourcePort = TCP, true
			if !rules.Flow(pk).Allow {
				continue
			}
			allowed++
			pk.AnySourcePort = false
			for range 20 {
				if pk.SourcePort = edges[r.IntN(len(edges))]; !rules.Flow(pk).Allow {
					t.Fatalf("seed %d: %+v is denied", *seed+i, pk)
				}
			}
		}
	}
	if allowed < 500 {
		t.Errorf("%d packets were allowed", allowed)
	}
}
