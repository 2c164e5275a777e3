package limit

import (
	"context"
	"crypto/sha256"
	"hash/maphash"
	"sync"
	"time"
)

// Tokens counts tokens of models by key: those of the last minute, and those of
// periods. What a request may cost is reserved when it is let in, and settled to
// what it did cost when it has ended:
//
//	Reserve ── refused: nothing is counted
//	   │
//	   └─ held ── Settle ── spent, for a minute from then on and for the period
//
// What is held counts like what is spent, so that requests at the same time
// never pass together what one of them alone may. The counts are those of one
// process; a place that several share would offer the same Reserve, whose context
// and error are for it.
//
// The zero value is not ready; see [NewTokens].
type Tokens struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [tokenShards]tokenShard
}

const (
	tokenShards = 16
	// maxTokenKeys is how many keys a shard counts. Keys beyond share one count,
	// which refuses sooner; none is forgotten while it counts.
	maxTokenKeys = 8192
	// longTokenKey is the longest key that is kept as it is.
	longTokenKey = 256
	// sweepEvery is how often a shard is looked through for keys that count
	// nothing any more.
	sweepEvery = time.Minute
	// firstCompletion is what a completion is held to take before a key had one.
	firstCompletion = 256
)

type tokenShard struct {
	mu    sync.Mutex // guards the rest
	keys  map[string]*tokenCount
	swept time.Time
}

// TokenLimits are those of one policy; what is 0 is no limit.
type TokenLimits struct {
	PerMinute int
	Quota     int
	// Period is that of the quota.
	Period Period
}

// TokenRequest asks to be let in.
type TokenRequest struct {
	Key string
	TokenLimits
	// Prompt has to fit under the limits now.
	Prompt int
	// Unasked is held from then on as well, and need not fit: so a request whose
	// answer may be long is let in while there is room for its prompt.
	Unasked int
	// Guess: how long the answer may become is not known; about what the longest of
	// this key's last answers took is held for it.
	Guess bool
	// Look: only the verdict is wanted, and nothing is held.
	Look bool
}

// TokenVerdict is the answer.
type TokenVerdict struct {
	Allowed bool
	// OverQuota: it is the quota that refuses, not the minute.
	OverQuota bool
	// RetryAfter says when it may be let in, in whole seconds, at least one.
	RetryAfter time.Duration
	// PerMinute and Quota are what is left, the request's own prompt counted as
	// spent.
	PerMinute, Quota int
}

// TokenHold is what is held for one request. It is settled once; what comes later
// does nothing. Its methods may be called from any goroutine.
type TokenHold interface {
	// Settle puts what the request did cost in the place of what is held.
	Settle(prompt, completion int)
	// Spend settles to what is held, where nobody can say what the request did
	// cost.
	Spend()
	// Left is what is left under limits.
	Left(l TokenLimits) (perMinute, quota int)
}

// NewTokens makes empty counts. Now is the wall clock; nil: time.Now.
func NewTokens(now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{now: now, seed: maphash.MakeSeed()}
}

// Reserve lets a request in, or says why not. Held is what the same request holds
// for this key already, nil for nothing: it is not counted a second time. There is
// a hold only where the request was let in.
func (t *Tokens) Reserve(_ context.Context, r TokenRequest, held TokenHold) (TokenHold, TokenVerdict, error) {
	key := shortKey(r.Key)
	now := t.now()
	s := t.of(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	key, c := s.count(key, now)
	h, again := held.(*tokenHold)
	if again = again && h.count == c && !h.settled; again {
		c.held -= h.amount // as if it were not there
	}
	v := c.verdict(&r, now)
	if again {
		c.held += h.amount
	}
	switch {
	case !v.Allowed || r.Look:
		s.dropIdle(key, c, now)
		return nil, v, nil
	case again:
		c.watch(r.Period, now)
		return h, v, nil
	}
	amount := r.Prompt + r.Unasked
	if r.Guess {
		amount += c.guess()
	}
	c.watch(r.Period, now)
	c.held += amount
	c.holds++
	return &tokenHold{tokens: t, shard: s, key: key, count: c, amount: amount}, v, nil
}

// tokenHold is a hold of [Tokens].
type tokenHold struct {
	tokens  *Tokens
	shard   *tokenShard
	key     string
	count   *tokenCount
	amount  int
	settled bool // guarded by shard.mu
}

// Settle implements [TokenHold].
func (h *tokenHold) Settle(prompt, completion int) {
	h.settle(max(0, prompt)+max(0, completion), completion)
}

// Spend implements [TokenHold].
func (h *tokenHold) Spend() { h.settle(h.amount, 0) }

// settle counts tokens; completion, where it is known, is what others learn from.
func (h *tokenHold) settle(tokens, completion int) {
	now := h.tokens.now()
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if h.settled {
		return
	}
	h.settled = true
	c := h.count
	c.held -= h.amount
	c.holds--
	c.spend(tokens, now)
	if completion > 0 {
		c.learn(completion)
	}
	h.shard.dropIdle(h.key, c, now)
}

// Left implements [TokenHold].
func (h *tokenHold) Left(l TokenLimits) (perMinute, quota int) {
	now := h.tokens.now()
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	return h.count.left(l, 0, now)
}

func shortKey(key string) string {
	if len(key) <= longTokenKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + string(sum[:])
}

func (t *Tokens) of(key string) *tokenShard {
	return &t.shards[maphash.String(t.seed, key)%tokenShards]
}

// otherKeys is the count of the keys that find no place.
const otherKeys = "\x00other"

// count is that of a key, made where there is none, and the key that it has.
func (s *tokenShard) count(key string, now time.Time) (string, *tokenCount) {
	if c := s.keys[key]; c != nil {
		return key, c
	}
	if s.keys == nil {
		s.keys = map[string]*tokenCount{}
	}
	if now.Sub(s.swept) >= sweepEvery {
		s.swept = now
		for k, c := range s.keys {
			s.dropIdle(k, c, now)
		}
	}
	if len(s.keys) >= maxTokenKeys {
		if key = otherKeys; s.keys[key] != nil {
			return key, s.keys[key]
		}
	}
	c := &tokenCount{}
	s.keys[key] = c
	return key, c
}

// dropIdle forgets a count that counts nothing.
func (s *tokenShard) dropIdle(key string, c *tokenCount, now time.Time) {
	if c.idle(now) {
		delete(s.keys, key)
	}
}
