package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client is one kept-alive HTTP/1.1 connection. It does no more than the
// benchmark needs, so that the load costs little beside what it loads.
type client struct {
	conn *tls.Conn
	in   *bufio.Reader
}

// dial opens a connection to a loopback port.
func dial(port int, config *tls.Config) (*client, error) {
	raw, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 5*time.Second)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.Handshake(); err != nil {
		raw.Close()
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 8<<10)}, nil
}

func (c *client) close() { c.conn.Close() }

// answer is what is known of one answer.
type answer struct {
	status int
	// bytes of the body, without chunk marks.
	bytes int
	// events are those of a stream, counted by their blank lines.
	events int
	// firstByte is when the first byte of the body was there.
	firstByte time.Time
}

// do sends a request and reads its answer to the end.
func (c *client) do(request []byte) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	a, length, err := c.head()
	if err != nil {
		return a, err
	}
	if length >= 0 {
		err = c.fixed(&a, length)
	} else {
		err = c.chunked(&a)
	}
	return a, err
}

// open sends a request and reads its answer up to the first chunk.
func (c *client) open(request []byte) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	a, length, err := c.head()
	if err != nil {
		return a, err
	}
	if length >= 0 {
		return a, errors.New("the answer is no stream")
	}
	_, err = c.chunk(&a)
	return a, err
}

// head reads the status and the header; length is -1 for a chunked body.
func (c *client) head() (a answer, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return a, 0, err
	}
	if len(line) < 12 {
		return a, 0, fmt.Errorf("not a status line: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, 0, fmt.Errorf("not a status line: %q", line)
	}
	length = -2
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return a, 0, err
		}
		name, value, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		switch {
		case !ok && length == -2:
			return a, 0, errors.New("an answer without length")
		case !ok:
			return a, length, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return a, 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = -1
		}
	}
}

func (c *client) fixed(a *answer, length int) error {
	if _, err := c.in.Peek(min(length, 1)); err != nil {
		return err
	}
	a.firstByte = time.Now()
	n, err := c.in.Discard(length)
	a.bytes += n
	return err
}

func (c *client) chunked(a *answer) error {
	for {
		more, err := c.chunk(a)
		if err != nil || !more {
			return err
		}
	}
}

// blank ends a server-sent event.
var blank = []byte("\n\n")

// chunk reads one chunk; more is false after the last one.
func (c *client) chunk(a *answer) (more bool, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	size, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
	if err != nil {
		return false, fmt.Errorf("not a chunk: %q", line)
	}
	if a.firstByte.IsZero() {
		a.firstByte = time.Now()
	}
	a.bytes += int(size)
	for left := int(size) + len("\r\n"); left > 0; {
		part, err := c.in.Peek(min(left, c.in.Size()))
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !(errors.Is(err, io.EOF) && len(part) > 0) {
			return false, err
		}
		a.events += bytes.Count(part, blank)
		if _, err := c.in.Discard(len(part)); err != nil {
			return false, err
		}
		left -= len(part)
	}
	return size > 0, nil
}
