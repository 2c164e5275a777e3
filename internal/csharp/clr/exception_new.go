package clr

import "strings"

// The constructors of exceptions other than System.Exception, and what
// System.Type says of itself. They are here and not in a family because every
// family throws.

// bareText is the message of an exception that is made without one; those that
// are not here have .NET's own.
var bareText = map[*Type]string{
	SystemException:             "System error.",
	ArithmeticException:         "Overflow or underflow in the arithmetic operation.",
	DivideByZeroException:       "Attempted to divide by zero.",
	OverflowException:           "Arithmetic operation resulted in an overflow.",
	FormatException:             "One of the identified items was in an invalid format.",
	UriFormatException:          "One of the identified items was in an invalid format.",
	IndexOutOfRangeException:    "Index was outside the bounds of the array.",
	InvalidCastException:        "Specified cast is not valid.",
	InvalidOperationException:   "Operation is not valid due to the current state of the object.",
	NotImplementedException:     "The method or operation is not implemented.",
	NotSupportedException:       "Specified method is not supported.",
	NullReferenceException:      "Object reference not set to an instance of an object.",
	RankException:               "Attempted to operate on an array with the incorrect number of dimensions.",
	ArrayTypeMismatchException:  "Attempted to access an element as a type incompatible with the array.",
	TimeoutException:            "The operation has timed out.",
	KeyNotFoundException:        "The given key was not present in the dictionary.",
	CryptographicException:      "Error occurred during a cryptographic operation.",
	XmlException:                "An XML error has occurred.",
	ArgumentException:           "Value does not fall within the expected range.",
	ArgumentNullException:       "Value cannot be null.",
	ArgumentOutOfRangeException: "Specified argument was out of the range of valid values.",
	ObjectDisposedException:     "Cannot access a disposed object.",
}

// own is the code of members that this package has itself; nil: it has none.
func own(m *Member) Func {
	if m.Declaring == TypeType {
		return typeCode(m.Name)
	}
	return exceptionCode(m)
}

// exceptionCode finds the code of such a member; nil: it is none.
func exceptionCode(m *Member) Func {
	t := m.Declaring
	if _, ok := exceptionTypes[t.key()]; !ok {
		return nil
	}
	switch m.Name {
	case "ParamName", "ObjectName":
		return func(c *Call) Value {
			if p := c.Args[0].O.(*Thrown).Param; p != "" || t == ObjectDisposedException {
				return Str(p)
			}
			return Null
		}
	}
	if m.Result != t {
		return nil
	}
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		names[i] = p.Name
	}
	return func(c *Call) Value { return makeException(c, t, names) }
}

// makeException makes an exception of arguments with these names.
func makeException(c *Call, t *Type, names []string) Value {
	e := &Thrown{T: t, Made: true}
	text, ok := bareText[t]
	e.Message, e.Bare = text, !ok
	for i, name := range names {
		s, given := c.Args[i].S, c.Args[i].O != nil
		switch name {
		case "message":
			e.Message, e.Bare = s, !given
		case "paramName", "objectName":
			e.Param = s
		case "innerException":
			e.Inner, _ = c.Args[i].O.(*Thrown)
		}
	}
	c.Allocate(len(e.Message) + len(e.Param) + 64)
	switch {
	case e.Param == "":
	case t == ObjectDisposedException:
		e.Message += "\nObject name: '" + e.Param + "'."
	case e.Bare:
		e.Message, e.Bare = e.Text()+parameter(e.Param), false
	default:
		e.Message += parameter(e.Param)
	}
	return Obj(e)
}

// typeCode is what System.Type says of itself.
func typeCode(name string) Func {
	of := func(f func(*Type) string) Func {
		return func(c *Call) Value { return c.New(f(c.Args[0].O.(*TypeObject).Of())) }
	}
	switch name {
	case "Name":
		return of((*Type).shortName)
	case "FullName", "ToString":
		return of((*Type).FullName)
	case "Namespace":
		return of(func(t *Type) string { return t.Namespace })
	}
	return nil
}

// shortName is Type.Name: List`1, Int32[].
func (t *Type) shortName() string {
	full := t.FullName()
	if t.Kind == ArrayKind {
		return t.Args[0].shortName() + full[len(t.Args[0].FullName()):]
	}
	full, _, _ = strings.Cut(full, "[")
	return full[strings.LastIndexAny(full, ".+")+1:]
}
