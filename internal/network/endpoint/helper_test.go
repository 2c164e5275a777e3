package endpoint

import (
	"net/netip"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// contoso is a network with a subnet of endpoints.
func contoso() *site.Network {
	v := &site.VirtualNetwork{Name: "contoso", AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	v.Subnets = []*site.Subnet{{Name: "endpoints", VirtualNetwork: v, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.3.0/24")}}}
	return &site.Network{VirtualNetworks: []*site.VirtualNetwork{v}}
}

// add adds an endpoint of an account of Azure OpenAI.
func add(n *site.Network, name, service string, addrs ...string) *site.PrivateEndpoint {
	e := &site.PrivateEndpoint{
		Pos: site.Pos{File: "network/" + name + ".yaml", Line: 1}, Name: name, Subnet: n.VirtualNetworks[0].Subnets[0],
		Service:     "/subscriptions/x/resourceGroups/y/providers/Microsoft.CognitiveServices/accounts/" + service,
		ServiceType: "Microsoft.CognitiveServices/accounts", ServiceName: service, GroupIDs: []string{"account"},
		Status: site.ConnectionApproved, Names: []string{service + ".openai.azure.com"},
	}
	for _, a := range addrs {
		e.Addresses = append(e.Addresses, netip.MustParseAddr(a))
	}
	n.PrivateEndpoints = append(n.PrivateEndpoints, e)
	return e
}

func compile(t testing.TB, n *site.Network) *Set {
	t.Helper()
	s, problems := Compile(n, n.VirtualNetworks[0])
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return s
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
