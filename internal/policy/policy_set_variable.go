package policy

import (
	"context"
	"strings"
)

func setVariableEntry() entry {
	return entry{
		name: "set-variable", sections: everySection, scopes: everyScope,
		does: "a variable of the request",
		tier: tierA, page: page{
			intro:   "Sets a variable that the expressions of the same request read as `context.Variables[\"name\"]`.",
			example: `<set-variable name="tenant" value="@(context.Request.Headers.GetValueOrDefault("X-Tenant", "none"))" />`,
			behaviour: []string{
				"Written text is a string. An expression's value keeps its type: whoever reads it casts to that type.",
				"Names have case.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "the expression throws"}},
		},
		attributes: []attribute{
			{name: "name", required: true, expected: "the variable's name"},
			{name: "value", required: true, expected: "text, or a value of any type", expression: true},
		},
		compile: compileSetVariable,
	}
}

type setVariable struct {
	name  string
	value textValue
}

func compileSetVariable(c *compiler, n *Node) statement {
	s := &setVariable{}
	if v, ok := c.attribute(n, "name"); ok {
		if s.name = strings.TrimSpace(v.text); s.name == "" {
			c.invalid(v, "name", "a name", "")
		}
	}
	s.value, _ = c.textAttribute(n, "value")
	return s
}

func (s *setVariable) do(ctx context.Context, x *Exchange) (flow, *Error) {
	v, e := s.value.value(ctx, x)
	if e != nil {
		return stop, e
	}
	x.Variables.Set(s.name, v)
	if x.Observer != nil && s.value.compute == nil {
		x.say(s.name, s.value.shown())
	}
	return next, nil
}
