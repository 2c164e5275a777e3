package nft

import (
	"encoding/binary"

	"github.com/cloister-ai/cloister/internal/network/nsg"
)

// Packet is a packet as it goes over a wire: a SYN, a datagram, an echo request,
// or, of other protocols, some bytes.
func Packet(p nsg.Packet) []byte {
	if p.Source.Is4() {
		return packet4(p)
	}
	return packet6(p)
}

func packet4(p nsg.Packet) []byte {
	body := transport(p)
	b := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, byte(p.Protocol), 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(body)))
	b = append(append(b, p.Source.AsSlice()...), p.Destination.AsSlice()...)
	binary.BigEndian.PutUint16(b[10:], checksum(0, b))
	return append(b, body...)
}

func packet6(p nsg.Packet) []byte {
	body := transport(p)
	b := []byte{0x60, 0, 0, 0, 0, 0, byte(p.Protocol), 64}
	binary.BigEndian.PutUint16(b[4:], uint16(len(body)))
	b = append(append(b, p.Source.AsSlice()...), p.Destination.AsSlice()...)
	return append(b, body...)
}

// transport is a SYN, a datagram, an echo request, or some bytes.
func transport(p nsg.Packet) []byte {
	b := make([]byte, 20)
	at := -1
	switch p.Protocol {
	case nsg.TCP:
		b[12], b[13], at = 5<<4, 2, 16
	case nsg.UDP:
		b[5], at = byte(len(b)), 6
	case nsg.ICMP:
		b[0] = 8
		binary.BigEndian.PutUint16(b[2:], checksum(0, b))
		return b
	case nsg.ICMPv6:
		b[0], at = 128, 2
	default:
		return b
	}
	if p.Protocol.HasPorts() {
		binary.BigEndian.PutUint16(b, p.SourcePort)
		binary.BigEndian.PutUint16(b[2:], p.DestinationPort)
	}
	pseudo := append(append([]byte{}, p.Source.AsSlice()...), p.Destination.AsSlice()...)
	pseudo = append(pseudo, 0, 0, 0, byte(len(b)), 0, 0, 0, byte(p.Protocol))
	binary.BigEndian.PutUint16(b[at:], checksum(sum(0, pseudo), b))
	return b
}

func sum(s uint32, b []byte) uint32 {
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(b[i])<<8 | uint32(b[i+1])
	}
	return s
}

func checksum(s uint32, b []byte) uint16 {
	s = sum(s, b)
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}
