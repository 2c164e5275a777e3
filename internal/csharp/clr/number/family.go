package number

import (
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// funcs are members by their keys.
type funcs = map[string]clr.Func

// Family is the code of the numeric types, of System.Math, Convert,
// BitConverter, Random and Enum, and of what nullables do.
func Family() clr.Family {
	f := clr.Family{
		Name:  "number",
		Do:    funcs{},
		Types: []*clr.Type{typeCode, randomType, dbNullType},
		Hooks: map[string]*clr.Hooks{
			"System.Decimal": decimalHooks,
			"System.Double":  floatHooks,
			"System.Single":  floatHooks,
			"System.DBNull":  {Text: func(*clr.Thread, clr.Value) string { return "" }},
		},
	}
	for _, t := range integers {
		f.Hooks["System."+t.Name] = integerHooks(t)
		maps.Copy(f.Do, integerMembers(t))
	}
	for _, t := range []*clr.Type{clr.Single, clr.Double} {
		maps.Copy(f.Do, floatMembers(t))
	}
	for _, part := range []funcs{
		decimalMembers, decimalOperators(), decimalConversions(), mathMembers, mathOfTypes(), enumMembers, nullableMembers, comparableMembers,
		randomMembers, bitMembers(), baseMembers(), base64Members, convertMembers, convertOfTypes(),
	} {
		maps.Copy(f.Do, part)
	}
	return f
}

// integers are the integer types.
var integers = []*clr.Type{clr.SByte, clr.Byte, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64}

// word is C#'s name of a type, as the keys of members have it.
func word(t *clr.Type) string {
	if t == clr.DateTime {
		return "DateTime"
	}
	return t.String()
}

// typeCode is System.TypeCode.
var typeCode = clr.Named("System", "TypeCode", 0)

// codes are the numbers of System.TypeCode.
var codes = map[*clr.Type]int64{
	clr.Boolean: 3, clr.Char: 4, clr.SByte: 5, clr.Byte: 6, clr.Int16: 7, clr.UInt16: 8, clr.Int32: 9, clr.UInt32: 10, clr.Int64: 11,
	clr.UInt64: 12, clr.Single: 13, clr.Double: 14, clr.Decimal: 15, clr.DateTime: 16, clr.String: 18,
}

// codeOf is the TypeCode of a type; an enum has that of its numbers.
func codeOf(t *clr.Type) clr.Value {
	if t.Kind == clr.Enum {
		t = underlying(t)
	}
	if n, ok := codes[t]; ok {
		return clr.Number(typeCode, n)
	}
	return clr.Number(typeCode, 1)
}

// underlying is the type of an enum's numbers.
func underlying(t *clr.Type) *clr.Type {
	if t.Underlying != nil {
		return t.Underlying
	}
	return clr.Int32
}

// self is the receiver.
func self(c *clr.Call) clr.Value { return c.Args[0] }

// members are those that every number has; parse reads one. Their numbers are
// compared by order, which throws nothing, and formatted by format, which
// fails with [ErrSpecifier].
type members struct {
	t      *clr.Type
	order  func(a, b clr.Value) int
	hash   func(v clr.Value) int32
	format func(v clr.Value, format string) (string, error)
	parse  func(s string) (clr.Value, error)
}

func (m *members) table() funcs {
	prefix, own := "System."+m.t.Name+".", word(m.t)
	return funcs{
		prefix + "CompareTo(" + own + ")": func(c *clr.Call) clr.Value { return clr.Int(int32(m.order(self(c), c.Args[1]))) },
		prefix + "CompareTo(object)": func(c *clr.Call) clr.Value {
			switch o := c.Args[1]; {
			case o.IsNull():
				return clr.Int(1)
			case !o.Is(m.t):
				c.ThrowArgument("Object must be of type "+m.t.Name+".", "")
			}
			return clr.Int(int32(m.order(self(c), c.Args[1])))
		},
		prefix + "Equals(" + own + ")": func(c *clr.Call) clr.Value { return clr.Bool(m.order(self(c), c.Args[1]) == 0) },
		prefix + "Equals(object)": func(c *clr.Call) clr.Value {
			return clr.Bool(c.Args[1].Is(m.t) && m.order(self(c), c.Args[1]) == 0)
		},
		prefix + "GetHashCode()": func(c *clr.Call) clr.Value { return clr.Int(m.hash(self(c))) },
		prefix + "GetTypeCode()": func(*clr.Call) clr.Value { return codeOf(m.t) },
		prefix + "ToString()":    func(c *clr.Call) clr.Value { return c.New(m.text(c.Thread, self(c), "")) },
		prefix + "ToString(string)": func(c *clr.Call) clr.Value {
			format, _ := c.Str(1)
			return c.New(m.text(c.Thread, self(c), format))
		},
		prefix + "Parse(string)": func(c *clr.Call) clr.Value {
			return Parsed(c.Thread, m.t, c.Text(0, "s"))
		},
		prefix + "TryParse(string, out " + own + ")": func(c *clr.Call) clr.Value {
			s, ok := c.Str(0)
			c.Work(len(s))
			v, err := m.parse(s)
			if !ok || err != nil {
				c.Ref(1).Set(clr.Zero(m.t))
				return clr.Bool(false)
			}
			c.Ref(1).Set(v)
			return clr.Bool(true)
		},
	}
}

// text is ToString(format).
func (m *members) text(t *clr.Thread, v clr.Value, format string) string {
	return formatted(t, v, format, m.format)
}

func (m *members) hooks() *clr.Hooks {
	return &clr.Hooks{
		Text:    func(t *clr.Thread, v clr.Value) string { return m.text(t, v, "") },
		Format:  m.text,
		Equal:   func(_ *clr.Thread, v, o clr.Value) bool { return o.Is(v.Type()) && m.order(v, o) == 0 },
		Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return uint64(m.hash(v)) },
		Compare: func(_ *clr.Thread, v, o clr.Value) int { return m.order(v, o) },
	}
}

func formatted(t *clr.Thread, v clr.Value, format string, do func(clr.Value, string) (string, error)) string {
	if format != "" {
		t.Work(len(format))
		t.Allocate(len(format) + 400) // a precision has two digits at most, a double 309
	}
	s, err := do(v, format)
	if err != nil {
		t.ThrowFormat(badSpecifier)
	}
	return s
}

const (
	badSpecifier = "Format specifier was invalid."
	badNumber    = "Input string was not in a correct format."
)

// Parsed is what T.Parse(s) gives of a numeric type; it throws what that
// throws.
func Parsed(t *clr.Thread, of *clr.Type, s string) clr.Value {
	t.Work(len(s))
	v, err := parse(of, s)
	switch err {
	case nil:
		return v
	case ErrOverflow:
		t.Throw(clr.OverflowException, doesNotFit(of))
	}
	t.ThrowFormat(badNumber)
	return v
}

// parse reads a number of a type; it fails with [ErrFormat] or [ErrOverflow].
func parse(of *clr.Type, s string) (clr.Value, error) {
	switch of {
	case clr.Decimal:
		d, err := ParseDecimalText(s)
		if err != nil {
			return clr.Value{}, err
		}
		return d.Value(), nil
	case clr.Double:
		f, err := ParseDouble(s)
		return clr.Float(f), err
	case clr.Single:
		f, err := ParseSingle(s)
		return clr.Single32(f), err
	}
	w, _ := widthOf(of)
	n, err := parseInteger(s, w)
	return clr.Value{N: n, O: of}, err
}

// join puts maps together.
func join(parts ...funcs) funcs {
	all := funcs{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}
