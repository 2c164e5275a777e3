package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

const hidden = "s3cr3t-value"

func testValues() *NamedValues {
	v := &NamedValues{}
	for name, value := range map[string]string{
		"host": "a.example", "limit": "10", "quote": `it"s`, "markup": `<b a="1">&amp;</b>`, "empty": "",
		"expression": `@(context.RequestId)`, "closer": `x") + f("`, "braces": "{{host}}", "open": "(", "at": "@(",
		"dotted.name_1-x": "d", "1": "one",
	} {
		v.Set(name, secret.New(value), false)
	}
	v.Set("key", secret.New(hidden), true)
	v.Set("broken-key", secret.New(hidden+`"`), true)
	return v
}

// expand reads, expands and returns the first attribute's value, or the text.
func expand(t *testing.T, element string) (*Node, site.Problems) {
	t.Helper()
	doc, problems := Read("policy.xml", []byte("<policies>\n  "+element+"\n</policies>"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	before := canonical(doc.Root)
	out, problems := doc.Expand(testValues())
	if canonical(doc.Root) != before {
		t.Error("the document itself has changed")
	}
	return out.Root.Elements()[0], problems
}

func TestExpand(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		n, problems := expand(t, in)
		if len(problems) > 0 {
			t.Errorf("%s: %v", in, problems)
		}
		got := n.Content()
		if len(n.Attributes) > 0 && n.Name == "a" {
			got = n.Attributes[0].Value
		}
		if got != want {
			t.Errorf("%s\ngives %q, want %q", in, got, want)
		}
	}
	f(`<a b="{{host}}" />`, "a.example")
	f(`<a b="https://{{host}}:{{limit}}/{{ HOST }}" />`, "https://a.example:10/a.example")
	f(`<a b="@("{{host}}" + {{limit}} + $"{{{limit}}}")" />`, `@("a.example" + 10 + $"{10}")`)
	f(`<a b="{{expression}}" />`, "@(context.RequestId)")
	f(`<a b="@({{expression}})" />`, "@(@(context.RequestId))")
	f(`<a b="{{markup}}{{quote}}" />`, `<b a="1">&amp;</b>it"s`)
	f(`<a b="[{{empty}}]" />`, "[]")
	f(`<a b="{{braces}}" />`, "{{host}}")
	f(`<a b="{{dotted.name_1-x}}{{1}}" />`, "done")
	f(`<a b="{{ }}{{a b}}{{&quot;x&quot;}}{{}}{{host}" />`, `{{ }}{{a b}}{{"x"}}{{}}{{host}`)
	f(`<value>{{markup}}</value>`, `<b a="1">&amp;</b>`)
	f(`<value>&#123;{host}}</value>`, "a.example")
	f(`<value><![CDATA[{{host}}]]></value>`, "a.example")
	f(`<value>@("{{key}}")</value>`, `@("`+hidden+`")`)
	f(`<set-body>{"a": "{{host}}"}</set-body>`, `{"a": "a.example"}`)
	f(`<set-body><a>{{host}}</a></set-body>`, "<a>a.example</a>")
	f(`<set-body template="liquid">{{body.x}} {{host}}</set-body>`, "{{body.x}} a.example")
}

func TestExpandKeepsWhatWasWritten(t *testing.T) {
	n, problems := expand(t, `<a b="x{{key}}&amp;{{limit}}z" c="{{limit}}">{{key}}</a>`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b := n.Attribute("b")
	if b.Value != "x"+hidden+"&10z" || b.Written != "x{{key}}&{{limit}}z" || !b.Secret {
		t.Errorf("%+v", b)
	}
	if c := n.Attribute("c"); c.Secret || c.Value != "10" {
		t.Errorf("%+v", c)
	}
	if text := n.Children[0]; !text.Secret || text.Text != hidden || text.Written != "{{key}}" {
		t.Errorf("%+v", text)
	}

	// The value begins in column 9 of line 2.
	places := map[int]int{0: 9, 1: 10, 5: 10, len(hidden): 10, len(hidden) + 1: 17, len(hidden) + 2: 22, len(hidden) + 3: 22, len(hidden) + 4: 31, len(hidden) + 5: 32}
	got := map[int]int{}
	for offset := range places {
		pos := b.Origin.At(offset)
		if pos.Line != 2 || pos.File != "policy.xml" {
			t.Errorf("byte %d: %v", offset, pos)
		}
		got[offset] = pos.Column
	}
	if diff := cmp.Diff(places, got); diff != "" {
		t.Errorf("columns of the value's bytes (-want +got)\n%s", diff)
	}
}

func TestExpandProblems(t *testing.T) {
	for _, c := range []struct{ element, code, at, says, mend string }{
		{`<a b="{{hots}}" />`, "unknown-named-value", "2:9", `"hots"`, "write {{host}}"},
		{`<a b="x">&lt;{{nothing-like-it}}</a>`, "unknown-named-value", "2:16", `"nothing-like-it"`, ""},
		{`<set-body>{{body.x}}</set-body>`, "unknown-named-value", "2:13", `"body.x"`, ""},
		{`<a b="@("{{quote}}")" />`, "broken-expression", "2:12", `value of "quote" ends the string`, ""},
		{`<a b=" @("{{broken-key}}" + "{{host}}")" />`, "broken-expression", "2:13", `"broken-key" ends the string`, ""},
		{`<a>@({{open}})</a>`, "broken-expression", "2:8", `"open" does not stand by itself`, ""},
		{`<a b="@(f("{{host}}{{closer}}"))" />`, "broken-expression", "2:22", `"closer" ends the string`, ""},
		{`<a b="{{at}}" />`, "broken-expression", "2:9", `"at" the text begins with an expression`, ""},
		{`<a b="{{expression}} tail" />`, "broken-expression", "2:9", `"expression" the text begins`, ""},
		{`<a b="@({{limit}} + {{unknown}})" />`, "unknown-named-value", "2:23", `"unknown"`, ""},
	} {
		_, problems := expand(t, c.element)
		if len(problems) != 1 {
			t.Errorf("%s: %v", c.element, problems)
			continue
		}
		p := problems[0]
		if p.Code != c.code || p.Pos.String() != "policy.xml:"+c.at || !strings.Contains(p.Message, c.says) || p.Mend != c.mend || p.Excerpt == "" {
			t.Errorf("%s: %v [%s]\n%s", c.element, p, p.Code, p.Excerpt)
		}
	}
}

// A value stays in the string or the comment that it is put into, and in code
// its brackets and quotes are balanced.
func TestExpandKeepsTokens(t *testing.T) {
	f := func(in, value string, ok bool) {
		t.Helper()
		values := &NamedValues{}
		values.Set("x", secret.New(value), false)
		values.Set("y", secret.New("1"), false)
		doc, problems := Read("policy.xml", []byte("<policies><a>"+in+"</a></policies>"))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if _, problems = doc.Expand(values); problems.HasErrors() == ok {
			t.Errorf("%q in %s: %v", value, in, problems)
		}
	}
	for _, value := range []string{"", "10", "a.b", "it's", "(", "]", "// no comment", "/* none", `\"`, "{", "a {b} c"} {
		f(`@("{{x}}" + {{y}})`, value, true)
		f("@(1 // {{x}}\n+ {{y}})", value, true)
		f(`@(@"{{x}}")`, value, !strings.Contains(value, `"`))
	}
	for _, value := range []string{`"`, `" + "`, `" + f("`, `\`, "\n", `") + ("`, `a" /*`, `" + @"`} {
		f(`@("{{x}}")`, value, false)
		f(`@("a" + "{{y}}{{x}}" + "{{y}}")`, value, false)
		f(`@($"{{x}}")`, value, false)
	}
	f(`@(@"{{x}}")`, `a ""quoted"" word`+"\n and a line \\", true)
	f(`@(@"{{x}}")`, `a" + "b`, false)
	f(`@($"{{x}}")`, "{y}", false)
	f(`@($"{{x}}")`, "{{y}}", true)
	f(`@($"{1:{{x}}}")`, "0.00", true)
	f(`@($"{1:{{x}}}")`, "0}{2", false)
	f(`@(c == '{{x}}')`, "x", true)
	f(`@(c == '{{x}}')`, "x' || c != '", false)
	f("@(1 // {{x}}\n)", "a\n+ 1", false)
	f("@(1 /* {{x}} */ )", "a", true)
	f("@(1 /* {{x}} */ )", "a */ + 1 /* ", false)
	for _, value := range []string{"", "10", "true", `"text"`, `@"c:\"`, "f(1, \"a\")", "new[] { 1 }", "1 /* one */", `$"{a}"`, "a[0]"} {
		f(`@(f({{x}}, "{{y}}"))`, value, true)
		f(`@($"{f({{x}})}")`, value, true)
		f("@{ return {{x}}; }", value, true)
	}
	for _, value := range []string{"(", ")", ") + (", "1 // one", "1 /*", `"`, `"a`, "]", "{", "} {", "'"} {
		f(`@(f({{x}}, "{{y}}"))`, value, false)
		f(`@($"{f({{x}})}")`, value, false)
		f("@{ var a = {{x}};\nreturn 1; }", value, false)
	}
	f("@{ return 1 /{{x}}\n; }", "/ 2", false)
}

// No part of a secret is in any problem, whatever it does to a document.
func TestExpandHidesSecrets(t *testing.T) {
	values := &NamedValues{}
	shapes := []string{hidden, `"` + hidden, hidden + `)`, `@(` + hidden, `<` + hidden + `>`, "{{" + hidden + "}}", "\n" + hidden + `'`, `\` + hidden}
	for i, s := range shapes {
		values.Set("k"+string(rune('0'+i)), secret.New(s), true)
	}
	for i := range shapes {
		ref := "{{k" + string(rune('0'+i)) + "}}"
		for _, in := range []string{ref, "@(" + ref + ")", `@("` + ref + `")`, "@{ return " + ref + "; }", `@($"{` + ref + `}")`, "a" + ref + "@(b)"} {
			doc, _ := Read("policy.xml", []byte(`<policies><a b="`+in+`">`+in+`</a><set-body>`+in+`</set-body></policies>`))
			_, problems := doc.Expand(values)
			for _, p := range problems {
				if strings.Contains(p.String()+p.Excerpt, hidden) {
					t.Errorf("%s: %v\n%s", in, p, p.Excerpt)
				}
			}
		}
	}
}

func TestExpandBounds(t *testing.T) {
	values := &NamedValues{}
	values.Set("a", secret.New(strings.Repeat("x", 64<<10)), false)
	doc, problems := Read("policy.xml", []byte("<policies>"+strings.Repeat("<a>{{a}}{{a}}</a>", 1000)+"</policies>"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	out, problems := doc.Expand(values)
	if len(problems) != 1 || problems[0].Code != "too-large" {
		t.Errorf("%v", problems)
	}
	size := 0
	for _, n := range out.Root.Elements() {
		size += len(n.Content())
	}
	if size > maxExpanded+len(doc.Source) {
		t.Errorf("%d bytes", size)
	}

	doc, _ = Read("policy.xml", []byte("<policies>"+strings.Repeat("<a>{{b}}</a>", 1000)+"</policies>"))
	if _, problems = doc.Expand(nil); len(problems) != maxProblems {
		t.Errorf("%d problems", len(problems))
	}
}

func TestNewNamedValues(t *testing.T) {
	list := []*site.NamedValue{
		{Name: "plain", Value: "p"},
		{Name: "marked", Value: "m", Secret: true},
		{Name: "kept", Ref: &site.SecretRef{}},
		{Name: "lost", Ref: &site.SecretRef{}, Pos: site.Pos{File: "lost.json", Line: 3}},
	}
	calls := 0
	values, problems := NewNamedValues(list, func(*site.SecretRef) (secret.Value, error) {
		if calls++; calls == 2 {
			return secret.Value{}, errors.New("there is no such file")
		}
		return secret.New("k"), nil
	})
	if len(problems) != 1 || problems[0].String() != `lost.json:3: error: the named value "lost": there is no such file` {
		t.Error(problems)
	}
	doc, _ := Read("policy.xml", []byte(`<policies a="{{plain}}" b="{{marked}}" c="{{KEPT}}" d="[{{lost}}]" />`))
	out, problems := doc.Expand(values)
	if len(problems) > 0 {
		t.Error(problems)
	}
	want := map[string]string{"a": "p false", "b": "m true", "c": "k true", "d": "[] true"}
	got := map[string]string{}
	for _, a := range out.Root.Attributes {
		got[a.Name] = a.Value + map[bool]string{true: " true", false: " false"}[a.Secret]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzExpand(f *testing.F) {
	f.Add(`<a b="@("{{x}}")">{{ x }}</a>`, "va\"lue")
	f.Add(`<set-body template="liquid">{{x}} {{y}}</set-body>`, "<b>")
	f.Add(`<a>&#123;{x}}{{{x}}}</a>`, "{{x}}")
	f.Fuzz(func(t *testing.T, element, value string) {
		doc, problems := Read("policy.xml", []byte("<policies>"+element+"</policies>"))
		if len(problems) > 0 {
			return
		}
		values := &NamedValues{}
		values.Set("x", secret.New(value), true)
		out, _ := doc.Expand(values)
		checkExpanded(t, doc.Root, out.Root)
	})
}

// checkExpanded fails where the trees differ in more than {{x}}, or where a
// place after expanding is not the place before.
func checkExpanded(t *testing.T, before, after *Node) {
	t.Helper()
	check := func(was, is string, from, to Origin, isSecret bool) {
		if was == is && !isSecret {
			return
		}
		if !isSecret {
			t.Fatalf("%q became %q and is no secret", was, is)
		}
		// The literal pieces at both ends are where they were.
		i := strings.Index(was, "{{")
		if is[:i] != was[:i] {
			t.Fatalf("%q became %q", was, is)
		}
		for at := range i {
			if from.At(at) != to.At(at) {
				t.Fatalf("byte %d of %q moved from %v to %v", at, was, from.At(at), to.At(at))
			}
		}
		if from.At(len(was)) != to.At(len(is)) {
			t.Fatalf("the end of %q moved from %v to %v", was, from.At(len(was)), to.At(len(is)))
		}
	}
	check(before.Text, after.Text, before.Origin, after.Origin, after.Secret)
	if before.Name != after.Name || len(before.Children) != len(after.Children) || len(before.Attributes) != len(after.Attributes) {
		t.Fatalf("the element %q changed", before.Name)
	}
	for i := range before.Attributes {
		a, b := before.Attributes[i], after.Attributes[i]
		check(a.Value, b.Value, a.Origin, b.Origin, b.Secret)
		if b.Written != a.Value {
			t.Fatalf("%q is written %q", a.Value, b.Written)
		}
	}
	for i := range before.Children {
		checkExpanded(t, before.Children[i], after.Children[i])
	}
}
