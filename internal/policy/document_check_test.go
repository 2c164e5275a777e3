package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

func testDefined() Defined {
	return DefinedBy(&site.Artifacts{
		NamedValues: []*site.NamedValue{
			{Name: "limit", Value: "10"}, {Name: "word", Value: "evil words"}, {Name: "quote", Value: `a"b`},
			{Name: "key", Secret: true, Value: hidden}, {Name: "vault"}, {Name: "flag", Secret: true},
		},
		Fragments: []string{"log"}, Backends: []string{"aoai"}, Loggers: []string{"hub"}, Certificates: []string{"client"},
	}, false)
}

func TestCheckDocument(t *testing.T) {
	f := func(source string, want ...string) {
		t.Helper()
		got := CheckDocument(&site.PolicyFile{Path: "p.xml", Source: []byte(source)}, testDefined())
		var said []string
		for _, p := range got.Problems {
			if p.Severity == site.Error {
				said = append(said, fmt.Sprintf("%d:%d %s %s", p.Line, p.Column, p.Code, p.Message))
			}
			if p.Excerpt == "" && p.Line > 0 || strings.Contains(p.String()+p.Excerpt, hidden) {
				t.Errorf("%v\n%s", p, p.Excerpt)
			}
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("%s\n(-want +got)\n%s", source, diff)
		}
	}
	inbound := func(s string) string { return "<policies><inbound>\n" + s + "\n</inbound></policies>" }

	// Policies by their names, wherever policies may stand.
	f(inbound("<base /><set-header name='a' exists-action='delete' /><invoke-request />"))
	f(inbound("<choose><when condition='true'><set-hader /></when><otherwise><choose><x /><when condition='true' /></choose></otherwise></choose>"),
		`2:32 unknown-policy "set-hader" is not a policy`, `2:71 unknown-element "x" cannot stand in "choose"`)
	f("<fragment><a /></fragment>", `1:11 unknown-policy "a" is not a policy`)
	f("<set-method>GET</set-method><nothing />", `1:29 unknown-policy "nothing" is not a policy`)
	// What stands in a policy is what it may hold, in its section.
	f(inbound(`<cors x="1"><x /></cors><when /><set-method>@(1 +)</set-method><forward-request />`),
		`2:1 missing-element "cors" needs the element "allowed-origins"`, `2:7 unknown-attribute "cors" has no attribute "x"`,
		`2:13 unknown-element "x" cannot stand in "cors"`, `2:25 unknown-policy "when" is not a policy`,
		"2:50 CS1525 Invalid expression term ')'", `2:64 wrong-section the policy "forward-request" cannot stand in "inbound"`)
	f("<policies><in /><on-error><base /></on-error></policies>", `1:11 unknown-section "in" is not a section`)

	// Policies that do not run are looked at as others are, those of resolvers by themselves.
	f(`<http-data-source><http-request><set-method>G T</set-method><set-url>@(1 +)</set-url></http-request></http-data-source>`,
		"1:75 CS1525 Invalid expression term ')'")
	f(`<sql-data-source><request single-result="no"><sql-statment /></request></sql-data-source>`,
		`1:1 missing-element "sql-data-source" needs the element "connection-info"`,
		`1:18 missing-element "request" needs the element "sql-statement"`,
		`1:42 invalid-value "no" is not a value for "single-result"`, `1:46 unknown-element "sql-statment" cannot stand in "request"`)
	f(`<graphql-data-source a="b"><anything /></graphql-data-source>`)

	// Names.
	f(inbound(`<include-fragment fragment-id="LOG" /><set-backend-service backend-id="Aoai" /><log-to-eventhub logger-id="hub" />`))
	f(inbound(`<set-backend-service backend-id="@("x")" /><set-backend-service backend-id="{{vault}}" /><set-backend-service backend-id="dapr" />`))
	f(inbound(`<include-fragment fragment-id="lag" /><set-backend-service backend-id="{{word}}" />`),
		`2:32 unknown-fragment no fragment has the id "lag"`, `2:72 unknown-backend no backend has the id "{{word}}"`)
	f(inbound(`<authentication-certificate certificate-id="client" /><authentication-certificate thumbprint="x" />`),
		`2:95 unknown-certificate no certificate has the id "x"`)
	f(inbound(`<validate-jwt header-name="A"><issuer-signing-keys><key certificate-id="x" /></issuer-signing-keys></validate-jwt>`),
		`2:73 unknown-certificate no certificate has the id "x"`)
	f(inbound(`<a id="{{nothing}}" />`), `2:1 unknown-policy "a" is not a policy`, `2:8 unknown-named-value no named value has the display name "nothing"`)

	// Expressions: in a broken document too, several at once.
	f(inbound("<set-variable value=\"@(1 +)\" name=\"x\" /><set-body>@{\nreturn }</set-body><set-body>@(1 2)</set-body>"),
		"2:27 CS1525 Invalid expression term ')'", "3:8 CS1525 Invalid expression term '}'", "3:33 CS1026 ) expected")
	f("<policies><inbound><set-variable value=\"@(1 +)\" name=\"x\" />\n</policies>",
		"1:46 CS1525 Invalid expression term ')'", `2:1 mismatched-tag the end tag "policies" stands where "inbound" of line 1 has to end`)
	// Named values whose value is not known may be of any type.
	f(inbound(`<set-variable value="@({{limit}} + {{vault}} > 1 && {{flag}} && "{{key}}" != null)" name="x" />`))
	f(inbound(`<set-variable value="@({{vault}} + )" name="x" />`), "2:36 CS1525 Invalid expression term ')'")
	f(inbound(`<set-variable value="@("a" + {{nothing}} + )" name="x" />`),
		`2:30 unknown-named-value no named value has the display name "nothing"`, "2:44 CS1525 Invalid expression term ')'")
	f(inbound(`<set-variable value="@({{vault}} + 1 + nothing)" name="x" />`), "2:40 CS0103 The name 'nothing' does not exist in the current context")
	f(inbound(`<set-variable value="@(context.Request.Bodi)" name="x" />`), "2:40 CS1061 'IRequest' does not contain a definition for 'Bodi'")
	// What is wrong with a value is told at its braces, without it.
	f(inbound(`<set-variable value="@({{word}})" name="x" />`), "2:24 CS1026 this is not C# with a value in the place of {{word}}")
	f(inbound(`<set-variable value="@({{key}})" name="x" />`), "2:24 CS0103 this is not C# with a value in the place of {{key}}")
	f(inbound(`<set-variable value="@("{{quote}}")" name="x" />`),
		`2:25 broken-expression the value of "quote" ends the string or the comment that it is put into`)
}

func TestCheckDocumentCounts(t *testing.T) {
	got := CheckDocument(&site.PolicyFile{Path: "p.xml", Source: []byte(`<policies><inbound><base /><choose><when condition="@(true)">
<return-response><set-status code="200" /><set-body>@{ return 1; }</set-body></return-response></when></choose>
</inbound></policies>`)}, Defined{})
	if diff := cmp.Diff([]string{"base", "choose", "return-response", "set-body", "set-status"}, got.Policies); diff != "" {
		t.Error(diff)
	}
	if got.Expressions != 2 || len(got.Problems) > 0 {
		t.Errorf("%+v", got)
	}

	lenient := DefinedBy(&site.Artifacts{}, true)
	got = CheckDocument(&site.PolicyFile{Source: []byte(`<fragment><include-fragment fragment-id="{{a}}-b" /><set-backend-service backend-id="c" />
<set-variable value="@({{d}} ? "{{e}}" : "")" name="x" /></fragment>`)}, lenient)
	if got.Expressions != 1 || len(got.Problems) > 0 {
		t.Errorf("%+v", got)
	}

	many := "<fragment>" + strings.Repeat("<x />", 3*maxChecked) + "</fragment>"
	if got = CheckDocument(&site.PolicyFile{Source: []byte(many)}, lenient); len(got.Problems) != maxChecked {
		t.Errorf("%d problems", len(got.Problems))
	}
}

// Whatever a document does with a secret, nothing that is said holds it, and
// every problem has a place in the document.
func FuzzCheckDocument(f *testing.F) {
	f.Add(`<set-variable value="@({{x}} + "{{x}}")" name="x" />`, hidden)
	f.Add(`<set-body>@{ return {{x}} }</set-body>`, `a.`+hidden+`.b`)
	f.Add(`<include-fragment fragment-id="{{x}}" />`, hidden)
	f.Add(`{{x}}@(a`, `@(`+hidden)
	f.Fuzz(func(t *testing.T, inner, value string) {
		source := "<fragment>" + inner + "</fragment>"
		// Any part of the value is known by a letter that nothing else has.
		const mark = "ſ"
		if strings.Contains(source, mark) {
			t.Skip()
		}
		value = mark + strings.ReplaceAll(value, " ", mark) + "(" + mark + ")"
		values := &NamedValues{}
		values.Set("x", secret.New(value), true)
		got := CheckDocument(&site.PolicyFile{Path: "p.xml", Source: []byte(source)}, Defined{NamedValues: values})
		for _, p := range got.Problems {
			if text := p.String() + p.Excerpt; strings.Contains(text, mark) {
				t.Fatalf("%v\n%s", p, p.Excerpt)
			}
			if p.Line > 0 && p.Excerpt == "" {
				t.Fatalf("%v is nowhere", p)
			}
		}
	})
}
