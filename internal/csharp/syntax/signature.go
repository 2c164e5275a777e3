package syntax

import "fmt"

// MemberKind is the kind of a member of a .NET type.
type MemberKind byte

// Kinds of members.
const (
	MethodMember MemberKind = iota + 1
	ConstructorMember
	PropertyMember
	IndexerMember
	FieldMember
	ConstMember
	OperatorMember
	ConversionMember
)

func (k MemberKind) String() string {
	names := [...]string{"none", "method", "constructor", "property", "indexer", "field", "const", "operator", "conversion"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("MemberKind(%d)", byte(k))
}

// Signature is a member as C# declares it, for the tables that say which
// members of .NET an expression may use.
type Signature struct {
	Kind MemberKind
	// Static: also of constants, operators and conversions.
	Static bool
	// Extension: the first parameter is "this".
	Extension bool
	// Result is the type of what the member gives; nil for a constructor. A
	// conversion's is the type that it converts to.
	Result Type
	// Name is "Item" for an indexer, and empty for operators and conversions.
	Name       string
	TypeParams []string
	Params     []Param
	// Get and Set say how a property, an indexer, a field or a constant may be
	// used; an accessor that is not public does not count.
	Get, Set bool
	// Op is the operator, such as "==".
	Op string
	// Implicit tells the two kinds of conversions apart.
	Implicit bool
	// Value is that of a constant; nil: not said.
	Value Expr
}

// ParseSignature reads the declaration of a member:
//
//	public static string Join<T>(string separator, params T[] values)
//	int Length { get; }
//	char this[int index] { get; set; }
//	String(char c, int count)
//	static readonly string Empty
//	const int MaxValue = 2147483647
//	static bool operator ==(string a, string b)
//	static implicit operator JToken(string value)
//	static IEnumerable<R> Select<T, R>(this IEnumerable<T> source, Func<T, R> selector)
//
// Modifiers that do not change a call, as "public", and constraints of type
// parameters may be there and are not kept; so may a semicolon at the end. The
// error is an [*Error].
func ParseSignature(src string) (*Signature, error) {
	p := newParser(src, 0)
	s := p.signature()
	p.end()
	if err := p.first(); err != nil {
		return nil, err
	}
	return s, nil
}

// modifiers reads those in front of a declaration.
func (p *parser) modifiers() map[string]bool {
	found := map[string]bool{}
	for {
		t := p.tok
		switch {
		case t.kind == tokKeyword:
			switch t.text {
			case "public", "private", "protected", "internal", "static", "virtual", "override",
				"abstract", "sealed", "readonly", "extern", "unsafe", "new", "volatile", "const":
			default:
				return found
			}
		case (t.word("async") || t.word("partial")) && (p.at(1).kind == tokName || p.at(1).kind == tokKeyword):
		default:
			return found
		}
		found[p.next().text] = true
	}
}

func (p *parser) signature() *Signature {
	mods := p.modifiers()
	s := &Signature{Static: mods["static"] || mods["const"]}
	switch {
	case p.is("implicit") || p.is("explicit"):
		s.Kind, s.Implicit = ConversionMember, p.next().text == "implicit"
		p.need("operator")
		s.Result = p.parseType(anyType)
		s.Params = p.params("(", ")")
	case p.isName(p.tok) && p.at(1).is("("):
		s.Kind, s.Name = ConstructorMember, p.ident().Name
		s.Params = p.params("(", ")")
	default:
		s.Result = p.parseType(anyType)
		p.member(s, mods)
	}
	p.constraints()
	s.Extension = len(s.Params) > 0 && s.Params[0].Ref == "this"
	p.skip(";")
	return s
}

// member reads what stands behind the type of the result.
func (p *parser) member(s *Signature, mods map[string]bool) {
	switch {
	case p.skip("operator"):
		s.Kind, s.Op = OperatorMember, p.operatorToken()
		s.Params = p.params("(", ")")
		return
	case p.skip("this"):
		s.Kind, s.Name = IndexerMember, "Item"
		s.Params = p.params("[", "]")
		p.accessors(s)
		return
	}
	s.Name = p.ident().Name
	switch {
	case p.is("<") || p.is("("):
		s.Kind = MethodMember
		for _, id := range p.typeParams() {
			s.TypeParams = append(s.TypeParams, id.Name)
		}
		s.Params = p.params("(", ")")
	case p.is("{"):
		s.Kind = PropertyMember
		p.accessors(s)
	default:
		p.field(s, mods)
	}
}

func (p *parser) field(s *Signature, mods map[string]bool) {
	s.Kind, s.Get, s.Set = FieldMember, true, !mods["readonly"] && !mods["const"]
	if mods["const"] {
		s.Kind = ConstMember
	}
	if p.skip("=") {
		s.Value = p.parseExpr()
	}
}

// operatorToken reads an operator that can be declared.
func (p *parser) operatorToken() string {
	op := p.tok.text
	switch {
	case p.is("true"), p.is("false"):
	case p.is(">") && p.at(1).is(">") && p.at(1).from == p.tok.to:
		op = ">>"
		p.next()
	default:
		if p.tok.kind != tokOp {
			op = ""
		}
		switch op {
		case "+", "-", "!", "~", "++", "--", "*", "/", "%", "&", "|", "^", "<<", "==", "!=", "<", ">", "<=", ">=":
		default:
			p.failAt("CS1020", "Overloadable operator expected")
			return ""
		}
	}
	p.next()
	return op
}

// accessors reads { get; set; }.
func (p *parser) accessors(s *Signature) {
	p.need("{")
	for !p.stuck && !p.is("}") {
		public := len(p.modifiers()) == 0
		switch {
		case p.tok.word("get"):
			s.Get = s.Get || public
		case p.tok.word("set"):
			s.Set = s.Set || public
		default:
			p.failAt("CS1014", "A get or set accessor expected")
		}
		p.next()
		p.need(";")
	}
	p.need("}")
}

// typeParams reads <T, U>, if it is there.
func (p *parser) typeParams() []Ident {
	if !p.skip("<") {
		return nil
	}
	ids := []Ident{p.ident()}
	for p.skip(",") {
		ids = append(ids, p.ident())
	}
	p.need(">")
	return ids
}

// constraints reads "where T : class, new()" and drops it. It gives the place
// of the first one; 0: there is none.
func (p *parser) constraints() Pos {
	var first Pos
	for p.tok.word("where") && p.isName(p.at(1)) && p.at(2).is(":") {
		if first == 0 {
			first = p.tok.from
		}
		p.next()
		p.next()
		for ok := true; ok && !p.stuck; ok = p.is(",") {
			p.next()
			p.constraint()
		}
	}
	return first
}

func (p *parser) constraint() {
	switch {
	case p.skip("class"), p.skip("struct"):
	case p.skip("new"):
		p.need("(")
		p.need(")")
	default:
		p.parseType(anyType)
	}
}
