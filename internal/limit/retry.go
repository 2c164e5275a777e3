package limit

import (
	"cmp"
	"sync"
	"time"
)

// RetryBudget bounds how many requests are sent again, so that retries do not
// bury a backend that is already in trouble. It is a bucket of tokens: every
// request adds Ratio of one, time adds PerSecond, a retry takes one. Over any
// time the retries are at most Ratio of the requests, PerSecond for each
// second, and Burst.
type RetryBudget struct {
	opt RetryOptions

	mu     sync.Mutex // guards the rest
	tokens float64
	at     time.Time
}

// RetryOptions are what a [RetryBudget] is made of; zero values get the
// defaults.
type RetryOptions struct {
	// Ratio of retries to requests. Default 0.2.
	Ratio float64
	// PerSecond are retries that need no request, for backends that are asked
	// rarely. Default 1.
	PerSecond float64
	// Burst is the most that can be saved up. Default 10.
	Burst float64
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// NewRetryBudget makes one that is full.
func NewRetryBudget(opt RetryOptions) *RetryBudget {
	opt.Ratio = cmp.Or(max(opt.Ratio, 0), 0.2)
	opt.PerSecond = cmp.Or(max(opt.PerSecond, 0), 1)
	opt.Burst = cmp.Or(max(opt.Burst, 0), 10)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &RetryBudget{opt: opt, tokens: opt.Burst, at: opt.Now()}
}

// Request notes a request that is sent for the first time.
func (b *RetryBudget) Request() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+b.opt.Ratio, b.opt.Burst)
}

// Retry asks whether a request may be sent once more, and takes the token.
func (b *RetryBudget) Retry() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opt.Now()
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(b.tokens+passed*b.opt.PerSecond, b.opt.Burst)
	}
	b.at = now
	// Ratios such as 0.2 do not add up to one exactly.
	if b.tokens < 1-1e-9 {
		return false
	}
	b.tokens--
	return true
}
