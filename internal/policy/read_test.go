package policy

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloister-ai/cloister/internal/site"
)

var updateRead = flag.Bool("update-read", false, "write the trees and problems of testdata/read anew")

// Each file of testdata/read is a document, its tree and its problems.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/read/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no documents", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			doc, problems := Read("policy.xml", archive.Files[0].Data)
			got := *archive
			got.Files = []txtar.File{
				archive.Files[0],
				{Name: "tree", Data: []byte(dump(doc.Root, ""))},
				{Name: "problems", Data: []byte(dumpProblems(problems))},
			}
			if *updateRead {
				if err := os.WriteFile(file, txtar.Format(&got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(&got))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			checkPlaces(t, doc)
		})
	}
}

func dump(n *Node, indent string) string {
	if n == nil {
		return "nothing\n"
	}
	var b strings.Builder
	place := fmt.Sprintf("%s%d:%d ", indent, n.Pos.Line, n.Pos.Column)
	switch {
	case n.Name != "":
		b.WriteString(place + n.Name)
		if n.Implied {
			b.WriteString(" (implied)")
		}
		for _, a := range n.Attributes {
			fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
		}
	case n.CDATA:
		fmt.Fprintf(&b, "%scdata %q", place, n.Text)
	default:
		fmt.Fprintf(&b, "%stext %q", place, n.Text)
	}
	b.WriteByte('\n')
	for _, c := range n.Children {
		b.WriteString(dump(c, indent+"  "))
	}
	return b.String()
}

func dumpProblems(problems site.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s [%s]\n%s\n", p, p.Code, p.Excerpt)
	}
	return b.String()
}

// checkPlaces fails where a place is not that of what stands there.
func checkPlaces(t *testing.T, doc *Document) {
	t.Helper()
	if doc.Root == nil {
		return
	}
	source := string(doc.Source)
	starts := []int{0}
	for i, c := range source {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	starts = append(starts, len(source)+1)
	at := func(pos site.Pos) string {
		if pos.File != doc.File || pos.Line < 1 || pos.Line >= len(starts) ||
			pos.Column < 1 || starts[pos.Line-1]+pos.Column > starts[pos.Line] {
			t.Fatalf("the place %v is not in the document", pos)
		}
		return source[starts[pos.Line-1]+pos.Column-1:]
	}
	var check func(n *Node)
	check = func(n *Node) {
		rest := at(n.Pos)
		switch {
		case n.Implied:
		case n.Name != "" && !strings.HasPrefix(rest, "<"+n.Name):
			t.Fatalf("%q of %v is not there: %.20q", n.Name, n.Pos, rest)
		case n.Name == "":
			checkOrigin(t, n.Text, n.Origin, at)
		}
		for _, a := range n.Attributes {
			if rest := at(a.Pos); !strings.HasPrefix(rest, a.Name) {
				t.Fatalf("the attribute %q of %v is not there: %.20q", a.Name, a.Pos, rest)
			}
			if p := a.ValuePos; p.Column > 1 {
				p.Column--
				if rest := at(p); rest[0] != '"' && rest[0] != '\'' {
					t.Fatalf("the value of %q at %v has no quote before it: %.20q", a.Name, a.ValuePos, rest)
				}
			}
			checkOrigin(t, a.Value, a.Origin, at)
		}
		for _, c := range n.Children {
			check(c)
		}
	}
	check(doc.Root)
}

// checkOrigin fails where a byte of a value did not come from its place: it
// stands there, or an entity does, or a line end or tab that became "\n" or " ".
func checkOrigin(t *testing.T, value string, origin Origin, at func(site.Pos) string) {
	t.Helper()
	step := max(1, len(value)/64)
	for i := 0; i < len(value); i += step {
		rest := at(origin.At(i))
		switch {
		case rest == "":
		case rest[0] == value[i], rest[0] == '&':
			continue
		case strings.Contains("\r\n\t", rest[:1]) && strings.Contains("\n ", value[i:i+1]):
			continue
		}
		t.Fatalf("byte %d of %.40q does not stand at %v: %.20q", i, value, origin.At(i), rest)
	}
	at(origin.At(len(value)))
}

// Both formats of the management API, and every encoding, mean the same.
func TestReadSame(t *testing.T) {
	const raw = "<policies>\n<inbound>\n" +
		"<set-variable name=\"a\" value=\"@(a < 1 && b == \"é\")\" />\n" +
		"<set-body>@{\nreturn \"<x>\" + As<JObject>();\n}</set-body>\n" +
		"</inbound>\n</policies>\n"
	const encoded = "<policies>\n<inbound>\n" +
		"<set-variable name=\"a\" value=\"@(a &lt; 1 &amp;&amp; b == &quot;&#xe9;&quot;)\" />\n" +
		"<set-body>@{\nreturn &quot;&lt;x&gt;&quot; + As&lt;JObject&gt;();\n}</set-body>\n" +
		"</inbound>\n</policies>\n"

	want, problems := Read("", []byte(raw))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, source := range map[string][]byte{
		"xml":             []byte(encoded),
		"byte order mark": []byte("\ufeff" + raw),
		"CRLF":            []byte(strings.ReplaceAll(raw, "\n", "\r\n")),
		"CR":              []byte(strings.ReplaceAll(raw, "\n", "\r")),
		"UTF-16 LE":       toUTF16(binary.LittleEndian, raw),
		"UTF-16 BE":       toUTF16(binary.BigEndian, raw),
	} {
		t.Run(name, func(t *testing.T) {
			doc, problems := Read("policy.xml", source)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(canonical(want.Root), canonical(doc.Root)); diff != "" {
				t.Error(diff)
			}
			checkPlaces(t, doc)
		})
	}
}

func toUTF16(order binary.AppendByteOrder, s string) []byte {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestReadBounds(t *testing.T) {
	for name, c := range map[string]struct{ source, code string }{
		"size":             {"<policies>" + strings.Repeat(" ", maxSource) + "</policies>", "too-large"},
		"nesting":          {strings.Repeat("<a>", maxNesting+1), "too-deep"},
		"attributes":       {"<policies" + attributes(maxAttributes+1) + "/>", "too-many-attributes"},
		"not UTF-8":        {"<policies>\n<a b=\"\xe9\"/></policies>", "encoding"},
		"half a character": {"\xff\xfe<", "encoding"},
		"control":          {"<policies>\x00</policies>", "bad-character"},
		"brackets":         {`<policies><a b="@` + strings.Repeat("(", 300) + `"/></policies>`, "bad-expression"},
	} {
		t.Run(name, func(t *testing.T) {
			doc, problems := Read("policy.xml", []byte(c.source))
			if !slices.ContainsFunc(problems, func(p site.Problem) bool { return p.Code == c.code }) || doc == nil {
				t.Errorf("%v, want %s", problems, c.code)
			}
		})
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

// A document that is wrong all over costs no more than its size, and says no
// more than 20 things.
func TestReadManyProblems(t *testing.T) {
	const most = maxSource / 4
	for _, piece := range []string{
		"@(", `<a b="@(`, `<a b="@(x" c="d"/>`, `<a>x@(</a>`, "<", "</", "<!", "<!-", "&", `<a b=`, "<a ", `<a b="x`,
		"<![CDATA[@(", "<set-body>", "<set-body><a>", "<?", "]]>", `@($"{`, "<a>@(x &quot;</a>", "<a>@(&quot;)&quot;+\"</a>",
		"a<!---->", "<set-body ", "<![CDATA[ ]]>", "<!---->@(x)",
	} {
		for _, before := range []string{"<policies>", "<policies><set-body>", `<policies a="`} {
			_, problems := Read("policy.xml", []byte(before+strings.Repeat(piece, most/len(piece))))
			if !problems.HasErrors() || len(problems) > 2*maxProblems {
				t.Errorf("%q, many times after %q: %d problems", piece, before, len(problems))
			}
		}
	}
}
