package mono

import (
	"regexp"
	"strings"

	"github.com/cloister-ai/cloister/test/oracle"
)

// asNET takes out of an answer what Mono's own runtime and compiler say
// otherwise than .NET's in every program. Its class library is Microsoft's
// published one and needs no such care.
func asNET(a oracle.Answer) oracle.Answer {
	// The names of compiler-made types: mcs counts <>__AnonType0 where csc
	// counts <>f__AnonymousType0. Their numbers depend on the whole program.
	a.Type = anonymous.ReplaceAllString(a.Type, "<>f__AnonymousType0")
	if a.Error == nil {
		return a
	}
	switch {
	case a.Error.Type == "System.NullReferenceException" && a.Error.Message == nullReference:
		a.Error.Message = nullReference + "."
	case a.Error.Type == "System.ArrayTypeMismatchException" && strings.HasPrefix(a.Error.Message, "Source array of type"):
		a.Error.Message = "Attempted to access an element as a type incompatible with the array."
	}
	return a
}

var anonymous = regexp.MustCompile(`<>__AnonType\d+`)

// nullReference is the text that Mono's runtime has in its C code; .NET's ends
// with a full stop (resource Arg_NullReferenceException).
const nullReference = "Object reference not set to an instance of an object"
