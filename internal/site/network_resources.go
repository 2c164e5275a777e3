package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Azure's own limits.
const (
	maxSubnets = 3000
	maxRules   = 1000
)

func (l *networkLoader) virtualNetwork(s *resource) {
	n := &VirtualNetwork{Pos: s.pos, Name: s.name}
	p := s.properties
	n.AddressSpace = l.prefixes(l.texts(p.at("addressSpace", "addressPrefixes")))
	if len(n.AddressSpace) == 0 {
		l.r.Add(s.pos, "missing-field", "addressSpace.addressPrefixes", "", "the virtual network %q has no addresses", s.name)
	}
	l.apart(n.AddressSpace, s.pos, "virtual network "+strconv.Quote(s.name))
	for _, v := range l.texts(p.at("dhcpOptions", "dnsServers")) {
		if a, ok := l.address(v); ok {
			n.DNSServers = append(n.DNSServers, a)
		}
	}
	l.network.VirtualNetworks = append(l.network.VirtualNetworks, n)
	l.parts(s, "subnets", s.typ.name+"/subnets")
	l.parts(s, "virtualNetworkPeerings", s.typ.name+"/virtualNetworkPeerings")
}

// apart reports ranges of one list that overlap.
func (l *networkLoader) apart(list []netip.Prefix, pos Pos, who string) {
	for i, p := range list {
		for _, q := range list[:i] {
			if p.Overlaps(q) {
				l.r.Add(pos, "overlap", "ranges that do not overlap", "", "%s has the ranges %s and %s, which overlap", who, q, p)
			}
		}
	}
}

func (l *networkLoader) parentOf(s *resource) *VirtualNetwork {
	n, ok := named(l.network.VirtualNetworks, s.parent(), vnetName)
	if !ok {
		l.r.Add(s.pos, "unknown-reference", "a virtual network of network/", "", "the %s %q is part of a virtual network that the site has not", strings.ToLower(s.typ.title), s.name)
		return nil
	}
	return n
}

func (l *networkLoader) subnet(s *resource) {
	n := l.parentOf(s)
	if n == nil {
		return
	}
	if len(n.Subnets) == maxSubnets {
		l.r.Add(s.pos, "too-large", fmt.Sprintf("at most %d subnets", maxSubnets), "", "the virtual network %q has too many subnets", n.Name)
	}
	if len(n.Subnets) >= maxSubnets {
		return
	}
	p := s.properties
	sub := &Subnet{Pos: s.pos, Name: s.own(), VirtualNetwork: n, NoDefaultOutbound: !boolOf(p.get("defaultOutboundAccess"), true)}
	for _, v := range l.oneOrMore(p, "addressPrefix", "addressPrefixes") {
		prefix, ok := l.prefix(v)
		if !ok || slices.Contains(sub.Prefixes, prefix) { // exports give both fields
			continue
		}
		sub.Prefixes = append(sub.Prefixes, prefix)
		if !within(prefix, n.AddressSpace) {
			l.r.Add(v.pos, "outside", "a range of "+n.Name, "", "%s lies outside the address space of %q", prefix, n.Name)
		}
		for _, other := range n.Subnets {
			for _, q := range other.Prefixes {
				if prefix.Overlaps(q) {
					l.r.Add(v.pos, "overlap", "a range of its own", "", "%s overlaps %s of the subnet %q", prefix, q, other.Name)
				}
			}
		}
	}
	if len(sub.Prefixes) == 0 {
		l.r.Add(s.pos, "missing-field", "addressPrefix", "", "the subnet %q has no addresses", sub.Name)
	}
	sub.SecurityGroup, _ = refer(l, p.get("networkSecurityGroup"), "network security group", l.securityGroups(), nsgName)
	if v := p.get("privateEndpointNetworkPolicies"); textOf(v) != "" {
		switch l.word(v, s.pos, "privateEndpointNetworkPolicies", "Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled") {
		case "Enabled", "NetworkSecurityGroupEnabled":
			sub.EndpointRules = true
		}
	}
	n.Subnets = append(n.Subnets, sub)
}

// securityGroups are those of the site, built before who refers to them.
func (l *networkLoader) securityGroups() []*SecurityGroup {
	for _, s := range slices.Clone(l.found) {
		if s.typ.name == networkProvider+"networkSecurityGroups" && !s.built {
			s.built = true
			l.build(s)
		}
	}
	return l.network.SecurityGroups
}

func (l *networkLoader) peering(s *resource) {
	n := l.parentOf(s)
	if n == nil {
		return
	}
	p := &Peering{Pos: s.pos, Name: s.own(), Access: boolOf(s.properties.get("allowVirtualNetworkAccess"), true)}
	p.AddressSpace = l.prefixes(l.texts(s.properties.at("remoteAddressSpace", "addressPrefixes")))
	id := textOf(s.properties.at("remoteVirtualNetwork", "id"))
	if remote, ok := named(l.network.VirtualNetworks, id, vnetName); ok && id != "" {
		p.Remote, p.AddressSpace = remote, remote.AddressSpace
	}
	if len(p.AddressSpace) == 0 {
		l.r.Add(s.pos, "missing-field", "remoteVirtualNetwork of network/, or remoteAddressSpace", "", "the addresses of the other network of the peering %q are not known", s.name)
	}
	for _, q := range p.AddressSpace {
		for _, own := range n.AddressSpace {
			if q.Overlaps(own) {
				l.r.Add(s.pos, "overlap", "networks that do not overlap", "", "the peering %q joins networks with overlapping ranges %s and %s", s.name, own, q)
			}
		}
	}
	n.Peerings = append(n.Peerings, p)
}

func (l *networkLoader) rule(s *resource) {
	group, ok := named(l.network.SecurityGroups, s.parent(), nsgName)
	if !ok {
		l.r.Add(s.pos, "unknown-reference", "a network security group of network/", "", "the rule %q is part of a group that the site has not", s.name)
		return
	}
	if len(group.Rules) == maxRules {
		l.r.Add(s.pos, "too-large", fmt.Sprintf("at most %d rules", maxRules), "", "the group %q has too many rules", group.Name)
	}
	if len(group.Rules) >= maxRules {
		return
	}
	p := s.properties
	r := &SecurityRule{Pos: s.pos, Name: s.own()}
	if v := p.get("priority"); v == nil {
		l.r.Add(s.pos, "missing-field", "100 to 4096", `add "priority: …"`, "the rule %q has no priority", s.own())
	} else {
		r.Priority, _ = l.number(v, 100, 4096)
	}
	r.Inbound = l.word(p.get("direction"), s.pos, "direction", "Inbound", "Outbound") == "Inbound"
	r.Allow = l.word(p.get("access"), s.pos, "access", "Allow", "Deny") == "Allow"
	r.Protocol = strings.ToLower(l.word(p.get("protocol"), s.pos, "protocol", "*", "Tcp", "Udp", "Icmp", "Esp", "Ah"))
	r.Source = l.ruleSide(s, "source")
	r.Destination = l.ruleSide(s, "destination")
	r.SourcePorts = l.portRanges(s, "source")
	r.DestinationPorts = l.portRanges(s, "destination")
	for _, other := range group.Rules {
		if other.Inbound == r.Inbound && other.Priority == r.Priority && r.Priority != 0 {
			l.r.Add(posOf(p.get("priority"), s.pos), "duplicate-priority", "each priority once in a direction", "choose another",
				"the rules %q and %q of %q have one priority, %d", other.Name, r.Name, group.Name, r.Priority)
		}
	}
	group.Rules = append(group.Rules, r)
}

// ruleSide reads source or destination addresses.
func (l *networkLoader) ruleSide(s *resource, side string) (a RuleAddresses) {
	p := s.properties
	list := l.oneOrMore(p, side+"AddressPrefix", side+"AddressPrefixes")
	a.Groups = l.groupsOf(p.get(side + "ApplicationSecurityGroups"))
	groups := len(listOf(p.get(side + "ApplicationSecurityGroups")))
	switch {
	case len(list) == 0 && groups == 0:
		l.r.Add(s.pos, "missing-field", side+"AddressPrefix, "+side+"AddressPrefixes or "+side+"ApplicationSecurityGroups", `write "*" for any`,
			"the rule %q has no %s", s.own(), side)
	case len(list) > 0 && groups > 0:
		l.r.Add(s.pos, "invalid-value", "addresses or application security groups", "remove one of the two", "the rule %q has both as its %s", s.own(), side)
	}
	for _, v := range list {
		switch c := v.text[0]; {
		case v.text == "*":
			if a.Any = true; len(list) > 1 {
				l.r.Add(v.pos, "invalid-value", "* alone", "remove the others", `"*" stands beside other addresses`)
			}
		case c >= '0' && c <= '9' || strings.Contains(v.text, ":"):
			if prefix, ok := l.prefix(v); ok {
				a.Prefixes = append(a.Prefixes, prefix)
			}
		default:
			a.Tags = append(a.Tags, RuleTag{Pos: v.pos, Name: v.text})
		}
	}
	return a
}

// portRanges reads source or destination ports.
func (l *networkLoader) portRanges(s *resource, side string) (ranges []PortRange) {
	list := l.oneOrMore(s.properties, side+"PortRange", side+"PortRanges")
	if len(list) == 0 {
		l.r.Add(s.pos, "missing-field", side+"PortRange or "+side+"PortRanges", `write "*" for any`, "the rule %q has no %s ports", s.own(), side)
	}
	for _, v := range list {
		if v.text == "*" {
			ranges = append(ranges, PortRange{0, 65535})
			continue
		}
		first, last, isRange := strings.Cut(v.text, "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || a > b || strings.HasPrefix(v.text, "+") {
			l.r.Add(v.pos, "invalid-value", `a port, a range such as "1024-65535", or "*"`, "", "%q is not a range of ports", v.text)
			continue
		}
		ranges = append(ranges, PortRange{uint16(a), uint16(b)})
	}
	return ranges
}

func (l *networkLoader) networkInterface(s *resource) {
	n := &NetworkInterface{Pos: s.pos, Name: s.name}
	n.SecurityGroup, _ = refer(l, s.properties.get("networkSecurityGroup"), "network security group", l.network.SecurityGroups, nsgName)
	for _, c := range listOf(s.properties.get("ipConfigurations")) {
		p := c.get("properties")
		sub := l.subnetOf(p.get("subnet"), c.pos, "the interface "+strconv.Quote(s.name))
		if n.Subnet == nil {
			n.Subnet = sub
		} else if sub != nil && sub != n.Subnet {
			l.r.Add(c.pos, "invalid-value", "one subnet", "", "the interface %q stands in two subnets", s.name)
		}
		if v := p.get("privateIPAddress"); textOf(v) != "" {
			if a, ok := l.inSubnet(v, sub); ok {
				n.Addresses = append(n.Addresses, a)
			}
		}
		for _, g := range l.groupsOf(p.get("applicationSecurityGroups")) {
			if !slices.Contains(n.Groups, g) {
				n.Groups = append(n.Groups, g)
			}
		}
	}
	if len(listOf(s.properties.get("ipConfigurations"))) == 0 {
		l.r.Add(s.pos, "missing-field", "ipConfigurations", "", "the interface %q has no address", s.name)
	}
	l.network.Interfaces = append(l.network.Interfaces, n)
}

// inSubnet reads an address of a subnet.
func (l *networkLoader) inSubnet(v *value, sub *Subnet) (netip.Addr, bool) {
	a, ok := l.address(v)
	if !ok {
		return a, false
	}
	if sub != nil && !sub.Contains(a) {
		l.r.Add(v.pos, "outside", "an address of "+sub.ID(), "", "%s lies outside the subnet %q", a, sub.ID())
		return a, false
	}
	return a, true
}

func (l *networkLoader) privateEndpoint(s *resource) {
	p := s.properties
	e := &PrivateEndpoint{Pos: s.pos, Name: s.name, Status: ConnectionApproved}
	e.Subnet = l.subnetOf(p.get("subnet"), s.pos, "the private endpoint "+strconv.Quote(s.name))
	e.Groups = l.groupsOf(p.get("applicationSecurityGroups"))
	connections := append(slices.Clone(listOf(p.get("privateLinkServiceConnections"))), listOf(p.get("manualPrivateLinkServiceConnections"))...)
	if len(connections) != 1 {
		l.r.Add(s.pos, "invalid-value", "one element in privateLinkServiceConnections or manualPrivateLinkServiceConnections", "",
			"the private endpoint %q has %d connections", s.name, len(connections))
	}
	for _, c := range connections {
		l.connection(e, c.get("properties"), c.pos)
		if len(listOf(p.get("manualPrivateLinkServiceConnections"))) > 0 && textOf(c.at("properties", "privateLinkServiceConnectionState", "status")) == "" {
			e.Status, e.StatusPos = ConnectionPending, c.pos
		}
	}
	add := func(v *value) {
		if a, ok := l.inSubnet(v, e.Subnet); ok && !slices.Contains(e.Addresses, a) {
			e.Addresses = append(e.Addresses, a)
		}
	}
	for _, c := range listOf(p.get("ipConfigurations")) {
		if v := c.at("properties", "privateIPAddress"); textOf(v) != "" {
			add(v)
		}
	}
	for _, c := range listOf(p.get("customDnsConfigs")) {
		for _, v := range l.texts(c.get("ipAddresses")) {
			add(v)
		}
		if name := strings.ToLower(strings.TrimSuffix(textOf(c.get("fqdn")), ".")); name != "" {
			l.endpointHost(e, name, c.get("fqdn").pos)
		}
	}
	for _, v := range listOf(p.get("networkInterfaces")) {
		if n, ok := named(l.network.Interfaces, textOf(v.get("id")), nicName); ok {
			for _, a := range n.Addresses {
				if !slices.Contains(e.Addresses, a) {
					e.Addresses = append(e.Addresses, a)
				}
			}
		}
	}
	if len(e.Addresses) == 0 {
		l.r.Add(s.pos, "missing-field", "an address in ipConfigurations, in customDnsConfigs, or of an interface in network/", "",
			"the private endpoint %q has no address", s.name)
	}
	for _, name := range serviceNames(e) {
		if !slices.Contains(e.Names, name) {
			e.Names = append(e.Names, name)
		}
	}
	if len(e.Names) == 0 {
		l.r.Add(s.pos, "missing-field", "a service of a known type, or customDnsConfigs with a fqdn", "",
			"nothing says by which name the service of %q is called", s.name)
	}
	l.network.PrivateEndpoints = append(l.network.PrivateEndpoints, e)
}

// endpointHost adds a name. Azure gives names of the privatelink zone, too: they
// are records of that zone, and nobody calls the service by them.
func (l *networkLoader) endpointHost(e *PrivateEndpoint, name string, pos Pos) {
	if why := badHost(name); why != "" {
		l.r.Add(pos, "invalid-value", why, "", "%q is not a DNS name", name)
		return
	}
	if !slices.Contains(e.Names, name) {
		e.Names = append(e.Names, name)
	}
}

func (l *networkLoader) connection(e *PrivateEndpoint, p *value, pos Pos) {
	id := textOf(p.get("privateLinkServiceId"))
	if id == "" {
		l.r.Add(pos, "missing-field", "privateLinkServiceId", "", "the connection of %q names no service", e.Name)
	}
	e.Service, e.ServiceName = id, lastSegment(id)
	if _, rest, ok := cutFold(id, "/providers/"); ok {
		parts := strings.Split(strings.Trim(rest, "/"), "/")
		typ := parts[:min(1, len(parts))]
		for i := 1; i < len(parts); i += 2 {
			typ = append(typ, parts[i])
		}
		e.ServiceType = strings.Join(typ, "/")
	}
	for _, v := range l.texts(p.get("groupIds")) {
		e.GroupIDs = append(e.GroupIDs, v.text)
	}
	state := p.get("privateLinkServiceConnectionState")
	e.Description = textOf(state.get("description"))
	e.StatusPos = pos
	if v := state.get("status"); textOf(v) != "" {
		e.StatusPos = v.pos
		e.Status = l.word(v, pos, "status", ConnectionApproved, ConnectionPending, ConnectionRejected, ConnectionDisconnected)
	}
}

func cutFold(s, sep string) (before, after string, ok bool) {
	if i := strings.Index(strings.ToLower(s), sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// ServiceSuffix is how Azure names services of one type.
type ServiceSuffix struct {
	// Type of the resource, and Group, its sub-resource; compared without case.
	Type, Group string
	// Suffix of its public name, and the zone with its private one.
	Suffix, Zone string
}

// ServiceSuffixes are the names of services that applications of models use
// (Microsoft's page "Azure Private Endpoint private DNS zone values").
func ServiceSuffixes() []ServiceSuffix {
	return []ServiceSuffix{
		{"Microsoft.CognitiveServices/accounts", "account", "openai.azure.com", "privatelink.openai.azure.com"},
		{"Microsoft.CognitiveServices/accounts", "account", "cognitiveservices.azure.com", "privatelink.cognitiveservices.azure.com"},
		{"Microsoft.CognitiveServices/accounts", "account", "services.ai.azure.com", "privatelink.services.ai.azure.com"},
		{"Microsoft.ApiManagement/service", "Gateway", "azure-api.net", "privatelink.azure-api.net"},
		{"Microsoft.KeyVault/vaults", "vault", "vault.azure.net", "privatelink.vaultcore.azure.net"},
		{"Microsoft.EventHub/namespaces", "namespace", "servicebus.windows.net", "privatelink.servicebus.windows.net"},
		{"Microsoft.ServiceBus/namespaces", "namespace", "servicebus.windows.net", "privatelink.servicebus.windows.net"},
		{"Microsoft.Storage/storageAccounts", "blob", "blob.core.windows.net", "privatelink.blob.core.windows.net"},
		{"Microsoft.Search/searchServices", "searchService", "search.windows.net", "privatelink.search.windows.net"},
	}
}

// serviceNames are the names that Azure gives the service of an endpoint.
func serviceNames(e *PrivateEndpoint) (names []string) {
	for _, s := range ServiceSuffixes() {
		if strings.EqualFold(s.Type, e.ServiceType) && slices.ContainsFunc(e.GroupIDs, func(g string) bool { return strings.EqualFold(g, s.Group) }) {
			names = append(names, strings.ToLower(e.ServiceName)+"."+s.Suffix)
		}
	}
	return names
}

func (l *networkLoader) zoneGroup(s *resource) {
	e, ok := named(l.network.PrivateEndpoints, s.parent(), endpointName)
	if !ok {
		l.r.Add(s.pos, "unknown-reference", "a private endpoint of network/", "", "the zone group %q is part of an endpoint that the site has not", s.name)
		return
	}
	for _, c := range listOf(s.properties.get("privateDnsZoneConfigs")) {
		v := c.at("properties", "privateDnsZoneId")
		if textOf(v) == "" {
			l.r.Add(c.pos, "missing-field", "properties.privateDnsZoneId", "", "the zone group %q names no zone", s.name)
			continue
		}
		if z, ok := referID(l, v, "private DNS zone", l.zones(), zoneName); ok {
			e.Zones = append(e.Zones, z)
		}
	}
}

// zones are those of the site, built before who refers to them.
func (l *networkLoader) zones() []*PrivateZone {
	for _, s := range l.found {
		if s.typ.name == networkProvider+"privateDnsZones" && !s.built {
			s.built = true
			l.build(s)
		}
	}
	return l.network.PrivateZones
}

func (l *networkLoader) zoneOf(s *resource) *PrivateZone {
	z, ok := named(l.network.PrivateZones, strings.TrimSuffix(s.parent(), "."), zoneName)
	if !ok {
		l.r.Add(s.pos, "unknown-reference", "a private DNS zone of network/", "", "the %s %q is part of a zone that the site has not", strings.ToLower(s.typ.title), s.name)
		return nil
	}
	return z
}

func (l *networkLoader) zoneLink(s *resource) {
	z := l.zoneOf(s)
	if z == nil {
		return
	}
	link := &ZoneLink{Pos: s.pos, Name: s.own(), Registration: boolOf(s.properties.get("registrationEnabled"), false)}
	network := s.properties.get("virtualNetwork")
	if textOf(network.get("id")) == "" {
		l.r.Add(s.pos, "missing-field", "virtualNetwork", `add "virtualNetwork: {id: NAME}"`, "the link %q names no virtual network", s.name)
		return
	}
	link.VirtualNetwork, _ = refer(l, network, "virtual network", l.network.VirtualNetworks, vnetName)
	if v := s.properties.get("resolutionPolicy"); textOf(v) != "" {
		link.Fallback = l.word(v, s.pos, "resolutionPolicy", "Default", "NxDomainRedirect") == "NxDomainRedirect"
	}
	if link.VirtualNetwork != nil {
		z.Links = append(z.Links, link)
	}
}

func (l *networkLoader) record(s *resource) {
	z := l.zoneOf(s)
	if z == nil {
		return
	}
	p := s.properties
	r := &ZoneRecord{Pos: s.pos, Name: strings.ToLower(s.own()), Type: lastSegment(s.typ.name), TTL: 3600}
	if v := p.get("ttl"); v != nil && v.kind != kindNull {
		if n, ok := l.number(v, 0, 2147483647); ok {
			r.TTL = uint32(n)
		}
	}
	for _, list := range []struct {
		name, field string
		four        bool
	}{{"aRecords", "ipv4Address", true}, {"aaaaRecords", "ipv6Address", false}} {
		for _, v := range listOf(p.get(list.name)) {
			at := v.get(list.field)
			if textOf(at) == "" {
				l.r.Add(v.pos, "missing-field", list.field, "", "a record of %q has no address", s.name)
				continue
			}
			if a, ok := l.address(at); ok && a.Is4() == list.four {
				r.Addresses = append(r.Addresses, a)
			} else if ok {
				l.r.Add(at.pos, "invalid-value", "an address of the other family", "", "%s does not fit a record of type %s", a, r.Type)
			}
		}
	}
	r.Target = strings.ToLower(strings.TrimSuffix(textOf(p.at("cnameRecord", "cname")), "."))
	for _, v := range listOf(p.get("txtRecords")) {
		var pieces []string
		for _, piece := range l.texts(v.get("value")) {
			pieces = append(pieces, piece.text)
		}
		r.Texts = append(r.Texts, pieces)
	}
	if len(r.Addresses) == 0 && r.Target == "" && len(r.Texts) == 0 {
		l.r.Add(s.pos, "missing-field", "records", "", "the record set %q is empty", s.name)
		return
	}
	z.Records = append(z.Records, r)
}

// networksInOrder is what can be said once everything is there.
func (l *networkLoader) networksInOrder() {
	taken := map[netip.Addr]string{}
	take := func(a netip.Addr, who string, pos Pos) {
		if other := taken[a]; other != "" && other != who {
			l.r.Add(pos, "duplicate-address", "an address of its own", "", "%s and %s both have the address %s", other, who, a)
		}
		taken[a] = who
	}
	// An endpoint may have its own interface in the documents.
	ofEndpoint := map[netip.Addr]bool{}
	for _, e := range l.network.PrivateEndpoints {
		for _, a := range e.Addresses {
			take(a, "the private endpoint "+strconv.Quote(e.Name), e.Pos)
			ofEndpoint[a] = true
		}
	}
	for _, n := range l.network.Interfaces {
		for _, a := range n.Addresses {
			if !ofEndpoint[a] {
				take(a, "the interface "+strconv.Quote(n.Name), n.Pos)
			}
		}
	}
}
