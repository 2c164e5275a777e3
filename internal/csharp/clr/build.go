package clr

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// Family is Go code for members and hooks of some types.
type Family struct {
	// Name is for messages.
	Name string
	// Do has what members do, by their keys: "System.String.Trim()",
	// "new System.Uri(string)", "System.String.Length" (reads a property),
	// "System.Text.StringBuilder.Length=" (writes it). The receiver is the first
	// argument.
	Do map[string]Func
	// Fast has, for members in Do that policies call on every request, the
	// same without Values; the planner knows these shapes:
	//
	//	func(string) bool, func(string, string) bool, func(string) string,
	//	func(string) int32
	//
	// and, of objects that are no strings and no boxes, properties and a method:
	//
	//	func(Object) Object, which gives nil for null
	//	func(Object) (s string, notNull bool)
	//	func(t *Thread, o Object, a, b string) (s string, ok bool)
	//
	// Arguments are never null there: a null goes to Do, and so does a call of
	// the last shape that is not ok, which has done nothing then.
	Fast map[string]any
	// Hooks has what types do for virtual members, by the names of their
	// definitions: "System.DateTime", "System.Collections.Generic.List<T>".
	Hooks map[string]*Hooks
	// Types are those that the family's code names, made by [Named]. What is
	// declared nowhere becomes hidden: values may have it, expressions cannot
	// name it.
	Types []*Type
}

// Universe is every type that expressions meet.
type Universe struct {
	types []*Type
	// byName are the types by simple name and number of parameters, "List`1".
	byName map[string][]*Type
	// excluded says why a member of .NET cannot be used, by type and name.
	excluded map[*Type]map[string]string
	outside  []Outside
	// Lenient lets members be used that nobody has written: for tests of the
	// checker alone.
	Lenient bool
	// missing are the keys of members that are declared and have no code.
	missing []string
}

// Types are all definitions, in the order of the declarations.
func (u *Universe) Types() []*Type { return u.types }

// Missing are the keys of members that nobody has written.
func (u *Universe) Missing() []string { return u.missing }

// Lookup finds types by simple name and number of type parameters; more than
// one differ in their namespaces.
func (u *Universe) Lookup(name string, arity int) []*Type { return u.byName[arityName(name, arity)] }

// Full finds a type by its full name, as System.Uri; nil: there is none.
func (u *Universe) Full(namespace, name string, arity int) *Type {
	for _, t := range u.Lookup(name, arity) {
		if t.Namespace == namespace {
			return t
		}
	}
	return nil
}

// Namespaces reports whether a namespace has that name, or begins with it.
func (u *Universe) Namespace(name string) bool {
	for _, t := range u.types {
		if t.Namespace == name || strings.HasPrefix(t.Namespace, name+".") {
			return true
		}
	}
	return false
}

// Excluded says why .NET's member of that name cannot be used; empty: .NET has
// none, or it can.
func (u *Universe) Excluded(t *Type, name string) string {
	for _, s := range t.Supers() {
		if why := u.excluded[s.definition()][name]; why != "" {
			return why
		}
	}
	return ""
}

// Outside is a public member of .NET, of a type that expressions may use, that
// they may not use.
type Outside struct {
	Of *Type
	// Key and Name are as a [Member]'s.
	Key, Name string
	// Why says what Azure's list does not have.
	Why string
}

// Outside are all of them, in the order of the declarations.
func (u *Universe) Outside() []Outside { return u.outside }

func arityName(name string, arity int) string {
	if arity == 0 {
		return name
	}
	return fmt.Sprintf("%s`%d", name, arity)
}

// Build puts the declarations and the code together. It completes types of this
// package, so it is called once in a process.
func Build(families ...Family) (*Universe, error) {
	return build(declarations, families)
}

func build(files fs.FS, families []Family) (*Universe, error) {
	blocks, err := readDeclarations(files)
	if err != nil {
		return nil, err
	}
	b := &builder{
		u:     &Universe{byName: map[string][]*Type{}, excluded: map[*Type]map[string]string{}},
		codes: map[string]*Code{}, used: map[string]bool{},
	}
	if err := b.gather(families); err != nil {
		return nil, err
	}
	for _, l := range blocks {
		b.declare(l)
	}
	for _, t := range named() {
		if !t.known {
			b.add(t)
		}
	}
	for _, t := range exceptionTypes {
		if !t.known {
			b.add(t)
		}
	}
	for _, t := range b.given {
		if !t.known {
			t.Hidden = true
			b.add(t)
		}
	}
	b.nest()
	for i := range b.heads {
		b.complete(&b.heads[i])
	}
	b.leftOver(families)
	slices.Sort(b.u.missing)
	return b.u, errors.Join(b.errs...)
}

type builder struct {
	u     *Universe
	codes map[string]*Code
	used  map[string]bool
	heads []headed
	errs  []error
	given []*Type // by the families
}

type headed struct {
	t     *Type
	d     *syntax.TypeDecl
	lines *typeLines
}

func (b *builder) fail(where string, err error) {
	b.errs = append(b.errs, fmt.Errorf("%s: %w", where, err))
}

func (b *builder) gather(families []Family) error {
	for _, f := range families {
		b.given = append(b.given, f.Types...)
		for key, do := range f.Do {
			name, put := strings.CutSuffix(key, "=")
			if strings.Contains(key, "operator") || strings.HasSuffix(key, ")") {
				name, put = key, false
			}
			c := b.code(name)
			if put && c.Put != nil || !put && c.Do != nil {
				return fmt.Errorf("%s: %s is there twice", f.Name, key)
			}
			if put {
				c.Put = do
			} else {
				c.Do = do
			}
		}
		for key, fast := range f.Fast {
			b.code(key).Fast = fast
		}
	}
	return nil
}

func (b *builder) code(key string) *Code {
	c := b.codes[key]
	if c == nil {
		c = &Code{}
		b.codes[key] = c
	}
	return c
}

// add makes a type known by its name.
func (b *builder) add(t *Type) {
	t.known = true
	b.u.types = append(b.u.types, t)
	name := arityName(t.Name, len(t.Params))
	b.u.byName[name] = append(b.u.byName[name], t)
}

// declare makes the type of a head.
func (b *builder) declare(l *typeLines) {
	d, flags, err := l.parse()
	if err != nil {
		b.errs = append(b.errs, err)
		return
	}
	t := b.find(d)
	t.Static, t.Abstract, t.Sealed, t.Flags, t.Hidden = d.Static, d.Abstract, d.Sealed, flags, l.hidden
	t.Kind = map[string]Kind{"class": Class, "struct": Struct, "interface": Interface, "enum": Enum, "delegate": Delegate}[d.Kind]
	for i, p := range d.Params {
		t.Params = append(t.Params, NewParam(p.Name, p.Variance, i, false))
	}
	// Code may have constructed types of it, which are what it is.
	for _, made := range t.made {
		made.Kind, made.Static, made.Abstract, made.Sealed, made.Hidden = t.Kind, t.Static, t.Abstract, t.Sealed, t.Hidden
	}
	b.add(t)
	b.heads = append(b.heads, headed{t, d, l})
}

// find is the type that Go code names so, or a new one.
func (b *builder) find(d *syntax.TypeDecl) *Type {
	for _, t := range named() {
		if t.Namespace == d.Namespace && t.Name == d.Name && !t.known && (len(d.Params) > 0) == namedGeneric(t) {
			return t
		}
	}
	if t := exceptionTypes[d.Namespace+"."+d.Name]; t != nil && !t.known {
		return t
	}
	for _, t := range b.given {
		if t.Namespace == d.Namespace && t.Name == d.Name && !t.known && t.arity == len(d.Params) {
			return t
		}
	}
	return newType(d.Namespace, d.Name, Class)
}

// namedGeneric tells the two types apart that share a name with another
// number of parameters: IEnumerable, Nullable.
func namedGeneric(t *Type) bool {
	switch t {
	case EnumerableOf, ListOf, KeyValuePairOf, DictionaryOf, ReadOnlyListOf, ListInterfaceOf, CollectionOf, ReadOnlyCollectionOf, Nullable:
		return true
	}
	return false
}

// complete gives a type its bases and members.
func (b *builder) complete(h *headed) {
	t, scope := h.t, scopeOf(h.t)
	for _, base := range h.d.Bases {
		resolved := b.resolve(base, scope)
		switch {
		case resolved == nil: // an interface that nothing allowed needs
		case t.Kind == Enum:
			t.Underlying = resolved
		case resolved.Kind == Interface:
			t.interfaces = append(t.interfaces, resolved)
		default:
			t.base = resolved
		}
	}
	if t.Kind == Enum {
		b.enumNames(h)
		return
	}
	if h.d.Invoke != nil {
		b.invoke(h, scope)
		return
	}
	for _, line := range h.lines.lines {
		b.member(t, line, scope)
	}
}

// nest finds the types that stand in another one: the outer's name is where
// other types have their namespace.
func (b *builder) nest() {
	names := map[string]*Type{}
	for _, t := range b.u.types {
		names[t.Namespace+"."+t.Name] = t
	}
	for _, t := range b.u.types {
		t.outer = names[t.Namespace]
		for _, made := range t.made {
			made.outer = t.outer
		}
	}
}

func scopeOf(t *Type) map[string]*Type {
	scope := map[string]*Type{}
	for _, p := range t.Params {
		scope[p.Name] = p
	}
	return scope
}

func (b *builder) enumNames(h *headed) {
	for _, line := range h.lines.lines {
		name := line.key[strings.LastIndexByte(line.key, '.')+1:]
		var n int64
		if _, err := fmt.Sscan(line.sig, &n); err != nil {
			b.fail(line.where, err)
			continue
		}
		h.t.Names = append(h.t.Names, EnumName{name, n})
		if line.excluded {
			b.exclude(h.t, line, name, notListed)
			continue
		}
		value := Number(h.t, n)
		h.t.members = append(h.t.members, &Member{
			Kind: syntax.ConstMember, Name: name, Key: line.key, Declaring: h.t, Static: true, Get: true, Result: h.t, Const: &value, Code: &Code{},
		})
	}
}

func (b *builder) invoke(h *headed, scope map[string]*Type) {
	m := b.signature(h.t, h.d.Invoke, scope)
	if m == nil {
		b.fail(h.lines.where, errors.New("a delegate's type is not known"))
		return
	}
	m.Key, m.Code = h.t.key()+".Invoke", &Code{Do: func(c *Call) Value {
		return c.Args[0].O.(*Closure).Call(c.Thread, c.Args[1:])
	}}
	h.t.members = append(h.t.members, m)
}

const notListed = "Azure's list does not have it"

func (b *builder) exclude(t *Type, line memberLine, name, why string) {
	b.u.outside = append(b.u.outside, Outside{t, line.key, name, why})
	if b.u.excluded[t] == nil {
		b.u.excluded[t] = map[string]string{}
	}
	b.u.excluded[t][name] = why
}

// member adds a member. One whose types are not on the list is left out.
func (b *builder) member(t *Type, line memberLine, scope map[string]*Type) {
	s, err := syntax.ParseSignature(line.sig)
	if err != nil {
		b.fail(line.where, err)
		return
	}
	name := s.Name
	if s.Kind == syntax.OperatorMember || s.Kind == syntax.ConversionMember {
		name = operatorName(s)
	}
	if line.excluded {
		b.exclude(t, line, name, notListed)
		return
	}
	m := b.signature(t, s, scope)
	if m == nil {
		b.exclude(t, line, name, "it "+line.notes+", which Azure's list does not have")
		return
	}
	m.Key, m.Name = line.key, name
	b.bounds(m, line)
	if m.Kind == syntax.ConstructorMember {
		m.Name = ".ctor"
	}
	b.used[m.Key] = true
	if m.Code = b.codes[m.Key]; m.Code == nil {
		m.Code = &Code{Do: own(m)}
	}
	if m.Const == nil && (m.Do == nil && m.Get || m.Put == nil && m.Set) {
		b.u.missing = append(b.u.missing, m.Key)
	}
	t.members = append(t.members, m)
}

// bounds reads "where T : JToken" behind a signature.
func (b *builder) bounds(m *Member, line memberLine) {
	parts := strings.Split(line.sig, " where ")
	for _, part := range parts[1:] {
		name, text, _ := strings.Cut(part, " : ")
		bound := &Bound{Word: text}
		if text != "class" && text != "struct" {
			t, err := syntax.ParseType(text)
			if err == nil {
				bound.Word, bound.To = "", b.resolve(t, nil)
			}
			if bound.To == nil {
				b.fail(line.where, fmt.Errorf("the constraint %q is not known", text))
				continue
			}
		}
		for _, p := range m.TypeParams {
			if p.Name == name {
				p.Bound = bound
			}
		}
	}
}

func operatorName(s *syntax.Signature) string {
	if s.Kind == syntax.OperatorMember {
		return "operator " + s.Op
	}
	if s.Implicit {
		return "implicit"
	}
	return "explicit"
}

// signature is the member that s declares; nil: a type of it is not known.
func (b *builder) signature(t *Type, s *syntax.Signature, scope map[string]*Type) *Member {
	m := &Member{
		Kind: s.Kind, Name: s.Name, Declaring: t, Static: s.Static, Extension: s.Extension, Implicit: s.Implicit, Get: s.Get, Set: s.Set,
	}
	switch s.Kind {
	case syntax.MethodMember, syntax.ConstructorMember, syntax.OperatorMember, syntax.ConversionMember:
		m.Get = true
	}
	if len(s.TypeParams) > 0 {
		outer := scope
		scope = map[string]*Type{}
		for k, v := range outer {
			scope[k] = v
		}
		for i, name := range s.TypeParams {
			p := NewParam(name, "", i, true)
			m.TypeParams = append(m.TypeParams, p)
			scope[name] = p
		}
	}
	if m.Result = b.selfOf(t); s.Result != nil {
		m.Result = b.resolve(s.Result, scope)
	}
	if m.Result == nil {
		return nil
	}
	for _, p := range s.Params {
		param := Param{Name: p.Name.Name, Ref: p.Ref, Type: b.resolve(p.Type, scope)}
		if param.Type == nil {
			return nil
		}
		if param.Ref == "this" || param.Ref == "in" {
			param.Ref = ""
		}
		if p.Default != nil {
			param.Optional, param.Default = true, constant(p.Default, param.Type)
		}
		m.Params = append(m.Params, param)
	}
	if s.Kind == syntax.ConstMember && s.Value != nil {
		v := constant(s.Value, m.Result)
		m.Const = &v
	}
	return m
}

// selfOf is the type with its own parameters as arguments.
func (b *builder) selfOf(t *Type) *Type {
	if len(t.Params) == 0 {
		return t
	}
	return t.Of(t.Params...)
}

// leftOver finds code that nothing declares.
func (b *builder) leftOver(families []Family) {
	for _, f := range families {
		for name, h := range f.Hooks {
			if !b.hook(name, h) {
				b.errs = append(b.errs, fmt.Errorf("%s: there is no type %s", f.Name, name))
			}
		}
		for key := range f.Do {
			if name, put := strings.CutSuffix(key, "="); put && b.used[name] || b.used[key] {
				continue
			}
			b.errs = append(b.errs, fmt.Errorf("%s: no declaration has the key %q", f.Name, key))
		}
	}
}

func (b *builder) hook(name string, h *Hooks) bool {
	for _, t := range b.u.types {
		if t.key() == name {
			t.hooks = h
			return true
		}
	}
	return false
}
