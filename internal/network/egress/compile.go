package egress

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/cloister-ai/cloister/internal/site"
)

// destination is one compiled entry of cloister.yaml, or one that follows
// from it (the system's DNS servers, instance metadata).
type destination struct {
	class  Class
	host   string
	port   uint16
	public bool
	// fixed are the addresses that cloister.yaml itself gives: the literal
	// host, or those it is pinned to. Empty: the name is asked.
	fixed  []netip.Addr
	why    []string
	scheme string
	pos    site.Pos
}

// standardSpace is where a private prefix needs no reason: RFC 1918, RFC 6598
// and RFC 4193.
func standardSpace() []netip.Prefix { return site.DefaultPrivatePrefixes() }

func (d *Dialer) compilePrefixes(cfg *site.Config, ps *site.Problems) {
	if len(cfg.PrivatePrefixes) == 0 {
		d.private = standardSpace()
		return
	}
	for _, p := range cfg.PrivatePrefixes {
		pre := p.Prefix
		if !pre.IsValid() || pre.Addr().Is4In6() || pre.Addr().Zone() != "" {
			ps.Add(p.Pos, "private-prefix", "a prefix such as 10.0.0.0/8 or fd00::/8", "", "%q is no address prefix", pre)
			continue
		}
		pre = pre.Masked()
		switch {
		case within(standardSpace(), pre):
		case pre.Bits() < 8:
			ps.Add(p.Pos, "private-prefix-too-wide", "/8 or longer",
				"name the prefixes that are really yours", "%s is not private space and shorter than /8", pre)
			continue
		case p.Reason == "":
			ps.Add(p.Pos, "private-prefix-reason", "a reason", "add reason: why this prefix is private here",
				"%s is outside RFC 1918, RFC 6598 and fc00::/7", pre)
			continue
		}
		d.private = append(d.private, pre)
	}
}

// within reports whether p lies inside one of list.
func within(list []netip.Prefix, p netip.Prefix) bool {
	return slices.ContainsFunc(list, func(q netip.Prefix) bool {
		return q.Bits() <= p.Bits() && q.Contains(p.Addr())
	})
}

func (d *Dialer) compileDestinations(cfg *site.Config, ps *site.Problems) {
	for _, c := range Classes() {
		for _, s := range listOf(cfg, c) {
			d.compileDestination(c, s, ps)
		}
	}
}

func listOf(cfg *site.Config, c Class) []site.Destination {
	switch c {
	case Model:
		return cfg.Destinations.Model
	case Call:
		return cfg.Destinations.Call
	case Identity:
		return cfg.Destinations.Identity
	case Secret:
		return cfg.Destinations.Secret
	case Telemetry:
		return cfg.Destinations.Telemetry
	case State:
		return cfg.Destinations.State
	case Name:
		return cfg.Destinations.Name
	}
	return nil
}

func (d *Dialer) compileDestination(c Class, s site.Destination, ps *site.Problems) {
	host, literal, code, reason := normalHost(s.Host)
	if code != "" {
		ps.Add(s.Pos, "destination-host", "a DNS name or an IP address", "", "host %q: %s", s.Host, reason)
		return
	}
	if s.Port < 0 || s.Port > 65535 {
		ps.Add(s.Pos, "destination-port", "1 to 65535", "", "port %d of %q", s.Port, s.Host)
		return
	}
	dst := &destination{class: c, host: host, port: defaultPort(c, s.Port), public: s.Public, pos: s.Pos}
	if c == Identity && literal == metadataAddr && dst.port == 80 {
		d.metadata = true
		return // it is shown by compileMetadata and reached by InstanceMetadata alone
	}
	if !d.compileAddresses(dst, s, literal, ps) {
		return
	}
	k := key{c, host, dst.port}
	if _, twice := d.listed[k]; twice {
		ps.Add(s.Pos, "destination-twice", "", "remove one of them", "%s port %d is listed twice in class %s", host, dst.port, c)
		return
	}
	d.add(dst)
}

func (d *Dialer) add(dst *destination) {
	d.listed[key{dst.class, dst.host, dst.port}] = dst
	d.order = append(d.order, dst)
}

func defaultPort(c Class, port int) uint16 {
	switch {
	case port != 0:
		return uint16(port)
	case c == Name:
		return 53
	}
	return 443
}

// compileAddresses fills dst.fixed and judges it: what can be known to be
// refused at every connection is a problem of the site.
func (d *Dialer) compileAddresses(dst *destination, s site.Destination, literal netip.Addr, ps *site.Problems) bool {
	good := true
	if dst.class == Model && s.Public {
		ps.Add(s.Pos, "model-public", "", "remove public: true", "class model reaches private addresses only; no setting changes that")
		good = false
	}
	dst.fixed = slices.Clone(s.Addresses)
	if literal.IsValid() {
		if len(s.Addresses) > 0 {
			ps.Add(s.Pos, "destination-addresses", "", "remove addresses", "%s is an address already", dst.host)
			good = false
		}
		dst.fixed = []netip.Addr{literal}
	}
	for _, a := range dst.fixed {
		if a.Is4In6() {
			ps.Add(s.Pos, "destination-address", a.Unmap().String(), "", "%s is an IPv4 address in IPv6 form", a)
			good = false
			continue
		}
		if r := d.judgeAddress(dst, a); r != nil {
			ps.Add(s.Pos, "destination-"+r.code, "", r.mend, "%s can never be reached: %s", describe(dst.host, a), r.reason)
			good = false
		}
	}
	return good
}

func describe(host string, a netip.Addr) string {
	if host == a.String() {
		return host
	}
	return fmt.Sprintf("%s (%s)", host, a)
}
