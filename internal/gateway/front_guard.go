package gateway

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
)

// frontBounds are the limits as the guard wants them.
func frontBounds(l site.Limits) limit.Bounds {
	return limit.Bounds{
		ConnectionsPerClient: l.MaxConnectionsPerClient,
		ConnectionsPerPrefix: l.MaxConnectionsPerPrefix,
		RequestsPerClient:    l.MaxRequestsPerClient,
		BanFor:               max(0, time.Duration(l.BanFor)),
	}
}

// guardRefusal puts a verdict into words; nil: it is none. Before HTTP begins
// there is no answer to give the status to.
func guardRefusal(v limit.Verdict, what string) *frontError {
	switch v {
	case limit.Overloaded:
		return &frontError{http.StatusServiceUnavailable, RefusedOverloaded, "The gateway is overloaded. Try again."}
	case limit.Banned:
		return &frontError{http.StatusTooManyRequests, RefusedBanned, "This client is refused for a while, after requests that it should not have sent."}
	case limit.OverClient:
		return &frontError{http.StatusTooManyRequests, RefusedClientCap, "Too many " + what + " of this client at once."}
	case limit.OverPrefix:
		return &frontError{http.StatusTooManyRequests, RefusedPrefixCap, "Too many " + what + " of this network at once."}
	}
	return nil
}

// guardConn counts a connection, at accept for its peer or after the PROXY
// header for its client; the refusal has no answer.
func (s *Server) guardConn(c *Conn, f *Front, client netip.Addr, accept bool) *frontError {
	if !client.IsValid() { // no address of the internet: there is nobody to count for
		return nil
	}
	trusted := accept && f.trusts(client)
	var v limit.Verdict
	if accept {
		v = s.guard.Accept(client, trusted, &f.bounds)
	} else {
		v = s.guard.Open(client, &f.bounds)
	}
	if refusal := guardRefusal(v, "connections"); refusal != nil {
		refusal.status = 0
		return refusal
	}
	if !trusted {
		c.raw.holdPlace(client)
	}
	return nil
}

// isPublic reports a request over a public network where that is disabled: it came
// in by a public address, or from one.
func (f *Front) isPublic(local, client netip.Addr) bool {
	return f.private != nil && (!f.private(local) || !f.private(client))
}

// beginRequest counts a request for its client; what it let begin has to be
// ended by the guard.
func (s *Server) beginRequest(w http.ResponseWriter, c *Conn, f *Front, client netip.Addr) *frontError {
	v := s.guard.Begin(client, c.vouched.Load(), &f.bounds)
	retry := 1
	switch v {
	case limit.Pass:
		return nil
	case limit.Overloaded:
		retry = 1 + int(c.ID%4) // not all at once
	case limit.Banned:
		retry = int(math.Ceil(s.guard.Bans().Banned(client).Seconds()))
		if c.HTTP2() && client == c.Client.Addr() {
			w.Header().Set("Connection", "close") // GOAWAY: streams beside this one end in peace
		}
	}
	w.Header().Set("Retry-After", strconv.Itoa(max(1, retry)))
	return guardRefusal(v, "requests")
}

// blameFor is what a refusal weighs, of [limit.BanPoints]. What an honest client
// sends because it is badly configured weighs nothing: another host, a path
// that is not canonical, a body too large; a ban would only hide from it what
// is wrong. So does failed authentication, which the front does not see: a
// stranger could lock out everybody behind the same address.
func blameFor(cause RefusalCause) int {
	switch cause {
	case RefusedResets, RefusedOverhead:
		return limit.BanPoints * 3 / 5
	case RefusedHeadSize, RefusedTargetSize:
		return limit.BanPoints / 10
	case RefusedFraming, RefusedRequestLine, RefusedField, RefusedVersion, RefusedProxyHeader:
		return limit.BanPoints / 20
	case RefusedSlow:
		return limit.BanPoints / 50
	case RefusedTLS, RefusedUnknownName, RefusedPlaintext:
		return limit.BanPoints / 100
	}
	return 0
}

// blame holds a refusal against the client. A trusted proxy that has not said
// for whom it speaks is not blamed: it speaks for many.
func (s *Server) blame(c *Conn, client netip.Addr, cause RefusalCause) {
	points := blameFor(cause)
	if points == 0 {
		return
	}
	f := s.front()
	if client == c.Peer.Addr() && f.trusts(client) {
		return
	}
	if ban, banned := s.guard.Bans().Blame(client, string(cause), points, f.bounds.BanFor); banned {
		s.log.Warn("client banned", "client", ban.Client.String(), "cause", ban.Cause, "for", ban.For, "times", ban.Times)
	}
}

// fruitless is how much a connection may send without one request coming of
// it, TLS handshake and all.
const fruitless = frontHeaderBytes

// ended looks at a connection that is gone. Heads that are too large once they
// are unpacked, and broken frames, net/http refuses on HTTP/2 without a word to
// us; what is left to see is that much came and no request.
func (s *Server) ended(c *Conn) {
	if s.closing() || c.calls.Load() > 0 || c.raw.read.Load() < fruitless || !c.raw.h2.Load() {
		return
	}
	s.refuseConn(c, RefusedHeadSize, "much was sent and no request came of it")
}

// unwelcome: under overload, connections on which nobody was let in yet end
// after their answer.
func (c *Conn) unwelcome() bool {
	return !c.vouched.Load() && c.server.guard.Ladder().Level() >= limit.NoKeepAlive
}

// stall is one of the front's, shortened under overload.
func (s *Server) stall(d time.Duration) time.Duration {
	return s.guard.Ladder().Timeout(d, stallFloor)
}

const (
	// stallFloor and idleFloor are what timeouts shrink to under overload.
	stallFloor = 5 * time.Second
	idleFloor  = 2 * time.Second
)

// watch keeps the overload ladder, from the first Serve to the end of life.
func (s *Server) watch() {
	tick := time.NewTicker(limit.SampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-tick.C:
			s.sample()
		}
	}
}

// sample reads the monitors once, closes what has been idle for too long, and
// sheds bodies that wait for more.
// Full connections alone shorten timeouts, no more: the cap refuses the next
// one, and whoever is connected should be served.
func (s *Server) sample() {
	f := s.front()
	most := connectionCap(f.limits.MaxConnections, s.files)
	before, after := s.guard.Ladder().Sample(limit.Monitor{
		Name: "connections", Most: limit.Shorten,
		Read: func() (float64, error) { return float64(s.Connections()) / float64(most), nil },
	})
	if before != after {
		s.log.Warn("overload level", "from", before.String(), "to", after.String(), "pressure", s.guard.Ladder().Pressure())
	}
	if after == limit.Normal {
		return
	}
	idle := s.guard.Ladder().Timeout(time.Duration(f.limits.IdleTimeout), idleFloor)
	for _, c := range s.allConns() {
		if !c.vouched.Load() && c.idleFor() > idle {
			c.raw.Close()
		}
		if after >= limit.Shed {
			c.shedBodies()
		}
	}
}

// idleFor is how long the connection has had no request; 0 while it has.
func (c *Conn) idleFor() time.Duration {
	since := c.idleSince.Load()
	if since == 0 {
		return 0
	}
	return time.Since(c.opened) - time.Duration(since)
}

// nowIdle notes whether the connection is idle.
func (c *Conn) nowIdle(idle bool) {
	since := int64(0)
	if idle {
		since = max(1, int64(time.Since(c.opened)))
	}
	c.idleSince.Store(since)
}
