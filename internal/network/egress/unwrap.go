package egress

import (
	"bytes"
	"net/netip"
	"slices"
)

// form is one reading of an address: the address itself, or an IPv4 address
// that a translator or tunnel on the way would take out of it.
type form struct {
	addr netip.Addr
	// how names the encoding; empty for the address itself.
	how string
}

// forms returns every reading of a, a itself first. An IPv4-mapped address is
// replaced by the IPv4 address, because that is what the kernel connects to;
// all other encodings are kept beside what they hold, because the packet goes
// to the outer address and is unwrapped later.
func forms(a netip.Addr) []form {
	a = a.WithZone("")
	if a.Is4In6() {
		return []form{{addr: a.Unmap(), how: "IPv4-mapped"}}
	}
	list := []form{{addr: a}}
	if a.Is4() {
		return list
	}
	b := a.As16()
	switch {
	case hasPrefix(b, 0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0):
		list = append(list, form{v4(b, 12, 13, 14, 15), "NAT64 (RFC 6052)"})
	case hasPrefix(b, 0x00, 0x64, 0xff, 0x9b, 0, 1):
		list = append(list, localNAT64(b)...)
	case hasPrefix(b, 0x20, 0x02):
		list = append(list, form{v4(b, 2, 3, 4, 5), "6to4 (RFC 3056)"})
	case hasPrefix(b, 0x20, 0x01, 0, 0):
		client := b
		for i := 12; i < 16; i++ {
			client[i] ^= 0xff
		}
		list = append(list,
			form{v4(b, 4, 5, 6, 7), "Teredo server (RFC 4380)"},
			form{v4(client, 12, 13, 14, 15), "Teredo client (RFC 4380)"})
	case hasPrefix(b, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0):
		list = append(list, form{v4(b, 12, 13, 14, 15), "IPv4-translated (RFC 2765)"})
	case hasPrefix(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) && !a.IsUnspecified() && !a.IsLoopback():
		list = append(list, form{v4(b, 12, 13, 14, 15), "IPv4-compatible (RFC 4291)"})
	}
	// ISATAP is not a prefix but an interface identifier below any prefix.
	if b[8]&^0x02 == 0 && bytes.Equal(b[9:12], []byte{0x00, 0x5e, 0xfe}) {
		list = append(list, form{v4(b, 12, 13, 14, 15), "ISATAP (RFC 5214)"})
	}
	return list
}

// localNAT64 reads 64:ff9b:1::/48 (RFC 8215) in each of the layouts of RFC
// 6052 that fit below a /48. The address does not say which one its
// translator uses, so each is judged; a layout that would yield 0.0.0.0/8 is
// not the one in use, unless all of them do.
func localNAT64(b [16]byte) []form {
	list := []form{
		{v4(b, 6, 7, 9, 10), "NAT64 /48 (RFC 8215)"},
		{v4(b, 7, 9, 10, 11), "NAT64 /56 (RFC 8215)"},
		{v4(b, 9, 10, 11, 12), "NAT64 /64 (RFC 8215)"},
		{v4(b, 12, 13, 14, 15), "NAT64 /96 (RFC 8215)"},
	}
	used := slices.DeleteFunc(slices.Clone(list), func(f form) bool { return f.addr.As4()[0] == 0 })
	if len(used) == 0 {
		return list[3:]
	}
	return used
}

func v4(b [16]byte, i, j, k, l int) netip.Addr {
	return netip.AddrFrom4([4]byte{b[i], b[j], b[k], b[l]})
}

func hasPrefix(b [16]byte, prefix ...byte) bool { return bytes.HasPrefix(b[:], prefix) }
