package text

import (
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const (
	nullArray    = "Array cannot be null."
	nullString   = "String reference not set to an instance of a String."
	inString     = "Index and count must refer to a location within the string."
	mostExpanded = 6 // bytes of a byte: U+FFFD, in and out
)

// throwNull throws ArgumentNullException with a message of its own.
func throwNull(message, param string) {
	panic(&clr.Thrown{T: clr.ArgumentNullException, Message: message + "\nParameter name: " + param, Param: param})
}

// Bytes is Encoding.GetBytes(s).
func (e *Encoding) Bytes(t *clr.Thread, s string) []byte {
	n := len(s)
	if _, plain := e.codec.(utf8Codec); !plain {
		n *= e.most + 1
	}
	t.Allocate(n)
	t.Work(n / 32)
	return e.codec.encode(s)
}

// Text is Encoding.GetString(b).
func (e *Encoding) Text(t *clr.Thread, b []byte) string {
	t.Allocate(len(b))
	t.Work(len(b) / 32)
	if e != utf8Encoding || !utf8.Valid(b) {
		t.Allocate(mostExpanded * len(b))
		t.Work(len(b) / 4)
	}
	return e.codec.decode(b)
}

// arrayOf is argument i, an array, or the throw of ArgumentNullException.
func arrayOf(c *clr.Call, i int, param string) *clr.ArrayObject {
	if c.Args[i].O == nil {
		throwNull(nullArray, param)
	}
	return c.Args[i].O.(*clr.ArrayObject)
}

// checked checks index and count, arguments i and i+1, of something of n elements;
// names are theirs and that of the thing.
func checked(c *clr.Call, i, n int, names [3]string, message string) (from, count int) {
	from, count = c.Int(i), c.Int(i+1)
	switch {
	case from < 0:
		c.ThrowRange(names[0], nonNegative)
	case count < 0:
		c.ThrowRange(names[1], nonNegative)
	case n-from < count:
		c.ThrowRange(names[2], message)
	}
	return from, count
}

// charsPart is the text of a char[] at argument 1, of which the arguments 2 and
// 3 are a part; first names the parameters.
func charsPart(c *clr.Call, names [3]string) string {
	a := arrayOf(c, 1, "chars")
	from, n := checked(c, 2, a.Len(), names, bufferMessage)
	return fromChars(c, charsOf(a, from, n)).S
}

var (
	charNames  = [3]string{"index", "count", "chars"}
	byteNames  = [3]string{"index", "count", "bytes"}
	charPlaces = [3]string{"charIndex", "charCount", "chars"}
	bytePlaces = [3]string{"byteIndex", "byteCount", "bytes"}
)

// stringName is how the parameter of a string is called; ASCII has it otherwise.
func stringName(e *Encoding) string {
	if e.t == asciiType {
		return "chars"
	}
	return "s"
}

func bytesOf(c *clr.Call, s string) clr.Value {
	b := encodingOf(c).Bytes(c.Thread, s)
	return c.BytesValue(b)
}

func byteCount(c *clr.Call, s string) clr.Value {
	return clr.Int(int32(len(encodingOf(c).Bytes(c.Thread, s))))
}

func bytesPart(c *clr.Call, names [3]string) []byte {
	a := arrayOf(c, 1, "bytes")
	from, n := checked(c, 2, a.Len(), names, bufferMessage)
	return a.Bytes[from : from+n]
}

// putBytes writes the bytes of s into the byte[] at argument 4, from argument 5
// on.
func putBytes(c *clr.Call, s string) clr.Value {
	e, to, at := encodingOf(c), c.Args[4].O.(*clr.ArrayObject), c.Int(5)
	if at < 0 || at > to.Len() {
		c.ThrowRange("byteIndex", indexMessage)
	}
	b := e.Bytes(c.Thread, s)
	if len(b) > to.Len()-at {
		fallback := "System.Text.EncoderReplacementFallback"
		if e == latinEncoding {
			fallback = "System.Text.InternalEncoderBestFitFallback"
		}
		c.ThrowArgument("The output byte buffer is too small to contain the encoded data, encoding '"+e.title+"' fallback '"+fallback+"'.", "bytes")
	}
	copy(to.Bytes[at:], b)
	return clr.Int(int32(len(b)))
}

var encodingBytesMembers = map[string]clr.Func{
	"System.Text.Encoding.GetBytes(string)": func(c *clr.Call) clr.Value {
		if c.Args[1].O == nil {
			throwNull(nullString, "s")
		}
		return bytesOf(c, c.Args[1].S)
	},
	"System.Text.Encoding.GetBytes(string, int, int)": func(c *clr.Call) clr.Value {
		if c.Args[1].O == nil {
			throwNull(nullString, "s")
		}
		s := c.Args[1].S
		from, n := checked(c, 2, length(c.Thread, s), [3]string{"index", "count", "index"}, inString)
		return bytesOf(c, slice(s, from, from+n))
	},
	"System.Text.Encoding.GetBytes(string, int, int, byte[], int)": func(c *clr.Call) clr.Value {
		name := stringName(encodingOf(c))
		if c.Args[1].O == nil {
			throwNull(nullArray, name)
		}
		arrayOf(c, 4, "bytes")
		s := c.Args[1].S
		from, n := checked(c, 2, length(c.Thread, s), [3]string{"charIndex", "charCount", name}, inString)
		return putBytes(c, slice(s, from, from+n))
	},
	"System.Text.Encoding.GetBytes(char[])": func(c *clr.Call) clr.Value {
		arrayOf(c, 1, "chars")
		return bytesOf(c, charsText(c, 1))
	},
	"System.Text.Encoding.GetBytes(char[], int, int)": func(c *clr.Call) clr.Value { return bytesOf(c, charsPart(c, charNames)) },
	"System.Text.Encoding.GetBytes(char[], int, int, byte[], int)": func(c *clr.Call) clr.Value {
		arrayOf(c, 1, "chars")
		arrayOf(c, 4, "bytes")
		return putBytes(c, charsPart(c, charPlaces))
	},

	"System.Text.Encoding.GetByteCount(string)": func(c *clr.Call) clr.Value {
		return byteCount(c, c.Text(1, stringName(encodingOf(c))))
	},
	"System.Text.Encoding.GetByteCount(string, int, int)": func(c *clr.Call) clr.Value {
		if c.Args[1].O == nil {
			c.ThrowNull()
		}
		s := c.Args[1].S
		from, n := checked(c, 2, length(c.Thread, s), charNames, bufferMessage)
		return byteCount(c, slice(s, from, from+n))
	},
	"System.Text.Encoding.GetByteCount(char[])": func(c *clr.Call) clr.Value {
		arrayOf(c, 1, "chars")
		return byteCount(c, charsText(c, 1))
	},
	"System.Text.Encoding.GetByteCount(char[], int, int)": func(c *clr.Call) clr.Value { return byteCount(c, charsPart(c, charNames)) },

	"System.Text.Encoding.GetString(byte[])": func(c *clr.Call) clr.Value {
		return clr.Str(encodingOf(c).Text(c.Thread, arrayOf(c, 1, "bytes").Bytes))
	},
	"System.Text.Encoding.GetString(byte[], int, int)": func(c *clr.Call) clr.Value {
		names := byteNames
		if encodingOf(c).t == asciiType {
			names = bytePlaces
		}
		return clr.Str(encodingOf(c).Text(c.Thread, bytesPart(c, names)))
	},
	"System.Text.Encoding.GetChars(byte[])": func(c *clr.Call) clr.Value {
		return charArray(c.Thread, encodingOf(c).Text(c.Thread, arrayOf(c, 1, "bytes").Bytes))
	},
	"System.Text.Encoding.GetChars(byte[], int, int)": func(c *clr.Call) clr.Value {
		return charArray(c.Thread, encodingOf(c).Text(c.Thread, bytesPart(c, byteNames)))
	},
	"System.Text.Encoding.GetChars(byte[], int, int, char[], int)": charsInto,
	"System.Text.Encoding.GetCharCount(byte[])": func(c *clr.Call) clr.Value {
		return clr.Int(int32(length(c.Thread, encodingOf(c).Text(c.Thread, arrayOf(c, 1, "bytes").Bytes))))
	},
	"System.Text.Encoding.GetCharCount(byte[], int, int)": func(c *clr.Call) clr.Value {
		return clr.Int(int32(length(c.Thread, encodingOf(c).Text(c.Thread, bytesPart(c, byteNames)))))
	},

	"System.Text.Encoding.Convert(Encoding, Encoding, byte[])":           convertBytes,
	"System.Text.Encoding.Convert(Encoding, Encoding, byte[], int, int)": convertBytes,
}

func charsInto(c *clr.Call) clr.Value {
	e := encodingOf(c)
	arrayOf(c, 1, "bytes")
	to, at := arrayOf(c, 4, "chars"), c.Int(5)
	part := bytesPart(c, bytePlaces)
	if at < 0 || at > to.Len() {
		c.ThrowRange("charIndex", indexMessage)
	}
	s := e.Text(c.Thread, part)
	n := length(c.Thread, s)
	if n > to.Len()-at {
		fallback := "System.Text.DecoderReplacementFallback"
		switch e.t {
		case utf7Type:
			fallback = "System.Text.UTF7Encoding+DecoderUTF7Fallback"
		case latinType:
			fallback = "System.Text.InternalDecoderBestFitFallback"
		}
		c.ThrowArgument("The output char buffer is too small to contain the decoded characters, encoding '"+e.title+"' fallback '"+fallback+"'.", "chars")
	}
	putChars(to, at, s)
	return clr.Int(int32(n))
}

func convertBytes(c *clr.Call) clr.Value {
	switch {
	case c.Args[0].O == nil:
		throwNull(nullArray, "srcEncoding")
	case c.Args[1].O == nil:
		throwNull(nullArray, "dstEncoding")
	}
	if len(c.Args) == 3 {
		c.NotNull(2, "bytes")
	}
	b := arrayOf(c, 2, "bytes").Bytes
	if len(c.Args) > 3 {
		from, n := checked(c, 3, len(b), byteNames, bufferMessage)
		b = b[from : from+n]
	}
	s := encodingOf(c).Text(c.Thread, b)
	return c.BytesValue(c.Args[1].O.(*Encoding).Bytes(c.Thread, s))
}
