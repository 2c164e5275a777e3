package clr

import "math"

// Value is one value of .NET. The zero Value is null.
//
//	null, a nullable without value   O == nil
//	string                           O == String, S: UTF-8, with lone surrogates in WTF-8
//	bool, char, integers, enums      O is the type, N the bits; signed ones are sign-extended
//	float, double                    O is the type, N: math.Float64bits, of a float too
//	DateTime, TimeSpan, Guid, …      O is the type; N and S as the type's file says
//	everything else                  O is the object
//
// A value type that is boxed, or in a nullable, is the same Value.
type Value struct {
	N uint64
	S string
	O Object
}

// Object is what a Value refers to. Its type never changes.
type Object interface{ Type() *Type }

// Null is the null reference.
var Null = Value{}

// IsNull reports the null reference, or a nullable without value.
func (v Value) IsNull() bool { return v.O == nil }

// Type is the value's own type; nil for null.
func (v Value) Type() *Type {
	if v.O == nil {
		return nil
	}
	return v.O.Type()
}

// Is reports whether the value is of exactly that type.
func (v Value) Is(t *Type) bool { return v.O != nil && v.O.Type() == t }

// Bool makes a System.Boolean.
func Bool(b bool) Value {
	if b {
		return Value{N: 1, O: Boolean}
	}
	return Value{O: Boolean}
}

// Char makes a System.Char of a UTF-16 code unit.
func CharOf(c uint16) Value { return Value{N: uint64(c), O: Char} }

// Int makes a System.Int32.
func Int(i int32) Value { return Value{N: uint64(int64(i)), O: Int32} }

// Long makes a System.Int64.
func Long(i int64) Value { return Value{N: uint64(i), O: Int64} }

// Float makes a System.Double.
func Float(f float64) Value { return Value{N: math.Float64bits(f), O: Double} }

// Single32 makes a System.Single.
func Single32(f float32) Value { return Value{N: math.Float64bits(float64(f)), O: Single} }

// Str makes a System.String.
func Str(s string) Value { return Value{S: s, O: String} }

// Number makes a value of a type that lies in N: an integer type, an enum.
func Number(t *Type, n int64) Value { return Value{N: uint64(n), O: t} }

// Obj makes a reference; a nil o is a bug, see [Null].
func Obj(o Object) Value { return Value{O: o} }

// Bool is the value of a System.Boolean.
func (v Value) Bool() bool { return v.N != 0 }

// Int is the value of an integer type or an enum, as 64 bits with its sign.
func (v Value) Int() int64 { return int64(v.N) }

// Float is the value of a System.Double or System.Single.
func (v Value) Float() float64 { return math.Float64frombits(v.N) }
