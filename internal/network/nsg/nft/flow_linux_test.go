package nft

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/netlink"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
)

// TestAnswersPass: what belongs to a flow that was let through is not asked
// about, and a flow goes on when the rule that let it through is taken away.
func TestAnswersPass(t *testing.T) { inNamespace(t, answersPass) }

func answersPass(t *testing.T) {
	compile := func(out string) *nsg.Rules {
		b := nsgtest.New(t)
		vn := b.VNet("vn", "10.0.0.0/16")
		b.Subnet(vn, "closed", "10.0.0.0/24", b.Group("closed", "100 in deny * * * *", "100 out "+out+" udp * * 53"))
		b.Subnet(vn, "open", "10.0.1.0/24", b.Group("open", "100 in allow * * * *", "100 out allow * * * *"))
		rules, ps := nsg.Compile(b.Network)
		if rules == nil {
			t.Fatal(ps.Err())
		}
		return rules
	}
	places := []nsgtest.Place{
		{Name: "closed", Address: nsgtest.Addr("10.0.0.4"), Prefixes: nsgtest.Prefixes("10.0.0.0/24")},
		{Name: "open", Address: nsgtest.Addr("10.0.1.4"), Prefixes: nsgtest.Prefixes("10.0.1.0/24")},
	}
	w := newWires(t, places)
	events := make(chan Event, 64)
	if err := Watch(t.Context(), group, func(e Event) { events <- e }); err != nil {
		t.Fatal(err)
	}
	witness(t, true)
	var set *nsg.Ruleset
	put := func(rules *nsg.Rules) {
		var err error
		if set, err = Install(rules, w.devices(rules, places), Options{Group: group}); err != nil {
			t.Fatal(err)
		}
	}
	udp := func(from, to string, sport, dport uint16) nsg.Packet {
		return nsg.Packet{Protocol: nsg.UDP, Source: netip.MustParseAddr(from), Destination: netip.MustParseAddr(to), SourcePort: sport, DestinationPort: dport}
	}
	question, answer := udp("10.0.0.4", "10.0.1.4", 40000, 53), udp("10.0.1.4", "10.0.0.4", 53, 40000)
	other := udp("10.0.1.4", "10.0.0.4", 53, 40001)
	send := func(pk nsg.Packet, want string) {
		t.Helper()
		w.send(t, pk)
		if got := listen(t, events, set, pk); got != want {
			t.Errorf("%+v: %s, want %s", pk, got, want)
		}
	}
	put(compile("allow"))
	send(answer, "allow out subnet open/r100, deny in subnet closed/r100")
	send(question, "allow out subnet closed/r100, allow in subnet open/r100, passed")
	send(answer, "passed")
	send(other, "allow out subnet open/r100, deny in subnet closed/r100")
	put(compile("deny"))
	send(question, "passed")
	send(udp("10.0.0.4", "10.0.1.4", 40002, 53), "deny out subnet closed/r100")
}

// FuzzEvent: whatever the kernel would say, it is read or left aside.
func FuzzEvent(f *testing.F) {
	packets := [][]byte{
		packet4(nsg.Packet{Protocol: nsg.TCP, Source: nsgtest.Addr("10.0.0.4"), Destination: nsgtest.Addr("10.0.1.4"), SourcePort: 1, DestinationPort: 2}),
		packet6(nsg.Packet{Protocol: nsg.UDP, Source: nsgtest.Addr("fd00::4"), Destination: nsgtest.Addr("fd00::5"), SourcePort: 1, DestinationPort: 2}),
		{0x60, 0, 0, 0, 0, 0, 0, 64}, {0x45}, {},
	}
	for _, p := range packets {
		body, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: attributePayload, Data: p}, {Type: attributePrefix, Data: []byte("nsg 17\x00")}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{2, 0, 0, group}, body...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, ok := readEvent(netlink.Message{Header: netlink.Header{Type: logPacket}, Data: data})
		if !ok && e.Entry != 0 {
			t.Errorf("%+v", e)
		}
	})
}
