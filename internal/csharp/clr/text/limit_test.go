package text

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// call runs a member on a thread with these limits; thrown is what C# sees.
func call(t *clr.Thread, key string, args ...clr.Value) (v clr.Value, thrown *clr.Thrown) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *clr.Thrown:
			thrown = e
		default:
			panic(e)
		}
	}()
	do := members[key]
	if do == nil {
		panic("no member " + key)
	}
	return do(&clr.Call{Thread: t, Args: args, Result: clr.ObjectType}), nil
}

var members = Family().Do

func thread() *clr.Thread {
	t := &clr.Thread{}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// TestLimits: nothing makes more memory or work than a run may have.
func TestLimits(t *testing.T) {
	long := clr.Str(strings.Repeat("a", 1<<20))
	foreign := clr.Str(strings.Repeat("é", 1<<20))
	many := clr.Str(strings.Repeat("&amp", 1<<18))
	most := clr.Int(1<<31 - 1)
	grow := func(key string, args ...clr.Value) func(th *clr.Thread) {
		return func(th *clr.Thread) {
			b := clr.Obj(NewBuilder())
			for {
				if _, e := call(th, key, append([]clr.Value{b}, args...)...); e != nil {
					panic(e)
				}
			}
		}
	}
	again := func(key string, args ...clr.Value) func(th *clr.Thread) {
		return func(th *clr.Thread) {
			for {
				if _, e := call(th, key, args...); e != nil {
					panic(e)
				}
			}
		}
	}
	for name, run := range map[string]func(th *clr.Thread){
		"append":         grow("System.Text.StringBuilder.Append(string)", long),
		"append foreign": grow("System.Text.StringBuilder.Append(string)", foreign),
		"append many":    grow("System.Text.StringBuilder.Append(char, int)", clr.CharOf('x'), most),
		"insert":         grow("System.Text.StringBuilder.Insert(int, string)", clr.Int(0), long),
		"insert many":    grow("System.Text.StringBuilder.Insert(int, string, int)", clr.Int(0), clr.Str("x"), most),
		"length":         grow("System.Text.StringBuilder.Length=", most),
		"pad":            again("System.String.PadLeft(int, char)", clr.Str(""), most, clr.CharOf('x')),
		"repeat":         again("new System.String(char, int)", clr.CharOf('x'), most),
		"format":         again("System.String.Format(string, object)", clr.Str("{0,999999}"), long),
		"replace":        again("System.String.Replace(string, string)", long, clr.Str("a"), long),
		"culture":        again("System.String.IndexOf(string)", foreign, clr.Str("é\u0301x")),
		"folded":         again("System.String.Replace(string, string, StringComparison)", foreign, clr.Str("É"), clr.Str("x"), clr.Int(5)),
		"split":          again("System.String.Split(char, StringSplitOptions)", long, clr.CharOf('a'), clr.Int(0)),
		"bytes":          again("System.Text.Encoding.GetBytes(string)", clr.Obj(utf32Encoding), foreign),
		"escape":         again("System.Uri.EscapeDataString(string)", clr.Str(strings.Repeat("é", 60000))),
		"html":           again("System.Net.WebUtility.HtmlDecode(string)", many),
		"url":            again("System.Net.WebUtility.UrlEncode(string)", foreign),
		"normal":         again("System.String.Normalize(NormalizationForm)", foreign, clr.Int(2)),
		"uri":            again("new System.Uri(string)", clr.Str("http://h/"+strings.Repeat("a/../", 12000))),
		"index":          again("System.String.this[int]", foreign, clr.Int(1<<19)),
		"wide":           again("System.String.CompareTo(string)", foreign, clr.Str(strings.Repeat("e\u0301", 1<<20))),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				e, _ := recover().(error)
				if limit := (*clr.LimitError)(nil); !errors.As(e, &limit) {
					t.Errorf("ended by %v, not by a limit", e)
				}
			}()
			run(thread())
		})
	}
}

// TestReaderTears: a reader gives the halves of a character one by one.
func TestReaderTears(t *testing.T) {
	th := thread()
	r := &Reader{rest: "a😀b"}
	want := []int64{'a', 0xD83D, 0xDE00, 'b', -1}
	for i, w := range want {
		if v, _ := call(th, "System.IO.StringReader.Read()", clr.Obj(r)); v.Int() != w {
			t.Errorf("character %d is %#x, not %#x", i, v.Int(), w)
		}
	}
}

// TestPages: the code pages of golang.org/x/text are there under their names.
func TestPages(t *testing.T) {
	f := func(name, text, bytes string) {
		t.Helper()
		e := GetEncoding(name)
		if e == nil {
			t.Fatalf("there is no %s", name)
		}
		th := thread()
		if got := string(e.Bytes(th, text)); got != bytes {
			t.Errorf("%s: %q is %q, not %q", name, text, got, bytes)
		}
		if got := e.Text(th, []byte(bytes)); !strings.Contains(bytes, "?") && got != text {
			t.Errorf("%s: %q is %q, not %q", name, bytes, got, text)
		}
	}
	f("windows-1252", "€é", "\x80\xE9")
	f("Windows-1252", "a中", "a?")
	f("windows-1251", "Я", "\xDF")
	f("iso-8859-15", "€", "\xA4")
	f("shift_jis", "あ", "\x82\xA0")
	f("gb2312", "中", "\xD6\xD0")
	f("euc-kr", "가", "\xB0\xA1")
	f("koi8-r", "Я", "\xF1")
	f("ibm850", "é", "\x82")
}
