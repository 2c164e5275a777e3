package store_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// cutter is a TCP proxy that cuts connections at a chosen moment.
type cutter struct {
	port   int
	target string

	mu      sync.Mutex // guards what follows
	on      []byte     // cut when the client sends this
	forward bool       // …after the server got it
	stall   bool       // answer nothing from now on, and keep the connection
	cuts    int
	conns   map[net.Conn]bool
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{port: l.Addr().(*net.TCPAddr).Port, target: target, conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.cutAll()
		wg.Wait()
	})
	return c
}

func (c *cutter) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = map[net.Conn]bool{}
}

// arm cuts the next connection whose client sends text; forward: the server
// gets it before.
func (c *cutter) arm(text string, forward bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.forward, c.cuts = []byte(text), forward, 0
}

func (c *cutter) setStall(stall bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stall = stall
}

func (c *cutter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts
}

// seen reports whether b is where to cut, and if it goes on before.
func (c *cutter) seen(b []byte) (cut, forward bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.on) == 0 || !bytes.Contains(b, c.on) {
		return false, true
	}
	c.cuts++
	c.on = nil
	return true, c.forward
}

func (c *cutter) stalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stall
}

func (c *cutter) serve(client net.Conn) {
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		_ = client.Close()
		return
	}
	c.mu.Lock()
	c.conns[client], c.conns[server] = true, true
	c.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { c.copy(client, server, false) })
	c.copy(server, client, true)
	wg.Wait()
}

func (c *cutter) copy(to, from net.Conn, up bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		cut, forward := false, true
		if up {
			cut, forward = c.seen(buf[:n])
		}
		if cut {
			// The client sees the end before any answer.
			_ = from.Close()
		}
		if forward && !c.stalled() {
			_, _ = to.Write(buf[:n])
		}
		if err != nil || cut {
			if cut && forward {
				_, _ = io.Copy(io.Discard, to) // until the server is done
			}
			_ = from.Close()
			_ = to.Close()
			return
		}
	}
}
