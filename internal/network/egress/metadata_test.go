package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

func contextTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// metadataSite has a backend with a managed identity.
func metadataSite() *site.Config {
	cfg := everywhere(site.Destination{Host: "name.example", Port: 80})
	cfg.Destinations.Identity = append(cfg.Destinations.Identity, site.Destination{Host: "169.254.169.254", Port: 80})
	return cfg
}

// TestMetadataClosed: even on a site that uses managed identities, and lists
// the address for them, every class's dialer and client refuses it.
func TestMetadataClosed(t *testing.T) {
	w := &wire{}
	w.answer("name.example", "169.254.169.254")
	d := newDialer(t, metadataSite(), w, nil)
	for _, c := range Classes() {
		refusedWith(t, d, w, c, "tcp", "169.254.169.254:80", CodeNotListed)
		refusedWith(t, d, w, c, "tcp", "[::ffff:169.254.169.254]:80", CodeNotListed)
		refusedWith(t, d, w, c, "tcp", "name.example:80", CodeMetadata)
		_, err := d.Client(c, TransportOptions{}, time.Second).Get("http://169.254.169.254/metadata/identity/oauth2/token")
		if !errors.As(err, new(*RefusedError)) || len(w.took()) != 0 {
			t.Errorf("%s: %v", c, err)
		}
	}
	for _, list := range []*site.Config{everywhere(site.Destination{Host: "169.254.169.254", Port: 443}), everywhere(site.Destination{Host: "name.example", Addresses: addresses("169.254.169.254")})} {
		if d, ps := New(list, Options{Connect: w.connect, Resolve: w.resolve}); d != nil || !strings.Contains(ps.Err().Error(), "can never be reached") {
			t.Errorf("listed in every class: %v", ps)
		}
	}
}

// TestMetadataClient: it asks for tokens and for nothing else.
func TestMetadataClient(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host, r.URL) }))
	defer srv.Close()
	var to []netip.AddrPort
	connect := func(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
		to = append(to, ap)
		return kernelConnect(ctx, "tcp4", netip.MustParseAddrPort(strings.TrimPrefix(srv.URL, "http://")))
	}
	d := newDialer(t, metadataSite(), &wire{}, func(o *Options) { o.Connect = connect })
	rt := d.InstanceMetadata()
	send := func(method, u string, change func(*http.Request)) error {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://169.254.169.254/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := req.URL.UnmarshalBinary([]byte(u)); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(req)
		}
		resp, err := rt.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	const good = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x"
	if err := send("GET", good, nil); err != nil {
		t.Fatal(err)
	}
	if len(to) != 1 || to[0].String() != "169.254.169.254:80" {
		t.Fatalf("connected to %v", to)
	}
	to = nil
	for _, c := range []struct {
		method, url string
		change      func(*http.Request)
	}{
		{"GET", "http://169.254.169.254/metadata/instance?api-version=2021-02-01", nil},
		{"GET", "http://169.254.169.254/latest/meta-data/", nil},
		{"GET", "http://169.254.169.254/", nil},
		{"GET", "http://169.254.169.254/metadata/identity", nil},
		{"GET", "http://169.254.169.254/metadata/identity/../instance", nil},
		{"GET", "http://169.254.169.254/metadata/identity/%2e%2e/instance", nil},
		{"GET", "http://169.254.169.254/metadata/identity/a%2f..%2finstance", nil},
		{"GET", "http://169.254.169.254/metadata/identity//../../instance", nil},
		{"GET", "http://169.254.169.254/metadata/identity/oauth2%2ftoken", nil},
		{"POST", good, nil}, {"PUT", good, nil}, {"CONNECT", good, nil},
		{"GET", strings.Replace(good, "http:", "https:", 1), nil},
		{"GET", strings.Replace(good, "169.254.169.254", "169.254.169.254:8080", 1), nil},
		{"GET", strings.Replace(good, "169.254.169.254", "169.254.169.254.", 1), nil},
		{"GET", strings.Replace(good, "169.254.169.254", "[::ffff:169.254.169.254]", 1), nil},
		{"GET", strings.Replace(good, "169.254.169.254", "10.0.0.1", 1), nil},
		{"GET", strings.Replace(good, "169.254.169.254", "x@169.254.169.254", 1), nil},
		{"GET", good, func(r *http.Request) { r.Host = "elsewhere.example" }},
		{"GET", good, func(r *http.Request) { r.Body = http.NoBody; r.Body = struct{ *nothing }{} }},
	} {
		var refused *RefusedError
		if err := send(c.method, c.url, c.change); !errors.As(err, &refused) || refused.Code != CodeMetadataQuery || len(to) != 0 {
			t.Errorf("%s %s: %v, connected to %v", c.method, c.url, err, to)
		}
	}
	// A site without managed identities has no such client.
	rt = newDialer(t, everywhere(), &wire{}, func(o *Options) { o.Connect = connect }).InstanceMetadata()
	if err := send("GET", good, nil); !errors.As(err, new(*RefusedError)) || len(to) != 0 {
		t.Errorf("without a managed identity: %v, connected to %v", err, to)
	}
}

// nothing is a body that is not http.NoBody.
type nothing struct{}

func (*nothing) Read([]byte) (int, error) { return 0, errors.New("nothing") }
func (*nothing) Close() error             { return nil }
