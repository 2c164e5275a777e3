package policy

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

func TestFormat(t *testing.T) {
	const in = "<!-- first -->\r\n"
	for name, tt := range map[string]struct{ in, want string }{
		"a document": {`<policies><inbound><base/><set-header   name = "a"
   exists-action='override' ><value>  x  </value></set-header></inbound>
 <backend><base /></backend><outbound>
 </outbound></policies>`, `<policies>
    <inbound>
        <base />
        <set-header name="a" exists-action='override'>
            <value>  x  </value>
        </set-header>
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound />
</policies>
`},
		"comments": {`<!-- top --><policies>
<!-- one -->
  <inbound><!-- two --><base /> <!-- same line -->


<!-- after an empty line
     in two lines --></inbound></policies><!-- end -->`, `<!-- top -->
<policies>
    <!-- one -->
    <inbound> <!-- two -->
        <base /> <!-- same line -->

        <!-- after an empty line
     in two lines -->
    </inbound>
</policies> <!-- end -->
`},
		"expressions": {"<policies><inbound><choose><when condition=\"@(context.Variables[\"a\"] == \"<b>\" && 1 < 2)\"><set-body>@{\n  return @\"a\n   b\";\n}</set-body></when></choose></inbound></policies>",
			"<policies>\n    <inbound>\n        <choose>\n            <when condition=\"@(context.Variables[\"a\"] == \"<b>\" && 1 < 2)\">\n                <set-body>@{\n  return @\"a\n   b\";\n}</set-body>\n            </when>\n        </choose>\n    </inbound>\n</policies>\n"},
		"a body of markup": {"<fragment><set-body><a>\n  <b/></a></set-body></fragment>", "<fragment>\n    <set-body><a>\n  <b/></a></set-body>\n</fragment>\n"},
		"line ends":        {in + "<policies>\r\n<inbound/></policies>", in + "<policies>\r\n    <inbound />\r\n</policies>\r\n"},
		"one policy":       {"<base/>", "<base />\n"},
		"a mark":           {"\ufeff<fragment/>", "\ufeff<fragment />\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := Format("p.xml", []byte(tt.in))
			if problems.HasErrors() {
				t.Fatal(problems.Err())
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			again, _ := Format("p.xml", got)
			if !bytes.Equal(got, again) {
				t.Errorf("the second time (-first +second)\n%s", cmp.Diff(string(got), string(again)))
			}
		})
	}
	if _, problems := Format("p.xml", []byte("<policies><inbound></policies>")); !problems.HasErrors() {
		t.Error("a document with errors was formatted")
	}
}

// TestFormatFixtures: every document of the fixtures keeps its meaning, and is
// formatted the second time as the first.
func TestFormatFixtures(t *testing.T) {
	archives, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err)
	}
	formatted := 0
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".xml") && formats(t, name+"/"+f.Name, f.Data) {
				formatted++
			}
		}
	}
	if formatted < 100 {
		t.Errorf("only %d documents were formatted", formatted)
	}
}

// comments are those of a document, and its instructions, in order.
func comments(source []byte) []string {
	return regexp.MustCompile(`(?s)<!--.*?-->|<\?.*?\?>`).FindAllString(string(source), -1)
}

// quotesComment reports whether a value or a text holds what looks like the
// beginning of a comment.
func quotesComment(n *Node) bool {
	if n == nil {
		return false
	}
	for i := range n.Attributes {
		if strings.Contains(n.Attributes[i].Value, "<!--") || strings.Contains(n.Attributes[i].Value, "<?") {
			return true
		}
	}
	return strings.Contains(n.Text, "<!--") || strings.Contains(n.Text, "<?") || slices.ContainsFunc(n.Children, quotesComment)
}

// TestFormatComments: wherever comments stand, they stay.
func TestFormatComments(t *testing.T) {
	const document = `<!-- 1 --><?pi x?><policies><!-- 2 --><inbound><!-- 3 --><set-header name="x"><!-- 4 --><value><!-- 5 -->v</value><!-- 6 --></set-header>` +
		`<choose><!-- 7 --><when condition="@(true)"><!-- 8 --></when><!-- 9 --></choose><set-variable name="a" value="b"><!-- 10 --></set-variable>` +
		`<return-response><!-- 11 --><set-status code="200" /><!-- 12 --></return-response><base><!-- 13 --></base></inbound><!-- 14 -->` +
		`<backend><!-- 15 --><base/></backend><outbound><!-- 16 --></outbound><on-error/></policies><!-- 17 -->`
	for _, between := range []string{"", " ", "\n", "\n\n\n", "\r\n  "} {
		source := []byte(strings.NewReplacer("<!--", between+"<!--", "-->", "-->"+between).Replace(document))
		if !formats(t, "p.xml", source) {
			t.Fatalf("%q has errors", source)
		}
		out, _ := Format("p.xml", source)
		if got := len(comments(out)); got != 18 {
			t.Errorf("%q: %d comments and instructions, want 18:\n%s", between, got, out)
		}
	}
}

// formats formats a document twice; false: it has errors of its own.
func formats(t *testing.T, name string, data []byte) bool {
	t.Helper()
	if _, problems := Read(name, data); problems.HasErrors() {
		return false
	}
	once, problems := Format(name, data)
	if problems.HasErrors() {
		t.Errorf("%s: %v", name, problems.Err())
		return false
	}
	if doc, _ := Read(name, data); !quotesComment(doc.Root) {
		if diff := cmp.Diff(comments(data), comments(once)); diff != "" {
			t.Errorf("%s: comments (-before +after)\n%s", name, diff)
		}
	}
	twice, problems := Format(name, once)
	if problems.HasErrors() || !bytes.Equal(once, twice) {
		t.Errorf("%s: the second time (-first +second)\n%s", name, cmp.Diff(string(once), string(twice)))
	}
	return true
}

func FuzzFormat(f *testing.F) {
	f.Add([]byte("<policies><inbound><base/><!-- c --></inbound></policies>"))
	f.Add([]byte("<fragment><set-body>@{ return \"</set-body>\"; }</set-body>\r\n<!----></fragment>"))
	f.Fuzz(func(t *testing.T, data []byte) { formats(t, "f.xml", data) })
}
