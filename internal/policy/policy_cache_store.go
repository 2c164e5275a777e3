package policy

import (
	"context"
	"net/http"
)

func cacheStoreEntry() entry {
	return entry{
		name: "cache-store", sections: outOnly, scopes: everyScope,
		does: "answers into the response cache",
		tier: tierA, page: page{
			intro: "Keeps the answer for `duration` seconds, for the `cache-lookup` that found none.",
			example: `
<policies>
  <inbound>
    <cache-lookup vary-by-developer="true" vary-by-developer-groups="false" />
  </inbound>
  <outbound>
    <cache-store duration="60" />
  </outbound>
</policies>`,
			behaviour: []string{
				"Without `cache-response` answers with the status 200 are kept; with true all, errors of the backend too, but for 206, 304 and those below 200; with false none.",
				"For whom the answer is kept, and what it depends on, is what `cache-lookup` said. Without a `cache-lookup` that was asked and missed nothing is kept.",
				"Status, reason and headers are kept as they stand here, and the body as it passes: nothing is held back for that. Policies behind this one see an answer out of the cache as they saw the first.",
				"An answer of more than 2 MiB, one that breaks off, one whose body a later policy drops unread, a stream of events, and one with `Vary: *` are not kept. What is on its way into the caches is bounded together (a third of an eighth of the gateway's memory, 64 MiB at most), and so is what lies in them; what was used longest ago goes first.",
				"The answer that is kept, and the one that leaves, have the `Cache-Control` that `cache-lookup` describes.",
				"A cache that fails is a note in the record.",
			},
			differences: []string{
				"What the backend says in `Cache-Control` is not asked, as in API Management, but for answers that are for all callers: see `cache-lookup`.",
				"The cache is in process, one for each gateway, and empty after a restart; a reload of the site leaves it.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or `duration` is no number of seconds"}},
		},
		attributes: []attribute{
			durationAttribute(),
			{name: "cache-response", expected: "true or false", expression: true, otherwise: "answers with the status 200"},
		},
		compile: func(c *compiler, n *Node) statement {
			return &cacheStore{
				duration: c.intAttribute(n, "duration", 0, longestDuration, 0),
				always:   c.boolAttribute(n, "cache-response", false),
				ruled:    n.Attribute("cache-response") != nil,
			}
		},
	}
}

type cacheStore struct {
	duration intValue
	// always counts where ruled is true.
	always boolValue
	ruled  bool
}

func (s *cacheStore) do(ctx context.Context, x *Exchange) (flow, *Error) {
	lookup := x.response
	if lookup == nil || x.caches() == nil {
		x.say("cache", "no cache-lookup has missed")
		return next, nil
	}
	keep := x.Response.StatusCode == http.StatusOK
	if s.ruled {
		var e *Error
		if keep, e = s.always.is(ctx, x); e != nil {
			return stop, e
		}
	}
	duration, e := s.duration.number(ctx, x)
	if e != nil {
		return stop, e
	}
	if !keep || duration == 0 {
		x.say("cache", "not kept")
		return next, nil
	}
	kept, why := x.keepable(lookup.shared, lookup.asked)
	if kept != nil && isEventStream(x.Response.Header) {
		kept, why = nil, "it is a stream of events"
	}
	if kept == nil {
		x.Note(x.at.String() + ": the answer is not kept: " + why)
		return next, nil
	}
	lookup.set(kept.header, seconds(duration))
	lookup.set(x.Response.Header, seconds(duration))
	for _, name := range [...]string{"Age", "Expires", "Pragma"} {
		delete(x.Response.Header, name)
	}
	x.say("cache", "kept")
	x.record(func(body []byte) {
		// The request may be over by its own end: what is kept is for others.
		err := x.caches().Responses.Set(context.WithoutCancel(ctx), lookup.key, append(kept.appendHead(nil), body...), seconds(duration))
		if err != nil {
			x.cacheFailed("the answer is not kept", err)
		}
	})
	return next, nil
}
