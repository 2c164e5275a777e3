package backend

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

func do(t *testing.T, b *Backend, req *http.Request) (*http.Response, string, Used) {
	t.Helper()
	var used Used
	resp, err := b.RoundTrip(req, &used)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body), used
}

func TestRoundTrip(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s|%s|%q", r.Host, r.Method, r.RequestURI, body, r.Header["Accept-Encoding"])
	})
	s.backend("openai", srv.URL+"/openai", nil)
	set := s.compile(t)
	req := request(t, "POST", "/deployments/gpt%2F4o/chat?api-version=1&x=%20", "hello")
	req.Host, req.URL.Host, req.URL.Scheme = "evil.example", "evil.example", "http"
	_, body, used := do(t, lookup(t, set, "OpenAI"), req)
	host := strings.TrimPrefix(srv.URL, "https://")
	if want := host + " POST /openai/deployments/gpt%2F4o/chat?api-version=1&x=%20|hello|[]"; body != want {
		t.Errorf("got %s\nwant %s", body, want)
	}
	sum := sha256.Sum256(srv.Certificate().RawSubjectPublicKeyInfo)
	if used.Backend != "openai" || used.Host != host || used.Address.String() != host || used.CertificateSPKI != hex.EncodeToString(sum[:]) {
		t.Errorf("used %+v", used)
	}
	// A second request on the same connection knows its peer too.
	if _, _, again := do(t, lookup(t, set, "openai"), request(t, "GET", "/x", "")); again != used {
		t.Errorf("used %+v, then %+v", used, again)
	}
}

// TestBodyUntouched: what a backend compresses stays compressed, and nobody
// asks it to.
func TestBodyUntouched(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("hello"))
	z.Close()
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("X-Asked", r.Header.Get("Accept-Encoding"))
		w.Write(zipped.Bytes())
	})
	s.backend("b", srv.URL, nil)
	b := lookup(t, s.compile(t), "b")
	for _, asked := range []string{"", "gzip", "br;q=0.5, zstd"} {
		req := request(t, "GET", "/", "")
		if asked != "" {
			req.Header.Set("Accept-Encoding", asked)
		}
		resp, body, _ := do(t, b, req)
		if body != zipped.String() || resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("X-Asked") != asked || resp.Uncompressed {
			t.Errorf("asked %q: sent %q, uncompressed %v", asked, resp.Header.Get("X-Asked"), resp.Uncompressed)
		}
	}
}

func TestNoRedirect(t *testing.T) {
	s := newSite()
	var n atomic.Int64
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	s.backend("b", srv.URL, nil)
	resp, _, _ := do(t, lookup(t, s.compile(t), "b"), request(t, "GET", "/", ""))
	if resp.StatusCode != 307 || n.Load() != 1 {
		t.Errorf("status %d, %d requests", resp.StatusCode, n.Load())
	}
}

func TestNoProxy(t *testing.T) {
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer trap.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, trap.URL)
	}
	t.Setenv("NO_PROXY", "")
	s := newSite()
	srv := s.server(t, func(http.ResponseWriter, *http.Request) {})
	s.backend("b", srv.URL, nil)
	set := s.compile(t)
	do(t, lookup(t, set, "b"), request(t, "GET", "/", ""))
	for _, w := range set.ways {
		if w.http1.Proxy != nil || w.http2.Proxy != nil {
			t.Error("a transport has a proxy function")
		}
	}
}

// TestWebSocket: 101 passes, with the connection behind it.
func TestWebSocket(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-Key: %s\r\n\r\n", r.Header.Get("Upgrade"), r.Header.Get("Api-Key"))
		rw.Flush()
		io.Copy(conn, rw)
	})
	s.env["KEY"] = "hidden-key-1"
	s.backend("b", "wss://"+strings.TrimPrefix(srv.URL, "https://")+"/realtime", key("KEY", ""))
	req := request(t, "GET", "/v1?model=x", "")
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	var used Used
	resp, err := lookup(t, s.compile(t), "b").RoundTrip(req, &used)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != 101 || !ok || resp.Header.Get("X-Key") != "hidden-key-1" || !used.Address.IsValid() {
		t.Fatalf("%s, %T, %v, %+v", resp.Status, resp.Body, resp.Header, used)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, line := range []string{"one\n", "two\n"} {
		io.WriteString(conn, line)
		if got, err := in.ReadString('\n'); got != line || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// TestHTTP2: a server that speaks HTTP/2 alone is spoken to so, the body of
// the first request included, and is a good member of a pool.
func TestHTTP2(t *testing.T) {
	s := newSite()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, io.MultiReader(strings.NewReader(r.Proto+" "), r.Body))
	}))
	srv.EnableHTTP2 = true
	// crypto/tls lets a client of HTTP/1.1 in where it should say alert 120.
	strict := &tls.Config{NextProtos: []string{"h2"}}
	srv.TLS = &tls.Config{NextProtos: []string{"h2"}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "h2") {
			return nil, nil
		}
		return strict, nil
	}}
	srv.Config.ErrorLog = discard()
	srv.StartTLS()
	defer srv.Close()
	strict.Certificates, strict.NextProtos = srv.TLS.Certificates, []string{"none"}
	s.list(t, srv.URL)
	s.trust(srv)
	s.backend("b", srv.URL, nil)
	s.pool("pool", member2{"b", 0, 1})
	set := s.compile(t)
	b := lookup(t, set, "pool")
	for range 2 {
		_, body, used := do(t, b, request(t, "POST", "/", "hello"))
		if body != "HTTP/2.0 hello" || used.CertificateSPKI == "" || used.Address.String() != strings.TrimPrefix(srv.URL, "https://") {
			t.Fatalf("got %q, %+v", body, used)
		}
		if got := status(t, set, "b"); got.Failures != 0 {
			t.Fatalf("set aside for what it speaks: %+v", got)
		}
	}
	req := request(t, "GET", "/", "")
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	if _, err := b.RoundTrip(req, nil); !errors.Is(err, errNoUpgrade) {
		t.Errorf("a WebSocket over HTTP/2: %v", err)
	}
}

// TestPrefersHTTP1 on a server that speaks both.
func TestPrefersHTTP1(t *testing.T) {
	s := newSite()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	s.list(t, srv.URL)
	s.trust(srv)
	s.backend("b", srv.URL, nil)
	if _, body, _ := do(t, lookup(t, s.compile(t), "b"), request(t, "GET", "/", "")); body != "HTTP/1.1" {
		t.Errorf("got %q", body)
	}
}

func TestConnectErrors(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(http.ResponseWriter, *http.Request) {})
	dead := closed(t)
	s.list(t, dead)
	s.backend("dead", dead, nil)
	s.backend("strange", srv.URL, func(b *site.BackendConfig) { b.CAFile = "" })
	s.backend("good", srv.URL, nil)
	own := false
	s.opt.Dialer = dialer(t, s, func() bool { return own }, srv)
	set := s.compile(t)

	body := &watched{Reader: strings.NewReader("x")}
	req := request(t, "POST", "/", "x")
	req.Body = body
	var failed *ConnectError
	var used Used
	if _, err := lookup(t, set, "dead").RoundTrip(req, &used); !errors.As(err, &failed) || failed.Backend != "dead" || used.Address.IsValid() {
		t.Errorf("nobody listens: %v, %+v", err, used)
	}
	if !body.closed.Load() {
		t.Error("the body was left open")
	}
	var unknown *tls.CertificateVerificationError
	if _, err := lookup(t, set, "strange").RoundTrip(request(t, "GET", "/", ""), nil); !errors.As(err, &failed) || !errors.As(err, &unknown) {
		t.Errorf("an unknown authority: %v", err)
	}
	own = true
	var refused *egress.RefusedError
	if _, err := lookup(t, set, "good").RoundTrip(request(t, "GET", "/", ""), nil); !errors.As(err, &failed) || !errors.As(err, &refused) || refused.Code != egress.CodeOwnListener {
		t.Errorf("refused by egress: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := lookup(t, set, "dead").RoundTrip(request(t, "GET", "/", "").WithContext(ctx), nil); !errors.Is(err, gone) || errors.As(err, &failed) && err == error(failed) {
		t.Errorf("a request that is over: %v", err)
	}
}

// TestBodyClosed, whether it is sent itself or made anew.
func TestBodyClosed(t *testing.T) {
	s := newSite()
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	s.backend("b", srv.URL, nil)
	b := lookup(t, s.compile(t), "b")
	for _, anew := range []bool{false, true} {
		body := &watched{Reader: strings.NewReader("hello")}
		req := request(t, "POST", "/", "hello")
		req.Body = body
		if anew {
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
		}
		if _, text, _ := do(t, b, req); text != "hello" {
			t.Errorf("made anew %v: sent %q", anew, text)
		}
		body.gone(t)
	}
}

// TestDiesAfterConnect: once there was a connection, the failure is another
// one, and nothing is tried again.
func TestDiesAfterConnect(t *testing.T) {
	s := newSite()
	var n atomic.Int64
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0)
		conn.Close()
	})
	s.backend("a", srv.URL, nil)
	s.backend("b", srv.URL, nil)
	s.pool("pool", member2{"a", 0, 1}, member2{"b", 1, 1})
	body := &watched{Reader: strings.NewReader("hello")}
	req := request(t, "POST", "/", "hello")
	req.Body = body
	var used Used
	_, err := lookup(t, s.compile(t), "pool").RoundTrip(req, &used)
	if err == nil || errors.As(err, new(*ConnectError)) || n.Load() != 1 || !used.Address.IsValid() {
		t.Errorf("%v, %d requests, %+v", err, n.Load(), used)
	}
	body.gone(t)
}

// TestCancel: a caller that goes away takes the backend's request with it.
func TestCancel(t *testing.T) {
	s := newSite()
	gone := make(chan struct{})
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	s.backend("b", srv.URL, nil)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := lookup(t, s.compile(t), "b").RoundTrip(request(t, "GET", "/", "").WithContext(ctx), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("the backend still works")
	}
}

// TestMaxConnections: requests beyond the bound wait for a connection.
func TestMaxConnections(t *testing.T) {
	s := newSite()
	var open, most atomic.Int64
	srv := s.server(t, func(w http.ResponseWriter, r *http.Request) {
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(5 * time.Millisecond)
		open.Add(-1)
	})
	s.backend("b", srv.URL, func(b *site.BackendConfig) { b.MaxConnections = 3 })
	b := lookup(t, s.compile(t), "b")
	done := make(chan error)
	for range 20 {
		go func() {
			resp, err := b.RoundTrip(request(t, "GET", "/", ""), nil)
			if err == nil {
				err = resp.Body.Close()
			}
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() > 3 {
		t.Errorf("%d requests at once on at most 3 connections", most.Load())
	}
}

func TestCloseIdle(t *testing.T) {
	s := newSite()
	var conns atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			conns.Add(1)
		case http.StateClosed:
			conns.Add(-1)
		}
	}
	srv.StartTLS()
	defer srv.Close()
	s.list(t, srv.URL)
	s.trust(srv)
	s.backend("b", srv.URL, nil)
	set := s.compile(t)
	do(t, lookup(t, set, "b"), request(t, "GET", "/", ""))
	if conns.Load() != 1 {
		t.Fatalf("%d connections", conns.Load())
	}
	set.CloseIdle()
	for deadline := time.Now().Add(5 * time.Second); conns.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connection stays open")
		}
	}
}
