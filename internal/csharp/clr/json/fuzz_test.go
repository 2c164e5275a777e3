package json

import (
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var fuzzTexts = []string{
	`{"a":[1,2.5,"x",true,null,undefined],b:'c',}`, `[0x1F,010,-.5e3,NaN,-Infinity,,]`, "/*c*/[new Date(1,'x')]//d",
	`["2020-01-02T03:04:05.1+02:00","\/Date(1+0200)\/","\ud83d\ude00\ud800"]`, `123456789012345678901234567890`, `{"a":{"a":{"a":1}},"a":2}`,
}

// FuzzParse: whatever is read can be written, and then reads as an equal tree.
func FuzzParse(f *testing.F) {
	for _, text := range fuzzTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		th := started(t)
		_ = catch(func() {
			k, thrown := Parse(th, text)
			if thrown != nil || k.Kind() == KindComment { // the text of "//*/" is no comment, as Newtonsoft writes it
				return
			}
			for _, indented := range []bool{false, true} {
				written := Text(th, k, indented)
				again, thrown := Parse(th, written)
				if thrown != nil {
					t.Fatalf("%q is written %q: %v", text, written, thrown)
				}
				if second := Text(th, again, indented); second != written {
					t.Fatalf("%q is written %q, then %q", text, written, second)
				}
			}
			if copied := Copy(th, k); !deepEquals(th, k, copied) {
				t.Fatalf("the copy of %q is another tree", text)
			}
		})
	})
}

// FuzzSelect: any path is followed, or throws.
func FuzzSelect(f *testing.F) {
	for _, path := range []string{
		"$.a[0].b", "..a", "[?(@.a=='x'&&@.b>1||$.c)]", "['a','b'][1:5:-2]", "[1,2][*]", `[?(@.a=~/x/i)]`, "$..[?(@)]..*",
	} {
		f.Add(path, fuzzTexts[0])
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		th := started(t)
		_ = catch(func() {
			k, thrown := Parse(th, text)
			if thrown != nil {
				return
			}
			steps, found := parsePath(th, path), 0
			s := selection{th, k, false}
			s.from(steps, k, func(Token) bool {
				found++
				return found < 1000
			})
		})
	})
}

// FuzzDeserialize: any text becomes a value of the type, or throws; what
// becomes one is serialized again.
func FuzzDeserialize(f *testing.F) {
	for i, text := range fuzzTexts {
		f.Add(text, uint8(i))
	}
	types := func() []*clr.Type {
		return []*clr.Type{
			clr.ObjectType, clr.Int32, clr.Int64, clr.Decimal, clr.Boolean, clr.String, clr.DateTime, clr.Double.NullableOf(), clr.Guid,
			clr.Byte.ArrayOf(1), clr.ListOf.Of(clr.Int32), clr.String.ArrayOf(1), clr.DictionaryOf.Of(clr.String, clr.ObjectType),
			clr.DictionaryOf.Of(clr.Int32, clr.String), TokenType, clr.KeyValuePairOf.Of(clr.String, clr.Int32),
		}
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		th := started(t)
		to := types()[int(which)%len(types())]
		_ = catch(func() { serialized(th, deserialized(th, text, to), false) })
		_ = catch(func() {
			if k, thrown := Parse(th, text); thrown == nil {
				toObject(th, k, to)
			}
		})
	})
}
