package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
	"golang.org/x/net/http2"
)

// TestEdgePreset holds the front, as it is without any setting, against the
// values of Envoy's configuration for the edge (its best practices page); the
// table in docs/front.md says where we are stricter. A value in seconds is
// looked up in the defaults, and its effect is observed with a shorter one.
func TestEdgePreset(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(*testing.T)
	}{
		{"http/2 streams 100", edgeStreams},
		{"http/2 windows 64 KiB and 1 MiB", edgeWindows},
		{"held for a client that does not read 32 KiB", edgeHeld},
		{"request_timeout 300 s", edgeRequestReadTimeout},
		{"stream_idle_timeout 300 s, active streams go on", edgeStreamIdle},
		{"idle_timeout, stricter: 60 s", edgeIdle},
		{"head, stricter: 16 KiB and 100 fields", edgeHead},
		{"normalize_path, stricter: refused", edgePath("/a/../b", "/a/%2e%2e/b", "/./a")},
		{"merge_slashes, stricter: refused", edgePath("//a", "/a//b")},
		{"path_with_escaped_slashes_action, stricter: refused", edgePath("/a%2fb", "/a%2Fb", "/a%5cb")},
		{"headers_with_underscores_action: removed", edgeUnderscores},
		{"use_remote_address: from trusted hops alone", edgeForwarded},
		{"10,000 connections, of all listeners", edgeConnections},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.test(t)
		})
	}
}

// edgeDefaults are the limits of a site that sets none.
func edgeDefaults() site.Limits { return frontLimits(site.Limits{}) }

func edgeStreams(t *testing.T) {
	stop := make(chan struct{})
	ft := startFront(t, withHandler(func(http.ResponseWriter, *http.Request, *Conn, *Call) { <-stop }))
	defer close(stop)
	c := ft.h2(t)
	for range h2Streams {
		c.open(t, true)
	}
	awaitTrue(t, "100 streams at work", func() bool { return ft.InFlight() == 100 })
	if got := c.status(t, c.open(t, true)); got != h2Reset {
		t.Errorf("stream 101: %d, want a reset", got)
	}
}

// edgeWindows reads what the server announces.
func edgeWindows(t *testing.T) {
	c := startFront(t).h2(t)
	settings := map[http2.SettingID]uint32{}
	grown := uint32(65535) // RFC 9113, section 6.9.2
	for len(settings) == 0 || grown == 65535 {
		frame, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			f.ForeachSetting(func(s http2.Setting) error { settings[s.ID] = s.Val; return nil })
		case *http2.WindowUpdateFrame:
			grown += f.Increment
		}
	}
	for id, want := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: 100, http2.SettingInitialWindowSize: 64 << 10, http2.SettingMaxFrameSize: 16 << 10,
	} {
		if settings[id] != want {
			t.Errorf("%v is %d, want %d", id, settings[id], want)
		}
	}
	if grown != 1<<20 {
		t.Errorf("connection window %d, want 1 MiB", grown)
	}
}

// edgeHeld: what a handler can write beyond what has left for the network.
func edgeHeld(t *testing.T) {
	const bound = 32 << 10
	var handed atomic.Int64
	conns := make(chan *Conn, 2)
	ft := startFront(t, withHandler(func(w http.ResponseWriter, _ *http.Request, c *Conn, _ *Call) {
		handed.Store(0)
		conns <- c
		for chunk := make([]byte, 1000); ; {
			n, err := w.Write(chunk)
			handed.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer ft.Close()
	held := func(name string) {
		c := <-conns
		last := int64(-1)
		awaitTrue(t, name+": the handler waits", func() bool {
			now := handed.Load()
			defer func() { last = now }()
			time.Sleep(100 * time.Millisecond)
			return now > 0 && now == last
		})
		if left := handed.Load() - int64(c.raw.written.Load()); left > bound {
			t.Errorf("%s: %d bytes are held, of %d", name, left, handed.Load())
		}
	}
	c := ft.h2(t)
	c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.open(t, true)
	held("http/2")
	conn := ft.dial(t, ft.clientTLS())
	conn.NetConn().(*net.TCPConn).SetReadBuffer(16 << 10)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n")
	held("http/1.1")
	// The kernel holds more, for both sides; and doubles what it is told.
	if n := handed.Load(); n > 4*sendBuffer {
		t.Errorf("%d bytes are with the kernel", n)
	}
}

// edgeRequestReadTimeout: a body that comes fast enough and does not end.
func edgeRequestReadTimeout(t *testing.T) {
	if got := edgeDefaults().RequestReadTimeout; got != site.Duration(300*time.Second) {
		t.Errorf("requestReadTimeout is %v", time.Duration(got))
	}
	statuses := make(chan int, 2)
	ft := startFront(t, withLimits(site.Limits{RequestReadTimeout: site.Duration(400 * time.Millisecond)}),
		withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, _ *Call) {
			_, err := io.Copy(io.Discard, r.Body)
			if bad := (*BodyError)(nil); errors.As(err, &bad) {
				statuses <- bad.Status
				w.WriteHeader(bad.Status)
				return
			}
			statuses <- 200
		}))
	for _, h2 := range []bool{false, true} {
		began := time.Now()
		req, _ := http.NewRequest("POST", "https://gw.test/a", &endless{until: began.Add(6 * time.Second)})
		if resp, err := ft.client(t, h2).Do(req); err == nil {
			resp.Body.Close()
		}
		if got := <-statuses; got != http.StatusRequestTimeout {
			t.Errorf("h2 %v: %d, want 408", h2, got)
		}
		if took := time.Since(began); took < 350*time.Millisecond || took > 3*time.Second {
			t.Errorf("h2 %v: after %v", h2, took)
		}
	}
	// What is there in time may be answered late.
	resp, err := ft.client(t, true).Post("https://gw.test/a", "text/plain", &endless{until: time.Now().Add(100 * time.Millisecond)})
	if got := <-statuses; err != nil || got != 200 {
		t.Errorf("a body in time: %d, %v", got, err)
	} else {
		resp.Body.Close()
	}
}

// endless is a body of 4 KiB every 20 ms.
type endless struct{ until time.Time }

func (e *endless) Read(p []byte) (int, error) {
	if time.Now().After(e.until) {
		return 0, io.EOF
	}
	time.Sleep(20 * time.Millisecond)
	return min(len(p), 4<<10), nil
}

// edgeStreamIdle: a stream that moves outlives the timeout, over both
// protocols, however little it moves.
func edgeStreamIdle(t *testing.T) {
	if got := edgeDefaults().StreamIdleTimeout; got != site.Duration(300*time.Second) {
		t.Errorf("streamIdleTimeout is %v", time.Duration(got))
	}
	stop := make(chan struct{})
	ft := startFront(t, withHandler(streamHandler(stop)),
		withLimits(site.Limits{StreamIdleTimeout: site.Duration(200 * time.Millisecond)}))
	streams := []io.ReadCloser{openStream(t, ft.client(t, false)), openStream(t, ft.client(t, true))}
	time.AfterFunc(700*time.Millisecond, func() { close(stop) })
	for i, s := range streams {
		got, err := io.ReadAll(s)
		if err != nil || !strings.HasSuffix(string(got), "data: whole\n\n") {
			t.Errorf("stream %d: %v", i, err)
		}
	}
}

func edgeIdle(t *testing.T) {
	if got := edgeDefaults().IdleTimeout; got != site.Duration(60*time.Second) {
		t.Errorf("idleTimeout is %v", time.Duration(got))
	}
	ft := startFront(t, withLimits(site.Limits{IdleTimeout: site.Duration(300 * time.Millisecond)}))
	ask(ft.dial(t, ft.clientTLS()))
	ft.h2(t).get(t)
	began := time.Now()
	ft.awaitConnections(t, 0)
	if took := time.Since(began); took < 200*time.Millisecond || took > 3*time.Second {
		t.Errorf("closed after %v", took)
	}
}

func edgeHead(t *testing.T) {
	ft := startFront(t)
	if status, _ := ask(ft.dial(t, ft.clientTLS()), "X-Large: "+strings.Repeat("x", MaxHeadBytes)+"\r\n"); status != 431 {
		t.Errorf("a head of more than 16 KiB: %d", status)
	}
	if status, _ := ask(ft.dial(t, ft.clientTLS()), strings.Repeat("X-A: b\r\n", MaxHeadFields)); status != 431 {
		t.Errorf("more than 100 fields: %d", status)
	}
}

func edgePath(paths ...string) func(*testing.T) {
	return func(t *testing.T) {
		ft := startFront(t)
		for _, path := range paths {
			conn := ft.dial(t, ft.clientTLS())
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n", path)
			if statuses, _ := readAnswers(t, conn); len(statuses) != 1 || statuses[0] != 400 {
				t.Errorf("%s: %v, want 400", path, statuses)
			}
			if got := ft.h2(t).get(t, ":path", path); got != 400 {
				t.Errorf("%s over http/2: %d, want 400", path, got)
			}
		}
		if seen := ft.takeSeen(); len(seen) > 0 {
			t.Errorf("the handler saw %q", seen)
		}
	}
}

func edgeUnderscores(t *testing.T) {
	ft := startFront(t)
	if status, _ := ask(ft.dial(t, ft.clientTLS()), "X_Forwarded_For: 10.1.1.1\r\nX-Kept: yes\r\n"); status != 200 {
		t.Fatalf("status %d", status)
	}
	_, h := ft.lastCall(t)
	for name := range h {
		if strings.Contains(name, "_") {
			t.Errorf("%s got through", name)
		}
	}
	if h.Get("X-Kept") == "" {
		t.Errorf("fields %v", h)
	}
}

func edgeForwarded(t *testing.T) {
	const field = "X-Forwarded-For: 10.9.9.9, 10.1.1.1\r\n"
	stranger := startFront(t)
	ask(stranger.dial(t, stranger.clientTLS()), field)
	if call, h := stranger.lastCall(t); call.Client.String() != "127.0.0.1" || h.Get("X-Forwarded-For") != "" {
		t.Errorf("a stranger's: client %v, fields %v", call.Client, h)
	}
	proxy := startFront(t, withProxies(loopbackProxy(site.TrustedProxy{ForwardedFor: 1})))
	ask(proxy.dial(t, proxy.clientTLS()), field)
	if call, _ := proxy.lastCall(t); call.Client.String() != "10.1.1.1" {
		t.Errorf("a trusted proxy's: client %v", call.Client)
	}
}

// edgeConnections: the cap is one for all listeners, so it is stricter than
// 10,000 for each and 50,000 for the process.
func edgeConnections(t *testing.T) {
	if got := edgeDefaults().MaxConnections; got != 10_000 {
		t.Errorf("maxConnections is %d", got)
	}
	ft := startFront(t, withLimits(site.Limits{MaxConnections: 2}))
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- ft.Serve(second) }()
	ft.dial(t, ft.clientTLS())
	d := &tls.Dialer{Config: ft.clientTLS()}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", second.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if third, err := d.DialContext(ctx, "tcp", second.Addr().String()); err == nil {
		third.Close()
		t.Error("a third connection was taken")
	}
	ft.awaitRefusal(t, RefusedConnections)
	ft.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
