package acquire

import "fmt"

// Kinds of credentials.
const (
	KindManagedIdentity = "managed identity"
	KindClientSecret    = "client secret"
)

// Error is a token that was not obtained. It holds nothing secret.
type Error struct {
	// Kind is one of the Kind constants.
	Kind string
	// Where is the host that was asked; empty where it did not come to that.
	Where string
	// Status is the answer's; 0 without an answer.
	Status int
	// Code is the OAuth error code or the number of Entra ID's error
	// ("invalid_client", "AADSTS7000215"); may be empty.
	Code string
	// Reason is for the operator, without a full stop.
	Reason string
	// Err is the cause, an egress refusal among others; may be nil.
	Err error
}

func (e *Error) Error() string {
	s := "obtaining a token by " + e.Kind
	if e.Where != "" {
		s += " from " + e.Where
	}
	s += ": " + e.Reason
	if e.Status != 0 {
		s += fmt.Sprintf(" (status %d", e.Status)
		if e.Code != "" {
			s += ", " + e.Code
		}
		s += ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
