package json

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const (
	jenumerable  = linq + ".JEnumerable<T>"
	ijenumerable = linq + ".IJEnumerable<T>"
	extensions   = linq + ".Extensions"
)

// ofType is OfType<T>() of a sequence of tokens.
func ofType(source clr.Value, elem *clr.Type) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range t.Seq(source, "") {
				if isA(v, elem) && !yield(v) {
					return
				}
			}
		}
	}
}

// converted are the tokens of a sequence as another type.
func converted(source clr.Value, to *clr.Type) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range t.Seq(source, "") {
				if !yield(valueAs(t, tokenOf(v), to)) {
					return
				}
			}
		}
	}
}

// many goes through what each token of a sequence stands for.
func many(source clr.Value, what func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range t.Seq(source, "") {
				if v.O == nil {
					t.ThrowNull()
				}
				if !what(t, v, yield) {
					return
				}
			}
		}
	}
}

// asEnumerable is AsJEnumerable(): what has an indexer already stays as it is.
func asEnumerable(t *clr.Thread, elem *clr.Type, source clr.Value) clr.Value {
	switch source.O.(type) {
	case nil, Token, *enumerable:
		return source
	}
	return newEnumerable(t, elem, source)
}

// valuesOf is Values(key): each token's child of that name or place, or without
// a key its children, of a JValue itself. It is lazy, but null throws at once
// only where .NET's does: when it is gone through.
func valuesOf(source, key clr.Value, to *clr.Type) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for v := range t.Seq(source, "source") {
				if v.O == nil {
					t.ThrowNull()
				}
				if !valuesAt(t, v.O.(Token), key, to, yield) {
					return
				}
			}
		}
	}
}

func valuesAt(t *clr.Thread, k Token, key clr.Value, to *clr.Type, yield func(clr.Value) bool) bool {
	if key.O != nil {
		v := index(t, k, key)
		return v.O == nil || yield(valueAs(t, v.O.(Token), to))
	}
	if held, ok := k.(*Value); ok {
		return yield(valueAs(t, held, to))
	}
	for v := range k.All(t) {
		if !yield(valueAs(t, v.O.(Token), to)) {
			return false
		}
	}
	return true
}

// enumerableIndex is the indexer of IJEnumerable<T>.
func enumerableIndex(c *clr.Call) clr.Value {
	switch o := c.Args[0].O.(type) {
	case *enumerable:
		if o.of.O == nil {
			return newEnumerable(c.Thread, TokenType, clr.Null)
		}
		return newEnumerable(c.Thread, TokenType, lazy(c.Thread, TokenType, valuesOf(o.of, c.Args[1], TokenType)))
	case Token:
		return index(c.Thread, o, c.Args[1])
	}
	c.ThrowNull()
	return clr.Null
}

func enumerableMembers() funcs {
	const p = jenumerable
	return funcs{
		p + ".Empty": func(c *clr.Call) clr.Value { return newEnumerable(c.Thread, elemOf(c), clr.Null) },
		p + ".Equals(" + linqName + ")": func(c *clr.Call) clr.Value {
			return clr.Bool(c.Equal(c.Args[0], c.Args[1]))
		},
		p + ".Equals(object)": func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
		p + ".GetHashCode()":  func(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) },
		p + ".GetEnumerator()": func(c *clr.Call) clr.Value {
			return cursor(c, c.Args[0])
		},
		p + ".this[object]":            enumerableIndex,
		ijenumerable + ".this[object]": enumerableIndex,
		"new " + p + "(IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "enumerable")
			return newEnumerable(c.Thread, elemOf(c), c.Args[0])
		},
	}
}

const linqName = "JEnumerable<T>"

// elemOf is T of a constructed JEnumerable<T>.
func elemOf(c *clr.Call) *clr.Type {
	if c.In != nil && len(c.In.Args) == 1 {
		return c.In.Args[0]
	}
	return TokenType
}

// eachOf is an extension that makes tokens of each token: IJEnumerable<elem>.
func eachOf(elem *clr.Type, what func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool) clr.Func {
	return func(c *clr.Call) clr.Value {
		c.NotNull(0, "source")
		return newEnumerable(c.Thread, elem, lazy(c.Thread, elem, many(c.Args[0], what)))
	}
}

// goThrough gives a sequence's elements out.
func goThrough(seq iter.Seq[clr.Value], yield func(clr.Value) bool) bool {
	for v := range seq {
		if !yield(v) {
			return false
		}
	}
	return true
}

func extensionMembers() funcs {
	const p = extensions
	up := func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool {
		above := parentOf(v.O.(Token))
		return above == nil || goThrough(ancestors(above)(t), yield)
	}
	upSelf := func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool {
		return goThrough(ancestors(v.O.(Token))(t), yield)
	}
	down := func(self bool) func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool {
		return func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool {
			return descendants(t, v.O.(Container), self, yield)
		}
	}
	inside := func(t *clr.Thread, v clr.Value, yield func(clr.Value) bool) bool {
		return goThrough(v.O.(Token).All(t), yield)
	}
	f := funcs{
		p + ".Ancestors<T>(IEnumerable<T>)":          eachOf(TokenType, up),
		p + ".AncestorsAndSelf<T>(IEnumerable<T>)":   eachOf(TokenType, upSelf),
		p + ".Descendants<T>(IEnumerable<T>)":        eachOf(TokenType, down(false)),
		p + ".DescendantsAndSelf<T>(IEnumerable<T>)": eachOf(TokenType, down(true)),
		p + ".Children<T>(IEnumerable<T>)":           eachOf(TokenType, inside),
		p + ".Properties(IEnumerable<JObject>)":      eachOf(PropertyType, inside),
		p + ".Children<T, U>(IEnumerable<T>)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "source")
			all := clr.Obj(&clr.Lazy{T: clr.EnumerableOf.Of(TokenType), Seq: many(c.Args[0], inside)})
			return lazy(c.Thread, of(c, 1), converted(all, of(c, 1)))
		},
		p + ".AsJEnumerable(IEnumerable<JToken>)": func(c *clr.Call) clr.Value { return asEnumerable(c.Thread, TokenType, c.Args[0]) },
		p + ".AsJEnumerable<T>(IEnumerable<T>)":   func(c *clr.Call) clr.Value { return asEnumerable(c.Thread, of(c, 0), c.Args[0]) },
		p + ".Values(IEnumerable<JToken>)": func(c *clr.Call) clr.Value {
			return newEnumerable(c.Thread, TokenType, lazy(c.Thread, TokenType, valuesOf(c.Args[0], clr.Null, TokenType)))
		},
		p + ".Values(IEnumerable<JToken>, object)": func(c *clr.Call) clr.Value {
			return newEnumerable(c.Thread, TokenType, lazy(c.Thread, TokenType, valuesOf(c.Args[0], c.Args[1], TokenType)))
		},
		p + ".Values<U>(IEnumerable<JToken>)": func(c *clr.Call) clr.Value {
			return lazy(c.Thread, of(c, 0), valuesOf(c.Args[0], clr.Null, of(c, 0)))
		},
		p + ".Values<U>(IEnumerable<JToken>, object)": func(c *clr.Call) clr.Value {
			return lazy(c.Thread, of(c, 0), valuesOf(c.Args[0], c.Args[1], of(c, 0)))
		},
	}
	for key, i := range map[string]int{p + ".Value<T, U>(IEnumerable<T>)": 1, p + ".Value<U>(IEnumerable<JToken>)": 0} {
		f[key] = func(c *clr.Call) clr.Value {
			c.NotNull(0, "value")
			k, ok := c.Args[0].O.(Token)
			if !ok {
				c.ThrowArgument("Source value must be a JToken.", "")
			}
			return valueAs(c.Thread, k, of(c, i))
		}
	}
	return f
}
