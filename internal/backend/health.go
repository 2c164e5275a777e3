package backend

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
)

// How long a member is set aside: at first, and at most.
const (
	firstAside   = 5 * time.Second
	longestAside = time.Minute
	// refusedAside is for a member whose private endpoint is not approved: to ask
	// again costs no packet, and an approval is in force within a second.
	refusedAside = 500 * time.Millisecond
)

// health is what is known of a member of pools. It is learnt from requests,
// nobody is sent out to ask:
//
//	in use       a connection could not be made  → set aside, for 5 s
//	set aside    its time is over                → tried by one request at a time
//	tried        a connection could not be made  → set aside, for twice as long, at most 60 s
//	tried        a connection was made           → in use
//
// A member whose private endpoint is not approved is set aside for half a second,
// again and again.
//
// What counts is how dialling ended, and not how a request did: a caller that
// goes away sooner than a silent member is given up says nothing about it, and
// no request can be made up that speaks ill of a member.
//
// The zero value is in use. A reload hands it on to the next set.
type health struct {
	// state is nil for a member in use, so that choosing it costs one load.
	state atomic.Pointer[aside]
}

// aside is a member that is set aside. It is immutable but for trial.
type aside struct {
	// failures in a row; those that happen during its time count as one.
	failures int
	span     time.Duration
	until    time.Time
	err      error
	// trial is held by the request that tries the member after its time.
	trial atomic.Bool
}

func (h *health) inUse() bool { return h.state.Load() == nil }

// claim takes the one trial of a member whose time is over; nil: it is not
// over, or the trial is taken.
func (h *health) claim(now time.Time) *aside {
	s := h.state.Load()
	if s == nil || now.Before(s.until) || !s.trial.CompareAndSwap(false, true) {
		return nil
	}
	return s
}

// failed notes that an attempt which began at started, when the state was
// seen, made no connection. Of many attempts that began in one state the first
// to fail counts. An attempt before its time, made where there was no other
// member, puts the end off, so that the next request tries another one; it does
// not double.
func (h *health) failed(seen *aside, started, now time.Time, err error) (next *aside, ok bool) {
	next = &aside{failures: 1, span: firstAside, err: err}
	if seen != nil {
		next.failures, next.span = seen.failures, seen.span
		if !started.Before(seen.until) {
			next.failures, next.span = seen.failures+1, min(2*seen.span, longestAside)
		}
		next.span = max(next.span, firstAside)
	}
	var refused *egress.RefusedError
	if errors.As(err, &refused) && refused.Code == egress.CodeEndpointNotApproved {
		next.span = refusedAside
	}
	next.until = now.Add(next.span)
	return next, h.state.CompareAndSwap(seen, next)
}

// reached notes a connection for an attempt that began when the state was
// seen, and reports whether the member is in use again by that. Attempts that
// began before it was set aside do not count: they may use connections from
// better times.
func (h *health) reached(seen *aside) bool {
	if seen == nil {
		return false
	}
	s := h.state.Load()
	return s != nil && h.state.CompareAndSwap(s, nil)
}

// join makes a service a member of pools, with the health that the set before
// knows it by. Where its CA is another one, what failed may work now.
func (s *Set) join(m *service, previous *Set) {
	if m.health != nil {
		return // a member of another pool already
	}
	m.health = &health{}
	if previous != nil {
		for _, was := range previous.members {
			if strings.EqualFold(was.id, m.id) && was.authority == m.authority && was.roots.Equal(m.roots) {
				m.health = was.health
			}
		}
	}
	s.members = append(s.members, m)
	for _, dial := range m.ways.dials() {
		*dial = s.heard(m, *dial)
	}
}

// dialFunc opens a connection, with TLS where that is spoken.
type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// heard is dial with its end noted. net/http lets it go on when the request
// that it was begun for is over.
func (s *Set) heard(m *service, dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		seen, started := m.health.state.Load(), s.now()
		conn, err := dial(ctx, network, addr)
		if err == nil || ctx.Err() != nil || egress.IsNoHTTP1(err) {
			return conn, err
		}
		if next, ok := m.health.failed(seen, started, s.now(), err); ok && seen == nil {
			s.log.Warn("member of a pool set aside", slog.String("backend", m.id), slog.String("host", m.authority),
				slog.Duration("for", next.span), slog.Any("error", err))
		}
		return nil, err
	}
}

// back notes a connection for an attempt at m.
func (s *Set) back(m *service, seen *aside) {
	if m.health.reached(seen) {
		s.log.Info("member of a pool in use again", slog.String("backend", m.id), slog.String("host", m.authority),
			slog.Int("failures", seen.failures))
	}
}
