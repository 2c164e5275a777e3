package nft

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

// match is the conditions of a statement.
func (b *builder) match(s *nsg.Statement) (out []expr.Any, err error) {
	switch s.Family {
	case nsg.IPv4:
		out = append(out, family(unix.NFPROTO_IPV4)...)
	case nsg.IPv6:
		out = append(out, family(unix.NFPROTO_IPV6)...)
	}
	add := func(load expr.Any, ranges []interval, key nftables.SetDatatype) {
		if err != nil || ranges == nil {
			return
		}
		var m expr.Any
		if m, err = b.oneOf(ranges, key); err == nil {
			out = append(out, load, m)
		}
	}
	if s.Protocols != nil {
		var list []interval
		for _, p := range s.Protocols {
			list = append(list, interval{from: []byte{byte(p)}, to: []byte{byte(p)}, end: []byte{byte(p) + 1}})
		}
		add(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, list, nftables.TypeInetProto)
	}
	key, length, source, destination := nftables.TypeIPAddr, uint32(4), uint32(12), uint32(16)
	if s.Family == nsg.IPv6 {
		key, length, source, destination = nftables.TypeIP6Addr, 16, 8, 24
	}
	header := func(offset uint32) expr.Any {
		return &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}
	}
	add(header(source), addresses(s.Source), key)
	add(header(destination), addresses(s.Destination), key)
	port := func(offset uint32) expr.Any {
		return &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2}
	}
	add(port(0), ports(s.SourcePorts), nftables.TypeInetService)
	add(port(2), ports(s.DestinationPorts), nftables.TypeInetService)
	return out, err
}

func family(f byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{f}}}
}

// interval is a range as the kernel has it: from and to in network order, and
// what follows it, nil behind the last value.
type interval struct{ from, to, end []byte }

func addresses(list []netipx.IPRange) (out []interval) {
	for _, r := range list {
		i := interval{from: r.From().AsSlice(), to: r.To().AsSlice()}
		if next := r.To().Next(); next.IsValid() {
			i.end = next.AsSlice()
		}
		out = append(out, i)
	}
	return out
}

func ports(list []site.PortRange) (out []interval) {
	number := func(p uint16) []byte { return binary.BigEndian.AppendUint16(nil, p) }
	for _, p := range list {
		i := interval{from: number(p.First), to: number(p.Last)}
		if p.Last != 65535 {
			i.end = number(p.Last + 1)
		}
		out = append(out, i)
	}
	return out
}

// oneOf compares register 1 with ranges: one is compared as it is, several are a
// set.
func (b *builder) oneOf(list []interval, key nftables.SetDatatype) (expr.Any, error) {
	if len(list) == 1 {
		if string(list[0].from) == string(list[0].to) {
			return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: list[0].from}, nil
		}
		return &expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: list[0].from, ToData: list[0].to}, nil
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("a list of nothing would match nothing, or everything")
	}
	b.sets++
	set := &nftables.Set{Table: b.t, Name: fmt.Sprintf("s%d", b.sets), KeyType: key, Interval: true}
	return b.lookup(set, list)
}

// lookup makes a set with elements, in parts that fit into a message, and is the
// question whether register 1 is in it.
func (b *builder) lookup(set *nftables.Set, list []interval) (expr.Any, error) {
	if err := b.c.AddSet(set, nil); err != nil {
		return nil, err
	}
	for len(list) > 0 {
		n := min(len(list), batchElements/2)
		var elements []nftables.SetElement
		for _, i := range list[:n] {
			elements = append(elements, nftables.SetElement{Key: i.from})
			if set.Interval && i.end != nil {
				elements = append(elements, nftables.SetElement{Key: i.end, IntervalEnd: true})
			}
		}
		if err := b.c.SetAddElements(set, elements); err != nil {
			return nil, err
		}
		if err := b.count(2, len(elements)); err != nil {
			return nil, err
		}
		list = list[n:]
	}
	return &expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID}, nil
}

// devices matches any of several devices.
func (b *builder) devices(key expr.MetaKey, list []Device) ([]expr.Any, error) {
	if len(list) == 1 {
		return device(key, list[0].Name), nil
	}
	var names []interval
	for _, d := range list {
		names = append(names, interval{from: deviceName(d.Name)})
	}
	b.sets++
	m, err := b.lookup(&nftables.Set{Table: b.t, Name: fmt.Sprintf("s%d", b.sets), KeyType: nftables.TypeIFName}, names)
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, m}, err
}

// addressOf reads an address out of a header.
func addressOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
