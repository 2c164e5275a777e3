package lab

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

func program(t testing.TB) string { return testenv.Binary(t) }

// insecure is for tests that look at something else than certificates.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// initSite is a site as "cloister init" writes it.
func initSite(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	if out, err := exec.Command(program(t), "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestNames(t *testing.T) {
	l := start(t, Options{Bare: true})
	for _, c := range [][3]string{
		{"app", "contoso.openai.azure.com", "contoso.openai.azure.com CNAME contoso.privatelink.openai.azure.com A 10.1.3.5"},
		{"gateway", "CONTOSO.openai.azure.com.", "contoso.openai.azure.com CNAME contoso.privatelink.openai.azure.com A 10.1.3.5"},
		{"internet", "contoso.openai.azure.com", "contoso.openai.azure.com CNAME contoso.privatelink.openai.azure.com A 198.51.100.10 AAAA 2001:db8:100::10"},
		{"app", "other.privatelink.openai.azure.com", "other.privatelink.openai.azure.com NXDOMAIN"},
		{"internet", "example.com", "example.com NXDOMAIN"},
	} {
		a, err := l.Ask(t.Context(), c[0], c[1])
		if err != nil || a.String() != c[2] {
			t.Errorf("%s asks for %s: %s, %v; want %s", c[0], c[1], a, err, c[2])
		}
	}
	// Nobody is answered at the resolver of the others.
	for from, to := range map[string]string{"app": "198.51.100.53:53", "internet": "168.63.129.16:53"} {
		seen, _, err := l.Dial(t.Context(), from, netip.MustParseAddrPort(to), "tcp", 100*time.Millisecond)
		if err != nil || seen != Silent {
			t.Errorf("%s to %s: %s, %v", from, to, seen, err)
		}
	}
}

// get asks a host's view of a URL's host at an address.
func get(t *testing.T, l *Lab, from, at, url string, header ...string) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return l.DialContext(from)(ctx, "tcp", at) },
		TLSClientConfig: insecure(), DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(text)
}

// TestArchitecture: the real gateway and the emulated model, each where it
// stands.
func TestArchitecture(t *testing.T) {
	begin := time.Now()
	l := start(t, Options{Site: initSite(t), Program: program(t)})
	t.Logf("up in %v", time.Since(begin))
	chat := `curl -sS --max-time 5 -w ' %{http_code}' -H "api-key: $CLOISTER_API_KEY" -H 'Content-Type: application/json' -d '{"messages":[{"role":"user","content":"Hello"}]}' `
	path := `/openai/deployments/$CLOISTER_DEPLOYMENT/chat/completions?api-version=2024-10-21"`
	if _, err := exec.LookPath("curl"); err != nil {
		testenv.Missing(t, "curl is not installed; run: sudo make deps")
	}
	if out, code := shell(t, l, "app", chat+`"$CLOISTER_URL`+path); code != 0 || !strings.HasSuffix(out, " 200") || !strings.Contains(out, "chat.completion") {
		t.Errorf("through the gateway: exit code %d\n%s", code, out)
	}
	if out, code := shell(t, l, "app", chat+`"https://contoso.openai.azure.com`+path); code != 28 {
		t.Errorf("past the gateway: exit code %d, where a time-out is 28\n%s", code, out)
	}
	if out, code := shell(t, l, "internet", chat+`"https://contoso.openai.azure.com`+path); code != 0 || !strings.HasSuffix(out, "Please configure private endpoint.\"}} 403") {
		t.Errorf("from outside: exit code %d\n%s", code, out)
	}
	if seen, rule, err := l.Dial(t.Context(), "app", netip.MustParseAddrPort("10.60.2.4:443"), "tcp", time.Second); seen != Open || rule != "gateway/AllowAppIn" || err != nil {
		t.Errorf("the gateway's port: %s by %s, %v", seen, rule, err)
	}
	// Instance metadata: an identity for the gateway alone.
	token := "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com"
	if status, text := get(t, l, "gateway", "169.254.169.254:80", token, "Metadata", "true"); status != 200 || !strings.Contains(text, `"access_token"`) {
		t.Errorf("the gateway's identity: %d %s", status, text)
	}
	if status, text := get(t, l, "app", "169.254.169.254:80", token, "Metadata", "true"); status != 400 || !strings.Contains(text, "Identity not found") {
		t.Errorf("another's identity: %d %s", status, text)
	}
	if status, _ := get(t, l, "gateway", "169.254.169.254:80", token); status != 400 {
		t.Errorf("without the header Metadata: %d", status)
	}
	// Who has the model's address, but no identity.
	if status, text := get(t, l, "gateway", "10.60.3.4:443", "https://contoso.openai.azure.com/openai/models?api-version=2024-10-21"); status != 401 {
		t.Errorf("the model without a credential: %d %s", status, text)
	}
}

// TestWithoutUserNamespace: root needs none.
func TestWithoutUserNamespace(t *testing.T) {
	testenv.NeedRoot(t)
	opt := Options{Site: "testdata/site", Bare: true}
	o := &outer{opt: opt, setup: setup{Nonce: nonce(), Site: absolute(t, "testdata/site")}}
	l, err := o.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if out, code := shell(t, l, "app", "hostname"); out != "app\n" || code != 0 {
		t.Errorf("%q, %d", out, code)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
