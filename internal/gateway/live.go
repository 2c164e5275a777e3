package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/identity/verify"
)

// Causes that end requests whose caller may no longer go on.
var (
	errRevoked = errors.New("what the caller came by is no longer valid")
	errStale   = errors.New("the gateway has not heard from the shared state for too long")
)

// holder is a request under way with what its caller came by, so that it can
// be ended when that ends. It is part of its trip.
type holder struct {
	subscription *verify.KeySubscription // nil: none
	// digest is that of the key that was shown; nil: it came by something
	// else.
	digest []byte
	api    *apiRoutes
	// principal and certificate are what a binding is held against.
	principal, certificate string

	shard      *liveShard // nil: it is not on the books
	next, prev *holder    // guarded by shard.mu, like the rest
	ended      error
	cancel     context.CancelCauseFunc
}

// live is every request of a known caller that is under way.
type live struct{ shards [16]liveShard }

type liveShard struct {
	mu    sync.Mutex // guards the list and what is in it
	first *holder
	_     [48]byte // a cache line each
}

// enter puts the request on the books. What has been taken from its caller in
// the meantime is noticed here, so that nothing slips through.
func (t *trip) enter() *refused {
	if t.who == nil || t.holder.shard != nil {
		return nil
	}
	t.conn.Vouch()
	h := &t.holder
	h.subscription, h.api = t.who.subscription, t.found.api
	h.certificate = t.shown.certificate
	if t.who.principal != nil && t.who.principal.Kind == identity.KindToken {
		h.principal = t.who.principal.ID()
	}
	switch t.who.key {
	case verify.PrimaryKey:
		h.digest = t.who.subscription.PrimaryDigest
	case verify.SecondaryKey:
		h.digest = t.who.subscription.SecondaryDigest
	}
	h.shard = &t.g.live.shards[t.conn.ID%uint64(len(t.g.live.shards))]
	h.shard.mu.Lock()
	if h.next = h.shard.first; h.next != nil {
		h.next.prev = h
	}
	h.shard.first = h
	h.shard.mu.Unlock()
	if !t.g.Snapshot().stillHolds(h) {
		return revoked()
	}
	return nil
}

// leave takes it off.
func (h *holder) leave() {
	if h.shard == nil {
		return
	}
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		h.shard.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.cancel = nil
	h.shard = nil
}

// endBy notes what ends the request: its attempts at backends, and whatever its
// policies wait for. One whose caller's right has ended already ends at once.
func (h *holder) endBy(cancel context.CancelCauseFunc) {
	if h.shard == nil { // a policy may yet name the caller
		h.cancel = cancel
		return
	}
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if h.cancel = cancel; h.ended != nil {
		cancel(h.ended)
	}
}

// stillHolds reports whether the request could begin anew with what it came
// by. Whether a policy or a token rule would still choose the subscription is
// not asked.
func (s *Snapshot) stillHolds(h *holder) bool {
	if h.subscription == nil {
		return true // named by a policy, under no subscription
	}
	now := s.directory.Get(h.subscription.ID)
	if now == h.subscription {
		return true
	}
	return now != nil && now.Active() && (h.digest == nil || now.HasKey(h.digest)) && s.covers(now.Scope, h.api.api) &&
		(now.Binding == nil || verify.Bound(now.Binding, h.principal, h.certificate))
}

// Revoke ends every request that could not begin anew, after the directory of
// the snapshot in force has changed. Ids limits it to requests under these
// subscriptions; none: all are looked at. It returns how many it has ended.
func (g *Gateway) Revoke(ids ...string) int {
	s := g.Snapshot()
	return g.endHolders(errRevoked, func(h *holder) bool {
		if len(ids) > 0 && (h.subscription == nil || !containsFold(ids, h.subscription.ID)) {
			return false
		}
		return !s.stillHolds(h)
	})
}

// CutStale ends every request of a known caller: nobody can say any more what
// has been taken from them.
func (g *Gateway) CutStale() int {
	return g.endHolders(errStale, func(*holder) bool { return true })
}

func (g *Gateway) endHolders(cause error, which func(*holder) bool) (n int) {
	for i := range g.live.shards {
		shard := &g.live.shards[i]
		shard.mu.Lock()
		for h := shard.first; h != nil; h = h.next {
			if h.ended != nil || !which(h) {
				continue
			}
			n++
			if h.ended = cause; h.cancel != nil {
				h.cancel(cause)
			}
		}
		shard.mu.Unlock()
	}
	return n
}

func containsFold(list []string, s string) bool {
	for _, e := range list {
		if strings.EqualFold(e, s) {
			return true
		}
	}
	return false
}

// revoked is the answer to a caller whose subscription or key ended while its
// request was under way.
func revoked() *refused {
	return &refused{
		Source: "authorization", Reason: "SubscriptionRevoked", Status: http.StatusUnauthorized, Frame: true,
		Message:       "The subscription or its key has ended.",
		PublicMessage: "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
	}
}

// stale is the answer while the shared state is silent.
func stale() *refused {
	return &refused{
		Source: "authorization", Reason: "StateStale", Status: http.StatusServiceUnavailable, Frame: true,
		Message:       "The shared state has not been heard from for too long.",
		PublicMessage: "The gateway cannot verify callers now. Try again.",
		Header:        http.Header{"Retry-After": {"1"}},
	}
}
