package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// guardTable holds the rules of the platform. They drop alone: what they let
// through is judged by the site's rules, which stand behind them in a table of
// their own.
const guardTable = "cloister-lab"

// spoofGroup is the group of NFLOG in which dropped senders are told, as the
// site's rules tell theirs (package nft): by a number, which means nothing here.
const (
	spoofGroup  = 78
	spoofPrefix = "nsg 0"
)

// outsideCounter counts what leaves for the outside.
const outsideCounter = "outside"

// guard makes the table.
func (f *fabric) guard(p *Plan) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	g := &guard{c: c, p: p, t: c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: guardTable})}
	if err := g.senders(); err != nil {
		return err
	}
	if err := g.platform(); err != nil {
		return err
	}
	g.leaving()
	return c.Flush()
}

type guard struct {
	c *nftables.Conn
	t *nftables.Table
	p *Plan
}

func (g *guard) chain(name string, hook *nftables.ChainHook, priority int, policy nftables.ChainPolicy) *nftables.Chain {
	return g.c.AddChain(&nftables.Chain{
		Name: name, Table: g.t, Type: nftables.ChainTypeFilter, Hooknum: hook,
		Priority: nftables.ChainPriorityRef(nftables.ChainPriority(priority)), Policy: &policy,
	})
}

func (g *guard) rule(chain *nftables.Chain, parts ...[]expr.Any) {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	g.c.AddRule(&nftables.Rule{Table: g.t, Chain: chain, Exprs: all})
}

// Parts of rules.

func verdict(k expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: k}} }

func isFamily(four bool) []expr.Any {
	family := byte(unix.NFPROTO_IPV6)
	if four {
		family = unix.NFPROTO_IPV4
	}
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{family}}}
}

func isDevice(key expr.MetaKey, op expr.CmpOp, name string) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: op, Register: 1, Data: deviceName(name)}}
}

func deviceName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

// isIn compares the address at an offset of the network header with a prefix.
func isIn(offset uint32, p netip.Prefix) []expr.Any {
	length := uint32(p.Addr().BitLen() / 8)
	mask := make([]byte, length)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return append(isFamily(p.Addr().Is4()),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length, Mask: mask, Xor: make([]byte, length)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: p.Masked().Addr().AsSlice()})
}

// sourceAt is the offset of the sender in the header of IPv4 or IPv6.
func sourceAt(a netip.Addr) uint32 {
	if a.Is4() {
		return 12
	}
	return 8
}

func isPort(protocol byte, port uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, port)},
	}
}

func isEstablished() []expr.Any {
	return []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
	}
}

func logged(group uint16, prefix string) []expr.Any {
	return []expr.Any{&expr.Log{
		Key: 1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_PREFIX | 1<<unix.NFTA_LOG_SNAPLEN, Group: group, Snaplen: 64, Data: []byte(prefix),
	}}
}

// senders lets every host send from its own addresses alone, before the packet
// becomes part of a connection.
func (g *guard) senders() error {
	chain := g.chain("senders", nftables.ChainHookPrerouting, -310, nftables.ChainPolicyAccept)
	g.rule(chain, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, "lo"), verdict(expr.VerdictAccept))
	for _, h := range g.p.Hosts {
		if h.Kind != Outside {
			continue
		}
		for _, p := range outsidePrefixes {
			g.rule(chain, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, h.Device), isIn(sourceAt(p.Addr()), p), verdict(expr.VerdictAccept))
		}
		// It answers for every address that is nobody's: what it says in a
		// connection that came to it goes back.
		g.rule(chain, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, h.Device), g.nobodys(true), verdict(expr.VerdictAccept))
		g.rule(chain, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, h.Device), g.nobodys(false), verdict(expr.VerdictAccept))
	}
	for _, four := range []bool{true, false} {
		load, err := g.ownAddresses(four)
		if err != nil {
			return err
		}
		g.rule(chain, isFamily(four), load, verdict(expr.VerdictAccept))
	}
	g.rule(chain, logged(spoofGroup, spoofPrefix), verdict(expr.VerdictDrop))
	return nil
}

// nobodys matches senders that are neither inside nor the public service. The
// sets are small: address spaces and what is never routed.
func (g *guard) nobodys(four bool) []expr.Any {
	out := isFamily(four)
	length, offset := uint32(16), uint32(8)
	if four {
		length, offset = 4, 12
	}
	not := append(append([]netip.Prefix{}, private...), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
		netip.MustParsePrefix("127.0.0.0/8"), netip.PrefixFrom(platformDNS, 32), netip.PrefixFrom(publicDNS, 32))
	for _, a := range publicAddrs {
		not = append(not, netip.PrefixFrom(a, a.BitLen()))
	}
	for _, space := range g.p.Space {
		not = append(not, space...)
	}
	for _, p := range not {
		if p.Addr().Is4() != four {
			continue
		}
		mask := make([]byte, length)
		for i := range p.Bits() {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		out = append(out, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length, Mask: mask, Xor: make([]byte, length)},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: p.Masked().Addr().AsSlice()})
	}
	return out
}

var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// ownAddresses matches a sender's address together with its device.
func (g *guard) ownAddresses(four bool) ([]expr.Any, error) {
	address, length, offset, second := nftables.TypeIP6Addr, uint32(16), uint32(8), uint32(unix.NFT_REG_2)
	if four {
		address, length, offset, second = nftables.TypeIPAddr, 4, 12, unix.NFT_REG32_01
	}
	both, err := nftables.ConcatSetType(address, nftables.TypeIFName)
	if err != nil {
		return nil, err
	}
	set := &nftables.Set{Table: g.t, Name: fmt.Sprintf("own%d", length), KeyType: both, Concatenation: true}
	var elements []nftables.SetElement
	for _, h := range g.p.Hosts {
		for _, a := range h.Addrs {
			if a.Is4() == four {
				elements = append(elements, nftables.SetElement{Key: append(a.AsSlice(), deviceName(h.Device)...)})
			}
		}
	}
	if err := g.c.AddSet(set, elements); err != nil {
		return nil, err
	}
	return []expr.Any{
		&expr.Payload{DestRegister: unix.NFT_REG_1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: second},
		&expr.Lookup{SourceRegister: unix.NFT_REG_1, SetName: set.Name, SetID: set.ID},
	}, nil
}

// platform opens the fabric itself: names and instance metadata, to whom they
// are for, and nothing else.
func (g *guard) platform() error {
	chain := g.chain("platform", nftables.ChainHookInput, 0, nftables.ChainPolicyDrop)
	g.rule(chain, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, "lo"), verdict(expr.VerdictAccept))
	g.rule(chain, isEstablished(), verdict(expr.VerdictAccept))
	for _, h := range g.p.Hosts {
		from := isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, h.Device)
		open := func(a netip.Addr, protocol byte, port uint16) {
			g.rule(chain, from, isIn(16, netip.PrefixFrom(a, 32)), isPort(protocol, port), verdict(expr.VerdictAccept))
		}
		resolver := publicDNS
		if h.Inside() {
			resolver = platformDNS
			open(metadataAddr, unix.IPPROTO_TCP, 80)
		}
		open(resolver, unix.IPPROTO_UDP, 53)
		open(resolver, unix.IPPROTO_TCP, 53)
		if err := g.c.Flush(); err != nil { // large batches do not fit into a socket
			return err
		}
	}
	return nil
}

// leaving counts what goes from inside to outside, behind all rules.
func (g *guard) leaving() {
	chain := g.chain("leaving", nftables.ChainHookForward, 300, nftables.ChainPolicyAccept)
	g.c.AddObj(&nftables.CounterObj{Table: g.t, Name: outsideCounter})
	var inside []expr.Any
	for _, h := range g.p.Hosts {
		if !h.Inside() {
			inside = append(inside, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpNeq, h.Device)...)
		}
	}
	for _, h := range g.p.Hosts {
		if !h.Inside() {
			g.rule(chain, inside, isDevice(expr.MetaKeyOIFNAME, expr.CmpOpEq, h.Device),
				[]expr.Any{&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: outsideCounter}})
		}
	}
}

// outsidePackets is how many packets of hosts inside have left.
func (f *fabric) outsidePackets() (uint64, error) {
	c, err := nftables.New()
	if err != nil {
		return 0, err
	}
	obj, err := c.GetObject(&nftables.CounterObj{Table: &nftables.Table{Family: nftables.TableFamilyINet, Name: guardTable}, Name: outsideCounter})
	if err != nil {
		return 0, err
	}
	counter, ok := obj.(*nftables.CounterObj)
	if !ok {
		return 0, fmt.Errorf("the counter is a %T", obj)
	}
	return counter.Packets, nil
}
