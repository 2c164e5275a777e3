package dns

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cloister-ai/cloister/internal/site"
)

// raw sends bytes by UDP and gives back what comes in a moment.
func raw(t *testing.T, at string, b []byte) []byte {
	t.Helper()
	c, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(b)
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	out := make([]byte, 4096)
	n, _ := c.Read(out)
	return out[:n]
}

func oddPackets(t *testing.T) map[string][]byte {
	header := func(bits, qd, an uint16) []byte {
		b := make([]byte, 12)
		binary.BigEndian.PutUint16(b, 0x1234)
		binary.BigEndian.PutUint16(b[2:], bits)
		binary.BigEndian.PutUint16(b[4:], qd)
		binary.BigEndian.PutUint16(b[6:], an)
		return b
	}
	notify, _ := new(mdns.Msg).SetNotify("contoso.internal.").Pack()
	update, _ := new(mdns.Msg).SetUpdate("contoso.internal.").Pack()
	return map[string][]byte{
		"notify": notify, "update": update, "two questions": header(0, 2, 0), "an answer in it": header(0, 1, 1), "cut": append(header(0, 1, 0), 63, 'a'),
	}
}

// TestOddPackets: a rule that denies drops all that comes.
func TestOddPackets(t *testing.T) {
	s := serve(t, ServerOptions{Admits: func(string, netip.AddrPort, netip.AddrPort) bool { return false }})
	for name, b := range oddPackets(t) {
		if out := raw(t, s.at, b); len(out) > 0 {
			t.Errorf("%s: denied, and answered with %d bytes", name, len(out))
		}
	}
}

// TestForwardLeadsBack: an alias that comes from outside and leads into a linked
// zone is answered by the zone.
func TestForwardLeadsBack(t *testing.T) {
	upstream := serveFunc(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := new(mdns.Msg).SetReply(q)
		alias, _ := mdns.NewRR("other.openai.azure.com. 60 CNAME other.privatelink.openai.azure.com.")
		addr, _ := mdns.NewRR("other.privatelink.openai.azure.com. 60 A 20.1.1.1")
		m.Answer = []mdns.RR{alias, addr}
		w.WriteMsg(m)
	})
	zones := newContoso().compiled(t, Options{})
	s := serve(t, ServerOptions{Zones: func() *Zones { return zones }, Servers: func() []string { return []string{upstream} }, Dial: new(net.Dialer).DialContext})
	m := s.ask(t, "udp", question("other.openai.azure.com", mdns.TypeA))
	for _, rr := range m.Answer {
		if a, ok := rr.(*mdns.A); ok && a.A.String() == "20.1.1.1" {
			t.Errorf("a linked zone has no such record, and the answer is public:\n%s", m)
		}
	}
}

// TestStreamsOfOneAddress: connections that ask nothing keep nobody else out.
func TestStreamsOfOneAddress(t *testing.T) {
	s := serve(t, ServerOptions{})
	one := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range maxStreams {
		c, err := one.DialContext(t.Context(), "tcp", s.at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if m := s.ask(t, "tcp", question("web.contoso.internal", mdns.TypeA)); len(m.Answer) != 1 {
		t.Error(m)
	}
	if n := s.Counts().Dropped; n == 0 {
		t.Error("one address keeps all its connections")
	}
}

// TestRatesForOddPackets: what is no question is bounded, too.
func TestRatesForOddPackets(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	zones := serverZones(t)
	s := NewServer(ServerOptions{Zones: func() *Zones { return zones }, PerSecond: 1})
	s.Serve(stranger{packets}, nil)
	defer s.Close()
	got := 0
	for range 5 {
		for _, b := range oddPackets(t) {
			if len(raw(t, packets.LocalAddr().String(), b)) > 0 {
				got++
			}
		}
	}
	if got > 12 { // two at once, and one a second; the waits of the test take up to five
		t.Errorf("%d of 25 are answered", got)
	}
}

// stranger makes every asker one that is no loopback address.
type stranger struct{ net.PacketConn }

type strange struct{ net.Addr }

func (strange) String() string { return "10.0.0.9:53" }

func (s stranger) ReadFrom(b []byte) (int, net.Addr, error) {
	n, a, err := s.PacketConn.ReadFrom(b)
	return n, strange{a}, err
}

func (s stranger) WriteTo(b []byte, a net.Addr) (int, error) {
	return s.PacketConn.WriteTo(b, a.(strange).Addr)
}

// TestMeta: types that are no records are refused; the spelling is the asker's.
func TestMeta(t *testing.T) {
	s := serve(t, ServerOptions{})
	for _, k := range []uint16{mdns.TypeMAILA, mdns.TypeMAILB, mdns.TypeTSIG, mdns.TypeTKEY, mdns.TypeOPT, mdns.TypeAXFR, mdns.TypeIXFR} {
		if m := s.ask(t, "udp", question("WeB.contoso.internal", k)); m.Rcode != mdns.RcodeRefused {
			t.Errorf("%s: %s", mdns.TypeToString[k], mdns.RcodeToString[m.Rcode])
		}
	}
	m := s.ask(t, "udp", question("WeB.contoso.internal", mdns.TypeANY))
	if len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != mdns.TypeHINFO || m.Answer[0].Header().Name != "WeB.contoso.internal." {
		t.Error(m)
	}
}

// TestSwap: zones are replaced while questions are answered; every answer is one
// of the two.
func TestSwap(t *testing.T) {
	var now atomic.Pointer[Zones]
	other := newContoso()
	set(other.internal, "swapped A 10.0.9.9")
	both := []*Zones{newContoso().compiled(t, Options{}), other.compiled(t, Options{})}
	now.Store(both[0])
	s := serve(t, ServerOptions{Zones: now.Load})
	end := make(chan struct{})
	go func() {
		defer close(end)
		for i := range 2000 {
			now.Store(both[i%2])
		}
	}()
	for range 200 {
		m := s.ask(t, "udp", question("swapped.contoso.internal", mdns.TypeA))
		if (m.Rcode == mdns.RcodeSuccess) != (len(m.Answer) == 1) || m.Rcode != mdns.RcodeSuccess && m.Rcode != mdns.RcodeNameError {
			t.Fatal(m)
		}
	}
	<-end
}

// FuzzZones: whatever the documents say, every question has an answer that ends,
// and the names in it lead to each other.
func FuzzZones(f *testing.F) {
	f.Add("www", "CNAME", "web.contoso.internal", "www.contoso.internal", uint16(1))
	f.Add("*", "CNAME", "x.contoso.internal", "a.b.contoso.internal", uint16(28))
	f.Add("*.a", "TXT", "text", "*.a.contoso.internal", uint16(16))
	f.Add("@", "A", "10.0.0.1", "contoso.internal", uint16(255))
	f.Add("a.", "A", "::1", "a\\.b.contoso.internal", uint16(6))
	f.Fuzz(func(t *testing.T, name, kind, value, ask string, typ uint16) {
		c := newContoso()
		r := &site.ZoneRecord{Pos: pos(90), Name: name, Type: kind, TTL: 1, Target: value, Texts: [][]string{{value}}}
		if a, err := netip.ParseAddr(value); err == nil {
			r.Addresses = []netip.Addr{a}
		}
		c.internal.Records = append(c.internal.Records, r)
		z, _ := Compile(c.Network, Options{Gateway: c.hub})
		a := z.Answer(Question{ask, Type(typ)}, z.View(c.hub))
		if len(a.Records) > maxRecords+maxChain+2 {
			t.Fatalf("%d records", len(a.Records))
		}
		at := normal(ask)
		for _, r := range a.Records {
			if r.Name != at {
				t.Fatalf("%s after %s\n%s", r.Name, at, show(a))
			}
			if r.Type == TypeCNAME && Type(typ) != TypeCNAME {
				at = r.Target
			}
		}
		z.Lookup(ask)
	})
}
