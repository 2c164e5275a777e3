package policy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	clrxml "github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

// converted runs a pipeline over an answer, and gives its body; false: it was
// refused, in the way that bodies are.
func converted(t *testing.T, p *Pipeline, contentType, body string) (string, bool) {
	t.Helper()
	x := newExchange(func(_ context.Context, x *Exchange, _ ForwardOptions) error {
		x.Response = &Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {contentType}},
			Body: &Body{Bytes: []byte(body), Length: int64(len(body))},
		}
		return nil
	})
	x.Services = &Services{Random: zeros{}}
	p.Run(t.Context(), x)
	if e := x.LastError; e != nil {
		if e.Reason != "BodyMalformed" && e.Reason != "BodyTooLarge" || strings.Contains(errorsText(e), "runtime error") {
			t.Errorf("%q: %v", body, e)
		}
		return "", false
	}
	return string(x.Response.Body.Bytes), true
}

func errorsText(e *Error) string {
	var internal interface{ RuntimeError() }
	if errors.As(e.Cause, &internal) {
		return "runtime error"
	}
	return e.Error()
}

// FuzzXMLToJSON: every document ends as JSON without two members of one name, or
// is refused.
func FuzzXMLToJSON(f *testing.F) {
	for _, s := range []string{
		`<a/>`, `<a b="c">d<e/>f<e></e></a>`, `<?xml version="1.0"?><p:a xmlns:p="u" p:b="1"><p:c xmlns:p="v"/></p:a>`,
		`<version a-b="1" a_b="2"/>`, `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;<![CDATA[x]]></a>`, "<a>\u2028&#x1F600;</a>",
		`<a xmlns:p="u" xmlns:q="u" p:x="1" q:y="2"><q:b xmlns:q="v" p:x="3" q:x="4"/></a>`,
	} {
		f.Add(s, true, false)
		f.Add(s, false, true)
	}
	pipelines := map[bool]*Pipeline{}
	for _, friendly := range []bool{false, true} {
		kind := map[bool]string{false: "direct", true: "javascript-friendly"}[friendly]
		pipelines[friendly] = mustCompile(f, `-- api.xml --
<policies><outbound><xml-to-json kind="`+kind+`" apply="always" consider-accept-header="false" always-array-child-elements="@(context.Response.Headers.GetValueOrDefault("Content-Type","") == "a")" /></outbound></policies>
`)
	}
	f.Fuzz(func(t *testing.T, body string, friendly, arrays bool) {
		if len(body) > 1<<12 || strings.TrimSpace(body) == "" {
			return
		}
		out, ok := converted(t, pipelines[friendly], map[bool]string{true: "a", false: "b"}[arrays], body)
		if !ok {
			return
		}
		if !json.Valid([]byte(out)) {
			t.Fatalf("%q became %q", body, out)
		}
		if name := twice(json.NewDecoder(strings.NewReader(out))); name != "" {
			t.Errorf("%q became %q, with two members %q", body, out, name)
		}
	})
}

// twice gives a name that two members of one object have.
func twice(d *json.Decoder) string {
	token, err := d.Token()
	if err != nil {
		return ""
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return ""
			}
			if seen[key.(string)] {
				return key.(string)
			}
			seen[key.(string)] = true
			if name := twice(d); name != "" {
				return name
			}
		}
		_, _ = d.Token()
	case json.Delim('['):
		for d.More() {
			if name := twice(d); name != "" {
				return name
			}
		}
		_, _ = d.Token()
	}
	return ""
}

// FuzzJSONToXML: every text ends as well-formed XML, or is refused.
func FuzzJSONToXML(f *testing.F) {
	for _, s := range []string{
		`{"a":1}`, `{"a b":[1,[2,[]],{"@c":"d","#text":"e"}],"":null}`, `{"x:a":{"xmlns:x":"u","x:b":1,"@x:c":2,"#attrs":{"d":"e","x:c":3}}}`,
		`[true,1.5e300,"\ud800","2012-03-21T05:40:00Z"]`, `{"xmlns":"http://www.w3.org/2000/xmlns/","xmlns:xml":"a"}`, `{"_x0041_":"\u0000"}`,
		`{"a":{"xmlns:x":"u","xmlns:y":"u","@x:b":1,"@y:b":2}}`, `{"@xmlns":"u","#cdata-section":"]]>"}`, `{'a': undefined, b: new Date(1)}`,
	} {
		f.Add(s)
	}
	p := mustCompile(f, `-- api.xml --
<policies><outbound><json-to-xml apply="always" consider-accept-header="false" namespace-separator=":" namespace-prefix="xmlns" attribute-block-name="#attrs" /></outbound></policies>
`)
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 1<<12 || strings.TrimSpace(body) == "" {
			return
		}
		out, ok := converted(t, p, "application/json", body)
		if !ok {
			return
		}
		th := &clr.Thread{}
		th.Start(t.Context(), clr.DefaultLimits())
		if err := csharp.Guarded(func() { clrxml.ParseDocument(th, out, 0) }); err != nil {
			t.Errorf("%q became %q: %v", body, out, err)
		}
	})
}
