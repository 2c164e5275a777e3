package policy

import (
	"context"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

func rateLimitByKeyEntry() entry {
	return entry{
		name: "rate-limit-by-key", sections: inOnly, scopes: everyScope,
		does: "call rate per key",
		tier: tierA, page: page{
			intro: "Lets so many calls pass in any period of that length for each value of a key. Calls beyond are answered with 429.",
			example: `
<rate-limit-by-key calls="100" renewal-period="60"
                   counter-key="@(context.Subscription?.Id ?? context.Request.IpAddress)"
                   increment-condition="@(context.Response.StatusCode < 400)"
                   remaining-calls-header-name="X-Calls-Left" retry-after-variable-name="waitSeconds" />`,
			behaviour: []string{
				"The window slides: no period of that length, wherever it begins, holds more than `calls`. Of calls that come at the same time exactly as many pass as may.",
				"One counter belongs to a key and a period, in whatever scopes the key is used; a call counts at each place that it passes. Counters of other periods count apart.",
				"Where `increment-condition` or `increment-count` is an expression, the call counts when its answer is made, after outbound or on-error, so that the expression can read it. The limit is looked at when the next call comes: 429 is one call late, or as many as are under way at the same time.",
				"A condition or a count that cannot be evaluated then counts one call, and leaves a note in the record.",
				"Without expressions a call passes if all of `increment-count` has room, and counts at once. A call that is refused is not counted.",
				"A key that is null is the empty key: all such calls share one counter.",
				"A refused call is answered with `Retry-After`, or the header of `retry-after-header-name`: the seconds until a call may pass, rounded up.",
				"The headers for remaining and total calls are on every answer, whoever makes it. Variables hold an `int`; that for the interval is set when a call is refused.",
				"A reload keeps the counts, also where it changes `calls`.",
			},
			differences: []string{
				"Counts are those of one gateway process, and exact there. Azure's are shared by the instances of a region, and approximate.",
				"With calls at more than 64 moments of a period, they are rounded up to a 60th of it: a call may be refused that much longer than it had to be.",
				"65,536 keys are counted at once; one leaves when its period has passed. With all of them in use a call with a new key gets 503: to forget a key would let it begin anew.",
			},
			errors: []errorLine{
				{"RateLimitExceeded", "a call too many: 429. `context.LastError.Source` is `rate-limit`, as in the reference's table of errors"},
				{"CounterUnavailable", "the call could not be counted: 503"},
				{"ExpressionValueEvaluationFailure", "the key, the calls or the period cannot be evaluated"},
			},
		},
		attributes: append(append([]attribute{
			{name: "calls", required: true, expected: "how many calls may pass in the period", expression: true},
			{name: "renewal-period", required: true, expected: "seconds, from 1 to 300", expression: true},
			{name: "counter-key", required: true, expected: "text; each has its counter", expression: true},
		}, incrementAttributes()...), callRateAttributes()...),
		compile: compileRateLimitByKey,
	}
}

type rateLimitByKey struct {
	calls, period intValue
	key           textValue
	increment     increment
	rate          callRate
}

func compileRateLimitByKey(c *compiler, n *Node) statement {
	s := &rateLimitByKey{
		calls:     c.intAttribute(n, "calls", 0, mostCalls, 0),
		period:    c.intAttribute(n, "renewal-period", 1, longestRate, longestRate),
		increment: c.increment(n),
		rate:      c.callRate(n),
	}
	s.key, _ = c.textAttribute(n, "counter-key")
	return s
}

func (s *rateLimitByKey) do(ctx context.Context, x *Exchange) (flow, *Error) {
	calls, e := s.calls.number(ctx, x)
	if e != nil {
		return stop, e
	}
	period, e := s.period.number(ctx, x)
	if e != nil {
		return stop, e
	}
	key, e := s.key.text(ctx, x)
	if e != nil {
		return stop, e
	}
	ask := limit.Rate{Key: limit.Key{Of: limit.ByKey, Text: key}, Calls: calls, Period: time.Duration(period) * time.Second}
	if !s.increment.late() {
		ask.Count = s.increment.written()
	}
	state, e := x.rate(ctx, ask)
	if e != nil {
		return stop, e
	}
	s.rate.tell(x, calls, state.Remaining)
	if !state.Pass {
		return stop, s.rate.refuse(x, state.RetryAfter)
	}
	if s.increment.late() {
		s.countLate(x, ask)
	}
	return next, nil
}

// countLate is a function of its own, so that the question of others stays on
// the stack.
func (s *rateLimitByKey) countLate(x *Exchange, ask limit.Rate) {
	s.increment.countLate(x, func(ctx context.Context, n int) *Error {
		if n == 0 {
			return nil
		}
		ask.Count, ask.Late = n, true
		_, e := x.rate(ctx, ask)
		return e
	})
}
