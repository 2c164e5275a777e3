package clr

import "github.com/cloister-ai/cloister/internal/csharp/syntax"

// Member is a member of a type, with the type's arguments put in.
type Member struct {
	Kind syntax.MemberKind
	Name string
	// Key names the member in tables: System.String.Substring(int, int).
	Key       string
	Declaring *Type
	Static    bool
	Extension bool
	Implicit  bool
	Get, Set  bool
	// TypeParams are a generic method's own.
	TypeParams []*Type
	Params     []Param
	// Result is the type of what comes back; Void for none, the declaring type
	// for a constructor.
	Result *Type
	// Const is the value of a constant.
	Const *Value
	// Code is shared by all forms of a member.
	*Code
}

// Param is a parameter of a member.
type Param struct {
	Name string
	Type *Type
	// Ref is "", "ref", "out" or "params".
	Ref string
	// Optional: Default is used where no argument is given.
	Optional bool
	Default  Value
}

// Code is what a member does.
type Code struct {
	// Do calls a method, constructor, operator or conversion, or reads a
	// property, indexer or field. The receiver is the first argument of an
	// instance member; it is never null.
	Do Func
	// Put writes a property, indexer or field: the value is the last argument.
	Put Func
	// Fast is Do for some shapes of arguments without Values, see [Family].
	Fast any
}

// Func is a member in Go.
type Func func(c *Call) Value

// Call is one call of a member. It is valid until the member returns.
type Call struct {
	*Thread
	Args []Value
	// Types are the arguments of a generic method's type parameters.
	Types []*Type
	// In is the constructed type whose member is called.
	In *Type
	// Result is the type that comes back, with every argument put in.
	Result *Type
}

// Str is argument i, a string; null is "" and false.
func (c *Call) Str(i int) (s string, ok bool) { return c.Args[i].S, c.Args[i].O != nil }

// Text is argument i, a string; null throws ArgumentNullException(name).
func (c *Call) Text(i int, name string) string {
	if c.Args[i].O == nil {
		c.ThrowArgumentNull(name)
	}
	return c.Args[i].S
}

// Int is argument i, an integer or enum of at most 32 bits.
func (c *Call) Int(i int) int { return int(c.Args[i].N) }

// NotNull throws ArgumentNullException(name) where argument i is null.
func (c *Call) NotNull(i int, name string) Object {
	if c.Args[i].O == nil {
		c.ThrowArgumentNull(name)
	}
	return c.Args[i].O
}

// Get returns an argument, and null where there are fewer.
func (c *Call) Get(i int) Value {
	if i < len(c.Args) {
		return c.Args[i]
	}
	return Null
}

// Ref is argument i, given as out or ref.
func (c *Call) Ref(i int) *Ref { return c.Args[i].O.(*Ref) }

// Ref is where an out or ref argument lies.
type Ref struct {
	Get func() Value
	Set func(Value)
}

// Type of a Ref is that of no value: it is never seen by an expression.
func (*Ref) Type() *Type { return ObjectType }

// Members are the type's own members of that name, with its arguments put in,
// not those of its bases.
func (t *Type) Members(name string) []*Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	if got, ok := t.byName[name]; ok {
		return got
	}
	var out []*Member
	for _, m := range t.definition().members {
		if m.Name == name {
			out = append(out, m.within(t))
		}
	}
	if t.byName == nil {
		t.byName = map[string][]*Member{}
	}
	t.byName[name] = out
	return out
}

// AllMembers are the members of a definition, as they are declared.
func (t *Type) AllMembers() []*Member { return t.definition().members }

// definition is where members stand.
func (t *Type) definition() *Type {
	switch {
	case t.Def != nil:
		return t.Def
	case t.Kind == ArrayKind:
		return Array
	}
	return t
}

// within puts the arguments of in where its definition's parameters stand.
func (m *Member) within(in *Type) *Member {
	if in.Def == nil {
		return m
	}
	out := *m
	out.Declaring, out.Result = in, m.Result.within(in)
	out.Params = make([]Param, len(m.Params))
	for i, p := range m.Params {
		p.Type = p.Type.within(in)
		out.Params[i] = p
	}
	return &out
}

// With puts arguments where a generic method's own parameters stand.
func (m *Member) With(args []*Type) *Member {
	if len(args) == 0 {
		return m
	}
	bind := func(p *Type) *Type {
		if p.Index < len(m.TypeParams) && m.TypeParams[p.Index] == p {
			return args[p.Index]
		}
		return nil
	}
	out := *m
	out.Result = m.Result.Subst(bind)
	out.Params = make([]Param, len(m.Params))
	for i, p := range m.Params {
		p.Type = p.Type.Subst(bind)
		out.Params[i] = p
	}
	return &out
}
