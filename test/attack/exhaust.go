package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// exhaustConnections takes every connection that a gateway with few file
// descriptors has, and then asks who is still served.
func exhaustConnections(t *trial) {
	const n = 400
	var held, refused atomic.Int64
	var wg sync.WaitGroup
	release := make(chan struct{})
	opening := make(chan struct{}, 16)
	for i := range n {
		wg.Go(func() {
			opening <- struct{}{}
			conn, err := t.dial(i, "http/1.1")
			<-opening
			if err != nil {
				refused.Add(1)
				return
			}
			defer conn.Close()
			held.Add(1)
			// A request each: a connection that was used may stay.
			io.WriteString(conn, post("good2", len(chatBody))+chatBody)
			<-release
		})
	}
	time.Sleep(5 * time.Second)
	_, err := t.gateway.ask("/livez")
	if err != nil {
		t.broken("the probe while exhausted: %v", err)
	}
	t.note("%d connections at %d file descriptors: %d held, %d refused", n, t.site.files, held.Load(), refused.Load())
	if refused.Load() == 0 {
		t.broken("no connection was refused: no attack")
	}
	close(release)
	wg.Wait()
	t.newcomer()
}

// newcomer wants somebody who was not there before to be served now.
func (t *trial) newcomer() {
	began := time.Now()
	var err error
	for time.Since(began) < 5*time.Second {
		client := newClient(t.gateway.door, true)
		err = chat(t.ctx, client, t.gateway.door, goodKey, "good")
		client.CloseIdleConnections()
		if err == nil {
			t.note("a newcomer served after %.1f s", time.Since(began).Seconds())
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.broken("a newcomer is not served: %v", err)
}

// crowd opens more connections from one address than one may have.
func crowd(t *trial) {
	const n, most = 400, 50
	var held, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			t.pause(time.Duration(i) * openWithin / n)
			conn, err := t.dial(0, "http/1.1")
			if err != nil {
				refused.Add(1)
				return
			}
			held.Add(1)
			fmt.Fprint(conn, post("good2", len(chatBody))+chatBody)
		})
	}
	wg.Wait()
	t.note("%d connections of one address: %d held, %d refused", n, held.Load(), refused.Load())
	if held.Load() == 0 || held.Load() > most {
		t.broken("%d connections of one address, at most %d", held.Load(), most)
	}
	if conn, err := t.dial(1, "http/1.1"); err != nil {
		t.broken("another address is refused too: %v", err)
	} else {
		conn.Close()
	}
}

// comesBack misbehaves until it is not let in any more, and waits until it is
// again: bans end.
func comesBack(t *trial) {
	const most = 20
	began, times := time.Now(), 0
	for ; times < most; times++ {
		c, err := t.frames(0)
		if err != nil {
			break
		}
		go c.listen()
		for c.openAndReset() == nil {
		}
		c.Close()
	}
	if times == 0 || times == most {
		t.broken("let in %d times of %d", times, most)
		return
	}
	t.borne(time.Since(began))
	if _, err := t.dial(1, "h2"); err != nil {
		t.broken("another address is refused too: %v", err)
	}
	banned := time.Now()
	if err := t.until(func() bool {
		conn, err := t.dial(0, "h2")
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 10*time.Second); err != nil {
		t.broken("it is still banned 10 s later, banFor is 4s")
		return
	}
	t.note("banned after %d connections, let in again %.1f s later", times, time.Since(banned).Seconds())
}

// exhaustMemory sends bodies that are large and not finished, so that each
// lies in memory. 250 of 4 MiB are four times what the gateway may have; 2,000
// would only take longer.
func exhaustMemory(t *trial) {
	const n, size = 250, 4 << 20
	piece := bytes.Repeat([]byte("a"), 64<<10)
	open := []byte(`{"messages":[{"role":"user","content":"`)
	var mu sync.Mutex
	count := map[int]int{}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			status := t.halfBody(i, size, open, piece)
			mu.Lock()
			defer mu.Unlock()
			count[status]++
		})
	}
	wg.Wait()
	t.note("%d bodies of 4 MiB: %s", n, counts(count))
}

// halfBody sends a body but for its end, waits, and ends it. It returns the
// status of the answer, which may come at any time.
func (t *trial) halfBody(attacker, size int, open, piece []byte) int {
	conn, err := t.dial(attacker, "http/1.1")
	if err != nil {
		return cutOffStatus
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(18 * time.Second))
	answered := make(chan int, 1)
	go func() {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answered <- cutOffStatus
			return
		}
		answered <- resp.StatusCode
	}()
	last := []byte(`"}]}`)
	if _, err = io.WriteString(conn, post("big", size)); err == nil {
		_, err = conn.Write(open)
	}
	for left := size - len(open) - len(last); left > 0 && err == nil; {
		select {
		case status := <-answered:
			return status
		default:
		}
		n := min(left, len(piece))
		_, err = conn.Write(piece[:n])
		left -= n
	}
	if err == nil {
		select {
		case status := <-answered:
			return status
		case <-time.After(3 * time.Second):
			conn.Write(last)
		}
	}
	return <-answered
}

// webSockets opens as many WebSockets as one caller can.
func webSockets(t *trial) {
	const n = 2000
	var mu sync.Mutex
	var open []*tls.Conn
	count := map[int]int{}
	var wg sync.WaitGroup
	opening := make(chan struct{}, 16)
	for i := range n {
		wg.Go(func() {
			opening <- struct{}{}
			defer func() { <-opening }()
			conn, status := t.webSocket(i)
			mu.Lock()
			defer mu.Unlock()
			count[status]++
			if status == http.StatusSwitchingProtocols {
				open = append(open, conn)
			}
		})
	}
	wg.Wait()
	time.Sleep(time.Second)
	t.note("%d asked for, %d open at most: %s", n, t.backend.working.Load(), counts(count))
	if len(open) == 0 {
		t.broken("no WebSocket was opened: no attack")
	}
	for _, conn := range open {
		conn.Close()
	}
	if _, status := t.webSocket(0); status != http.StatusSwitchingProtocols {
		t.until(func() bool { return t.backend.working.Load() == 0 }, 5*time.Second)
		if _, status = t.webSocket(0); status != http.StatusSwitchingProtocols {
			t.broken("when all are closed, another is answered with %d", status)
		}
	}
}

const webSocketKey = "dGhlIHNhbXBsZSBub25jZQ=="

// webSocket asks for one.
func (t *trial) webSocket(attacker int) (*tls.Conn, int) {
	conn, err := t.dial(attacker, "http/1.1")
	if err != nil {
		return nil, cutOffStatus
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET /openai/realtime?api-version=2024-10-01-preview&deployment=realtime HTTP/1.1\r\nHost: localhost\r\nApi-Key: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", badKey, webSocketKey)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	switch {
	case err != nil:
		conn.Close()
		return nil, cutOffStatus
	case resp.StatusCode != http.StatusSwitchingProtocols:
		resp.Body.Close()
		conn.Close()
	}
	return conn, resp.StatusCode
}

// webSocketAccept is RFC 6455, section 4.2.2.
func webSocketAccept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
