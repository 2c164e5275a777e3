package nsg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// The kinds of an [End].
const (
	KindSubnet    = "subnet"
	KindInterface = "nic"
	KindEndpoint  = "endpoint"
	KindAddress   = "address"
	KindInternet  = site.Internet
)

// End is one end of a flow as somebody names it: "app", "main/app", "nic:web1",
// "10.0.0.4", "internet".
type End struct {
	Kind string `json:"kind"`
	// Name of the subnet (NETWORK/SUBNET), interface or endpoint; of an address
	// that of what has it, "internet" outside.
	Name string `json:"name"`
	// Address stands for the end: the one that was given, that of the interface
	// or endpoint, or one of the subnet or outside that nobody has.
	Address netip.Addr `json:"address"`

	point     *Point
	addresses []netip.Addr // at most one of each family
}

// Resolve finds what a name means: an address, "internet", or a subnet, an
// interface or a private endpoint of the network, without case. Where several
// have one name, "subnet:", "nic:" or "endpoint:" before it says which.
func (r *Rules) Resolve(text string) (End, error) {
	kind, name, given := strings.Cut(text, ":")
	if !given || !slices.Contains([]string{KindSubnet, KindInterface, KindEndpoint}, strings.ToLower(kind)) {
		kind, name = "", text
	}
	kind = strings.ToLower(kind)
	if kind == "" {
		if strings.EqualFold(text, site.Internet) {
			return r.internet()
		}
		if a, err := netip.ParseAddr(text); err == nil {
			p := r.At(a)
			return End{Kind: KindAddress, Name: p.Name(), point: p, addresses: []netip.Addr{plain(a)}}, nil
		}
	}
	var found []End
	for _, e := range r.ends() {
		short := e.Name
		if e.Kind == KindSubnet && !strings.Contains(name, "/") {
			short = e.point.Subnet.Name
		}
		if strings.EqualFold(short, name) && (kind == "" || kind == e.Kind) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return End{}, r.unknownEnd(name)
	case 1:
		return r.withAddress(found[0])
	}
	var names []string
	for _, e := range found {
		names = append(names, e.Kind+":"+e.Name)
	}
	return End{}, fmt.Errorf("%q means several things; write one of: %s", text, strings.Join(names, ", "))
}

// ends are all places of the network that have a name.
func (r *Rules) ends() (out []End) {
	for _, vn := range r.network.VirtualNetworks {
		for _, s := range vn.Subnets {
			out = append(out, End{Kind: KindSubnet, Name: s.ID(), point: r.subnets[s]})
		}
	}
	for _, n := range r.network.Interfaces {
		out = append(out, End{Kind: KindInterface, Name: n.Name, point: r.interfaces[n], addresses: n.Addresses})
	}
	for _, e := range r.network.PrivateEndpoints {
		out = append(out, End{Kind: KindEndpoint, Name: e.Name, point: r.endpoints[e], addresses: e.Addresses})
	}
	return out
}

func (r *Rules) unknownEnd(name string) error {
	var known []string
	for _, e := range r.ends() {
		known = append(known, e.Name)
		if e.Kind == KindSubnet {
			known = append(known, e.point.Subnet.Name)
		}
	}
	if near := site.Nearest(name, append(known, site.Internet)); near != "" {
		return fmt.Errorf("the network has no subnet, interface or endpoint %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("the network has no subnet, interface or endpoint %q, and it is neither an address nor %q", name, site.Internet)
}

// withAddress gives an end addresses: the first of each family of an interface or
// endpoint, one that is free in a subnet.
func (r *Rules) withAddress(e End) (End, error) {
	if e.Kind != KindSubnet {
		var first []netip.Addr
		for _, a := range e.addresses {
			if !slices.ContainsFunc(first, func(b netip.Addr) bool { return a.Is4() == b.Is4() }) {
				first = append(first, plain(a))
			}
		}
		if e.addresses = first; len(first) == 0 {
			return End{}, fmt.Errorf("%s %q has no address", e.Kind, e.Name)
		}
		return e, nil
	}
	e.addresses = nil
	for _, p := range e.point.Subnet.Prefixes {
		if a := r.free(p.Masked()); a.IsValid() && !slices.ContainsFunc(e.addresses, func(b netip.Addr) bool { return a.Is4() == b.Is4() }) {
			e.addresses = append(e.addresses, a)
		}
	}
	if len(e.addresses) == 0 {
		return End{}, fmt.Errorf("subnet %q has no address that is free; name an interface or an address", e.Name)
	}
	return e, nil
}

// free is an address of a prefix that no interface and no endpoint has; Azure
// keeps the first four of a subnet.
func (r *Rules) free(p netip.Prefix) netip.Addr {
	a := p.Addr()
	for range 4 {
		if next := a.Next(); p.Contains(next) {
			a = next
		}
	}
	for range len(r.byAddress) + 1 {
		if !p.Contains(a) {
			break
		}
		if r.byAddress[a] == nil {
			return a
		}
		a = a.Next()
	}
	return netip.Addr{}
}

// internet is the outside, with addresses that documentation has for itself.
func (r *Rules) internet() (End, error) {
	e := End{Kind: KindInternet, Name: site.Internet}
	for _, list := range [][]string{{"203.0.113.10", "198.51.100.10", "192.0.2.10"}, {"2001:db8::10"}} {
		for _, s := range list {
			if a := netip.MustParseAddr(s); r.At(a) == nil {
				e.addresses = append(e.addresses, a)
				break
			}
		}
	}
	if len(e.addresses) == 0 {
		return End{}, fmt.Errorf("the network holds every address that stands for the internet; name an address")
	}
	return e, nil
}

// meet chooses addresses of one family for two ends.
func meet(from, to *End) error {
	for _, a := range from.addresses {
		for _, b := range to.addresses {
			if a.Is4() == b.Is4() {
				from.Address, to.Address = a, b
				return nil
			}
		}
	}
	return fmt.Errorf("%s and %s have no addresses of one family", from.Name, to.Name)
}

// Point is where the end is; nil outside.
func (e *End) Point() *Point { return e.point }
