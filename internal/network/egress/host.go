package egress

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// normalHost is the one spelling of a host: lower case, no trailing dot, the
// shortest form of an IPv6 literal. It returns a code and a reason where the
// spelling is not accepted.
//
// A name whose last label is a number is refused: "0x7f.1", "2130706433" and
// "127.1" are addresses to some parsers and names to others. Letters beyond
// ASCII are refused too, because they would have to be mapped, and mapping
// differs; an internationalised name is listed in its "xn--" form.
func normalHost(host string) (normal string, addr netip.Addr, code, reason string) {
	if strings.Contains(host, ":") || strings.Contains(host, "%") {
		return normalIPv6(host)
	}
	if !ascii(host) { // before case is folded: the Kelvin sign's lower case is "k"
		return "", netip.Addr{}, CodeHost, "the name has letters beyond ASCII; only its xn-- form is accepted"
	}
	h := strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(h); err == nil {
		return a.String(), a, "", ""
	}
	if h == "" || len(h) > 253 {
		return "", netip.Addr{}, CodeHost, "the host is empty or longer than 253 bytes"
	}
	labels := strings.Split(h, ".")
	for _, l := range labels {
		if reason := badLabel(l); reason != "" {
			return "", netip.Addr{}, CodeHost, reason
		}
	}
	if numeric(labels[len(labels)-1]) {
		return "", netip.Addr{}, CodeHost, "the host ends in a number but is not an IPv4 address in four decimal parts"
	}
	return h, netip.Addr{}, "", ""
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func normalIPv6(host string) (string, netip.Addr, string, string) {
	a, err := netip.ParseAddr(host)
	switch {
	case strings.Contains(host, "%"):
		return "", netip.Addr{}, CodeZone, "an address with a zone is not accepted"
	case err != nil:
		return "", netip.Addr{}, CodeHost, "the host is neither a name nor an IP address"
	}
	return a.String(), a, "", ""
}

// badLabel says what is wrong with a label of a name. The underscore is not
// in RFC 1123 but in names that people use.
func badLabel(l string) string {
	if l == "" || len(l) > 63 {
		return "a label of the name is empty or longer than 63 bytes"
	}
	for i := range len(l) {
		c := l[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
		case c == '-' && i > 0 && i < len(l)-1:
		default:
			return "the name has a character other than letters, digits, \"-\" and \"_\""
		}
	}
	return ""
}

// numeric reports whether some parser takes l for a number, and with it the
// name for an IPv4 address (WHATWG URL, "ends in a number").
func numeric(l string) bool {
	if hex, ok := strings.CutPrefix(l, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(l, "0123456789") == ""
}

// splitAddr splits HOST:PORT as net/http hands it over. The port is a plain
// decimal number: service names such as "https" are not looked up.
func splitAddr(hostport string) (host string, port uint16, code, reason string) {
	host, p, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport, 0, CodeHost, "not HOST:PORT"
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 || p[0] < '1' || p[0] > '9' {
		return host, 0, CodePort, "the port is not a number from 1 to 65535"
	}
	return host, uint16(n), "", ""
}
