package gateway

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What may come in the place of a status.
const (
	h2Reset = -1 // the stream was reset
	h2Gone  = -2 // the connection was ended
)

// h2Conn is a client that says what it likes in HTTP/2 frames; ordinary ones
// refuse to send most of what the tests need.
type h2Conn struct {
	*http2.Framer
	conn   *tls.Conn
	stream uint32
	head   bytes.Buffer
	enc    *hpack.Encoder
}

// h2 connects and says hello.
func (ft *frontTest) h2(t testing.TB) *h2Conn {
	t.Helper()
	return ft.h2With(t, ft.clientTLS("h2"))
}

func (ft *frontTest) h2With(t testing.TB, cfg *tls.Config) *h2Conn {
	t.Helper()
	c := newH2Conn(ft.dial(t, cfg))
	if err := c.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

// newH2Conn says the preface on a connection.
func newH2Conn(conn *tls.Conn) *h2Conn {
	c := &h2Conn{conn: conn, stream: 1}
	io.WriteString(c.conn, http2.ClientPreface)
	c.Framer = http2.NewFramer(c.conn, c.conn)
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.AllowIllegalWrites = true
	c.enc = hpack.NewEncoder(&c.head)
	return c
}

// block encodes a head: GET / on gw.test, with fields added, or put in the
// place of the pseudo-fields.
func (c *h2Conn) block(fields ...string) []byte {
	pseudo := []string{":method", "GET", ":scheme", "https", ":authority", frontTestHost, ":path", "/"}
	var rest []string
	for i := 0; i < len(fields); i += 2 {
		replaced := false
		for j := 0; j < len(pseudo); j += 2 {
			if pseudo[j] == fields[i] {
				pseudo[j+1], replaced = fields[i+1], true
			}
		}
		if !replaced {
			rest = append(rest, fields[i], fields[i+1])
		}
	}
	c.head.Reset()
	all := append(pseudo, rest...)
	for i := 0; i < len(all); i += 2 {
		c.enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return c.head.Bytes()
}

// open begins a stream.
func (c *h2Conn) open(t testing.TB, end bool, fields ...string) uint32 {
	t.Helper()
	id := c.stream
	c.stream += 2
	block := c.block(fields...)
	first := block[:min(len(block), 16<<10)]
	err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(first) == len(block)})
	for block = block[len(first):]; len(block) > 0 && err == nil; {
		n := min(len(block), 16<<10)
		err = c.WriteContinuation(id, n == len(block), block[:n])
		block = block[n:]
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// get asks for / with these fields and returns the status, or h2Reset.
func (c *h2Conn) get(t testing.TB, fields ...string) int {
	t.Helper()
	return c.status(t, c.open(t, true, fields...))
}

// status reads until stream id has been answered to its end.
func (c *h2Conn) status(t testing.TB, id uint32) int {
	t.Helper()
	status := 0
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
				return h2Gone
			}
			t.Fatalf("stream %d: %v", id, err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				c.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				if n, _ := strconv.Atoi(f.PseudoValue("status")); n >= 200 {
					status = n
				}
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id && status == 0 {
				return h2Reset
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return h2Gone
			}
		}
		if h := frame.Header(); h.StreamID == id && status != 0 && h.Flags.Has(http2.FlagDataEndStream) {
			return status
		}
	}
}

// end reads until the server says goodbye: its GOAWAY code, and whether the
// connection was closed within the time.
func (c *h2Conn) end(within time.Duration) (code http2.ErrCode, closed bool) {
	code = http2.ErrCodeNo
	c.conn.SetReadDeadline(time.Now().Add(within))
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			var stream http2.StreamError
			if errors.As(err, &stream) {
				continue
			}
			var timeout interface{ Timeout() bool }
			return code, !(errors.As(err, &timeout) && timeout.Timeout())
		}
		if g, ok := frame.(*http2.GoAwayFrame); ok {
			code = g.ErrCode
		}
	}
}
