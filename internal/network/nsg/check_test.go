package nsg

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
	"github.com/cloister-ai/cloister/internal/site"
)

// problems are what Compile says about a network, a line each, without the
// warning for subnets that have no group.
func problems(n *site.Network) (out []string) {
	_, ps := Compile(n)
	ps.Sort()
	for _, p := range ps {
		if p.Code != "subnet-without-security-group" {
			out = append(out, p.String())
		}
	}
	return out
}

// TestProblems: what is wrong with rules is said at its place, with the mend.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(b *nsgtest.Builder)
		want []string
	}{
		{"sound", func(b *nsgtest.Builder) { b.Group("g", "100 in allow tcp 10.0.0.0/24 * 443", "100 out deny * * * *") }, nil},
		{"priority", func(b *nsgtest.Builder) { b.Group("g", "99 in allow tcp * * 443", "4097 out deny * * * *") }, []string{
			`network/test.yaml:2:1: error: rule "r99" has priority 99; expected 100 to 4096`,
			`network/test.yaml:3:1: error: rule "r4097" has priority 4097; expected 100 to 4096`,
		}},
		{"one priority", func(b *nsgtest.Builder) {
			b.Group("g", "100 in allow tcp * * 443", "100 in deny * * * *", "101 in deny * * * *", "100 out deny * * * *")
		}, []string{
			`network/test.yaml:3:1: error: rules "r100" and "r100" have the same priority 100 and direction; expected each priority once in a direction; mend: write 102`,
		}},
		{"unknown tag", func(b *nsgtest.Builder) {
			b.Tag("Storage.WestEurope", "20.60.0.0/16")
			b.Group("g", "100 in allow tcp VirtualNetwrk storage.westeurop 443", "110 in deny * Mars * *")
		}, []string{
			`network/test.yaml:902:1: error: rule "r100": nobody knows the source tag "VirtualNetwrk"; expected a service tag of the site, VirtualNetwork, Internet or AzureLoadBalancer; mend: write "VirtualNetwork"`,
			`network/test.yaml:902:1: error: rule "r100": nobody knows the destination tag "storage.westeurop"; expected a service tag of the site, VirtualNetwork, Internet or AzureLoadBalancer; mend: write "Storage.WestEurope"`,
			`network/test.yaml:903:1: error: rule "r110": nobody knows the source tag "Mars"; expected a service tag of the site, VirtualNetwork, Internet or AzureLoadBalancer; mend: name prefixes, or define the tag in network/`,
		}},
		{"ports", func(b *nsgtest.Builder) {
			g := b.Group("g", "100 in allow tcp * * 443", "110 in allow tcp * * 80-90,85-100", "120 in allow icmp * * 443")
			g.Rules[0].DestinationPorts = []site.PortRange{{First: 90, Last: 80}}
			g.Rules[0].SourcePorts = nil
		}, []string{
			`network/test.yaml:2:1: error: rule "r100" has no sourcePortRanges; expected "*", a port or a range`,
			`network/test.yaml:2:1: error: rule "r100": the range 90-80 of destinationPortRanges is empty; expected the lower port first; mend: write 80-90`,
			`network/test.yaml:4:1: warning: rule "r120" never matches: icmp has no ports; mend: write "*" for both port ranges`,
			`network/test.yaml:3:1: warning: rule "r110": 80-90,85-100 of destinationPortRanges overlap; mend: write one range`,
		}},
		{"addresses", func(b *nsgtest.Builder) {
			g := b.Group("g",
				"100 in allow tcp 10.0.0.0/8,10.1.0.0/16,11.0.0.0/8,10.1.2.3 * 443", "110 in allow tcp 10.0.0.0/8 fd00::/8 443",
				"120 in allow tcp 10.0.0.0/8,fd00::/8 * 443", "130 in allow gre * * *")
			g.Rules[3].Source = site.RuleAddresses{}
		}, []string{
			`network/test.yaml:5:1: error: rule "r130" has no source; expected "*", prefixes, a tag or application security groups`,
			`network/test.yaml:3:1: warning: rule "r110" never matches: one side is IPv4, the other IPv6; mend: name prefixes of one family on both sides`,
			`network/test.yaml:4:1: warning: rule "r120" names prefixes of IPv4 and IPv6 on one side, which Azure refuses in one rule; mend: make a rule for each family`,
			`network/test.yaml:2:1: warning: rule "r100": 10.1.0.0/16 of the source lies in 10.0.0.0/8, which Azure refuses in one rule; mend: leave out 10.1.0.0/16`,
			`network/test.yaml:2:1: warning: rule "r100": 10.1.2.3/32 of the source lies in 10.0.0.0/8, which Azure refuses in one rule; mend: leave out 10.1.2.3/32`,
			`network/test.yaml:5:1: error: rule "r130" has the protocol "gre"; expected *, Tcp, Udp, Icmp, Esp or Ah`,
		}},
		{"groups of applications", func(b *nsgtest.Builder) {
			one, two := b.VNet("one", "10.0.0.0/16"), b.VNet("two", "10.1.0.0/16")
			g := b.Group("g", "100 in allow tcp asg:web asg:db 443", "110 in allow tcp asg:db * 443", "120 in allow tcp asg:nobody * 443")
			s1, s2 := b.Subnet(one, "s", "10.0.0.0/24", g), b.Subnet(two, "s", "10.1.0.0/24", nil)
			b.NIC(s1, "a", "10.0.0.4", nil, "web", "both")
			b.NIC(s2, "b", "10.1.0.4", nil, "db", "both")
		}, []string{
			`application security group "both" has members in "one" and "two"; expected interfaces of one virtual network; mend: make a group for each virtual network`,
			`rule "r100": the members of its application security groups are in "one" and "two"; expected application security groups of one virtual network; mend: make a rule for each virtual network, with prefixes for the other`,
			`rule "r110": the members of its application security groups are in "two", and security group "g" stands in "one"; expected application security groups of one; mend: name prefixes instead`,
			`rule "r120": application security group "nobody" has no members; mend: make an interface or a private endpoint a member`,
		}},
		{"too many", func(b *nsgtest.Builder) {
			g := b.Group("g")
			for i := range maxRules + 1 {
				g.Rules = append(g.Rules, &site.SecurityRule{Name: fmt.Sprint("r", i), Priority: 100 + i})
			}
		}, []string{`security group "g" has 1001 rules; expected 1000 rules at most, as in Azure; mend: join rules: a rule may name several prefixes and ports`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := nsgtest.New(t)
			c.make(b)
			got := problems(b.Network)
			for _, want := range c.want {
				found := false
				for _, g := range got {
					found = found || strings.Contains(g, want)
				}
				if !found {
					t.Errorf("missing: %s", want)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("%d problems, want %d:\n%s", len(got), len(c.want), strings.Join(got, "\n"))
			}
		})
	}
}

// TestBareSubnet: what differs from Azure is said where it is.
func TestBareSubnet(t *testing.T) {
	b, _ := architecture(t)
	_, ps := Compile(b.Network)
	if len(ps) != 1 || ps[0].Severity != site.Warning || ps[0].Code != "subnet-without-security-group" || ps[0].Pos != b.Network.VirtualNetworks[0].Subnets[4].Pos {
		t.Errorf("%v", ps)
	}
}

// TestTooMuchMemory: a site cannot ask for more than a bound.
func TestTooMuchMemory(t *testing.T) {
	b := nsgtest.New(t)
	g := b.Group("g")
	for i := range maxRules {
		r := b.Rule(fmt.Sprintf("%d in allow * * * *", 100+i))
		r.Source = site.RuleAddresses{}
		for j := range 20 {
			r.Source.Prefixes = append(r.Source.Prefixes, nsgtest.Prefixes(fmt.Sprintf("%d.%d.%d.%d/32", 11+i%200, i/200, 2*j, j))...)
		}
		g.Rules = append(g.Rules, r)
	}
	b.Subnet(b.VNet("v", "10.0.0.0/16"), "s", "10.0.0.0/24", g)
	if r, ps := Compile(b.Network); r == nil {
		t.Fatal(ps)
	}
	r, ps := compile(b.Network, 1<<18)
	if r != nil || len(ps) != 1 || ps[0].Code != "security-group-too-large" || ps[0].Pos != g.Pos {
		t.Errorf("%v", ps)
	}
}
