package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/site"
)

// network is one virtual network with subnets: "NAME PREFIX…".
func network(name string, subnets ...string) *site.VirtualNetwork {
	v := &site.VirtualNetwork{Name: name, AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, text := range subnets {
		f := strings.Fields(text)
		s := &site.Subnet{Name: f[0], VirtualNetwork: v}
		for _, p := range f[1:] {
			s.Prefixes = append(s.Prefixes, netip.MustParsePrefix(p))
		}
		v.Subnets = append(v.Subnets, s)
	}
	return v
}

func siteOf(gateway site.NetworkConfig, change func(*site.Network), networks ...*site.VirtualNetwork) *site.Site {
	n := &site.Network{VirtualNetworks: networks}
	if change != nil {
		change(n)
	}
	return &site.Site{Config: &site.Config{Network: gateway}, Network: n}
}

func addrs(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func TestPlan(t *testing.T) {
	one := network("one", "app 10.1.0.0/24 fd00:1::/64", "gateway 10.1.1.0/24", "ends 10.1.2.0/24")
	two := network("two", "app 10.2.0.0/24")
	s := siteOf(site.NetworkConfig{Subnet: "one/gateway", NetworkInterface: "second"}, func(n *site.Network) {
		n.Interfaces = []*site.NetworkInterface{
			{Name: "first", Subnet: one.Subnets[1], Addresses: addrs("10.1.1.9")},
			{Name: "second", Subnet: one.Subnets[1], Addresses: addrs("10.1.1.4")},
		}
		n.PrivateEndpoints = []*site.PrivateEndpoint{
			{Name: "given", Subnet: one.Subnets[2], Addresses: addrs("10.1.2.5")},
			{Name: "free", Subnet: one.Subnets[2]},
		}
	}, one, two)
	p, err := NewPlan(s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range p.Hosts {
		line := h.Name
		for _, a := range h.Addrs {
			line += " " + a.String()
		}
		if h.Gateway {
			line += " gateway"
		}
		got = append(got, line)
	}
	want := `one/app 10.1.0.4 fd00:1::4
gateway 10.1.1.9
second 10.1.1.4 gateway
ends 10.1.2.4
two/app 10.2.0.4
given 10.1.2.5
free 10.1.2.6
internet 203.0.113.50 2001:db8:113::50
public 198.51.100.10 2001:db8:100::10`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	for name, host := range map[string]string{"one/gateway": "gateway", "first": "gateway", "second": "second", "two/app": "two/app", "free": "free"} {
		if h, err := p.Find(name); err != nil || h.Name != host {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
	for _, line := range strings.Split(p.Draw(), "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
	if !strings.Contains(p.Draw(), "10.1.1.4  the gateway") {
		t.Errorf("the gateway is not in the drawing:\n%s", p.Draw())
	}
}

func TestPlanRefuses(t *testing.T) {
	for want, s := range map[string]*site.Site{
		"has no virtual network": siteOf(site.NetworkConfig{}, nil),
		"no free address":        siteOf(site.NetworkConfig{}, nil, network("one", "app 10.1.0.0/30")),
		`"nowhere"`:              siteOf(site.NetworkConfig{Subnet: "nowhere"}, nil, network("one", "app 10.1.0.0/24")),
		"have one address, 10.1.0.9": siteOf(site.NetworkConfig{}, func(n *site.Network) {
			for i, v := range n.VirtualNetworks {
				n.Interfaces = append(n.Interfaces, &site.NetworkInterface{Name: fmt.Sprint("nic", i), Subnet: v.Subnets[0], Addresses: addrs("10.1.0.9")})
			}
		}, network("one", "app 10.1.0.0/24"), network("two", "web 10.1.0.0/24")),
		"has no prefix": siteOf(site.NetworkConfig{}, nil, network("one", "app")),
	} {
		if _, err := NewPlan(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestDrawingIsNarrow: long names and many addresses are cut.
func TestDrawingIsNarrow(t *testing.T) {
	long := strings.Repeat("ä", 70)
	p, err := NewPlan(siteOf(site.NetworkConfig{}, nil, network(long, long+" 10.1.0.0/24 fd00:1111:2222:3333::/64")))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(p.Draw(), "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
}
