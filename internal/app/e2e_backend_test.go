package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everyMethod is a specification of every path and the usual methods.
const everyMethod = wildcardSpecification + `    head: {operationId: head, responses: {"200": {description: ok}}}
    put: {operationId: put, responses: {"200": {description: ok}}}
    options: {operationId: options, responses: {"200": {description: ok}}}
`

// both runs f over HTTP/1.1 and HTTP/2.
func both(t *testing.T, s *testSite, g *running, f func(t *testing.T, client *http.Client)) {
	t.Helper()
	for _, h2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[h2], func(t *testing.T) { f(t, s.clientFor(t, g.Process, h2)) })
	}
}

// TestAnswersPass: what a backend answers, the caller gets: status, fields and
// bytes.
func TestAnswersPass(t *testing.T) {
	elsewhere, _ := server(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, strings.Repeat("compressed ", 1000))
	z.Close()
	backend := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch r.URL.Path {
		case "/openai/redirect":
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusTemporaryRedirect)
		case "/openai/cookies":
			h["Set-Cookie"] = []string{"a=1; Path=/", "b=2; HttpOnly"}
		case "/openai/gzip":
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Type", "text/plain")
			w.Write(zipped.Bytes())
		case "/openai/none":
			w.WriteHeader(http.StatusNoContent)
		case "/openai/unchanged":
			h.Set("Etag", `"v1"`)
			w.WriteHeader(http.StatusNotModified)
		case "/openai/hints":
			h.Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "after the hints")
		case "/openai/trailers":
			h.Set("Trailer", "X-Checksum")
			io.WriteString(w, "body, then a trailer")
			h.Set("X-Checksum", "1")
		case "/openai/chunked":
			for i := range 3 {
				fmt.Fprint(w, i)
				w.(http.Flusher).Flush()
			}
		case "/openai/hop":
			h.Set("Connection", "X-Hop")
			h.Set("X-Hop", "1")
			h.Set("Keep-Alive", "timeout=1")
			h.Set("Proxy-Authenticate", "Basic")
			h.Set("Strict-Transport-Security", "max-age=0")
			h.Set("Cloister-Request-Id", "forged")
		case "/openai/empty":
			h["Content-Type"] = nil
		default:
			h.Set("Content-Length", "5")
			h.Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
			if r.Method != "HEAD" {
				io.WriteString(w, "whole")
			}
		}
	}
	s := newSite(t, http.HandlerFunc(backend), map[string]string{"apim/apis/openai/specification.yaml": everyMethod})
	g := s.start(t)
	both(t, s, g, func(t *testing.T, client *http.Client) {
		for _, tt := range []struct {
			method, path string
			status       int
			length       int64
			body         string
			header       http.Header
		}{
			{"GET", "/redirect", 307, -2, "<a href=\"" + elsewhere.URL + "/x\">Temporary Redirect</a>.\n\n", http.Header{"Location": {elsewhere.URL + "/x"}}},
			{"GET", "/cookies", 200, 0, "", http.Header{"Set-Cookie": {"a=1; Path=/", "b=2; HttpOnly"}}},
			{"GET", "/gzip", 200, int64(zipped.Len()), zipped.String(), http.Header{"Content-Encoding": {"gzip"}}},
			{"GET", "/none", 204, 0, "", http.Header{"Content-Length": nil}},
			{"GET", "/unchanged", 304, 0, "", http.Header{"Etag": {`"v1"`}}},
			{"GET", "/hints", 200, -2, "after the hints", nil},
			{"GET", "/trailers", 200, -1, "body, then a trailer", http.Header{"Trailer": nil, "X-Checksum": nil}},
			{"GET", "/chunked", 200, -1, "012", nil},
			{"GET", "/hop", 200, 0, "", http.Header{"X-Hop": nil, "Keep-Alive": nil, "Proxy-Authenticate": nil, "Strict-Transport-Security": {"max-age=31536000"}}},
			{"GET", "/empty", 200, 0, "", nil},
			{"HEAD", "/whole", 200, 5, "", http.Header{"Last-Modified": {"Thu, 01 Jan 2026 00:00:00 GMT"}}},
			{"GET", "/whole", 200, 5, "whole", nil},
			{"PUT", "/whole", 200, 5, "whole", nil},
		} {
			t.Run(tt.method+tt.path, func(t *testing.T) {
				resp, err := g.send(t, client, tt.method, "/openai"+tt.path, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != tt.status || string(body) != tt.body {
					t.Fatalf("%s %q %v, want %d %q", resp.Status, body, err, tt.status, tt.body)
				}
				if tt.length != -2 && resp.ContentLength != tt.length {
					t.Errorf("length %d, want %d", resp.ContentLength, tt.length)
				}
				for name, want := range tt.header {
					if diff := cmp.Diff(want, resp.Header[name]); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
				}
				if id := resp.Header["Cloister-Request-Id"]; len(id) != 1 || id[0] == "forged" || len(resp.Trailer) != 0 {
					t.Errorf("request id %q, trailers %v", id, resp.Trailer)
				}
			})
		}
	})
}

// TestBrokenAnswers: an answer that stops short reaches nobody as a whole one,
// and one that is not HTTP, or can be read in two ways, not at all.
func TestBrokenAnswers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	answers := map[string]struct {
		send string
		// status 0: the answer begins, and breaks.
		status int
	}{
		"/length":        {head + "Content-Length: 100\r\n\r\n{\"half\":", 0},
		"/chunks":        {head + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"half\":\r\n", 0},
		"/chunk":         {head + "Transfer-Encoding: chunked\r\n\r\n100\r\n{\"half\":", 0},
		"/bad-chunk":     {head + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"half\":\r\nzz\r\n", 0},
		"/no-last-chunk": {head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", 0},
		"/nothing":       {"", 500},
		"/no-status":     {"HTTP/1.1\r\n\r\n", 500},
		"/no-http":       {"SSH-2.0-OpenSSH\r\n", 500},
		"/half-head":     {"HTTP/1.1 200 OK\r\nContent-", 500},
		"/two-lengths":   {head + "Content-Length: 2\r\nContent-Length: 7\r\n\r\n{} more", 500},
		"/bad-length":    {head + "Content-Length: -2\r\n\r\n{}", 500},
		"/status-99":     {"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", 502},
		"/status-600":    {"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n", 502},
	}
	var tries atomic.Int64
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		io.WriteString(conn, answers[strings.TrimPrefix(r.URL.Path, "/openai")].send)
		conn.Close()
	}), nil)
	g := s.start(t)
	both(t, s, g, func(t *testing.T, client *http.Client) {
		for path, want := range answers {
			t.Run(path, func(t *testing.T) {
				before := tries.Load()
				resp, err := g.send(t, client, "POST", "/openai"+path, strings.NewReader(`{"x":1}`), nil)
				// The backend has just closed the connection of the answer
				// before: a request that died on it was not sent at all, and
				// its body, a stream, cannot be sent again.
				for i := 0; i < 5 && err == nil && tries.Load() == before && resp.StatusCode == 500; i++ {
					resp.Body.Close()
					resp, err = g.send(t, client, "POST", "/openai"+path, strings.NewReader(`{"x":1}`), nil)
				}
				if err != nil {
					if want.status != 0 {
						t.Fatal(err)
					}
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				switch {
				case want.status == 0 && err == nil:
					t.Errorf("%s %q looks whole", resp.Status, body)
				case want.status != 0 && resp.StatusCode != want.status:
					t.Errorf("%s %q, want %d", resp.Status, body, want.status)
				}
				if n := tries.Load() - before; n != 1 {
					t.Errorf("a POST was sent %d times", n)
				}
			})
		}
	})
}

// TestSlowBackend: a caller that gives up before the answer ends the backend's
// work, and forward-request's timeout does.
func TestSlowBackend(t *testing.T) {
	began, ended := make(chan bool, 4), make(chan bool, 4)
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		began <- true
		<-r.Context().Done()
		ended <- true
	}), map[string]string{
		"apim/apis/openai/operations/delete/policy.xml": `<policies><inbound><base /></inbound><backend><forward-request timeout-ms="200" /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
	})
	g := s.start(t)
	wait := func(t *testing.T, what string, c chan bool) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Fatalf("the backend's request has not %s", what)
		}
	}
	both(t, s, g, func(t *testing.T, client *http.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "POST", g.url+chatPath, strings.NewReader(`{"messages":[]}`))
		req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
		done := make(chan error, 1)
		go func() { _, err := client.Do(req); done <- err }()
		wait(t, "begun", began)
		cancel()
		if err := <-done; err == nil {
			t.Error("the request was answered")
		}
		wait(t, "ended", ended)

		at := time.Now()
		resp, err := g.send(t, client, "DELETE", "/openai/x", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if took := time.Since(at); resp.StatusCode != 500 || took < 150*time.Millisecond || took > 5*time.Second {
			t.Errorf("%s after %v", resp.Status, took)
		}
		<-began
		wait(t, "ended", ended)
	})
	statuses := map[any]int{}
	for _, rec := range g.awaitRecords(t, 4) {
		statuses[rec["status"]]++
	}
	if diff := cmp.Diff(map[any]int{499.0: 2, 500.0: 2}, statuses); diff != "" {
		t.Errorf("statuses: %s", diff)
	}
}

// TestStreamLimits: a stream that stands still is cut with an event, one that
// moves is not; a stream over HTTP/2 too.
func TestStreamLimits(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 8 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
		if strings.HasSuffix(r.URL.Path, "/still") {
			fmt.Fprint(w, "data: half")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}), nil)
	s.write(t, "cloister.yaml", s.config("limits: {streamIdleTimeout: 400ms}\n"))
	g := s.start(t)
	both(t, s, g, func(t *testing.T, client *http.Client) {
		for path, want := range map[string]string{"/openai/moving": "data: 7\n\n", "/openai/still": "stream_idle"} {
			resp, err := g.send(t, client, "GET", path, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.Contains(string(body), "data: 7\n\n") || !strings.Contains(string(body[max(0, len(body)-200):]), want) {
				t.Errorf("%s: %q %v", path, body, err)
			}
			if strings.Contains(path, "still") && !strings.Contains(string(body), "data: half\n\ndata: {\"error\"") {
				t.Errorf("the error is not an event of its own: %q", body)
			}
		}
	})
}

// TestBackendSeesOneRequest: whatever a caller puts into one request, the
// backend reads one request, of the method and path that were judged.
func TestBackendSeesOneRequest(t *testing.T) {
	seen := make(chan string, 64)
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		seen <- r.Method + " " + r.URL.EscapedPath()
	}), map[string]string{"apim/apis/openai/specification.yaml": everyMethod})
	g := s.start(t)
	for _, body := range []string{
		"0\r\n\r\nGET /openai/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /openai/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
		strings.Repeat("x", 70_000) + "\r\n0\r\n\r\nGET /openai/smuggled HTTP/1.1\r\n\r\n",
	} {
		both(t, s, g, func(t *testing.T, client *http.Client) {
			for _, method := range []string{"POST", "PUT", "DELETE", "GET", "OPTIONS"} {
				for _, chunked := range []bool{false, true} {
					var r io.Reader = strings.NewReader(body)
					if chunked {
						r = io.MultiReader(r)
					}
					resp, err := g.send(t, client, method, "/openai/judged", r, http.Header{"Content-Type": {"text/plain"}, "Te": {"trailers"}})
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					if got := <-seen; got != method+" /openai/judged" || resp.StatusCode != 200 {
						t.Errorf("%s: the backend saw %s; %s", method, got, resp.Status)
					}
				}
			}
		})
	}
	select {
	case got := <-seen:
		t.Errorf("the backend saw another: %s", got)
	default:
	}
}
