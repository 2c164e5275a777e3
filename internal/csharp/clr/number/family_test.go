package number

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestFamily: every member of the types of this package has code.
func TestFamily(t *testing.T) {
	u, err := clr.Build(Family())
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"Convert", "BitConverter", "Math", "Random", "Enum", "Nullable", "Nullable<T>", "Decimal", "Double", "Single"}
	for _, i := range integers {
		own = append(own, i.Name)
	}
	for _, key := range u.Missing() {
		for _, name := range own {
			if rest, ok := strings.CutPrefix(key, "System."+name); ok && rest[0] == '.' || strings.HasPrefix(key, "new System."+name+"(") {
				t.Errorf("%s has no code", key)
			}
		}
	}
	for _, k := range []struct {
		t    *clr.Type
		name string
		want clr.Value
	}{
		{clr.Double, "NaN", clr.Value{N: 0xFFF8000000000000, O: clr.Double}},
		{clr.Double, "NegativeInfinity", clr.Value{N: 0xFFF0000000000000, O: clr.Double}},
		{clr.Double, "Epsilon", clr.Value{N: 1, O: clr.Double}},
		{clr.Single, "MaxValue", clr.Single32(3.40282347e+38)},
		{clr.UInt64, "MaxValue", clr.Value{N: ^uint64(0), O: clr.UInt64}},
	} {
		m := k.t.Members(k.name)[0]
		if m.Const == nil || *m.Const != k.want {
			t.Errorf("%s: %v, want %v", m.Key, m.Const, k.want)
		}
	}
}
