package site

import (
	"net/netip"
	"strings"
)

// class is one list of destinations.
type class struct {
	name string
	list []Destination
}

func (c *checker) classes() []class {
	d := &c.Destinations
	return []class{
		{"model", d.Model}, {"call", d.Call}, {"identity", d.Identity},
		{"secret", d.Secret}, {"telemetry", d.Telemetry},
		{"state", d.State}, {"name", d.Name},
	}
}

func (c *checker) destinations() {
	for _, cl := range c.classes() {
		seen := map[endpoint]bool{}
		for i, d := range cl.list {
			e := endpoint{d.Host, d.Port}
			path := c.path("destinations."+cl.name, i)
			c.sitePath(d.CAFile, path+".caFile")
			if !c.given("%s.host", path) {
				continue
			}
			if why := badHost(d.Host); why != "" {
				c.r.Add(c.at("%s.host", path), "invalid-value", why, hostMend(d.Host), "%q is not a host", d.Host)
				continue
			}
			if seen[e] {
				c.r.Add(d.Pos, "duplicate-name", "", "remove one", "%s is listed twice in class %q", e, cl.name)
			}
			seen[e] = true
			if a := e.addr(); a.IsValid() {
				c.destinationAddress(cl.name, d, netip.AddrPortFrom(a, uint16(d.Port)), c.at("%s.host", path))
				if len(d.Addresses) > 0 {
					c.r.Add(c.at("%s.addresses", path), "invalid-value", "a name as host, or no addresses", "",
						"an address needs no other addresses")
				}
				continue
			}
			for j, a := range d.Addresses {
				if a.IsValid() {
					c.destinationAddress(cl.name, d, netip.AddrPortFrom(a.Unmap(), uint16(d.Port)), c.at("%s.addresses[%d]", path, j))
				}
			}
		}
	}
}

// destinationAddress checks an address that a destination names.
func (c *checker) destinationAddress(class string, d Destination, ap netip.AddrPort, pos Pos) {
	a := ap.Addr()
	switch {
	case isMetadata(a):
		if class != "identity" || ap.Port() != 80 {
			c.r.Add(pos, "never-reached", "", "only the managed identity asks it: list it in destinations.identity with port 80",
				"%s is the address of instance metadata", a)
		}
	case neverReached(a) != "":
		c.r.Add(pos, "never-reached", "another address", "", "%s is %s, which is never connected to", a, neverReached(a))
	case c.isOwn(ap):
		c.r.Add(pos, "never-reached", "another endpoint", "", "%s is a listener of the gateway itself", ap)
	case class == "model" && !c.inPrefixes(a) && !a.IsLoopback():
		c.r.Add(pos, "not-private", "an address in privatePrefixes",
			"reach the backend at its private address, or, where the range is yours, add it to privatePrefixes with a reason",
			"%s is not private, and class \"model\" reaches private addresses only", a)
	case class != "model" && !d.Public && !c.private(a):
		c.r.Add(pos, "not-private", "a private address, or public: true", "add \"public: true\" if it is meant",
			"%s is a public address", a)
	}
}

func isMetadata(a netip.Addr) bool { return a == netip.AddrFrom4([4]byte{169, 254, 169, 254}) }

func (c *checker) isOwn(ap netip.AddrPort) bool {
	for _, l := range c.own {
		if l == ap || (l.Addr().IsUnspecified() && l.Port() == ap.Port() && ap.Addr().IsLoopback()) {
			return true
		}
	}
	return false
}

// inPrefixes reports whether a lies in the site's prefixes: what class model
// may reach.
func (c *checker) inPrefixes(a netip.Addr) bool {
	for _, p := range c.PrivatePrefixes {
		if p.Prefix.Contains(a) {
			return true
		}
	}
	return false
}

// listed finds e in a class.
func (c *checker) listed(class string, e endpoint) (Destination, bool) {
	for _, cl := range c.classes() {
		if cl.name != class {
			continue
		}
		for _, d := range cl.list {
			if strings.EqualFold(d.Host, e.host) && d.Port == e.port {
				return d, true
			}
			if a := e.addr(); a.IsValid() && (endpoint{d.Host, d.Port}).addr() == a && d.Port == e.port {
				return d, true
			}
		}
	}
	return Destination{}, false
}

// need reports e unless it is listed in class. Each is asked for once.
func (c *checker) need(class string, e endpoint, pos Pos, who string) {
	if _, ok := c.listed(class, e); ok {
		return
	}
	key := class + " " + e.String()
	if c.missing[key] {
		return
	}
	c.missing[key] = true
	public, expected := c.knownPublic(e), "a destination of class "+class
	switch {
	case class == "model":
		public = false // never reaches a public address
	case !public && !e.addr().IsValid():
		expected += ", with public: true if its addresses are public"
	}
	c.r.Add(pos, "undeclared-destination", expected, c.pasteDestination(class, e, public),
		"%s connects to %s, which destinations.%s does not list", who, e, class)
}

// knownPublic reports an endpoint whose addresses are known to be public: those
// of Entra ID, and address literals.
func (c *checker) knownPublic(e endpoint) bool {
	if a := e.addr(); a.IsValid() {
		return !c.private(a) && neverReached(a) == "" && !isMetadata(a)
	}
	return entraHost(e.host)
}

func (c *checker) namesAndTelemetry() {
	for i, s := range c.Names.Servers {
		if s == "system" {
			continue
		}
		pos := c.at("names.servers[%d]", i)
		e, ok := parseEndpoint(s)
		if !ok || !e.addr().IsValid() || e.port == 0 {
			c.r.Add(pos, "invalid-value", `HOST:PORT with an IP address, or "system"`, "", "%q is not a DNS server", s)
			continue
		}
		c.need("name", e, pos, "name resolution")
	}
	c.sitePath(c.Telemetry.OTLP.CAFile, "telemetry.otlp.caFile")
	if c.Telemetry.OTLP.Endpoint == "" {
		return
	}
	pos := c.at("telemetry.otlp.endpoint")
	u, e, expected := parseURL(c.Telemetry.OTLP.Endpoint, "https", "http")
	switch {
	case u == nil:
		c.r.Add(pos, "invalid-value", expected, "", "%q is not an endpoint", c.shownURL(c.Telemetry.OTLP.Endpoint, pos))
		return
	case strings.Trim(u.Path, "/") != "":
		c.r.Add(pos, "invalid-value", "a URL without path", "remove "+u.Path, "the endpoint has a path")
	}
	c.need("telemetry", e, pos, "the OTLP exporter")
	if d, ok := c.listed("telemetry", e); ok && d.Public && u.Scheme == "http" {
		c.r.Add(pos, "cleartext", "https", "", "spans would cross a public network in clear")
	}
}
