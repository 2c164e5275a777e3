package syntax

import "strings"

// TypeDecl is the declaration of a .NET type, for the tables that say which
// types an expression may use.
type TypeDecl struct {
	// Kind is class, struct, interface, enum or delegate.
	Kind string
	// Namespace and Name are the two parts of a dotted name. What stands
	// before the last dot may also be a type that this one is nested in.
	Namespace, Name string
	Params          []TypeParam
	// Bases are the base class and the interfaces; of an enum, the type of its
	// numbers.
	Bases []Type
	// Invoke is what a delegate is called with; nil for the others.
	Invoke *Signature
	// Members are those of an enum.
	Members                  []EnumMember
	Static, Abstract, Sealed bool
}

// TypeParam is a type parameter; Variance is "", "in" or "out".
type TypeParam struct{ Name, Variance string }

// EnumMember is a name of an enum; Value nil: one more than the last.
type EnumMember struct {
	Name  string
	Value Expr
}

// ParseTypeDecl reads the declaration of a type:
//
//	public sealed class Dictionary<TKey, TValue> : IDictionary<TKey, TValue>
//	delegate TResult Func<in T, out TResult>(T arg)
//	enum System.StringSplitOptions { None, RemoveEmptyEntries = 1 }
//
// The name may be dotted. Of a body, only an enum's is read; others are empty
// or left out. Constraints of type parameters are not kept. The error is an
// [*Error].
func ParseTypeDecl(src string) (*TypeDecl, error) {
	p := newParser(src, 0)
	d := p.typeDecl()
	p.end()
	if err := p.first(); err != nil {
		return nil, err
	}
	return d, nil
}

func (p *parser) typeDecl() *TypeDecl {
	mods := p.modifiers()
	d := &TypeDecl{Static: mods["static"], Abstract: mods["abstract"], Sealed: mods["sealed"]}
	switch {
	case p.is("class"), p.is("struct"), p.is("interface"), p.is("enum"), p.is("delegate"):
		d.Kind = p.next().text
	default:
		p.failAt("CS1518", "Expected class, delegate, enum, interface, or struct")
		return nil
	}
	if d.Kind == "delegate" {
		p.delegate(d)
		p.skip(";")
		return d
	}
	p.declName(d)
	if p.skip(":") {
		d.Bases = append(d.Bases, p.parseType(anyType))
		for p.skip(",") {
			d.Bases = append(d.Bases, p.parseType(anyType))
		}
	}
	p.constraints()
	if p.is("{") {
		p.declBody(d)
	}
	p.skip(";")
	return d
}

// declName reads A.B.Name<in T>.
func (p *parser) declName(d *TypeDecl) {
	parts := []string{p.ident().Name}
	for p.skip(".") {
		parts = append(parts, p.ident().Name)
	}
	last := len(parts) - 1
	d.Namespace, d.Name = strings.Join(parts[:last], "."), parts[last]
	if !p.skip("<") {
		return
	}
	for ok := true; ok; ok = p.skip(",") {
		var t TypeParam
		if p.is("in") || p.is("out") {
			t.Variance = p.next().text
		}
		t.Name = p.ident().Name
		d.Params = append(d.Params, t)
	}
	p.need(">")
}

func (p *parser) delegate(d *TypeDecl) {
	d.Sealed = true
	d.Invoke = &Signature{Kind: MethodMember, Name: "Invoke", Result: p.parseType(anyType)}
	p.declName(d)
	d.Invoke.Params = p.params("(", ")")
	p.constraints()
}

func (p *parser) declBody(d *TypeDecl) {
	p.need("{")
	for d.Kind == "enum" && !p.stuck && !p.is("}") {
		m := EnumMember{Name: p.ident().Name}
		if p.skip("=") {
			m.Value = p.parseExpr()
		}
		d.Members = append(d.Members, m)
		if !p.skip(",") {
			break
		}
	}
	p.need("}")
}
