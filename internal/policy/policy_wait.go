package policy

import (
	"context"
	"errors"
	"slices"
)

const (
	waitName = "wait"
	// mostWaited is how many policies wait runs at the same time.
	mostWaited = 32
)

func waitEntry() entry {
	return entry{
		name: waitName, sections: inOutBack, scopes: everyScope,
		does: "the policies in it at the same time",
		tier: tierA, page: page{
			intro: "Runs the policies in it at the same time, and waits for all of them or for the first.",
			example: `
<wait for="all">
  <send-request mode="new" response-variable-name="user" ignore-error="true">
    <set-url>https://users.contoso.example/me</set-url>
    <set-method>GET</set-method>
  </send-request>
  <choose>
    <when condition="@(context.Request.Headers.ContainsKey("X-Order"))">
      <cache-lookup-value key="@("order-" + context.Request.Headers.GetValueOrDefault("X-Order", ""))" variable-name="order" />
      <choose>
        <when condition="@(!context.Variables.ContainsKey("order"))">
          <send-request mode="new" response-variable-name="order" ignore-error="true">
            <set-url>@("https://orders.contoso.example/" + context.Request.Headers.GetValueOrDefault("X-Order", ""))</set-url>
            <set-method>GET</set-method>
          </send-request>
        </when>
      </choose>
    </when>
  </choose>
</wait>`,
			behaviour: []string{
				"It takes `send-request`, `cache-lookup-value` and `choose`, at most 32 of them; in `choose` anything but `forward-request`.",
				"Calls and waits overlap. Expressions and everything else of one request take turns, so that no policy sees what another has half done.",
				"Each policy begins with the variables, the request and the response as they were before `wait`, and does not see what the others change. What they have changed is put together in the order of the document: where two change the same variable or header, the later one counts.",
				"`for=\"all\"`: the first error ends the others and goes to on-error, which finds what those have changed that had ended without one.",
				"`for=\"any\"`: the first policy that ends without an error ends the others, and what they have changed is forgotten. An error counts only when no policy ends without one; the first of the document goes to on-error then.",
				"A `return-response` in a `choose` ends the pipeline once `wait` has ended; of several the first of the document counts.",
				"A body that one of them reads is read for all.",
			},
			differences: []string{
				"API Management's reference says neither what becomes of errors nor whether policies see each other's variables.",
				"A call that has been sent when `for=\"any\"` ends it is broken off; the service may have done its work.",
			},
			errors: []errorLine{
				{"ExpressionValueEvaluationFailure", "the expression of `for` throws, or is neither all nor any"},
			},
		},
		attributes: []attribute{
			{name: "for", expected: "all or any", otherwise: waitAll, expression: true},
		},
		text: holdsPolicies, compile: compileWait,
	}
}

const (
	waitAll = "all"
	waitAny = "any"
)

type wait struct {
	all   choiceValue
	steps []step
}

func compileWait(c *compiler, n *Node) statement {
	s := &wait{all: c.choiceAttribute(n, "for", waitAll, waitAll, waitAny)}
	s.steps = c.nested(n, c.at.path)
	takes := []string{sendRequestName, "cache-lookup-value", "choose"}
	for _, k := range s.steps {
		if k.statement != nil && !slices.Contains(takes, k.at.policy) {
			c.add(k.at.pos, "policy-in-wait", listed(takes), "put it into a choose", "%q cannot stand in wait", k.at.policy)
		}
	}
	if len(s.steps) > mostWaited {
		c.add(n.Pos, "policy-in-wait", "at most 32 policies", "divide it", "wait holds %d policies", len(s.steps))
	}
	for _, at := range forwards(s.steps) {
		c.add(at.pos, "forward-in-wait", "forward-request outside of wait", "", "forward-request cannot stand in wait: a request has one answer")
	}
	return s
}

func (s *wait) lists() (lists [][]step, oneOf bool) { return [][]step{s.steps}, false }

// errWaitOver ends those that wait does not wait for.
var errWaitOver = errors.New("wait has ended")

func (s *wait) do(ctx context.Context, x *Exchange) (flow, *Error) {
	mode, e := s.all.word(ctx, x)
	if e != nil {
		return stop, e
	}
	if len(s.steps) == 0 {
		return next, nil
	}
	in, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// first is the one that any waits for, or the error that all ends with.
	first, failed := -1, -1
	all := x.together(len(s.steps), func(i int) (flow, *Error) {
		return run(in, x, s.steps[i:i+1])
	}, func(i int, t *taken) {
		switch {
		case t.err != nil && failed < 0:
			failed = i
		case t.err == nil && first < 0:
			first = i
		}
		if mode == waitAny && t.err == nil || mode == waitAll && t.err != nil {
			cancel(errWaitOver)
		}
	})
	if mode == waitAny {
		return s.any(x, all, first)
	}
	f := mergeAll(x, all)
	if failed >= 0 {
		return stop, all[failed].err
	}
	return f, nil
}

// mergeAll takes over what those have changed that ended well.
func mergeAll(x *Exchange, all []taken) flow {
	own, f := x.overlay(), next
	before := own.fork()
	for i := range all {
		if all[i].err != nil || f != next && all[i].flow != next {
			continue // of several answers the first counts
		}
		kept := x.kept
		x.merge(&before, &all[i].overlay)
		if f != next {
			x.kept = kept
		} else {
			f = all[i].flow
		}
	}
	return f
}

// any takes over what the first has changed.
func (s *wait) any(x *Exchange, all []taken, first int) (flow, *Error) {
	if first < 0 {
		return stop, all[0].err
	}
	if x.Observer != nil {
		x.say("first", s.steps[first].at.path)
	}
	own := x.overlay()
	before := own.fork()
	x.merge(&before, &all[first].overlay)
	return all[first].flow, nil
}
