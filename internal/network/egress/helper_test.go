package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// wire stands in the place of the network: it records what would be connected
// to and what names are asked, and connects to nothing but loopback.
type wire struct {
	mu        sync.Mutex
	connected []netip.AddrPort
	asked     []string
	// answers are the addresses of names. Each question takes the next list;
	// the last one stays.
	answers map[string][][]netip.Addr
	// real lets connections to loopback through.
	real bool
}

var errNoWire = errors.New("there is no network in this test")

func (w *wire) connect(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	w.connected = append(w.connected, ap)
	w.mu.Unlock()
	if w.real && ap.Addr().IsLoopback() {
		return kernelConnect(ctx, network, ap)
	}
	return nil, errNoWire
}

func (w *wire) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, host)
	lists := w.answers[host]
	if len(lists) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(lists) > 1 {
		w.answers[host] = lists[1:]
	}
	return lists[0], nil
}

// took is what was connected to since the last call.
func (w *wire) took() []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.connected
	w.connected = nil
	return c
}

func (w *wire) answer(host string, addrs ...string) {
	if w.answers == nil {
		w.answers = map[string][][]netip.Addr{}
	}
	w.answers[host] = append(w.answers[host], addresses(addrs...))
}

func addresses(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// everywhere lists hosts in every class, as far as the class may.
func everywhere(hosts ...site.Destination) *site.Config {
	cfg := &site.Config{}
	d := &cfg.Destinations
	for _, list := range []*[]site.Destination{&d.Model, &d.Call, &d.Identity, &d.Secret, &d.Telemetry, &d.State, &d.Name} {
		*list = slices.Clone(hosts)
	}
	for i := range d.Model {
		d.Model[i].Public = false
	}
	return cfg
}

func newDialer(t testing.TB, cfg *site.Config, w *wire, change func(*Options)) *Dialer {
	t.Helper()
	opt := Options{
		Connect: w.connect, Resolve: w.resolve,
		ResolvConf: func() ([]byte, error) { return nil, nil },
		LocalAddrs: func() ([]netip.Addr, error) { return addresses("127.0.0.1", "::1", "10.0.0.5", "fd00::5"), nil },
	}
	if change != nil {
		change(&opt)
	}
	d, ps := New(cfg, opt)
	if ps.HasErrors() {
		t.Fatal(ps.Err())
	}
	return d
}

// refusedWith dials and wants a refusal before the first packet.
func refusedWith(t *testing.T, d *Dialer, w *wire, c Class, network, addr, code string) {
	t.Helper()
	conn, err := d.DialContext(c)(t.Context(), network, addr)
	if conn != nil {
		conn.Close()
	}
	var refused *RefusedError
	switch {
	case !errors.As(err, &refused):
		t.Errorf("%s to %s %s: %v", c, network, addr, err)
	case refused.Code != code:
		t.Errorf("%s to %s %s: code %q, want %q (%v)", c, network, addr, refused.Code, code, err)
	case refused.Class != c || refused.Reason == "":
		t.Errorf("%s to %s %s: %+v", c, network, addr, refused)
	}
	if took := w.took(); len(took) != 0 {
		t.Errorf("%s to %s %s: connected to %v", c, network, addr, took)
	}
}

// connects dials and wants a connection to exactly these addresses, in this
// order, to be tried.
func connects(t *testing.T, d *Dialer, w *wire, c Class, addr string, want ...string) {
	t.Helper()
	_, err := d.DialContext(c)(t.Context(), "tcp", addr)
	if !errors.Is(err, errNoWire) {
		t.Errorf("%s to %s: %v", c, addr, err)
	}
	if got := fmt.Sprint(w.took()); got != fmt.Sprint(want) {
		t.Errorf("%s to %s: connected to %s, want %s", c, addr, got, want)
	}
}
