package nsg

import (
	"fmt"
	"testing"

	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
	"github.com/cloister-ai/cloister/internal/site"
)

// bench is a network whose gateway has so many inbound rules, each with five
// prefixes and two ranges of ports; nothing but the last and DenyAll match.
func bench(b *testing.B, rules int) (*Rules, *Point) {
	n := nsgtest.New(b)
	g := n.Group("g")
	for i := range rules {
		r := n.Rule(fmt.Sprintf("%d in deny tcp * 10.0.0.0/16 %d,%d-%d", 100+i, 1000+i, 20000+10*i, 20009+10*i))
		if i == rules-1 {
			r = n.Rule(fmt.Sprintf("%d in allow tcp 10.0.0.0/16 * 443", 100+i))
		}
		if i < rules-1 {
			r.Source = site.RuleAddresses{}
			for k := range 5 {
				r.Source.Prefixes = append(r.Source.Prefixes, nsgtest.Prefixes(fmt.Sprintf("10.%d.%d.0/28 fd00:%x:%x::/48", i%250, 7*k+i/250, i, k))...)
			}
		}
		g.Rules = append(g.Rules, r)
	}
	s := n.Subnet(n.VNet("v", "10.0.0.0/8 fd00::/16"), "s", "10.0.0.0/24 fd00:ffff::/64", g)
	compiled := compiled(b, n)
	return compiled, compiled.Subnet(s)
}

// BenchmarkDecision is one decision of one group: 10, 100 and 1,000 rules.
func BenchmarkDecision(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		rules, p := bench(b, size)
		for _, c := range []struct{ name, packet, want string }{
			{"allow", "tcp 10.0.200.9 10.0.0.4:443", "allow"},
			{"deny", "tcp 11.1.1.1 10.0.0.4:443", "deny"},
			{"deny6", "tcp fd01::1 [fd00:ffff::4]:443", "deny"},
		} {
			pk := packet(b, c.packet)
			b.Run(fmt.Sprintf("%s/rules=%d", c.name, size), func(b *testing.B) {
				if d := rules.Inbound(p, pk); said(d)[:len(c.want)] != c.want {
					b.Fatal(said(d))
				}
				b.ReportAllocs()
				for b.Loop() {
					rules.Inbound(p, pk)
				}
			})
		}
	}
}

// BenchmarkFlow is a flow from end to end through four levels.
func BenchmarkFlow(b *testing.B) {
	_, r := architecture(b)
	pk := packet(b, "tcp 10.0.0.4 10.0.1.5:443")
	b.ReportAllocs()
	for b.Loop() {
		r.Flow(pk)
	}
}

// BenchmarkNaive is the straight loop, to see what the tables are worth.
func BenchmarkNaive(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		rules, _ := bench(b, size)
		pk := packet(b, "tcp 10.0.200.9 10.0.0.4:443")
		b.Run(fmt.Sprintf("rules=%d", size), func(b *testing.B) {
			for b.Loop() {
				naively(rules.network, pk)
			}
		})
	}
}

// BenchmarkCompile is the time of a load.
func BenchmarkCompile(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		rules, _ := bench(b, size)
		b.Run(fmt.Sprintf("rules=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compile(rules.network)
			}
		})
	}
}
