package limit

import (
	"encoding/binary"
	"net/netip"
)

// network names the addresses that count as one. Who has one IPv6 address has
// a /64 of them (RFC 6177), and often a /48.
type network struct {
	bits uint64 // the leading bits of the address, left-aligned
	kind networkKind
}

type networkKind uint8

const (
	clientOf4 networkKind = iota + 1 // /32
	prefixOf4                        // /24
	clientOf6                        // /64
	prefixOf6                        // /48
)

// clientOf is the single client: an IPv4 address, or an IPv6 /64.
func clientOf(a netip.Addr) network {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return network{uint64(binary.BigEndian.Uint32(b[:])) << 32, clientOf4}
	}
	b := a.As16()
	return network{binary.BigEndian.Uint64(b[:8]), clientOf6}
}

// prefix is the network around a client: an IPv4 /24, or an IPv6 /48.
func (n network) prefix() network {
	if n.kind == clientOf4 {
		return network{n.bits &^ (1<<40 - 1), prefixOf4}
	}
	return network{n.bits &^ (1<<16 - 1), prefixOf6}
}

// netip writes it as the operator knows it.
func (n network) netip() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], n.bits)
	switch n.kind {
	case clientOf4:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), 32)
	case prefixOf4:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), 24)
	case clientOf6:
		return netip.PrefixFrom(netip.AddrFrom16(b), 64)
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 48)
}

// shard spreads networks over n shards, a power of two. Who could choose
// addresses to meet in one shard would gain a lock that is held for
// nanoseconds; a seeded hash would cost every request more than that.
func (n network) shard(shards uint64) uint64 {
	x := n.bits ^ n.bits>>32 ^ uint64(n.kind)
	return x * 0x9e3779b97f4a7c15 >> 32 & (shards - 1)
}
