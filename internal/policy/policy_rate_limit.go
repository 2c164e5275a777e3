package policy

import (
	"context"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

func rateLimitEntry() entry {
	rate := []attribute{
		{name: "calls", required: true, expected: "how many calls may pass in the period"},
		{name: "renewal-period", required: true, expected: "seconds, from 1 to 300"},
	}
	return entry{
		name: "rate-limit", sections: inOnly, scopes: belowGlobal,
		does: "call rate per subscription",
		tier: tierA, page: page{
			intro: "Lets a subscription make so many calls in any period of that length. Calls beyond are answered with 429.",
			example: `
<rate-limit calls="20" renewal-period="90" remaining-calls-variable-name="callsLeft"
            remaining-calls-header-name="X-Calls-Left" total-calls-header-name="X-Calls" />`,
			behaviour: []string{
				"The window slides: no period of that length, wherever it begins, holds more than `calls`. Of calls that come at the same time exactly as many pass as may.",
				"It acts on callers with a subscription: those with a key, and those whose token maps to a subscription. Calls without one are not counted; `rate-limit-by-key` counts those.",
				"Each document counts for itself: its product, its API or its operation. `api` and `operation` limit calls to one API, or one of its operations, beside the limit on all; the narrowest is asked first, and what it refuses takes nothing from the wider ones. Headers and variables tell of the limit on all.",
				"`api` and `operation` go by `id`, without case, or by `name`, the display name; where both are written the id counts. What they name has to be in the site.",
				"It stands at most once in a document, fragments and branches included.",
				"A call that is refused is not counted. It is answered with `Retry-After`, or the header of `retry-after-header-name`: the seconds until a call may pass, rounded up.",
				"The headers for remaining and total calls are on every answer, whoever makes it. Variables hold an `int`; that for the interval is set when a call is refused.",
				"A reload keeps the counts, also where it changes `calls`.",
			},
			differences: []string{
				"Counts are those of one gateway process, and exact there. Azure's are shared by the instances of a region, and approximate.",
				"With calls at more than 64 moments of a period, they are rounded up to a 60th of it: a call may be refused that much longer than it had to be.",
				"65,536 counters are kept at once. With all of them in use a new one gets 503.",
			},
			errors: []errorLine{
				{"RateLimitExceeded", "a call too many: 429. `context.LastError.Source` is `rate-limit`"},
				{"CounterUnavailable", "the call could not be counted: 503"},
			},
		},
		attributes: append(rate, callRateAttributes()...),
		children:   boundChildren(rate...),
		compile:    compileRateLimit,
	}
}

type rateLimit struct {
	bound bound
	rate  callRate
	at    scope
}

func compileRateLimit(c *compiler, n *Node) statement {
	c.once(n)
	own := func(n *Node, _ *bound) bound {
		return bound{
			calls:  int64(c.integer(n, "calls", 0, mostCalls, 0)),
			bytes:  limit.NoBound,
			period: time.Duration(c.integer(n, "renewal-period", 1, longestRate, longestRate)) * time.Second,
		}
	}
	s := &rateLimit{bound: own(n, nil), rate: c.callRate(n), at: c.scope}
	s.bound.inner = c.bounds(n, s.bound, own)
	return s
}

func (s *rateLimit) do(ctx context.Context, x *Exchange) (flow, *Error) {
	if x.Subscription == nil {
		x.say("rate-limit", "there is no subscription to count")
		return next, nil
	}
	ask := func(b applied, count int) (limit.RateState, *Error) {
		return x.rate(ctx, limit.Rate{
			Key:   limit.Key{Of: limit.BySubscription, Text: b.key},
			Calls: int(b.calls), Period: b.period, Count: count,
		})
	}
	bounds := s.bound.applying(x, x.counterOf(s.at))
	all := bounds[len(bounds)-1]
	for _, b := range bounds {
		state, e := ask(b, 1)
		if e != nil {
			return stop, e
		}
		if !state.Pass {
			after := state.RetryAfter
			if b.bound != all.bound {
				if state, e = ask(all, 0); e != nil {
					return stop, e
				}
			}
			s.rate.tell(x, int(all.calls), state.Remaining)
			return stop, s.rate.refuse(x, after)
		}
		if b.bound == all.bound {
			s.rate.tell(x, int(all.calls), state.Remaining)
		}
	}
	return next, nil
}
