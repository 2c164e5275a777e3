package clr

import (
	"strconv"
	"strings"
)

// keywords are C#'s names of types.
var keywords = map[*Type]string{
	ObjectType: "object", Void: "void", Boolean: "bool", Char: "char", SByte: "sbyte", Byte: "byte", Int16: "short", UInt16: "ushort",
	Int32: "int", UInt32: "uint", Int64: "long", UInt64: "ulong", Single: "float", Double: "double", Decimal: "decimal", String: "string",
}

// Keyword is the type of a C# keyword; nil: it is none.
func Keyword(word string) *Type {
	for t, w := range keywords {
		if w == word {
			return t
		}
	}
	return nil
}

// String is the type as C# writes it, for messages: List<string>.
func (t *Type) String() string {
	switch {
	case t == nil:
		return "<null>"
	case keywords[t] != "":
		return keywords[t]
	case t.IsNullable():
		return t.Args[0].String() + "?"
	case t.Kind == ArrayKind:
		return t.Args[0].String() + "[" + strings.Repeat(",", t.Rank-1) + "]"
	case t.Kind == TupleKind:
		return "(" + t.list(t.Args, t.Fields) + ")"
	case t.Kind == AnonymousKind:
		return "<anonymous type: " + t.list(t.Args, t.Fields) + ">"
	case t.Def != nil && t.outer != nil && len(t.outer.Params) > 0:
		return t.outer.Name + "<" + t.list(t.Args, nil) + ">." + t.Name
	case t.Def != nil:
		return t.Name + "<" + t.list(t.Args, nil) + ">"
	case len(t.Params) > 0:
		return t.Name + "<" + t.list(t.Params, nil) + ">"
	}
	return t.Name
}

func (t *Type) list(types []*Type, names []string) string {
	var b strings.Builder
	for i, a := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
		if i < len(names) && names[i] != "" {
			b.WriteString(" " + names[i])
		}
	}
	return b.String()
}

// FullName is Type.ToString() of .NET:
// System.Collections.Generic.List`1[System.Int32].
func (t *Type) FullName() string {
	if t == nil {
		return ""
	}
	if t.Kind == ArrayKind {
		return t.Args[0].FullName() + "[" + strings.Repeat(",", t.Rank-1) + "]"
	}
	name := t.Name
	switch o := t.outer; {
	case o != nil && len(o.Params) > 0: // whose parameters are counted there
		return o.Namespace + "." + o.Name + "`" + strconv.Itoa(len(o.Params)) + "+" + name + fullArgs(t.Args)
	case o != nil:
		name = t.Namespace + "+" + name
	case t.Namespace != "":
		name = t.Namespace + "." + name
	}
	args := t.Args
	switch {
	case t.Def != nil, t.Kind == TupleKind:
	case len(t.Params) > 0:
		args = t.Params
	case t.Kind == AnonymousKind:
		name = "<>f__AnonymousType0"
	default:
		return name
	}
	if len(args) == 0 {
		return name
	}
	return name + "`" + strconv.Itoa(len(args)) + fullArgs(args)
}

func fullArgs(args []*Type) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.FullName()
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// key is how declarations name a type: System.Collections.Generic.List<T>.
func (t *Type) key() string {
	name := t.Name
	if t.Namespace != "" {
		name = t.Namespace + "." + name
	}
	if len(t.Params) == 0 {
		return name
	}
	names := make([]string, len(t.Params))
	for i, p := range t.Params {
		names[i] = p.Name
	}
	return name + "<" + strings.Join(names, ", ") + ">"
}
