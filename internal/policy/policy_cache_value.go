package policy

import (
	"context"
	"slices"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func cacheValueEntry() entry {
	return entry{
		name: "cache-value", sections: everySection, scopes: everyScope,
		does: "a cached value, or a new one",
		tier: tierB, page: page{
			intro: "Puts a cached value into a variable. Where there is none, or it is due for a new one, the policies in `value` make it: they set the variable, and what they set is kept.",
			example: `
<cache-value key="settings" variable-name="settings" expires-after="600" refresh-after="300">
  <value>
    <set-variable name="settings" value="@(new JObject(new JProperty("loaded", DateTime.UtcNow)))" />
  </value>
</cache-value>`,
			behaviour: []string{
				valueBehaviour,
				"A value younger than `refresh-after` is taken as it is. Between `refresh-after` and `expires-after` one request makes a new one, and all others go on with the old one meanwhile.",
				"Where there is no value one request makes it, and others wait for it, up to 10 seconds; then they make their own.",
				"The variable is not set when the policies in `value` begin. If they set none, or null, nothing is kept and the variable gets `default-value`; without that, what it had before.",
				"`expires-after` and `refresh-after` are read after the policies in `value`, which may set what they refer to, and `refresh-after` once more at a lookup.",
				"An error in `value` is the error of the request, and the variable gets back what it had. A `return-response` in it ends the pipeline; nothing is kept then.",
				"It shares keys and values with `cache-lookup-value` and `cache-store-value`.",
			},
			differences: []string{
				"The policy is in API Management's schemas and tools, and not in its reference. What is said here of waiting and of refreshing is ours.",
				cachingTypeDifference,
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or gives no number of seconds"}},
		},
		attributes: []attribute{
			keyAttribute(),
			{name: "variable-name", required: true, expected: "the variable's name"},
			{name: "expires-after", required: true, expected: "seconds until the value is gone", expression: true},
			{name: "refresh-after", required: true, expected: "seconds until a new one is made", expression: true},
			{name: "default-value", expected: "a value of any type, where none is made", otherwise: "what the variable had", expression: true},
			cachingTypeAttribute(),
		},
		children: []child{{name: "value", required: true, expected: "policies that set the variable", text: holdsPolicies}},
		compile:  compileCacheValue,
	}
}

type cacheValue struct {
	cachedValue
	variable         string
	expires, refresh intValue
	otherwise        textValue
	steps            []step
}

func compileCacheValue(c *compiler, n *Node) statement {
	s := &cacheValue{cachedValue: c.cachedValue(n), variable: c.variableName(n)}
	s.expires = c.intAttribute(n, "expires-after", 0, longestDuration, 0)
	s.refresh = c.intAttribute(n, "refresh-after", 0, longestDuration, 0)
	if s.expires.compute == nil && s.refresh.compute == nil && s.refresh.given && s.expires.given && s.refresh.literal > s.expires.literal {
		c.warn(n.Attribute("refresh-after").ValuePos, "attribute-without-effect", "make it less than expires-after",
			"the value is gone after %d seconds, so it never becomes due for a new one", s.expires.literal)
	}
	s.otherwise, _ = c.textAttribute(n, "default-value")
	for _, k := range n.Elements() {
		if k.Name == "value" {
			s.steps = c.nested(k, c.at.path+"/value[1]")
		}
	}
	return s
}

func (s *cacheValue) lists() (lists [][]step, oneOf bool) { return [][]step{s.steps}, false }

// longestFlight is how long a request waits for another to make a value.
const longestFlight = 10 * time.Second

func (s *cacheValue) do(ctx context.Context, x *Exchange) (flow, *Error) {
	key, caches, ok, e := s.of(ctx, x)
	if e != nil {
		return stop, e
	}
	if !ok {
		return s.compute(ctx, x, nil, "")
	}
	v, found, due, e := s.look(ctx, x, caches, key)
	if e != nil {
		return stop, e
	}
	if found && !due {
		return s.hit(x, v)
	}
	if slices.Contains(x.flights, key) {
		return s.compute(ctx, x, caches, key) // it would wait for itself
	}
	done, landed := caches.Flights.Begin(key)
	if done == nil {
		if found {
			return s.hit(x, v)
		}
		if x.await(ctx, landed, longestFlight) == nil {
			if v, found, _, e = s.look(ctx, x, caches, key); e != nil {
				return stop, e
			}
			if found {
				return s.hit(x, v)
			}
		}
		return s.compute(ctx, x, caches, key)
	}
	x.flights = append(x.flights, key)
	defer func() {
		x.flights = slices.DeleteFunc(x.flights, func(k string) bool { return k == key })
		done()
	}()
	// Somebody may have made it between the look and the turn.
	if v, found, due, e = s.look(ctx, x, caches, key); e != nil {
		return stop, e
	}
	if found && !due {
		return s.hit(x, v)
	}
	return s.compute(ctx, x, caches, key)
}

func (s *cacheValue) hit(x *Exchange, v clr.Value) (flow, *Error) {
	x.say("cache", "hit")
	x.Variables.Set(s.variable, v)
	return next, nil
}

// look finds the value, and says whether a new one is due.
func (s *cacheValue) look(ctx context.Context, x *Exchange, caches *Caches, key string) (v clr.Value, found, due bool, e *Error) {
	item, found, err := caches.Values.Get(ctx, key)
	if err == nil && found {
		if v, err = x.expressions().loadValue(item.Value); err == nil {
			refresh, e := s.refresh.number(ctx, x)
			return v, true, e == nil && x.now().Sub(item.Stored) >= seconds(refresh), e
		}
	}
	if err != nil {
		x.cacheFailed("cache-value", err)
	}
	return clr.Null, false, false, nil
}

// compute runs the policies in value and keeps what they set.
func (s *cacheValue) compute(ctx context.Context, x *Exchange, caches *Caches, key string) (flow, *Error) {
	x.say("cache", "miss")
	before, was := x.Variables.Get(s.variable)
	x.Variables.remove(s.variable)
	f, e := run(ctx, x, s.steps)
	v, set := x.Variables.Get(s.variable)
	if e != nil || f != next || !set || v.IsNull() {
		x.Variables.remove(s.variable)
		if was {
			x.Variables.Set(s.variable, before)
		}
		if e != nil || f != next || !s.otherwise.given {
			return f, e
		}
		v, e := s.otherwise.value(ctx, x)
		if e != nil {
			return stop, e
		}
		x.Variables.Set(s.variable, v)
		return next, nil
	}
	expires, e := s.expires.number(ctx, x)
	if e != nil {
		return stop, e
	}
	if caches != nil {
		x.storeValue(ctx, caches, key, v, expires)
	}
	return next, nil
}
