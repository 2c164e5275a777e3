package number

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Convertible is an object that is IConvertible and that no other rule of this
// file knows: a JValue. It is converted by the explicit conversions of its
// class.
type Convertible interface {
	clr.Object
	// Convertible is the value within, which says the TypeCode; null is Empty.
	Convertible() clr.Value
}

// targets are the types that System.Convert converts between.
var targets = []*clr.Type{
	clr.Boolean, clr.Char, clr.SByte, clr.Byte, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64,
	clr.Single, clr.Double, clr.Decimal, clr.DateTime, clr.String,
}

// To is what System.Convert makes of a value: of numbers by rounding to even,
// of text by reading it. It throws as .NET does; null is zero, false or an
// empty string.
func To(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	from := v.Type()
	switch {
	case from == nil && to == clr.String:
		return clr.Str("")
	case from == nil:
		return clr.Zero(to)
	case to == clr.String && !convertible(v):
		return t.New(t.Text(v))
	case !convertible(v):
		t.Throw(clr.InvalidCastException, "Specified cast is not valid.")
	case from == to:
		return v
	}
	return convert(t, v, to)
}

// convertible reports that the value's type is IConvertible.
func convertible(v clr.Value) bool {
	if _, ok := v.O.(Convertible); ok {
		return true
	}
	from := v.Type()
	return codes[from] != 0 || from.Kind == clr.Enum || from == dbNullType
}

// convert converts a value that is neither null nor of type to.
func convert(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	from := v.Type()
	if _, ok := v.O.(Convertible); ok {
		if to == clr.String {
			return t.New(t.Text(v))
		}
		return byOperator(t, v, to)
	}
	name := from.Name
	if from.Kind == clr.Enum {
		if to == clr.String {
			return t.New(t.Text(v))
		}
		from, name = underlying(from), "Enum"
		v = clr.Value{N: v.N, O: from}
	}
	switch {
	case from == dbNullType && to != clr.String:
		t.Throw(clr.InvalidCastException, "Object cannot be cast from DBNull to other types.")
	case from == to:
		return v
	case to == clr.String:
		return t.New(t.Text(v))
	case from == clr.String:
		return fromText(t, v.S, to)
	case to == clr.DateTime, from == clr.DateTime,
		from == clr.Char && !isInteger(to),
		to == clr.Char && !isInteger(from):
		badCast(t, name, to.Name)
	case to == clr.Boolean:
		return clr.Bool(!isZero(v))
	case from == clr.Boolean:
		return number(t, clr.Int(int32(v.N)), to)
	}
	return number(t, v, to)
}

// byOperator calls the explicit conversion that a class declares.
func byOperator(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	for _, of := range v.Type().Supers() {
		for _, m := range of.Members("explicit") {
			if m.Result == to && m.Params[0].Type == of && m.Do != nil {
				return m.Do(&clr.Call{Thread: t, Args: []clr.Value{v}, In: of, Result: to})
			}
		}
	}
	badCast(t, v.Type().Name, to.Name)
	return clr.Value{}
}

func badCast(t *clr.Thread, from, to string) {
	t.Throw(clr.InvalidCastException, "Invalid cast from '"+from+"' to '"+to+"'.")
}

func isInteger(t *clr.Type) bool {
	_, ok := widthOf(t)
	return ok && t != clr.Char
}

func isZero(v clr.Value) bool {
	switch v.Type() {
	case clr.Single, clr.Double:
		return v.Float() == 0
	case clr.Decimal:
		return DecimalOf(v).IsZero()
	}
	return v.N == 0
}

// number converts between numbers, with rounding.
func number(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	w, integer := widthOf(to)
	from := v.Type()
	switch {
	case !integer:
		return Convert(t, v, to, true)
	case clr.IsFloat(from):
		return roundFloat(t, v.Float(), w, to)
	case from == clr.Decimal:
		d := DecimalOf(v).Round(0, ToEven)
		n, err := d.integer(w)
		if err != nil {
			t.Throw(clr.OverflowException, doesNotFit(to))
		}
		return clr.Value{N: n, O: to}
	}
	fw, _ := widthOf(from)
	if !w.holds(v.N, fw) {
		t.Throw(clr.OverflowException, doesNotFit(to))
	}
	return clr.Value{N: w.wrap(v.N), O: to}
}

// roundFloat rounds to an integer type. The small ones go through Int32, whose
// error they show, and those of 64 bits fail as arithmetic does.
func roundFloat(t *clr.Thread, f float64, w width, to *clr.Type) clr.Value {
	whole := math.RoundToEven(f)
	if w.size < 32 {
		if n, fits := (width{32, true}).truncate(whole); !fits {
			t.Throw(clr.OverflowException, doesNotFit(clr.Int32))
		} else if w.wrap(n) != n {
			t.Throw(clr.OverflowException, doesNotFit(to))
		}
	}
	n, fits := w.truncate(whole)
	switch {
	case fits && f == f:
		return clr.Value{N: n, O: to}
	case w.size == 64:
		t.ThrowOverflow()
	}
	t.Throw(clr.OverflowException, doesNotFit(to))
	return clr.Value{}
}

// fromText reads text, null excluded.
func fromText(t *clr.Thread, s string, to *clr.Type) clr.Value {
	switch to {
	case clr.Boolean:
		return member(t, clr.Boolean, "Parse", clr.Str(s))
	case clr.DateTime:
		return member(t, clr.DateTime, "Parse", clr.Str(s))
	case clr.Char:
		if len(s) > 4 || clr.Length(s) != 1 {
			t.ThrowFormat("String must be exactly one character long.")
		}
		return clr.CharOf(clr.CharAt(s, 0))
	}
	return Parsed(t, to, s)
}

// member calls a static member with one string of a type whose code is in a
// package above this one.
func member(t *clr.Thread, of *clr.Type, name string, args ...clr.Value) clr.Value {
	for _, m := range of.Members(name) {
		if m.Static && len(m.Params) == len(args) && m.Params[0].Type == args[0].Type() && m.Do != nil {
			return m.Do(&clr.Call{Thread: t, Args: args, In: of, Result: m.Result})
		}
	}
	panic("number: nobody has written " + of.FullName() + "." + name)
}
