package main

import (
	"fmt"
	"net/netip"

	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/site"
)

// benchEndpoints measures what private endpoints add to a connection and to a
// request.
func benchEndpoints(opt options) error {
	fmt.Println("private endpoints, of 100:")
	const count = 100
	n := &site.Network{}
	subnet := &site.Subnet{Name: "endpoints", VirtualNetwork: &site.VirtualNetwork{Name: "contoso"}, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.3.0/24")}}
	for i := range byte(count) {
		n.PrivateEndpoints = append(n.PrivateEndpoints, &site.PrivateEndpoint{
			Name: fmt.Sprint("e", i), Subnet: subnet, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 1, 3, 4 + i})},
			Service: fmt.Sprint("/accounts/", i), Names: []string{fmt.Sprintf("contoso%d.openai.azure.com", i)}, Status: site.ConnectionApproved,
		})
	}
	set, problems := endpoint.Compile(n, nil)
	if problems.HasErrors() {
		return problems.Err()
	}
	live := endpoint.NewLive()
	v := live.View(set)
	live.Enforce(v)
	const host = "contoso99.openai.azure.com"
	a := netip.AddrFrom4([4]byte{10, 1, 3, 4 + count - 1})
	if _, r := v.Judge(host, a); r != nil {
		return fmt.Errorf("the endpoint is refused: %s", r.Reason)
	}
	connection := &exprFigure{run: func() {
		if _, r := v.Judge(host, a); r == nil {
			h, _, _ := v.Hold(host, a, nil)
			h.Release()
		}
	}}
	request := &exprFigure{run: func() { v.Set().Host(host) }}
	for range opt.rounds {
		connection.round()
		request.round()
	}
	fmt.Printf("  judging and holding a connection %s; naming the endpoint in a request's records %s\n", connection, request)
	fmt.Printf("network endpoint-connection-ns %.0f\n", middle(connection.ns))
	return nil
}
