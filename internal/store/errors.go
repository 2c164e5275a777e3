package store

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound says that there is no row of that id.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable says that the database cannot be reached at the moment.
	// Nothing was changed; the same call may succeed later.
	ErrUnavailable = errors.New("the state database cannot be reached")
	// ErrBackupRuns says that another backup is being taken by this store.
	ErrBackupRuns = errors.New("another backup is being taken; mend: wait until it has ended, or end it")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// Error says why state cannot be used.
type Error struct {
	// Dir is the state directory.
	Dir string
	// Database is the shared database, where the reason lies there: "host:port/name".
	Database string
	// Reason has no full stop.
	Reason string
	// Mend says what to do; may be empty.
	Mend string
	// Err is the cause; may be nil.
	Err error
}

func (e *Error) Error() string {
	s := "state directory " + e.Dir
	if e.Database != "" {
		s = "state database " + e.Database
	}
	s += ": " + e.Reason
	if e.Mend != "" {
		s += "; mend: " + e.Mend
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// UncertainError says that the connection or the disk failed while a change
// was being committed: it may be in force, or not.
type UncertainError struct {
	// Doing is what was being done, "creating subscription …".
	Doing string
	Err   error
}

func (e *UncertainError) Error() string {
	return fmt.Sprintf("%s: the connection or the disk failed while it was being committed, so it may have been done or not: %v; "+
		"mend: look at it, and do it again where it was not done", e.Doing, e.Err)
}

func (e *UncertainError) Unwrap() error { return e.Err }

// ExistsError says that there is a subscription of that id already.
type ExistsError struct{ ID string }

func (e *ExistsError) Error() string { return fmt.Sprintf("subscription %q exists already", e.ID) }

// KeyInUseError says that a key's digest belongs to another slot already: one
// key never stands for two subscriptions.
type KeyInUseError struct {
	// Subscription is the id that has the key.
	Subscription string
}

func (e *KeyInUseError) Error() string {
	return fmt.Sprintf("subscription %q has this key already", e.Subscription)
}

// InvalidError says what is wrong with a value before it is stored.
type InvalidError struct{ Reason string }

func (e *InvalidError) Error() string { return "invalid subscription: " + e.Reason }
