package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Kind is a JTokenType.
type Kind byte

// The numbers of JTokenType.
const (
	KindNone Kind = iota
	KindObject
	KindArray
	KindConstructor
	KindProperty
	KindComment
	KindInteger
	KindFloat
	KindString
	KindBoolean
	KindNull
	KindUndefined
	KindDate
	KindRaw
	KindBytes
	KindGuid
	KindURI
	KindTimeSpan
)

var kindNames = [...]string{
	"None", "Object", "Array", "Constructor", "Property", "Comment", "Integer", "Float", "String", "Boolean", "Null", "Undefined",
	"Date", "Raw", "Bytes", "Guid", "Uri", "TimeSpan",
}

func (k Kind) String() string { return kindNames[k] }

const linq = "Newtonsoft.Json.Linq"

// The types of the tree.
var (
	TokenType       = clr.Named(linq, "JToken", 0)
	ContainerType   = clr.Named(linq, "JContainer", 0)
	ObjectType      = clr.Named(linq, "JObject", 0)
	ArrayType       = clr.Named(linq, "JArray", 0)
	PropertyType    = clr.Named(linq, "JProperty", 0)
	ConstructorType = clr.Named(linq, "JConstructor", 0)
	ValueType       = clr.Named(linq, "JValue", 0)
	RawType         = clr.Named(linq, "JRaw", 0)
	KindType        = clr.Named(linq, "JTokenType", 0)
	EnumerableOf    = clr.Named(linq, "JEnumerable", 1)
	BigIntegerType  = clr.Named("System.Numerics", "BigInteger", 0)
	// converterType makes the overloads with "params JsonConverter[]" callable
	// without any, as ToString(Formatting.None) is.
	converterType = clr.Named("Newtonsoft.Json", "JsonConverter", 0)
)

func types() []*clr.Type {
	return []*clr.Type{
		TokenType, ContainerType, ObjectType, ArrayType, PropertyType, ConstructorType, ValueType, RawType, KindType, EnumerableOf,
		BigIntegerType, converterType,
	}
}
