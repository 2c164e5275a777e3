package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is a client that says what it likes in HTTP/2 frames; ordinary ones
// refuse to send most of what attacks need. Writing is buffered.
type frames struct {
	*http2.Framer
	conn *tls.Conn
	out  *bufio.Writer
	next uint32 // stream
	head bytes.Buffer
	enc  *hpack.Encoder

	// closed is closed when listen has read to the end.
	closed chan struct{}
	// answered is the highest number of a PING that was answered.
	answered atomic.Int64
	// over is how many streams the gateway has ended.
	over atomic.Int64
}

// frames connects and says hello.
func (t *trial) frames(attacker int) (*frames, error) {
	conn, err := t.dial(attacker, "h2")
	if err != nil {
		return nil, err
	}
	c := &frames{conn: conn, out: bufio.NewWriterSize(conn, 16<<10), next: 1, closed: make(chan struct{})}
	c.Framer = http2.NewFramer(c.out, conn)
	c.AllowIllegalWrites = true
	c.enc = hpack.NewEncoder(&c.head)
	io.WriteString(c.out, http2.ClientPreface)
	if err := errors.Join(c.WriteSettings(), c.WriteSettingsAck(), c.Flush()); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *frames) Flush() error { return c.out.Flush() }
func (c *frames) Close() error { return c.conn.Close() }

// listen reads until the gateway has ended the connection.
func (c *frames) listen() {
	defer close(c.closed)
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			var stream http2.StreamError
			if errors.As(err, &stream) {
				continue
			}
			return
		}
		switch f := frame.(type) {
		case *http2.PingFrame:
			if f.IsAck() {
				c.answered.Store(int64(binary.BigEndian.Uint64(f.Data[:])))
			}
		case *http2.HeadersFrame:
			if f.StreamEnded() {
				c.over.Add(1)
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				c.over.Add(1)
			}
		case *http2.RSTStreamFrame:
			// After an answer it says only that the rest is not wanted.
			if f.ErrCode != http2.ErrCodeNo {
				c.over.Add(1)
			}
		}
	}
}

// pingNumber asks for an answer that carries a number.
func (c *frames) pingNumber(n int) error {
	var data [8]byte
	binary.BigEndian.PutUint64(data[:], uint64(n))
	return c.WritePing(false, data)
}

// ended reports whether the gateway has ended the connection within a time.
func (c *frames) ended(within time.Duration) bool {
	select {
	case <-c.closed:
		return true
	case <-time.After(within):
		return false
	}
}

// block encodes the head of a POST to a deployment, with fields added.
func (c *frames) block(deployment string, fields ...hpack.HeaderField) []byte {
	c.head.Reset()
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "localhost"}, {Name: ":path", Value: chatPath(deployment)},
		{Name: "api-key", Value: badKey}, {Name: "content-type", Value: "application/json"},
	}, fields...) {
		c.enc.WriteField(f)
	}
	return c.head.Bytes()
}

// open begins a stream with a head that has no more than one frame.
func (c *frames) open(deployment string) (id uint32, err error) {
	id = c.next
	c.next += 2
	return id, c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(deployment), EndHeaders: true})
}

// post sends a whole request on a stream of its own.
func (c *frames) post(deployment, body string) error {
	id, err := c.open(deployment)
	if err != nil {
		return err
	}
	return c.WriteData(id, true, []byte(body))
}
