package number

import (
	"cmp"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// integerOf are the members of an integer type.
func integerOf(t *clr.Type) *members {
	w, _ := widthOf(t)
	return &members{
		t: t,
		order: func(a, b clr.Value) int {
			switch {
			case w.size < 32: // .NET subtracts
				return int(a.Int() - b.Int())
			case w.signed:
				return cmp.Compare(a.Int(), b.Int())
			}
			return cmp.Compare(a.N, b.N)
		},
		hash: func(v clr.Value) int32 { return w.hash(v.N) },
		format: func(v clr.Value, format string) (string, error) {
			if w.signed {
				return FormatInt(v.Int(), w.size, format)
			}
			return FormatUint(v.N, format)
		},
		parse: func(s string) (clr.Value, error) { return parse(t, s) },
	}
}

func integerHooks(t *clr.Type) *clr.Hooks {
	m := integerOf(t)
	h := m.hooks()
	h.Compare = func(_ *clr.Thread, v, o clr.Value) int { return cmp.Compare(m.order(v, o), 0) }
	return h
}

func integerMembers(t *clr.Type) funcs { return integerOf(t).table() }

// hash is .NET's GetHashCode() of an integer.
func (w width) hash(n uint64) int32 {
	switch {
	case w.size == 64:
		return int32(n ^ uint64(int64(n)>>32))
	case w.size == 8 && w.signed:
		return int32(int8(n)) ^ int32(int8(n))<<8
	case w.size == 16 && w.signed:
		return int32(uint16(n)) | int32(int16(n))<<16
	}
	return int32(n)
}
