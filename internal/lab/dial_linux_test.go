package lab

import (
	"net/netip"
	"testing"
	"time"
)

func TestDial(t *testing.T) {
	l := start(t, Options{Bare: true})
	before, err := l.OutsidePackets()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to, protocol string
		seen               Seen
		rule               string
	}{
		{"app", "10.1.2.4:443", "tcp", Closed, "gateway/AllowApp"},
		{"app", "[fd00:1:0:2::4]:443", "tcp", Closed, "gateway/AllowApp"},
		{"app", "10.1.2.4:80", "tcp", Silent, "app/DenyOut"},
		{"app", "[fd00:1:0:2::4]:80", "tcp", Silent, "app/DenyOut"},
		{"app", "10.1.3.5:443", "tcp", Silent, "app/DenyOut"},
		{"app", "10.1.2.4:443", "udp", Silent, "app/DenyOut"},
		{"app", "198.51.100.10:443", "tcp", Silent, "app/DenyOut"},
		{"app", "8.8.8.8:53", "udp", Silent, "app/DenyOut"},
		{"gateway", "10.1.3.5:443", "tcp", Closed, "endpoints/AllowGateway"},
		{"gateway", "10.1.3.5:80", "tcp", Silent, "gateway/DenyOut"},
		{"gateway", "10.1.1.4:443", "tcp", Silent, "gateway/DenyOut"},
		{"internet", "10.1.2.4:443", "tcp", Silent, "gateway/DenyIn"},
		{"internet", "[fd00:1:0:2::4]:443", "tcp", Silent, "gateway/DenyIn"},
		{"internet", "198.51.100.10:443", "tcp", Closed, ""},
		{"endpoints", "10.1.3.5:443", "tcp", Silent, "endpoints/DenyIn"},
		{"endpoints", "203.0.113.50:443", "tcp", Closed, "endpoints/AllowInternetOutBound"},
		{"endpoints", "8.8.8.8:443", "tcp", Closed, "endpoints/AllowInternetOutBound"},
		{"endpoints", "8.8.8.8:443", "udp", Closed, "endpoints/AllowInternetOutBound"},
	} {
		seen, rule, err := l.Dial(t.Context(), c.from, netip.MustParseAddrPort(c.to), c.protocol, 150*time.Millisecond)
		if err != nil || seen != c.seen || rule != c.rule {
			t.Errorf("%s to %s/%s: %s by %q, %v; want %s by %q", c.from, c.to, c.protocol, seen, rule, err, c.seen, c.rule)
		}
	}
	after, err := l.OutsidePackets()
	if err != nil || after <= before {
		t.Errorf("packets outside: %d, then %d, %v", before, after, err)
	}
	seen, rule, err := l.DialAs(t.Context(), "app", netip.MustParseAddr("10.1.2.4"), netip.MustParseAddrPort("10.1.3.5:443"), "tcp", 150*time.Millisecond)
	if seen != Silent || rule != SpoofRule || err != nil {
		t.Errorf("with another's address: %s by %q, %v", seen, rule, err)
	}
	seen, rule, err = l.DialAs(t.Context(), "internet", netip.MustParseAddr("10.1.2.4"), netip.MustParseAddrPort("10.1.3.5:443"), "tcp", 150*time.Millisecond)
	if seen != Silent || rule != SpoofRule || err != nil {
		t.Errorf("from outside with an address of the inside: %s by %q, %v", seen, rule, err)
	}
}
