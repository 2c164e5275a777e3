package site

import "strings"

// The tables below are the fields of the API versions up to 2025-07-01 of
// Microsoft.Network, and 2024-06-01 of privateDnsZones.

const networkProvider = "Microsoft.Network/"

// resourceType is one type of resource in network/.
type resourceType struct {
	// name is the type as ARM writes it; it is compared without case.
	name, title string
	fields      []azureField
}

// networkTypes are the types that are acted on, parents before children.
func networkTypes() []resourceType {
	return []resourceType{
		{"Microsoft.Network/applicationSecurityGroups", "Application security group", inert(readOnly, "resourceGuid", "provisioningState")},
		{"Microsoft.Network/virtualNetworks", "Virtual network", virtualNetworkFields()},
		{"Microsoft.Network/virtualNetworks/subnets", "Subnet", subnetFields()},
		{"Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "Peering", peeringFields()},
		{"Microsoft.Network/networkSecurityGroups", "Network security group", securityGroupFields()},
		{"Microsoft.Network/networkSecurityGroups/securityRules", "Security rule", securityRuleFields()},
		{"Microsoft.Network/networkInterfaces", "Network interface", interfaceFields()},
		{"Microsoft.Network/privateEndpoints", "Private endpoint", privateEndpointFields()},
		{"Microsoft.Network/privateEndpoints/privateDnsZoneGroups", "Zone group of a private endpoint", zoneGroupFields()},
		{"Microsoft.Network/privateDnsZones", "Private DNS zone", inert(readOnly, "internalId", "maxNumberOfRecordSets", "maxNumberOfVirtualNetworkLinks",
			"maxNumberOfVirtualNetworkLinksWithRegistration", "numberOfRecordSets", "numberOfVirtualNetworkLinks",
			"numberOfVirtualNetworkLinksWithRegistration", "provisioningState")},
		{"Microsoft.Network/privateDnsZones/virtualNetworkLinks", "Link of a zone", zoneLinkFields()},
		{"Microsoft.Network/privateDnsZones/A", "A records", recordFields(azureField{name: "aRecords", kind: kindList, doc: "The addresses.", elem: []azureField{act(kindText, "ipv4Address", "An IPv4 address.")}})},
		{"Microsoft.Network/privateDnsZones/AAAA", "AAAA records", recordFields(azureField{name: "aaaaRecords", kind: kindList, doc: "The addresses.", elem: []azureField{act(kindText, "ipv6Address", "An IPv6 address.")}})},
		{"Microsoft.Network/privateDnsZones/CNAME", "CNAME record", recordFields(azureField{name: "cnameRecord", kind: kindObject, doc: "The other name.", fields: []azureField{act(kindText, "cname", "The name that it stands for.")}})},
		{"Microsoft.Network/privateDnsZones/TXT", "TXT records", recordFields(azureField{name: "txtRecords", kind: kindList, doc: "The texts.", elem: []azureField{act(kindList, "value", "Pieces of one text.")}})},
	}
}

// protectingTypes are types of resources that are meant to protect and are not
// built, with what they do.
func protectingTypes() map[string]string {
	return map[string]string{
		"microsoft.network/routetables":                                      "Routes that lead through a firewall are not built.",
		"microsoft.network/azurefirewalls":                                   "Azure Firewall is not built.",
		"microsoft.network/firewallpolicies":                                 "Azure Firewall is not built.",
		"microsoft.network/networksecurityperimeters":                        "Network security perimeters are not built.",
		"microsoft.network/ddosprotectionplans":                              "Azure's DDoS protection is not built; the gateway's own is in docs/overload.md.",
		"microsoft.network/serviceendpointpolicies":                          "Service endpoint policies are not built.",
		"microsoft.network/networkmanagers":                                  "Security admin rules are not built.",
		"microsoft.network/dnsresolverpolicies":                              "DNS security policies are not built.",
		"microsoft.network/applicationgatewaywebapplicationfirewallpolicies": "Web application firewalls are not built.",
	}
}

// findType is the type of that name, compared without case.
func findType(name string) (resourceType, bool) {
	for _, t := range networkTypes() {
		if strings.EqualFold(t.name, name) {
			return t, true
		}
	}
	return resourceType{}, false
}

// armEnvelope is what ARM puts around the properties of a network resource.
func armEnvelope(properties []azureField) []azureField {
	return concat([]azureField{
		{name: "properties", kind: kindObject, doc: "The resource.", fields: properties},
		act(kindText, "type", "Its type."),
		act(kindText, "name", "Its name; of a part of another resource PARENT/NAME."),
		act(kindList, "resources", "Parts of it."),
	}, inert("Part of ARM's envelope.", "id", "etag", "location", "tags", "systemData", "apiVersion", "dependsOn", "comments",
		"sku", "zones", "scope", "extendedLocation", "resourceGroup", "kind", "managedBy", "plan", "identity", "metadata"))
}

// partOf is the envelope of a resource that stands in another one.
func partOf(properties []azureField) []azureField {
	return concat([]azureField{
		{name: "properties", kind: kindObject, doc: "The resource.", fields: properties},
		act(kindText, "name", "Its name."),
		act(kindText, "id", "Its id; the last segment is its name where none is given."),
	}, inert("Part of ARM's envelope.", "type", "etag", "location", "resourceGroup", "tags"))
}

func reference(name, doc string) azureField {
	return azureField{name: name, kind: kindObject, doc: doc, fields: concat([]azureField{act(kindText, "id", "The resource, as ARM id or by its name.")},
		inert("Part of ARM's envelope.", "resourceGroup", "properties", "location", "type", "name", "etag"))}
}

func references(name, doc string) azureField {
	f := reference(name, doc)
	return azureField{name: name, kind: kindList, doc: doc, elem: f.fields}
}

func virtualNetworkFields() []azureField {
	return concat([]azureField{
		{name: "addressSpace", kind: kindObject, doc: "Its addresses.", fields: concat([]azureField{
			act(kindList, "addressPrefixes", "Ranges such as 10.0.0.0/16."),
		}, protect("Address pools of a network manager are not read; write the prefixes.", "ipamPoolPrefixAllocations"))},
		{name: "subnets", kind: kindList, doc: "Its subnets.", elem: partOf(subnetFields())},
		{name: "virtualNetworkPeerings", kind: kindList, doc: "Other networks that it reaches.", elem: partOf(peeringFields())},
		{name: "dhcpOptions", kind: kindObject, doc: "What its machines are told.", fields: []azureField{act(kindList, "dnsServers", "DNS servers; none: Azure's own.")}},
		act(kindBoolean, "enableDdosProtection", "true is meant to protect and is not built."),
	},
		protect("Encryption between virtual machines is Azure's; connections of the gateway are encrypted by TLS.", "encryption"),
		protect("Azure's DDoS protection is not built.", "ddosProtectionPlan"),
		inert(readOnly, "provisioningState", "resourceGuid", "defaultPublicNatGateway"),
		inert("It concerns Azure's own routing.", "bgpCommunities", "flowTimeoutInMinutes", "ipAllocations", "privateEndpointVNetPolicies", "flowLogs", "enableVmProtection"),
	)
}

func subnetFields() []azureField {
	return concat([]azureField{
		act(kindText, "addressPrefix", "Its range."),
		act(kindList, "addressPrefixes", "Its ranges, where there are several."),
		reference("networkSecurityGroup", "The rules of the subnet. Without one: the default rules, but none that opens the internet."),
		act(kindText, "privateEndpointNetworkPolicies", "Enabled or NetworkSecurityGroupEnabled: rules hold for private endpoints too. Disabled where not given, as in Azure."),
		act(kindBoolean, "defaultOutboundAccess", "Kept for the commands that explain the network."),
	},
		protect("Routes that lead through a firewall are not built.", "routeTable"),
		protect("Service endpoint policies are not built.", "serviceEndpointPolicies"),
		inert("Nothing leaves by a NAT gateway here.", "natGateway"),
		inert("Services are reached by private endpoints.", "serviceEndpoints"),
		inert("It concerns services that Azure puts into the subnet.", "delegations", "privateLinkServiceNetworkPolicies", "applicationGatewayIPConfigurations", "sharingScope", "ipamPoolPrefixAllocations", "serviceGateway"),
		inert(readOnly, "provisioningState", "purpose", "ipConfigurations", "ipConfigurationProfiles", "privateEndpoints", "resourceNavigationLinks", "serviceAssociationLinks", "ipAllocations"),
	)
}

func peeringFields() []azureField {
	return concat([]azureField{
		reference("remoteVirtualNetwork", "The other network."),
		{name: "remoteAddressSpace", kind: kindObject, doc: "Its addresses, where the site has no document of it.", fields: []azureField{act(kindList, "addressPrefixes", "Ranges.")}},
		act(kindBoolean, "allowVirtualNetworkAccess", "Whether the tag VirtualNetwork holds it; true where not given."),
	},
		inert("It concerns Azure's own routing.", "allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways", "doNotVerifyRemoteGateways",
			"peerCompleteVnets", "enableOnlyIPv6Peering", "localSubnetNames", "remoteSubnetNames", "localAddressSpace", "localVirtualNetworkAddressSpace"),
		inert(readOnly, "peeringState", "peeringSyncLevel", "provisioningState", "resourceGuid", "remoteBgpCommunities", "remoteVirtualNetworkAddressSpace", "remoteVirtualNetworkEncryption"),
	)
}

func securityGroupFields() []azureField {
	return concat([]azureField{
		{name: "securityRules", kind: kindList, doc: "Its rules.", elem: partOf(securityRuleFields())},
		act(kindBoolean, "flushConnection", "true is meant to end open connections when rules change, and is not built."),
	},
		inert("Every group has them.", "defaultSecurityRules"),
		inert(readOnly, "provisioningState", "resourceGuid", "subnets", "networkInterfaces", "flowLogs"),
	)
}

func securityRuleFields() []azureField {
	return concat([]azureField{
		act(kindNumber, "priority", "100 to 4096; the lowest that matches decides."),
		act(kindText, "direction", "Inbound or Outbound."),
		act(kindText, "access", "Allow or Deny."),
		act(kindText, "protocol", "Tcp, Udp, Icmp, Esp, Ah or *."),
		act(kindText, "sourceAddressPrefix", "An address, a range, a service tag or *."),
		act(kindList, "sourceAddressPrefixes", "Several."),
		references("sourceApplicationSecurityGroups", "Interfaces of these groups."),
		act(kindText, "destinationAddressPrefix", "An address, a range, a service tag or *."),
		act(kindList, "destinationAddressPrefixes", "Several."),
		references("destinationApplicationSecurityGroups", "Interfaces of these groups."),
		act(kindText, "sourcePortRange", "A port, a range such as 1024-65535, or *."),
		act(kindList, "sourcePortRanges", "Several."),
		act(kindText, "destinationPortRange", "A port, a range or *."),
		act(kindList, "destinationPortRanges", "Several."),
	}, inert(forPortal, "description"), inert(readOnly, "provisioningState"))
}

func interfaceFields() []azureField {
	return concat([]azureField{
		{name: "ipConfigurations", kind: kindList, doc: "Its addresses.", elem: partOf(concat([]azureField{
			act(kindText, "privateIPAddress", "Its address."),
			reference("subnet", "Its subnet."),
			references("applicationSecurityGroups", "Groups of which it is a part."),
		},
			inert("Nothing is reached from outside by an interface's public address here.", "publicIPAddress", "loadBalancerBackendAddressPools", "loadBalancerInboundNatRules", "applicationGatewayBackendAddressPools", "gatewayLoadBalancer", "virtualNetworkTaps"),
			inert(readOnly, "privateIPAddressVersion", "privateIPAllocationMethod", "privateIPAddressPrefixLength", "primary", "provisioningState", "privateLinkConnectionProperties"),
		))},
		reference("networkSecurityGroup", "The rules of the interface, beside those of its subnet."),
	},
		inert("It concerns the machine.", "enableAcceleratedNetworking", "enableIPForwarding", "dnsSettings", "nicType", "auxiliaryMode", "auxiliarySku",
			"disableTcpStateTracking", "workloadType", "migrationPhase", "privateLinkService"),
		inert(readOnly, "macAddress", "primary", "virtualMachine", "privateEndpoint", "hostedWorkloads", "tapConfigurations", "vnetEncryptionSupported",
			"resourceGuid", "provisioningState", "allowPort25Out", "defaultOutboundConnectivityEnabled", "dscpConfiguration"),
	)
}

func privateEndpointFields() []azureField {
	connections := partOf(concat([]azureField{
		act(kindText, "privateLinkServiceId", "The service, as ARM id."),
		act(kindList, "groupIds", "The sub-resources: account for Azure OpenAI."),
		{name: "privateLinkServiceConnectionState", kind: kindObject, doc: "Whether the service's owner lets it in.", fields: concat([]azureField{
			act(kindText, "status", "Approved, Pending, Rejected or Disconnected."),
			act(kindText, "description", "Why."),
		}, inert(readOnly, "actionsRequired", "actionRequired"))},
	}, inert(forPortal, "requestMessage"), inert(readOnly, "provisioningState")))
	return concat([]azureField{
		reference("subnet", "The subnet of its address."),
		{name: "privateLinkServiceConnections", kind: kindList, doc: "The service; approved where no state is given.", elem: connections},
		{name: "manualPrivateLinkServiceConnections", kind: kindList, doc: "The service, where its owner has to approve; pending where no state is given.", elem: connections},
		{name: "customDnsConfigs", kind: kindList, doc: "Names and addresses.", elem: []azureField{
			act(kindText, "fqdn", "A name by which the service is called."),
			act(kindList, "ipAddresses", "Its addresses."),
		}},
		{name: "ipConfigurations", kind: kindList, doc: "Addresses that were chosen.", elem: partOf(concat([]azureField{
			act(kindText, "privateIPAddress", "An address of the subnet."),
		}, inert("One address serves all sub-resources here.", "groupId", "memberName")))},
		references("networkInterfaces", "The interface that has its address."),
		references("applicationSecurityGroups", "Groups of which it is a part."),
	}, inert(readOnly, "provisioningState", "customNetworkInterfaceName", "ipVersionType", "privateLinkServiceNetworkPolicies"))
}

func zoneGroupFields() []azureField {
	return concat([]azureField{
		{name: "privateDnsZoneConfigs", kind: kindList, doc: "Zones that get records of the endpoint.", elem: concat([]azureField{
			{name: "properties", kind: kindObject, doc: "The zone.", fields: concat([]azureField{act(kindText, "privateDnsZoneId", "The zone, as ARM id or by its name.")}, inert(readOnly, "recordSets"))},
		}, inert("Part of ARM's envelope.", "name"))},
	}, inert(readOnly, "provisioningState"))
}

func zoneLinkFields() []azureField {
	return concat([]azureField{
		reference("virtualNetwork", "The network that gets the zone's answers."),
		act(kindBoolean, "registrationEnabled", "Whether interfaces of the network get records."),
		act(kindText, "resolutionPolicy", "NxDomainRedirect: names without a record are asked for outside. Default where not given."),
	}, inert(readOnly, "provisioningState", "virtualNetworkLinkState"))
}

func recordFields(data azureField) []azureField {
	return concat([]azureField{act(kindNumber, "ttl", "Seconds; 3600 where not given."), data},
		inert(readOnly, "fqdn", "isAutoRegistered", "metadata", "targetResource", "provisioningState"))
}
