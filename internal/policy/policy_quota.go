package policy

import (
	"context"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

func quotaEntry() entry {
	quota := []attribute{
		{name: "calls", expected: "how many calls may pass in the period; it, bandwidth or both"},
		{name: "bandwidth", expected: "how many kilobytes may pass in the period"},
	}
	period := attribute{name: "renewal-period", required: true, expected: "seconds; 0: the quota is never replenished"}
	inner := period
	inner.required, inner.otherwise = false, "that of the element around"
	return entry{
		name: "quota", sections: inOnly, scopes: productOnly,
		does: "call or bandwidth quota per subscription",
		tier: tierA, page: page{
			intro: "Gives a subscription so many calls, or kilobytes, for a period. Beyond, calls are answered with 403 until the next one.",
			example: `
<!-- product -->
<quota calls="10000" bandwidth="40000" renewal-period="3600" />`,
			behaviour: append([]string{
				"It acts on callers with a subscription: those with a key, and those whose token maps to a subscription.",
				"Periods have fixed ends. They are counted from the start of the subscription where the gateway knows it, else from 0001-01-01T00:00:00Z.",
				"`api` and `operation` are quotas for calls to one API, or one of its operations, beside the quota for all; the narrowest is asked first, and what it refuses takes nothing from the wider ones. Without a `renewal-period` they have that of the element around.",
				"`api` and `operation` go by `id`, without case, or by `name`, the display name; where both are written the id counts. What they name has to be in the site.",
				"It stands at most once in a document, fragments and branches included.",
			}, quotaBehaviour()...),
			differences: quotaDifferences(),
			errors:      quotaErrors(),
		},
		attributes: append(quota[:2:2], period),
		children:   boundChildren(append(quota[:2:2], inner)...),
		compile:    compileQuota,
	}
}

func quotaBehaviour() []string {
	return []string{
		"A kilobyte is 1024 bytes of the bodies of request and answer, as they passed between caller and gateway. They count when the answer has left, so what is under way at the same time may go beyond the bound; calls never do.",
		"A call that is refused is not counted. `Retry-After` has the seconds until the next period.",
		"A reload keeps what was used, also where it changes the quota.",
	}
}

func quotaDifferences() []string {
	return []string{
		"What was used is known to one gateway process: gateways do not share it, and it is forgotten when the process ends. Azure keeps it.",
		"Where a quota is never replenished, the message says `Quota will not be replenished.`, and there is no `Retry-After`.",
		"131,072 keys are counted at once; one leaves when its period has ended. With all of them in use a call with a new key gets 503: to forget a key would give it a new quota.",
	}
}

func quotaErrors() []errorLine {
	return []errorLine{
		{"QuotaExceeded", "calls or bandwidth are used up: 403. `context.LastError.Source` is `quota`, as in the reference's table of errors"},
		{"CounterUnavailable", "the call could not be counted: 503"},
	}
}

type quota struct {
	bound bound
	at    scope
}

func compileQuota(c *compiler, n *Node) statement {
	c.once(n)
	own := func(n *Node, around *bound) bound {
		b := c.quotaBound(n)
		switch {
		case n.Attribute("renewal-period") != nil || around == nil:
			b.period = time.Duration(c.integer(n, "renewal-period", 0, mostCalls, 0)) * time.Second
		default:
			b.period = around.period
		}
		return b
	}
	s := &quota{bound: own(n, nil), at: c.scope}
	s.bound.inner = c.bounds(n, s.bound, own)
	return s
}

// quotaBound takes calls and bandwidth.
func (c *compiler) quotaBound(n *Node) bound {
	b := bound{calls: limit.NoBound, bytes: limit.NoBound}
	if n.Attribute("calls") != nil {
		b.calls = int64(c.integer(n, "calls", 0, mostCalls, 0))
	}
	if n.Attribute("bandwidth") != nil {
		b.bytes = int64(c.integer(n, "bandwidth", 0, mostCalls, 0)) * kilobyte
	}
	if n.Attribute("calls") == nil && n.Attribute("bandwidth") == nil {
		c.add(n.Pos, "missing-attribute", "calls, bandwidth or both", `add calls="…"`, "%q needs the attribute \"calls\" or \"bandwidth\"", n.Name)
	}
	return b
}

func (s *quota) do(ctx context.Context, x *Exchange) (flow, *Error) {
	if x.Subscription == nil {
		x.say("quota", "there is no subscription to count")
		return next, nil
	}
	for _, b := range s.bound.applying(x, x.counterOf(s.at)) {
		ask := limit.Quota{
			Key:   limit.Key{Of: limit.BySubscription, Text: b.key},
			Calls: b.calls, Bytes: b.bytes, Period: b.period, First: x.Subscription.Created, Count: 1,
		}
		state, e := x.quota(ctx, ask)
		if e != nil {
			return stop, e
		}
		if !state.Pass {
			return stop, outOfQuota(state)
		}
		x.countMoved(ctx, ask)
	}
	return next, nil
}

// countMoved counts the bytes of the request, once it has ended.
func (x *Exchange) countMoved(ctx context.Context, ask limit.Quota) {
	if ask.Bytes < 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	x.whenEnded(func(e Ended) {
		ask.Count, ask.Moved, ask.Late = 0, e.BytesIn+e.BytesOut, true
		if _, e := x.quota(ctx, ask); e != nil {
			x.Note("the bytes of the request could not be counted: " + e.Error())
		}
	})
}
