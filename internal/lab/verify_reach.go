package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

// reach is what network/reachability.yaml means, in addresses. It knows nothing of
// rules.
type reach struct {
	network *site.Network
	allow   []reachLine
}

type reachLine struct {
	from, to side
	protocol nsg.Protocol
	ports    []uint16
}

// side is one side of a line: prefixes, or all that is outside.
type side struct {
	name     string
	prefixes []netip.Prefix
	outside  bool
}

func newReach(n *site.Network) (*reach, error) {
	if n.Reachability == nil {
		return nil, fmt.Errorf("network/reachability.yaml is missing: nothing says what has to be reachable; mend: write what must be, one line each (docs/network-folder.md); an empty list means that nothing must")
	}
	r := &reach{network: n}
	for _, a := range n.Reachability.Allow {
		from, err := r.side(a.From, false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Pos, err)
		}
		to, err := r.side(a.To, true)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Pos, err)
		}
		line := reachLine{from: from, to: to, protocol: nsg.TCP}
		if a.Protocol == "udp" {
			line.protocol = nsg.UDP
		}
		for _, p := range a.Ports {
			line.ports = append(line.ports, uint16(p))
		}
		r.allow = append(r.allow, line)
	}
	return r, nil
}

// side finds what a line names. An endpoint comes before a subnet of its name.
func (r *reach) side(name string, endpoints bool) (side, error) {
	if name == site.Internet {
		return side{name: name, outside: true}, nil
	}
	if endpoints {
		for _, e := range r.network.PrivateEndpoints {
			if strings.EqualFold(e.Name, name) {
				s := side{name: e.Name}
				for _, a := range e.Addresses {
					s.prefixes = append(s.prefixes, netip.PrefixFrom(a, a.BitLen()))
				}
				return s, nil
			}
		}
	}
	sub, err := r.network.Subnet(name)
	if err != nil {
		return side{}, err
	}
	return side{name: sub.ID(), prefixes: sub.Prefixes}, nil
}

// inside reports whether a virtual network of the site holds an address.
func (r *reach) inside(a netip.Addr) bool {
	for _, v := range r.network.VirtualNetworks {
		if slices.ContainsFunc(v.AddressSpace, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return true
		}
	}
	return false
}

func (r *reach) holds(s side, a netip.Addr) bool {
	if s.outside {
		return !r.inside(a)
	}
	return slices.ContainsFunc(s.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// allows reports whether some line lets a packet through.
func (r *reach) allows(p nsg.Packet) bool {
	return slices.ContainsFunc(r.allow, func(l reachLine) bool {
		return l.protocol == p.Protocol && slices.Contains(l.ports, p.DestinationPort) && r.holds(l.from, p.Source) && r.holds(l.to, p.Destination)
	})
}
