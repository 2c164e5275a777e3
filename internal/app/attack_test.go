package app

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestUpgradeUnasked: a backend that changes the protocol by itself does not
// get a tunnel to the caller, in which nothing would be looked at.
func TestUpgradeUnasked(t *testing.T) {
	var tunnelled atomic.Int64
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\n")
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if n, _ := rw.Read(make([]byte, 100)); n > 0 {
			tunnelled.Add(int64(n))
		}
	}), nil).start(t)
	for name, head := range map[string]string{
		"no upgrade asked":     "",
		"another one asked":    "Connection: Upgrade\r\nUpgrade: evil\r\n",
		"a WebSocket was":      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"HTTP/2 settings were": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			config := g.client.Transport.(*http.Transport).TLSClientConfig.Clone()
			config.ServerName = "localhost"
			conn, err := tls.Dial("tcp", g.Addrs()[0].String(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "GET /openai/x HTTP/1.1\r\nHost: localhost\r\nOcp-Apim-Subscription-Key: %s\r\n%s\r\n", teamKey, head)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != http.StatusBadGateway && answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s", answer.Status)
			}
			io.WriteString(conn, "DELETE /anything HTTP/1.1\r\nHost: localhost\r\n\r\n")
		})
	}
	if n := tunnelled.Load(); n != 0 {
		t.Errorf("%d bytes of callers reached the backend past the gateway", n)
	}
}

// TestTwoReadings: what two servers could read as two operations, and so pass
// unscanned, is refused.
func TestTwoReadings(t *testing.T) {
	var heard atomic.Int64
	s := newSite(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }), map[string]string{
		"apim/apis/openai/specification.yaml": strings.Replace(wildcardSpecification, "    delete:", "    patch: {operationId: patch, responses: {\"200\": {description: ok}}}\n    delete:", 1),
	})
	g := s.start(t)
	const twice = `{"model":"a","model":"b"}`
	for _, tt := range []struct{ method, path string }{
		{"POST", "/openai/deployments/gpt%2Fchat%2Fcompletions"},
		{"POST", "/openai/deployments/a%2fchat/completions"},
		{"POST", "/openai/deployments/gpt%2F4o/chat/completions"}, // one reading, and its body has two
		{"post", "/openai/deployments/d/chat/completions"},
		{"Post", "/openai/deployments/d/chat/completions"},
		{"POST", "/OPENAI/deployments/d/CHAT/completions"},
		{"POST", "/openai/deployments/d/chat/completions/"},
		{"POST", "/openai/V1/chat/completions"},
	} {
		resp, body := g.do(t, tt.method, tt.path, twice, nil)
		if resp.StatusCode != 400 && resp.StatusCode != 404 {
			t.Errorf("%s %s: %s %s", tt.method, tt.path, resp.Status, body)
		}
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("the backend heard %d requests", n)
	}
	resp, body := g.do(t, "POST", "/openai/deployments/gpt%2F4o/chat/completions", `{"model":"a"}`, nil)
	if resp.StatusCode != 200 {
		t.Errorf("a deployment with a slash: %s %s", resp.Status, body)
	}
}

// TestAppendedCredential: a policy that adds to a header of the caller's does
// not carry the caller's value along.
func TestAppendedCredential(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), map[string]string{
		"apim/policy.xml": `<policies><inbound>
<set-header name="Authorization" exists-action="append"><value>Basic eA==</value></set-header>
<set-header name="Api-Key" exists-action="skip"><value>mine</value></set-header>
</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`,
	}).start(t)
	const token, foreign = "aaaaaaaaaaaaaaaa.bbbb.cccc", "a key for somebody else"
	resp, body := g.do(t, "GET", "/openai/x", "", http.Header{"Authorization": {"Bearer " + token}, "Api-Key": {foreign}})
	if resp.StatusCode == 200 && (strings.Contains(body, token) || strings.Contains(body, foreign)) {
		t.Errorf("went out: %s", body)
	}
	// Nothing of the caller's: what the policy says goes out.
	resp, body = g.do(t, "GET", "/openai/x", "", nil)
	if e := decodeEcho(t, body); resp.StatusCode != 200 || e.Header.Get("Authorization") != "Basic eA==" || e.Header.Get("Api-Key") != "mine" {
		t.Errorf("%s %s", resp.Status, body)
	}
}

// TestLegibleAnswers: a model is asked for an answer that can be counted;
// other APIs are left alone.
func TestLegibleAnswers(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), nil).start(t)
	gzip := http.Header{"Accept-Encoding": {"gzip"}}
	for path, want := range map[string]string{
		"/openai/deployments/d/chat/completions": "identity", "/openai/elsewhere": "gzip",
	} {
		_, body := g.do(t, "POST", path, `{"model":"a"}`, gzip)
		if got := decodeEcho(t, body).Header.Get("Accept-Encoding"); got != want {
			t.Errorf("%s: Accept-Encoding %q, want %q", path, got, want)
		}
	}
}

// TestEarlyAnswer: a backend that refuses an upload is heard at once, while the
// caller is still sending.
func TestEarlyAnswer(t *testing.T) {
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else net/http waits for the body before it lets the answer go.
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusTeapot)
	}), nil).start(t)
	body, more := io.Pipe()
	defer more.Close()
	go io.WriteString(more, "the beginning")
	req, _ := http.NewRequestWithContext(t.Context(), "POST", g.url+"/openai/upload", body)
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	began := time.Now()
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if took := time.Since(began); resp.StatusCode != http.StatusTeapot || took > 5*time.Second {
		t.Errorf("%s after %v", resp.Status, took)
	}
}

// failingSink is an access log on a full disk.
type failingSink struct{ full atomic.Bool }

func (f *failingSink) Write(p []byte) (int, error) {
	if f.full.Load() {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

// TestRecordsFull: while records cannot be written, requests are answered 503
// in good time, not held; when they can, all goes on.
func TestRecordsFull(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), nil)
	sink := &failingSink{}
	p, problems, err := Start(t.Context(), Options{Dir: s.dir, Stdout: sink})
	if err != nil || problems.HasErrors() {
		t.Fatal(err, problems.Err())
	}
	defer p.Shutdown(context.Background())
	g := &running{Process: p, client: s.clientFor(t, p, false), url: "https://localhost:" + fmt.Sprint(p.Addrs()[0].Port())}
	sink.full.Store(true)
	long := "/openai/" + strings.Repeat("x", 2000)
	began := time.Now()
	refused := false
	for i := 0; i < 5000 && !refused; i++ {
		resp, _ := g.do(t, "GET", long, "", anonymous)
		refused = resp.StatusCode == http.StatusServiceUnavailable
	}
	if !refused {
		t.Fatal("no request was refused while records pile up")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := p.notReady(); err == nil {
		t.Error("ready without records")
	}
	sink.full.Store(false)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if resp, _ := g.do(t, "GET", "/openai/x", "", nil); resp.StatusCode == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("still refused with a good sink")
		}
	}
}

// TestListenerElsewhere: an interface that this machine does not have is an
// error where the site is served, and a warning where it is only checked.
func TestListenerElsewhere(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), nil)
	s.write(t, "cloister.yaml", strings.Replace(s.config(""), "address: 127.0.0.1, port: 0", "address: nosuch0, port: 0", 1))
	r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
	if err != nil || !r.OK || len(r.Problems) != 1 || r.Problems[0].Code != "listener" || r.Problems[0].Line == 0 {
		t.Errorf("check: %v %v %v", err, r.OK, r.Problems)
	}
	p, problems, err := Start(t.Context(), Options{Dir: s.dir})
	if p != nil || err != nil || !problems.HasErrors() {
		t.Errorf("start: %v %v", problems, err)
	}
}
