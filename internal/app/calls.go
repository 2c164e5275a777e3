package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

const (
	// callConns bounds the connections of policies to one host.
	callConns = 64
	// callWorkers send what nobody waits for, at the same time.
	callWorkers = 16
	// maxCallsWaiting and maxCallBytes bound what waits for them.
	maxCallsWaiting = 1000
	maxCallBytes    = 32 << 20
)

// callTransports are the ways of policies out of one site: those of hosts that
// have CAs of their own, and that of all others.
type callTransports struct {
	dialer *egress.Dialer
	common *http.Transport
	roots  map[string]*x509.CertPool
	own    map[string]*http.Transport
}

// makeCalls makes them; CA files that cannot be used were reported.
func (b *built) makeCalls() {
	t := &callTransports{
		dialer: b.dialer, roots: map[string]*x509.CertPool{}, own: map[string]*http.Transport{},
		common: b.dialer.Transport(egress.Call, egress.TransportOptions{MaxConns: callConns}),
	}
	for i, d := range b.site.Config.Destinations.Call {
		if d.CAFile == "" {
			continue
		}
		roots, err := b.pool(d.CAFile)
		if err != nil {
			b.problems.Add(placeOf(b.site, "destinations.call["+strconv.Itoa(i)+"].caFile"), "ca-file", "a PEM bundle of CA certificates", "", "%v", err)
			continue
		}
		at := net.JoinHostPort(strings.ToLower(d.Host), strconv.Itoa(d.Port))
		t.roots[at] = roots
		t.own[at] = b.dialer.Transport(egress.Call, egress.TransportOptions{MaxConns: callConns, RootCAs: roots})
	}
	b.calls = t
}

// to is the way to a URL.
func (t *callTransports) to(u *url.URL, certificate *tls.Certificate) (way *http.Transport, once bool) {
	at := hostPort(u)
	if certificate != nil {
		return t.dialer.Transport(egress.Call, egress.TransportOptions{MaxConns: 1, RootCAs: t.roots[at], Certificate: certificate}), true
	}
	if own := t.own[at]; own != nil {
		return own, false
	}
	return t.common, false
}

func (t *callTransports) close() {
	if t == nil {
		return
	}
	t.common.CloseIdleConnections()
	for _, own := range t.own {
		own.CloseIdleConnections()
	}
}

// hostPort is host and port of a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		if port = "443"; u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port)
}

// mayCall says why a URL cannot be called; nil: it is listed.
func (b *built) mayCall(u *url.URL) error {
	scheme, host, port, err := egress.SplitURL(u.Scheme + "://" + u.Host)
	switch {
	case err != nil:
		return err
	case !b.dialer.Listed(egress.Call, host, port):
		return fmt.Errorf("destinations.call does not list %s, port %d; mend: %s", host, port, egress.Mend(egress.Call, host, port))
	case scheme == "http" && !b.dialer.LoopbackOnly(egress.Call, host, port):
		return fmt.Errorf("plain HTTP is spoken to loopback destinations only, and %s is none; mend: use https", host)
	}
	b.dialer.Note(egress.Need{Class: egress.Call, URL: scheme + "://" + u.Host, Why: "policies"})
	return nil
}

// calls makes the calls of policies, over the site in force.
type calls struct {
	transports func() *callTransports
	log        *slog.Logger
	metrics    *telemetry.Metrics

	queue   chan *policy.CallRequest
	bytes   atomic.Int64
	failed  atomic.Uint64
	workers sync.WaitGroup
	cancel  context.CancelFunc

	mu     sync.RWMutex // guards closed, and the end of queue
	closed bool
}

// newCalls starts the workers, which end with close.
func newCalls(transports func() *callTransports, log *slog.Logger, metrics *telemetry.Metrics) *calls {
	c := &calls{transports: transports, log: log, metrics: metrics, queue: make(chan *policy.CallRequest, maxCallsWaiting)}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	for range callWorkers {
		c.workers.Go(func() {
			for r := range c.queue {
				c.send(ctx, r)
			}
		})
	}
	return c
}

// Call is [policy.CallMaker].
func (c *calls) Call(ctx context.Context, r *policy.CallRequest) (*policy.CallResponse, error) {
	way, once := c.transports().to(r.URL, r.Certificate)
	if once {
		defer way.CloseIdleConnections()
	}
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = []string{"cloister"}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), strings.NewReader(string(r.Body)))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := way.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.ContentLength > policy.MaxCallBody {
		return nil, policy.ErrCallTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, policy.MaxCallBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > policy.MaxCallBody:
		return nil, policy.ErrCallTooLarge
	}
	_, reason, _ := strings.Cut(resp.Status, " ")
	return &policy.CallResponse{StatusCode: resp.StatusCode, Reason: reason, Header: resp.Header, Body: body}, nil
}

// Later is [policy.CallMaker].
func (c *calls) Later(r *policy.CallRequest) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	size := sizeOf(r)
	if c.bytes.Add(size) <= maxCallBytes && !c.closed {
		select {
		case c.queue <- r:
			return true
		default:
		}
	}
	c.bytes.Add(-size)
	c.metrics.Background("call", "dropped")
	return false
}

// sizeOf is what a request takes that waits: documents make head and URL as long
// as they like.
func sizeOf(r *policy.CallRequest) int64 {
	n := len(r.Body) + len(r.URL.Host) + len(r.URL.Path) + len(r.URL.RawPath) + len(r.URL.RawQuery)
	for name, values := range r.Header {
		n += len(name)
		for _, v := range values {
			n += len(v)
		}
	}
	return int64(n)
}

// send makes a call whose answer nobody reads.
func (c *calls) send(ctx context.Context, r *policy.CallRequest) {
	defer c.bytes.Add(-sizeOf(r))
	if ctx.Err() != nil {
		c.metrics.Background("call", "dropped")
		return
	}
	in, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	_, err := c.Call(in, r)
	if err == nil || errors.Is(err, policy.ErrCallTooLarge) {
		c.metrics.Background("call", "sent")
		return
	}
	c.metrics.Background("call", "failed")
	// The 1st, 2nd, 4th, 8th, …: a service that is down fails all.
	if n := c.failed.Add(1); bits.OnesCount64(n) == 1 {
		c.log.Warn("a request of send-one-way-request failed", "host", r.URL.Host, "error", err, "count", n)
	}
}

// close sends what waits until ctx ends, and drops the rest.
func (c *calls) close(ctx context.Context) {
	if c == nil {
		return
	}
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		c.log.Warn("requests of send-one-way-request are dropped", "waiting", len(c.queue))
		c.cancel()
		<-done
	}
	c.cancel()
}
