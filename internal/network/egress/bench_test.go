package egress

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// BenchmarkCheck is what the check adds to opening one connection: finding the
// destination, judging the address, reporting the use.
func BenchmarkCheck(b *testing.B) {
	end, other := net.Pipe()
	defer end.Close()
	defer other.Close()
	for name, host := range map[string]string{"literal": "10.0.0.1", "name": "name.example", "translated": "nat.example"} {
		b.Run(name, func(b *testing.B) {
			w := &wire{answers: map[string][][]netip.Addr{"name.example": {addresses("10.0.0.4")}, "nat.example": {addresses("fd00::5efe:10.0.0.4")}}}
			cfg := everywhere(site.Destination{Host: host, Port: 443})
			d := newDialer(b, cfg, w, func(o *Options) {
				o.Connect = func(context.Context, string, netip.AddrPort) (net.Conn, error) { return end, nil }
				o.OwnListeners = func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:8443")} }
				answer := w.answers[host]
				o.Resolve = func(context.Context, string) ([]netip.Addr, error) { return answer[0], nil }
			})
			dial := d.DialContext(Model)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dial(b.Context(), "tcp", host+":443"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
