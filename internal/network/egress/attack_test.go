package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// attack is an address that a listed name answers with.
type attack struct{ addr, code string }

// nowhere are addresses that no class and no setting reaches.
var nowhere = []attack{
	// The machine itself.
	{"0.0.0.0", CodeUnspecified}, {"0.1.2.3", CodeUnspecified}, {"::", CodeUnspecified}, {"::ffff:0.0.0.0", CodeUnspecified},
	{"127.0.0.1", CodeLoopback}, {"127.255.255.254", CodeLoopback}, {"::1", CodeLoopback}, {"::ffff:127.0.0.1", CodeLoopback},
	// The cloud's own.
	{"169.254.169.254", CodeMetadata}, {"::ffff:169.254.169.254", CodeMetadata}, {"fd00:ec2::254", CodeMetadata},
	{"fd20:ce::254", CodeMetadata}, {"100.100.100.200", CodeMetadata}, {"192.0.0.192", CodeMetadata},
	{"168.63.129.16", CodePlatform}, {"::ffff:168.63.129.16", CodePlatform},
	// Not a host.
	{"169.254.1.1", CodeLinkLocal}, {"169.254.170.2", CodeLinkLocal}, {"fe80::1", CodeLinkLocal}, {"fe80::1%eth0", CodeZone}, {"fd00::1%eth0", CodeZone},
	{"224.0.0.1", CodeMulticast}, {"239.255.255.250", CodeMulticast}, {"ff02::1", CodeMulticast}, {"ff0e::1", CodeMulticast},
	{"255.255.255.255", CodeBroadcast},
	// Neither private nor public.
	{"192.0.0.8", CodeReserved}, {"198.18.0.1", CodeReserved}, {"240.0.0.1", CodeReserved}, {"192.0.2.1", CodeReserved}, {"203.0.113.9", CodeReserved},
	{"fec0::1", CodeReserved}, {"2001:db8::1", CodeReserved}, {"100::1", CodeReserved}, {"5f00::1", CodeReserved},
	// The same behind a translator or a tunnel.
	{"64:ff9b::127.0.0.1", CodeLoopback}, {"64:ff9b::169.254.169.254", CodeMetadata}, {"64:ff9b::168.63.129.16", CodePlatform}, {"64:ff9b::0.0.0.0", CodeUnspecified},
	{"64:ff9b:1::169.254.169.254", CodeReserved}, {"64:ff9b:1::7f00:1", CodeReserved},
	{"2002:7f00:1::", CodeLoopback}, {"2002:a9fe:a9fe::1", CodeMetadata}, {"2002:a83f:8110::1", CodePlatform},
	{"2001:0:a9fe:a9fe::", CodeMetadata}, {"2001:0:808:808::80ff:fffe", CodeLoopback}, {"2001:0:808:808::5601:5601", CodeMetadata},
	{"::169.254.169.254", CodeReserved}, {"::10.0.0.1", CodeReserved}, {"::ffff:0:169.254.169.254", CodeReserved},
	{"2001:4860::5efe:169.254.169.254", CodeMetadata}, {"fd00::5efe:127.0.0.1", CodeLoopback}, {"fd00::200:5efe:169.254.169.254", CodeMetadata},
}

// TestNowhere: whatever the class, and whether or not it may be public, a
// listed name that answers with one of these is not connected to.
func TestNowhere(t *testing.T) {
	for _, public := range []bool{false, true} {
		w := &wire{}
		d := newDialer(t, everywhere(site.Destination{Host: "name.example", Port: 443, Public: public}), w, nil)
		for _, c := range Classes() {
			for _, a := range nowhere {
				w.answers = nil
				w.answer("name.example", a.addr)
				conn, err := d.DialContext(c)(t.Context(), "tcp", "name.example:443")
				if conn != nil {
					conn.Close()
				}
				var refused *RefusedError
				if !errors.As(err, &refused) {
					t.Errorf("%s, public %v, to %s: %v", c, public, a.addr, err)
					continue
				}
				if ok := refused.Code == a.code || refused.Code == CodePublic; !ok || refused.Code == CodePublic && c != Model && public {
					t.Errorf("%s, public %v, to %s: code %q, want %q", c, public, a.addr, refused.Code, a.code)
				}
				if took := w.took(); len(took) != 0 {
					t.Errorf("%s, public %v, to %s: connected to %v", c, public, a.addr, took)
				}
			}
		}
	}
}

// TestNowhereInPrefix: nor does a private prefix around them open them.
func TestNowhereInPrefix(t *testing.T) {
	cfg := everywhere(site.Destination{Host: "name.example", Port: 443})
	for _, p := range []string{
		"0.0.0.0/8", "127.0.0.0/8", "169.0.0.0/8", "168.0.0.0/8", "224.0.0.0/8", "239.0.0.0/8", "255.0.0.0/8", "100.0.0.0/8", "192.0.0.0/8",
		"fe80::/10", "ff00::/8", "fc00::/7", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/64",
	} {
		cfg.PrivatePrefixes = append(cfg.PrivatePrefixes, site.PrivatePrefix{Prefix: netip.MustParsePrefix(p), Reason: "an attack"})
	}
	w := &wire{}
	d := newDialer(t, cfg, w, nil)
	for _, a := range []attack{
		{"0.0.0.0", CodeUnspecified}, {"0.1.2.3", CodeUnspecified}, {"::", CodeUnspecified}, {"127.0.0.1", CodeLoopback}, {"::1", CodeLoopback},
		{"169.254.169.254", CodeMetadata}, {"fd00:ec2::254", CodeMetadata}, {"100.100.100.200", CodeMetadata}, {"192.0.0.192", CodeMetadata},
		{"168.63.129.16", CodePlatform}, {"169.254.0.1", CodeLinkLocal}, {"fe80::1", CodeLinkLocal}, {"224.0.0.1", CodeMulticast},
		{"239.1.1.1", CodeMulticast}, {"ff02::1", CodeMulticast}, {"255.255.255.255", CodeBroadcast},
		{"64:ff9b::169.254.169.254", CodeMetadata}, {"64:ff9b:1::169.254.169.254", CodeMetadata}, {"64:ff9b:1::127.0.0.1", CodeLoopback},
		{"64:ff9b:1:a9fe:a9:fe00::", CodeMetadata},   // in the /48 layout of RFC 6052
		{"64:ff9b:1:a9:fe:a9fe::", CodeMetadata},     // /56
		{"64:ff9b:1:0:a9:fea9:fe00:0", CodeMetadata}, // /64
		{"2002:a9fe:a9fe::", CodeMetadata}, {"2001:0:a9fe:a9fe::1", CodeMetadata}, {"::169.254.169.254", CodeMetadata}, {"::127.0.0.1", CodeLoopback},
		// A public address inside of one that is called private.
		{"64:ff9b::8.8.8.8", CodePublic}, {"64:ff9b:1::8.8.8.8", CodePublic}, {"2002:808:808::", CodePublic}, {"::8.8.8.8", CodePublic},
	} {
		w.answers = nil
		w.answer("name.example", a.addr)
		refusedWith(t, d, w, Model, "tcp", "name.example:443", a.code)
	}
	w.answers = nil
	w.answer("name.example", "64:ff9b:1::10.0.0.1")
	connects(t, newDialer(t, &site.Config{
		Destinations:    cfg.Destinations,
		PrivatePrefixes: append(cfg.PrivatePrefixes, site.PrivatePrefix{Prefix: netip.MustParsePrefix("10.0.0.0/8")}),
	}, w, nil), w, Model, "name.example:443", "[64:ff9b:1::a00:1]:443")
}

// TestPublic: class model never, the others where they are listed as such.
func TestPublic(t *testing.T) {
	for _, public := range []bool{false, true} {
		w := &wire{}
		for _, a := range []string{"8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "172.32.0.1", "172.15.255.255", "11.0.0.1", "192.169.0.1", "100.128.0.1", "64:ff9b::8.8.8.8"} {
			w.answer("name.example", a)
			d := newDialer(t, everywhere(site.Destination{Host: "name.example", Port: 443, Public: public}), w, nil)
			refusedWith(t, d, w, Model, "tcp", "name.example:443", CodePublic)
			for _, c := range Classes()[1:] {
				if !public {
					refusedWith(t, d, w, c, "tcp", "name.example:443", CodePublic)
				}
			}
			w.answers = nil
		}
	}
	// In spite of a configuration that New itself would refuse.
	w := &wire{}
	w.answer("name.example", "8.8.8.8")
	d := newDialer(t, everywhere(site.Destination{Host: "name.example", Port: 443}), w, nil)
	d.listed[key{Model, "name.example", 443}].public = true
	refusedWith(t, d, w, Model, "tcp", "name.example:443", CodePublic)
	cfg := &site.Config{Destinations: site.Destinations{Model: []site.Destination{{Host: "name.example", Public: true}}}}
	if d, ps := New(cfg, Options{Resolve: w.resolve, Connect: w.connect}); d != nil || !strings.Contains(ps.Err().Error(), "private addresses only") {
		t.Errorf("public: true in class model: %v", ps)
	}
}

func TestAccepted(t *testing.T) {
	w := &wire{}
	w.answer("private.example", "10.1.2.3", "fd00::7", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::ffff:10.0.0.9")
	w.answer("public.example", "8.8.8.8")
	d := newDialer(t, everywhere(site.Destination{Host: "private.example"}, site.Destination{Host: "public.example", Port: 8443, Public: true}), w, nil)
	connects(t, d, w, Model, "private.example:443", "10.1.2.3:443", "[fd00::7]:443", "172.16.0.1:443", "192.168.1.1:443", "100.64.0.1:443", "10.0.0.9:443")
	connects(t, d, w, Call, "public.example:8443", "8.8.8.8:8443")
}

// TestSpellings: other spellings of hosts and ports than the listed one are
// either the same destination or refused, never another.
func TestSpellings(t *testing.T) {
	w := &wire{}
	w.answer("name.example", "10.0.0.1")
	w.answer("xn--bcher-kva.example", "10.0.0.2")
	d := newDialer(t, everywhere(
		site.Destination{Host: "Name.Example.", Port: 443}, site.Destination{Host: "xn--bcher-kva.example", Port: 443},
		site.Destination{Host: "10.0.0.7", Port: 443}, site.Destination{Host: "fd00::7", Port: 443},
	), w, nil)
	for _, a := range []string{"name.example:443", "NAME.EXAMPLE:443", "name.example.:443"} {
		connects(t, d, w, Model, a, "10.0.0.1:443")
	}
	connects(t, d, w, Model, "XN--bcher-kva.example:443", "10.0.0.2:443")
	connects(t, d, w, Model, "10.0.0.7.:443", "10.0.0.7:443")
	connects(t, d, w, Model, "[FD00:0:0::7]:443", "[fd00::7]:443")
	for _, a := range []attack{
		// Spellings of 10.0.0.7 and of instance metadata.
		{"012.0.0.7:443", CodeHost}, {"0xa.0.0.7:443", CodeHost}, {"10.7:443", CodeHost}, {"10.0.7:443", CodeHost}, {"167772167:443", CodeHost},
		{"0x0a000007:443", CodeHost}, {"0xa9fea9fe:80", CodeHost}, {"2852039166:80", CodeHost}, {"169.254.43518:80", CodeHost},
		{"0251.0376.0251.0376:80", CodeHost}, {"10.0.0.07:443", CodeHost}, {"10.0.0.7..:443", CodeHost}, {"1.2.3.4.5:443", CodeHost}, {"name.0x1:443", CodeHost},
		{"[::ffff:10.0.0.7]:443", CodeNotListed}, {"[::ffff:a00:7]:443", CodeNotListed}, {"[fd00::7%eth0]:443", CodeZone}, {"[fd00::7%25eth0]:443", CodeZone}, {"10.0.0.7%eth0:443", CodeZone},
		// Names.
		{"name.example..:443", CodeHost}, {".name.example:443", CodeHost}, {"name..example:443", CodeHost}, {"name.example\x00:443", CodeHost},
		{"name.example/:443", CodeHost}, {"user@name.example:443", CodeHost}, {"name.example#:443", CodeHost}, {"name.example\t:443", CodeHost}, {" name.example:443", CodeHost},
		{"bücher.example:443", CodeHost}, {"name。example:443", CodeHost}, {"１0.0.0.7:443", CodeHost}, {"na\u212Ae.example:443", CodeHost}, {"name\u200b.example:443", CodeHost},
		{"name.example.evil.test:443", CodeNotListed}, {"evilname.example:443", CodeNotListed}, {"example:443", CodeNotListed}, {"*.example:443", CodeHost},
		{strings.Repeat("a.", 200) + "example:443", CodeHost}, {strings.Repeat("a", 64) + ".example:443", CodeHost}, {":443", CodeHost},
		// Ports.
		{"name.example:444", CodeNotListed}, {"name.example:0", CodePort}, {"name.example:https", CodePort}, {"name.example:0443", CodePort}, {"name.example:+443", CodePort},
		{"name.example:65979", CodePort}, {"name.example:-1", CodePort}, {"name.example:443 ", CodePort}, {"name.example:", CodePort}, {"name.example:４43", CodePort},
		{"name.example", CodeHost}, {"name.example:443:443", CodeHost}, {"fd00::7:443", CodeHost}, {"[name.example]:443", CodeNotListed},
	} {
		if a.addr == "[name.example]:443" { // brackets around a name: the same name
			connects(t, d, w, Model, a.addr, "10.0.0.1:443")
			continue
		}
		refusedWith(t, d, w, Model, "tcp", a.addr, a.code)
	}
	if !d.Listed(Model, "NAME.example", 443) || d.Listed(Model, "name.example", 444) || d.Listed(Model, "0xa.0.0.7", 443) {
		t.Error("Listed")
	}
}

// TestClasses: what is listed for one purpose is closed for the others, and
// nothing but TCP is spoken, but to DNS servers.
func TestClasses(t *testing.T) {
	for i, in := range Classes() {
		cfg := &site.Config{}
		d := &cfg.Destinations
		list := []*[]site.Destination{&d.Model, &d.Call, &d.Identity, &d.Secret, &d.Telemetry, &d.State, &d.Name}[i]
		*list = []site.Destination{{Host: "10.0.0.1", Port: 443}}
		w := &wire{}
		dialer := newDialer(t, cfg, w, nil)
		for _, c := range append(Classes(), "other", "") {
			if c == in {
				connects(t, dialer, w, c, "10.0.0.1:443", "10.0.0.1:443")
			} else {
				refusedWith(t, dialer, w, c, "tcp", "10.0.0.1:443", CodeNotListed)
			}
			for _, network := range []string{"udp", "udp4", "unix", "unixgram", "ip", "ip4:icmp", "", "TCP", "tcp5"} {
				if strings.HasPrefix(network, "udp") && c == Name {
					continue
				}
				refusedWith(t, dialer, w, c, network, "10.0.0.1:443", CodeNetwork)
			}
		}
	}
	w := &wire{}
	d := newDialer(t, &site.Config{}, w, nil)
	refusedWith(t, d, w, Model, "tcp", "10.0.0.1:443", CodeNotListed) // nothing configured: nothing out
	d = newDialer(t, everywhere(site.Destination{Host: "10.0.0.1", Port: 443}), w, nil)
	refusedWith(t, d, w, Model, "tcp6", "10.0.0.1:443", CodeNoAddress)
}

// TestRebinding: the name is asked once, and what was judged is what is
// connected to, by address.
func TestRebinding(t *testing.T) {
	w := &wire{}
	w.answer("name.example", "10.0.0.1")
	w.answer("name.example", "169.254.169.254")
	w.answer("name.example", "8.8.8.8")
	d := newDialer(t, everywhere(site.Destination{Host: "name.example", Port: 443}), w, nil)
	connects(t, d, w, Model, "name.example:443", "10.0.0.1:443")
	if len(w.asked) != 1 {
		t.Errorf("asked %d times for one connection", len(w.asked))
	}
	refusedWith(t, d, w, Model, "tcp", "name.example:443", CodeMetadata)
	refusedWith(t, d, w, Model, "tcp", "name.example:443", CodePublic)
}

// TestMixedAnswers: of an answer that mixes, only what passes is connected to.
func TestMixedAnswers(t *testing.T) {
	w := &wire{}
	w.answer("name.example", "8.8.8.8", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "fe80::1%lo", "fd00::1")
	w.answer("empty.example")
	var uses []Use
	d := newDialer(t, everywhere(site.Destination{Host: "name.example", Port: 443}, site.Destination{Host: "empty.example", Port: 443}), w,
		func(o *Options) { o.OnUse = func(u Use) { uses = append(uses, u) } })
	connects(t, d, w, Model, "name.example:443", "10.0.0.1:443", "[fd00::1]:443")
	if len(uses) != 6 {
		t.Errorf("%d uses reported: %v", len(uses), uses)
	}
	refusedWith(t, d, w, Model, "tcp", "empty.example:443", CodeNoAddress)
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("10.0.%d.%d", i/250, i%250+1)
	}
	w.answers = nil
	w.answer("name.example", many...)
	if d.DialContext(Model)(t.Context(), "tcp", "name.example:443"); len(w.took()) != maxAnswers {
		t.Error("an answer of a thousand addresses is tried in full")
	}
}

// TestPins: a pinned host is not asked for, and goes nowhere else.
func TestPins(t *testing.T) {
	w := &wire{}
	w.answer("name.example", "10.9.9.9")
	cfg := &site.Config{Destinations: site.Destinations{Model: []site.Destination{
		{Host: "name.example", Addresses: addresses("10.0.0.1", "fd00::1")}, {Host: "127.0.0.1", Port: 8080}, {Host: "local.example", Port: 8081, Addresses: addresses("127.0.0.1")},
	}}}
	d := newDialer(t, cfg, w, nil)
	connects(t, d, w, Model, "name.example:443", "10.0.0.1:443", "[fd00::1]:443")
	connects(t, d, w, Model, "127.0.0.1:8080", "127.0.0.1:8080")
	connects(t, d, w, Model, "local.example:8081", "127.0.0.1:8081")
	if len(w.asked) != 0 {
		t.Errorf("asked for %v", w.asked)
	}
	// Loopback is open at exactly that address and port.
	for _, a := range []string{"127.0.0.1:8081", "127.0.0.2:8080", "[::1]:8080", "localhost:8080"} {
		refusedWith(t, d, w, Model, "tcp", a, CodeNotListed)
	}
	if !d.LoopbackOnly(Model, "local.example", 8081) || d.LoopbackOnly(Model, "name.example", 443) || d.LoopbackOnly(Call, "127.0.0.1", 8080) {
		t.Error("LoopbackOnly")
	}
}

// TestOwnListeners: the gateway does not connect to itself, by none of its
// names and addresses.
func TestOwnListeners(t *testing.T) {
	w := &wire{}
	var own []netip.AddrPort
	cfg := everywhere(
		site.Destination{Host: "127.0.0.1", Port: 8443}, site.Destination{Host: "127.0.0.9", Port: 8443}, site.Destination{Host: "::1", Port: 8443},
		site.Destination{Host: "10.0.0.5", Port: 8443}, site.Destination{Host: "fd00::5", Port: 8443}, site.Destination{Host: "self.example", Port: 8443},
		site.Destination{Host: "10.0.0.6", Port: 8443}, site.Destination{Host: "10.0.0.5", Port: 8444},
	)
	var localErr error
	d := newDialer(t, cfg, w, func(o *Options) {
		o.OwnListeners = func() []netip.AddrPort { return own }
		local := o.LocalAddrs
		o.LocalAddrs = func() ([]netip.Addr, error) {
			if localErr != nil {
				return nil, localErr
			}
			return local()
		}
	})
	connects(t, d, w, Model, "127.0.0.1:8443", "127.0.0.1:8443") // not yet a listener
	for _, c := range []struct{ listener, addr string }{
		{"127.0.0.1:8443", "127.0.0.1:8443"}, {"[::1]:8443", "[::1]:8443"}, {"10.0.0.5:8443", "10.0.0.5:8443"}, {"[::ffff:10.0.0.5]:8443", "10.0.0.5:8443"},
		{"[fd00::5%eth0]:8443", "[fd00::5]:8443"},
		{"0.0.0.0:8443", "127.0.0.1:8443"}, {"0.0.0.0:8443", "127.0.0.9:8443"}, {"0.0.0.0:8443", "10.0.0.5:8443"},
		{"[::]:8443", "127.0.0.1:8443"}, {"[::]:8443", "[::1]:8443"}, {"[::]:8443", "10.0.0.5:8443"}, {"[::]:8443", "[fd00::5]:8443"},
	} {
		own = []netip.AddrPort{netip.MustParseAddrPort(c.listener)}
		refusedWith(t, d, w, Model, "tcp", c.addr, CodeOwnListener)
	}
	own = []netip.AddrPort{{}, netip.AddrPortFrom(netip.Addr{}, 8443)} // an address that is not known: any
	refusedWith(t, d, w, Model, "tcp", "10.0.0.5:8443", CodeOwnListener)
	own = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.5:8443")}
	for _, a := range []string{"10.0.0.5", "::ffff:10.0.0.5"} {
		w.answers = nil
		w.answer("self.example", a)
		refusedWith(t, d, w, Model, "tcp", "self.example:8443", CodeOwnListener)
	}
	connects(t, d, w, Model, "10.0.0.6:8443", "10.0.0.6:8443")
	connects(t, d, w, Model, "10.0.0.5:8444", "10.0.0.5:8444")
	own, localErr = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:8443")}, errors.New("no interfaces")
	refusedWith(t, d, w, Model, "tcp", "10.0.0.6:8443", CodeLocalUnknown)
}

// TestKernelConnectsExactly: the real connect goes to the address it was
// given, and a cancelled context ends it.
func TestKernelConnectsExactly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	conn, err := kernelConnect(t.Context(), "tcp4", ap)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if PeerOf(conn).Addr != ap {
		t.Errorf("peer %v", PeerOf(conn))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if conn, err := kernelConnect(ctx, "tcp4", ap); err == nil {
		conn.Close()
		t.Error("connected in spite of the context")
	}
}
