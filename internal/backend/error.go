package backend

import (
	"fmt"
	"time"
)

// ConnectError is a request that no connection could be made for. Not one
// byte of it was sent.
type ConnectError struct {
	// Backend and Host are those that were tried last; where the budget is
	// used up, first.
	Backend, Host string
	// Err is the cause: an *egress.RefusedError, a TLS error, the kernel's.
	Err error
	// BudgetUsedUp says that a pool had another member, which was not tried
	// because [Options].Retries said no.
	BudgetUsedUp bool
}

func (e *ConnectError) Error() string {
	text := fmt.Sprintf("connecting to backend %q at %s: %v", e.Backend, e.Host, e.Err)
	if e.BudgetUsedUp {
		text += "; no further member of the pool was tried, because the retry budget is used up"
	}
	return text
}

func (e *ConnectError) Unwrap() error { return e.Err }

// OpenError is a request that was not sent, because the circuit of the backend,
// or of every member of the pool, is open.
type OpenError struct {
	Backend string
	// Until is when the first circuit closes.
	Until time.Time
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("the circuit of backend %q is open until %s", e.Backend, e.Until.UTC().Format(time.RFC3339))
}

// CredentialError is a request that was not sent, because the gateway's own
// credential for the backend could not be obtained.
type CredentialError struct {
	Backend, Host string
	Err           error
}

func (e *CredentialError) Error() string {
	return fmt.Sprintf("obtaining the credential of backend %q: %v", e.Backend, e.Err)
}

func (e *CredentialError) Unwrap() error { return e.Err }

// TravelError is a request that was not sent, because its head carried a
// credential that the gateway holds for another host.
type TravelError struct{ Backend, Host string }

func (e *TravelError) Error() string {
	return fmt.Sprintf("the request to backend %q at %s carries a credential that the gateway holds for another host", e.Backend, e.Host)
}

// UnknownError is a backend that the site does not declare.
type UnknownError struct {
	// ID or URL is what was looked up.
	ID, URL string
}

func (e *UnknownError) Error() string {
	if e.ID != "" {
		return fmt.Sprintf("the site declares no backend %q", e.ID)
	}
	return fmt.Sprintf("the site declares no backend at %q, and destinations.model does not list it", e.URL)
}
