package syntax

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStringValues(t *testing.T) {
	for in, want := range map[string]any{
		`"a\tb"`:             "a\tb",
		`"\0\a\b\f\n\r\v"`:   "\x00\a\b\f\n\r\v",
		`"\'\"\\"`:           `'"\`,
		`"\x41"`:             "A",
		`"\x041g"`:           "Ag",
		`"\x00411"`:          "A1",
		`"\u00e9\U0001F600"`: "é😀",
		// The halves of a pair become one, others stay as three bytes.
		`"\uD83D\uDE00"`:       "😀",
		`"\xD83D\xDE00"`:       "😀",
		`"\uD83D"`:             "\xED\xA0\xBD",
		`"\uDE00\uD83D"`:       "\xED\xB8\x80\xED\xA0\xBD",
		`"\uD83Dx\uDE00"`:      "\xED\xA0\xBDx\xED\xB8\x80",
		`"\uD83D\uD83D\uDE00"`: "\xED\xA0\xBD😀",
		"\"\xED\xA0\xBD\"":     "\uFFFD\uFFFD\uFFFD",
		"\"a\xffb\\n\"":        "a\uFFFDb\n",
		"@\"\xff\"":            "\uFFFD",
		`@"a\""b"`:             `a\"b`,
		"@\"a\nb\"":            "a\nb",
		`'a'`:                  uint16('a'),
		`'\uD83D'`:             uint16(0xD83D),
		`'\''`:                 uint16('\''),
		`'"'`:                  uint16('"'),
		`'ab'`:                 "ab",
		`'\n\n'`:               "\n\n",
		`18446744073709551615`: uint64(1<<64 - 1),
		`0xFFFF_FFFFu`:         uint64(1<<32 - 1),
		`0b1__1L`:              uint64(3),
		`1_0.0_1e1_0`:          "10.01e10",
		`5m`:                   "5",
		`0xF`:                  uint64(15),
		`0xFd`:                 uint64(0xFD),
	} {
		x, errs := ParseExpr(in)
		if len(errs) > 0 {
			t.Errorf("%s: %v", in, errs[0])
			continue
		}
		if got := x.(*Literal).Value; got != want {
			t.Errorf("%s: %#v, want %#v", in, got, want)
		}
		again, errs := ParseExpr(Format(x))
		if len(errs) > 0 || !Equal(x, again) {
			t.Errorf("%s is written as %s (%v)", in, Format(x), errs)
		}
	}
}

func TestParseType(t *testing.T) {
	for in, want := range map[string]string{
		"int":                                   "int",
		"IDictionary < string,int [ ] >":        "IDictionary<string, int[]>",
		"global::System.Collections.List<A>.B?": "global::System.Collections.List<A>.B?",
		"int?[][,]":                             "int?[][,]",
		"(int a, (string, T b) c)":              "(int a, (string, T b) c)",
		"Dictionary<,>":                         "Dictionary<,>",
		"List<List<List<int>>>":                 "List<List<List<int>>>",
	} {
		got, err := ParseType(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if Format(got) != want {
			t.Errorf("%s: %s, want %s", in, Format(got), want)
		}
	}
	for _, in := range []string{"", "1", "List<", "List<int", "A.", "(int)", "int int", "A[1]", "A<B,>"} {
		_, err := ParseType(in)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q is taken for a type: %v", in, err)
		}
	}
	// The first brackets are the outermost.
	got, err := ParseType("A[][,]")
	if err != nil {
		t.Fatal(err)
	}
	outer := got.(*ArrayType)
	if diff := cmp.Diff([]int{1, 2}, []int{outer.Rank, outer.Elem.(*ArrayType).Rank}); diff != "" {
		t.Error(diff)
	}
}

// A position is that of the first byte in the whole text.
func TestPositions(t *testing.T) {
	const src = `@{ var é = context.Request.As<int>(a: "x"); return é ?? $"{b,3}"; }`
	prog, errs := Parse(src)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	Walk(prog, func(n Node) bool {
		got = append(got, src[n.Start():n.End()])
		return true
	})
	want := []string{
		src, src[1:],
		`var é = context.Request.As<int>(a: "x");`, "var", "var", `é = context.Request.As<int>(a: "x")`,
		`context.Request.As<int>(a: "x")`, `context.Request.As<int>`, "context.Request", "context", "int", "int",
		`a: "x"`, `"x"`,
		`return é ?? $"{b,3}";`, `é ?? $"{b,3}"`, "é", `$"{b,3}"`, "{b,3}", "b", "3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
