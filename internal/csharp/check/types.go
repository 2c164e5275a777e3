package check

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// usings are those of [Usings], and before them that of the context.
var usings = []string{
	"", "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net", "System.Security.Cryptography",
	"System.Security.Cryptography.X509Certificates", "System.Text", "System.Text.RegularExpressions", "System.Xml", "System.Xml.Linq",
	"Newtonsoft.Json", "Newtonsoft.Json.Linq",
}

// Usings are the namespaces whose types need no namespace before them.
func Usings() []string { return slices.Clone(usings[1:]) }

// resolve is the type that is written; bad after an error.
func (c *checker) resolve(t syntax.Type) *clr.Type {
	switch t := t.(type) {
	case *syntax.ArrayType:
		if e := c.resolve(t.Elem); e != bad {
			return e.ArrayOf(t.Rank)
		}
	case *syntax.NullableType:
		e := c.resolve(t.Elem)
		switch {
		case e == bad:
		case !e.IsValue() || e.IsNullable() || e == clr.Void:
			c.errorf(t, "CS0453", "The type '%s' must be a non-nullable value type in order to use it as parameter 'T' in the generic type or method 'Nullable<T>'", e)
		default:
			return e.NullableOf()
		}
	case *syntax.TupleType:
		types := make([]*clr.Type, len(t.Elems))
		names := make([]string, len(t.Elems))
		for i, e := range t.Elems {
			if types[i] = c.resolve(e.Type); types[i] == bad {
				return bad
			}
			names[i] = e.Name.Name
		}
		return clr.TupleOf(types, names)
	case *syntax.NamedType:
		return c.resolveNamed(t)
	}
	return bad
}

func (c *checker) resolveNamed(t *syntax.NamedType) *clr.Type {
	last := t.Parts[len(t.Parts)-1]
	if t.Predefined && len(t.Parts) == 1 {
		if k := clr.Keyword(last.Name); k != nil {
			return k
		}
	}
	if len(t.Parts) == 1 && len(last.Args) == 0 {
		for s := c.scope; s != nil; s = s.outer {
			if p := s.types[last.Name]; p != nil {
				return p
			}
		}
	}
	args, ok := c.resolveArgs(last.Args)
	if !ok {
		return bad
	}
	var space []string
	for _, p := range t.Parts[:len(t.Parts)-1] {
		space = append(space, p.Name)
	}
	arity := len(args)
	if last.Open > 0 {
		arity = last.Open
	}
	found := c.findType(strings.Join(space, "."), last.Name, arity)
	if found == nil {
		c.noType(t, strings.Join(space, "."), last.Name, arity)
		return bad
	}
	if arity > 0 && last.Open == 0 {
		return c.constructed(t, found, args)
	}
	return found
}

func (c *checker) constructed(n syntax.Node, def *clr.Type, args []*clr.Type) *clr.Type {
	if def == clr.Nullable && (!args[0].IsValue() || args[0].IsNullable()) {
		c.errorf(n, "CS0453", "The type '%s' must be a non-nullable value type in order to use it as parameter 'T' in the generic type or method 'Nullable<T>'", args[0])
		return bad
	}
	return def.Of(args...)
}

func (c *checker) resolveArgs(in []syntax.Type) ([]*clr.Type, bool) {
	var out []*clr.Type
	for _, a := range in {
		t := c.resolve(a)
		if t == bad {
			return nil, false
		}
		if t == clr.Void {
			c.errorf(a, "CS1547", "Keyword 'void' cannot be used in this context")
			return nil, false
		}
		out = append(out, t)
	}
	return out, true
}

// findType finds a type that an expression may name. With space it is looked
// for there, else in the namespaces that policies use.
func (c *checker) findType(space, name string, arity int) *clr.Type {
	var found *clr.Type
	for _, t := range c.u.Lookup(name, arity) {
		switch {
		case t.Hidden, t == clr.Void, t == clr.ValueType:
		case space != "":
			if t.Namespace == space || space == nestedIn(t) {
				return t
			}
		default:
			for _, u := range usings {
				if t.Namespace == u {
					found = t
				}
			}
		}
	}
	return found
}

// nestedIn is the short name of the type that t is nested in, such as
// TimeZoneInfo.
func nestedIn(t *clr.Type) string {
	if i := strings.LastIndexByte(t.Namespace, '.'); i >= 0 {
		return t.Namespace[i+1:]
	}
	return ""
}

func (c *checker) noType(n syntax.Node, space, name string, arity int) {
	full := name
	if space != "" {
		full = space + "." + name
	}
	for _, other := range []int{0, 1, 2, 3} {
		if other != arity && c.findType(space, name, other) != nil {
			c.errorf(n, "CS0305", "Using the generic type '%s' requires %d type arguments", full, other)
			return
		}
	}
	if known := dotNet[full]; known != "" || dotNet["System."+full] != "" {
		c.errorf(n, "CS0246", "'%s' is not among the types that API Management allows in expressions", full)
		return
	}
	c.errorf(n, "CS0246", "The type or namespace name '%s' could not be found: it does not exist, or is not among the types that API Management allows in expressions", full)
}

// dotNet has types of .NET that people try, for a message that says more.
var dotNet = map[string]string{
	"System.Environment": "x", "System.Console": "x", "System.GC": "x", "System.Activator": "x", "System.AppDomain": "x",
	"System.IO.File": "x", "System.IO.Directory": "x", "System.IO.Path": "x", "System.IO.Stream": "x", "System.IO.MemoryStream": "x",
	"System.Net.Http.HttpClient": "x", "System.Net.WebClient": "x", "System.Net.Dns": "x", "System.Threading.Thread": "x",
	"System.Threading.Tasks.Task": "x", "System.Reflection.Assembly": "x", "System.Diagnostics.Process": "x", "System.Globalization.CultureInfo": "x",
}
