package policy

import (
	"bytes"
	"net/url"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestRedirected: what is a link to an address, and what is not.
func TestRedirected(t *testing.T) {
	f := func(from, in, want string) {
		t.Helper()
		u, err := url.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := redirected([]byte(in), u, "https://gw/api"); string(got) != want {
			t.Errorf("links to %s in %q: %q, want %q", from, in, got, want)
		}
	}
	f("https://b/v1/", "https://b/v1/x https://b/v1 https://b/v10/x https://b/x", "https://gw/api/x https://gw/api https://b/v10/x https://b/x")
	f("https://b/v1", `"https:\/\/b\/v1\/x"`, `"https:\/\/gw\/api\/x"`)
	f("https://b:8443", "https://b:8443/x https://b/x http://b:8443/y", "https://gw/api/x https://b/x https://gw/api/y")
	f("http://b", "http://b/x https://b/x http://b:80/x http://b:443/x", "https://gw/api/x https://gw/api/x https://gw/api/x http://b:443/x")
	f("https://[fd00::1]/", "https://[FD00::1]/x", "https://gw/api/x")
	f("https://b", "b https:/b ://b xhttps://b https://b", "b https:/b ://b xhttps://b https://gw/api")
	f("https://b", "https://bhttps://b <https://b>", "https://bhttps://b <https://gw/api>")
}

// TestGatewayBase: the API's path, and its version where the path has it.
func TestGatewayBase(t *testing.T) {
	f := func(path, api, version, want string) {
		t.Helper()
		x := &Exchange{OriginalURL: &url.URL{Scheme: "https", Host: "gw", Path: path}, API: &site.API{Path: api, Version: version}}
		if got := x.gatewayBase().String(); got != want {
			t.Errorf("%s of %s %s: %s, want %s", path, api, version, got, want)
		}
	}
	f("/echo/x", "echo", "", "https://gw/echo")
	f("/echo/v1/x", "echo", "v1", "https://gw/echo/v1")
	f("/echo/v10/x", "echo", "v1", "https://gw/echo")
	f("/x", "", "", "https://gw")
}

// FuzzRedirected: after it no link to the address is left that it knows, and what
// is around links stays.
func FuzzRedirected(f *testing.F) {
	f.Add("https://b/v1/x", "https://b/v1")
	f.Add(`"https:\/\/B:443\/v1"`, "https://b/v1/")
	f.Fuzz(func(t *testing.T, in, from string) {
		u, err := url.Parse(from)
		if err != nil || u.Host == "" {
			return
		}
		out, n := redirected([]byte(in), u, "https://gw.invalid")
		if n == 0 && !bytes.Equal(out, []byte(in)) {
			t.Errorf("%q changed without a link to %q: %q", in, from, out)
		}
		if _, again := redirected(out, u, "https://gw.invalid"); again > 0 && u.Hostname() != "gw.invalid" {
			t.Errorf("%q keeps a link to %q: %q", in, from, out)
		}
	})
}
