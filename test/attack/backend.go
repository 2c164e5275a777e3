package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// attackers stands for all deployments but the well-behaved client's.
const attackers = ""

// backend plays the model and counts. What it answers is the name of the
// deployment that was asked for, see answer.
type backend struct {
	ln     net.Listener
	server *http.Server
	caPEM  []byte
	// working is the number of attackers' requests that are being answered.
	working atomic.Int64
	bomb    []byte // a compressed answer of 1 : 1000
	filling string // of an event

	mu    sync.Mutex // guards the rest
	count map[string]int
	idle  map[net.Conn]struct{}
	// answered holds the connections on which flaky has answered.
	answered map[string]bool
}

func startBackend() (*backend, error) {
	ca, err := issue.NewCA(issue.Options{Name: "model", PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return nil, err
	}
	cert, err := ca.IssueServer("127.0.0.1")
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &backend{ln: ln, caPEM: ca.PEM(), bomb: compressed(64 << 20), filling: strings.Repeat("x", 64<<10), count: map[string]int{}, idle: map[net.Conn]struct{}{}, answered: map[string]bool{}}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	b.server = &http.Server{
		Handler: b, Protocols: protocols, ConnState: b.connState,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.TLS()}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	go b.server.ServeTLS(ln, "", "")
	return b, nil
}

// compressed is a JSON document of n bytes, compressed.
func compressed(n int) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	io.WriteString(z, `{"model":"bomb","messages":[{"role":"user","content":"`)
	zeros := bytes.Repeat([]byte("0"), 1<<16)
	for range n >> 16 {
		z.Write(zeros)
	}
	io.WriteString(z, `"}]}`)
	z.Close()
	return out.Bytes()
}

func (b *backend) address() string { return b.ln.Addr().String() }
func (b *backend) port() int       { return b.ln.Addr().(*net.TCPAddr).Port }
func (b *backend) close()          { b.server.Close() }

// connState remembers which connections have nothing to do.
func (b *backend) connState(c net.Conn, s http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s == http.StateIdle || s == http.StateNew {
		b.idle[c] = struct{}{}
	} else {
		delete(b.idle, c)
	}
}

// dropIdle closes the connections that the gateway keeps for later requests:
// they are its goroutines too, and nothing that an attack has left.
func (b *backend) dropIdle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.idle {
		c.Close()
	}
}

// calls is the number of requests for a deployment.
func (b *backend) calls(deployment string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if deployment != attackers {
		return b.count[deployment]
	}
	sum := 0
	for name, n := range b.count {
		if name != "good" && name != "long" {
			sum += n
		}
	}
	return sum
}

// ServeHTTP counts before it reads the body: a call that is given up is one.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := strings.Cut(r.URL.Path, "/deployments/")
	deployment, _, _ := strings.Cut(rest, "/")
	if r.Header.Get("Upgrade") != "" {
		deployment = "realtime"
	}
	b.mu.Lock()
	b.count[deployment]++
	b.mu.Unlock()
	if deployment != "good" && deployment != "long" {
		b.working.Add(1)
		defer b.working.Add(-1)
	}
	b.answer(w, r, deployment)
}

func (b *backend) answer(w http.ResponseWriter, r *http.Request, deployment string) {
	switch deployment {
	case "realtime":
		upgrade(w, r)
		return
	case "slow": // reads what comes, however long that takes
		io.Copy(io.Discard, r.Body)
	default:
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
	}
	switch deployment {
	case "long": // an event every 50 ms, numbered
		stream(w, r, 1<<20, 50*time.Millisecond, "")
	case "endless": // two megabytes a second, until it is not taken any more
		stream(w, r, 1<<20, 30*time.Millisecond, b.filling)
	case "dies":
		stream(w, r, 5, 10*time.Millisecond, "")
		panic(http.ErrAbortHandler)
	case "wait":
		select {
		case <-r.Context().Done():
		case <-time.After(attackTime):
		}
	case "bomb":
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		w.Write(b.bomb)
	case "busy":
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusTooManyRequests)
	case "down":
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusServiceUnavailable)
	case "reset":
		reset(w)
	case "flaky": // one answer on each connection, then a reset
		if b.second(r.RemoteAddr) {
			reset(w)
			return
		}
		io.WriteString(w, goodAnswer)
	default:
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, goodAnswer)
	}
}

// reset ends the connection of a request without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	raw := conn.(*tls.Conn).NetConn().(*net.TCPConn)
	raw.SetLinger(0)
	raw.Close()
}

// second reports whether it was asked about the connection before.
func (b *backend) second(remote string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.answered[remote]
	b.answered[remote] = true
	return was
}

// retryAfter is what the backend asks for when it is busy, in seconds.
const retryAfter = "7"

const goodAnswer = `{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Closed."}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`

// stream sends numbered events.
func stream(w http.ResponseWriter, r *http.Request, events int, every time.Duration, filling string) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	for i := range events {
		if i > 0 && every > 0 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(every):
			}
		}
		if _, err := fmt.Fprintf(w, "data: {\"n\":%d,\"x\":\"%s\"}\n\n", i, filling); err != nil {
			return
		}
		if rc.Flush() != nil {
			return
		}
	}
}

// upgrade accepts a WebSocket and holds it until the other side goes.
func upgrade(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		webSocketAccept(r.Header.Get("Sec-WebSocket-Key")))
	if err := rw.Flush(); err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, net.ErrClosed) {
		return
	}
}
