package site

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestNetwork: what the documents of the manual's site mean.
func TestNetwork(t *testing.T) {
	s, ps := load(t, complete(t))
	if s == nil {
		t.Fatal(render(ps))
	}
	n := s.Network
	var b strings.Builder
	for _, v := range n.VirtualNetworks {
		fmt.Fprintln(&b, "network", v.Name, v.AddressSpace, v.DNSServers)
		for _, sub := range v.Subnets {
			fmt.Fprintln(&b, "subnet", sub.ID(), sub.Prefixes, sub.SecurityGroup.Name, sub.EndpointRules)
		}
	}
	for _, g := range n.SecurityGroups {
		for _, r := range g.Rules {
			fmt.Fprintln(&b, "rule", g.Name, r.Name, r.Priority, r.Inbound, r.Allow, r.Protocol, r.Source.Prefixes, r.SourcePorts, r.Destination.Groups[0].Name, r.DestinationPorts)
		}
	}
	for _, nic := range n.Interfaces {
		fmt.Fprintln(&b, "interface", nic.Name, nic.Subnet.ID(), nic.Addresses, nic.Groups[0] == n.ApplicationSecurityGroups[0])
	}
	for _, e := range n.PrivateEndpoints {
		fmt.Fprintln(&b, "endpoint", e.Name, e.Subnet.ID(), e.Addresses, e.ServiceType, e.ServiceName, e.GroupIDs, e.Status, e.Names, e.Zones[0].Name)
	}
	for _, z := range n.PrivateZones {
		fmt.Fprintln(&b, "zone", z.Name, z.Links[0].VirtualNetwork.Name)
	}
	for _, a := range n.Reachability.Allow {
		fmt.Fprintln(&b, "reach", a.From, a.To, a.Protocol, a.Ports)
	}
	want := `network contoso [10.1.0.0/16] [10.1.2.3]
subnet contoso/app [10.1.1.0/24] app false
subnet contoso/gateway [10.1.2.0/24] gateway false
subnet contoso/endpoints [10.1.3.0/24] endpoints true
rule gateway AllowApp 100 true true tcp [10.1.1.0/24] [{0 65535}] gateways [{443 443}]
interface gateway contoso/gateway [10.1.2.3] true
endpoint openai contoso/endpoints [10.1.3.4] Microsoft.CognitiveServices/accounts contoso [account] Approved [contoso.openai.azure.com contoso.cognitiveservices.azure.com contoso.services.ai.azure.com] privatelink.openai.azure.com
zone privatelink.openai.azure.com contoso
reach app gateway tcp [443]
reach gateway openai tcp [443]
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	for id, want := range map[string]string{
		"gateway": "contoso/gateway", "CONTOSO/App": "contoso/app",
		"/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/virtualNetworks/contoso/subnets/endpoints": "contoso/endpoints",
		"other/app": "", "x": "", "/virtualNetworks": "",
	} {
		sub, err := n.Subnet(id)
		if (err == nil) != (want != "") || err == nil && sub.ID() != want {
			t.Errorf("%s: %v, %v", id, sub, err)
		}
	}
	if sub, _ := n.Subnet("app"); !sub.Contains(netip.MustParseAddr("::ffff:10.1.1.9")) || sub.Contains(netip.MustParseAddr("10.1.2.9")) {
		t.Error("the subnet does not know its addresses")
	}
}

// TestNetworkTwice: an export that writes parts in their parent and by themselves
// means the same as one that writes them once, in any order.
func TestNetworkTwice(t *testing.T) {
	const base = "name: contoso\nlisteners: [{address: 10.1.2.3, port: 443}]\nhostnames: [{name: openai.contoso.internal}]\n"
	rule := func(name string, priority int) string {
		return fmt.Sprintf(`{"priority": %d, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*", "sourceAddressPrefixes": [], "description": %q}`, priority, name)
	}
	s, ps := load(t, map[string]string{
		"cloister.yaml":  base + "network: {subnet: a}\n",
		"network/1.json": `{"resources": [{"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/one", "properties": ` + rule("one", 100) + `}, {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/two", "properties": ` + rule("two", 200) + `}]}`,
		"network/2.json": `{"type": "Microsoft.Network/virtualNetworks", "name": "v", "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}, "resources": [{"type": "subnets", "name": "a", "properties": {"addressPrefix": "10.1.2.0/24", "addressPrefixes": ["10.1.2.0/24"], "networkSecurityGroup": {"id": "/x/networkSecurityGroups/G"}}}]}`,
		"network/3.json": `[{"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "properties": {"securityRules": [{"name": "ONE", "properties": ` + rule("one", 100) + `}]}}]`,
	})
	if s == nil {
		t.Fatal(render(ps))
	}
	g := s.Network.SecurityGroups[0]
	if len(g.Rules) != 2 || len(s.Network.VirtualNetworks[0].Subnets) != 1 || s.Network.VirtualNetworks[0].Subnets[0].SecurityGroup != g {
		t.Errorf("%+v, %+v", g, s.Network.VirtualNetworks[0])
	}
}
