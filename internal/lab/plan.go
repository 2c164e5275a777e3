package lab

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Kind is what a host stands for.
type Kind string

// The kinds of hosts.
const (
	// Machine stands in a subnet: an application's, or the gateway's.
	Machine Kind = "machine"
	// Endpoint is a private endpoint.
	Endpoint Kind = "endpoint"
	// Outside is a machine somewhere in the internet.
	Outside Kind = "internet"
	// Public is the public address of the services that have private endpoints.
	Public Kind = "public"
)

// What stands outside, in prefixes that are for documentation (RFC 5737, 3849).
var (
	outsidePrefixes = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:113::/64")}
	outsideAddrs    = []netip.Addr{netip.MustParseAddr("203.0.113.50"), netip.MustParseAddr("2001:db8:113::50")}
	publicAddrs     = []netip.Addr{netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("2001:db8:100::10")}
	// publicDNS answers who asks from outside.
	publicDNS = netip.MustParseAddr("198.51.100.53")
	// platformDNS is Azure's own, at one address in every virtual network.
	platformDNS = netip.MustParseAddr("168.63.129.16")
	// metadataAddr is instance metadata.
	metadataAddr = netip.MustParseAddr("169.254.169.254")
)

// Host is one network namespace.
type Host struct {
	// Name is unique in the lab.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Subnet is NETWORK/SUBNET; empty: it stands outside.
	Subnet string `json:"subnet,omitempty"`
	// Interface is the document of its network interface; empty: there is none.
	Interface string `json:"interface,omitempty"`
	// Addrs are its addresses, at most one of each family unless its document
	// says more.
	Addrs []netip.Addr `json:"addrs"`
	// Gateway: the gateway runs here.
	Gateway bool `json:"gateway,omitempty"`
	// Device is the fabric's end of its cable.
	Device string `json:"device"`
}

// Inside reports whether the host stands in a virtual network.
func (h *Host) Inside() bool { return h.Subnet != "" }

// Addr is its address of the family of like; the zero value: it has none.
func (h *Host) Addr(like netip.Addr) netip.Addr {
	for _, a := range h.Addrs {
		if a.Is4() == like.Unmap().Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// Subnet is a subnet in the plan.
type Subnet struct {
	ID            string         `json:"id"`
	Prefixes      []netip.Prefix `json:"prefixes"`
	SecurityGroup string         `json:"securityGroup,omitempty"`
}

// Plan is who stands where.
type Plan struct {
	// Space is the address space of each virtual network, by name.
	Space   map[string][]netip.Prefix `json:"space"`
	Subnets []Subnet                  `json:"subnets"`
	Hosts   []*Host                   `json:"hosts"`
}

// maxHosts bounds a lab: each host is a namespace and a pair of devices.
const maxHosts = 512

// NewPlan places the hosts of a network: in every subnet the network interfaces
// of the site, or one machine where it has none, and the private endpoints. An
// address that no document gives is the first free one behind the four at the
// beginning of a prefix that Azure keeps to itself.
func NewPlan(s *site.Site) (*Plan, error) {
	p := &planner{plan: &Plan{Space: map[string][]netip.Prefix{}}, taken: map[netip.Addr]string{}, gateway: s.Config.Network}
	if s.Network == nil {
		return nil, errNoNetwork
	}
	if err := p.place(s.Network); err != nil {
		return nil, err
	}
	return p.plan, nil
}

var errNoNetwork = errors.New("the site has no virtual network; mend: describe one in network/ (docs/network-folder.md)")

type planner struct {
	plan    *Plan
	gateway site.NetworkConfig
	taken   map[netip.Addr]string
	// short counts the subnets of a name.
	short map[string]int
}

func (p *planner) place(n *site.Network) error {
	p.short = map[string]int{}
	for _, v := range n.VirtualNetworks {
		p.plan.Space[v.Name] = v.AddressSpace
		for _, s := range v.Subnets {
			p.short[s.Name]++
			sub := Subnet{ID: s.ID(), Prefixes: s.Prefixes}
			if s.SecurityGroup != nil {
				sub.SecurityGroup = s.SecurityGroup.Name
			}
			p.plan.Subnets = append(p.plan.Subnets, sub)
		}
	}
	if len(p.plan.Subnets) == 0 {
		return errNoNetwork
	}
	p.reserve(n)
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if err := p.machines(n, s); err != nil {
				return err
			}
		}
	}
	for _, e := range n.PrivateEndpoints {
		if err := p.endpoint(e); err != nil {
			return err
		}
	}
	if p.gateway.Subnet != "" && p.plan.Gateway() == nil {
		return fmt.Errorf("the gateway's subnet %q, or its network interface %q in it, is not in network/; mend: correct network.subnet in cloister.yaml",
			p.gateway.Subnet, p.gateway.NetworkInterface)
	}
	p.add(&Host{Name: site.Internet, Kind: Outside, Addrs: outsideAddrs})
	p.add(&Host{Name: "public", Kind: Public, Addrs: publicAddrs})
	return p.check()
}

// reserve notes the addresses that documents give, so that none is given twice.
func (p *planner) reserve(n *site.Network) {
	for _, i := range n.Interfaces {
		for _, a := range i.Addresses {
			p.taken[a] = i.Name
		}
	}
	for _, e := range n.PrivateEndpoints {
		for _, a := range e.Addresses {
			p.taken[a] = e.Name
		}
	}
}

// machines places those of a subnet. The first has the subnet's name.
func (p *planner) machines(n *site.Network, s *site.Subnet) error {
	name := s.Name
	if p.short[name] > 1 || name == site.Internet || name == "public" {
		name = s.ID()
	}
	own := p.isGateways(s)
	found := 0
	for _, i := range n.Interfaces {
		if i.Subnet != s {
			continue
		}
		h := &Host{Name: i.Name, Kind: Machine, Subnet: s.ID(), Interface: i.Name, Addrs: i.Addresses}
		if len(h.Addrs) == 0 {
			var err error
			if h.Addrs, err = p.free(s, i.Name); err != nil {
				return err
			}
		}
		if found++; found == 1 {
			h.Name = name
		}
		h.Gateway = own && (p.gateway.NetworkInterface == i.Name || p.gateway.NetworkInterface == "" && found == 1)
		p.add(h)
	}
	if found > 0 || p.gateway.NetworkInterface != "" && own {
		return nil
	}
	addrs, err := p.free(s, name)
	if err != nil {
		return err
	}
	p.add(&Host{Name: name, Kind: Machine, Subnet: s.ID(), Addrs: addrs, Gateway: own})
	return nil
}

func (p *planner) isGateways(s *site.Subnet) bool {
	return p.gateway.Subnet == s.ID() || p.gateway.Subnet == s.Name && p.short[s.Name] == 1
}

func (p *planner) endpoint(e *site.PrivateEndpoint) error {
	h := &Host{Name: e.Name, Kind: Endpoint, Subnet: e.Subnet.ID(), Addrs: e.Addresses}
	if len(h.Addrs) == 0 {
		var err error
		if h.Addrs, err = p.free(e.Subnet, e.Name); err != nil {
			return err
		}
	}
	p.add(h)
	return nil
}

// reserved is how many addresses at the beginning of a prefix are Azure's.
const reserved = 4

// free takes the first free address of each family of a subnet.
func (p *planner) free(s *site.Subnet, name string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, four := range []bool{true, false} {
		i := slices.IndexFunc(s.Prefixes, func(q netip.Prefix) bool { return q.Addr().Is4() == four })
		if i < 0 {
			continue
		}
		a, err := p.freeIn(s.Prefixes[i].Masked())
		if err != nil {
			return nil, fmt.Errorf("subnet %s: %w", s.ID(), err)
		}
		p.taken[a] = name
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("subnet %s has no prefix", s.ID())
	}
	return out, nil
}

func (p *planner) freeIn(prefix netip.Prefix) (netip.Addr, error) {
	a := prefix.Addr()
	for range reserved {
		a = a.Next()
	}
	for ; prefix.Contains(a); a = a.Next() {
		last := a.Is4() && !prefix.Contains(a.Next()) // broadcast
		if p.taken[a] == "" && !last {
			return a, nil
		}
	}
	return a, fmt.Errorf("%s has no free address; Azure keeps the first four and the last", prefix)
}

func (p *planner) add(h *Host) {
	h.Device = fmt.Sprintf("nic%d", len(p.plan.Hosts))
	p.plan.Hosts = append(p.plan.Hosts, h)
}

// check finds what two documents want both.
func (p *planner) check() error {
	if n := len(p.plan.Hosts); n > maxHosts {
		return fmt.Errorf("the site has %d hosts; a lab holds %d", n, maxHosts)
	}
	names, addrs := map[string]bool{}, map[netip.Addr]string{}
	for _, h := range p.plan.Hosts {
		if names[h.Name] {
			return fmt.Errorf("two hosts of the lab would have the name %q; mend: give the network interface, endpoint or subnet another", h.Name)
		}
		names[h.Name] = true
		for _, a := range h.Addrs {
			if other := addrs[a]; other != "" {
				return fmt.Errorf("%s and %s have one address, %s", other, h.Name, a)
			}
			addrs[a] = h.Name
		}
	}
	return nil
}

// Gateway is where the gateway runs; nil: nowhere.
func (p *Plan) Gateway() *Host {
	return p.first(func(h *Host) bool { return h.Gateway })
}

// Find finds a host by its own name, or that of its subnet or network interface.
func (p *Plan) Find(name string) (*Host, error) {
	for _, is := range []func(*Host) bool{
		func(h *Host) bool { return h.Name == name },
		func(h *Host) bool { return h.Kind == Machine && h.Subnet == name },
		func(h *Host) bool { return h.Interface == name },
	} {
		if h := p.first(is); h != nil {
			return h, nil
		}
	}
	var known []string
	for _, h := range p.Hosts {
		known = append(known, h.Name)
	}
	if near := site.Nearest(name, known); near != "" {
		return nil, fmt.Errorf("there is no subnet or host %q; did you mean %q?", name, near)
	}
	return nil, fmt.Errorf("there is no subnet or host %q; there are: %s", name, strings.Join(known, ", "))
}

// Holder is the host that has an address; nil: none.
func (p *Plan) Holder(a netip.Addr) *Host {
	return p.first(func(h *Host) bool { return slices.Contains(h.Addrs, a.Unmap()) })
}

func (p *Plan) first(is func(*Host) bool) *Host {
	if i := slices.IndexFunc(p.Hosts, is); i >= 0 {
		return p.Hosts[i]
	}
	return nil
}

// of are the hosts of a subnet, machines first.
func (p *Plan) of(subnet string) []*Host {
	var out []*Host
	for _, h := range p.Hosts {
		if h.Subnet == subnet {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b *Host) int { return cmp.Compare(b.Kind, a.Kind) })
	return out
}
