// Package nsg holds packets against the network security groups of a site, as
// Azure does.
//
// It guarantees Azure's meaning of the rules in network/: the lowest priority
// decides; custom rules come before the default rules 65000, 65001 and 65500
// that every group has; inbound the subnet's group is asked before the
// interface's, outbound after it, and both must allow. Tags are resolved for the
// virtual network in which a group stands. Application security groups stand for
// the addresses of their members. What a protocol has no ports for (ICMP, ESP,
// AH) matches only rules with all ports; "*" covers every protocol; "icmp" is
// ICMP for IPv4, because Azure's groups do not know ICMPv6, which only "*"
// covers. [Rules] are immutable: a decision takes no lock and allocates nothing.
//
// Three things stand outside the rules, as in Azure. The platform's addresses
// 168.63.129.16 and 169.254.169.254 are reached whatever the rules say, except
// by rules that name AzurePlatformDNS, AzurePlatformIMDS or AzurePlatformLKM.
// Private endpoints are exempt from inbound rules unless their subnet says that
// rules hold for them. And what no virtual network of the site holds is outside,
// where no rules are. One thing differs from Azure: a subnet without a group has
// the default rules without AllowInternetOutBound.
//
// It judges the first packet of a flow and keeps no flows: answers belong to the
// flow and are not asked about, and a rule that is taken away cuts none. It does
// not know routes, gateways, user-defined routes, security admin rules of a
// virtual network manager, or addresses before Azure translated them.
//
// It fails closed: what no rule allows, and what cannot be read (an invalid
// address, two families in one packet), is denied. A network whose rules cannot
// be compiled gives [site.Problems] and no [Rules].
package nsg

import (
	"net/netip"
	"strconv"

	"github.com/cloister-ai/cloister/internal/site"
)

// Protocol is an IANA protocol number.
type Protocol uint8

// The protocols that rules can name, and ICMPv6, which they cannot.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ESP    Protocol = 50
	AH     Protocol = 51
	ICMPv6 Protocol = 58
)

// HasPorts reports whether packets of the protocol have ports.
func (p Protocol) HasPorts() bool { return p == TCP || p == UDP }

func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ESP:
		return "esp"
	case AH:
		return "ah"
	case ICMPv6:
		return "icmpv6"
	}
	return "protocol " + strconv.Itoa(int(p))
}

// Packet is the first packet of a flow.
type Packet struct {
	Protocol            Protocol
	Source, Destination netip.Addr
	// The ports do not count where the protocol has none.
	SourcePort, DestinationPort uint16
	// AnySourcePort is for a connection that is not open yet, so that its source
	// port is not known: an Allow matches only where it covers every port from
	// 1024 on, a Deny where it covers any of them. What is allowed so is allowed
	// from every such port. SourcePort does not count then.
	AnySourcePort bool
}

// Level is where a decision was made.
type Level uint8

// The levels of a decision.
const (
	// PlatformLevel is outside the groups: Azure's own addresses, private
	// endpoints that are exempt, what is outside, and what cannot be judged.
	PlatformLevel Level = iota
	// SubnetLevel is the group of a subnet, or the rules of one without.
	SubnetLevel
	// InterfaceLevel is the group of a network interface.
	InterfaceLevel
)

func (l Level) String() string {
	switch l {
	case SubnetLevel:
		return "subnet"
	case InterfaceLevel:
		return "nic"
	}
	return "platform"
}

// MarshalText gives the level as [Level.String] does.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Decision is the answer for one packet, with the rule that gave it. The zero
// value denies.
type Decision struct {
	Allow bool
	// Rule is never nil in an answer. Of two levels that both allow it is the
	// rule of the last.
	Rule    *Rule
	Level   Level
	Inbound bool
}

// Rules are the compiled rules of a network. They never change and are safe for
// concurrent use.
type Rules struct {
	network    *site.Network
	subnets    map[*site.Subnet]*Point
	interfaces map[*site.NetworkInterface]*Point
	endpoints  map[*site.PrivateEndpoint]*Point
	// byAddress holds the addresses of interfaces and endpoints; prefixes the
	// rest of the subnets.
	byAddress map[netip.Addr]*Point
	prefixes  []prefixPoint
	// standing are the answers outside the groups.
	standing standing
}

type prefixPoint struct {
	prefix netip.Prefix
	point  *Point
}

// standing are the rules of the platform level.
type standing struct {
	outside, azure, endpoint, unreadable, unconnected *Rule
}

func newStanding() standing {
	return standing{
		outside:     &Rule{Name: "Outside", Allow: true},
		azure:       &Rule{Name: "AzurePlatform", Allow: true},
		endpoint:    &Rule{Name: "PrivateEndpointExempt", Allow: true},
		unreadable:  &Rule{Name: "Unreadable"},
		unconnected: &Rule{Name: "NotPeered"},
	}
}

// Point is a place in the network where rules hold: a network interface, a
// private endpoint, or any other address of a subnet. Nil is the outside.
type Point struct {
	// Subnet is never nil.
	Subnet *site.Subnet
	// Interface or Endpoint is set where the point is one.
	Interface *site.NetworkInterface
	Endpoint  *site.PrivateEndpoint

	subnet *groupRules
	nic    *groupRules // nil where the interface has no group
}

// Exempt reports whether inbound rules do not hold for the point: it is a
// private endpoint, and its subnet does not say that they do.
func (p *Point) Exempt() bool {
	return p.Endpoint != nil && !p.Subnet.EndpointRules
}

// Name is how the point is called: by its interface, its endpoint or its subnet.
// Of nil it is [site.Internet].
func (p *Point) Name() string {
	switch {
	case p == nil:
		return site.Internet
	case p.Interface != nil:
		return p.Interface.Name
	case p.Endpoint != nil:
		return p.Endpoint.Name
	}
	return p.Subnet.ID()
}

// SubnetRules are the rules of the subnet's group, of one direction, in the
// order in which they are asked. The slice is shared: it is not to be changed.
func (p *Point) SubnetRules(inbound bool) []*Rule { return p.subnet.list(inbound) }

// InterfaceRules are those of the interface's group; none where it has no group.
func (p *Point) InterfaceRules(inbound bool) []*Rule {
	if p.nic == nil {
		return nil
	}
	return p.nic.list(inbound)
}

// Subnet is the point of an address in a subnet that is no interface and no
// private endpoint; nil for a subnet of another network document.
func (r *Rules) Subnet(s *site.Subnet) *Point { return r.subnets[s] }

// Interface is the point of a network interface.
func (r *Rules) Interface(n *site.NetworkInterface) *Point { return r.interfaces[n] }

// Endpoint is the point of a private endpoint.
func (r *Rules) Endpoint(e *site.PrivateEndpoint) *Point { return r.endpoints[e] }

// At is the point that has an address: the interface or endpoint with it, else
// the subnet that holds it. Nil: the address is outside.
func (r *Rules) At(a netip.Addr) *Point {
	a = plain(a)
	if p := r.byAddress[a]; p != nil {
		return p
	}
	for i := range r.prefixes {
		if r.prefixes[i].prefix.Contains(a) {
			return r.prefixes[i].point
		}
	}
	return nil
}

// plain is an address as rules know it: without a zone, and IPv4 as such.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
