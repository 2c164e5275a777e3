package openai

import "strconv"

// Reason says why a request body was refused. The values are stable: they
// stand in records and metrics.
type Reason string

// The reasons of [ScanError].
const (
	ReasonTooLarge      Reason = "too-large"
	ReasonTooDeep       Reason = "too-deep"
	ReasonTooMany       Reason = "too-many-members"
	ReasonSyntax        Reason = "syntax"
	ReasonNotObject     Reason = "not-an-object"
	ReasonTrailing      Reason = "trailing-data"
	ReasonDuplicate     Reason = "duplicate-member"
	ReasonCaseVariant   Reason = "case-variant"
	ReasonUTF8          Reason = "invalid-utf8"
	ReasonLoneSurrogate Reason = "lone-surrogate"
	ReasonType          Reason = "wrong-type"
	ReasonValue         Reason = "value-out-of-range"
)

// ScanError says why and where a request body was refused. It holds nothing
// that the caller sent but the place.
type ScanError struct {
	// Offset is the byte at which reading ended, from 0.
	Offset int
	Reason Reason
	// Member is the member that the reason is about, where it is one that the
	// gateway reads; else empty.
	Member string
}

// Error returns text that a caller may see.
func (e *ScanError) Error() string {
	s := "the request body is refused at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason.text()
	if e.Member != "" {
		s += " (" + e.Member + ")"
	}
	return s
}

func (r Reason) text() string {
	switch r {
	case ReasonTooLarge:
		return "it is larger than 32 MiB"
	case ReasonTooDeep:
		return "it is nested deeper than 64 levels"
	case ReasonTooMany:
		return "an object has more than 128 members"
	case ReasonNotObject:
		return "it is not a JSON object"
	case ReasonTrailing:
		return "data follows the JSON object"
	case ReasonDuplicate:
		return "an object has the same member twice"
	case ReasonCaseVariant:
		return "a member is spelled in another case"
	case ReasonUTF8:
		return "it is not valid UTF-8"
	case ReasonLoneSurrogate:
		return "a string holds half of a surrogate pair"
	case ReasonType:
		return "a member has the wrong type"
	case ReasonValue:
		return "a member's value is out of range"
	}
	return "it is not valid JSON"
}
