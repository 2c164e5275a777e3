package clr

import (
	"math"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// resolve is the type that a declaration names; nil: it is not known.
func (b *builder) resolve(t syntax.Type, scope map[string]*Type) *Type {
	switch t := t.(type) {
	case *syntax.ArrayType:
		if e := b.resolve(t.Elem, scope); e != nil {
			return e.ArrayOf(t.Rank)
		}
	case *syntax.NullableType:
		if e := b.resolve(t.Elem, scope); e != nil {
			return e.NullableOf()
		}
	case *syntax.NamedType:
		return b.named(t, scope)
	}
	return nil
}

func (b *builder) named(t *syntax.NamedType, scope map[string]*Type) *Type {
	last := t.Parts[len(t.Parts)-1]
	if len(t.Parts) == 1 {
		if p := scope[last.Name]; p != nil {
			return p
		}
		if t.Predefined {
			return Keyword(last.Name)
		}
	}
	var space []string
	given := last.Args
	for _, p := range t.Parts[:len(t.Parts)-1] {
		space = append(space, p.Name)
		if len(p.Args) > 0 { // Dictionary<K, V>.KeyCollection
			given = p.Args
		}
	}
	args := make([]*Type, len(given))
	for i, a := range given {
		if args[i] = b.resolve(a, scope); args[i] == nil {
			return nil
		}
	}
	for _, found := range b.u.byName[arityName(last.Name, len(args))] {
		if within := strings.Join(space, "."); within == "" || found.Namespace == within || strings.HasSuffix(found.Namespace, "."+within) {
			if len(args) > 0 {
				return found.Of(args...)
			}
			return found
		}
	}
	return nil
}

// constant is the value of a literal in a declaration, as a value of type t.
func constant(e syntax.Expr, t *Type) Value {
	negative := false
	if u, ok := e.(*syntax.Unary); ok && u.Op == "-" {
		e, negative = u.X, true
	}
	if IsFloat(t) {
		return floatOf(floatConstant(e, negative), t)
	}
	l, ok := e.(*syntax.Literal)
	if !ok {
		return Zero(t)
	}
	switch v := l.Value.(type) {
	case bool:
		return Bool(v)
	case string:
		return Str(v)
	case uint16:
		return CharOf(v)
	case uint64:
		if negative {
			v = -v
		}
		return Value{N: v, O: t}
	}
	return Zero(t)
}

// notANumber has the bits of .NET's.
const notANumber = 0xFFF8000000000000

// floatConstant is a float or double as declarations write it: also Infinity
// and NaN, which are no literals of C#.
func floatConstant(e syntax.Expr, negative bool) float64 {
	f := math.Float64frombits(notANumber)
	switch e := e.(type) {
	case *syntax.Name:
		if e.Ident.Name == "Infinity" {
			f = math.Inf(1)
		}
	case *syntax.Literal:
		switch v := e.Value.(type) {
		case string:
			f, _ = strconv.ParseFloat(v, 64)
		case uint64:
			f = float64(v)
		}
	}
	if negative {
		return -f
	}
	return f
}
