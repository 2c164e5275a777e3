package site

import (
	"net/netip"
	"strings"
)

// place checks where the gateway stands in the network.
func (c *checker) place() {
	n := c.Network
	if n.NetworkInterface != "" && n.Subnet == "" {
		c.r.Add(c.at("network.networkInterface"), "missing-field", "network.subnet", "", "an interface is given without its subnet")
	}
	var subnet *Subnet
	if n.Subnet != "" {
		var err error
		if subnet, err = c.network.Subnet(n.Subnet); err != nil {
			c.r.Add(c.at("network.subnet"), "unknown-reference", "a subnet of network/", "", "%s", err)
		}
	}
	if n.NetworkInterface != "" {
		nic, ok := named(c.network.Interfaces, n.NetworkInterface, nicName)
		switch {
		case !ok:
			c.r.Add(c.at("network.networkInterface"), "unknown-reference", "an interface of network/", "", "the site has no interface %q", n.NetworkInterface)
		case subnet != nil && nic.Subnet != nil && nic.Subnet != subnet:
			c.r.Add(c.at("network.networkInterface"), "invalid-value", "an interface of "+subnet.ID(), "", "the interface %q stands in the subnet %s", nic.Name, nic.Subnet.ID())
		}
	}
	if n.Subnet == "" && len(c.network.SecurityGroups) > 0 {
		c.r.Warn(c.network.SecurityGroups[0].Pos, "rules-not-enforced", "give network.subnet in cloister.yaml",
			"network/ holds security groups, and nothing says in which subnet the gateway stands, so that it enforces none of them")
	}
	for i, l := range n.DNS.Listeners {
		c.dnsListener(i, l)
	}
	for i, s := range n.DNS.Forward {
		pos := c.at("network.dns.forward[%d]", i)
		e, ok := parseEndpoint(s)
		if !ok || !e.addr().IsValid() || e.port == 0 {
			c.r.Add(pos, "invalid-value", "HOST:PORT with an IP address", "", "%q is not an address and a port", s)
			continue
		}
		c.need("name", e, pos, "network.dns.forward")
	}
}

// dnsListener checks an address of the DNS server as that of a listener.
func (c *checker) dnsListener(i int, l Listener) {
	pos := c.at("network.dns.listeners[%d].address", i)
	addr, err := netip.ParseAddr(l.Address)
	switch {
	case l.Address == "": // reported where it was read
	case strings.EqualFold(l.Address, "localhost"):
		c.r.Add(pos, "invalid-value", `an IP address, an interface or "private"`, "write 127.0.0.1 or ::1", "a listener's address is not a name")
	case err != nil && !interfaceName().MatchString(l.Address):
		c.r.Add(pos, "invalid-value", `an IP address, an interface or "private"`, "", "%q is neither an address nor an interface", l.Address)
	case err == nil && (addr.IsUnspecified() || !c.private(addr) && neverReached(addr) == ""):
		c.r.Add(pos, "public-listener", "a private address", "", "a DNS server for private names does not stand on %s", addr)
	case err == nil:
		c.standsPrivate(addr, pos)
	}
	for _, other := range c.Network.DNS.Listeners[:i] {
		if other.Address == l.Address && other.Port == l.Port && l.Port != 0 {
			c.r.Add(l.Pos, "duplicate-name", "", "remove one", "%s port %d stands twice", l.Address, l.Port)
		}
	}
}
