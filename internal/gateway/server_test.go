package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
	"golang.org/x/net/http2"
)

// TestThinkingIsNotStalling: after the body a handler may take longer than any
// client may stall, and its context goes on.
func TestThinkingIsNotStalling(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{StreamIdleTimeout: site.Duration(100 * time.Millisecond)}),
		withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, _ *Call) {
			io.Copy(io.Discard, r.Body)
			select {
			case <-r.Context().Done():
				w.WriteHeader(500)
				io.WriteString(w, context.Cause(r.Context()).Error())
			case <-time.After(300 * time.Millisecond):
				io.WriteString(w, "done")
			}
		}))
	for _, h2 := range []bool{false, true} {
		for _, body := range []string{"", "hello", strings.Repeat("x", 100<<10)} {
			resp, err := ft.client(t, h2).Post("https://gw.test/a", "text/plain", strings.NewReader(body))
			if err != nil {
				t.Errorf("h2 %v, %d bytes: %v", h2, len(body), err)
				continue
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(got) != "done" {
				t.Errorf("h2 %v, %d bytes: %d %q", h2, len(body), resp.StatusCode, got)
			}
		}
	}
}

// streamHandler sends an event every 10 ms until it is told to stop; then it
// says why, as the road does.
func streamHandler(stop <-chan struct{}) Handler {
	return func(w http.ResponseWriter, r *http.Request, _ *Conn, call *Call) {
		if call.Path != "/stream" {
			io.WriteString(w, "ok")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for {
			io.WriteString(w, "data: tick\n\n")
			if rc.Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				if errors.Is(context.Cause(r.Context()), ErrCut) {
					io.WriteString(w, "data: cut\n\n")
				}
				return
			case <-stop:
				io.WriteString(w, "data: whole\n\n")
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

// openStream returns a body that has begun.
func openStream(t *testing.T, client *http.Client) io.ReadCloser {
	t.Helper()
	resp, err := client.Get("https://gw.test/stream")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	return resp.Body
}

func TestDrain(t *testing.T) {
	stop := make(chan struct{})
	ft := startFront(t, withHandler(streamHandler(stop)))
	streams := []io.ReadCloser{openStream(t, ft.client(t, false)), openStream(t, ft.client(t, true))}
	idle := ft.dial(t, ft.clientTLS())
	idle.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"))
	br := bufio.NewReader(idle)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	h2 := ft.h2(t)
	h2.get(t)

	drained := make(chan error, 1)
	go func() { drained <- ft.Shutdown(t.Context()) }()
	<-ft.Draining()
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection: %v, want EOF", err)
	}
	if code, closed := h2.end(5 * time.Second); !closed || code != http2.ErrCodeNo {
		t.Errorf("an idle http/2 connection: closed %v, GOAWAY %v", closed, code)
	}
	if conn, err := net.Dial("tcp", ft.addr); err == nil {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a new connection was taken")
		}
		conn.Close()
	}
	select {
	case err := <-drained:
		t.Fatalf("drained with streams open: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(stop)
	for i, s := range streams {
		rest, err := io.ReadAll(s)
		if err != nil || !strings.HasSuffix(string(rest), "data: whole\n\n") {
			t.Errorf("stream %d: …%q, %v", i, rest[max(0, len(rest)-30):], err)
		}
		s.Close()
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if n := ft.Connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestAnswerInADrainSaysClose: the client of a busy connection learns from its
// answer that there will be no other.
func TestAnswerInADrainSaysClose(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	ft := startFront(t, withHandler(func(w http.ResponseWriter, _ *http.Request, _ *Conn, _ *Call) {
		close(begun)
		<-goOn
		io.WriteString(w, "done")
	}))
	conn := ft.dial(t, ft.clientTLS())
	conn.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"))
	<-begun
	go ft.Shutdown(t.Context())
	<-ft.Draining()
	time.Sleep(20 * time.Millisecond) // net/http learns of it a moment later
	close(goOn)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || !resp.Close {
		t.Errorf("answer %+v, %v; want Connection: close", resp, err)
	}
}

// TestCut: what has not drained in time ends with its own last words, whoever
// cuts: Close, or the end of the base context.
func TestCut(t *testing.T) {
	for _, by := range []string{"close", "base context"} {
		base, end := context.WithCancelCause(context.Background())
		ft := startFront(t, withHandler(streamHandler(nil)), func(_ *frontTest, o *ServerOptions) { o.BaseContext = base })
		streams := []io.ReadCloser{openStream(t, ft.client(t, false)), openStream(t, ft.client(t, true))}
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := ft.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: Shutdown: %v", by, err)
		}
		cancel()
		if by == "close" {
			go ft.Close()
		} else {
			end(errors.New("the drain has taken too long"))
		}
		for i, s := range streams {
			rest, err := io.ReadAll(s)
			if err != nil || !strings.HasSuffix(string(rest), "data: cut\n\n") {
				t.Errorf("%s, stream %d: …%q, %v", by, i, rest[max(0, len(rest)-30):], err)
			}
			s.Close()
		}
		end(nil)
	}
}

// TestReloadKeepsConnections: names, certificates, client CAs and limits change
// under open connections.
func TestReloadKeepsConnections(t *testing.T) {
	stop := make(chan struct{})
	ft := startFront(t, withHandler(streamHandler(stop)))
	stream := openStream(t, ft.client(t, false))
	kept := ft.dial(t, ft.clientTLS())
	br := bufio.NewReader(kept)
	ask := func() int {
		io.WriteString(kept, "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n")
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if got := ask(); got != 200 {
		t.Fatalf("status %d", got)
	}
	was := kept.ConnectionState().PeerCertificates[0]

	ft.opt.Hostnames = []FrontHostname{
		{Name: frontTestHost, Certificate: ft.ca.issue(t, frontTestHost)},
		{Name: "new.test", Certificate: ft.ca.issue(t, "new.test")},
	}
	ft.opt.Limits = site.Limits{HeaderTimeout: site.Duration(time.Second), MaxBodyBytes: 10}
	ft.swap(t)
	if got := ask(); got != 200 {
		t.Errorf("a kept connection after the reload: %d", got)
	}
	fresh := ft.dial(t, ft.clientTLS())
	if is := fresh.ConnectionState().PeerCertificates[0]; is.Equal(was) {
		t.Error("a new connection got the old certificate")
	}
	cfg := ft.clientTLS()
	cfg.ServerName = "new.test"
	ft.dial(t, cfg)
	cfg.ServerName = "other.test" // gone
	if conn, err := tls.Dial("tcp", ft.addr, cfg); err == nil {
		conn.Close()
		t.Error("a name that is gone is still answered")
	}
	io.WriteString(kept, "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 11\r\n\r\n")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 413 {
		t.Errorf("the new bound on a kept connection: %+v, %v", resp, err)
	}
	close(stop)
	if rest, err := io.ReadAll(stream); err != nil || !strings.HasSuffix(string(rest), "data: whole\n\n") {
		t.Errorf("the stream: %v", err)
	}
	stream.Close()
}

// TestNameGoneUnderAConnection: who connected for a name that the site no
// longer has is misdirected.
func TestNameGoneUnderAConnection(t *testing.T) {
	ft := startFront(t)
	cfg := ft.clientTLS("h2")
	cfg.ServerName = "other.test"
	c := ft.h2With(t, cfg)
	if got := c.get(t, ":authority", "other.test"); got != 200 {
		t.Fatalf("before: %d", got)
	}
	ft.opt.Hostnames = ft.opt.Hostnames[:1]
	ft.swap(t)
	if got := c.get(t, ":authority", "other.test"); got != 421 {
		t.Errorf("after: %d, want 421", got)
	}
}

// TestSlowReader: a client that asks for a stream and reads nothing is let go.
func TestSlowReader(t *testing.T) {
	gone := make(chan error, 2)
	ft := startFront(t, withLimits(site.Limits{StreamIdleTimeout: site.Duration(200 * time.Millisecond)}),
		withHandler(func(w http.ResponseWriter, _ *http.Request, _ *Conn, _ *Call) {
			chunk := make([]byte, 64<<10)
			for range 10_000 {
				if _, err := w.Write(chunk); err != nil {
					gone <- err
					return
				}
			}
			gone <- nil
		}))
	conn := ft.dial(t, ft.clientTLS())
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n")
	ft.h2(t).open(t, true)
	for range 2 {
		select {
		case err := <-gone:
			if err == nil {
				t.Error("the whole stream went to a client that reads nothing")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a handler still writes to a client that reads nothing")
		}
	}
}

// TestRequestTimeout: the context says why it ended, the answer still arrives,
// and on HTTP/1.1 the connection ends with it. A request in time has the whole
// time again, however old its connection is.
func TestRequestTimeout(t *testing.T) {
	cause := make(chan error, 1)
	ft := startFront(t, withLimits(site.Limits{RequestTimeout: site.Duration(200 * time.Millisecond)}),
		withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, call *Call) {
			if call.Path == "/quick" {
				time.Sleep(80 * time.Millisecond)
				if r.Context().Err() != nil {
					w.WriteHeader(500)
				}
				return
			}
			<-r.Context().Done()
			cause <- context.Cause(r.Context())
			w.WriteHeader(504)
		}))
	c := ft.h2(t)
	for range 5 {
		if got := c.get(t, ":path", "/quick"); got != 200 {
			t.Errorf("http/2, in time: %d", got)
		}
	}
	if got := c.get(t); got != 504 {
		t.Errorf("http/2: %d, want 504", got)
	}
	if err := <-cause; !errors.Is(err, ErrRequestTimeout) {
		t.Errorf("http/2: cause %v", err)
	}

	conn := ft.dial(t, ft.clientTLS())
	const quick = "GET /quick HTTP/1.1\r\nHost: gw.test\r\n\r\n"
	io.WriteString(conn, strings.Repeat(quick, 5)+"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"+quick)
	if statuses, _ := readAnswers(t, conn); !slices.Equal(statuses, []int{200, 200, 200, 200, 200, 504}) {
		t.Errorf("http/1.1: %v", statuses)
	}
	if err := <-cause; !errors.Is(err, ErrRequestTimeout) {
		t.Errorf("http/1.1: cause %v", err)
	}
}

// TestPanic: a handler that panics costs one request, and no answer that looks
// whole.
func TestPanic(t *testing.T) {
	ft := startFront(t, withHandler(func(w http.ResponseWriter, _ *http.Request, _ *Conn, call *Call) {
		if call.Path == "/late" {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
		}
		panic("oh")
	}))
	for _, h2 := range []bool{false, true} {
		client := ft.client(t, h2)
		resp, err := client.Get("https://gw.test/early")
		if err != nil || resp.StatusCode != 500 {
			t.Errorf("h2 %v: %+v, %v, want 500", h2, resp, err)
			continue
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp, err = client.Get("https://gw.test/late"); err == nil {
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("h2 %v: an answer that stopped short looks whole", h2)
			}
			resp.Body.Close()
		}
	}
}
