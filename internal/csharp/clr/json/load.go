package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Parse reads a text as JToken.Parse does. The tree is charged to the thread;
// an error is what .NET throws.
func Parse(t *clr.Thread, text string) (Token, *clr.Thrown) {
	r := newReader(t, text)
	return r.finish(r.token())
}

// Copy is DeepClone().
func Copy(t *clr.Thread, k Token) Token { return clone(t, k) }

// ParseText is Parse that leaves dates alone: texts stay texts.
func ParseText(t *clr.Thread, text string) (Token, *clr.Thrown) {
	r := newReader(t, text)
	r.plain = true
	return r.finish(r.token())
}

// ParseObject reads a text as JObject.Parse does.
func ParseObject(t *clr.Thread, text string) (*Object, *clr.Thrown) {
	r := newReader(t, text)
	if r.wants(startObject, "JObject", "an object") {
		if k, err := r.finish(r.container()); err == nil {
			return k.(*Object), nil
		}
	}
	return nil, r.fail
}

// ParseArray reads a text as JArray.Parse does.
func ParseArray(t *clr.Thread, text string) (*Array, *clr.Thrown) {
	r := newReader(t, text)
	if r.wants(startArray, "JArray", "an array") {
		if k, err := r.finish(r.container()); err == nil {
			return k.(*Array), nil
		}
	}
	return nil, r.fail
}

// finish reads what may still follow: comments.
func (r *reader) finish(k Token) (Token, *clr.Thrown) {
	for r.fail == nil && r.read() {
	}
	if r.fail != nil {
		return nil, r.fail
	}
	return k, nil
}

// wants goes to the first symbol, which must be s.
func (r *reader) wants(s symbol, name, kind string) bool {
	if !r.read() {
		return r.failed("Error reading " + name + " from JsonReader.")
	}
	for r.symbol == comment {
		if !r.read() {
			break
		}
	}
	if r.fail == nil && r.symbol != s {
		r.failed("Error reading " + name + " from JsonReader. Current JsonReader item is not " + kind + ": " + r.symbol.String())
	}
	return r.fail == nil
}

// token reads the first token; what follows a comment is read and dropped, as
// Newtonsoft does.
func (r *reader) token() Token {
	if !r.read() {
		r.failed("Error reading JToken from JsonReader.")
		return nil
	}
	switch r.symbol {
	case startObject, startArray, startConstructor:
		return r.container()
	case comment:
		return r.placedHere(value(r.t, KindComment, r.value))
	}
	return r.simple()
}

// simple is the symbol's JValue.
func (r *reader) simple() *Value {
	kind := KindString
	switch r.symbol {
	case integerSymbol:
		kind = KindInteger
	case floatSymbol:
		kind = KindFloat
	case booleanSymbol:
		kind = KindBoolean
	case nullSymbol:
		kind = KindNull
	case undefinedSymbol:
		kind = KindUndefined
	case dateSymbol:
		kind = KindDate
	}
	v := value(r.t, kind, r.value)
	r.placedHere(v)
	return v
}

func (r *reader) placedHere(k Token) Token {
	line, position := r.at()
	k.at().line, k.at().position = int32(line), int32(position)
	return k
}

// open is an empty container for the symbol.
func (r *reader) open() Container {
	r.t.Allocate(containerSize)
	var c Container
	switch r.symbol {
	case startObject:
		c = &Object{}
	case startArray:
		c = &Array{}
	default:
		c = &Constructor{Name: clr.Str(r.text)}
	}
	r.placedHere(c)
	return c
}

// container reads the container that has just begun; nil: r failed.
func (r *reader) container() Token {
	top := r.open()
	name := top.Type().Name
	if !r.read() {
		r.failed("Error reading " + name + " from JsonReader.")
		return nil
	}
	in := top
	for {
		switch r.symbol {
		case startObject, startArray, startConstructor:
			c := r.open()
			r.put(in, c)
			in = c
		case endObject, endArray, endConstructor:
			if in == top {
				return top
			}
			in = above(in)
		case propertyName:
			in = r.property(in.(*Object))
		case comment:
		default:
			r.put(in, r.simple())
			if p, ok := in.(*Property); ok {
				in = p.parent
			}
		}
		if !r.read() {
			r.failed("Unexpected end of content while loading " + name + ".")
			return nil
		}
	}
}

// above is what the container lies in; a property ends with its value.
func above(in Container) Container {
	in = in.at().parent
	if p, ok := in.(*Property); ok {
		return p.parent
	}
	return in
}

// put adds a token to what is being read, where nothing can be wrong.
func (r *reader) put(in Container, k Token) { link(r.t, in, in.Len(), k) }

// property begins a property. Of two with one name the last one stays, in the
// first one's place.
func (r *reader) property(o *Object) *Property {
	r.t.Allocate(propertySize)
	p := &Property{Name: r.text}
	r.placedHere(p)
	if was := o.Property(p.Name); was != nil {
		replace(o, int(was.index), p)
	} else {
		r.put(o, p)
	}
	return p
}
