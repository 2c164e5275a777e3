package clr

// Thrown is a .NET exception. It is thrown as a Go panic.
type Thrown struct {
	T       *Type
	Message string
	Inner   *Thrown
	// Param is ParamName of an ArgumentException and its heirs.
	Param string
	// Data are the entries of Exception.Data; nil: none yet.
	Data Object
	// Source, HelpLink and HResult as set.
	Source, HelpLink string
	HResult          int32
	// Bare: no message was given, or null, so that Message is .NET's own.
	Bare bool
	// Made: an expression has made it with new, and not thrown it yet.
	Made bool
}

// Text is the property Message.
func (e *Thrown) Text() string {
	if e.Bare {
		return "Exception of type '" + e.T.FullName() + "' was thrown."
	}
	return e.Message
}

// Type is the exception's.
func (e *Thrown) Type() *Type { return e.T }

func (e *Thrown) Error() string { return e.T.FullName() + ": " + e.Text() }

// exceptionTypes are those that members throw; those that stand in no
// declaration cannot be named by an expression.
var exceptionTypes = map[string]*Type{}

func exceptionType(namespace, name string, base *Type) *Type {
	t := newType(namespace, name, Class)
	t.base, t.Hidden = base, true
	exceptionTypes[t.FullName()] = t
	return t
}

// The exceptions of .NET, with their base classes.
var (
	SystemException                  = exceptionType("System", "SystemException", Exception)
	ArgumentException                = exceptionType("System", "ArgumentException", SystemException)
	ArgumentNullException            = exceptionType("System", "ArgumentNullException", ArgumentException)
	ArgumentOutOfRangeException      = exceptionType("System", "ArgumentOutOfRangeException", ArgumentException)
	ArithmeticException              = exceptionType("System", "ArithmeticException", SystemException)
	DivideByZeroException            = exceptionType("System", "DivideByZeroException", ArithmeticException)
	OverflowException                = exceptionType("System", "OverflowException", ArithmeticException)
	FormatException                  = exceptionType("System", "FormatException", SystemException)
	UriFormatException               = exceptionType("System", "UriFormatException", FormatException)
	IndexOutOfRangeException         = exceptionType("System", "IndexOutOfRangeException", SystemException)
	InvalidCastException             = exceptionType("System", "InvalidCastException", SystemException)
	InvalidOperationException        = exceptionType("System", "InvalidOperationException", SystemException)
	ObjectDisposedException          = exceptionType("System", "ObjectDisposedException", InvalidOperationException)
	NotImplementedException          = exceptionType("System", "NotImplementedException", SystemException)
	NotSupportedException            = exceptionType("System", "NotSupportedException", SystemException)
	NullReferenceException           = exceptionType("System", "NullReferenceException", SystemException)
	RankException                    = exceptionType("System", "RankException", SystemException)
	ArrayTypeMismatchException       = exceptionType("System", "ArrayTypeMismatchException", SystemException)
	TimeoutException                 = exceptionType("System", "TimeoutException", SystemException)
	OutOfMemoryException             = exceptionType("System", "OutOfMemoryException", SystemException)
	InvalidTimeZoneException         = exceptionType("System", "InvalidTimeZoneException", Exception)
	TimeZoneNotFoundException        = exceptionType("System", "TimeZoneNotFoundException", Exception)
	KeyNotFoundException             = exceptionType("System.Collections.Generic", "KeyNotFoundException", SystemException)
	DecoderFallbackException         = exceptionType("System.Text", "DecoderFallbackException", ArgumentException)
	EncoderFallbackException         = exceptionType("System.Text", "EncoderFallbackException", ArgumentException)
	RegexTimeoutException            = exceptionType("System.Text.RegularExpressions", "RegexMatchTimeoutException", TimeoutException)
	CryptographicException           = exceptionType("System.Security.Cryptography", "CryptographicException", SystemException)
	UnexpectedCryptographicException = exceptionType("System.Security.Cryptography", "CryptographicUnexpectedOperationException", CryptographicException)
	SocketException                  = exceptionType("System.Net.Sockets", "SocketException", SystemException)
	XmlException                     = exceptionType("System.Xml", "XmlException", SystemException)
	XMLSyntaxException               = exceptionType("System.Security", "XmlSyntaxException", SystemException)
	PlatformNotSupportedException    = exceptionType("System", "PlatformNotSupportedException", NotSupportedException)
	IOException                      = exceptionType("System.IO", "IOException", SystemException)
	FileNotFoundException            = exceptionType("System.IO", "FileNotFoundException", IOException)
	DirectoryNotFoundException       = exceptionType("System.IO", "DirectoryNotFoundException", IOException)
	JsonException                    = exceptionType("Newtonsoft.Json", "JsonException", Exception)
	JsonReaderException              = exceptionType("Newtonsoft.Json", "JsonReaderException", JsonException)
	JsonSerializationException       = exceptionType("Newtonsoft.Json", "JsonSerializationException", JsonException)
	JsonWriterException              = exceptionType("Newtonsoft.Json", "JsonWriterException", JsonException)
	SerializationException           = exceptionType("System.Runtime.Serialization", "SerializationException", SystemException)
	SwitchExpressionException        = exceptionType("System.Runtime.CompilerServices", "SwitchExpressionException", InvalidOperationException)
)

// Throw throws an exception with this message.
func (t *Thread) Throw(of *Type, message string) {
	t.Allocate(len(message) + 64)
	panic(&Thrown{T: of, Message: message})
}

// ThrowArgumentNull throws ArgumentNullException(name).
func (t *Thread) ThrowArgumentNull(name string) {
	panic(&Thrown{T: ArgumentNullException, Message: "Value cannot be null." + parameter(name), Param: name})
}

// ThrowArgument throws ArgumentException(message, name); name may be empty.
func (t *Thread) ThrowArgument(message, name string) {
	panic(&Thrown{T: ArgumentException, Message: message + parameter(name), Param: name})
}

// ThrowRange throws ArgumentOutOfRangeException(name, message).
func (t *Thread) ThrowRange(name, message string) {
	panic(&Thrown{T: ArgumentOutOfRangeException, Message: message + parameter(name), Param: name})
}

// parameter is how .NET names the parameter in a message.
func parameter(name string) string {
	if name == "" {
		return ""
	}
	return "\nParameter name: " + name
}

// ThrowFormat throws FormatException.
func (t *Thread) ThrowFormat(message string) { t.Throw(FormatException, message) }

// ThrowOverflow throws OverflowException with .NET's message for arithmetic.
func (t *Thread) ThrowOverflow() {
	t.Throw(OverflowException, "Arithmetic operation resulted in an overflow.")
}

// ThrowNull throws NullReferenceException.
func (t *Thread) ThrowNull() {
	t.Throw(NullReferenceException, "Object reference not set to an instance of an object.")
}

// ThrowCast throws InvalidCastException for a value that is not of a type. Only
// where a reference was to be cast, .NET names the types.
func (t *Thread) ThrowCast(from, to *Type) {
	if from == nil {
		t.ThrowNull()
	}
	if to == nil || to.IsValue() {
		t.Throw(InvalidCastException, "Specified cast is not valid.")
	}
	t.Throw(InvalidCastException, "Unable to cast object of type '"+from.FullName()+"' to type '"+to.FullName()+"'.")
}

// ThrowIndex throws IndexOutOfRangeException.
func (t *Thread) ThrowIndex() {
	t.Throw(IndexOutOfRangeException, "Index was outside the bounds of the array.")
}
