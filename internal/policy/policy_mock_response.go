package policy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

func mockResponseEntry() entry {
	return entry{
		name: "mock-response", sections: inOutErr, scopes: everyScope,
		does: "the operation's example as answer",
		tier: tierA, page: page{
			intro:   "Ends the pipeline with an example of the operation in the API's OpenAPI document; without one, with a sample made of the schema; without that, with no body.",
			example: `<mock-response status-code="200" content-type="application/json" />`,
			behaviour: []string{
				"Without `content-type` the first that the description has for the status counts. With it, the answer says it whether there is a body or not.",
				"`index` counts the examples from 0, in the order of the document; the first without it. Beyond the last there is none, and the schema counts.",
				"A sample has every property that the schema names, with its example, default, first value of an enum or const where there is one.",
				"Outbound does not run. A backend's answer that it takes the place of is dropped.",
			},
			differences: []string{
				"Samples are made for JSON only, at most 64 KiB of them and five levels deep. Properties stand in alphabetical order.",
				"Examples of XML that are written as values, not as text, are left out.",
				"A status is from 200 to 599.",
				"Without a description of the operation the answer has no body; that is a warning when the site is loaded.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or gives no status, content type or number"}},
		},
		attributes: []attribute{
			{name: "status-code", expected: "a status from 200 to 599", otherwise: "200", expression: true},
			{name: "content-type", expected: "a content type", otherwise: "the first of the description", expression: true},
			{name: "index", expected: "which example", otherwise: "0", expression: true},
		},
		compile: compileMockResponse,
	}
}

type mockResponse struct {
	status, index intValue
	mediaType     textValue
}

func compileMockResponse(c *compiler, n *Node) statement {
	s := &mockResponse{
		status: c.intAttribute(n, "status-code", 200, 599, http.StatusOK),
		index:  c.intAttribute(n, "index", 0, 1000, 0),
	}
	var ok bool
	if s.mediaType, ok = c.textAttribute(n, "content-type"); ok && !isFieldValue(s.mediaType.literal) {
		v, _ := c.attribute(n, "content-type")
		c.invalid(v, "content-type", "one line without control characters", "")
	}
	return s
}

// prepare makes the samples.
func (s *mockResponse) prepare(c *contract) []error {
	for _, m := range c.messages(true) {
		for i := range m.Contents {
			of := &m.Contents[i]
			if _, made := c.samples[of]; !made && isJSONType(of.Type) && of.Schema != nil {
				c.samples[of] = c.sample(of.Schema)
			}
		}
	}
	return nil
}

func (s *mockResponse) do(ctx context.Context, x *Exchange) (flow, *Error) {
	status, e := s.status.number(ctx, x)
	if e != nil {
		return stop, e
	}
	index, e := s.index.number(ctx, x)
	if e != nil {
		return stop, e
	}
	asked, e := s.mediaType.fieldValue(ctx, x)
	if e != nil {
		return stop, e
	}
	made := &Response{StatusCode: status, Header: http.Header{}}
	of := x.contract.mocked(status, mediaTypeOf(asked))
	body := x.contract.example(of, index)
	if asked == "" && of != nil && !strings.Contains(of.Type, "*") {
		asked = of.Type
	}
	if asked != "" {
		made.Header["Content-Type"] = []string{asked}
	}
	if body != nil {
		made.Body = &Body{Bytes: body, Length: int64(len(body))}
	}
	x.answer(made)
	return stop, nil
}

// mocked is the body that is described for a status; of any type where the type
// is empty.
func (c *contract) mocked(status int, mediaType string) *site.Content {
	m := c.answer(status)
	if m == nil || len(m.Contents) == 0 {
		return nil
	}
	if mediaType == "" {
		return &m.Contents[0]
	}
	return content(m, mediaType)
}

// example is an example of a body, or its sample; nil: there is neither.
func (c *contract) example(of *site.Content, index int) []byte {
	if of == nil {
		return nil
	}
	if index < len(of.Examples) {
		text, isText := of.Examples[index].(string)
		switch {
		case isJSONType(of.Type):
			return encodeJSON(of.Examples[index])
		case isText:
			return []byte(text)
		}
		return nil
	}
	return c.samples[of]
}

func isJSONType(mediaType string) bool {
	t := mediaTypeOf(mediaType)
	return t == "application/json" || t == "text/json" || t == "*/*" || t == "application/*" || strings.HasSuffix(t, "+json")
}

const (
	maxSample      = 64 << 10
	maxSampleDepth = 5
	// maxSampleParts bounds the values of a sample.
	maxSampleParts = 4000
)

// sample is a value of a schema, as JSON; nil where it cannot be made.
func (c *contract) sample(schema any) []byte {
	m := &sampler{c: c}
	v, err := m.value(schema, 0)
	if err != nil {
		return nil
	}
	if text := encodeJSON(v); len(text) <= maxSample {
		return text
	}
	return nil
}

type sampler struct {
	c     *contract
	parts int
}

var errNoSample = errors.New("no sample")

func (m *sampler) value(schema any, depth int) (any, error) {
	if m.parts++; m.parts > maxSampleParts {
		return nil, errNoSample
	}
	s := m.c.resolved(schema)
	for _, word := range []string{"example", "default", "const"} {
		if v, ok := s[word]; ok {
			return v, nil
		}
	}
	for _, word := range []string{"examples", "enum"} {
		if list, ok := s[word].([]any); ok && len(list) > 0 {
			return list[0], nil
		}
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		if list, ok := s[word].([]any); ok && len(list) > 0 && s["properties"] == nil {
			return m.value(list[0], depth)
		}
	}
	if list, ok := s["allOf"].([]any); ok && len(list) > 0 {
		return m.merged(s, list, depth)
	}
	return m.typed(s, depth)
}

// merged is a value of all schemas of a list.
func (m *sampler) merged(s map[string]any, list []any, depth int) (any, error) {
	out := map[string]any{}
	var other any
	for _, part := range append(slices.Clone(list), map[string]any{"type": "object", "properties": s["properties"]}) {
		v, err := m.value(part, depth)
		if err != nil {
			return nil, err
		}
		object, ok := v.(map[string]any)
		if !ok {
			other = v
		}
		for name, inner := range object {
			out[name] = inner
		}
	}
	if len(out) == 0 && other != nil {
		return other, nil
	}
	return out, nil
}

func (m *sampler) typed(s map[string]any, depth int) (any, error) {
	switch {
	case s["properties"] != nil || hasType(s, "object"):
		out := map[string]any{}
		all, _ := s["properties"].(map[string]any)
		if depth >= maxSampleDepth {
			all = nil
		}
		for name, inner := range all {
			v, err := m.value(inner, depth+1)
			if err != nil {
				return nil, err
			}
			out[name] = v
		}
		return out, nil
	case s["items"] != nil || hasType(s, "array"):
		if s["items"] == nil || depth >= maxSampleDepth {
			return []any{}, nil
		}
		v, err := m.value(s["items"], depth+1)
		return []any{v}, err
	case hasType(s, "integer"), hasType(s, "number"):
		if v, ok := s["minimum"]; ok && isNumber(v) {
			return v, nil
		}
		return 0, nil
	case hasType(s, "boolean"):
		return true, nil
	case hasType(s, "string"):
		return sampleText(s), nil
	}
	return nil, nil
}

// sampleText is a text of a format.
func sampleText(s map[string]any) string {
	format, _ := s["format"].(string)
	switch format {
	case "date-time":
		return "2000-01-23T04:56:07Z"
	case "date":
		return "2000-01-23"
	case "uuid":
		return "046b6c7f-0b8a-43b9-b35d-6489e6daee91"
	case "email":
		return "user@example.com"
	case "uri", "url":
		return "https://example.com/"
	case "byte":
		return "c3RyaW5n"
	}
	return "string"
}
