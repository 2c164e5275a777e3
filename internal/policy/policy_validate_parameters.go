package policy

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

func validateParametersEntry() entry {
	part := func(name, what string, unspecified bool) child {
		k := child{name: name, expected: what, attributes: []attribute{
			{name: "specified-parameter-action", expected: "ignore, prevent or detect", otherwise: "that of validate-parameters", expression: true},
		}, children: []child{{name: "parameter", many: true, expected: "one parameter", attributes: []attribute{
			{name: "name", required: true, expected: "its name", expression: true},
			actionAttribute("action", "for this parameter"),
		}}}}
		if unspecified {
			k.attributes = append(k.attributes, attribute{
				name: "unspecified-parameter-action", expected: "ignore, prevent or detect", otherwise: "that of validate-parameters", expression: true,
			})
		}
		return k
	}
	return entry{
		name: "validate-parameters", sections: inOnly, scopes: everyScope,
		does: "parameters against the API's schema",
		tier: tierB, page: page{
			intro: "Holds the headers, the query and the path of a request against the parameters of the operation in the API's OpenAPI document.",
			example: `
<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="prevent" errors-variable-name="parameterErrors">
  <headers specified-parameter-action="detect" unspecified-parameter-action="ignore">
    <parameter name="X-Tenant" action="prevent" />
  </headers>
</validate-parameters>`,
			behaviour: []string{
				"The order is headers, query, path; what is prevented ends the request at its first parameter.",
				"A `parameter` goes before the actions of its element, and those before the ones of the policy.",
				"Values are read as their schema says: numbers and booleans by their text, lists by the separator of the parameter's style. A parameter that is no list may come once.",
				"A parameter that is required and missing does not conform to its definition.",
			},
			differences: []string{
				"The header and the query parameter of the subscription key are never unspecified: the gateway itself asks for them.",
				"Names of query parameters have no case.",
				"Cookies, parameters of forms, and objects as parameters are not looked at.",
				"Messages name parameters, never their values.",
				"Schemas and their limits are as in [validate-content](validate-content.md).",
			},
			errors: []errorLine{
				{badRequest, "400; the caller hears what is wrong"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no action"},
			},
		},
		attributes: []attribute{
			actionAttribute("specified-parameter-action", "for parameters of the description"),
			actionAttribute("unspecified-parameter-action", "for others"),
			errorsAttribute(),
		},
		children: []child{
			part("headers", "headers of the request", true), part("query", "parameters of the query", true),
			part("path", "parameters of the path", false),
		},
		compile: compileValidateParameters,
	}
}

type validateParameters struct {
	variable string
	// parts are those for header, query and path, in this order.
	parts [3]parameterRules
}

// parameterRules are the actions for parameters of one place.
type parameterRules struct {
	in, kind               string
	specified, unspecified choiceValue
	named                  []namedAction
}

type namedAction struct {
	name   textValue
	action choiceValue
}

func compileValidateParameters(c *compiler, n *Node) statement {
	s := &validateParameters{variable: c.errorsVariable(n)}
	specified, unspecified := c.action(n, "specified-parameter-action"), c.action(n, "unspecified-parameter-action")
	for i, in := range []struct{ element, in, kind string }{
		{"headers", "header", "RequestHeader"}, {"query", "query", "QueryParameter"}, {"path", "path", "PathParameter"},
	} {
		p := &s.parts[i]
		p.in, p.kind, p.specified, p.unspecified = in.in, in.kind, specified, unspecified
		for _, k := range n.Elements() {
			if k.Name != in.element {
				continue
			}
			if k.Attribute("specified-parameter-action") != nil {
				p.specified = c.action(k, "specified-parameter-action")
			}
			if k.Attribute("unspecified-parameter-action") != nil {
				p.unspecified = c.action(k, "unspecified-parameter-action")
			}
			p.named = c.namedActions(k)
		}
	}
	return s
}

func (c *compiler) namedActions(n *Node) []namedAction {
	var out []namedAction
	for _, k := range n.Elements() {
		name, _ := c.textAttribute(k, "name")
		out = append(out, namedAction{name, c.action(k, "action")})
	}
	return out
}

// actionFor is the action for a name: its own, or the one for all.
func actionFor(ctx context.Context, x *Exchange, named []namedAction, name string, all *choiceValue) (*choiceValue, *Error) {
	for i := range named {
		own, e := named[i].name.text(ctx, x)
		if e != nil {
			return nil, e
		}
		if strings.EqualFold(strings.TrimSpace(own), name) {
			return &named[i].action, nil
		}
	}
	return all, nil
}

func (s *validateParameters) prepare(c *contract) []error {
	if c.said == nil {
		return nil
	}
	var errs []error
	for i := range c.said.Parameters {
		if err := c.value(&c.said.Parameters[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (s *validateParameters) do(ctx context.Context, x *Exchange) (flow, *Error) {
	v := &validation{x: x, variable: s.variable}
	for i := range s.parts {
		done, e := s.parts[i].hold(ctx, v)
		if e != nil {
			return stop, e
		}
		if done {
			break
		}
	}
	if e := v.end(); e != nil {
		return stop, e
	}
	return next, nil
}

// hold holds the parameters of one place against what is said of them.
func (p *parameterRules) hold(ctx context.Context, v *validation) (bool, *Error) {
	x := v.x
	if x.contract == nil || x.contract.said == nil {
		return v.found(ctx, &p.specified, noSchema())
	}
	came := p.came(x)
	for i := range x.contract.said.Parameters {
		said := &x.contract.said.Parameters[i]
		if said.In != p.in {
			continue
		}
		var values []string
		for j := range came {
			if strings.EqualFold(came[j].name, said.Name) {
				came[j].known = true
				values = append(values, came[j].values...)
			}
		}
		action, e := actionFor(ctx, x, p.named, said.Name, &p.specified)
		if e != nil {
			return false, e
		}
		if done, e := v.found(ctx, action, x.contract.holdValue(said, p.kind, "Request", values)...); done || e != nil {
			return done, e
		}
	}
	for i := range came {
		if came[i].known || p.in == "path" {
			continue
		}
		action, e := actionFor(ctx, x, p.named, came[i].name, &p.unspecified)
		if e != nil {
			return false, e
		}
		text := "Unspecified " + parameterWords(p.kind) + " " + shortList([]string{came[i].name}) + " is not allowed."
		if done, e := v.found(ctx, action, finding{name: came[i].name, kind: p.kind, rule: "Unspecified", details: text, public: text}); done || e != nil {
			return done, e
		}
	}
	return false, nil
}

// cameValue is a parameter of a request with its values.
type cameValue struct {
	name   string
	values []string
	known  bool
}

// came are the parameters that the request has, in an order of their own.
func (p *parameterRules) came(x *Exchange) []cameValue {
	var out []cameValue
	switch p.in {
	case "path":
		for _, m := range parameters(x) {
			out = append(out, cameValue{name: m.Name, values: []string{m.Value}})
		}
	case "header":
		headerValues{&x.Request.Header, x.host()}.Each(func(name string, values []string) bool {
			own := x.API != nil && strings.EqualFold(name, x.API.SubscriptionKeyHeader)
			out = append(out, cameValue{name: name, values: values, known: own})
			return true
		})
	default:
		for pair := range strings.SplitSeq(x.Request.Query, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			name, value = queryText(name), queryText(value)
			i := slices.IndexFunc(out, func(c cameValue) bool { return strings.EqualFold(c.name, name) })
			if i < 0 {
				i = len(out)
				out = append(out, cameValue{name: name, known: x.API != nil && strings.EqualFold(name, x.API.SubscriptionKeyQuery)})
			}
			out[i].values = append(out[i].values, value)
		}
	}
	return out
}

func queryText(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// parameterWords name a kind of parameters in messages.
func parameterWords(kind string) string {
	switch kind {
	case "QueryParameter":
		return "query parameter"
	case "PathParameter":
		return "path parameter"
	}
	return "header"
}

// holdValue holds the values of a parameter or a header against its schema. who
// is Request or Response.
func (c *contract) holdValue(p *site.Parameter, kind, who string, values []string) []finding {
	what := parameterWords(kind) + " " + p.Name
	wrong := func(rule, details, public string) []finding {
		return []finding{{name: p.Name, kind: kind, rule: rule, details: details, public: public}}
	}
	if len(values) == 0 {
		if !p.Required {
			return nil
		}
		return wrong("IncorrectMessage", "Value of the "+what+" does not conform to the definition.\n\nIt is required and missing.",
			"The value of the "+what+" does not conform to the definition.\n\nIt is required and missing.")
	}
	held := c.values[p]
	if held == nil {
		return nil
	}
	value, problem := c.read(p, values)
	if problem != "" {
		if problem == manyValues {
			text := who + " cannot contain multiple values for the " + what + "."
			return wrong("IncorrectMessage", text, text)
		}
		return wrong("IncorrectMessage", "Value of the "+what+" cannot be parsed according to the definition.\n\n"+problem,
			"Value of the "+what+" couldn't be parsed according to the definition.\n\n"+problem)
	}
	found, err := held.check(value)
	if err != nil {
		return wrong("ValidationError", strings.ToUpper(what[:1])+what[1:]+" cannot be validated.\n\n"+err.Error(), "")
	}
	if len(found) == 0 {
		return nil
	}
	return wrong("IncorrectMessage", "Value of the "+what+" does not conform to the definition.\n\n"+found[0].text,
		"The value of the "+what+" does not conform to the definition.\n\n"+found[0].text)
}

const manyValues = "many"

// read makes a value of texts, by the types of the schema.
func (c *contract) read(p *site.Parameter, texts []string) (v any, problem string) {
	schema := c.resolved(p.Schema)
	if !hasType(schema, "array") {
		if len(texts) > 1 {
			if p.In == "header" && hasType(schema, "string") {
				return strings.Join(texts, ","), ""
			}
			return nil, manyValues
		}
		return scalarOf(schema, texts[0])
	}
	if p.Separator != "" {
		if len(texts) > 1 && p.In != "header" {
			return nil, manyValues
		}
		texts = strings.Split(strings.Join(texts, p.Separator), p.Separator)
	}
	items := c.resolved(schema["items"])
	out := make([]any, 0, len(texts))
	for _, t := range texts {
		if p.In == "header" {
			t = strings.TrimSpace(t)
		}
		item, problem := scalarOf(items, t)
		if problem != "" {
			return nil, problem
		}
		out = append(out, item)
	}
	return out, ""
}

func hasType(schema map[string]any, name string) bool {
	switch t := schema["type"].(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	}
	return false
}

// scalarOf makes a value of a text. Without a type, and of combined schemas,
// it is the text.
func scalarOf(schema map[string]any, text string) (any, string) {
	if hasType(schema, "string") {
		return text, ""
	}
	number, boolean := hasType(schema, "integer") || hasType(schema, "number"), hasType(schema, "boolean")
	switch {
	case number:
		if v, err := decodeJSON([]byte(text)); err == nil && isNumber(v) && strings.TrimSpace(text) == text {
			return v, ""
		}
		if !boolean {
			return nil, "It is not a number."
		}
		fallthrough
	case boolean:
		switch text {
		case "true", "True":
			return true, ""
		case "false", "False":
			return false, ""
		}
		return nil, "It is neither true nor false."
	case hasType(schema, "object"):
		if v, err := decodeJSON([]byte(text)); err == nil {
			return v, ""
		}
		return nil, "It is not a JSON object."
	}
	return text, ""
}

func isNumber(v any) bool {
	_, ok := v.(interface{ Float64() (float64, error) })
	return ok
}
