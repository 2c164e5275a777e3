package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cloister-ai/cloister/internal/site"
)

// served is a server on loopback, whose askers see what the gateway's network does.
type served struct {
	*Server
	at string
}

func serve(t testing.TB, opt ServerOptions) *served {
	t.Helper()
	if opt.Zones == nil {
		zones := serverZones(t)
		opt.Zones = func() *Zones { return zones }
	}
	streams, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", streams.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &served{NewServer(opt), streams.Addr().String()}
	s.Serve(packets, streams)
	t.Cleanup(s.Close)
	return s
}

// serverZones are a zone with an address, an alias outside, and a long text.
func serverZones(t testing.TB) *Zones {
	t.Helper()
	n := &site.VirtualNetwork{Name: "v", AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	long := make([][]string, 12)
	for i := range long {
		long[i] = []string{strings.Repeat("x", 200)}
	}
	zone := &site.PrivateZone{Name: "contoso.internal", Links: []*site.ZoneLink{{VirtualNetwork: n}}, Records: []*site.ZoneRecord{
		{Name: "web", Type: "A", TTL: 60, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.4")}},
		{Name: "out", Type: "CNAME", TTL: 60, Target: "www.example.com"},
		{Name: "long", Type: "TXT", TTL: 60, Texts: long},
	}}
	zones, problems := Compile(&site.Network{VirtualNetworks: []*site.VirtualNetwork{n}, PrivateZones: []*site.PrivateZone{zone}}, Options{Gateway: n})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return zones
}

func (s *served) ask(t testing.TB, network string, q *mdns.Msg) *mdns.Msg {
	t.Helper()
	c := &mdns.Client{Net: network, Timeout: 2 * time.Second}
	m, _, err := c.Exchange(q, s.at)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func question(name string, kind uint16) *mdns.Msg {
	return new(mdns.Msg).SetQuestion(mdns.Fqdn(name), kind)
}

func TestServer(t *testing.T) {
	s := serve(t, ServerOptions{})
	for name, row := range map[string]struct {
		q    *mdns.Msg
		want string
	}{
		"an address":           {question("web.contoso.internal", mdns.TypeA), "NOERROR 1 aa"},
		"spelling stays":       {question("WeB.Contoso.Internal", mdns.TypeA), "NOERROR 1 aa"},
		"no such name":         {question("none.contoso.internal", mdns.TypeA), "NXDOMAIN 0 aa soa"},
		"no such type":         {question("web.contoso.internal", mdns.TypeAAAA), "NOERROR 0 aa soa"},
		"the zone itself":      {question("contoso.internal", mdns.TypeSOA), "NOERROR 1 aa"},
		"any":                  {question("web.contoso.internal", mdns.TypeANY), "NOERROR 1 aa"},
		"another name":         {question("www.example.com", mdns.TypeA), "REFUSED 0"},
		"a transfer":           {question("contoso.internal", mdns.TypeAXFR), "REFUSED 0"},
		"another class":        {&mdns.Msg{Question: []mdns.Question{{Name: "version.bind.", Qtype: mdns.TypeTXT, Qclass: mdns.ClassCHAOS}}}, "REFUSED 0"},
		"an update":            {new(mdns.Msg).SetUpdate("contoso.internal."), "NOTIMP 0"},
		"a notification":       {new(mdns.Msg).SetNotify("contoso.internal."), "NOTIMP 0"},
		"no question":          {new(mdns.Msg), "FORMERR 0"},
		"an alias leads on":    {question("out.contoso.internal", mdns.TypeA), "NOERROR 1 aa"},
		"an answer as payload": {&mdns.Msg{Question: question("x.", 1).Question, Answer: []mdns.RR{&mdns.A{Hdr: mdns.RR_Header{Name: "x.", Rrtype: 1, Class: 1}, A: net.IPv4(1, 2, 3, 4)}}}, "FORMERR 0"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			row.q.Id = mdns.Id()
			row.q.RecursionDesired = true
			m := s.ask(t, network, row.q)
			got := fmt.Sprintf("%s %d", mdns.RcodeToString[m.Rcode], len(m.Answer))
			if m.Authoritative {
				got += " aa"
			}
			if len(m.Ns) == 1 && m.Ns[0].Header().Rrtype == mdns.TypeSOA {
				got += " soa"
			}
			if got != row.want || m.RecursionAvailable {
				t.Errorf("%s by %s: %s, want %s\n%s", name, network, got, row.want, m)
			}
			if len(m.Question) == 1 && len(row.q.Question) == 1 && m.Question[0].Name != row.q.Question[0].Name {
				t.Errorf("%s: asked for %s, answered for %s", name, row.q.Question[0].Name, m.Question[0].Name)
			}
		}
	}
	version := question("web.contoso.internal", mdns.TypeA)
	version.SetEdns0(1232, false)
	version.IsEdns0().SetVersion(1)
	if m := s.ask(t, "tcp", version); m.Rcode != mdns.RcodeBadVers {
		t.Errorf("EDNS version 1: %s", mdns.RcodeToString[m.Rcode])
	}
}

// TestNoGain: by UDP no answer is longer than eight times its question, nor than
// fits everywhere; what is too long is to be asked for by TCP.
func TestNoGain(t *testing.T) {
	s := serve(t, ServerOptions{})
	conn, err := net.Dial("udp", s.at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, size := range []uint16{0, 512, 4096, 65535} {
		for _, kind := range []uint16{mdns.TypeTXT, mdns.TypeANY, mdns.TypeA, mdns.TypeSOA} {
			q := question("long.contoso.internal", kind)
			if size > 0 {
				q.SetEdns0(size, true)
			}
			wire, err := q.Pack()
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(2 * time.Second))
			if _, err := conn.Write(wire); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, 65535)
			n, err := conn.Read(answer)
			if err != nil {
				t.Fatal(err)
			}
			var m mdns.Msg
			if err := m.Unpack(answer[:n]); err != nil {
				t.Fatal(err)
			}
			if n > 8*len(wire) || n > 1232 || kind == mdns.TypeTXT && !m.Truncated {
				t.Errorf("%s, size %d: %d bytes for %d, truncated %v", mdns.TypeToString[kind], size, n, len(wire), m.Truncated)
			}
		}
	}
	if m := s.ask(t, "tcp", question("long.contoso.internal", mdns.TypeTXT)); len(m.Answer) != 12 || m.Truncated {
		t.Errorf("by TCP: %d texts", len(m.Answer))
	}
	// Answers and junk get nothing.
	response := question("web.contoso.internal", mdns.TypeA)
	response.Response = true
	wire, _ := response.Pack()
	for _, junk := range [][]byte{wire, {1}, []byte(strings.Repeat("x", 11))} {
		conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		conn.Write(junk)
		if n, err := conn.Read(make([]byte, 512)); err == nil {
			t.Errorf("%d bytes for %q", n, junk)
		}
	}
}

// TestRates: a source prefix gets so many answers a second and no more; others are
// not touched, and memory is bounded however many there are.
func TestRates(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	r := rates{perSecond: 10, buckets: map[netip.Prefix]*bucket{}}
	count := func(a string, n int) (pass, slip, drop int) {
		for range n {
			switch r.take(netip.MustParseAddr(a), now) {
			case ratePass:
				pass++
			case rateSlip:
				slip++
			default:
				drop++
			}
		}
		return pass, slip, drop
	}
	if p, s, d := count("192.0.2.1", 100); p != 20 || s != 40 || d != 40 {
		t.Error(p, s, d)
	}
	if p, _, _ := count("192.0.2.200", 5); p != 0 {
		t.Error("a neighbour in the prefix gets answers of its own")
	}
	if p, _, _ := count("192.0.3.1", 5); p != 5 {
		t.Error("another prefix is touched")
	}
	if p, _, _ := count("2001:db8::1", 5); p != 5 {
		t.Error("IPv6 is touched")
	}
	now = now.Add(time.Second)
	if p, _, _ := count("192.0.2.1", 100); p != 10 {
		t.Errorf("%d after a second", p)
	}
	for i := range 3 * maxBuckets {
		r.take(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), now)
	}
	if len(r.buckets) > maxBuckets {
		t.Errorf("%d prefixes are kept", len(r.buckets))
	}
	now = now.Add(time.Hour)
	if p, _, _ := count("198.51.100.1", 5); p != 5 || len(r.buckets) != 1 {
		t.Errorf("%d, %d prefixes are kept after an hour", p, len(r.buckets))
	}
}

// TestForward: who stands in the site's network has others asked, one after the
// other, where the site names them; an answer that does not come is a failure and
// never an empty one.
func TestForward(t *testing.T) {
	far := serveFunc(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := new(mdns.Msg).SetReply(q)
		if q.Question[0].Name == "www.example.com." {
			m.Answer = []mdns.RR{&mdns.A{Hdr: mdns.RR_Header{Name: q.Question[0].Name, Rrtype: mdns.TypeA, Class: mdns.ClassINET, Ttl: 5}, A: net.IPv4(192, 0, 2, 9)}}
		} else {
			m.Rcode = mdns.RcodeNameError
		}
		w.WriteMsg(m)
	})
	broken := serveFunc(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		w.WriteMsg(new(mdns.Msg).SetRcode(q, mdns.RcodeServerFailure))
	})
	var mu sync.Mutex
	servers := []string{broken, far}
	s := serve(t, ServerOptions{
		Servers: func() []string { mu.Lock(); defer mu.Unlock(); return servers },
		Dial:    new(net.Dialer).DialContext,
	})
	for name, want := range map[string]string{
		"www.example.com": "NOERROR 1", "none.example.com": "NXDOMAIN 0", "out.contoso.internal": "NOERROR 2", "none.contoso.internal": "NXDOMAIN 0",
	} {
		m := s.ask(t, "udp", question(name, mdns.TypeA))
		if got := fmt.Sprintf("%s %d", mdns.RcodeToString[m.Rcode], len(m.Answer)); got != want || !m.RecursionAvailable {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	mu.Lock()
	servers = []string{broken}
	mu.Unlock()
	if m := s.ask(t, "udp", question("www.example.com", mdns.TypeA)); m.Rcode != mdns.RcodeServerFailure || len(m.Answer) > 0 {
		t.Errorf("nobody answers: %s", m)
	}
	if m := s.ask(t, "udp", question("out.contoso.internal", mdns.TypeA)); m.Rcode != mdns.RcodeServerFailure || len(m.Answer) > 0 {
		t.Errorf("an alias that nobody follows: %s", m)
	}
}

func serveFunc(t *testing.T, f mdns.HandlerFunc) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &mdns.Server{PacketConn: packets, Handler: f}
	go server.ActivateAndServe()
	t.Cleanup(func() { packets.Close() })
	return packets.LocalAddr().String()
}

// TestServerRules: a question that a rule denies is dropped, and strangers to the
// site are refused.
func TestServerRules(t *testing.T) {
	var mu sync.Mutex
	open := false
	s := serve(t, ServerOptions{Admits: func(network string, local, peer netip.AddrPort) bool {
		mu.Lock()
		defer mu.Unlock()
		return open && network == "udp" && local.IsValid() && peer.Addr().IsLoopback()
	}})
	c := &mdns.Client{Timeout: 150 * time.Millisecond}
	if m, _, err := c.Exchange(question("web.contoso.internal", mdns.TypeA), s.at); err == nil {
		t.Errorf("a question that is denied was answered: %s", m)
	}
	mu.Lock()
	open = true
	mu.Unlock()
	if m := s.ask(t, "udp", question("web.contoso.internal", mdns.TypeA)); len(m.Answer) != 1 {
		t.Error(m)
	}
	zones := serverZones(t)
	server := NewServer(ServerOptions{Zones: func() *Zones { return zones }, Servers: func() []string { return []string{"127.0.0.1:1"} }, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("somebody was asked for a stranger")
		return nil, net.ErrClosed
	}})
	defer server.Close()
	for from, code := range map[string]int{"10.0.0.9": mdns.RcodeSuccess, "10.9.0.9": mdns.RcodeRefused, "203.0.113.9": mdns.RcodeRefused} {
		if m := server.answer(t.Context(), netip.MustParseAddr(from), question("web.contoso.internal", mdns.TypeA)); m.Rcode != code {
			t.Errorf("%s: %s", from, mdns.RcodeToString[m.Rcode])
		}
	}
	server.answer(t.Context(), netip.MustParseAddr("203.0.113.9"), question("www.example.com", mdns.TypeA))
}

// TestServerCloses: a server that is closed answers nobody, also when it is closed
// before it begins.
func TestServerCloses(t *testing.T) {
	s := serve(t, ServerOptions{})
	s.ask(t, "udp", question("web.contoso.internal", mdns.TypeA))
	s.Close()
	c := &mdns.Client{Timeout: 200 * time.Millisecond}
	if m, _, err := c.Exchange(question("web.contoso.internal", mdns.TypeA), s.at); err == nil {
		t.Errorf("a closed server answers: %s", m)
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(packets, nil)
	if _, err := packets.WriteTo([]byte("x"), packets.LocalAddr()); err == nil {
		t.Error("sockets that come too late stay open")
	}
}

// FuzzServer: whatever comes, the answer is one, to the question, and bounded.
func FuzzServer(f *testing.F) {
	zones := serverZones(f)
	s := NewServer(ServerOptions{Zones: func() *Zones { return zones }})
	for _, q := range []*mdns.Msg{question("web.contoso.internal", 1), question("long.contoso.internal", 16), question(".", 2), new(mdns.Msg).SetUpdate("x.")} {
		wire, err := q.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		q := new(mdns.Msg)
		if len(wire) > 4096 || q.Unpack(wire) != nil || len(q.Question) != 1 || q.Response || q.Opcode != 0 {
			return
		}
		m := s.answer(t.Context(), netip.MustParseAddr("10.0.0.9"), q)
		handler{s, true}.fit(m, q)
		out, err := m.Pack()
		if err != nil {
			t.Fatalf("%v\n%s", err, m)
		}
		if len(out) > maxMessage || len(out) > maxGain*q.Len() || !m.Response || m.Id != q.Id {
			t.Errorf("%d bytes to %d", len(out), q.Len())
		}
	})
}

func BenchmarkServer(b *testing.B) {
	zones := serverZones(b)
	s := NewServer(ServerOptions{Zones: func() *Zones { return zones }})
	q := question("web.contoso.internal", mdns.TypeA)
	from := netip.MustParseAddr("10.0.0.9")
	b.ReportAllocs()
	for b.Loop() {
		m := s.answer(b.Context(), from, q)
		handler{s, true}.fit(m, q)
		if _, err := m.Pack(); err != nil {
			b.Fatal(err)
		}
	}
}
