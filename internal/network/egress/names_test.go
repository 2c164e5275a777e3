package egress

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/cloister-ai/cloister/internal/site"
)

// dnsServer answers on loopback, by UDP.
type dnsServer struct {
	addr netip.AddrPort
	mu   sync.Mutex
	// asked are the questions, as "name type".
	asked []string
	// records are the answers to a question of type A; each a name and either
	// an address or another name.
	records map[string][][2]string
	// refuse answers SERVFAIL to everything.
	refuse bool
}

func newDNS(t *testing.T) *dnsServer {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dnsServer{addr: pc.LocalAddr().(*net.UDPAddr).AddrPort(), records: map[string][][2]string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				pc.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() { pc.Close(); <-done })
	return s
}

// say sets what the server answers about a name.
func (s *dnsServer) say(name string, records ...[2]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[name] = records
}

func (s *dnsServer) fail(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *dnsServer) answer(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := m.Questions[0]
	name := strings.ToLower(q.Name.String())
	s.asked = append(s.asked, name+" "+q.Type.String())
	m.Response, m.Additionals = true, nil
	records, known := s.records[name]
	switch {
	case s.refuse:
		m.RCode = dnsmessage.RCodeServerFailure
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, r := range records {
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(r[0]), Class: dnsmessage.ClassINET}
		a, err := netip.ParseAddr(r[1])
		switch {
		case err != nil:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(r[1])}})
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case !a.Is4() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

// withDNS is a dialer that asks these servers; only they are reached.
func withDNS(t *testing.T, w *wire, hosts []string, servers ...netip.AddrPort) *Dialer {
	t.Helper()
	cfg := &site.Config{}
	for _, s := range servers {
		cfg.Names.Servers = append(cfg.Names.Servers, s.String())
		cfg.Destinations.Name = append(cfg.Destinations.Name, site.Destination{Host: s.Addr().String(), Port: int(s.Port())})
	}
	for _, h := range hosts {
		cfg.Destinations.Model = append(cfg.Destinations.Model, site.Destination{Host: h})
	}
	return newDialer(t, cfg, w, func(o *Options) { o.Resolve = nil })
}

// backendsOf leaves the DNS servers out of what was connected to.
func backendsOf(took []netip.AddrPort) []string {
	var out []string
	for _, ap := range took {
		if !ap.Addr().IsLoopback() {
			out = append(out, ap.String())
		}
	}
	slices.Sort(out)
	return out
}

// TestCNAME: an alias that leads to private and public addresses is reached
// at the private ones; one that leads outside, or to the platform, is not.
func TestCNAME(t *testing.T) {
	s := newDNS(t)
	// As private DNS zones answer: the public name is an alias.
	s.say("m.openai.example.",
		[2]string{"m.openai.example.", "m.privatelink.openai.example."}, [2]string{"m.privatelink.openai.example.", "10.0.0.4"},
		[2]string{"m.privatelink.openai.example.", "20.1.2.3"}, [2]string{"m.privatelink.openai.example.", "fd00::4"})
	s.say("out.example.", [2]string{"out.example.", "elsewhere.example."}, [2]string{"elsewhere.example.", "20.1.2.3"})
	s.say("meta.example.", [2]string{"meta.example.", "elsewhere.example."}, [2]string{"elsewhere.example.", "169.254.169.254"})
	s.say("self.example.", [2]string{"self.example.", "localhost."}, [2]string{"localhost.", "127.0.0.1"})
	w := &wire{real: true}
	d := withDNS(t, w, []string{"m.openai.example", "out.example", "meta.example", "self.example", "none.example"}, s.addr)
	dial := func(host string) error {
		_, err := d.DialContext(Model)(t.Context(), "tcp", host+":443")
		return err
	}
	if err := dial("m.openai.example"); !errors.Is(err, errNoWire) {
		t.Error(err)
	}
	if got := backendsOf(w.took()); !slices.Equal(got, []string{"10.0.0.4:443", "[fd00::4]:443"}) {
		t.Errorf("connected to %v", got)
	}
	for host, code := range map[string]string{"out.example": CodePublic, "meta.example": CodeMetadata, "self.example": CodeLoopback} {
		var refused *RefusedError
		if err := dial(host); !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("%s: %v", host, err)
		}
		if got := backendsOf(w.took()); len(got) != 0 {
			t.Errorf("%s: connected to %v", host, got)
		}
	}
	var dns *net.DNSError
	if err := dial("none.example"); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("no such name: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.asked {
		if !strings.HasSuffix(strings.Fields(q)[0], ".example.") {
			t.Errorf("asked for %q: search domains do not count", q)
		}
	}
}

// TestServersInOrder: a server that does not know is an answer, one that
// fails is not, and what /etc/resolv.conf says now does not count.
func TestServersInOrder(t *testing.T) {
	broken, good := newDNS(t), newDNS(t)
	broken.fail(true)
	good.say("a.example.", [2]string{"a.example.", "10.0.0.4"})
	w := &wire{real: true}
	d := withDNS(t, w, []string{"a.example", "b.example"}, broken.addr, good.addr)
	if _, err := d.DialContext(Model)(t.Context(), "tcp", "a.example:443"); !errors.Is(err, errNoWire) {
		t.Error(err)
	}
	for _, ap := range w.took() {
		if ap != broken.addr && ap != good.addr && ap.String() != "10.0.0.4:443" {
			t.Errorf("connected to %s", ap)
		}
	}
	good.fail(true)
	if _, err := d.DialContext(Model)(t.Context(), "tcp", "a.example:443"); err == nil || errors.As(err, new(*RefusedError)) {
		t.Errorf("no server answers: %v", err)
	}
	broken.mu.Lock()
	n := len(broken.asked)
	broken.mu.Unlock()
	if n > 40 {
		t.Errorf("a server that fails was asked %d times", n)
	}
	broken.fail(false) // it now says that there is no such name
	good.fail(false)
	var dns *net.DNSError
	if _, err := d.DialContext(Model)(t.Context(), "tcp", "a.example:443"); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("the first server's word: %v", err)
	}
}

// TestSystemServers: those of resolv.conf are listed by themselves, as far as
// they are private.
func TestSystemServers(t *testing.T) {
	text := "# c\nnameserver 10.0.0.53\nsearch evil.example\nnameserver 8.8.8.8\nnameserver 168.63.129.16\nnameserver 10.0.0.54\noptions x\n"
	w := &wire{}
	cfg := everywhere()
	d, ps := New(cfg, Options{Connect: w.connect, ResolvConf: func() ([]byte, error) { return []byte(text), nil }})
	if ps.HasErrors() {
		t.Fatal(ps.Err())
	}
	var warned int
	for _, p := range ps {
		if p.Severity == site.Warning && p.Code == "name-system" {
			warned++
		}
	}
	if views := d.Destinations(); len(views) != 1 || views[0].Host != "10.0.0.53" || views[0].Class != Name || views[0].Port != 53 || views[0].Scheme != "dns" || warned != 2 {
		t.Errorf("%d warnings, %+v, %v", warned, views, ps)
	}
	connects(t, d, w, Name, "10.0.0.53:53", "10.0.0.53:53")
	refusedWith(t, d, w, Model, "tcp", "10.0.0.53:53", CodeNotListed)
	refusedWith(t, d, w, Name, "udp", "8.8.8.8:53", CodeNotListed)
	refusedWith(t, d, w, Name, "udp", "168.63.129.16:53", CodeNotListed)

	_, ps = New(cfg, Options{ResolvConf: func() ([]byte, error) { return nil, errors.New("gone") }})
	if ps.HasErrors() || len(ps) != 1 {
		t.Errorf("no resolv.conf: %v", ps)
	}
	for _, bad := range []string{"dns.example:53", "10.0.0.53:x", "", "10.0.0.53"} {
		cfg := &site.Config{Names: site.Names{Servers: []string{bad}}}
		if d, ps := New(cfg, Options{}); d != nil {
			t.Errorf("%q is a server: %v", bad, ps)
		}
	}
}
