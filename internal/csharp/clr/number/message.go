package number

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// tooLarge is .NET's message for a number that does not fit a type.
func tooLarge(article string, t *clr.Type) string {
	return "Value was either too large or too small for " + article + " " + t.Name + "."
}

// doesNotFit is the message with which each type says it.
func doesNotFit(t *clr.Type) string {
	if t.Kind == clr.Enum && t.Underlying != nil {
		t = t.Underlying
	}
	switch t {
	case clr.SByte:
		return "Value was either too large or too small for a signed byte."
	case clr.Byte:
		return "Value was either too large or too small for an unsigned byte."
	case clr.Char:
		return "Value was either too large or too small for a character."
	case clr.Int16, clr.Int32, clr.Int64:
		return tooLarge("an", t)
	}
	return tooLarge("a", t)
}
