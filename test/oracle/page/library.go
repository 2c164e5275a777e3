package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
	"github.com/cloister-ai/cloister/test/oracle"
)

// place is the namespace that a type stands in, and its name there, which for
// a nested type begins with the outer one's.
func place(t *clr.Type) (namespace, name string) {
	namespace, name = t.Namespace, t.Name
	if namespace == "System.TimeZoneInfo" {
		return "System", "TimeZoneInfo." + name
	}
	return namespace, name
}

// library is the types and members that expressions may use.
type library struct {
	types   []*clr.Type
	outside map[*clr.Type][]clr.Outside
	// listed are the names of the types of Azure's list.
	listed map[string]bool
}

func newLibrary(u *clr.Universe, members []oracle.Member) *library {
	l := &library{outside: map[*clr.Type][]clr.Outside{}, listed: map[string]bool{}}
	for _, m := range members {
		l.listed[m.Type] = true
	}
	for _, t := range u.Types() {
		if !t.Hidden && t != clr.Void && t != clr.ValueType {
			l.types = append(l.types, t)
		}
	}
	slices.SortStableFunc(l.types, func(a, b *clr.Type) int {
		aSpace, aName := place(a)
		bSpace, bName := place(b)
		return cmp.Or(cmp.Compare(aSpace, bSpace), cmp.Compare(aName, bName), len(a.Params)-len(b.Params))
	})
	for _, o := range u.Outside() {
		l.outside[o.Of] = append(l.outside[o.Of], o)
	}
	return l
}

// context is the types of context: those without a namespace. There are few,
// so that parameters have their names.
func (l *library) context() string {
	var b strings.Builder
	b.WriteString("\n| type | members |\n|---|---|\n")
	for _, t := range l.types {
		if t.Namespace != "" {
			continue
		}
		var members []string
		for _, m := range t.AllMembers() {
			members = append(members, code(declaration(m, true)))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", code(t.String()), strings.Join(members, "<br>"))
	}
	return b.String() + "\n"
}

// namespaces is every other type, by namespace.
func (l *library) namespaces() string {
	var b strings.Builder
	last := ""
	for _, t := range l.types {
		if t.Namespace == "" {
			continue
		}
		if space, _ := place(t); space != last {
			last = space
			fmt.Fprintf(&b, "\n### %s\n\n", last)
		}
		l.writeType(&b, t)
	}
	return b.String() + "\n"
}

// writeType writes one type: a line for its head, and one for each kind of
// member that it has.
func (l *library) writeType(b *strings.Builder, t *clr.Type) {
	reached := ""
	if !l.listed[fullName(t)] && !t.AssignableTo(clr.Exception) {
		reached = " *reached*"
	}
	if t.Kind == clr.Delegate {
		m := t.AllMembers()[0]
		fmt.Fprintf(b, "- %s%s\n", code("delegate "+m.Result.String()+" "+head(t)+params(m, true)), reached)
		return
	}
	fmt.Fprintf(b, "- %s%s\n", code(kindOf(t)+" "+head(t)+bases(t)), reached)
	groups := map[string][]*clr.Member{}
	for _, m := range t.AllMembers() {
		g := groupOf(t, m)
		groups[g] = append(groups[g], m)
	}
	for _, g := range []string{"constructors", "values", "fields", "properties", "methods", "static", "operators"} {
		if len(groups[g]) > 0 {
			fmt.Fprintf(b, "  - %s: %s\n", g, line(groups[g]))
		}
	}
	l.writeOutside(b, t)
}

// writeOutside writes what .NET has and expressions may not use. A name of
// which an overload may be used needs the parameters.
func (l *library) writeOutside(b *strings.Builder, t *clr.Type) {
	used := map[string]bool{}
	for _, m := range t.AllMembers() {
		used[m.Name] = true
	}
	var out []string
	for _, o := range l.outside[t] {
		key, _ := strings.CutPrefix(strings.TrimPrefix(o.Key, "new "), fullName(t)+".")
		if strings.HasPrefix(o.Key, "new ") {
			key = "new " + t.Name + o.Key[strings.IndexByte(o.Key, '('):]
		} else if !used[o.Name] {
			key = o.Name
			switch key {
			case "Item":
				key = "this[]"
			case "implicit", "explicit":
				key += " operator"
			}
		}
		if text := code(key); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if len(out) > 0 {
		fmt.Fprintf(b, "  - not allowed: %s\n", strings.Join(out, ", "))
	}
}

// fullName is the type as members.txt names it.
func fullName(t *clr.Type) string {
	name := t.Name
	if t.Namespace != "" {
		name = t.Namespace + "." + name
	}
	if len(t.Params) > 0 {
		var names []string
		for _, p := range t.Params {
			names = append(names, strings.TrimSpace(p.Variance+" "+p.Name))
		}
		name += "<" + strings.Join(names, ", ") + ">"
	}
	return name
}

func kindOf(t *clr.Type) string {
	switch {
	case t.Kind == clr.Interface:
		return "interface"
	case t.Kind == clr.Enum:
		return "enum"
	case t.Kind == clr.Struct:
		return "struct"
	case t.Static:
		return "static class"
	case t.Abstract:
		return "abstract class"
	}
	return "class"
}

func head(t *clr.Type) string {
	space, _ := place(t)
	return strings.TrimPrefix(fullName(t), space+".")
}

func bases(t *clr.Type) string {
	var names []string
	if b := t.Base(); b != nil && t.Kind == clr.Class && b != clr.ObjectType {
		names = append(names, b.String())
	}
	for _, in := range t.Interfaces() {
		if !in.Hidden {
			names = append(names, in.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " : " + strings.Join(names, ", ")
}

func groupOf(t *clr.Type, m *clr.Member) string {
	switch {
	case t.Kind == clr.Enum:
		return "values"
	case m.Kind == syntax.ConstructorMember:
		return "constructors"
	case m.Kind == syntax.OperatorMember, m.Kind == syntax.ConversionMember:
		return "operators"
	case m.Static:
		return "static"
	case m.Kind == syntax.PropertyMember, m.Kind == syntax.IndexerMember:
		return "properties"
	case m.Kind == syntax.FieldMember:
		return "fields"
	}
	return "methods"
}

// line is members in a line. Overloads stand behind the first of them, with
// their parameters alone where the result is the same.
func line(members []*clr.Member) string {
	var out []string
	for i, m := range members {
		same := i > 0 && m.Name == members[i-1].Name && m.Kind == members[i-1].Kind
		text := declaration(m, false)
		if same && (m.Kind == syntax.MethodMember || m.Kind == syntax.ConstructorMember) &&
			m.Result.String() == members[i-1].Result.String() && typeParams(m) == typeParams(members[i-1]) {
			text = params(m, false)
		}
		out = append(out, code(text))
	}
	return strings.Join(out, ", ")
}

// declaration is a member in C#'s words; named: with the names of parameters.
func declaration(m *clr.Member, named bool) string {
	result := m.Result.String()
	switch m.Kind {
	case syntax.ConstructorMember:
		return "new " + m.Declaring.Name + params(m, named)
	case syntax.ConstMember:
		if m.Declaring.Kind == clr.Enum {
			return fmt.Sprintf("%s = %d", m.Name, m.Const.Int())
		}
		return "const " + result + " " + m.Name
	case syntax.PropertyMember:
		return result + " " + m.Name + setter(m)
	case syntax.FieldMember:
		return result + " " + m.Name
	case syntax.IndexerMember:
		p := params(m, named)
		return result + " this[" + p[1:len(p)-1] + "]" + setter(m)
	case syntax.ConversionMember:
		word := "explicit "
		if m.Implicit {
			word = "implicit "
		}
		return word + result + params(m, named)
	}
	return result + " " + m.Name + typeParams(m) + params(m, named)
}

func setter(m *clr.Member) string {
	switch {
	case m.Get && m.Set:
		return " { get; set; }"
	case m.Set:
		return " { set; }"
	}
	return ""
}

func typeParams(m *clr.Member) string {
	if len(m.TypeParams) == 0 {
		return ""
	}
	var names []string
	for _, p := range m.TypeParams {
		names = append(names, p.Name)
	}
	return "<" + strings.Join(names, ", ") + ">"
}

// params are the parameters of a member; "=" is behind those that may be left
// out.
func params(m *clr.Member, named bool) string {
	var out []string
	for i, p := range m.Params {
		text := p.Type.String()
		if p.Ref != "" {
			text = p.Ref + " " + text
		}
		if i == 0 && m.Extension {
			text = "this " + text
		}
		if named {
			text += " " + p.Name
		}
		if p.Optional {
			text += " = …"
		}
		out = append(out, text)
	}
	return "(" + strings.Join(out, ", ") + ")"
}
