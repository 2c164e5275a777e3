package egress

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// FuzzVerdict: an address that class model accepts has no reading that is
// public, the machine itself, or the cloud's.
func FuzzVerdict(f *testing.F) {
	for _, a := range nowhere {
		addr := netip.MustParseAddr(a.addr).WithZone("")
		b := addr.As16()
		f.Add(b[:], addr.Is4())
	}
	f.Add([]byte{10, 0, 0, 1}, true)
	cfg := everywhere(site.Destination{Host: "name.example", Port: 443})
	for _, p := range []string{"10.0.0.0/8", "fc00::/7", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/16", "2002::/16", "::/8"} {
		cfg.PrivatePrefixes = append(cfg.PrivatePrefixes, site.PrivatePrefix{Prefix: netip.MustParsePrefix(p), Reason: "fuzzing"})
	}
	d := newDialer(f, cfg, &wire{}, nil)
	dst := d.listed[key{Model, "name.example", 443}]
	f.Fuzz(func(t *testing.T, raw []byte, four bool) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		if four {
			addr = addr.Unmap()
		}
		if d.judge(dst, addr) != nil {
			return
		}
		all := forms(addr)
		if unmapped := addr.Unmap(); all[0].addr != unmapped {
			t.Fatalf("%s would be connected to as %s and is judged as %s", addr, unmapped, all[0].addr)
		}
		for _, form := range all {
			if a := form.addr; !d.isPrivate(a) || never(a) != nil || a.IsLoopback() || a.Is4In6() {
				t.Errorf("%s is accepted in spite of %s (%s)", addr, a, form.how)
			}
		}
	})
}

// FuzzHost: an accepted host has one spelling, and no parser of the old kind
// (inet_aton) takes it for another address than ours does.
func FuzzHost(f *testing.F) {
	for _, s := range []string{
		"name.example", "NAME.example.", "10.0.0.1", "0x7f.1", "127.1", "2130706433", "017700000001", "1.2.3.4.5", "[::1]", "::1", "fe80::1%eth0", "xn--a", "a_b", "-a", "a-", "ﬀ", "0x", "09", "1e3",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		normal, addr, code, reason := normalHost(host)
		if (code == "") != (reason == "") || (code == "") == (normal == "") {
			t.Fatalf("%q: %q, code %q, reason %q", host, normal, code, reason)
		}
		if code != "" {
			return
		}
		again, same, code, _ := normalHost(normal)
		if again != normal || same != addr || code != "" {
			t.Fatalf("%q: %q, then %q (%s)", host, normal, again, code)
		}
		for i := range len(normal) {
			if c := normal[i]; c <= ' ' || c >= 0x7f || c >= 'A' && c <= 'Z' || strings.IndexByte("/@#?%\\[]", c) >= 0 {
				t.Fatalf("%q: %q holds %q", host, normal, c)
			}
		}
		if old, ok := aton(host); ok && old != addr {
			t.Fatalf("%q is %s to inet_aton and %q to us", host, old, normal)
		}
	})
}

// aton reads an IPv4 address as inet_aton(3) does: one to four parts, each
// decimal, octal or hexadecimal, the last one filling up.
func aton(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, p := range parts {
		digits, base := p, 10
		if hex, ok := strings.CutPrefix(strings.ToLower(p), "0x"); ok {
			digits, base = hex, 16
		} else if len(p) > 1 && p[0] == '0' {
			digits, base = p[1:], 8
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if n >= 1<<bits {
			return netip.Addr{}, false
		}
		value = value<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}
