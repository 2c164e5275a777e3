package main

import (
	"flag"
	"fmt"
	"net/netip"
	"testing"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

// networkRules are how many rules a security group has in the benchmark.
var networkRules = []int{10, 100, 1000}

// securityNetwork is a subnet whose group has so many inbound rules, each with
// five prefixes and two ranges of ports. The last one allows; the others do not
// match what is asked.
func securityNetwork(rules int) *site.Network {
	group := &site.SecurityGroup{Name: "gateway"}
	all := []site.PortRange{{First: 0, Last: 65535}}
	prefix := func(a, b, c byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, a, b, c}), bits)
	}
	for i := range rules {
		r := &site.SecurityRule{
			Name: fmt.Sprintf("rule-%d", i), Priority: 100 + i, Inbound: true, Protocol: "tcp", SourcePorts: all,
			Destination:      site.RuleAddresses{Prefixes: []netip.Prefix{prefix(0, 0, 0, 16)}},
			DestinationPorts: []site.PortRange{{First: uint16(1000 + i), Last: uint16(1000 + i)}, {First: uint16(20000 + 10*i), Last: uint16(20009 + 10*i)}},
		}
		for k := range byte(5) {
			r.Source.Prefixes = append(r.Source.Prefixes, prefix(byte(i%250), 7*k+byte(i/250), 0, 28))
		}
		if i == rules-1 {
			r.Allow, r.DestinationPorts = true, []site.PortRange{{First: 443, Last: 443}}
			r.Source.Prefixes = []netip.Prefix{prefix(0, 0, 0, 16)}
		}
		group.Rules = append(group.Rules, r)
	}
	n := &site.VirtualNetwork{Name: "contoso", AddressSpace: []netip.Prefix{prefix(0, 0, 0, 8)}}
	n.Subnets = []*site.Subnet{{Name: "gateway", VirtualNetwork: n, Prefixes: []netip.Prefix{prefix(0, 0, 0, 24)}, SecurityGroup: group}}
	return &site.Network{VirtualNetworks: []*site.VirtualNetwork{n}, SecurityGroups: []*site.SecurityGroup{group}}
}

// runNetwork measures what the private network costs.
func runNetwork(opt options) error {
	testing.Init()
	if err := flag.Set("test.benchtime", (opt.duration / 10).String()); err != nil {
		return err
	}
	fmt.Println("security rules: medians over", opt.rounds, "rounds; time and allocations of one decision, decisions a second on one core, and time to compile the rules")
	var thousand float64
	for _, rules := range networkRules {
		allowed, denied, err := decisions(rules)
		if err != nil {
			return err
		}
		n := securityNetwork(rules)
		compiled := &exprFigure{run: func() { nsg.Compile(n) }}
		for range opt.rounds {
			allowed.round()
			denied.round()
			compiled.round()
		}
		thousand = middle(denied.ns)
		fmt.Printf("  %5d rules  allowed %s, denied %s (%.1f million a second), compiled in %.2f ms\n",
			rules, allowed, denied, 1e3/thousand, middle(compiled.ns)/1e6)
	}
	fmt.Printf("network nsg-1000-ns %.0f\n", thousand)
	if err := benchEndpoints(opt); err != nil {
		return err
	}
	if err := benchNames(opt); err != nil {
		return err
	}
	return benchLab(opt)
}

// decisions asks for a packet that the last rule allows, and for one that none
// allows.
func decisions(rules int) (allowed, denied *exprFigure, err error) {
	n := securityNetwork(rules)
	compiled, problems := nsg.Compile(n)
	if compiled == nil {
		return nil, nil, problems.Err()
	}
	at := compiled.Subnet(n.VirtualNetworks[0].Subnets[0])
	packet := func(source string) nsg.Packet {
		return nsg.Packet{Protocol: nsg.TCP, Source: netip.MustParseAddr(source), SourcePort: 50000, Destination: netip.MustParseAddr("10.0.0.4"), DestinationPort: 443}
	}
	yes, no := packet("10.0.200.9"), packet("192.0.2.9")
	if d := compiled.Inbound(at, yes); !d.Allow || d.Rule.Priority != 99+rules {
		return nil, nil, fmt.Errorf("of %d rules %s decides", rules, d.Rule.Name)
	}
	if d := compiled.Inbound(at, no); d.Allow || d.Rule.Name != "DenyAllInBound" {
		return nil, nil, fmt.Errorf("of %d rules %s decides", rules, d.Rule.Name)
	}
	ask := func(p nsg.Packet) *exprFigure { return &exprFigure{run: func() { compiled.Inbound(at, p) }} }
	return ask(yes), ask(no), nil
}
