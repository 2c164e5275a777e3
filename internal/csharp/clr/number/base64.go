package number

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const (
	badBase64 = "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, " +
		"or an illegal character among the padding characters."
	offsetMessage    = "Offset and length must refer to a position in the string."
	offsetOutMessage = "Either offset did not refer to a position in the string, or there is an insufficient length of destination character array."
)

// base64Members are those of System.Convert for base 64.
var base64Members = funcs{
	"System.Convert.FromBase64String(string)": func(c *clr.Call) clr.Value { return fromBase64(c, c.Text(0, "s")) },
	"System.Convert.FromBase64CharArray(char[], int, int)": func(c *clr.Call) clr.Value {
		a := c.NotNull(0, "inArray").(*clr.ArrayObject)
		from, count := c.Int(1), c.Int(2)
		switch {
		case count < 0:
			c.ThrowRange("length", indexMessage)
		case from < 0:
			c.ThrowRange("offset", positiveMessage)
		case from > a.Len()-count:
			c.ThrowRange("offset", offsetMessage)
		}
		c.Work(count)
		c.Allocate(3 * count)
		text := make([]byte, 0, count)
		for i := range count {
			text = clr.AppendChar(text, uint16(a.At(from+i).N))
		}
		return fromBase64(c, string(text))
	},
	"System.Convert.ToBase64String(byte[])":                                                    toBase64,
	"System.Convert.ToBase64String(byte[], Base64FormattingOptions)":                           toBase64,
	"System.Convert.ToBase64String(byte[], int, int)":                                          toBase64,
	"System.Convert.ToBase64String(byte[], int, int, Base64FormattingOptions)":                 toBase64,
	"System.Convert.ToBase64CharArray(byte[], int, int, char[], int)":                          toBase64Array,
	"System.Convert.ToBase64CharArray(byte[], int, int, char[], int, Base64FormattingOptions)": toBase64Array,
}

func fromBase64(c *clr.Call, s string) clr.Value {
	c.Work(len(s) / 8)
	c.Allocate(len(s))
	out, err := DecodeBase64(s)
	if err != nil {
		c.ThrowFormat(badBase64)
	}
	return clr.Obj(&clr.ArrayObject{T: clr.Byte.ArrayOf(1), Bytes: out})
}

// DecodeBase64 is Convert.FromBase64String: white space stands anywhere, and
// padding is needed.
func DecodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, " \t") {
		s = strings.NewReplacer(" ", "", "\t", "").Replace(s)
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(out, []byte(s)) // which skips new lines
	if err != nil {
		return nil, ErrFormat
	}
	return out[:n], nil
}

// lineBreaks is Base64FormattingOptions.InsertLineBreaks, lineLength what a
// line has.
const (
	lineBreaks = 1
	lineLength = 76
)

// encode writes base 64, in lines or not.
func encode(c *clr.Call, b []byte, lines bool) string {
	n := base64.StdEncoding.EncodedLen(len(b))
	c.Work(n / 8)
	c.Allocate(n)
	text := base64.StdEncoding.EncodeToString(b)
	if !lines || n <= lineLength {
		return text
	}
	c.Allocate(n + n/lineLength*2)
	var out strings.Builder
	for ; len(text) > lineLength; text = text[lineLength:] {
		out.WriteString(text[:lineLength])
		out.WriteString("\r\n")
	}
	out.WriteString(text)
	return out.String()
}

func checkOptions(c *clr.Call, options int) bool {
	if options&^lineBreaks != 0 {
		c.ThrowArgument("Illegal enum value: "+strconv.Itoa(options)+".", "options")
	}
	return options == lineBreaks
}

// toBase64 has a range where there are three arguments or four, and options
// last where there are two or four.
func toBase64(c *clr.Call) clr.Value {
	b := bytesOf(c, 0, "inArray")
	from, count, options := 0, len(b), 0
	if len(c.Args) > 2 {
		from, count = c.Int(1), c.Int(2)
	}
	if len(c.Args)%2 == 0 {
		options = c.Int(len(c.Args) - 1)
	}
	switch {
	case count < 0:
		c.ThrowRange("length", indexMessage)
	case from < 0:
		c.ThrowRange("offset", positiveMessage)
	}
	lines := checkOptions(c, options)
	if from > len(b)-count {
		c.ThrowRange("offset", offsetMessage)
	}
	return clr.Str(encode(c, b[from:from+count], lines))
}

func toBase64Array(c *clr.Call) clr.Value {
	b, out := bytesOf(c, 0, "inArray"), c.NotNull(3, "outArray").(*clr.ArrayObject)
	from, count, at := c.Int(1), c.Int(2), c.Int(4)
	switch {
	case count < 0:
		c.ThrowRange("length", indexMessage)
	case from < 0:
		c.ThrowRange("offsetIn", positiveMessage)
	case at < 0:
		c.ThrowRange("offsetOut", positiveMessage)
	}
	lines := len(c.Args) > 5 && checkOptions(c, c.Int(5))
	if from > len(b)-count {
		c.ThrowRange("offsetIn", offsetMessage)
	}
	if len(b) == 0 {
		return clr.Int(0)
	}
	text := encode(c, b[from:from+count], lines)
	if at > out.Len()-len(text) {
		c.ThrowRange("offsetOut", offsetOutMessage)
	}
	if at == out.Len() { // .NET looks at the place where it would begin
		c.ThrowIndex()
	}
	for i := range len(text) {
		out.Put(at+i, clr.CharOf(uint16(text[i])))
	}
	return clr.Int(int32(len(text)))
}
