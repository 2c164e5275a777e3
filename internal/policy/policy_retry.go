package policy

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	// mostRetries is the documented bound of count.
	mostRetries = 50
	// longestInterval bounds the attributes of waits, in seconds; the request's
	// own time limit ends a wait long before.
	longestInterval = 24 * 3600
)

func retryEntry() entry {
	const seconds = "seconds"
	return entry{
		name: retryName, sections: everySection, scopes: everyScope,
		does: "the policies in it again",
		tier: tierA, page: page{
			intro: "Runs the policies in it, and runs them again as long as `condition` is true, at most `count` times more.",
			example: `
<!-- backend -->
<retry condition="@(context.Response == null || context.Response.StatusCode == 429 || context.Response.StatusCode >= 500)" count="3" interval="1" max-interval="8" delta="1" first-fast-retry="true">
  <forward-request buffer-request-body="true" />
</retry>`,
			behaviour: []string{
				"The policies run once before the condition is read. `count` is how often they run again, so they run at most `count` + 1 times.",
				"With `interval` alone each wait is that long. With `delta` too, the wait before repetition n is `interval + (n - 1) * delta`. With `max-interval` too, it is `interval + 2^(n - 1) * random(0.8 * delta, 1.2 * delta)`, at most `max-interval`. With `first-fast-retry` the first repetition comes at once.",
				"`max-interval` without `delta` caps the fixed interval.",
				"When the repetitions are used up, the last answer stands and the pipeline goes on with the next policy.",
				"When `forward-request` gets no answer (`BackendConnectionFailure`, `Timeout`), `context.Response` is null and `context.LastError` says why while the condition is read. Where it is true, that is a reason for a repetition. Where it is false, where it throws because there is no response, and after the last repetition, the error of `forward-request` goes to on-error. The same holds for `BackendErrorStatusCode` (`fail-on-error-status-code`), with the backend's answer as `context.Response`.",
				"Every other error, and every refusal of the frame, goes to on-error at once. `send-request` has to set `ignore-error`, so that its variable is null and the condition can look at that.",
				"A `return-response` in it ends the pipeline as everywhere.",
				"A request body that lies in memory is sent again each time. A body that is still a stream can be sent once: set `buffer-request-body=\"true\"` on `forward-request`. Without it the second attempt fails with `RequestBodySent`; nothing is ever sent with an empty body in its place. The bodies of the model API are always in memory.",
				"Waits count in the request's time limit. One that does not end before it ends with the error of the limit. A wait ends, too, when the caller goes away, when the gateway stops, and when the right of the caller ends (its key, its subscription): the request is refused then, and nothing is repeated.",
				"Repetitions of policies that connect have a budget for the whole gateway: over time at most one repetition for each request that comes into a `retry`, 10 a second beside that, and 100 that can be saved up. When it is used up the retry ends, the last answer stands, and the record has a note.",
			},
			differences: []string{
				"API Management has no budget for repetitions.",
				"Its reference does not say what becomes of connections that fail within `retry`. Documents whose condition names `context.Response == null` mean to see them, and do so here; for all others the error goes to on-error at once.",
				"The documented formula of exponential waits is followed; the example beside it in the reference (10, 20, 40, 80 seconds) begins one step lower.",
				"`interval`, `max-interval` and `delta` may be 0. They are whole seconds, a day at most.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no value that can be used, and there is no other error that it hides"},
			},
		},
		attributes: []attribute{
			{name: "condition", required: true, expected: "true or false", expression: true},
			{name: "count", required: true, expected: "a whole number from 1 to 50", expression: true},
			{name: "interval", required: true, expected: seconds, expression: true},
			{name: "max-interval", expected: seconds, expression: true},
			{name: "delta", expected: seconds, expression: true},
			{name: "first-fast-retry", expected: "true or false", otherwise: "false", expression: true},
		},
		text: holdsPolicies, compile: compileRetry,
	}
}

const retryName = "retry"

type retry struct {
	condition, firstFast           boolValue
	count, interval, longest, step intValue
	steps                          []step
	// connects: something in it does, so that repetitions have a budget.
	connects bool
}

func compileRetry(c *compiler, n *Node) statement {
	s := &retry{
		condition: c.boolAttribute(n, "condition", false),
		count:     c.intAttribute(n, "count", 1, mostRetries, 1),
		interval:  c.intAttribute(n, "interval", 0, longestInterval, 0),
		longest:   c.intAttribute(n, "max-interval", 0, longestInterval, 0),
		step:      c.intAttribute(n, "delta", 0, longestInterval, 0),
		firstFast: c.boolAttribute(n, "first-fast-retry", false),
	}
	s.steps = c.nested(n, c.at.path)
	if len(s.steps) == 0 && len(n.Elements()) == 0 {
		c.warn(n.Pos, "nothing-repeated", "write the policies that are repeated into it", "retry repeats nothing: there is no policy in it")
	}
	for _, k := range s.steps {
		if k.at.policy == waitName {
			c.strict(k.at.pos, "wait-in-retry", "another policy", "write the retry around the policies in wait", "API Management's retry takes every policy but wait")
		}
	}
	eachStep(s.steps, func(k *step) {
		s.connects = s.connects || k.connects
		if f, ok := k.statement.(*forwardRequest); ok && f.keepBody.compute == nil && !f.keepBody.literal {
			c.warn(k.at.pos, "body-sent-once", `add buffer-request-body="true"`,
				"forward-request stands in retry without buffer-request-body: a request whose body is a stream cannot be sent again")
		}
	})
	return s
}

func (s *retry) lists() (lists [][]step, oneOf bool) { return [][]step{s.steps}, false }

func (s *retry) do(ctx context.Context, x *Exchange) (flow, *Error) {
	count, e := s.count.number(ctx, x)
	if e != nil {
		return stop, e
	}
	if s.connects {
		x.firstTry()
	}
	own := x.at
	for n := 1; ; n++ {
		f, failure := run(ctx, x, s.steps)
		x.at = own
		if failure != nil && !failure.repeatable() || failure == nil && f != next {
			return f, failure
		}
		again, e := s.again(ctx, x, failure)
		switch {
		case e != nil && failure != nil:
			// The condition asks for an answer that there is none of: what counts
			// is why.
			return stop, failure
		case e != nil:
			return stop, e
		case !again:
			return ended(failure)
		case n > count:
			x.say("retry", "the repetitions are used up")
			return ended(failure)
		case s.connects && !x.mayRetry():
			x.Note("retry at " + own.pos.String() + " ended after " + strconv.Itoa(n) + " attempts: the budget for repetitions is used up")
			return ended(failure)
		}
		if e := s.pause(ctx, x, n); e != nil {
			return stop, e
		}
	}
}

// ended is how a retry ends that has no more repetitions.
func ended(failure *Error) (flow, *Error) {
	if failure != nil {
		return stop, failure
	}
	return next, nil
}

// again evaluates the condition, which sees the error of the attempt as
// context.LastError.
func (s *retry) again(ctx context.Context, x *Exchange, failure *Error) (bool, *Error) {
	if failure != nil {
		before := x.LastError
		x.LastError = failure
		defer func() { x.LastError = before }()
	}
	return s.condition.is(ctx, x)
}

// repeatable reports whether an error is one that a retry's condition may look
// at: a backend that gave no answer, or one that counts as an error.
func (e *Error) repeatable() bool {
	if e.Frame {
		return false
	}
	switch e.Reason {
	case "BackendConnectionFailure", "Timeout", "BackendErrorStatusCode":
		return e.Source == forwardRequestName
	}
	return false
}

// pause waits before repetition n.
func (s *retry) pause(ctx context.Context, x *Exchange, n int) *Error {
	wait, e := s.wait(ctx, x, n)
	if e != nil {
		return e
	}
	if x.Observer != nil {
		x.say("retry", "repetition "+strconv.Itoa(n)+" after "+wait.String())
	}
	if wait > 0 {
		if err := x.sleep(ctx, wait); err != nil {
			return x.interrupted(err)
		}
	}
	if ctx.Err() != nil {
		return x.interrupted(context.Cause(ctx))
	}
	return nil
}

// wait is how long to wait before repetition n.
func (s *retry) wait(ctx context.Context, x *Exchange, n int) (time.Duration, *Error) {
	if n == 1 {
		fast, e := s.firstFast.is(ctx, x)
		if fast || e != nil {
			return 0, e
		}
	}
	interval, e := s.interval.number(ctx, x)
	if e != nil {
		return 0, e
	}
	delta, e := s.step.number(ctx, x)
	if e != nil {
		return 0, e
	}
	most, e := s.longest.number(ctx, x)
	if e != nil {
		return 0, e
	}
	seconds := float64(interval)
	switch {
	case s.step.given && s.longest.given:
		seconds += math.Pow(2, float64(n-1)) * float64(delta) * (0.8 + 0.4*x.fraction())
	case s.step.given:
		seconds += float64(n-1) * float64(delta)
	}
	if s.longest.given {
		seconds = min(seconds, float64(most))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// fraction is a random number from 0 to 1.
func (x *Exchange) fraction() float64 {
	var b [8]byte
	if _, err := x.random().Read(b[:]); err != nil {
		return 0.5
	}
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// firstTry notes that a retry begins.
func (x *Exchange) firstTry() {
	if x.Services != nil && x.Services.Retries != nil {
		x.Services.Retries.Request()
	}
}

// mayRetry asks whether what connects may run once more.
func (x *Exchange) mayRetry() bool {
	return x.Services == nil || x.Services.Retries == nil || x.Services.Retries.Retry()
}

// interrupted is the error of a request whose time has run out, or whose caller
// is gone, while a policy waited.
func (x *Exchange) interrupted(cause error) *Error {
	if x.Road != nil {
		return x.Road.Interrupted(cause)
	}
	e := &Error{Reason: "Interrupted", Message: "The request ended while a policy waited.", Status: http.StatusInternalServerError, Cause: cause}
	if errors.Is(cause, context.DeadlineExceeded) {
		e.Reason, e.Message = "RequestTimeout", "The request took longer than it may."
	}
	return e
}
