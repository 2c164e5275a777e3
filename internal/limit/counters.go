package limit

import (
	"context"
	"time"
)

// Counters counts for policies, in this process: rates, quotas, and what runs at
// once. It outlives reloads, not the process. Its methods never fail for want of
// anything but room for keys; the errors and contexts are those of counters that
// gateways share.
type Counters struct {
	rates  *Rates
	quotas *Quotas
	slots  *Counter
}

// NewCounters makes an empty one. now is the clock; nil: time.Now.
func NewCounters(now func() time.Time) *Counters {
	return &Counters{rates: NewRates(now), quotas: NewQuotas(now), slots: NewCounter()}
}

// Rate asks for room in a sliding window, see [Rates].
func (c *Counters) Rate(ctx context.Context, ask Rate) (RateState, error) {
	return c.rates.Ask(ctx, ask)
}

// Quota asks for room in a fixed window, see [Quotas].
func (c *Counters) Quota(ctx context.Context, ask Quota) (QuotaState, error) {
	return c.quotas.Ask(ctx, ask)
}

// Slot takes one of the most things that may run at once under a key. What was
// taken has to be given back by release, once; release is nil where there was
// none.
func (c *Counters) Slot(_ context.Context, key string, most int) (release func(), err error) {
	name := kept(key)
	if most <= 0 || !c.slots.Begin(name, most) {
		return nil, nil
	}
	return func() { c.slots.End(name) }, nil
}
