package json

import (
	"iter"
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

type funcs = map[string]clr.Func

// Family is the code of Newtonsoft.Json.
func Family() clr.Family {
	f := clr.Family{Name: "json", Do: funcs{}, Types: types(), Hooks: hooks()}
	for _, part := range []funcs{
		tokenMembers(), linkMembers(), noteMembers(), casts(), containerMembers(), arrayMembers(), constructorMembers(),
		objectMembers(), propertyMembers(), valueMembers(), enumerableMembers(), extensionMembers(), textMembers(),
	} {
		maps.Copy(f.Do, part)
	}
	return f
}

func hooks() map[string]*clr.Hooks {
	return map[string]*clr.Hooks{
		linq + ".JToken": {
			Text: func(t *clr.Thread, v clr.Value) string { return Text(t, v.O.(Token), true) },
		},
		linq + ".JValue": {
			Text:   func(t *clr.Thread, v clr.Value) string { return t.Text(v.O.(*Value).V) },
			Format: func(t *clr.Thread, v clr.Value, format string) string { return t.Format(v.O.(*Value).V, format) },
			Equal: func(t *clr.Thread, v, o clr.Value) bool {
				with, ok := o.O.(*Value)
				return ok && sameValues(t, v.O.(*Value), with)
			},
			Hash:    func(t *clr.Thread, v clr.Value) uint64 { return t.Hash(v.O.(*Value).V) },
			Compare: func(t *clr.Thread, v, o clr.Value) int { return compareValues(t, v.O.(*Value), o.O.(*Value)) },
		},
		linq + ".JEnumerable<T>": {
			Equal: func(_ *clr.Thread, v, o clr.Value) bool {
				a, b := v.O.(*enumerable), o.O
				with, ok := b.(*enumerable)
				return ok && a.t == with.t && clr.Same(a.of, with.of)
			},
			Hash: func(t *clr.Thread, v clr.Value) uint64 {
				if e := v.O.(*enumerable); e.of.O != nil {
					return t.Hash(clr.Obj(e.of.O))
				}
				return 0
			},
			Zero: func(typ *clr.Type) clr.Value { return clr.Obj(&enumerable{t: typ}) },
		},
		"System.Numerics.BigInteger": bigHooks(),
	}
}

// self is the receiver.
func self(c *clr.Call) Token { return c.Args[0].O.(Token) }

func selfContainer(c *clr.Call) Container { return c.Args[0].O.(Container) }

// nothing is what a void member gives.
var nothing = clr.Null

// tokens is an IEnumerable<JToken> that is made while it is gone through.
func tokens(c *clr.Call, seq func(t *clr.Thread) iter.Seq[clr.Value]) clr.Value {
	elem := TokenType
	if c.Result != nil && len(c.Result.Args) == 1 {
		elem = c.Result.Args[0]
	}
	return lazy(c.Thread, elem, seq)
}

// of is type argument i.
func of(c *clr.Call, i int) *clr.Type { return c.Types[i] }
