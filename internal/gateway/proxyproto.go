package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// PROXY protocol, version 2, as HAProxy's proxy-protocol.txt section 2.2
// describes it. Version 1 is not spoken: it is text of varying length that
// needs buffering, and every proxy of today speaks version 2.
const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyFixed     = 16
	// proxyMax bounds the whole header. The addresses take at most 36 bytes
	// of the variable part that matters here; the rest are TLVs, skipped.
	proxyMax = 536
)

// proxyHeader is what a header says.
type proxyHeader struct {
	// Local is the LOCAL command: the proxy speaks for itself (a health
	// check), and the connection's own addresses stand.
	Local        bool
	Source, Dest netip.AddrPort
}

var errNoProxyHeader = errors.New("the connection does not begin with a PROXY header of version 2")

// readProxyHeader takes exactly one header off r and not a byte more. What is
// not a TCP address of the internet (UNSPEC, UDP, Unix sockets) is refused: a
// client without an address could not be judged.
func readProxyHeader(r io.Reader) (proxyHeader, error) {
	var buf [proxyMax]byte
	if _, err := io.ReadFull(r, buf[:proxyFixed]); err != nil {
		return proxyHeader{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	if string(buf[:len(proxySignature)]) != proxySignature {
		return proxyHeader{}, errNoProxyHeader
	}
	length := int(binary.BigEndian.Uint16(buf[14:16]))
	if proxyFixed+length > proxyMax {
		return proxyHeader{}, fmt.Errorf("a PROXY header of %d bytes, the bound is %d", proxyFixed+length, proxyMax)
	}
	rest := buf[proxyFixed : proxyFixed+length]
	if _, err := io.ReadFull(r, rest); err != nil {
		return proxyHeader{}, fmt.Errorf("a PROXY header that ends early: %w", err)
	}
	return parseProxyHeader(buf[12], buf[13], rest)
}

func parseProxyHeader(versionCommand, family byte, rest []byte) (proxyHeader, error) {
	var h proxyHeader
	switch versionCommand {
	case 0x20:
		h.Local = true
		return h, nil
	case 0x21:
	default:
		return h, fmt.Errorf("PROXY version and command %#x", versionCommand)
	}
	size := 0
	switch family {
	case 0x11: // TCP over IPv4
		size = 4
	case 0x21: // TCP over IPv6
		size = 16
	default:
		return h, fmt.Errorf("PROXY address family %#x", family)
	}
	if len(rest) < 2*size+4 {
		return h, fmt.Errorf("a PROXY header with %d bytes of addresses", len(rest))
	}
	source, _ := netip.AddrFromSlice(rest[:size])
	dest, _ := netip.AddrFromSlice(rest[size : 2*size])
	h.Source = netip.AddrPortFrom(source.Unmap(), binary.BigEndian.Uint16(rest[2*size:]))
	h.Dest = netip.AddrPortFrom(dest.Unmap(), binary.BigEndian.Uint16(rest[2*size+2:]))
	return h, checkTLVs(rest[2*size+4:])
}

// checkTLVs skips type-length-value vectors; they must fill what is left.
func checkTLVs(b []byte) error {
	for len(b) > 0 {
		if len(b) < 3 || len(b) < 3+int(binary.BigEndian.Uint16(b[1:3])) {
			return errors.New("a PROXY header whose vectors do not fill it")
		}
		b = b[3+int(binary.BigEndian.Uint16(b[1:3])):]
	}
	return nil
}

// looksLikeProxy reports whether the first bytes of what should be TLS are a
// PROXY header of either version.
func looksLikeProxy(record []byte) bool {
	return len(record) >= 5 && (string(record[:5]) == proxySignature[:5] || string(record[:5]) == "PROXY")
}
