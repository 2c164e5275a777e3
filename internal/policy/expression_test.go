package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Every way in which an expression is written gives the same expressions, each
// byte with its place.
func TestExpressions(t *testing.T) {
	const source = `<policies>
<inbound>
<set-variable name="a" value="@(h["b)"] < 1 && c)" />
<set-variable name='b' value=' @(h[&quot;b)&quot;] &lt; 1 &amp;&amp; c) ' />
<set-variable name='c' value='@("it is")' d="{{not}} @ (one)" />
<value>
	@{ // don't )
		return @"c:\" + $"{h["x"]:0.0}" + '}'; } </value>
<value><![CDATA[ @(a[b[0]]>1 && "<b>" != null)]]> <!-- c --> </value>
<set-body>{"a": 1}</set-body>
<set-body>@(As&lt;JObject>().ToString())</set-body>
</inbound>
</policies>`
	doc, problems := Read("policy.xml", []byte(source))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, x := range doc.Expressions() {
		got = append(got, fmt.Sprintf("%s@%s %d:%d %s", x.Node.Name, x.Attribute, x.At(0).Line, x.At(0).Column, x.Source))
		if x.Written != x.Source {
			t.Errorf("%q is written %q", x.Source, x.Written)
		}
		checkOrigin(t, x.Source, x.origin.from(x.start), func(p site.Pos) string {
			line := strings.SplitAfterN(source, "\n", p.Line)[p.Line-1]
			return line[p.Column-1:]
		})
	}
	want := []string{
		`set-variable@value 3:31 @(h["b)"] < 1 && c)`,
		`set-variable@value 4:32 @(h["b)"] < 1 && c)`,
		`set-variable@value 5:31 @("it is")`,
		"value@ 7:2 @{ // don't )\n\t\treturn @\"c:\\\" + $\"{h[\"x\"]:0.0}\" + '}'; }",
		`value@ 9:18 @(a[b[0]]>1 && "<b>" != null)`,
		`set-body@ 11:11 @(As<JObject>().ToString())`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Places are those of the document as written: before entities are decoded and
// named values put in.
func TestExpressionPlaces(t *testing.T) {
	values := &NamedValues{}
	values.Set("long", secret.New("a rather long text"), false)
	values.Set("key", secret.New("s3cr3t"), true)
	doc, problems := Read("policy.xml", []byte("<policies><a b=\"\r\n @(&quot;{{long}}&quot; +\r\n{{key}} + c)\" /></policies>"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	doc, problems = doc.Expand(values)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	x := doc.Expressions()[0]
	if want := "@(\"a rather long text\" +\ns3cr3t + c)"; x.Source != want || !x.Secret {
		t.Fatalf("%+v", x)
	}
	if want := "@(\"{{long}}\" +\n{{key}} + c)"; x.Written != want {
		t.Errorf("written %q", x.Written)
	}
	for text, want := range map[string]string{
		"@": "2:2", "\"a": "2:4", "a rather": "2:10", "text": "2:10", "\" +": "2:18", "s3cr3t": "3:1", "3t": "3:1", " + c": "3:8", ")": "3:12",
	} {
		p := x.At(strings.Index(x.Source, text))
		if got := fmt.Sprintf("%d:%d", p.Line, p.Column); got != want {
			t.Errorf("%q is at %s, want %s", text, got, want)
		}
	}
	name := func(text string) string {
		i := strings.Index(x.Source, text)
		return x.Named(i, i+len(text))
	}
	for text, want := range map[string]string{`("`: "", "rather": "long", `" +`: "", "s3cr3t": "key", "+ c": "", "\ns3": "key"} {
		if got := name(text); got != want {
			t.Errorf("%q is of %q, want %q", text, got, want)
		}
	}
	if end := len(x.Source); x.At(end) != (site.Pos{File: "policy.xml", Line: 3, Column: 13}) {
		t.Errorf("the end is %v", x.At(end))
	}
	if got := x.hide("no s3cr3t and 'a rather long text'"); got != "no {{key}} and '{{long}}'" {
		t.Error(got)
	}
}

// What is left of unknown named values is filled in code, and stays in text.
func TestExpressionFill(t *testing.T) {
	doc, problems := Read("policy.xml", []byte("<policies><a>@(&quot;{{a}}&quot; + {{b}} /* {{c}} */ + $\"{{d}}{{{e}}}\" + f({{g}}))</a></policies>"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	x := doc.Expressions()[0]
	uses := x.inCode(x.left())
	got := x.fill(uses, []string{"true", "1", "2"})
	if want := `@("{{a}}" + true /* {{c}} */ + $"{{d}}{1}" + f(2))`; got.Source != want {
		t.Errorf("%s\nwant %s", got.Source, want)
	}
	for text, same := range map[string]string{"+ true": "+ {{b}}", "/*": "/*", "f(2": "f({{g", "))": "))"} {
		if a, b := got.At(strings.Index(got.Source, text)), x.At(strings.Index(x.Source, same)); a != b {
			t.Errorf("%q is at %v, want %v", text, a, b)
		}
	}
	if name := got.Named(strings.Index(got.Source, "true"), strings.Index(got.Source, "true")+1); name != "b" {
		t.Errorf("it is of %q", name)
	}
}
