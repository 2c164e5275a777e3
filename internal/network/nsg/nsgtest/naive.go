package nsgtest

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// The naive evaluator reads the site's documents again for every packet, in
// straight loops. It shares no code with the compiled rules, so that the two can
// be held against each other.

type naivePacket struct {
	protocol   int
	src, dst   netip.Addr
	sport      int // -1: not known
	dport      int
	hasPorts   bool
	toPlatform bool
}

// Flow is what the naive evaluator says: "allow out subnet app/r100".
func Flow(n *site.Network, pk Packet) string {
	q := naivePacket{protocol: int(pk.Protocol), src: pk.Source.Unmap(), dst: pk.Destination.Unmap(), sport: int(pk.SourcePort), dport: int(pk.DestinationPort)}
	q.hasPorts = q.protocol == 6 || q.protocol == 17
	if pk.AnySourcePort {
		q.sport = -1
	}
	if !q.src.IsValid() || !q.dst.IsValid() || q.src.Is4() != q.dst.Is4() {
		return "deny out platform Unreadable"
	}
	fromNet, fromSub, fromNIC, _ := naivePlace(n, q.src)
	toNet, toSub, toNIC, toEndpoint := naivePlace(n, q.dst)
	if fromNet != nil && toNet != nil && fromNet != toNet && !(naivePeered(fromNet, toNet) && naivePeered(toNet, fromNet)) {
		return "deny out platform NotPeered"
	}
	if fromNet != nil {
		said := naiveOutbound(n, fromNet, fromSub, fromNIC, q)
		if strings.HasPrefix(said, "deny") || toNet == nil {
			return said
		}
	}
	if toNet == nil {
		return "allow in platform Outside"
	}
	if toEndpoint && !toSub.EndpointRules {
		return "allow in platform PrivateEndpointExempt"
	}
	said := naiveGroup(n, toNet, toSub.SecurityGroup, true, q)
	if said.allow && toNIC != nil && toNIC.SecurityGroup != nil {
		return naiveGroup(n, toNet, toNIC.SecurityGroup, true, q).text("in nic")
	}
	return said.text("in subnet")
}

func naiveOutbound(n *site.Network, vn *site.VirtualNetwork, s *site.Subnet, nic *site.NetworkInterface, q naivePacket) string {
	if q.dst.String() == "168.63.129.16" || q.dst.String() == "169.254.169.254" {
		q.toPlatform = true
		said := "allow out platform AzurePlatform"
		if nic != nil && nic.SecurityGroup != nil {
			if a := naiveGroup(n, vn, nic.SecurityGroup, false, q); a.name != "" {
				if said = a.text("out nic"); !a.allow {
					return said
				}
			}
		}
		if s.SecurityGroup != nil {
			if a := naiveGroup(n, vn, s.SecurityGroup, false, q); a.name != "" {
				return a.text("out subnet")
			}
		}
		return said
	}
	if nic != nil && nic.SecurityGroup != nil {
		if a := naiveGroup(n, vn, nic.SecurityGroup, false, q); !a.allow {
			return a.text("out nic")
		}
	}
	return naiveGroup(n, vn, s.SecurityGroup, false, q).text("out subnet")
}

type naiveSaid struct {
	allow bool
	name  string
}

func (a naiveSaid) text(where string) string {
	if a.allow {
		return "allow " + where + " " + a.name
	}
	return "deny " + where + " " + a.name
}

// naivePlace looks an address up: an endpoint, an interface, or the subnet.
func naivePlace(n *site.Network, a netip.Addr) (vn *site.VirtualNetwork, s *site.Subnet, nic *site.NetworkInterface, endpoint bool) {
	for _, e := range n.PrivateEndpoints {
		if slices.Contains(e.Addresses, a) {
			return e.Subnet.VirtualNetwork, e.Subnet, nil, true
		}
	}
	for _, i := range n.Interfaces {
		if slices.Contains(i.Addresses, a) {
			return i.Subnet.VirtualNetwork, i.Subnet, i, false
		}
	}
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if naiveIn(s.Prefixes, a) {
				return v, s, nil, false
			}
		}
	}
	return nil, nil, nil, false
}

func naiveIn(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func naivePeered(a, b *site.VirtualNetwork) bool {
	for _, p := range a.Peerings {
		if p.Remote == b {
			return true
		}
	}
	return false
}

// naiveGroup looks for the rule that matches with the lowest priority.
func naiveGroup(n *site.Network, vn *site.VirtualNetwork, g *site.SecurityGroup, inbound bool, q naivePacket) naiveSaid {
	prefix := ""
	if g != nil {
		prefix = g.Name + "/"
		var first *site.SecurityRule
		for _, r := range g.Rules {
			if r.Inbound == inbound && (first == nil || r.Priority < first.Priority) && naiveMatches(n, vn, r, q) {
				first = r
			}
		}
		if first != nil {
			return naiveSaid{first.Allow, prefix + first.Name}
		}
	}
	here := func(a netip.Addr) bool { return naiveTag(n, vn, "virtualnetwork", a) }
	switch {
	case q.toPlatform:
		return naiveSaid{}
	case inbound && here(q.src) && here(q.dst):
		return naiveSaid{true, prefix + "AllowVnetInBound"}
	case inbound && q.src.String() == "168.63.129.16":
		return naiveSaid{true, prefix + "AllowAzureLoadBalancerInBound"}
	case inbound:
		return naiveSaid{false, prefix + "DenyAllInBound"}
	case here(q.src) && here(q.dst):
		return naiveSaid{true, prefix + "AllowVnetOutBound"}
	case g != nil && naiveTag(n, vn, "internet", q.dst):
		return naiveSaid{true, prefix + "AllowInternetOutBound"}
	}
	return naiveSaid{false, prefix + "DenyAllOutBound"}
}

func naiveMatches(n *site.Network, vn *site.VirtualNetwork, r *site.SecurityRule, q naivePacket) bool {
	number := map[string]int{"tcp": 6, "udp": 17, "icmp": 1, "esp": 50, "ah": 51}[r.Protocol]
	if r.Protocol != "*" && number != q.protocol {
		return false
	}
	if q.toPlatform {
		named := false
		for _, t := range r.Destination.Tags {
			named = named || strings.HasPrefix(strings.ToLower(t.Name), "azureplatform") && naiveTag(n, vn, strings.ToLower(t.Name), q.dst)
		}
		if !named {
			return false
		}
	}
	if !naiveSide(n, vn, &r.Source, q.src) || !naiveSide(n, vn, &r.Destination, q.dst) {
		return false
	}
	if !q.hasPorts {
		return naiveEvery(r.SourcePorts, 0) && naiveEvery(r.DestinationPorts, 0)
	}
	if !naivePort(r.DestinationPorts, q.dport) {
		return false
	}
	if q.sport >= 0 {
		return naivePort(r.SourcePorts, q.sport)
	}
	if r.Allow {
		return naiveEvery(r.SourcePorts, 1024)
	}
	for port := 1024; port < 65536; port++ {
		if naivePort(r.SourcePorts, port) {
			return true
		}
	}
	return false
}

func naivePort(list []site.PortRange, port int) bool {
	for _, p := range list {
		if int(p.First) <= port && port <= int(p.Last) {
			return true
		}
	}
	return false
}

func naiveEvery(list []site.PortRange, from int) bool {
	for _, p := range list {
		if int(p.First) <= from && p.Last == 65535 {
			return true
		}
	}
	for port := from; port < 65536; port++ {
		if !naivePort(list, port) {
			return false
		}
	}
	return true
}

func naiveSide(n *site.Network, vn *site.VirtualNetwork, s *site.RuleAddresses, a netip.Addr) bool {
	if s.Any || naiveIn(s.Prefixes, a) {
		return true
	}
	for _, t := range s.Tags {
		if naiveTag(n, vn, strings.ToLower(t.Name), a) {
			return true
		}
	}
	for _, g := range s.Groups {
		for _, i := range n.Interfaces {
			if slices.Contains(i.Groups, g) && slices.Contains(i.Addresses, a) {
				return true
			}
		}
		for _, e := range n.PrivateEndpoints {
			if slices.Contains(e.Groups, g) && slices.Contains(e.Addresses, a) {
				return true
			}
		}
	}
	return false
}

func naiveTag(n *site.Network, vn *site.VirtualNetwork, lower string, a netip.Addr) bool {
	switch lower {
	case "virtualnetwork":
		for _, p := range vn.Peerings {
			if p.Access && naiveIn(p.AddressSpace, a) {
				return true
			}
		}
		return naiveIn(vn.AddressSpace, a) || a.String() == "168.63.129.16"
	case "internet":
		private := a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified()
		if b := a.As4; a.Is4() {
			x := b()
			private = private || x[0] == 0 || x[0] >= 224 || x[0] == 100 && x[1]&0xc0 == 64
		}
		return !private && !naiveTag(n, vn, "virtualnetwork", a)
	case "azureloadbalancer", "azureplatformdns":
		return a.String() == "168.63.129.16"
	case "azureplatformimds":
		return a.String() == "169.254.169.254"
	case "azureplatformlkm":
		return slices.Contains([]string{"20.118.99.224", "40.83.235.53", "23.102.135.246"}, a.String())
	}
	return naiveIn(n.ServiceTags[lower].Prefixes, a)
}
