package syntax

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the parser finds into testdata")

// TestGolden reads the files in testdata. They consist of entries with blank
// lines between: a C# text, and below it what the parser makes of it, each line
// behind a tab. What does not begin with "@" is an expression that stands
// alone; signatures.txt and types.txt hold declarations of .NET members and
// types. Lines that begin with "# " are headings.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { goldenFile(t, file) })
	}
}

func goldenFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read := parsed
	switch filepath.Base(file) {
	case "signatures.txt":
		read = func(_ *testing.T, src string) string { return declared(ParseSignature, src) }
	case "types.txt":
		read = func(_ *testing.T, src string) string { return declared(ParseTypeDecl, src) }
	}
	var out []string
	for entry := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		out = append(out, goldenEntry(t, entry, read))
	}
	got := strings.Join(out, "\n\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(data), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// goldenEntry is an entry with what it should say below the text.
func goldenEntry(t *testing.T, entry string, read func(*testing.T, string) string) string {
	var head, src []string
	for line := range strings.SplitSeq(entry, "\n") {
		switch {
		case strings.HasPrefix(line, "# "):
			head = append(head, line)
		case !strings.HasPrefix(line, "\t"):
			src = append(src, line)
		}
	}
	if len(src) == 0 {
		return entry
	}
	text := strings.Join(src, "\n")
	result := read(t, text)
	return strings.Join(append(head, text), "\n") + "\n\t" + strings.ReplaceAll(result, "\n", "\n\t")
}

func parsed(t *testing.T, src string) string {
	if strings.HasPrefix(src, "@(") || strings.HasPrefix(src, "@{") {
		checkParse(t, src)
		prog, errs := Parse(src)
		switch {
		case len(errs) > 0:
			return carets(src, errs)
		case prog.Block == nil:
			return dump(prog.Expr)
		}
		out := []string{}
		for _, s := range prog.Block.Stmts {
			out = append(out, dump(s))
		}
		if len(out) == 0 {
			return "no statements"
		}
		return strings.Join(out, "\n")
	}
	checkParse(t, "@("+src+")")
	x, errs := ParseExpr(src)
	if len(errs) > 0 {
		return carets(src, errs)
	}
	return dump(x)
}

func declared[T any](parse func(string) (*T, error), src string) string {
	d, err := parse(src)
	var e *Error
	if errors.As(err, &e) {
		return carets(src, []*Error{e})
	}
	return toSexpr(reflect.ValueOf(d)).layout(0)
}

// carets writes errors below the lines that they are in.
func carets(src string, errs []*Error) string {
	var out []string
	for _, e := range errs {
		begin := strings.LastIndexByte(src[:e.Offset], '\n') + 1
		line, _, _ := strings.Cut(src[begin:], "\n")
		column := len([]rune(src[begin:e.Offset]))
		width := max(1, len([]rune(src[e.Offset:min(e.End, begin+len(line))])))
		out = append(out, line, fmt.Sprintf("%s%s %s %s", strings.Repeat(" ", column), strings.Repeat("^", width), e.Code, e.Reason))
	}
	return strings.Join(out, "\n")
}
