package gateway

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// TestRapidReset: streams that are opened to be cancelled end the connection
// after about fifty, and others do not suffer.
func TestRapidReset(t *testing.T) {
	ft := startFront(t, withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, call *Call) {
		if call.Path == "/wait" {
			<-r.Context().Done()
		}
	}))
	c := ft.h2(t)
	closed := make(chan bool)
	go func() {
		_, ok := c.end(10 * time.Second)
		closed <- ok
	}()
	sent := 0
	for ; sent < 20000; sent++ {
		id := c.stream
		c.stream += 2
		block := c.block(":path", "/wait")
		if c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: true, EndHeaders: true}) != nil {
			break
		}
		if c.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			break
		}
	}
	if !<-closed {
		t.Error("the connection is still open")
	}
	if n := len(ft.takeSeen()); n > 2000 {
		t.Errorf("%d of %d streams reached the handler", n, sent)
	}
	ft.awaitRefusal(t, RefusedResets)
	if got := ft.h2(t).get(t); got != 200 {
		t.Errorf("another connection: %d", got)
	}
}

// TestHonestCancels: a client that gives up on some of its requests, or on all
// of few, keeps its connection.
func TestHonestCancels(t *testing.T) {
	ft := startFront(t)
	c := ft.h2(t)
	for range 100 {
		if got := c.get(t); got != 200 {
			t.Fatalf("status %d", got)
		}
		id := c.open(t, false, ":method", "POST") // its body never comes
		c.WriteRSTStream(id, http2.ErrCodeCancel)
		for range 2 {
			c.get(t)
		}
	}
	if r := ft.takeRefusals(); len(r) > 0 {
		t.Errorf("refusals %+v", r)
	}
}

func TestResetCounter(t *testing.T) {
	var r resetCounter
	at := time.Unix(1000, 0)
	for i := range resetLimit - 1 {
		if r.done(at, true) {
			t.Fatalf("over the limit after %d", i+1)
		}
	}
	if !r.done(at, true) {
		t.Error("not over the limit at it")
	}
	// Half and half is still an attack, a third is not, and windows end.
	r = resetCounter{}
	for i := range 3 * resetLimit {
		if r.done(at, i%3 == 0) {
			t.Fatalf("a third premature is over the limit after %d", i+1)
		}
	}
	r = resetCounter{}
	for i := range 10 * resetLimit {
		if r.done(at.Add(time.Duration(i)*time.Second/4), true) {
			t.Fatalf("four a second are over the limit after %d", i+1)
		}
	}
}

// TestContinuationFlood: a head without end ends the connection early.
func TestContinuationFlood(t *testing.T) {
	ft := startFront(t)
	c := ft.h2(t)
	block := c.block("x-a", "b")
	c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true})
	// A literal field without indexing, over and over.
	fragment := bytes.Repeat([]byte("\x00\x03x-a\x0aaaaaaaaaaa"), 1000)
	sent := 0
	for ; sent < 2000; sent++ {
		if c.WriteContinuation(1, false, fragment) != nil {
			break
		}
	}
	if code, closed := c.end(5 * time.Second); !closed {
		t.Errorf("still open after %d CONTINUATION frames, code %v", sent, code)
	}
	if seen := ft.takeSeen(); len(seen) > 0 {
		t.Errorf("the handler saw %q", seen)
	}
}

// TestHeaderBomb: a head that is small on the wire and large in the table.
func TestHeaderBomb(t *testing.T) {
	ft := startFront(t)
	c := ft.h2(t)
	c.enc.SetMaxDynamicTableSize(4096)
	fields := []string{}
	for range 2000 {
		fields = append(fields, "x-bomb", string(bytes.Repeat([]byte("b"), 3000)))
	}
	if got := c.get(t, fields...); got != 431 && got != h2Gone {
		t.Errorf("%d", got)
	}
	if seen := ft.takeSeen(); len(seen) > 0 {
		t.Errorf("the handler saw %q", seen)
	}
}

// TestProtocolWithoutRequests: PING, SETTINGS and empty DATA cost something and
// ask for nothing; there is an end to them.
func TestProtocolWithoutRequests(t *testing.T) {
	for name, flood := range map[string]func(*h2Conn) error{
		"ping":     func(c *h2Conn) error { return c.WritePing(false, [8]byte{1}) },
		"settings": func(c *h2Conn) error { return c.WriteSettings() },
		"data":     func(c *h2Conn) error { return c.WriteData(1, false, nil) },
		"window":   func(c *h2Conn) error { return c.WriteWindowUpdate(0, 1) },
		"priority": func(c *h2Conn) error { return c.WritePriority(3, http2.PriorityParam{}) },
		"unknown":  func(c *h2Conn) error { return c.WriteRawFrame(0xbe, 0, 0, nil) },
	} {
		ft := startFront(t)
		c := ft.h2(t)
		if name == "data" {
			c.open(t, false, ":method", "POST")
		}
		closed := make(chan bool)
		go func() {
			_, ok := c.end(20 * time.Second)
			closed <- ok
		}()
		sent := 0
		for ; sent < 1_000_000; sent++ {
			if flood(c) != nil {
				break
			}
		}
		if !<-closed || sent == 1_000_000 {
			t.Errorf("%s: still open after %d frames", name, sent)
		}
		if name != "ping" && name != "settings" { // net/http may be first: it bounds acknowledgements
			ft.awaitRefusal(t, RefusedOverhead)
		}
	}
}
