package policy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

func quotaByKeyEntry() entry {
	return entry{
		name: "quota-by-key", sections: inOnly, scopes: everyScope,
		does: "call or bandwidth quota per key",
		tier: tierA, page: page{
			intro: "Gives each value of a key so many calls, or kilobytes, for a period. Beyond, calls are answered with 403 until the next one.",
			example: `
<quota-by-key calls="10000" bandwidth="40000" renewal-period="3600"
              counter-key="@(context.Request.IpAddress)"
              increment-condition="@(context.Response.StatusCode >= 200 && context.Response.StatusCode < 400)"
              first-period-start="2026-01-01T00:00:00Z" />`,
			behaviour: append([]string{
				"Periods have fixed ends, counted from `first-period-start` in both directions.",
				"One counter belongs to a key, a period and the moments at which it begins, in whatever scopes the key is used. A request counts once, however many of them it passes.",
				"Where `increment-condition` or `increment-count` is an expression, the call counts when its answer is made, after outbound or on-error, so that the expression can read it. The quota is looked at when the next call comes: 403 is one call late, or as many as are under way at the same time. Bytes count under the same condition.",
				"A condition or a count that cannot be evaluated then counts one call, and leaves a note in the record.",
				"A key that is null is the empty key: all such calls share one counter.",
			}, quotaBehaviour()...),
			differences: quotaDifferences(),
			errors: append(quotaErrors(), errorLine{
				"ExpressionValueEvaluationFailure", "the key cannot be evaluated",
			}),
		},
		attributes: append([]attribute{
			{name: "calls", expected: "how many calls may pass in the period; it, bandwidth or both"},
			{name: "bandwidth", expected: "how many kilobytes may pass in the period"},
			{name: "renewal-period", required: true, expected: "seconds, at least 300; 0: the quota is never replenished"},
			{name: "counter-key", required: true, expected: "text; each has its counter", expression: true},
			{name: "first-period-start", expected: "yyyy-MM-ddTHH:mm:ssZ", otherwise: "0001-01-01T00:00:00Z"},
		}, incrementAttributes()...),
		compile: compileQuotaByKey,
	}
}

type quotaByKey struct {
	bound     bound
	first     time.Time
	key       textValue
	increment increment
}

func compileQuotaByKey(c *compiler, n *Node) statement {
	s := &quotaByKey{bound: c.quotaBound(n), increment: c.increment(n)}
	period := c.integer(n, "renewal-period", 0, mostCalls, 0)
	if period > 0 && period < shortestQuota {
		v, _ := c.attribute(n, "renewal-period")
		c.invalid(v, "renewal-period", fmt.Sprintf("0, or at least %d seconds", shortestQuota), "")
	}
	s.bound.period = time.Duration(period) * time.Second
	s.key, _ = c.textAttribute(n, "counter-key")
	s.first = c.moment(n, "first-period-start")
	return s
}

// moment takes a date and time.
func (c *compiler) moment(n *Node, name string) time.Time {
	v, ok := c.attribute(n, name)
	if !ok {
		return time.Time{}
	}
	text := strings.TrimSpace(v.text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	c.invalid(v, name, "a date and time: yyyy-MM-ddTHH:mm:ssZ", "")
	return time.Time{}
}

func (s *quotaByKey) do(ctx context.Context, x *Exchange) (flow, *Error) {
	key, e := s.key.text(ctx, x)
	if e != nil {
		return stop, e
	}
	ask := limit.Quota{
		Key:   limit.Key{Of: limit.ByKey, Text: key},
		Calls: s.bound.calls, Bytes: s.bound.bytes, Period: s.bound.period, First: s.first,
	}
	once := x.countsOnce(&ask)
	ask.Counted = once.calls
	if !s.increment.late() && !once.calls {
		ask.Count = int64(s.increment.written())
	}
	state, e := x.quota(ctx, ask)
	if e != nil {
		return stop, e
	}
	if !state.Pass {
		return stop, outOfQuota(state)
	}
	switch {
	case s.increment.late():
		s.increment.countLate(x, func(ctx context.Context, n int) (e *Error) {
			if n > 0 && !once.calls {
				ask.Count, ask.Late = int64(n), true
				_, e = x.quota(ctx, ask)
			}
			once.count(ctx, x, ask, n)
			return e
		})
	default:
		once.count(ctx, x, ask, s.increment.written())
	}
	return next, nil
}

// countOnce is a counter that a request counts in once: its calls, its bytes.
type countOnce struct {
	limit.Quota
	calls, bytes bool
}

// countsOnce is what the request has counted in the counter of a question.
func (x *Exchange) countsOnce(ask *limit.Quota) *countOnce {
	for _, k := range x.once {
		if k.Same(ask) {
			return k
		}
	}
	k := &countOnce{Quota: *ask}
	x.once = append(x.once, k)
	return k
}

// count notes that the request has counted for n calls, and has its bytes
// counted when it has ended.
func (k *countOnce) count(ctx context.Context, x *Exchange, ask limit.Quota, n int) {
	if n == 0 {
		return
	}
	k.calls = true
	if !k.bytes && ask.Bytes >= 0 {
		k.bytes = true
		x.countMoved(ctx, ask)
	}
}
