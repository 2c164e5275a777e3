package policy

import (
	"context"
	"net/http"
	"slices"
)

func limitConcurrencyEntry() entry {
	return entry{
		name: "limit-concurrency", sections: everySection, scopes: everyScope,
		does: "parallel executions of the policies in it",
		tier: tierA, page: page{
			intro: "Runs the policies in it for so many requests at once under each value of a key. Requests beyond are answered with 429 at once; none waits.",
			example: `
<!-- backend -->
<limit-concurrency key="@("openai-" + context.Api.Id)" max-count="20">
  <forward-request timeout="120" />
</limit-concurrency>`,
			behaviour: []string{
				"Policies with the same key share its places, in whatever documents they stand; each looks at its own `max-count`.",
				"A place is held while the policies in it run. If one of them got an answer from a backend that comes as a stream, it is held until the caller has that answer: the deployment works for it as long. A WebSocket holds its place until it is closed.",
				"A request that comes to a key again, as by `retry`, while an earlier answer still holds a place of that key, takes that place over.",
				"In `context.LastError` the path of a policy in it is that of both: `limit-concurrency[1]/forward-request[1]`.",
				"`<base />` cannot stand in it.",
			},
			differences: []string{
				"Places are those of one gateway process, and exact there. In Azure each unit of a gateway has its own.",
				"Whether Azure holds a place for a stream that goes on is not documented.",
				"The message of the answer is `Concurrency limit is exceeded.`, the reason `ConcurrencyLimitExceeded`: what Azure says is not documented.",
			},
			errors: []errorLine{
				{"ConcurrencyLimitExceeded", "all places are taken: 429"},
				{"CounterUnavailable", "the request could not be counted: 503"},
				{"ExpressionValueEvaluationFailure", "the key cannot be evaluated"},
			},
		},
		attributes: []attribute{
			{name: "key", required: true, expected: "text; each has its places", expression: true},
			{name: "max-count", required: true, expected: "how many requests at once"},
		},
		text: holdsPolicies, compile: compileLimitConcurrency,
	}
}

type limitConcurrency struct {
	key   textValue
	most  int
	steps []step
}

func compileLimitConcurrency(c *compiler, n *Node) statement {
	s := &limitConcurrency{most: c.integer(n, "max-count", 1, mostCalls, 1)}
	s.key, _ = c.textAttribute(n, "key")
	s.steps = c.nested(n, c.at.path)
	return s
}

func (s *limitConcurrency) lists() (lists [][]step, oneOf bool) { return [][]step{s.steps}, false }

func (s *limitConcurrency) do(ctx context.Context, x *Exchange) (f flow, e *Error) {
	key, e := s.key.text(ctx, x)
	if e != nil {
		return stop, e
	}
	held, e := s.enter(ctx, x, key)
	if e != nil {
		return stop, e
	}
	before := x.Response
	defer func() { x.leave(held, before) }() // also where a policy in it panics
	return run(ctx, x, s.steps)
}

// heldPlace is a place that a request holds, for an answer if that is not nil.
type heldPlace struct {
	key     string
	answer  *Response
	release func()
}

// enter takes a place, or the one that an earlier answer of the request holds.
func (s *limitConcurrency) enter(ctx context.Context, x *Exchange, key string) (heldPlace, *Error) {
	if i := slices.IndexFunc(x.places, func(p heldPlace) bool { return p.key == key }); i >= 0 {
		p := x.places[i]
		x.places = slices.Delete(x.places, i, i+1)
		return p, nil
	}
	counters, err := x.counters()
	if err != nil {
		return heldPlace{}, notCounted(err)
	}
	release, err := counters.Slot(ctx, key, s.most)
	if err != nil {
		return heldPlace{}, notCounted(err)
	}
	if release == nil {
		message := "Concurrency limit is exceeded."
		return heldPlace{}, denied(http.StatusTooManyRequests, "ConcurrencyLimitExceeded", message, message)
	}
	return heldPlace{key: key, release: release}, nil
}

// leave gives a place back: at once, or, where a backend's answer that goes on
// came in it, when the request has ended. before is the answer that there was
// when the place was taken.
func (x *Exchange) leave(p heldPlace, before *Response) {
	if now := x.Response; !now.goesOn() || now == before && now != p.answer {
		p.release()
		return
	}
	if len(x.places) == 0 {
		x.whenEnded(func(Ended) {
			for _, p := range x.places {
				p.release()
			}
			x.places = nil
		})
	}
	p.answer = x.Response
	x.places = append(x.places, p)
}

// goesOn reports whether a backend is still at work on an answer.
func (r *Response) goesOn() bool {
	return r != nil && r.FromBackend && (r.Body != nil && r.Body.Stream != nil || r.StatusCode == http.StatusSwitchingProtocols)
}
