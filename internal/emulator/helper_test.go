package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

const testKey = "0123456789abcdef0123456789abcdef"

// instant is the wall clock of tests that look at bytes.
func instant() time.Time { return time.Unix(1_700_000_000, 0) }

// noise is a source of the same "random" bytes every time.
func noise() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// serve starts an emulated resource.
func serve(t *testing.T, opt OpenAIOptions) (*OpenAI, *httptest.Server) {
	t.Helper()
	if opt.Keys == nil {
		opt.Keys = keys(testKey)
	}
	s := NewOpenAI(opt)
	srv := httptest.NewTLSServer(s)
	t.Cleanup(srv.Close)
	return s, srv
}

func keys(texts ...string) []secret.Value {
	var out []secret.Value
	for _, s := range texts {
		out = append(out, secret.New(s))
	}
	return out
}

// exchange is one request, with the key and headers in pairs.
func exchange(t *testing.T, srv *httptest.Server, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	resp, err := send(t, srv, method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func send(t *testing.T, srv *httptest.Server, method, path, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Api-Key", testKey)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := srv.Client().Do(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

// parse reads JSON of an answer.
func parse[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

const (
	chatPath  = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
	hello     = `{"messages":[{"role":"user","content":"Hello"}]}`
	helloLive = `{"messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}`
)
