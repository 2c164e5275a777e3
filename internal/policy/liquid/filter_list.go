package liquid

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

func size(f *filtering) clr.Value {
	if v := f.special(f.in, "size", false); !v.IsNull() {
		return v
	}
	return clr.Int(0)
}

func end(f *filtering, which string) clr.Value { return f.special(f.in, which, false) }

func join(f *filtering, items []clr.Value) clr.Value {
	glue := " "
	if len(f.args) > 0 {
		glue = f.arg(0)
	}
	var b strings.Builder
	for i, v := range items {
		s := f.nested(v)
		f.Allocate(2 * (len(s) + len(glue)))
		if i > 0 {
			b.WriteString(glue)
		}
		b.WriteString(s)
	}
	return f.str(b.String())
}

func compact(f *filtering, items []clr.Value) clr.Value {
	f.Allocate(len(items) * valueSize)
	out := list{}
	for _, v := range items {
		if !v.IsNull() {
			out = append(out, v)
		}
	}
	return clr.Obj(out)
}

func mapped(f *filtering, items []clr.Value) clr.Value {
	f.Allocate(len(items) * valueSize)
	out := make(list, 0, len(items))
	for _, v := range items {
		f.Step()
		out = append(out, f.member(v, f.args[0], true))
	}
	return clr.Obj(out)
}

// uniq compares every item with those before it.
func uniq(f *filtering, items []clr.Value) clr.Value {
	f.Allocate(len(items) * valueSize)
	out := list{}
	for _, v := range items {
		f.Work(len(out))
		if !slices.ContainsFunc(out, func(o clr.Value) bool { return f.same(v, o) }) {
			out = append(out, v)
		}
	}
	return clr.Obj(out)
}

// same is Equals: of one type, and equal.
func (f *filtering) same(a, b clr.Value) bool {
	if a.IsNull() || b.IsNull() || isScalar(a) && isScalar(b) {
		return a.Type() == b.Type() && f.equal(a, b)
	}
	return identical(a.O, b.O)
}

// sort orders texts without case, and everything else by value; null comes
// first.
func sort(f *filtering, items []clr.Value) clr.Value {
	f.Allocate(len(items) * 2 * valueSize)
	f.Work(len(items) * 16)
	out := slices.Clone(list(items))
	keys := make(map[int]clr.Value, len(items))
	order := make([]int, len(items))
	for i, v := range out {
		order[i] = i
		if keys[i] = v; len(f.args) > 0 {
			keys[i] = f.member(v, f.args[0], true)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		f.Step()
		a, b := f.scalar(keys[i]), f.scalar(keys[j])
		switch {
		case a.IsNull() && b.IsNull():
			return 0
		case a.IsNull():
			return -1
		case b.IsNull():
			return 1
		case a.Is(clr.String) && b.Is(clr.String):
			f.Work((len(a.S) + len(b.S)) / 8)
			return text.CompareOrdinal(text.ToUpper(a.S), text.ToUpper(b.S))
		}
		return f.compare(a, b)
	})
	sorted := make(list, len(out))
	for i, from := range order {
		sorted[i] = out[from]
	}
	return clr.Obj(sorted)
}
