package site

import "net/netip"

// Network is the network/ folder: ARM's documents of virtual networks, network
// security groups, private endpoints and private DNS zones, and what must be
// reachable. References between documents are resolved; one that leads nowhere is
// an error of the site.
type Network struct {
	VirtualNetworks           []*VirtualNetwork
	SecurityGroups            []*SecurityGroup
	ApplicationSecurityGroups []*ApplicationSecurityGroup
	Interfaces                []*NetworkInterface
	PrivateEndpoints          []*PrivateEndpoint
	PrivateZones              []*PrivateZone
	// ServiceTags are those of Microsoft's published files and the site's own, by
	// lower-case name ("storage.westeurope"). VirtualNetwork, Internet,
	// AzureLoadBalancer and the like are not among them: they depend on the
	// network.
	ServiceTags map[string]*ServiceTag
	// Reachability is network/reachability.yaml; nil without it.
	Reachability *Reachability
}

// VirtualNetwork is a Microsoft.Network/virtualNetworks.
type VirtualNetwork struct {
	Pos          Pos
	Name         string
	AddressSpace []netip.Prefix
	Subnets      []*Subnet
	// DNSServers are dhcpOptions.dnsServers; none: Azure's own.
	DNSServers []netip.Addr
	Peerings   []*Peering
}

// Peering is a virtualNetworkPeerings of a virtual network.
type Peering struct {
	Pos  Pos
	Name string
	// Remote is the other network where the site has it, else nil.
	Remote *VirtualNetwork
	// AddressSpace is that of the other network.
	AddressSpace []netip.Prefix
	// Access: allowVirtualNetworkAccess, true where not given. With false the
	// tag VirtualNetwork does not hold the other network.
	Access bool
}

// Subnet is a part of a virtual network.
type Subnet struct {
	Pos            Pos
	Name           string
	VirtualNetwork *VirtualNetwork
	Prefixes       []netip.Prefix
	// SecurityGroup is nil where none is associated.
	SecurityGroup *SecurityGroup
	// EndpointRules: privateEndpointNetworkPolicies says that security groups
	// hold for private endpoints ("Enabled" or "NetworkSecurityGroupEnabled").
	// Azure's default is Disabled.
	EndpointRules bool
	// NoDefaultOutbound: defaultOutboundAccess is false.
	NoDefaultOutbound bool
}

// ID is NETWORK/SUBNET.
func (s *Subnet) ID() string { return s.VirtualNetwork.Name + "/" + s.Name }

// Contains reports whether an address lies in the subnet.
func (s *Subnet) Contains(a netip.Addr) bool {
	for _, p := range s.Prefixes {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// SecurityGroup is a Microsoft.Network/networkSecurityGroups without its default
// rules, which every group has.
type SecurityGroup struct {
	Pos  Pos
	Name string
	// Rules are in the order of the document. Within a direction no two have one
	// priority.
	Rules []*SecurityRule
}

// SecurityRule is a securityRules of a group.
type SecurityRule struct {
	Pos  Pos
	Name string
	// Priority is 100 to 4096; the lowest decides.
	Priority int
	Inbound  bool
	Allow    bool
	// Protocol is "*", "tcp", "udp", "icmp", "esp" or "ah".
	Protocol                      string
	Source, Destination           RuleAddresses
	SourcePorts, DestinationPorts []PortRange
}

// RuleAddresses is one side of a rule: prefixes and tags, or application
// security groups.
type RuleAddresses struct {
	// Any: "*".
	Any      bool
	Prefixes []netip.Prefix
	Tags     []RuleTag
	Groups   []*ApplicationSecurityGroup
}

// RuleTag is a service tag that a rule names.
type RuleTag struct {
	Pos Pos
	// Name is as written; names are compared without case.
	Name string
}

// PortRange is an inclusive range; all ports are 0 to 65535.
type PortRange struct{ First, Last uint16 }

// ApplicationSecurityGroup is a set of network interfaces that rules name.
type ApplicationSecurityGroup struct {
	Pos  Pos
	Name string
}

// NetworkInterface is a Microsoft.Network/networkInterfaces.
type NetworkInterface struct {
	Pos           Pos
	Name          string
	Subnet        *Subnet
	Addresses     []netip.Addr
	SecurityGroup *SecurityGroup
	Groups        []*ApplicationSecurityGroup
}

// The states of a private endpoint's connection.
const (
	ConnectionPending      = "Pending"
	ConnectionApproved     = "Approved"
	ConnectionRejected     = "Rejected"
	ConnectionDisconnected = "Disconnected"
)

// PrivateEndpoint is a Microsoft.Network/privateEndpoints: an address in a subnet
// at which one sub-resource of one service is reached.
type PrivateEndpoint struct {
	Pos    Pos
	Name   string
	Subnet *Subnet
	// Addresses are those that ipConfigurations, or customDnsConfigs, give it.
	Addresses []netip.Addr
	// Service is the ARM id of the service, as written; ServiceType is its type
	// ("Microsoft.CognitiveServices/accounts") and ServiceName its name, both from
	// the id.
	Service, ServiceType, ServiceName string
	// GroupIDs are the sub-resources ("account").
	GroupIDs []string
	// Status is what the document says: one of the Connection constants. A
	// connection that asks for approval (manualPrivateLinkServiceConnections)
	// without a status is pending, any other approved.
	Status      string
	StatusPos   Pos
	Description string
	// Names are the FQDNs under which the service is called, in lower case: those
	// of customDnsConfigs, and those that Azure gives the service.
	Names []string
	// Zones are those in which privateDnsZoneGroups writes its records.
	Zones  []*PrivateZone
	Groups []*ApplicationSecurityGroup
}

// PrivateZone is a Microsoft.Network/privateDnsZones.
type PrivateZone struct {
	Pos Pos
	// Name is in lower case, without a dot at the end.
	Name    string
	Links   []*ZoneLink
	Records []*ZoneRecord
}

// ZoneLink is a virtualNetworkLinks of a zone: who gets its answers.
type ZoneLink struct {
	Pos            Pos
	Name           string
	VirtualNetwork *VirtualNetwork
	// Registration: interfaces of the network have records in the zone.
	Registration bool
	// Fallback: resolutionPolicy is NxDomainRedirect, so that a name without a
	// record is asked for outside.
	Fallback bool
}

// ZoneRecord is one set of records of a zone.
type ZoneRecord struct {
	Pos Pos
	// Name is relative to the zone, in lower case; "@" is the zone itself, and
	// "*" stands for what has no record of its own.
	Name string
	// Type is "A", "AAAA", "CNAME" or "TXT".
	Type string
	// TTL is in seconds.
	TTL       uint32
	Addresses []netip.Addr
	// Target of a CNAME, in lower case without a dot at the end.
	Target string
	Texts  [][]string
}

// ServiceTag is a named list of prefixes.
type ServiceTag struct {
	Pos      Pos
	Name     string
	Prefixes []netip.Prefix
}

// Reachability is network/reachability.yaml: what has to be reachable. All that
// it does not list must not be.
type Reachability struct {
	Pos   Pos     `yaml:"-"`
	Allow []Reach `yaml:"allow"`
}

// Internet is where [Reach.From] and [Reach.To] mean the network outside.
const Internet = "internet"

// Reach is one thing that must be reachable.
type Reach struct {
	Pos Pos `yaml:"-"`
	// From and To are subnets, as NAME or NETWORK/NAME, or "internet". To may be
	// a private endpoint too.
	From string `yaml:"from"`
	To   string `yaml:"to"`
	// Protocol is "tcp", the default, or "udp".
	Protocol string `yaml:"protocol"`
	// Ports are those that answer.
	Ports []int  `yaml:"ports"`
	Why   string `yaml:"why"`
}

// NetworkConfig is network in cloister.yaml: where the gateway stands in the
// network that network/ describes.
type NetworkConfig struct {
	Pos Pos `yaml:"-"`
	// Subnet of the gateway, as NAME or NETWORK/NAME. Empty: it stands in none,
	// and no rule is enforced.
	Subnet string `yaml:"subnet"`
	// NetworkInterface is the gateway's, where a security group is associated
	// with it; empty: none.
	NetworkInterface string `yaml:"networkInterface"`
	// FlowLog is "stdout", "stderr" or a file; empty: no flow log.
	FlowLog string     `yaml:"flowLog"`
	DNS     NetworkDNS `yaml:"dns"`
}

// NetworkDNS is the server for the site's private zones.
type NetworkDNS struct {
	Pos Pos `yaml:"-"`
	// Listeners are where it answers, by UDP and TCP; none: it does not run.
	Listeners []Listener `yaml:"listeners"`
	// Forward are the servers, HOST:PORT, that are asked for names outside the
	// zones; none: such names are refused.
	Forward []string `yaml:"forward"`
}
