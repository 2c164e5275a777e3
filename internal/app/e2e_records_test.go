package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"crypto/sha256"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/emulator"
)

const chatPath = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"

// metrics is what /metrics shows.
func (r *running) metrics(t *testing.T) string {
	t.Helper()
	resp, err := http.Get("http://" + r.Health().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.Status, err)
	}
	return string(body)
}

// TestRecordFields: the record of a request has every field of the issue, and
// tokens are exact where the model says them, estimated where it does not.
func TestRecordFields(t *testing.T) {
	s, _ := emulatorSite(t, emulator.Knobs{})
	g := s.start(t)
	for name, tt := range map[string]struct {
		path, body string
		// streamed; known: tokens stand in the record; estimated.
		streamed, estimated bool
		model               string
	}{
		"plain":             {chatPath, `{"messages":[{"role":"user","content":"hello there"}]}`, false, false, ""},
		"v1":                {"/openai/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"hello there"}]}`, false, false, "gpt-4o"},
		"stream with usage": {chatPath, `{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello there"}]}`, true, false, ""},
		"stream":            {chatPath, `{"stream":true,"messages":[{"role":"user","content":"hello there"}]}`, true, true, ""},
		"responses stream":  {"/openai/v1/responses", `{"model":"gpt-4o","stream":true,"input":"hello there"}`, true, false, "gpt-4o"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := g.do(t, "POST", tt.path, tt.body, http.Header{"Content-Type": {"application/json"}})
			if resp.StatusCode != 200 {
				t.Fatalf("%s %s", resp.Status, body)
			}
			id := resp.Header.Get("Cloister-Request-Id")
			rec := wantRecord(t, g, func(r map[string]any) bool { return r["request_id"] == id })
			spki := sha256.Sum256(s.backend.Certificate().RawSubjectPublicKeyInfo)
			want := map[string]any{
				"msg": "request", "level": "INFO", "site": "test", "client": "127.0.0.1", "host": "localhost", "protocol": "HTTP/1.1",
				"tls_version": "TLS 1.3", "principal.kind": "subscription", "principal.id": "team", "subscription": "team",
				"api": "openai", "operation": "post", "deployment": "gpt-4o", "model": tt.model,
				"backend.id": "openai", "backend.address": strings.TrimPrefix(s.backend.URL, "https://"),
				"backend.key_sha256": hex.EncodeToString(spki[:]), "backend.status": 200.0,
				"method": "POST", "path": strings.SplitN(tt.path, "?", 2)[0], "status": 200.0,
				"bytes_in": float64(len(tt.body)), "bytes_out": float64(len(body)),
				"streamed": tt.streamed, "tokens.estimated": tt.estimated,
				"decision": "allow", "reasons": []any{"subscription-key"}, "cut": nil, "error": nil,
			}
			for path, v := range want {
				if v == "" || v == false {
					v = nil
				}
				if diff := cmp.Diff(v, field(rec, path)); diff != "" {
					t.Errorf("%s: %s", path, diff)
				}
			}
			for _, path := range []string{"duration_ms.total", "duration_ms.backend", "duration_ms.first_byte"} {
				if ms, _ := field(rec, path).(float64); ms <= 0 || ms > 60_000 {
					t.Errorf("%s is %v", path, field(rec, path))
				}
			}
			if peer, _ := rec["peer"].(string); !strings.HasPrefix(peer, "127.0.0.1:") {
				t.Errorf("peer %q", peer)
			}
			checkTokens(t, rec, body, tt.estimated)
		})
	}
	g.awaitRecords(t, 5)
}

// checkTokens compares the record with the usage that the answer tells.
func checkTokens(t *testing.T, rec map[string]any, body string, estimated bool) {
	t.Helper()
	tokens, _ := rec["tokens"].(map[string]any)
	if estimated {
		if p, _ := tokens["prompt"].(float64); p <= 0 {
			t.Errorf("estimated tokens: %v", tokens)
		}
		return
	}
	for _, names := range [][2]string{{"prompt_tokens", "prompt"}, {"input_tokens", "prompt"}, {"completion_tokens", "completion"}, {"output_tokens", "completion"}, {"total_tokens", "total"}} {
		_, rest, ok := cutLast(body, `"`+names[0]+`":`)
		if !ok {
			continue
		}
		var n float64
		fmt.Sscan(strings.TrimSpace(rest), &n)
		if n <= 0 || tokens[names[1]] != n {
			t.Errorf("%s is %v in the answer and %v in the record", names[0], n, tokens[names[1]])
		}
	}
	if tokens["total"] == nil {
		t.Errorf("no tokens: %v", rec)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// TestOneRecordEach: every request that reached an API leaves one access
// record, however it ended.
func TestOneRecordEach(t *testing.T) {
	release := make(chan struct{})
	backend := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/openai/panic":
			panic(http.ErrAbortHandler)
		case "/openai/half":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/openai/wait":
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}
		io.WriteString(w, "ok")
	}
	s := newSite(t, http.HandlerFunc(backend), map[string]string{
		"apim/apis/openai/operations/delete/policy.xml": onlyInbound(`<return-response><set-status code="410" reason="Gone" /></return-response>`),
		"apim/apis/openai/policy.xml":                   onlyInbound(`<cors><allowed-origins><origin>https://app.example</origin></allowed-origins></cors>`),
	})
	defer close(release)
	g := s.start(t)
	h2 := s.clientFor(t, g.Process, true)
	want := map[string]int{}
	try := func(reason string, client *http.Client, method, path string, header http.Header) {
		t.Helper()
		want[reason]++
		resp, err := g.send(t, client, method, path, nil, header)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	for _, client := range []*http.Client{g.client, h2} {
		try("allow 200 ", client, "GET", "/openai/x", nil)
		try("allow 200 ", client, "POST", "/openai/v1/chat/completions", nil)
		try("deny 401 ", client, "GET", "/openai/x", anonymous)
		try("deny 401 ", client, "GET", "/openai/x", http.Header{"Ocp-Apim-Subscription-Key": {"x"}})
		try("deny 400 ", client, "GET", "/openai/x?subscription-key=x", nil)
		try("allow 410 ", client, "DELETE", "/openai/x", nil)
		try("allow 500 ", client, "GET", "/openai/panic", nil)
		try("allow 200 backend", client, "POST", "/openai/half", nil) // a GET would be tried again by the client
		try("allow 200 ", client, "OPTIONS", "/openai/x", http.Header{"Ocp-Apim-Subscription-Key": nil, "Origin": {"https://app.example"}, "Access-Control-Request-Method": {"GET"}})
		gone, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		req, _ := http.NewRequestWithContext(gone, "GET", g.url+"/openai/wait", nil)
		req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
		want["allow 499 "]++
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	const many = 100
	var wg sync.WaitGroup
	for i := range many {
		client := g.client
		if i%2 == 0 {
			client = h2
		}
		wg.Go(func() {
			resp, err := g.send(t, client, "GET", fmt.Sprint("/openai/", i), nil, nil)
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
	}
	wg.Wait()
	want["allow 200 "] += many
	total := 0
	for _, n := range want {
		total += n
	}
	got, ids := map[string]int{}, map[any]bool{}
	for _, rec := range g.awaitRecords(t, total) {
		cut, _ := rec["cut"].(string)
		got[fmt.Sprintf("%v %v %s", rec["decision"], rec["status"], cut)]++
		ids[rec["request_id"]] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records by decision, status and cut (-want +got):\n%s", diff)
	}
	if len(ids) != total {
		t.Errorf("%d request ids for %d records", len(ids), total)
	}
}

// collector is an OTLP collector that keeps what it was sent.
type collector struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		in = z
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	io.Copy(&c.all, in)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.String()
}

// TestNoCanary: keys, tokens, prompts, completions, header and query values
// stand in no record, log line, metric or span, however the request ends.
func TestNoCanary(t *testing.T) {
	const (
		prompt, completion = "CANARY-prompt", "CANARY-completion"
		query, header      = "CANARY-query", "CANARY-header"
		token              = "eyJhbGciOiJDQU5BUlkifQ.eyJDQU5BUlkiOjF9.CANARY-signature"
	)
	backend := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "":
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			conn.Read(r.Context())
			conn.Write(r.Context(), websocket.MessageText, []byte(completion))
			conn.Close(4000, completion)
		case strings.HasSuffix(r.URL.Path, "/reset"):
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, "/stream"):
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", completion)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, "/malformed"):
			conn, _, _ := http.NewResponseController(w).Hijack()
			io.WriteString(conn, "HTTP/1.1 "+completion+"\r\n\r\n")
			conn.Close()
		case strings.HasSuffix(r.URL.Path, "/field"):
			conn, _, _ := http.NewResponseController(w).Hijack()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+completion+"\r\n\r\n")
			conn.Close()
		case strings.HasSuffix(r.URL.Path, "/trailer"):
			conn, _, _ := http.NewResponseController(w).Hijack()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"+completion+"\r\n\r\n")
			conn.Close()
		default:
			w.Header().Set("X-Completion", completion)
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, completion)
		}
	}
	c := &collector{}
	collectorAt, err := newCollector(t, c)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, http.HandlerFunc(backend), nil)
	s.write(t, "cloister.yaml", with(s.config("callers: {default: [subscription, token]}\ntelemetry: {otlp: {endpoint: \"http://127.0.0.1:"+collectorAt+"\"}}\n"),
		[2]string{"destinations", "  telemetry: [{host: 127.0.0.1, port: " + collectorAt + "}]"}))
	g := s.start(t)
	body := fmt.Sprintf(`{"model":"gpt-4o","messages":[{"role":"user","content":%q}]}`, prompt)
	sent := 0
	for _, r := range []struct {
		method, path, body string
		header             http.Header
	}{
		{"POST", chatPath + "&user=" + query, body, nil},
		{"POST", chatPath, body, http.Header{"Ocp-Apim-Subscription-Key": {"CANARY-wrong-key"}}},
		{"POST", chatPath + "&subscription-key=CANARY-wrong-key", body, anonymous},
		{"POST", "/openai/v1/chat/completions?subscription-key=" + teamKey, body, anonymous},
		{"POST", chatPath, body, bearer(token)},
		{"POST", chatPath, body, http.Header{"X-Copy": {teamKey}}},
		{"POST", chatPath, `{"CANARY-member":1,"CANARY-member":2,"messages":[]}`, nil},
		{"POST", chatPath, `{"model":"CANARY-model\u0000","stream":"CANARY-prompt"}`, nil},
		{"POST", chatPath, prompt, nil},
		{"GET", "/openai/reset?" + query, "", nil},
		{"GET", "/openai/stream?a=" + query, "", nil},
		{"GET", "/openai/field", "", nil},
		{"GET", "/openai/trailer", "", nil},
		{"GET", "/openai/malformed", "", http.Header{"Cookie": {header}, "User-Agent": {header}, "Referer": {header}, "Traceparent": {header}, "Baggage": {"a=" + header}}},
		{"GET", "/openai/elsewhere", "", http.Header{"X-Mine": {header}, "Authorization": {"Basic CANARY-basic"}}},
	} {
		sent++
		resp, err := g.send(t, g.client, r.method, r.path, strings.NewReader(r.body), r.header)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	conn, _, err := g.dial(t, "/openai/v1/realtime?model=m&x="+query, http.Header{"X-Mine": {header}}, "openai-insecure-api-key."+teamKey)
	if err != nil {
		t.Fatal(err)
	}
	sent++
	conn.Write(t.Context(), websocket.MessageText, []byte(prompt))
	conn.Read(t.Context())
	conn.Read(t.Context())
	g.awaitRecords(t, sent)
	shown := g.metrics(t)
	if err := g.Shutdown(context.Background()); err != nil { // sends the last spans
		t.Fatal(err)
	}
	spans := c.String()
	if !strings.Contains(spans, "cloister.request_id") {
		t.Fatalf("no spans came: %d bytes", len(spans))
	}
	for place, text := range map[string]string{"records": g.records.String(), "log": g.log.String(), "metrics": shown, "spans": spans} {
		for _, canary := range []string{"CANARY", teamKey, "eyJDQU5BUlkiOjF9"} {
			if i := strings.Index(text, canary); i >= 0 {
				t.Errorf("%s hold %q: …%q…", place, canary, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// TestMetricsBounded: names that callers make up do not make metrics.
func TestMetricsBounded(t *testing.T) {
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error":{"code":"DeploymentNotFound"}}`)
	}), nil).start(t)
	g.do(t, "POST", "/openai/v1/chat/completions", `{"model":"first"}`, nil)
	before := strings.Count(g.metrics(t), "\n")
	for i := range 300 {
		body, _ := json.Marshal(map[string]any{"model": fmt.Sprint("made-up-", i)})
		g.do(t, "POST", fmt.Sprintf("/openai/deployments/d%d/chat/completions", i), string(body), nil)
	}
	if after := strings.Count(g.metrics(t), "\n"); after > before+200 {
		t.Errorf("300 made-up models made %d lines of %d", after, before)
	}
}
