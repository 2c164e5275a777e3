// Package text is .NET's text for policy expressions: System.String, Char,
// Boolean, StringBuilder, Encoding, StringComparer, Uri, WebUtility,
// StringReader and StringWriter, IPAddress, and what every object and exception
// has.
//
// Answers, exception types and messages are those of the .NET Framework as
// Mono gives them, in the invariant culture; test/oracle/table has the rows.
// Places and lengths count UTF-16 code units, whatever the bytes are. Members
// of ASCII text neither decode nor allocate without need. What works through a
// text takes steps by its length, what makes one takes memory before it does.
//
// It does not have other cultures, encodings that change state (UTF-7 is the
// exception), nor internationalised names beyond what golang.org/x/net/idna
// knows. Failures are thrown as [clr.Thrown].
package text

import (
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Family is the code of the types above.
func Family() clr.Family {
	return clr.Family{
		Name: "text",
		Do: join(
			objectMembers, exceptionMembers, booleanMembers,
			charMembers, charClassMembers,
			stringMembers, stringMakeMembers, stringCompareMembers, stringFindMembers, stringLastMembers, stringChangeMembers, stringSplitMembers,
			comparerMembers,
			builderMembers, builderAppendMembers, builderInsertMembers, builderChangeMembers,
			encodingMembers, encodingBytesMembers,
			uriMembers, uriMakeMembers, uriStaticMembers,
			webMembers, addressMembers, readerMembers, writerMembers,
		),
		Fast: map[string]any{
			"System.String.operator ==(string, string)": func(a, b string) bool { return a == b },
			"System.String.operator !=(string, string)": func(a, b string) bool { return a != b },
			"System.String.Equals(string)":              func(a, b string) bool { return a == b },
			"System.String.Contains(string)":            containsOrdinal,
			"System.String.StartsWith(string)":          func(s, prefix string) bool { return hasPrefix(s, prefix, false) },
			"System.String.EndsWith(string)":            func(s, suffix string) bool { return hasSuffix(s, suffix, false) },
			"System.String.IsNullOrEmpty(string)":       func(s string) bool { return s == "" },
			"System.String.IsNullOrWhiteSpace(string)":  isBlank,
			"System.String.Trim()":                      func(s string) string { return trimRunes(s, isSpace, true, true) },
			"System.String.Length":                      func(s string) int32 { return int32(clr.Length(s)) },
		},
		Types: append([]*clr.Type{builderType, readerType, writerType, addressType, uriType, leaseType}, encodingTypes...),
		Hooks: map[string]*clr.Hooks{
			"System.Boolean":            booleanHooks,
			"System.Char":               charHooks,
			"System.String":             stringHooks,
			"System.Exception":          exceptionHooks,
			"System.Text.StringBuilder": builderHooks,
			"System.Text.Encoding":      encodingHooks,
			"System.IO.StringWriter":    writerHooks,
			"System.Uri":                uriHooks,
			"System.Net.IPAddress":      addressHooks,
		},
	}
}

func join(parts ...map[string]clr.Func) map[string]clr.Func {
	all := map[string]clr.Func{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}

// Messages that many members share.
const (
	indexMessage     = "Index was out of range. Must be non-negative and less than the size of the collection."
	countMessage     = "Count must be positive and count must refer to a location within the string/array/collection."
	negativeCount    = "Count cannot be less than zero."
	negativeStart    = "StartIndex cannot be less than zero."
	negativeLength   = "Length cannot be less than zero."
	rangeMessage     = "Specified argument was out of the range of valid values."
	formatMessage    = "Input string was not in a correct format."
	nonNegative      = "Non-negative number required."
	bufferMessage    = "Index and count must refer to a location within the buffer."
	comparisonIsNone = "The string comparison type passed in is currently not supported."
)
