package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/site"
)

const model = "contoso.openai.azure.com"

// endpointOf is a private endpoint of model at an address of a subnet.
func endpointOf(t testing.TB, addr, subnet string) (*endpoint.Live, *endpoint.Set) {
	t.Helper()
	v := &site.VirtualNetwork{Name: "contoso"}
	sub := &site.Subnet{Name: "endpoints", VirtualNetwork: v, Prefixes: []netip.Prefix{netip.MustParsePrefix(subnet)}}
	set, problems := endpoint.Compile(&site.Network{PrivateEndpoints: []*site.PrivateEndpoint{{
		Name: "openai", Subnet: sub, Addresses: []netip.Addr{netip.MustParseAddr(addr)}, Status: site.ConnectionApproved,
		Service: "/accounts/contoso", Names: []string{model},
	}}}, nil)
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return endpoint.NewLive(), set
}

func with(live *endpoint.Live, set *endpoint.Set, more func(*Options)) func(*Options) {
	return func(o *Options) {
		o.Endpoints = live.View(set)
		if more != nil {
			more(o)
		}
	}
}

// TestEndpoints: in every class, whatever servers and zones answer, a host with an
// endpoint is connected to at the endpoint's address alone, and only while that is
// approved.
func TestEndpoints(t *testing.T) {
	live, set := endpointOf(t, "10.1.3.4", "10.1.3.0/24")
	for _, c := range Classes()[:6] {
		for _, a := range []attack{
			{"10.1.3.5", CodeEndpointAddress}, {"10.1.2.4", CodeEndpointAddress}, {"::ffff:10.1.3.5", CodeEndpointAddress},
			{"fd00::4", CodeEndpointAddress}, {"64:ff9b::10.1.3.4", ""}, {"127.0.0.1", CodeLoopback}, {"169.254.169.254", CodeMetadata},
		} {
			if a.code == "" { // not a private address of this site
				a.code = CodeReserved
				if c != Model {
					a.code = CodeEndpointAddress
				}
			}
			w := &wire{}
			d := newDialer(t, everywhere(site.Destination{Host: model, Port: 443, Public: true}), w, with(live, set, nil))
			w.answer(model, a.addr)
			conn, err := d.DialContext(c)(t.Context(), "tcp", model+":443")
			if conn != nil {
				conn.Close()
			}
			var refused *RefusedError
			if !errors.As(err, &refused) || len(w.took()) != 0 {
				t.Errorf("%s at %s: %v", c, a.addr, err)
			} else if refused.Code != a.code && refused.Code != CodePublic {
				t.Errorf("%s at %s: code %q, want %q", c, a.addr, refused.Code, a.code)
			}
		}
		w := &wire{}
		d := newDialer(t, everywhere(site.Destination{Host: model}, site.Destination{Host: "alias.example"}), w, with(live, set, nil))
		w.answer(model, "20.1.1.1", "10.1.3.4", "10.1.3.5")
		w.answer("alias.example", "10.1.3.4")
		connects(t, d, w, c, model+":443", "10.1.3.4:443")
		connects(t, d, w, c, "alias.example:443", "10.1.3.4:443")
		for _, state := range []string{site.ConnectionPending, site.ConnectionRejected, site.ConnectionDisconnected, "what?"} {
			live.Decided([]endpoint.Decision{{ID: set.All()[0].ID, State: state}}, false)
			w.asked = nil
			refusedWith(t, d, w, c, "tcp", model+":443", CodeEndpointNotApproved)
			if len(w.asked) != 0 {
				t.Errorf("%s: %v was asked for", state, w.asked)
			}
			refusedWith(t, d, w, c, "tcp", "alias.example:443", CodeEndpointNotApproved)
		}
		live.Decided(nil, true)
	}
}

// TestEndpointPublic: an endpoint whose document gives it a public address is
// reached in no class, listed as public or not.
func TestEndpointPublic(t *testing.T) {
	live, set := endpointOf(t, "20.1.1.4", "20.1.1.0/24")
	w := &wire{}
	d := newDialer(t, everywhere(site.Destination{Host: model, Port: 443, Public: true}), w, with(live, set, nil))
	w.answer(model, "20.1.1.4")
	refusedWith(t, d, w, Model, "tcp", model+":443", CodePublic)
	for _, c := range Classes()[1:6] {
		refusedWith(t, d, w, c, "tcp", model+":443", CodeEndpointAddress)
	}
}

// TestEndpointTranslated: an endpoint that is not approved is not reached through a
// translator either.
func TestEndpointTranslated(t *testing.T) {
	live, set := endpointOf(t, "10.1.3.4", "10.1.3.0/24")
	cfg := everywhere(site.Destination{Host: "alias.example", Port: 443})
	cfg.PrivatePrefixes = []site.PrivatePrefix{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}, {Prefix: netip.MustParsePrefix("64:ff9b::/96"), Reason: "NAT64"}}
	w := &wire{}
	d := newDialer(t, cfg, w, with(live, set, nil))
	w.answer("alias.example", "64:ff9b::10.1.3.4")
	connects(t, d, w, Model, "alias.example:443", "[64:ff9b::a01:304]:443")
	live.Decided([]endpoint.Decision{{ID: set.All()[0].ID, State: site.ConnectionRejected}}, false)
	refusedWith(t, d, w, Model, "tcp", "alias.example:443", CodeEndpointNotApproved)
}

// TestZones: the site's private zones are asked first, and what they do not have
// does not exist.
func TestZones(t *testing.T) {
	live, set := endpointOf(t, "10.1.3.4", "10.1.3.0/24")
	zones := func(host string) (addrs []netip.Addr, ask string, known bool) {
		switch host {
		case model:
			return addresses("10.1.3.4"), "", true
		case "missing.openai.azure.com":
			return nil, "", true
		case "onward.openai.azure.com":
			return nil, "else.example", true
		}
		return nil, "", false
	}
	w := &wire{}
	d := newDialer(t, everywhere(site.Destination{Host: model}, site.Destination{Host: "missing.openai.azure.com"},
		site.Destination{Host: "onward.openai.azure.com"}, site.Destination{Host: "plain.example"}), w, with(live, set, func(o *Options) { o.Zones = zones }))
	for _, host := range []string{model, "missing.openai.azure.com", "onward.openai.azure.com"} {
		w.answer(host, "10.9.9.9")
	}
	w.answer("else.example", "10.1.9.1")
	w.answer("plain.example", "10.1.9.2")
	connects(t, d, w, Model, model+":443", "10.1.3.4:443")
	connects(t, d, w, Model, "onward.openai.azure.com:443", "10.1.9.1:443")
	connects(t, d, w, Model, "plain.example:443", "10.1.9.2:443")
	_, err := d.DialContext(Model)(t.Context(), "tcp", "missing.openai.azure.com:443")
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound || len(w.took()) != 0 {
		t.Errorf("a name that its zone does not have: %v", err)
	}
	if got := strings.Join(w.asked, " "); got != "else.example plain.example" {
		t.Errorf("asked outside: %s", got)
	}
}

// TestEndpointPinned: a destination that is pinned past its endpoint is a problem
// of the site, approved or not.
func TestEndpointPinned(t *testing.T) {
	live, set := endpointOf(t, "10.1.3.4", "10.1.3.0/24")
	live.Decided([]endpoint.Decision{{ID: set.All()[0].ID, State: site.ConnectionPending}}, false)
	for addr, bad := range map[string]bool{"10.1.3.4": false, "10.1.3.5": true} {
		cfg := &site.Config{}
		cfg.Destinations.Model = []site.Destination{{Host: model, Port: 443, Addresses: addresses(addr)}}
		w := &wire{}
		_, ps := New(cfg, Options{Connect: w.connect, Resolve: w.resolve, Endpoints: live.View(set)})
		if ps.HasErrors() != bad || bad && ps[0].Code != "destination-endpoint-address" {
			t.Errorf("%s: %v", addr, ps)
		}
	}
}

// TestEndpointCut: an open connection is closed when its endpoint is approved no
// more, and its reader learns why; one that is closed is forgotten.
func TestEndpointCut(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	port := ln.Addr().(*net.TCPAddr).Port
	live, set := endpointOf(t, "127.0.0.1", "127.0.0.0/24")
	cfg := &site.Config{}
	cfg.Destinations.Model = []site.Destination{{Host: model, Port: port, Addresses: addresses("127.0.0.1")}}
	w := &wire{real: true}
	var uses []Use
	d := newDialer(t, cfg, w, with(live, set, func(o *Options) { o.OnUse = func(u Use) { uses = append(uses, u) } }))
	dial := func() net.Conn {
		t.Helper()
		c, err := d.DialContext(Model)(t.Context(), "tcp", net.JoinHostPort(model, strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (<-accepted).Close() })
		return c
	}
	c := dial()
	if p := PeerOf(c); p.Endpoint != "openai" || p.Addr.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("%+v", p)
	}
	if err := errors.Join(c.Close(), c.Close()); err == nil || live.Open() != 0 {
		t.Errorf("%v, %d open", err, live.Open())
	}
	c = dial()
	if n := live.Decided([]endpoint.Decision{{ID: set.All()[0].ID, State: site.ConnectionRejected}}, false); n != 1 {
		t.Errorf("%d cut", n)
	}
	var refused *RefusedError
	if _, err := c.Read(make([]byte, 1)); !errors.As(err, &refused) || !refused.Cut || refused.Code != CodeEndpointNotApproved || !strings.HasPrefix(err.Error(), "egress cut: ") {
		t.Errorf("read: %v", err)
	}
	if _, err := io.WriteString(c, "x"); !errors.As(err, &refused) {
		t.Errorf("write: %v", err)
	}
	if last := uses[len(uses)-1]; !errors.As(last.Err, &refused) || !refused.Cut {
		t.Errorf("%+v", last)
	}
	_ = c.Close()

	// A decision that is made while it is connected to counts.
	live.Decided(nil, true)
	d.opt.Connect = func(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
		live.Decided([]endpoint.Decision{{ID: set.All()[0].ID, State: site.ConnectionRejected}}, false)
		return kernelConnect(ctx, network, ap)
	}
	if c, err := d.DialContext(Model)(t.Context(), "tcp", net.JoinHostPort(model, strconv.Itoa(port))); c != nil || !errors.As(err, &refused) {
		t.Errorf("%v %v", c, err)
	}
	select {
	case c := <-accepted:
		c.Close()
	case <-time.After(time.Second):
	}
}
