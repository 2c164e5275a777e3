package liquid

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

// thread is one with a clock that stands.
func thread() *clr.Thread {
	csharp.Library() // values of .NET have their text from there
	t := &clr.Thread{Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }, Zone: time.UTC}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// filled renders a template with "body" read from JSON or XML; what fails is its
// text.
func filled(source, body string, null bool) string {
	csharp.Library()
	t := thread()
	tm, errs := Parse(source)
	var out strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&out, "%d-%d: %s; expected %q; mend %q; lax %v\n", e.Offset, e.End, e.Message, e.Expected, e.Mend, e.Lax)
	}
	if tm == nil {
		return out.String()
	}
	err := csharp.Guarded(func() {
		var v clr.Value
		if body = strings.TrimSpace(body); strings.HasPrefix(body, "<") {
			v = clr.Obj(xml.ParseDocument(t, body, 0))
		} else if body != "" {
			k, thrown := json.Parse(t, body)
			if thrown != nil {
				panic(thrown)
			}
			v = clr.Obj(k)
		}
		out.Write(tm.Render(t, Scope{NilIsNull: null, Names: func(name string) (clr.Value, bool) { return v, name == "body" }}))
	})
	if err != nil {
		fmt.Fprintf(&out, "error: %v", err)
	}
	return out.String()
}

// TestRender: testdata/render.txtar has a body, and templates with what they
// come to, one a line: TEMPLATE → TEXT, "\n" being a line's end.
func TestRender(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/render.txtar")
	if err != nil {
		t.Fatal(err)
	}
	body := ""
	for _, file := range archive.Files {
		if strings.HasPrefix(file.Name, "body") {
			body = string(file.Data)
			continue
		}
		t.Run(file.Name, func(t *testing.T) {
			for line := range strings.Lines(string(file.Data)) {
				source, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " → ")
				if !ok {
					t.Fatalf("no arrow in %q", line)
				}
				got := filled(strings.ReplaceAll(source, `\n`, "\n"), body, strings.Contains(file.Name, "null"))
				if got = strings.TrimSuffix(strings.ReplaceAll(got, "\n", `\n`), `\n`); got != strings.TrimSuffix(want, `\n`) {
					t.Errorf("%s\n got %s\nwant %s", source, got, want)
				}
			}
		})
	}
}

// TestUses: names from outside, and those that a template makes itself.
func TestUses(t *testing.T) {
	tm, errs := Parse("{% assign a = body.x | Append: b %}{{ a }}{{ c['d'] }}{% for i in context.e %}{{ i }}{{ forloop.index }}{% endfor %}{{ a[f] }}{% increment g %}{{ g }}")
	if errs != nil {
		t.Fatal(errs[0])
	}
	var names []string
	for _, u := range tm.Uses() {
		names = append(names, u.Name)
	}
	if diff := cmp.Diff([]string{"body", "b", "c", "context", "f"}, names); diff != "" {
		t.Error(diff)
	}
	if !tm.UsesName("body") || tm.UsesName("a") {
		t.Error("UsesName differs")
	}
}

// TestBounds: what would work for ever, or fill the memory, ends.
func TestBounds(t *testing.T) {
	deep := strings.Repeat("{% if true %}", 1000) + strings.Repeat("{% endif %}", 1000)
	for _, source := range []string{
		"{% for i in (1..2000000000) %}{% endfor %}",
		"{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}",
		"{% assign s = 'abcdefgh' %}{% for i in (1..60) %}{% assign s = s | Append: s %}{% endfor %}{{ s }}",
		"{{ 'a' | Times: 2000000000 }}",
		"{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' | Replace: '(a+)+$', 'b' }}",
		deep,
		"{{ " + strings.Repeat("a[", 5000) + "b" + strings.Repeat("]", 5000) + " }}",
	} {
		got := filled(source, "", false)
		if !strings.Contains(got, "limit of") && !strings.Contains(got, "too deep") && !strings.Contains(got, "has timed out") {
			t.Errorf("%.60s ended with %.200s", source, got)
		}
	}
}

// FuzzTemplate: whatever a template is, reading it and filling it ends, with no
// other panic than those of .NET.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"{{ body.a | Upcase }}", "{% for i in body.list reversed limit:2 offset:continue %}{{ i }}{% else %}x{% endfor %}",
		"{% case body.a %}{% when 1, 'b' or c %}{% else %}{% endcase %}", "{%- raw -%}{{ x }}{% endraw %}", "{% tablerow i in (1..3) cols:2 %}{{ i }}{% endtablerow %}",
		"{% JSONArrayFor i in body where: 'a' -%}{{ i }}{% endJSONArrayFor -%}", "{{ body.a | Date: 'yyyy' | Slice: -1, 3 | Round: 2 | Sort: 'a' }}",
		"{% if a == b and c contains 'd' or e %}{% elsif f <> empty %}{% endif %}", "{% cycle 'g': 1, 2 %}{% increment i %}{% capture c %}{% endcapture %}",
	} {
		f.Add(s, `{"a":"b","list":[1,2.5,null,{"c":true}]}`)
		f.Add(s, `<a b="c"><list>1</list><list>2</list></a>`)
	}
	f.Fuzz(func(t *testing.T, source, body string) {
		if len(source) > 1<<12 || len(body) > 1<<12 {
			return
		}
		if got := filled(source, body, len(source)%2 == 0); strings.Contains(got, "error: internal error") || strings.Contains(got, "runtime error") {
			t.Errorf("%q with %q: %s", source, body, got)
		}
	})
}
