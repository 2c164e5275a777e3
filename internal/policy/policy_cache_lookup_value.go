package policy

import (
	"context"
	"strings"
)

// valueBehaviour is what the pages of the policies about values share.
const valueBehaviour = "Values are the whole gateway's: the key is the partition. A value that is somebody's needs a key that names them, such as `@(\"profile-\" + context.Subscription.Id)`; two documents that write one key mean one value."

// variableName takes the attribute variable-name.
func (c *compiler) variableName(n *Node) string {
	v, ok := c.attribute(n, "variable-name")
	if !ok {
		return ""
	}
	name := strings.TrimSpace(v.text)
	if name == "" {
		c.invalid(v, "variable-name", "the name of a variable", "")
	}
	return name
}

func cacheLookupValueEntry() entry {
	return entry{
		name: "cache-lookup-value", sections: everySection, scopes: everyScope,
		does: "a cached value into a variable",
		tier: tierA, page: page{
			intro: "Looks for a value that `cache-store-value` has kept, and puts it into a variable.",
			example: `
<cache-lookup-value key="@("profile-" + context.Subscription.Id)" variable-name="profile" />
<choose>
  <when condition="@(!context.Variables.ContainsKey("profile"))">
    <set-variable name="profile" value="@(new JObject(new JProperty("tier", "basic")))" />
    <cache-store-value key="@("profile-" + context.Subscription.Id)" value="@((JObject)context.Variables["profile"])" duration="300" />
  </when>
</choose>`,
			behaviour: []string{
				valueBehaviour,
				"The variable has the type that was kept. A JObject, a JArray, an XElement and a byte[] are the request's own: whatever it does to them, the next one finds them as they were kept.",
				"Where there is nothing, or its time is over, the variable gets `default-value`; without that it is not set, and keeps what it had.",
				"A cache that fails, or a key that is empty, is a miss with a note in the record.",
			},
			differences: []string{
				cachingTypeDifference,
				"The reference says of a miss without `default-value` both that the variable is null and that it is not set. Here it is not set, which is what documents that ask `ContainsKey` need.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws"}},
		},
		attributes: []attribute{
			keyAttribute(),
			{name: "default-value", expected: "a value of any type, for a miss", otherwise: "the variable is not set", expression: true},
			{name: "variable-name", required: true, expected: "the variable's name"},
			cachingTypeAttribute(),
		},
		compile: compileCacheLookupValue,
	}
}

type cacheLookupValue struct {
	cachedValue
	variable  string
	otherwise textValue
}

func compileCacheLookupValue(c *compiler, n *Node) statement {
	s := &cacheLookupValue{cachedValue: c.cachedValue(n), variable: c.variableName(n)}
	s.otherwise, _ = c.textAttribute(n, "default-value")
	return s
}

func (s *cacheLookupValue) do(ctx context.Context, x *Exchange) (flow, *Error) {
	key, caches, ok, e := s.of(ctx, x)
	if e != nil {
		return stop, e
	}
	if ok {
		item, found, err := caches.Values.Get(ctx, key)
		if err != nil {
			x.cacheFailed("cache-lookup-value", err)
		}
		if found && err == nil {
			v, err := x.expressions().loadValue(item.Value)
			if err == nil {
				x.say("cache", "hit")
				x.Variables.Set(s.variable, v)
				return next, nil
			}
			x.cacheFailed("cache-lookup-value", err)
		}
	}
	x.say("cache", "miss")
	if !s.otherwise.given {
		return next, nil
	}
	v, e := s.otherwise.value(ctx, x)
	if e != nil {
		return stop, e
	}
	x.Variables.Set(s.variable, v)
	return next, nil
}
