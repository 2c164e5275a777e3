package site

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// endpoint is a host, in lower case and without brackets, and a port.
type endpoint struct {
	host string
	port int
}

func (e endpoint) String() string { return net.JoinHostPort(e.host, strconv.Itoa(e.port)) }

// addr is the host as an address, invalid for names.
func (e endpoint) addr() netip.Addr {
	a, err := netip.ParseAddr(e.host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// parseEndpoint reads HOST:PORT.
func parseEndpoint(s string) (endpoint, bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return endpoint{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return endpoint{}, false
	}
	return endpoint{strings.ToLower(host), int(n)}, true
}

// parseURL reads an absolute URL of one of the schemes, without user, query or
// fragment. expected says what is wrong in words.
func parseURL(s string, schemes ...string) (u *url.URL, e endpoint, expected string) {
	expected = "an absolute URL, " + schemes[0] + "://HOST[:PORT][/PATH], without user, query and fragment"
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" || strings.ContainsAny(s, " \t\r\n\\") {
		return nil, e, expected
	}
	known := false
	for _, scheme := range schemes {
		known = known || u.Scheme == scheme
	}
	if !known || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return nil, e, expected
	}
	e.host = strings.ToLower(u.Hostname())
	if why := badHost(e.host); why != "" {
		return nil, e, why
	}
	switch u.Port() {
	case "":
		e.port = defaultPort(u.Scheme)
	default:
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || n == 0 {
			return nil, e, "a port from 1 to 65535"
		}
		e.port = int(n)
	}
	return u, e, ""
}

func defaultPort(scheme string) int {
	if scheme == "http" || scheme == "ws" {
		return 80
	}
	return 443
}

// badHost says what is wrong with a host, empty when it is a DNS name or an IP
// address literal in its plain form. Forms that resolvers read as addresses
// (0x7f.1, 2130706433) are neither.
func badHost(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		switch {
		case a.Zone() != "":
			return "an address without a zone"
		case a.Is4In6():
			return "the IPv4 address itself: " + a.Unmap().String()
		default:
			return ""
		}
	}
	switch {
	case strings.ContainsAny(host, "*?"):
		return "one host, not a pattern"
	case strings.Contains(host, "://") || strings.Contains(host, "/"):
		return "a host without scheme and path"
	case strings.HasPrefix(host, "[") || strings.Count(host, ":") > 1:
		return "an IPv6 address without brackets and port"
	case strings.Contains(host, ":"):
		return "a host without a port"
	case host != strings.ToLower(host):
		return "lower case: " + strings.ToLower(host)
	case strings.HasSuffix(host, "."):
		return "the name without the dot at its end"
	case host == "" || len(host) > 253:
		return "a DNS name or an IP address"
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if !validLabel(l) {
			return "a DNS name (letters, digits and dashes; other scripts in their xn-- form) or an IP address"
		}
	}
	if endsInNumber(labels[len(labels)-1]) {
		return "an IP address of four numbers, or a DNS name that does not end in a number"
	}
	return ""
}

// hostMend is the host that was meant, where only its case or a dot at its end
// is wrong.
func hostMend(host string) string {
	plain := strings.TrimSuffix(strings.ToLower(host), ".")
	if plain != host && badHost(plain) == "" {
		return "write " + plain
	}
	return ""
}

// endsInNumber reports a last label that makes some resolvers read the whole
// name as an IPv4 address: decimal or octal digits, or 0x and hexadecimal ones.
func endsInNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func validLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	return strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
