package egress

import (
	"fmt"
	"net/netip"
	"slices"
)

// finding is why an address is refused.
type finding struct{ code, reason, mend string }

// metadataAddr is the instance metadata service of Azure (and of others).
var metadataAddr = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// platformAddr is the address at which Azure's fabric answers DNS, health
// probes and its host agent to every virtual machine.
var platformAddr = netip.AddrFrom4([4]byte{168, 63, 129, 16})

// otherMetadata are metadata services that do not stand on a link-local
// address, so that a private prefix would let them in: AWS and Google Cloud
// over IPv6, Alibaba Cloud, Oracle Cloud.
var otherMetadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd20:ce::254"),
	netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("192.0.0.192"),
}

// notPublic is space that no public service uses (IANA special-purpose
// registries, "globally reachable: false"), private or not.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
}

// public6 is where public IPv6 addresses are: global unicast, and IPv4 behind
// the well-known NAT64 prefix.
var public6 = []netip.Prefix{
	netip.MustParsePrefix("2000::/3"),
	netip.MustParsePrefix("64:ff9b::/96"),
}

// judge says whether dst may be reached at addr now; nil: accepted.
func (d *Dialer) judge(dst *destination, addr netip.Addr) *finding {
	if r := d.judgeAddress(dst, addr); r != nil {
		return r
	}
	return d.judgeEndpoint(dst, addr)
}

// addressCheckOff is for one test, TestOutside of internal/app: its packet counter
// stays at zero, and counts when there is no check. It is no setting: it has no
// name outside of this package, nothing here assigns it, and that no code but a
// test gets at it by another way (go:linkname) is a rule of test/repo.
var addressCheckOff bool

// judgeAddress says whether dst may be reached at addr at any time. Every form of
// addr has to pass; nil: accepted.
func (d *Dialer) judgeAddress(dst *destination, addr netip.Addr) *finding {
	if addressCheckOff {
		return nil
	}
	if addr.Zone() != "" {
		return &finding{code: CodeZone, reason: "an address with a zone is not accepted"}
	}
	for i, f := range forms(addr) {
		if r := d.judgeForm(dst, f.addr, i == 0); r != nil {
			if f.how != "" {
				r.reason += fmt.Sprintf(" (%s, %s in %s)", f.addr, f.how, addr)
			}
			return r
		}
	}
	return nil
}

// judgeForm judges one form. Outer is true for the address that the kernel
// connects to.
func (d *Dialer) judgeForm(dst *destination, a netip.Addr, outer bool) *finding {
	if r := never(a); r != nil {
		return r
	}
	if a.IsLoopback() {
		if outer && slices.Contains(dst.fixed, a) {
			return d.ownListener(a, dst.port)
		}
		return &finding{CodeLoopback, "a loopback address is reached only where the destination is that exact address",
			"write the address as the destination's host, or under its addresses"}
	}
	if r := d.ownListener(a, dst.port); r != nil {
		return r
	}
	switch {
	case d.isPrivate(a):
		return nil
	case !isPublic(a):
		return &finding{CodeReserved, "the address is neither in privatePrefixes nor public", "add its prefix to privatePrefixes"}
	case dst.class == Model:
		return &finding{CodePublic, "class model reaches private addresses only",
			"use the private endpoint's address, or a DNS server that answers with it"}
	case !dst.public:
		return &finding{CodePublic, "the address is public", "set public: true on the destination if it is meant to be reached outside"}
	}
	return nil
}

// never refuses what no setting opens.
func never(a netip.Addr) *finding {
	switch {
	case a == metadataAddr || slices.Contains(otherMetadata, a):
		return &finding{CodeMetadata, "the instance metadata service is open to the managed-identity client alone", ""}
	case a == platformAddr:
		return &finding{CodePlatform, "168.63.129.16 is Azure's platform address and never a destination",
			"for names, use the inbound endpoint of a DNS private resolver or a forwarder"}
	case a.IsUnspecified() || a.Is4() && a.As4()[0] == 0:
		return &finding{CodeUnspecified, "an unspecified address is this machine itself", ""}
	case a.IsMulticast():
		return &finding{CodeMulticast, "a multicast address is no destination", ""}
	case a.IsLinkLocalUnicast():
		return &finding{CodeLinkLocal, "a link-local address is no destination", ""}
	case a.Is4() && a.As4() == [4]byte{255, 255, 255, 255}:
		return &finding{CodeBroadcast, "the broadcast address is no destination", ""}
	}
	return nil
}

// ownListener refuses a connection of the gateway to itself: it would pass
// the caller's side of the road with the gateway's own rights, and could loop.
func (d *Dialer) ownListener(a netip.Addr, port uint16) *finding {
	if d.opt.OwnListeners == nil {
		return nil
	}
	own := &finding{CodeOwnListener, "the address is one of the gateway's own listeners", ""}
	for _, l := range d.opt.OwnListeners() {
		at := l.Addr().Unmap().WithZone("")
		switch {
		case l.Port() != port:
		case at == a:
			return own
		case at.IsUnspecified() || !at.IsValid():
			if a.IsLoopback() {
				return own
			}
			local, err := d.opt.LocalAddrs()
			if err != nil {
				return &finding{CodeLocalUnknown, "the machine's own addresses cannot be listed: " + err.Error(), ""}
			}
			if slices.Contains(local, a) {
				return own
			}
		}
	}
	return nil
}

func (d *Dialer) isPrivate(a netip.Addr) bool { return contains(d.private, a) }

// isPublic reports whether a is an address of the public internet.
func isPublic(a netip.Addr) bool {
	return !contains(notPublic, a) && (a.Is4() || contains(public6, a))
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}
