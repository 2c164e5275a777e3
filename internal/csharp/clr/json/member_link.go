package json

import (
	"iter"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// home is the token's parent and its place there; a token without one throws.
func home(c *clr.Call) (Container, int) {
	n := self(c).at()
	if n.parent == nil {
		c.Throw(clr.InvalidOperationException, "The parent is missing.")
	}
	return n.parent, int(n.index)
}

// neighbour is the token that many places further; nil: there is none.
func neighbour(k Token, by int) Token {
	n := k.at()
	i := int(n.index) + by
	if n.parent == nil || i < 0 || i >= n.parent.Len() {
		return nil
	}
	return n.parent.child(i)
}

// ancestors goes up from k.
func ancestors(k Token) func(*clr.Thread) iter.Seq[clr.Value] {
	return func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for at := k; at != nil; {
				t.Step()
				if !yield(clr.Obj(at)) {
					return
				}
				if above := at.at().parent; above != nil {
					at = above
				} else {
					at = nil
				}
			}
		}
	}
}

// siblings goes from one neighbour to the next, as the links are then.
func siblings(t *clr.Thread, from, until Token, yield func(clr.Value) bool) {
	for k := from; k != nil && k != until; k = neighbour(k, 1) {
		t.Step()
		if !yield(clr.Obj(k)) {
			return
		}
	}
}

// noTokens is an empty sequence.
func noTokens(*clr.Thread) iter.Seq[clr.Value] { return func(func(clr.Value) bool) {} }

func parentOf(k Token) Token {
	if p := k.at().parent; p != nil {
		return p
	}
	return nil
}

func linkMembers() funcs {
	const p = jtoken
	return funcs{
		p + ".Parent":   func(c *clr.Call) clr.Value { return valueOf(parentOf(self(c))) },
		p + ".Root":     func(c *clr.Call) clr.Value { return clr.Obj(rootOf(c.Thread, self(c))) },
		p + ".Next":     func(c *clr.Call) clr.Value { return valueOf(neighbour(self(c), 1)) },
		p + ".Previous": func(c *clr.Call) clr.Value { return valueOf(neighbour(self(c), -1)) },
		p + ".Path": func(c *clr.Call) clr.Value {
			return c.New(tokenPath(c.Thread, self(c)))
		},
		p + ".Ancestors()": func(c *clr.Call) clr.Value {
			above := parentOf(self(c))
			if above == nil {
				return tokens(c, noTokens)
			}
			return tokens(c, ancestors(above))
		},
		p + ".AncestorsAndSelf()": func(c *clr.Call) clr.Value { return tokens(c, ancestors(self(c))) },
		p + ".AfterSelf()": func(c *clr.Call) clr.Value {
			k := self(c)
			return tokens(c, func(t *clr.Thread) iter.Seq[clr.Value] {
				return func(yield func(clr.Value) bool) { siblings(t, neighbour(k, 1), nil, yield) }
			})
		},
		p + ".BeforeSelf()": func(c *clr.Call) clr.Value {
			k := self(c)
			return tokens(c, func(t *clr.Thread) iter.Seq[clr.Value] {
				return func(yield func(clr.Value) bool) {
					if above := k.at().parent; above != nil {
						siblings(t, above.child(0), k, yield)
					}
				}
			})
		},
		p + ".AddAfterSelf(object)": func(c *clr.Call) clr.Value {
			in, i := home(c)
			add(c.Thread, in, i+1, c.Args[1])
			return nothing
		},
		p + ".AddBeforeSelf(object)": func(c *clr.Call) clr.Value {
			in, i := home(c)
			add(c.Thread, in, i, c.Args[1])
			return nothing
		},
		p + ".Remove()": func(c *clr.Call) clr.Value {
			in, i := home(c)
			remove(c.Thread, in, i)
			return nothing
		},
		p + ".Replace(JToken)": func(c *clr.Call) clr.Value {
			in, i := home(c)
			set(c.Thread, in, i, tokenOf(c.Args[1]))
			return nothing
		},
	}
}

// rootOf charges for the way up.
func rootOf(t *clr.Thread, k Token) Token {
	for above := parentOf(k); above != nil; above = parentOf(k) {
		t.Step()
		k = above
	}
	return k
}

// isA reports an annotation of a type.
func isA(v clr.Value, typ *clr.Type) bool { return v.O != nil && v.O.Type().AssignableTo(typ) }

// typeArg is an argument that is a System.Type.
func typeArg(c *clr.Call, i int, name string) *clr.Type {
	return c.NotNull(i, name).(*clr.TypeObject).Of()
}

// note is the first annotation of a type.
func note(k Token, typ *clr.Type) clr.Value {
	for _, v := range k.at().notes {
		if isA(v, typ) {
			return v
		}
	}
	return clr.Null
}

func notes(c *clr.Call, typ *clr.Type) clr.Value {
	k := self(c)
	return tokens(c, func(t *clr.Thread) iter.Seq[clr.Value] {
		return func(yield func(clr.Value) bool) {
			for _, v := range k.at().notes {
				t.Step()
				if isA(v, typ) && !yield(v) {
					return
				}
			}
		}
	})
}

func dropNotes(c *clr.Call, typ *clr.Type) clr.Value {
	n := self(c).at()
	c.Work(len(n.notes))
	n.notes = slices.DeleteFunc(n.notes, func(v clr.Value) bool { return isA(v, typ) })
	if typ == clr.ObjectType { // the place in the text is an annotation too
		n.line, n.position = 0, 0
	}
	return nothing
}

func noteMembers() funcs {
	const p = jtoken
	return funcs{
		p + ".AddAnnotation(object)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "annotation")
			c.Allocate(80)
			n := self(c).at()
			n.notes = append(n.notes, c.Args[1])
			return nothing
		},
		p + ".Annotation<T>()":         func(c *clr.Call) clr.Value { return note(self(c), of(c, 0)) },
		p + ".Annotation(Type)":        func(c *clr.Call) clr.Value { return note(self(c), typeArg(c, 1, "type")) },
		p + ".Annotations<T>()":        func(c *clr.Call) clr.Value { return notes(c, of(c, 0)) },
		p + ".Annotations(Type)":       func(c *clr.Call) clr.Value { return notes(c, typeArg(c, 1, "type")) },
		p + ".RemoveAnnotations<T>()":  func(c *clr.Call) clr.Value { return dropNotes(c, of(c, 0)) },
		p + ".RemoveAnnotations(Type)": func(c *clr.Call) clr.Value { return dropNotes(c, typeArg(c, 1, "type")) },
	}
}
