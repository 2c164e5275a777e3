package secret

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzChallenge: what passes is for the vault's own domain, and names its tenant
// in the way that the SDK takes apart without looking.
func FuzzChallenge(f *testing.F) {
	for _, header := range []string{
		`Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"`,
		`Bearer authorization=https://login.microsoftonline.com/t scope=https://vault.azure.net/.default`,
		`Bearer resource="https://vault.azure.net", resource="https://elsewhere.example"`,
		`Bearer authorization="x", authorization="https://a/b"`, `Bearer resource="https://net"`, "Basic",
	} {
		f.Add(header, "kv.vault.azure.net")
	}
	f.Add(`Bearer resource="https://1"`, "127.0.0.1:8443")
	check := newTransport(&http.Client{Transport: http.NewFileTransport(nil)}, false)
	f.Fuzz(func(t *testing.T, header, host string) {
		if check.checkChallenge(&url.URL{Scheme: "https", Host: host}, header) != nil {
			return
		}
		fields := challengeFields(header)
		if a := fields["authorization"]; a != "" && len(strings.Split(a, "/")) < 4 {
			t.Errorf("%q has the authority %q", header, a)
		}
		wanted := fields["scope"]
		if wanted == "" {
			wanted = fields["resource"]
		}
		u, err := url.Parse(wanted)
		if err != nil || u.Host == "" || !strings.HasSuffix(host, "."+u.Host) {
			t.Errorf("%q of %q is for %q", header, host, wanted)
		}
	})
}

// TestDevelopmentChallenges: in development a vault on loopback may want any
// token, and no other may.
func TestDevelopmentChallenges(t *testing.T) {
	const challenge = `Bearer authorization="https://127.0.0.1:8443/t", resource="https://vault.azure.net"`
	for host, want := range map[string]bool{
		"127.0.0.1:8443": true, "[::1]:8443": true, "localhost:8443": false, "10.0.0.4": false, "kv.vault.azure.net": true, "kv.example": false,
	} {
		dev := newTransport(&http.Client{Transport: http.NewFileTransport(nil)}, true)
		if err := dev.checkChallenge(&url.URL{Scheme: "https", Host: host}, challenge); (err == nil) != want {
			t.Errorf("%s in development: %v", host, err)
		}
		strict := newTransport(&http.Client{Transport: http.NewFileTransport(nil)}, false)
		if err := strict.checkChallenge(&url.URL{Scheme: "https", Host: host}, challenge); (err == nil) != (host == "kv.vault.azure.net") {
			t.Errorf("%s: %v", host, err)
		}
	}
}
