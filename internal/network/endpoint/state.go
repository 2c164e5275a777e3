package endpoint

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/site"
)

// Act is what an operator does to a connection.
type Act string

// The acts of Azure's service providers.
const (
	Approve Act = "approve"
	Reject  Act = "reject"
	Remove  Act = "remove"
)

// States are those of a connection, in the order of the table.
func States() []string {
	return []string{site.ConnectionPending, site.ConnectionApproved, site.ConnectionRejected, site.ConnectionDisconnected}
}

// After is the state that an act leads to, or a [*StateError].
func After(state string, act Act) (string, error) {
	switch {
	case act == Approve && (state == site.ConnectionPending || state == site.ConnectionRejected):
		return site.ConnectionApproved, nil
	case act == Reject && (state == site.ConnectionPending || state == site.ConnectionApproved):
		return site.ConnectionRejected, nil
	case act == Remove && state != site.ConnectionDisconnected:
		return site.ConnectionDisconnected, nil
	}
	return "", &StateError{State: state, Act: act}
}

// StateError is an act that a state does not allow. Nothing was changed.
type StateError struct {
	State string
	Act   Act
}

func (e *StateError) Error() string {
	return fmt.Sprintf("a connection that is %s cannot be %s", e.State, e.Act.done())
}

// Mend says what to do instead; may be empty.
func (e *StateError) Mend() string {
	if e.State == site.ConnectionDisconnected {
		return "a connection that was removed does not come back: give the endpoint another name, service or address in network/ and reload"
	}
	return ""
}

func (a Act) done() string {
	switch a {
	case Approve:
		return "approved"
	case Reject:
		return "rejected"
	}
	return "removed"
}
