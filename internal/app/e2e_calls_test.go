package app

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// callsSite is a site whose policies may call a service on loopback.
func callsSite(t *testing.T, service http.Handler, policy string) (s *testSite, at string) {
	t.Helper()
	s = newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, r.Header.Get("X-State")+" "+string(body))
	}), nil)
	other, port := server(t, service)
	s.write(t, "cloister.yaml", with(s.config(""), [2]string{"destinations", "  call: [{host: 127.0.0.1, port: " + port + ", caFile: tls/backend.pem}]"}))
	s.write(t, "apim/apis/openai/policy.xml", strings.ReplaceAll(policy, "SERVICE", other.URL))
	return s, other.URL
}

// TestCallsOfPolicies: send-request goes out with what the policy says and the
// copy without the caller's key; what is not listed is refused; the answer is
// a value; what goes on in the background arrives.
func TestCallsOfPolicies(t *testing.T) {
	var mu sync.Mutex
	var got []string
	s, at := callsSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Ocp-Apim-Subscription-Key")+" "+string(body))
		mu.Unlock()
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		if r.URL.Path == "/large" {
			w.Write(make([]byte, 9<<20))
		}
		w.Header().Set("X-From", "service")
		io.WriteString(w, "state of "+string(body))
	}), `<policies>
  <inbound>
    <base />
    <send-request mode="copy" response-variable-name="a" timeout="10">
      <set-url>SERVICE/copy</set-url>
    </send-request>
    <send-request mode="new" response-variable-name="b" timeout="10" ignore-error="true">
      <set-url>@(context.Request.Headers.GetValueOrDefault("X-To", "SERVICE/moved"))</set-url>
      <set-method>GET</set-method>
    </send-request>
    <send-one-way-request mode="new">
      <set-url>SERVICE/background</set-url>
      <set-method>POST</set-method>
      <set-body>later</set-body>
    </send-one-way-request>
    <set-header name="X-State"><value>@(((IResponse)context.Variables["a"]).Body.As<string>() + "," + (context.Variables["b"] == null ? "null" : ((IResponse)context.Variables["b"]).StatusCode.ToString()))</value></set-header>
  </inbound>
</policies>`)
	g := s.start(t)
	resp, body := g.do(t, "POST", "/openai/x", "hello", nil)
	if want := "state of hello,302 hello"; resp.StatusCode != 200 || body != want {
		t.Errorf("%s %q, want %q", resp.Status, body, want)
	}
	has := func(line string) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, l := range got {
			if l == line {
				return true
			}
		}
		return false
	}
	eventually(t, "the request in the background", func() bool { return has("POST /background  later") })
	if !has("POST /copy  hello") || !has("GET /moved  ") || has("GET /elsewhere  ") {
		t.Errorf("%q", got)
	}
	for to, want := range map[string]string{
		"https://127.0.0.1:1/":                   "not-listed",
		"https://evil.example/":                  "not-listed",
		at + "/large":                            "larger than 8 MiB",
		"https://169.254.169.254/metadata/token": "not-listed",
	} {
		_, body := g.do(t, "POST", "/openai/x", "hello", http.Header{"X-To": {to}})
		if body != "state of hello,null hello" {
			t.Errorf("%s: %q", to, body)
		}
		var records []map[string]any
		eventually(t, "the record of "+to, func() bool {
			records = g.accessRecords(t)
			if len(records) == 0 {
				return false
			}
			notes, _ := records[len(records)-1]["notes"].([]any)
			return len(notes) == 1 && strings.Contains(notes[0].(string), want)
		})
	}
}

// TestCallsThatTheSiteDoesNotList: a URL that is written and not listed is a
// problem of the site, with its place.
func TestCallsThatTheSiteDoesNotList(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), map[string]string{"apim/apis/openai/policy.xml": `<policies>
  <inbound>
    <send-request mode="new" response-variable-name="a">
      <set-url>https://elsewhere.example/x</set-url>
      <set-method>GET</set-method>
    </send-request>
  </inbound>
</policies>`})
	_, problems, err := Start(t.Context(), Options{Dir: s.dir, Stdout: io.Discard, Stderr: io.Discard})
	if err != nil || !problems.HasErrors() {
		t.Fatal(problems, err)
	}
	text := problems.Err().Error()
	if !strings.Contains(text, "policy.xml:4:16") || !strings.Contains(text, "elsewhere.example") || !strings.Contains(text, "destinations.call") {
		t.Error(text)
	}
}

// TestCallsEnd: what waits in the background is sent before the process ends,
// and nothing waits for longer than that.
func TestCallsEnd(t *testing.T) {
	var mu sync.Mutex
	n := 0
	s, _ := callsSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		n++
		mu.Unlock()
	}), `<policies>
  <inbound>
    <send-one-way-request mode="new"><set-url>SERVICE/</set-url><set-method>GET</set-method></send-one-way-request>
    <return-response />
  </inbound>
</policies>`)
	g := s.start(t)
	for range 40 {
		g.do(t, "GET", "/openai/x", "", nil)
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if n != 40 {
		t.Errorf("%d of 40 requests arrived", n)
	}
}

// TestCallsWithCertificate: a call shows the certificate that its policy names,
// over a connection that no other call uses.
func TestCallsWithCertificate(t *testing.T) {
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strconv.Itoa(len(r.TLS.PeerCertificates)))
	}))
	service.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	service.StartTLS()
	t.Cleanup(service.Close)
	at, err := url.Parse(service.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, http.HandlerFunc(echo), nil)
	s.write(t, "cloister.yaml", with(s.config(""), [2]string{"destinations", "  call: [{host: 127.0.0.1, port: " + at.Port() + ", caFile: tls/backend.pem}]"}))
	g := s.start(t)
	for i, want := range []string{"1", "0", "1"} {
		r := &policy.CallRequest{Method: "GET", URL: at}
		if want == "1" {
			r.Certificate = &service.TLS.Certificates[0]
		}
		resp, err := g.calls.Call(t.Context(), r)
		if err != nil || string(resp.Body) != want {
			t.Errorf("call %d: %+v %v, want %s certificates", i, resp, err, want)
		}
	}
}
