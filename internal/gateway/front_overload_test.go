package gateway

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
)

// pressed is a guard whose one monitor the test sets, in hundredths.
type pressed struct {
	*limit.Guard
	percent atomic.Int64
}

func newPressed() *pressed {
	p := &pressed{}
	p.Guard = limit.NewGuard(limit.GuardOptions{Monitors: []limit.Monitor{{
		Name: "memory", Read: func() (float64, error) { return float64(p.percent.Load()) / 100, nil },
	}}})
	return p
}

func withGuard(g *limit.Guard) frontTestOption {
	return func(_ *frontTest, o *ServerOptions) { o.Guard = g }
}

func (ft *frontTest) press(p *pressed, percent int64) {
	p.percent.Store(percent)
	ft.sample()
}

// TestOverload goes up the ladder with a stranger and a caller connected.
func TestOverload(t *testing.T) {
	p := newPressed()
	stop := make(chan struct{})
	ft := startFront(t, withGuard(p.Guard), withHandler(func(w http.ResponseWriter, r *http.Request, c *Conn, call *Call) {
		if r.Header.Get("Api-Key") != "" {
			c.Vouch()
		}
		streamHandler(stop)(w, r, c, call)
	}))
	stream := openStream(t, ft.client(t, false))
	defer stream.Close()
	const key = "Api-Key: k\r\n"
	stranger, caller := ft.dial(t, ft.clientTLS()), ft.dial(t, ft.clientTLS())
	ask(stranger)
	ask(caller, key)

	ft.press(p, 93)
	if status, h := ask(caller, key); status != 200 || h.Get("Connection") != "" {
		t.Errorf("no-keep-alive: a caller got %d, Connection %q", status, h.Get("Connection"))
	}
	if status, h := ask(stranger); status != 200 || h.Get("Connection") != "close" {
		t.Errorf("no-keep-alive: a stranger got %d, Connection %q", status, h.Get("Connection"))
	}
	stranger = ft.dial(t, ft.clientTLS()) // new ones are still taken

	ft.press(p, 96)
	status, h := ask(stranger)
	if after, _ := strconv.Atoi(h.Get("Retry-After")); status != 503 || after < 1 || after > 4 {
		t.Errorf("shed: a stranger got %d, Retry-After %q", status, h.Get("Retry-After"))
	}
	if r := ft.awaitRefusal(t, RefusedOverloaded); r.Status != 503 {
		t.Errorf("refusal %+v", r)
	}
	if status, _ := ask(caller, key); status != 200 {
		t.Errorf("shed: a caller got %d", status)
	}
	if ft.dialFrom(t, "127.0.0.1") != nil {
		t.Error("shed: a new connection was taken")
	}

	ft.press(p, 99)
	if status, _ := ask(caller, key); status != 503 {
		t.Errorf("refuse: a caller got %d", status)
	}
	if _, err := io.ReadFull(stream, make([]byte, 12)); err != nil {
		t.Errorf("the open stream: %v", err)
	}

	for range 16 { // four steps of a second each
		ft.press(p, 10)
	}
	if status, _ := ask(ft.dial(t, ft.clientTLS())); status != 200 {
		t.Errorf("after it: %d", status)
	}
	close(stop)
	if rest, err := io.ReadAll(stream); err != nil || !strings.HasSuffix(string(rest), "data: whole\n\n") {
		t.Errorf("the stream ended with %v", err)
	}
}

// TestOverloadShedsUploads: a large body that is still coming ends with 503,
// whether or not more of it comes; a small one goes on.
func TestOverloadShedsUploads(t *testing.T) {
	p := newPressed()
	arrived := make(chan struct{}, 1)
	ft := startFront(t, withGuard(p.Guard), withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, _ *Call) {
		io.ReadFull(r.Body, make([]byte, r.ContentLength/2))
		arrived <- struct{}{}
		_, err := io.Copy(io.Discard, r.Body)
		bad := &BodyError{Status: 200}
		errors.As(err, &bad)
		w.WriteHeader(bad.Status)
	}))
	for _, row := range []struct {
		percent int64
		size    int
		want    int
	}{
		{10, 4 << 20, 200}, {94, 4 << 20, 200}, {96, 4 << 20, 503}, {96, 1 << 20, 200}, {99, 1 << 20, 503}, {99, 64 << 10, 200},
	} {
		for _, h2 := range []bool{false, true} {
			for range 20 { // back to the bottom
				ft.press(p, 0)
			}
			rest := &heldBack{release: make(chan struct{})}
			half := strings.NewReader(strings.Repeat("x", row.size/2))
			req, _ := http.NewRequest("POST", "https://gw.test/a", io.MultiReader(half, rest, io.LimitReader(zeros{}, int64(row.size/2))))
			req.ContentLength = int64(row.size)
			go func() {
				<-arrived
				ft.press(p, row.percent)
				if row.want == 200 { // else it ends although no more comes
					close(rest.release)
				}
			}()
			resp, err := ft.client(t, h2).Do(req)
			if err != nil {
				t.Errorf("h2 %v, at %d, %d bytes: %v", h2, row.percent, row.size, err)
			} else if resp.Body.Close(); resp.StatusCode != row.want {
				t.Errorf("h2 %v, at %d, %d bytes: %d, want %d", h2, row.percent, row.size, resp.StatusCode, row.want)
			}
			if row.want != 200 {
				close(rest.release)
			}
		}
	}
}

// heldBack is a reader that ends when it is released.
type heldBack struct{ release chan struct{} }

func (h *heldBack) Read([]byte) (int, error) {
	<-h.release
	return 0, io.EOF
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestOverloadTellsHTTP2: a stranger's connection ends with GOAWAY and its
// streams in peace.
func TestOverloadTellsHTTP2(t *testing.T) {
	p := newPressed()
	ft := startFront(t, withGuard(p.Guard))
	c := ft.h2(t)
	if got := c.get(t); got != 200 {
		t.Fatal(got)
	}
	ft.press(p, 93)
	if got := c.get(t); got != 200 {
		t.Errorf("%d", got)
	}
	if code, closed := c.end(5 * time.Second); !closed || code != 0 {
		t.Errorf("closed %v, GOAWAY %v", closed, code)
	}
}

// TestIdleStrangersGoFirst: under pressure, and when connections run out, idle
// connections end early; those with a request, and those of callers, do not.
func TestIdleStrangersGoFirst(t *testing.T) {
	p := newPressed()
	stop := make(chan struct{})
	ft := startFront(t, withGuard(p.Guard), withLimits(site.Limits{MaxConnections: 5}),
		withHandler(func(w http.ResponseWriter, r *http.Request, c *Conn, call *Call) {
			if r.Header.Get("Api-Key") != "" {
				c.Vouch()
			}
			streamHandler(stop)(w, r, c, call)
		}))
	defer close(stop)
	stream := openStream(t, ft.client(t, true))
	defer stream.Close()
	stranger, caller, h2 := ft.dial(t, ft.clientTLS()), ft.dial(t, ft.clientTLS()), ft.h2(t)
	ask(stranger)
	ask(caller, "Api-Key: k\r\n")
	h2.get(t)
	last := ft.dial(t, ft.clientTLS()) // the fifth of five
	ask(last, "Api-Key: k\r\n")
	// The one that is idle longest makes room; the other too, if it is as old.
	awaitTrue(t, "an idle stranger is gone", func() bool { return ft.Connections() <= 4 })
	if _, err := stranger.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the stranger: %v", err)
	}
	for _, conn := range []*tls.Conn{caller, last} {
		if status, _ := ask(conn); status != 200 {
			t.Errorf("a caller: %d", status)
		}
	}
	if _, err := io.ReadFull(stream, make([]byte, 12)); err != nil {
		t.Errorf("the stream: %v", err)
	}
}
