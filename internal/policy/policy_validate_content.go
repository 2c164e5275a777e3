package policy

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

func validateContentEntry() entry {
	return entry{
		name: "validate-content", sections: inOutErr, scopes: everyScope,
		does: "body size and schema",
		tier: tierA, page: page{
			intro: "Holds the size and the content of a body against limits and schemas: of the request in inbound, of the answer in outbound and on-error.",
			example: `
<validate-content unspecified-content-type-action="prevent" max-size="102400" size-exceeded-action="prevent" errors-variable-name="bodyErrors">
  <content-type-map missing-content-type-value="application/json">
    <type from="application/hal+json" to="application/json" />
    <type when="@(context.Request.Headers.ContainsKey("X-Json"))" to="application/json" />
  </content-type-map>
  <content type="application/json" validate-as="json" action="detect" allow-additional-properties="false" />
</validate-content>`,
			behaviour: []string{
				"`ignore` does not look, `detect` writes what it finds into the variable, `prevent` also ends the request.",
				"The size is looked at first, before the body is read where the message says its length. For a compressed body it is that of the content.",
				"The content type is that of the message without its parameters, or what `content-type-map` makes of it: the first `type` that fits, else `missing-content-type-value` where there is none, else `any-content-type-value`.",
				"A content type that the operation's description does not have is one for `unspecified-content-type-action`. Where that lets it pass, and for types that are described, each `content` of that type, or without a type, looks at the body.",
				"The schema is that of the operation in the API's OpenAPI document: for requests by content type, for answers by status and content type. With `schema-id` it is one of `apim/schemas`, with `schema-ref` a part of that one.",
				"Schemas are compiled when the site is loaded, and nothing is fetched for them.",
				"A message without a body and without a content type passes, unless the description asks for a body.",
				"The variable holds a JArray of objects with Name, Type, ValidationRule, Details and Action. It is not set as long as nothing was found; other policies with the same variable add to it.",
			},
			differences: []string{
				"`max-size` may be up to 32 MiB, which is how much of a body policies read at all; API Management takes 4 MiB, formerly 100 KB.",
				"`xml` and `soap` look at size and form: one root, everything closed, no document type; for soap an envelope of the version that the type says, with one body. No XML schema is looked at: a `schema-id` there is refused.",
				"The body of JSON is read strictly: a name that stands twice in an object, invalid UTF-8 and text behind the value are errors, and so are more than 64 levels and numbers with more than 256 digits or an exponent beyond 1000.",
				"Holding a body against a schema takes a bounded number of steps: 10,000, and 32 for each value in it, 250,000 at most. Beyond that, and for more than 250,000 values, nothing can be said, and that is an error of rule ValidationException. Only schemas that branch and recur come near.",
				"Messages name places, in bodies up to 1 MiB, and never values of the body. At most 20 errors of one body are told, and 100 in one variable.",
				"Patterns are Go's regular expressions, which run in linear time: one with look-around or back references is refused when the site is loaded.",
				"`schema-id` and `schema-ref` are written, not computed: which schema counts has to be known when the site is loaded.",
				"`allow-additional-properties=\"false\"` allows what any part of a schema, such as those of `allOf`, names.",
				"Bodies that are compressed otherwise than by gzip or deflate cannot be looked at, which is an error of rule ValidationException.",
			},
			errors: []errorLine{
				{badRequest, "in inbound: 400; the caller hears what is wrong"},
				{responseNotAllowed, "elsewhere: 502; the caller does not hear what is wrong"},
				{"BodyTooLarge", "the body is larger than policies read: 413 for requests, 500 for answers"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no action or size"},
			},
		},
		attributes: []attribute{
			actionAttribute("unspecified-content-type-action", "for content types that the API's description does not have"),
			{name: "max-size", required: true, expected: "bytes of the body, at most 33554432", expression: true},
			actionAttribute("size-exceeded-action", "for larger bodies"),
			errorsAttribute(),
		},
		children: []child{
			{
				name: "content-type-map", expected: "other content types for those of messages",
				attributes: []attribute{
					{name: "any-content-type-value", expected: "the content type for all messages"},
					{name: "missing-content-type-value", expected: "the content type for messages without one"},
				},
				children: []child{{name: "type", many: true, expected: "one content type for another", attributes: []attribute{
					{name: "from", expected: "the content type of the message"},
					{name: "when", expected: "true or false, in the place of from", expression: true},
					{name: "to", required: true, expected: "the content type that counts"},
				}}},
			},
			{name: "content", many: true, expected: "how bodies of a type are looked at", attributes: []attribute{
				{name: "type", expected: "a content type", otherwise: "all of the description"},
				{name: "validate-as", required: true, expected: "json, xml or soap"},
				{name: "schema-id", expected: "the id of a schema of apim/schemas", otherwise: "that of the API's description"},
				{name: "schema-ref", expected: "a part of that schema, such as #/definitions/address"},
				actionAttribute("action", "for bodies that are not as the schema says"),
				{name: "allow-additional-properties", expected: "true or false", otherwise: "as the schema says"},
				{name: "case-insensitive-property-names", expected: "true or false", otherwise: "false"},
			}},
		},
		compile: compileValidateContent,
	}
}

type validateContent struct {
	unspecified, exceeded choiceValue
	most                  intValue
	variable              string
	// anyType and missingType are in lower case; empty: not given.
	anyType, missingType string
	types                []typeMapping
	rules                []contentRule
	answer               bool
}

// typeMapping is one type of content-type-map.
type typeMapping struct {
	from string
	when *boolValue
	to   string
}

// contentRule is one content.
type contentRule struct {
	// mediaType is empty for all.
	mediaType, as string
	action        choiceValue
	opt           schemaOptions
	// own is the schema that the policy names; nil: that of the description
	// counts.
	own   *schema
	named string
}

func compileValidateContent(c *compiler, n *Node) statement {
	s := &validateContent{
		unspecified: c.action(n, "unspecified-content-type-action"),
		exceeded:    c.action(n, "size-exceeded-action"),
		most:        c.intAttribute(n, "max-size", 0, MaxBuffered, 0),
		variable:    c.errorsVariable(n),
		answer:      c.section != inbound,
	}
	for _, k := range n.Elements() {
		switch k.Name {
		case "content-type-map":
			s.anyType, s.missingType = c.mediaType(k, "any-content-type-value"), c.mediaType(k, "missing-content-type-value")
			for _, t := range k.Elements() {
				s.types = append(s.types, c.typeMapping(t))
			}
		case "content":
			s.rules = append(s.rules, c.contentRule(k))
		}
	}
	return s
}

func (c *compiler) mediaType(n *Node, name string) string {
	v, ok := c.attribute(n, name)
	if !ok {
		return ""
	}
	t := mediaTypeOf(v.text)
	if family, sub, _ := strings.Cut(t, "/"); !isToken(family) || !isToken(sub) {
		c.malformed(v, name, "a content type such as application/json", "")
	}
	return t
}

func (c *compiler) typeMapping(n *Node) typeMapping {
	m := typeMapping{from: c.mediaType(n, "from"), to: c.mediaType(n, "to")}
	from, when := n.Attribute("from"), n.Attribute("when")
	switch {
	case from != nil && when != nil:
		c.add(when.Pos, "attributes-exclude", "from or when", "remove one", "from and when are both given")
	case from == nil && when == nil:
		c.add(n.Pos, "missing-attribute", "from or when", `add from="…"`, "\"type\" does not say which content type it is about")
	case when != nil:
		b := c.boolAttribute(n, "when", false)
		m.when = &b
	}
	return m
}

func (c *compiler) contentRule(n *Node) contentRule {
	r := contentRule{
		as:     c.choice(n, "validate-as", "json", "json", "xml", "soap"),
		action: c.action(n, "action"),
	}
	if v, ok := c.attribute(n, "type"); ok && strings.TrimSpace(v.text) != "" {
		r.mediaType = c.mediaType(n, "type")
	}
	if n.Attribute("allow-additional-properties") != nil {
		r.opt.additional = saidFalse
		if c.boolean(n, "allow-additional-properties", false) {
			r.opt.additional = saidTrue
		}
	}
	r.opt.fold = c.boolean(n, "case-insensitive-property-names", false)
	c.ownSchema(n, &r)
	return r
}

// ownSchema takes schema-id and schema-ref.
func (c *compiler) ownSchema(n *Node, r *contentRule) {
	id, reference := n.Attribute("schema-id"), n.Attribute("schema-ref")
	if id == nil {
		if reference != nil {
			c.strict(reference.Pos, "attribute-without-effect", "schema-id beside it", "", "schema-ref is a part of the schema that schema-id names, and there is none")
		}
		return
	}
	if r.as != "json" {
		c.strict(id.Pos, "xml-schema", "validate-as=\"json\", or no schema", "remove it: size and form are looked at without it",
			"XML schemas are not looked at, so this one would protect nothing")
		return
	}
	v, ok := c.writtenSchema(n, "schema-id")
	if !ok || c.env.any {
		return
	}
	named := c.env.schema(strings.TrimSpace(v.text))
	if named == nil {
		var ids []string
		for _, s := range c.env.Schemas {
			ids = append(ids, s.ID)
		}
		c.add(v.pos, "unknown-schema", "the id of a schema in apim/schemas", nearestName(v.written, ids), "there is no schema %q", v.written)
		return
	}
	r.named = named.ID
	if named.Type != "json" || named.Document == nil {
		c.add(v.pos, "unusable-schema", "a JSON schema", "", "the schema %q is not one that can be read", named.ID)
		return
	}
	c.compileOwn(n, r, named, v)
}

func (c *compiler) compileOwn(n *Node, r *contentRule, named *site.Schema, v value) {
	raw := named.Document
	lookup := func(reference string) (any, bool) { return within(named.Document, reference) }
	if n.Attribute("schema-ref") != nil {
		part, ok := c.writtenSchema(n, "schema-ref")
		if !ok {
			return
		}
		if raw, ok = lookup(strings.TrimSpace(part.text)); !ok {
			c.add(part.pos, "unknown-reference", "a place such as #/definitions/address", "", "the schema %q has no part %q", named.ID, part.written)
			return
		}
	}
	opt := r.opt
	if m, ok := named.Document.(map[string]any); ok {
		draft, _ := m["$schema"].(string)
		opt.modern = strings.Contains(draft, "2019-09") || strings.Contains(draft, "2020-12")
	}
	made, err := newSchema(raw, opt, lookup)
	if err != nil {
		c.add(v.pos, "unusable-schema", "a schema that the gateway can read", "", "the schema %q: %v", named.ID, err)
		return
	}
	r.own = made
}

// writtenSchema takes an attribute that has to be known when the site is loaded.
func (c *compiler) writtenSchema(n *Node, name string) (value, bool) {
	a := n.Attribute(name)
	if x, is := newExpression(a.Value, a.Written, a.Origin); is {
		x.Secret, x.Node, x.Attribute = a.Secret, n, name
		c.expression(&x)
		c.strict(a.ValuePos, "computed-schema", "text", "write it out, in branches of choose if there are several",
			"%q is an expression, and schemas are compiled when the site is loaded", name)
		return value{}, false
	}
	return c.attribute(n, name)
}

func (e *Env) schema(id string) *site.Schema {
	for _, s := range e.Schemas {
		if strings.EqualFold(s.ID, id) {
			return s
		}
	}
	return nil
}

// prepare makes the schemas that the description has for the rules.
func (s *validateContent) prepare(c *contract) (errs []error) {
	for i := range s.rules {
		r := &s.rules[i]
		if r.own != nil || r.as != "json" || r.action.compute == nil && r.action.literal == ignoreWord {
			continue
		}
		for _, m := range c.messages(s.answer) {
			for k := range m.Contents {
				of := &m.Contents[k]
				if r.mediaType != "" && content(&site.Message{Contents: m.Contents[k : k+1]}, r.mediaType) == nil {
					continue
				}
				if err := c.body(of, r.opt); err != nil {
					errs = append(errs, err)
				}
			}
		}
	}
	return errs
}

func (s *validateContent) do(ctx context.Context, x *Exchange) (flow, *Error) {
	v := &validation{x: x, variable: s.variable, answer: s.answer}
	if e := s.validate(ctx, v); e != nil {
		return stop, e
	}
	if e := v.end(); e != nil {
		return stop, e
	}
	return next, nil
}

// side is the message that a policy looks at.
type side struct {
	header map[string][]string
	body   *Body
	// said is what the description has of it; nil: nothing.
	said *site.Message
	kind string
	// word is request or response.
	word string
}

func (s *validateContent) side(x *Exchange) side {
	if !s.answer {
		out := side{header: x.Request.Header, body: x.Request.Body, kind: "RequestBody", word: "request"}
		if m := x.contract.messages(false); len(m) > 0 {
			out.said = m[0]
		}
		return out
	}
	if x.Response == nil {
		return side{kind: "ResponseBody", word: "response"}
	}
	return side{
		header: x.Response.Header, body: x.Response.Body, kind: "ResponseBody", word: "response",
		said: x.contract.answer(x.Response.StatusCode),
	}
}

func (s *validateContent) validate(ctx context.Context, v *validation) *Error {
	of := s.side(v.x)
	size, e := s.sizeOf(ctx, v, &of)
	if e != nil || v.prevented != nil {
		return e
	}
	mediaType, e := s.typeOf(ctx, v.x, &of)
	if e != nil {
		return e
	}
	if size == 0 && len(of.header["Content-Type"]) == 0 && (of.said == nil || !of.said.Required) {
		return nil
	}
	if content(of.said, mediaType) == nil && !s.knows(mediaType) {
		if done, e := v.found(ctx, &s.unspecified, finding{
			name: mediaType, kind: of.kind, rule: "Unspecified",
			details: fmt.Sprintf("Unspecified content type %s is not allowed.", mediaType),
			public:  fmt.Sprintf("Unspecified content type %s is not allowed.", mediaType),
		}); done || e != nil {
			return e
		}
	}
	for i := range s.rules {
		r := &s.rules[i]
		if r.mediaType != "" && r.mediaType != mediaType {
			continue
		}
		if done, e := s.hold(ctx, v, r, &of, mediaType); done || e != nil {
			return e
		}
	}
	return nil
}

// knows reports whether a rule brings its own schema for a content type.
func (s *validateContent) knows(mediaType string) bool {
	for i := range s.rules {
		if r := &s.rules[i]; (r.own != nil || r.as != "json") && (r.mediaType == mediaType) {
			return true
		}
	}
	return false
}

// typeOf is the content type that counts.
func (s *validateContent) typeOf(ctx context.Context, x *Exchange, of *side) (string, *Error) {
	var came string
	if lines := of.header["Content-Type"]; len(lines) > 0 {
		// Of several nobody knows which one counts: all of them are the type.
		came = mediaTypeOf(strings.Join(lines, ", "))
	}
	for i := range s.types {
		t := &s.types[i]
		fits := t.from != "" && t.from == came
		if t.when != nil {
			var e *Error
			if fits, e = t.when.is(ctx, x); e != nil {
				return "", e
			}
		}
		if fits {
			return t.to, nil
		}
	}
	switch {
	case came == "" && s.missingType != "":
		return s.missingType, nil
	case s.anyType != "":
		return s.anyType, nil
	}
	return came, nil
}
