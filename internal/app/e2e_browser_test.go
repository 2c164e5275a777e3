package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// asks is a page that sends requests to another origin and writes down what its
// script may see of the answers.
const asks = `<!doctype html><title>asks</title><pre id="out"></pre><script>
const ask = async (name, path, init) => {
  try {
    const r = await fetch(%q + path, init);
    return [name, r.status + " " + (await r.text()) + " " + r.headers.get("X-Shown") + " " + r.headers.get("X-Hidden")];
  } catch (e) {
    return [name, "refused"];
  }
};
(async () => {
  const key = {"Ocp-Apim-Subscription-Key": %q};
  const all = await Promise.all([
    ask("get", "/openai/get", {headers: key}),
    ask("post", "/openai/post", {method: "POST", headers: {...key, "Content-Type": "application/json"}, body: "{}"}),
    ask("delete", "/openai/delete", {method: "DELETE", headers: key}),
    ask("header", "/openai/header", {headers: {...key, "X-Other": "1"}}),
    ask("credentials", "/openai/credentials", {headers: key, credentials: "include"}),
    ask("no key", "/openai/none", {headers: {}}),
    ask("no policy", "/closed/get", {headers: key}),
  ]);
  document.getElementById("out").textContent = JSON.stringify(Object.fromEntries(all));
})();
</script>`

// TestBrowser: a real browser sends what the cors policy allows, and its scripts
// see what it exposes; everything else the browser keeps from them.
func TestBrowser(t *testing.T) {
	chromium := testenv.Need(t, "chromium")
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Shown", "shown")
		w.Header().Set("X-Hidden", "hidden")
		fmt.Fprint(w, r.Method)
	}), nil)
	s.write(t, "apim/apis/closed/apiInformation.json", api("closed", `,"serviceUrl":"`+s.backend.URL+`/openai","subscriptionRequired":true`))
	s.write(t, "apim/apis/closed/specification.yaml", wildcardSpecification)
	page := func() (*httptest.Server, *string) {
		text := new(string)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, *text)
		}))
		t.Cleanup(srv.Close)
		return srv, text
	}
	friend, friendText := page()
	stranger, strangerText := page()
	s.write(t, "apim/apis/openai/policy.xml", `<policies><inbound>
  <cors allow-credentials="true">
    <allowed-origins><origin>`+friend.URL+`</origin></allowed-origins>
    <allowed-methods preflight-result-max-age="60"><method>GET</method><method>POST</method></allowed-methods>
    <allowed-headers><header>Ocp-Apim-Subscription-Key</header><header>Content-Type</header></allowed-headers>
    <expose-headers><header>X-Shown</header></expose-headers>
  </cors>
</inbound></policies>`)
	g := s.start(t)
	*friendText = fmt.Sprintf(asks, g.url, teamKey)
	*strangerText = *friendText
	for name, tt := range map[string]struct {
		from *httptest.Server
		want map[string]string
	}{
		"friend": {friend, map[string]string{
			"get": "200 GET shown null", "post": "200 POST shown null", "delete": "refused", "header": "refused",
			"credentials": "200 GET shown null", "no policy": "refused",
			// The frame refuses before policies run, so nothing allows the script to
			// read the 401, as in API Management.
			"no key": "refused",
		}},
		"stranger": {stranger, map[string]string{
			"get": "refused", "post": "refused", "delete": "refused", "header": "refused", "credentials": "refused", "no key": "refused", "no policy": "refused",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, browse(t, chromium, g, tt.from.URL)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// browse opens a page of [asks] and gives what its script wrote down. The browser
// trusts the gateway's certificate and connects to nobody but this machine.
func browse(t *testing.T, chromium string, g *running, url string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
		"--ignore-certificate-errors-spki-list="+pin(t, g), "--virtual-time-budget=20000", "--dump-dom", url)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	_, rest, _ := strings.Cut(string(out), `<pre id="out">`)
	text, _, _ := strings.Cut(rest, "</pre>")
	got := map[string]string{}
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &got); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, stderr.String())
	}
	return got
}

// pin is the digest of the gateway's public key, as the browser wants it.
func pin(t *testing.T, g *running) string {
	t.Helper()
	conn, err := tls.Dial("tcp", g.Addrs()[0].String(), &tls.Config{ServerName: "localhost", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	der, err := x509.MarshalPKIXPublicKey(conn.ConnectionState().PeerCertificates[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}
