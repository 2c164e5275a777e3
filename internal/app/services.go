package app

import (
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/policy"
)

// policyServices are what policies use, for as long as the process runs: what
// they count and keep outlives a reload.
func (p *Process) policyServices() *policy.Services {
	return &policy.Services{
		Now:     p.opt.Now,
		Calls:   p.calls,
		Events:  p.events,
		Retries: limit.NewRetryBudget(repetitions(p.opt.Now)),
		// Tokens of others, and the gateway's own.
		KeySets: p.keySets, Identities: p.identities,
		// Counts of rate-limit, quota and limit-concurrency.
		Counters: limit.NewCounters(p.opt.Now),
		Tokens:   limit.NewTokens(p.opt.Now),
		Metrics:  p.metrics,
		Caches:   policy.NewCaches(cacheBytes(p.memory), p.opt.Now),
	}
}

// repetitions bounds what policies repeat. It is wider than what bounds pools:
// documents ask for repetitions by name, and a saturated deployment in front of
// another one has every request repeated once.
func repetitions(now func() time.Time) limit.RetryOptions {
	return limit.RetryOptions{Ratio: 1, PerSecond: 10, Burst: 100, Now: now}
}

// cacheBytes is how many bytes the caches of policies may hold together: an eighth
// of what there is; 0: their own default, which is the most.
func cacheBytes(memory int64) int64 {
	const most = 192 << 20
	if memory <= 0 {
		return 0
	}
	return min(most, max(memory/8, 12<<20))
}
