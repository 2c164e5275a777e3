package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Token is a JToken: an [*Object], [*Array], [*Property], [*Constructor] or
// [*Value].
type Token interface {
	clr.Sequence
	Kind() Kind
	at() *node
}

// Container is a JContainer: a token that has others in it.
type Container interface {
	Token
	Len() int
	// child is the token at i, which exists.
	child(i int) Token
}

// node is what every token has.
type node struct {
	parent Container
	// index is the token's place in its parent.
	index int32
	// line and position are where the token ended in the text that it was read
	// from; line 0: it was not read.
	line, position int32
	// notes are the annotations.
	notes []clr.Value
}

func (n *node) at() *node { return n }

// What tokens take, with what holds them in their parent.
const (
	valueSize     = 144
	propertySize  = 160
	containerSize = 160
)

// Value is a JValue, or a JRaw.
type Value struct {
	node
	kind Kind
	raw  bool
	// V is what it holds: null, a string, Int64 and other numbers, Boolean,
	// DateTime, …
	V clr.Value
}

// Type is JValue or JRaw.
func (v *Value) Type() *clr.Type {
	if v.raw {
		return RawType
	}
	return ValueType
}

// Kind is the value's JTokenType.
func (v *Value) Kind() Kind { return v.kind }

// Property is a JProperty. Its value is never nil once it is made.
type Property struct {
	node
	Name  string
	value Token
}

// Type is JProperty.
func (*Property) Type() *clr.Type { return PropertyType }

// Kind is KindProperty.
func (*Property) Kind() Kind { return KindProperty }

// Len is 1.
func (p *Property) Len() int {
	if p.value == nil {
		return 0
	}
	return 1
}

func (p *Property) child(int) Token { return p.value }

// Value is the property's value.
func (p *Property) Value() Token { return p.value }

// fewProperties are found as fast by looking at each as in a map.
const fewProperties = 8

// Object is a JObject.
type Object struct {
	node
	props   []*Property
	version int
	// byName finds properties where there are more than a few; nil: not made.
	byName map[string]*Property
}

// Type is JObject.
func (*Object) Type() *clr.Type { return ObjectType }

// Kind is KindObject.
func (*Object) Kind() Kind { return KindObject }

// Len is the number of properties.
func (o *Object) Len() int { return len(o.props) }

func (o *Object) child(i int) Token { return o.props[i] }

// Property is the one of that name; nil: there is none.
func (o *Object) Property(name string) *Property {
	if len(o.props) > fewProperties {
		if o.byName == nil {
			o.byName = make(map[string]*Property, 2*len(o.props))
			for _, p := range o.props {
				o.byName[p.Name] = p
			}
		}
		return o.byName[name]
	}
	for _, p := range o.props {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// find is the value of that name; nil: there is none.
func (o *Object) find(name string) Token {
	if p := o.Property(name); p != nil {
		return p.value
	}
	return nil
}

// Properties are in their order; the slice is the object's own.
func (o *Object) Properties() []*Property { return o.props }

// Array is a JArray.
type Array struct {
	node
	kids    []Token
	version int
}

// Type is JArray.
func (*Array) Type() *clr.Type { return ArrayType }

// Kind is KindArray.
func (*Array) Kind() Kind { return KindArray }

// Len is the number of items.
func (a *Array) Len() int { return len(a.kids) }

func (a *Array) child(i int) Token { return a.kids[i] }

// Items are in their order; the slice is the array's own.
func (a *Array) Items() []Token { return a.kids }

// At is item i, which exists.
func (a *Array) At(i int) clr.Value { return clr.Obj(a.kids[i]) }

// Constructor is a JConstructor.
type Constructor struct {
	node
	// Name is null where none was given.
	Name    clr.Value
	kids    []Token
	version int
}

// Type is JConstructor.
func (*Constructor) Type() *clr.Type { return ConstructorType }

// Kind is KindConstructor.
func (*Constructor) Kind() Kind { return KindConstructor }

// Len is the number of arguments.
func (c *Constructor) Len() int { return len(c.kids) }

func (c *Constructor) child(i int) Token { return c.kids[i] }

// value makes a token of the tree that counts on the thread.
func value(t *clr.Thread, kind Kind, v clr.Value) *Value {
	t.Allocate(valueSize)
	return &Value{kind: kind, V: v}
}

func null(t *clr.Thread) *Value { return value(t, KindNull, clr.Null) }

// tokenOf is v, which is a token or null (nil).
func tokenOf(v clr.Value) Token {
	if v.O == nil {
		return nil
	}
	return v.O.(Token)
}

// valueOf is the value that C# sees of a token; nil is null.
func valueOf(k Token) clr.Value {
	if k == nil {
		return clr.Null
	}
	return clr.Obj(k)
}
