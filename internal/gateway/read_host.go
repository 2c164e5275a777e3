package gateway

import (
	"net/netip"
	"strconv"
	"strings"
)

// canonicalHost reads a host with an optional port: DNS names in lower case
// without a trailing dot, IP addresses in their one written form, IPv6 in
// brackets on the wire and without them here.
func canonicalHost(s string) (host, port string, ok bool) {
	if rest, found := strings.CutPrefix(s, "["); found {
		addr, after, closed := strings.Cut(rest, "]")
		if !closed || !strings.Contains(addr, ":") {
			return "", "", false
		}
		if after != "" {
			if port, ok = strings.CutPrefix(after, ":"); !ok || !isPort(port) {
				return "", "", false
			}
		}
		host, ok = canonicalAddr(addr)
		return host, port, ok
	}
	name, port, hasPort := strings.Cut(s, ":")
	if hasPort && !isPort(port) {
		return "", "", false
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name, port, isDNSName(name)
}

// canonicalName is canonicalHost for a configured name: no port, and IPv6
// needs no brackets.
func canonicalName(s string) (string, bool) {
	if name, ok := canonicalAddr(s); ok {
		return name, true
	}
	name, port, ok := canonicalHost(s)
	return name, ok && port == ""
}

func canonicalAddr(s string) (string, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", false
	}
	return a.Unmap().String(), true
}

func isPort(s string) bool {
	if len(s) > 5 {
		return false
	}
	n, err := strconv.ParseUint(s, 10, 16) // no sign, no underscore in base 10
	return err == nil && n > 0
}

// isDNSName accepts lower-case names and dotted IPv4 addresses. A name whose
// last label is a number and that is no address is refused: some parsers read
// "127.1" as an address, RFC 1123 section 2.1 forbids it as a name.
func isDNSName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
		last = label
	}
	if last[0] >= '0' && last[0] <= '9' {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is4()
	}
	return true
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
