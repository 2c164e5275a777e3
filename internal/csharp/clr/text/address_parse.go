package text

import (
	"strconv"
	"strings"
)

// parseAddress reads an address as IPAddress.Parse does: IPv4 in one to four
// numbers, decimal, octal or hexadecimal; IPv6 with an embedded IPv4, a scope,
// and brackets with a port, which is dropped.
func parseAddress(s string) (a address, ok bool) {
	if strings.IndexByte(s, ':') >= 0 {
		return parseV6(s)
	}
	n, ok := parseV4(s)
	if !ok {
		return a, false
	}
	a.b[0], a.b[1], a.b[2], a.b[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return a, true
}

func parseV4(s string) (uint32, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return 0, false
	}
	out := uint64(0)
	for i, p := range parts {
		n, ok := parseV4Number(p)
		last := i == len(parts)-1
		if !ok || !last && n > 255 || last && n >= 1<<(8*(4-i)) {
			return 0, false
		}
		if last {
			out = out<<(8*(4-i)) | n
		} else {
			out = out<<8 | n
		}
	}
	return uint32(out), true
}

// parseV4Number reads a number as C does.
func parseV4Number(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	if s == "" || !isHex(s[0]) || strings.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 33)
	return n, err == nil
}

func isHex(c byte) bool {
	_, ok := hexValue(c)
	return ok
}

// parseV6 reads an IPv6 address, with brackets or without.
func parseV6(s string) (a address, ok bool) {
	if s != "" && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || end+1 < len(s) && !isPort(s[end+1:]) {
			return a, false
		}
		s = s[1:end]
	}
	s, scope, scoped := strings.Cut(s, "%")
	if scoped {
		if scope == "" {
			return a, false
		}
		if n, digits := parseScope(scope); !digits {
			a.scope = 0 // the name of an interface, which this host does not have
		} else if n > 1<<32-1 {
			return a, false
		} else {
			a.scope = uint32(n)
		}
	}
	a.six = true
	return a, parseGroups(s, &a.b)
}

func isPort(s string) bool {
	s, ok := strings.CutPrefix(s, ":")
	if !ok {
		return false
	}
	base := 10
	if hex, is := strings.CutPrefix(strings.ToLower(s), "0x"); is {
		s, base = hex, 16
	}
	_, err := strconv.ParseUint(s, base, 64)
	return err == nil
}

func parseScope(s string) (n uint64, digits bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+uint64(s[i]-'0'), 1<<40)
	}
	return n, true
}

// parseGroups reads eight groups, of which one run of zeros may be left out,
// and of which the last two may be an IPv4 address.
func parseGroups(s string, out *[16]byte) bool {
	head, tail, short := strings.Cut(s, "::")
	if short && strings.Contains(tail, "::") {
		return false
	}
	var before, behind []byte
	ok := true
	if head != "" {
		before, ok = groupBytes(head, !short)
	}
	if ok && tail != "" {
		behind, ok = groupBytes(tail, true)
	}
	n := len(before) + len(behind)
	if !ok || !short && n != 16 || short && n > 14 {
		return false
	}
	copy(out[:], before)
	copy(out[16-len(behind):], behind)
	return true
}

func groupBytes(s string, last bool) (out []byte, ok bool) {
	groups := strings.Split(s, ":")
	if len(groups) > 8 {
		return nil, false
	}
	for i, g := range groups {
		if strings.IndexByte(g, '.') >= 0 {
			four, ok := dotted(g)
			return append(out, four...), ok && last && i == len(groups)-1
		}
		if g == "" || len(g) > 4 || !isHex(g[0]) {
			return nil, false
		}
		n, err := strconv.ParseUint(g, 16, 16)
		if err != nil {
			return nil, false
		}
		out = append(out, byte(n>>8), byte(n))
	}
	return out, true
}

// dotted is an IPv4 address of four decimal numbers.
func dotted(s string) ([]byte, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return nil, false
	}
	out := make([]byte, 4)
	for i, p := range parts {
		n, digits := parseScope(p)
		if p == "" || len(p) > 3 || !digits || n > 255 {
			return nil, false
		}
		out[i] = byte(n)
	}
	return out, true
}
