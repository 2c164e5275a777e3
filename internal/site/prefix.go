package site

import "net/netip"

// DefaultPrivatePrefixes returns the address space that is private without a
// reason: RFC 1918, RFC 6598 and fc00::/7 (RFC 4193). Each call returns a list
// of its own.
func DefaultPrivatePrefixes() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("fc00::/7"),
	}
}

// within reports whether p lies in one of prefixes.
func within(p netip.Prefix, prefixes []netip.Prefix) bool {
	for _, q := range prefixes {
		if q.Addr().Is4() == p.Addr().Is4() && q.Bits() <= p.Bits() && q.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// neverReached says why addr is refused whatever a site lists: the forms of
// promise 1. It is empty for all others. 169.254.169.254 is link-local and
// answered by the caller, because the managed identity may use it.
func neverReached(addr netip.Addr) string {
	azure := netip.AddrFrom4([4]byte{168, 63, 129, 16})
	switch addr = addr.Unmap(); {
	case addr.IsUnspecified():
		return "an unspecified address"
	case addr.IsMulticast():
		return "a multicast address"
	case addr.IsLinkLocalUnicast():
		return "a link-local address"
	case addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "the broadcast address"
	case addr == azure:
		return "the address of the Azure host"
	default:
		return ""
	}
}
