package policy

import (
	"context"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func durationAttribute() attribute {
	return attribute{name: "duration", required: true, expected: "seconds", expression: true}
}

func cacheStoreValueEntry() entry {
	return entry{
		name: "cache-store-value", sections: everySection, scopes: everyScope,
		does: "a value into the cache",
		tier: tierA, page: page{
			intro: "Keeps a value for `duration` seconds, for `cache-lookup-value`.",
			example: `
<cache-store-value key="@("profile-" + context.Subscription.Id)" value="@(new JObject(new JProperty("tier", "gold")))" duration="300" />`,
			behaviour: []string{
				valueBehaviour,
				"The value is kept as it is at this moment, with its type: null, strings, Boolean, Char, the numbers, DateTime, DateTimeOffset, TimeSpan, Guid, JToken and what is below it, XElement, XDocument, byte[], and arrays and List<T> of these. What the request changes in it afterwards changes nothing in the cache.",
				"It is there for the next lookup at once, that of the same request included.",
				"Memory is bounded: all values together have a third of an eighth of the gateway's memory, 64 MiB at most, one value an eighth of that, and there are at most 100,000. What was used longest ago goes first. A value that is too large, or a cache that fails, is a note in the record, never an error.",
				"A `duration` of 0 lets go of what was there.",
			},
			differences: []string{
				cachingTypeDifference,
				"An IResponse, a Jwt and other objects of a request cannot be kept: keep the body, such as `.Body.As<JObject>()`. Where the type is known that is an error of `serve`, else a note in the record.",
				"API Management stores in the background, so that a lookup right after may still miss.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or `duration` is no number of seconds"}},
		},
		attributes: []attribute{
			keyAttribute(),
			{name: "value", required: true, expected: "text, or a value of any type", expression: true},
			durationAttribute(),
			cachingTypeAttribute(),
		},
		compile: compileCacheStoreValue,
	}
}

type cacheStoreValue struct {
	cachedValue
	value    textValue
	duration intValue
}

func compileCacheStoreValue(c *compiler, n *Node) statement {
	s := &cacheStoreValue{cachedValue: c.cachedValue(n)}
	s.value, _ = c.textAttribute(n, "value")
	s.duration = c.intAttribute(n, "duration", 0, longestDuration, 0)
	if s.value.compute != nil {
		if t := s.value.compute.run.Result(); t != nil && neverStored(t) {
			c.strict(s.value.pos, "wrong-type", "text, a number, JSON, XML or byte[]", "keep its body, such as .Body.As<JObject>()",
				"%q of %q is %s, which cannot be kept", "value", n.Name, t.FullName())
		}
	}
	return s
}

// neverStored: values of that type are a request's own.
func neverStored(t *clr.Type) bool {
	return slices.Contains([]string{"IResponse", "IRequest", "IMessageBody", "IContext", "IProxyRequestContext", "Jwt"}, t.Name)
}

func (s *cacheStoreValue) do(ctx context.Context, x *Exchange) (flow, *Error) {
	key, caches, ok, e := s.of(ctx, x)
	if e != nil {
		return stop, e
	}
	v, e := s.value.value(ctx, x)
	if e != nil {
		return stop, e
	}
	duration, e := s.duration.number(ctx, x)
	if e != nil {
		return stop, e
	}
	if ok {
		x.storeValue(ctx, caches, key, v, duration)
	}
	return next, nil
}

// storeValue keeps a value for that many seconds; where it cannot, there is a
// note.
func (x *Exchange) storeValue(ctx context.Context, caches *Caches, key string, v clr.Value, lasts int) {
	b, err := x.expressions().storedValue(v)
	if err == nil {
		err = caches.Values.Set(ctx, key, b, seconds(lasts))
	}
	if err != nil {
		x.cacheFailed("the value is not kept", err)
	}
}
