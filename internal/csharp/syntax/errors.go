package syntax

import "fmt"

// Error says what is wrong at a place.
type Error struct {
	// Offset is the place in the text that was read, in bytes: of the token
	// that is wrong or has no end, or where something is missing.
	Offset int
	// End is the place behind what is wrong. It equals Offset where something
	// is missing, and where only the place is known.
	End int
	// Code is the C# compiler's own for this, such as CS1002; empty where it
	// has none.
	Code string
	// Reason has no full stop.
	Reason string
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("at byte %d: %s: %s", e.Offset, e.Code, e.Reason)
}

// maxErrors is how many errors of one text are told. More help nobody, and the
// later ones are mostly consequences of the first.
const maxErrors = 20

// tooNew refuses what a later version of C# brought, in the compiler's words.
func tooNew(feature, version string) (code, reason string) {
	return "CS8370", fmt.Sprintf("Feature '%s' is not available in C# 7.3. Please use language version %s or greater", feature, version)
}
