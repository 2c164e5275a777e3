package syntax

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// dump writes a tree with everything in it but places: a node as its kind and
// its fields in brackets, a type as ":" and its C#.
func dump(n Node) string { return toSexpr(reflect.ValueOf(n)).layout(0) }

// sexpr is an atom, or a list with a head.
type sexpr struct {
	atom string
	list []sexpr
}

func (s sexpr) String() string {
	if s.list == nil {
		return s.atom
	}
	parts := make([]string, len(s.list))
	for i, e := range s.list {
		parts[i] = e.String()
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// layout breaks what does not fit on a line.
func (s sexpr) layout(indent int) string {
	flat := s.String()
	if len(flat)+indent <= 90 || s.list == nil {
		return flat
	}
	var b strings.Builder
	b.WriteString("(" + s.list[0].String())
	for i, e := range s.list[1:] {
		if e.list == nil && (i == 0 || s.list[i].list == nil) {
			b.WriteString(" " + e.String())
			continue
		}
		b.WriteString("\n" + strings.Repeat("  ", indent/2+1) + e.layout(indent+2))
	}
	return b.String() + ")"
}

func atom(s string) sexpr { return sexpr{atom: s} }

// unlabelled are fields that need no name to be understood.
var unlabelled = strings.Fields("X Y Cond Then Else Fun Args Expr Elems Stmts Parts Body Pattern Value " +
	"Clauses Vars Labels Sections Params Names Op Name Kind Type Cases Catches Stmt Label Orders Ref")

func toSexpr(v reflect.Value) sexpr {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.Kind() == reflect.Pointer {
			if s, ok := short(v.Interface()); ok {
				return s
			}
		}
		v = v.Elem()
	}
	if v.CanAddr() {
		if s, ok := short(v.Addr().Interface()); ok {
			return s
		}
	}
	if v.Kind() != reflect.Struct {
		return atom(fmt.Sprint(v.Interface()))
	}
	s := sexpr{list: []sexpr{atom(v.Type().Name())}}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type == spanType || f.Name == "OpPos" || v.Field(i).IsZero() {
			continue
		}
		s.list = append(s.list, fieldSexpr(f, v.Field(i))...)
	}
	return s
}

func fieldSexpr(f reflect.StructField, v reflect.Value) []sexpr {
	label := f.Name + ":"
	if slices.Contains(unlabelled, f.Name) {
		label = ""
	}
	switch v.Kind() {
	case reflect.Bool:
		return []sexpr{atom(f.Name)}
	case reflect.String:
		if f.Name == "Format" {
			return []sexpr{atom(fmt.Sprintf("Format:%q", v.String()))}
		}
		return []sexpr{atom(label + v.String())}
	case reflect.Slice:
		var out []sexpr
		for i := range v.Len() {
			out = append(out, toSexpr(v.Index(i)))
		}
		if label == "" {
			return out
		}
		return []sexpr{{list: append([]sexpr{atom(label)}, out...)}}
	}
	if f.Type == posType {
		return []sexpr{atom(f.Name)}
	}
	s := toSexpr(v)
	switch {
	case label == "":
		return []sexpr{s}
	case s.list == nil:
		return []sexpr{atom(label + s.atom)}
	}
	return []sexpr{{list: []sexpr{atom(label), s}}}
}

// short is what is written in fewer words.
func short(n any) (sexpr, bool) {
	switch n := n.(type) {
	case *Ident:
		return atom(n.Name), true
	case *Name:
		return atom(n.Ident.Name), n.Args == nil
	case *Literal:
		return atom(Format(n)), true
	case *Discard:
		return atom("_discard"), true
	case Type:
		return atom(":" + Format(n)), true
	case *Arg:
		return toSexpr(reflect.ValueOf(n.Expr)), n.Name.Name == "" && n.Ref == ""
	case *Param:
		return atom(n.Name.Name), n.Type == nil && n.Ref == ""
	case *InterpolatedPart:
		return atom(fmt.Sprintf("%q", n.Text)), n.Expr == nil
	case *TypePattern:
		return toSexpr(reflect.ValueOf(n.Type)), true
	}
	return sexpr{}, false
}
