package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

func TestSettle(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := settle(in); got != want {
			t.Errorf("%s\ngives %s\nwant  %s", in, got, want)
		}
	}
	f(`<a b="${base_url}/v1" c="${join(",", x)}" />`, `<a b="1/v1" c="${join(",", x)}" />`)
	f("%{ if debug ~}<a />%{ else }<b />%{ endif }", "<a /><b />")
	f(`<a b="#token#" c="#{tenant.id}#" d="# no #" e="#region" />`, `<a b="1" c="1" d="# no #" e="#region" />`)
	f(`<a b="__BACKEND_URL__" c="__init__" />`, `<a b="1" c="__init__" />`)
	f(`@{{ var a = new {{ b = "{backend.id}" }}; return a; }}`, `@{ var a = new { b = "1" }; return a; }`)
	f(`<a b="{backend-id}" c="{{named-value}}" d="{{{x-y}}}" />`, `<a b="1" c="{{named-value}}" d="{{{x-y}}}" />`)
	// What only looks like it.
	same := `@{ return $"{a}{{b}} {c:0.0}"; } {{named}} {"a": {"b": 1}}`
	f(same, same)
}

func TestTally(t *testing.T) {
	var out bytes.Buffer
	tl := &tally{out: &out}
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	err := tl.folder(fstest.MapFS{
		"a/good.xml": file(`<policies><inbound><base /><set-variable name="a" value="@(${n} + {{m}})" /></inbound></policies>`),
		"a/bad.tpl":  file("<policies>\n<set-header name=\"a\"b=\"c\" /></policies>"),
		"plain.xml":  file(`<fragment><include-fragment fragment-id="x" /></fragment>`),
		"worse.xml":  file(`<fragment><set-variable value="@(1 2)" /></fragment>`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if tl.documents != 4 || tl.refused != 2 || tl.templates != 1 || tl.expressions != 2 {
		t.Errorf("%+v", tl)
	}
	for _, want := range []string{"a/bad.tpl:2:21: error", "worse.xml:1:35: error: ) expected [CS1026]"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nis to hold %s", &out, want)
		}
	}
}

// The reader itself takes no place holder for anything else than text.
func TestReaderKeepsPlaceHolders(t *testing.T) {
	got := policy.CheckDocument(&site.PolicyFile{Path: "a.xml", Source: []byte(`<fragment><set-variable value="@(${n})" /></fragment>`)}, policy.Defined{})
	if !got.Problems.HasErrors() {
		t.Error("${n} is no C#")
	}
}
