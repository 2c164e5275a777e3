package site

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

const openDoor = "set publicNetworkAccess: Enabled if callers from public networks are meant to get in"

func (c *checker) enabled() bool { return c.PublicNetworkAccess == "Enabled" }

func (c *checker) listeners() {
	seen := map[Listener]bool{}
	for i, l := range c.Listeners {
		pos := c.at("listeners[%d].address", i)
		addr, err := netip.ParseAddr(l.Address)
		switch {
		case l.Address == "": // reported where it was read
		case strings.EqualFold(l.Address, "localhost"):
			c.r.Add(pos, "invalid-value", `an IP address, an interface or "private"`, "write 127.0.0.1 or ::1",
				"a listener's address is not a name")
		case err != nil && !interfaceName().MatchString(l.Address):
			c.r.Add(pos, "invalid-value", `an IP address, an interface or "private"`, "",
				"%q is neither an address nor an interface", l.Address)
		case err == nil && c.standsPrivate(addr, pos) && l.Port != 0:
			c.own = append(c.own, netip.AddrPortFrom(addr.Unmap(), uint16(l.Port)))
		}
		key := Listener{Address: l.Address, Port: l.Port}
		if seen[key] && l.Port != 0 {
			c.r.Add(l.Pos, "duplicate-name", "", "remove one", "%s port %d stands twice", l.Address, l.Port)
		}
		seen[key] = true
	}
}

// interfaceName is how the name of a network interface is written.
func interfaceName() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,14}(\.[0-9]{1,4})?$`)
}

// standsPrivate reports addresses on which the gateway must not stand.
func (c *checker) standsPrivate(addr netip.Addr, pos Pos) bool {
	switch {
	case addr.Zone() != "" || addr.Is4In6():
		c.r.Add(pos, "invalid-value", "a plain IPv4 or IPv6 address", "", "%s is not in its plain form", addr)
	case addr.IsUnspecified():
		if c.enabled() {
			return true
		}
		c.r.Add(pos, "public-listener", `a private address, an interface or "private"`,
			`write "private" for every private address of the host; `+openDoor,
			"%s stands on every address of the host, public ones included", addr)
	case neverReached(addr) != "":
		c.r.Add(pos, "invalid-value", "a private address", "", "nothing can listen on %s", neverReached(addr))
	case !c.private(addr):
		if c.enabled() {
			return true
		}
		c.r.Add(pos, "public-listener", "a private address", openDoor, "%s is a public address", addr)
	default:
		return true
	}
	return false
}

func (c *checker) health() {
	if c.Health.Address == "" {
		return
	}
	pos := c.at("health.address")
	e, ok := parseEndpoint(c.Health.Address)
	if !ok || !e.addr().IsValid() {
		c.r.Add(pos, "invalid-value", "HOST:PORT with an IP address", "", "%q is not an address and a port", c.Health.Address)
		return
	}
	if !c.standsPrivate(e.addr(), pos) || e.port == 0 {
		return
	}
	for _, l := range c.own {
		if l == netip.AddrPortFrom(e.addr(), uint16(e.port)) {
			c.r.Add(pos, "duplicate-name", "an endpoint of its own", "", "a listener stands on %s already", l)
		}
	}
}

func (c *checker) hostnames() {
	seen, defaults := map[string]bool{}, 0
	for i, h := range c.Hostnames {
		pos := c.at("hostnames[%d].name", i)
		if why := badHost(h.Name); why != "" && c.given("hostnames[%d].name", i) {
			c.r.Add(pos, "invalid-value", why, hostMend(h.Name), "%q is not a name that the gateway can answer to", h.Name)
		}
		if seen[h.Name] && h.Name != "" {
			c.r.Add(pos, "duplicate-name", "each hostname once", "remove one", "%q stands twice", h.Name)
		}
		seen[h.Name] = true
		if h.Default {
			if defaults++; defaults > 1 {
				c.r.Add(c.at("hostnames[%d].default", i), "invalid-value", "one default", "remove all but one",
					"a second hostname is the default")
			}
		}
		c.certificate(i, h)
	}
}

func (c *checker) certificate(i int, h Hostname) {
	path := func(field string) string { return c.path("hostnames", i) + "." + field }
	if (h.Certificate == "") != (h.Key == "") {
		c.r.Add(h.Pos, "invalid-value", "both certificate and key, or neither", "",
			"%q has one of certificate and key without the other", h.Name)
	}
	c.sitePath(h.Certificate, path("certificate"))
	c.sitePath(h.Key, path("key"))
	c.sitePath(h.ClientCA, path("clientCA"))
}

// certificates checks those that policies name.
func (c *checker) policyCertificates() {
	for _, id := range slices.Sorted(maps.Keys(c.Certificates)) {
		k, path := c.Certificates[id], "certificates."+id
		c.sitePath(k.Certificate, path+".certificate")
		c.sitePath(k.Key, path+".key")
	}
}

func (c *checker) trustedProxies() {
	seen := map[netip.Prefix]bool{}
	for i, p := range c.TrustedProxies {
		if (p.ProxyProtocol != "") == (p.ForwardedFor != 0) {
			c.r.Add(p.Pos, "invalid-value", "proxyProtocol: v2, or forwardedFor: HOPS", "",
				"a trusted proxy says its client in exactly one way")
		}
		if !p.Prefix.IsValid() {
			continue
		}
		pos := c.at("trustedProxies[%d].prefix", i)
		c.masked(p.Prefix, pos)
		if p.Prefix.Bits() < 8 {
			c.r.Add(pos, "invalid-value", "/8 or longer", "list the addresses of the proxies",
				"%s would let nearly anybody say who the client is", p.Prefix)
		}
		if seen[p.Prefix] {
			c.r.Add(pos, "duplicate-name", "", "remove one", "%s stands twice", p.Prefix)
		}
		seen[p.Prefix] = true
	}
}

// masked reports prefixes with bits beyond their length, which two readers
// could take for different ranges.
func (c *checker) masked(p netip.Prefix, pos Pos) bool {
	switch {
	case p.Addr().Is4In6():
		c.r.Add(pos, "invalid-value", "an IPv4 range", "write it in its IPv4 form", "%s is an IPv4-mapped range", p)
	case p != p.Masked():
		c.r.Add(pos, "invalid-value", p.Masked().String(), "write "+p.Masked().String(), "%s has bits beyond its length", p)
	default:
		return true
	}
	return false
}

func (c *checker) prefixes() {
	seen := map[netip.Prefix]bool{}
	for i, p := range c.PrivatePrefixes {
		if !p.Prefix.IsValid() || !c.given("privatePrefixes") {
			continue
		}
		pos := c.at("privatePrefixes[%d].prefix", i)
		if !c.masked(p.Prefix, pos) {
			continue
		}
		if seen[p.Prefix] {
			c.r.Add(pos, "duplicate-name", "", "remove one", "%s stands twice", p.Prefix)
		}
		seen[p.Prefix] = true
		if within(p.Prefix, DefaultPrivatePrefixes()) {
			continue
		}
		switch {
		case p.Prefix.Bits() < 8:
			c.r.Add(pos, "not-private", "/8 or longer", "list the ranges that are yours",
				"%s is too wide to be private", p.Prefix)
		case within(p.Prefix, neverPrivate()):
			c.r.Add(pos, "not-private", "addresses that can be reached", "remove it",
				"%s holds only addresses that are never connected to", p.Prefix)
		case strings.TrimSpace(p.Reason) == "":
			c.r.Add(pos, "missing-field", "a reason", `add "reason: …"`,
				"%s is not private by RFC 1918, RFC 6598 or RFC 4193, so it needs a reason", p.Prefix)
		}
	}
}

// neverPrivate are ranges in which no address is ever accepted.
func neverPrivate() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
		netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("ff00::/8"),
		netip.MustParsePrefix("168.63.129.16/32"), netip.MustParsePrefix("0.0.0.0/8"),
	}
}
