package app

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

// placement is where the gateway stands in the network of the site. Nil: in none, and
// no rule is enforced.
type placement struct {
	rules *nsg.Rules
	point *nsg.Point
	// addrs are the host's addresses in the subnet.
	addrs []netip.Addr
	// flows is told every decision; nil: nobody is.
	flows *nsg.FlowLog
}

// findPlacement compiles the network's rules and finds the gateway in it. With errors
// there is none.
func findPlacement(s *site.Site, at surroundings) (*placement, site.Problems) {
	rules, problems := nsg.Compile(s.Network)
	cfg := s.Config.Network
	if rules == nil || cfg.Subnet == "" {
		return nil, problems
	}
	subnet, err := s.Network.Subnet(cfg.Subnet)
	if err != nil { // which loading reports
		problems.Add(cfg.Pos, "unknown-reference", "a subnet of network/", "", "%v", err)
		return nil, problems
	}
	hostAddrs := at.hostAddrs
	if hostAddrs == nil {
		hostAddrs = localAddrs
	}
	all, err := hostAddrs()
	if err != nil {
		problems.Add(cfg.Pos, "subnet", "a host whose addresses can be listed", "", "listing the host's addresses: %v", err)
		return nil, problems
	}
	p := &placement{rules: rules, point: rules.Subnet(subnet), flows: at.flows}
	for _, a := range all {
		if subnet.Contains(a) {
			p.addrs = append(p.addrs, a)
		}
	}
	if len(p.addrs) == 0 {
		return nil, append(problems, notInSubnet(cfg, subnet, all, at)...)
	}
	if found := rules.At(p.addrs[0]); found != nil && found.Interface != nil {
		p.point = found
	}
	for _, n := range s.Network.Interfaces {
		if strings.EqualFold(n.Name, cfg.NetworkInterface) {
			p.point = rules.Interface(n)
		}
	}
	return p, problems
}

// notInSubnet: a host that stands elsewhere enforces nothing, so it does not serve
// unless it is told that the site only describes.
func notInSubnet(cfg site.NetworkConfig, subnet *site.Subnet, all []netip.Addr, at surroundings) (ps site.Problems) {
	where := fmt.Sprintf("none of the host's addresses (%s) lies in the subnet %s (%s)", addrTexts(all), subnet.ID(), prefixTexts(subnet.Prefixes))
	switch {
	case at.elsewhere:
		ps.Warn(cfg.Pos, "subnet", "", "on this machine: %s, so that serve refuses to start without --detached", where)
	case at.detached:
		ps.Warn(cfg.Pos, "subnet", "", "%s: serving detached, and no security rule is enforced", where)
	default:
		ps.Add(cfg.Pos, "subnet", "a host with an address of the subnet", "serve where the subnet is, name another subnet, or run serve --detached for a site that only describes", "%s", where)
	}
	return ps
}

func localAddrs() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	return usable(list), nil
}

func addrTexts(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		if !a.IsLoopback() {
			out = append(out, a.String())
		}
	}
	if len(out) == 0 {
		return "none but loopback"
	}
	return strings.Join(out, ", ")
}

func prefixTexts(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

// admits judges a connection that a peer has opened. What the machine says to
// itself goes over no network.
func (p *placement) admits(local, peer netip.AddrPort) bool { return p.admitted(nsg.TCP, local, peer) }

// admitted is admits for any protocol with ports.
func (p *placement) admitted(protocol nsg.Protocol, local, peer netip.AddrPort) bool {
	if p == nil || peer.Addr().IsLoopback() || peer.Addr() == local.Addr() {
		return true
	}
	packet := nsg.Packet{Protocol: protocol, Source: peer.Addr(), SourcePort: peer.Port(), Destination: local.Addr(), DestinationPort: local.Port()}
	d := p.rules.Inbound(p.point, packet)
	p.flows.Record(nsg.Flow{Packet: packet, Decision: d})
	return d.Allow
}

// permits judges a connection that is about to be opened, and names the rule that
// denies it.
func (p *placement) permits(network string, to netip.AddrPort) (rule string, ok bool) {
	if p == nil || to.Addr().IsLoopback() {
		return "", true
	}
	packet := nsg.Packet{Protocol: nsg.TCP, Destination: to.Addr(), DestinationPort: to.Port(), AnySourcePort: true}
	if strings.HasPrefix(network, "udp") {
		packet.Protocol = nsg.UDP
	}
	i := slices.IndexFunc(p.addrs, func(a netip.Addr) bool { return a.Is4() == to.Addr().Is4() })
	if i < 0 {
		return "none: the gateway has no address of that family in its subnet", false
	}
	packet.Source = p.addrs[i]
	d := p.rules.Outbound(p.point, packet)
	p.flows.Record(nsg.Flow{Packet: packet, Decision: d})
	return d.Rule.ID(), d.Allow
}
