package app

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden: the answers of API Management, heads and bodies byte for byte.
// What differs from answer to answer is replaced by its name.
func TestGolden(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
			}
			return
		}
		io.WriteString(w, "ok")
	}), map[string]string{
		"keys/suspended": strings.Repeat("s", 32),
		"keys/scoped":    strings.Repeat("c", 32),
		"apim/apis/openai/operations/slow/policy.xml": `<policies><inbound><base /></inbound><backend><forward-request timeout="1" /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
		"apim/apis/openai/specification.yaml": `openapi: 3.0.1
info: {title: OpenAI, version: "1"}
paths:
  /models: {get: {operationId: models, responses: {"200": {description: ok}}}}
  /slow: {get: {operationId: slow, responses: {"200": {description: ok}}}}
  /down: {get: {operationId: down, responses: {"200": {description: ok}}}}
  /header: {get: {operationId: header, responses: {"200": {description: ok}}}}
`,
		"apim/apis/openai/operations/down/policy.xml":   onlyInbound(`<set-backend-service backend-id="down" />`),
		"apim/apis/openai/operations/header/policy.xml": onlyInbound(`<check-header name="X-Tenant" failed-check-httpcode="403" failed-check-error-message="Not your tenant" ignore-case="false"><value>a</value></check-header>`),
		"apim/apis/custom/apiInformation.json":          `{"properties":{"displayName":"Custom","path":"custom/v2","protocols":["https"],"subscriptionRequired":true,"subscriptionKeyParameterNames":{"header":"api-key","query":"key"}}}`,
		"apim/apis/custom/specification.yaml":           wildcardSpecification,
		"apim/apis/nobody/apiInformation.json":          `{"properties":{"displayName":"Nobody","path":"nobody","protocols":["https"],"subscriptionRequired":false}}`,
		"apim/apis/nobody/specification.yaml":           wildcardSpecification,
		"apim/apis/tokens/apiInformation.json":          `{"properties":{"displayName":"Tokens","path":"tokens","protocols":["https"],"subscriptionRequired":false}}`,
		"apim/apis/tokens/specification.yaml":           wildcardSpecification,
	})
	down := closedPort(t)
	config := s.config(`callers: {apis: {tokens: [token]}}
`)
	config = strings.Replace(config, "subscriptions:\n", `subscriptions:
- {name: asleep, scope: /apis, state: suspended, primaryKey: {file: keys/suspended}}
- {name: elsewhere, scope: /apis/custom, primaryKey: {file: keys/scoped}}
`, 1)
	config = strings.Replace(config, "  model: [", "  model: [{host: 127.0.0.1, port: "+down+"}, ", 1)
	config = strings.Replace(config, "backends:\n", "backends:\n  down: {url: \"https://127.0.0.1:"+down+"\", caFile: tls/backend.pem, credential: {none: true}}\n", 1)
	s.write(t, "cloister.yaml", config)
	g := s.start(t)

	for name, request := range map[string]string{
		"key-missing":        "GET /openai/models",
		"key-invalid":        "GET /openai/models\nOcp-Apim-Subscription-Key: 00000000000000000000000000000000",
		"key-suspended":      "GET /openai/models\nOcp-Apim-Subscription-Key: " + strings.Repeat("s", 32),
		"key-of-other-api":   "GET /openai/models\nOcp-Apim-Subscription-Key: " + strings.Repeat("c", 32),
		"key-missing-custom": "GET /custom/v2/x",
		"key-invalid-custom": "GET /custom/v2/x?key=00000000000000000000000000000000",
		"no-api":             "GET /nothing/here",
		"no-operation":       "GET /openai/nothing\nOcp-Apim-Subscription-Key: " + teamKey,
		"no-method":          "PUT /openai/models\nOcp-Apim-Subscription-Key: " + teamKey,
		"backend-down":       "GET /openai/down\nOcp-Apim-Subscription-Key: " + teamKey,
		"backend-timeout":    "GET /openai/slow\nOcp-Apim-Subscription-Key: " + teamKey,
		"check-header":       "GET /openai/header\nOcp-Apim-Subscription-Key: " + teamKey,
		"nobody-may-call":    "GET /nobody/x\nOcp-Apim-Subscription-Key: " + teamKey,
		"token-missing":      "GET /tokens/x",
		"token-invalid":      "GET /tokens/x\nAuthorization: Bearer a.b.c",
		"key-twice":          "GET /openai/models?subscription-key=x\nOcp-Apim-Subscription-Key: y",
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".http", normalised(g.raw(t, request)))
		})
	}
}

// golden compares an answer with a file of testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// closedPort is a port of loopback where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

func onlyInbound(policies string) string {
	return "<policies><inbound><base />" + policies + "</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
}

// raw sends a request and returns the answer's bytes as they came. After an empty
// line stands a body.
func (r *running) raw(t *testing.T, request string) string {
	t.Helper()
	config := r.client.Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName, config.NextProtos = "localhost", nil
	conn, err := tls.Dial("tcp", r.Addrs()[0].String(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	request, body, hasBody := strings.Cut(request, "\n\n")
	line, fields, _ := strings.Cut(request, "\n")
	head := line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	for field := range strings.SplitSeq(fields, "\n") {
		if field != "" {
			head += field + "\r\n"
		}
	}
	if hasBody {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	io.WriteString(conn, head+"\r\n"+body)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

var (
	dateField = regexp.MustCompile(`(?m)^Date: .*\r$`)
	uuid      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
)

// normalised replaces what no golden file can know and shows CR as nothing:
// that lines end in CRLF is the front's test.
func normalised(answer string) string {
	answer = dateField.ReplaceAllString(answer, "Date: DATE\r")
	answer = uuid.ReplaceAllString(answer, "UUID")
	return strings.ReplaceAll(answer, "\r\n", "\n")
}
