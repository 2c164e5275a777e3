package e2e

import (
	"bufio"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// attempt is one way to try the door: the bytes of a request over HTTP/1.1, or
// a request over HTTP/2.
type attempt struct {
	name string
	// line is method, target; fields are header lines, without Host and
	// Connection, which are added unless raw is set.
	line   string
	fields []string
	body   string
	// raw: line and fields are the whole head.
	raw bool
	h2  bool
	// refusedBy: statuses that may come. Empty: 401, 403 or 404, which is what
	// whoever can be understood gets.
	refusedBy []int
}

// parses reports whether the request is one that the gateway understands.
func (a *attempt) parses() bool { return len(a.refusedBy) == 0 }

const (
	guess = "0123456789abcdef0123456789abcdef"
	chat  = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
	hello = `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`
)

func post(name, target string, fields ...string) attempt {
	return attempt{name: name, line: "POST " + target, fields: append(fields, "Content-Type: application/json"), body: hello}
}

func get(name, target string, fields ...string) attempt {
	return attempt{name: name, line: "GET " + target, fields: fields}
}

func keyAttempts() []attempt {
	return []attempt{
		post("no key", chat),
		post("empty key", chat, "api-key: "),
		post("wrong key", chat, "api-key: "+guess),
		post("key of zeros", chat, "api-key: "+strings.Repeat("0", 32)),
		post("the subscription's name as key", chat, "api-key: team-a"),
		post("built-in subscription's name as key", chat, "api-key: master"),
		post("key in Azure's header", chat, "Ocp-Apim-Subscription-Key: "+guess),
		post("key in x-api-key", chat, "x-api-key: "+guess),
		post("key in the query", chat+"&subscription-key="+guess),
		post("key in api-key of the query", chat+"&api-key="+guess),
		post("key as bearer on Azure's surface", chat, "Authorization: Bearer "+guess),
		post("key as bearer on v1", "/openai/v1/chat/completions", "Authorization: Bearer "+guess),
		post("key as basic credential", chat, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("admin:admin"))),
		post("key in a cookie", chat, "Cookie: api-key="+guess),
		post("key in a proxy's field", chat, "Proxy-Authorization: Bearer "+guess),
		post("proxy names a caller", chat, "X-Forwarded-For: 127.0.0.1", "X-Forwarded-User: admin", "X-Ms-Client-Principal-Name: admin"),
		post("client certificate in a header", chat, "X-Arr-Clientcert: "+guess, "X-Forwarded-Client-Cert: Subject=admin"),
	}
}

func tokenAttempts(t *testing.T) []attempt {
	claims := map[string]any{
		"iss": "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0", "ver": "2.0",
		"aud": "00000000-0000-0000-0000-000000000000", "oid": "00000000-0000-0000-0000-000000000000",
		"sub": "00000000-0000-0000-0000-000000000000", "tid": "00000000-0000-0000-0000-000000000000",
		"azp": "00000000-0000-0000-0000-000000000000", "roles": []string{"admin"},
		"iat": time.Now().Unix(), "nbf": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	bearer := func(raw string) string { return "Authorization: Bearer " + raw }
	none := forged(t, `{"typ":"JWT","alg":"none"}`, claims, func([]byte) []byte { return nil })
	hs256 := forged(t, `{"typ":"JWT","alg":"HS256","kid":"1"}`, claims, func(b []byte) []byte {
		mac := hmac.New(sha256.New, []byte(guess))
		mac.Write(b)
		return mac.Sum(nil)
	})
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rs256 := forged(t, `{"typ":"JWT","alg":"RS256","kid":"1","jku":"https://127.0.0.1/keys"}`, claims, func(b []byte) []byte {
		digest := sha256.Sum256(b)
		sig, err := rsa.SignPKCS1v15(rand.Reader, own, crypto.SHA256, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return sig
	})
	return []attempt{
		post("token, algorithm none", chat, bearer(none)),
		post("token, signed with a guessed secret", chat, bearer(hs256)),
		post("token, signed with a key of its own", chat, bearer(rs256)),
		post("token on v1, algorithm none", "/openai/v1/chat/completions", bearer(none)),
		post("token on v1, signed with a key of its own", "/openai/v1/responses", bearer(rs256)),
		post("token as key", chat, "api-key: "+rs256),
		post("token in the query", chat+"&access_token="+rs256),
		{name: "HTTP/2: token, signed with a key of its own", line: "POST " + chat, fields: []string{bearer(rs256)}, body: hello, h2: true},
	}
}

// forged is a token whose signature is sign's.
func forged(t *testing.T, header string, claims map[string]any, sign func([]byte) []byte) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString(payload)
	return signed + "." + enc.EncodeToString(sign([]byte(signed)))
}

func methodAttempts() []attempt {
	var out []attempt
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "BREW"} {
		out = append(out, attempt{name: "method " + method, line: method + " " + chat})
	}
	refusedMethod := []int{405, 400, 501}
	return append(out,
		attempt{name: "method in another case", line: "post " + chat, refusedBy: []int{400}},
		attempt{name: "method TRACE", line: "TRACE " + chat, refusedBy: refusedMethod},
		attempt{name: "method CONNECT", line: "CONNECT localhost:443", refusedBy: refusedMethod},
		get("method override", chat, "X-HTTP-Method-Override: POST", "X-Method-Override: POST"),
		attempt{name: "preflight", line: "OPTIONS " + chat, fields: []string{"Origin: https://app.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: api-key"}},
		attempt{name: "preflight of everything", line: "OPTIONS /openai/v1/models", fields: []string{"Origin: null", "Access-Control-Request-Method: GET"}},
		attempt{name: "OPTIONS *", line: "OPTIONS *", refusedBy: []int{400, 404}},
	)
}

func pathAttempts() []attempt {
	bad := []int{400}
	return []attempt{
		get("root", "/"),
		get("models", "/openai/models?api-version=2024-10-21"),
		get("models on v1", "/openai/v1/models"),
		post("embeddings", "/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21"),
		post("completions on v1", "/openai/v1/completions"),
		post("responses", "/openai/responses?api-version=2025-03-01-preview"),
		post("responses on v1", "/openai/v1/responses"),
		post("v1 without openai", "/v1/chat/completions"),
		post("upper case", "/OPENAI/Deployments/gpt-4o/Chat/Completions"),
		post("slash at the end", "/openai/deployments/gpt-4o/chat/completions/"),
		post("escaped letters", "/%6fpenai/deployments/gpt-4o/chat/completions"),
		post("revision", "/openai;rev=1/deployments/gpt-4o/chat/completions"),
		post("revision that is none", "/openai;rev=99/deployments/gpt-4o/chat/completions"),
		post("version", "/openai/v2/deployments/gpt-4o/chat/completions"),
		post("no version", "/openai/deployments/gpt-4o/chat/completions"),
		post("two versions", chat+"&api-version=2025-01-01"),
		get("operator's paths", "/metrics"),
		get("administration", "/admin/reload"),
		get("signature of API Management", "/internal-status-0123456789abcdef"),
		get("probes on the callers' listener", "/readyz"),
		attempt{name: "two slashes", line: "POST //openai/deployments/gpt-4o/chat/completions", body: hello, refusedBy: []int{400, 401, 404}},
		attempt{name: "dots", line: "POST /openai/../openai/v1/chat/completions", body: hello, refusedBy: bad},
		attempt{name: "escaped dots", line: "POST /openai/%2e%2e/openai/v1/chat/completions", body: hello, refusedBy: bad},
		attempt{name: "escaped slash", line: "POST /openai%2fv1/chat/completions", body: hello, refusedBy: []int{400, 404}},
		attempt{name: "escaped NUL", line: "POST /openai/v1/chat%00/completions", body: hello, refusedBy: bad},
		attempt{name: "backslash", line: `POST /openai\v1\chat\completions`, body: hello, refusedBy: []int{400, 404}},
		attempt{name: "matrix parameter", line: "POST /openai/v1;x=y/chat/completions", body: hello, refusedBy: []int{400, 401, 404}},
		attempt{name: "broken escape", line: "POST /openai/%zz", body: hello, refusedBy: bad},
	}
}

func connectionAttempts() []attempt {
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="}
	realtime := "/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-4o-realtime"
	head := func(name, line string, refusedBy []int, fields ...string) attempt {
		return attempt{name: name, line: line, fields: fields, raw: true, refusedBy: refusedBy}
	}
	misdirected := []int{421}
	return []attempt{
		head("WebSocket without a key", "GET "+realtime+" HTTP/1.1", nil, append(upgrade, "Host: localhost")...),
		head("WebSocket, key as subprotocol", "GET "+realtime+" HTTP/1.1", nil, append(upgrade, "Host: localhost", "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key."+guess)...),
		head("WebSocket on v1, key as bearer", "GET /openai/v1/realtime?model=gpt-4o-realtime HTTP/1.1", nil, append(upgrade, "Host: localhost", "Authorization: Bearer "+guess)...),
		head("upgrade to HTTP/2 in clear", "GET "+chat+" HTTP/1.1", []int{400, 401, 404}, "Host: localhost", "Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
		head("absolute form", "POST https://localhost"+chat+" HTTP/1.1", []int{400, 401, 404}, "Host: localhost", "Content-Length: 0", "Connection: close"),
		head("absolute form of another host", "POST https://contoso.openai.azure.com"+chat+" HTTP/1.1", []int{400, 421}, "Host: localhost", "Content-Length: 0", "Connection: close"),
		head("another Host", "POST "+chat+" HTTP/1.1", misdirected, "Host: contoso.openai.azure.com", "Content-Length: 0", "Connection: close"),
		head("the backend's Host", "POST "+chat+" HTTP/1.1", misdirected, "Host: 127.0.0.2", "Content-Length: 0", "Connection: close"),
		head("no Host", "POST "+chat+" HTTP/1.1", []int{400}, "Content-Length: 0", "Connection: close"),
		head("two Hosts", "POST "+chat+" HTTP/1.1", []int{400}, "Host: localhost", "Host: localhost", "Content-Length: 0", "Connection: close"),
		head("HTTP/1.0", "POST "+chat+" HTTP/1.0", []int{400, 401, 505}, "Host: localhost", "Content-Length: 0"),
		head("two lengths", "POST "+chat+" HTTP/1.1", []int{400}, "Host: localhost", "Content-Length: 0", "Content-Length: 5", "Connection: close"),
		head("length and chunks", "POST "+chat+" HTTP/1.1", []int{400}, "Host: localhost", "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close"),
		{name: "HTTP/2: no key", line: "POST " + chat, body: hello, h2: true},
		{name: "HTTP/2: wrong key", line: "POST " + chat, fields: []string{"api-key: " + guess}, body: hello, h2: true},
		{name: "HTTP/2: key as bearer on v1", line: "POST /openai/v1/chat/completions", fields: []string{"Authorization: Bearer " + guess}, body: hello, h2: true},
		{name: "HTTP/2: preflight", line: "OPTIONS " + chat, fields: []string{"Origin: https://app.example", "Access-Control-Request-Method: POST"}, h2: true},
		{name: "HTTP/2: no operation", line: "DELETE /openai/v1/models", h2: true},
	}
}

// TestClosed: a site from init, with nothing added, lets nobody in. Every
// attempt is refused, and its backend sees no byte and no connection.
func TestClosed(t *testing.T) {
	s := serveInit(t)
	var attempts []attempt
	for _, more := range [][]attempt{keyAttempts(), tokenAttempts(t), methodAttempts(), pathAttempts(), connectionAttempts()} {
		attempts = append(attempts, more...)
	}
	understood := 0
	by := map[int]int{}
	for _, a := range attempts {
		t.Run(a.name, func(t *testing.T) {
			status := s.try(t, &a)
			by[status]++
			if a.parses() {
				understood++
				if status != 401 && status != 403 && status != 404 {
					t.Errorf("answered %d, want 401, 403 or 404", status)
				}
				return
			}
			for _, want := range a.refusedBy {
				if status == want {
					return
				}
			}
			t.Errorf("answered %d, want one of %v", status, a.refusedBy)
		})
	}
	if understood < 40 {
		t.Errorf("only %d attempts that can be understood, want 40", understood)
	}
	s.tryWithoutTLS(t)
	s.tryNames(t)
	if n, b := s.backend.connections.Load(), s.backend.bytes.Load(); n != 0 || b != 0 {
		t.Errorf("the backend saw %d connections and %d bytes", n, b)
	}
	t.Logf("%d attempts, %d that parse; answers by status: %v", len(attempts), understood, by)
	s.checkRecords(t, by[401]+by[403])
}

// checkRecords ends the gateway: every request that reached an API left one
// record, and none tells what it was tried with.
func (s *served) checkRecords(t *testing.T, want int) {
	t.Helper()
	out := s.stop(t)
	if got := strings.Count(out, `"msg":"request"`); got != want {
		t.Errorf("%d access records, want %d", got, want)
	}
	if strings.Contains(out, `"decision":"allow"`) || strings.Contains(out, guess) || strings.Contains(out, "eyJ") {
		t.Error("a record allows, or holds a key or a token")
	}
}

// try makes one attempt and returns the status of the answer.
func (s *served) try(t *testing.T, a *attempt) int {
	t.Helper()
	if a.h2 {
		return s.tryHTTP2(t, a)
	}
	conn, err := tls.Dial("tcp", s.addr, s.tlsFor("localhost", "http/1.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fields := a.fields
	line := a.line
	if !a.raw {
		line += " HTTP/1.1"
		fields = append(fields, "Host: localhost", "Connection: close", fmt.Sprintf("Content-Length: %d", len(a.body)))
	}
	io.WriteString(conn, line+"\r\n"+strings.Join(fields, "\r\n")+"\r\n\r\n"+a.body)
	method, _, _ := strings.Cut(line, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if strings.Contains(string(body), guess) || strings.Contains(string(body), "the backend was reached") {
		t.Errorf("the answer tells what it should not: %s", body)
	}
	return resp.StatusCode
}

func (s *served) tlsFor(name, protocol string) *tls.Config {
	return &tls.Config{RootCAs: s.roots, ServerName: name, NextProtos: []string{protocol}}
}

func (s *served) tryHTTP2(t *testing.T, a *attempt) int {
	t.Helper()
	method, target, _ := strings.Cut(a.line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "https://localhost"+target, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	tr := &http.Transport{TLSClientConfig: s.tlsFor("localhost", "h2"), ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	tr.DialContext = (&redirected{s.addr}).dial
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("spoke %s", resp.Proto)
	}
	return resp.StatusCode
}

// tryWithoutTLS: whoever does not speak TLS is told so, if anything.
func (s *served) tryWithoutTLS(t *testing.T) {
	t.Helper()
	for _, hello := range []string{
		"GET /openai/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n",
	} {
		conn, err := net.DialTimeout("tcp", s.addr, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, hello)
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if strings.HasPrefix(string(answer), "HTTP/") && !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("without TLS %q was answered %q", hello, answer)
		}
	}
}

// tryNames: names that are not the site's end the handshake.
func (s *served) tryNames(t *testing.T) {
	t.Helper()
	for _, name := range []string{"contoso.openai.azure.com", "localhost.example", "xn--localhost"} {
		config := s.tlsFor(name, "http/1.1")
		config.InsecureSkipVerify = true
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", s.addr, config)
		if err == nil {
			conn.Close()
			t.Errorf("TLS for %s was made", name)
		}
	}
}
