package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// openWithin is the time in which a slow attack opens its connections. What it
// tests is patience; how many handshakes the gateway can make is another
// attack.
const openWithin = 2 * time.Second

// hold opens n connections, sends drop on each every few seconds, and waits
// until the gateway has ended them all.
func (t *trial) hold(n int, open func(i int) (net.Conn, error), drop []byte) {
	var wg sync.WaitGroup
	var held, failed, brief atomic.Int64
	for i := range n {
		wg.Go(func() {
			t.pause(time.Duration(i) * openWithin / time.Duration(n))
			conn, err := open(i)
			if err != nil {
				failed.Add(1)
				return
			}
			defer conn.Close()
			began := time.Now()
			if !t.drip(conn, drop) {
				held.Add(1)
				return
			}
			life := time.Since(began)
			t.borne(life)
			if life < time.Second {
				brief.Add(1)
			}
		})
	}
	wg.Wait()
	t.note("%d connections", n-int(failed.Load()))
	if h := held.Load(); h > 0 {
		t.broken("%d of %d connections are still open", h, n)
	}
	// A few may meet a gateway that is busy; most have to be an attack. One that
	// is refused at once, for whatever reason, tests no patience.
	if f, b := failed.Load(), brief.Load(); f+b > int64(n/10) {
		t.broken("%d of %d connections could not be opened and %d were ended at once: no attack", f, n, b)
	}
}

const dropEvery = 3 * time.Second

// drip sends drop again and again; true: the other side has ended it.
func (t *trial) drip(conn net.Conn, drop []byte) (ended bool) {
	closed := make(chan struct{})
	go func() {
		io.Copy(io.Discard, conn)
		close(closed)
	}()
	tick := time.NewTicker(dropEvery)
	defer tick.Stop()
	for {
		select {
		case <-closed:
			return true
		case <-t.ctx.Done():
			return false
		case <-tick.C:
			if len(drop) > 0 {
				conn.Write(drop) // an error shows as the end of reading
			}
		}
	}
}

// begin is a TLS connection on which a text was sent.
func (t *trial) begin(i int, text string) (net.Conn, error) {
	conn, err := t.dial(i, "http/1.1")
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, text)
	return conn, err
}

func slowHeaders(t *trial) {
	t.hold(400, func(i int) (net.Conn, error) {
		return t.begin(i, "POST "+chatPath("slow")+" HTTP/1.1\r\nHost: localhost\r\n")
	}, []byte("X-Slow: 1\r\n"))
}

// post is the head of a request of the attacker's.
func post(deployment string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nApi-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		chatPath(deployment), badKey, length)
}

func slowBody(t *trial) {
	t.hold(300, func(i int) (net.Conn, error) {
		return t.begin(i, post("slow", 8<<10)+`{"messages":[`)
	}, []byte("          "))
}

// slowBody2 is slowBody over HTTP/2, with many bodies on a connection.
func slowBody2(t *trial) {
	const conns, streams = 10, 30
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			c, err := t.frames(i)
			if err != nil {
				t.broken("dialling: %v", err)
				return
			}
			go c.listen()
			began := time.Now()
			go t.dripBodies(c, streams)
			if err := t.until(func() bool { return c.over.Load() >= streams || c.ended(0) }, attackTime); err != nil {
				t.broken("%d of %d bodies are still waited for", streams-c.over.Load(), streams)
				return
			}
			if time.Since(began) < time.Second {
				t.broken("the streams were ended at once: no attack")
			}
			t.borne(time.Since(began))
		})
	}
	wg.Wait()
	t.note("%d streams on %d connections", conns*streams, conns)
}

// dripBodies begins bodies and gives each a few bytes again and again.
func (t *trial) dripBodies(c *frames, streams int) {
	var ids []uint32
	for range streams {
		id, err := c.open("slow")
		if err != nil || c.WriteData(id, false, []byte(`{"messages":[`)) != nil {
			return
		}
		ids = append(ids, id)
	}
	for c.Flush() == nil && t.ctx.Err() == nil {
		t.pause(dropEvery)
		for _, id := range ids {
			if c.WriteData(id, false, []byte("    ")) != nil {
				return
			}
		}
	}
}

func halfOpen(t *trial) {
	t.hold(500, func(i int) (net.Conn, error) {
		conn, err := t.connect(i)
		if err != nil {
			return nil, err
		}
		_, err = conn.Write([]byte{22, 3, 1}) // the first bytes of a TLS record
		return conn, err
	}, nil)
}

// slowRead1 asks for answers without end and reads none of them.
func slowRead1(t *trial) {
	const n = 50
	for i := range n {
		t.pause(openWithin / 4 / n) // few connections need not be spread as far
		conn, err := t.dialDeaf(i, "http/1.1")
		if err != nil {
			t.broken("dialling: %v", err)
			return
		}
		if _, err := io.WriteString(conn, post("endless", len(chatBody))+chatBody); err != nil {
			t.broken("asking: %v", err)
			return
		}
	}
	t.note("%d connections", n)
	t.awaitIdle()
}

// slowRead2 is slowRead1 over HTTP/2, where windows that are never opened are
// what is not read.
func slowRead2(t *trial) {
	const conns, streams = 5, 20
	for i := range conns {
		c, err := t.frames(i)
		if err != nil {
			t.broken("dialling: %v", err)
			return
		}
		go c.listen()
		for range streams {
			if err := c.post("endless", chatBody); err != nil {
				t.broken("asking: %v", err)
				return
			}
			if err := c.Flush(); err != nil {
				t.broken("asking: %v", err)
				return
			}
		}
	}
	t.note("%d streams on %d connections", conns*streams, conns)
	t.awaitIdle()
}

// awaitIdle waits until the backend answers no attacker any more: the gateway
// has then given them up.
func (t *trial) awaitIdle() {
	began := time.Now()
	if err := t.until(func() bool { return t.backend.working.Load() > 0 }, 2*time.Second); err != nil {
		t.broken("no request reached the backend: no attack")
		return
	}
	if err := t.until(func() bool { return t.backend.working.Load() == 0 }, attackTime); err != nil {
		t.broken("%d answers are still under way", t.backend.working.Load())
		return
	}
	t.borne(time.Since(began))
}

// pause waits, at most until the attack's end.
func (t *trial) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.ctx.Done():
	}
}

// until waits for something, at most so long and until the attack's end.
func (t *trial) until(ok func() bool, atMost time.Duration) error {
	for deadline := time.Now().Add(atMost); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) || t.ctx.Err() != nil {
			return errors.New("not in time")
		}
	}
	return nil
}
