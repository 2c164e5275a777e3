package audit

import "fmt"

// Error says why a directory cannot be used as a log. Nothing in the directory
// was changed.
type Error struct {
	Dir string
	// Reason has no full stop.
	Reason string
	// Mend says what to do; may be empty.
	Mend string
	// Err is the cause; may be nil.
	Err error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("audit log %s: %s", e.Dir, e.Reason)
	if e.Mend != "" {
		s += "; mend: " + e.Mend
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// mendDamage is what can be done about a log that is not what was written.
const mendDamage = `keep the directory as evidence and look at it with "cloister audit verify"; ` +
	`then restore a backup, or move the directory away to begin a new log`

func damaged(dir, reason string, err error) *Error {
	if err != nil {
		reason += ": " + err.Error()
	}
	return &Error{Dir: dir, Reason: reason, Mend: mendDamage, Err: err}
}

func unwritable(dir string, err error) *Error {
	return &Error{
		Dir: dir, Reason: "it cannot be written: " + err.Error(),
		Mend: "make room on the disk, and the directory writable for this user", Err: err,
	}
}

func unreadable(dir string, err error) *Error {
	return &Error{
		Dir: dir, Reason: "it cannot be read: " + err.Error(),
		Mend: "make the directory and its files readable for this user", Err: err,
	}
}

// UnavailableError says that records cannot be made durable now: what needs a
// record has to be refused. The log goes on trying.
type UnavailableError struct {
	Dir    string
	Reason string
	// Err is the cause; may be nil.
	Err error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("audit log %s: %s; mend: see the disk that holds it; the log goes on by itself", e.Dir, e.Reason)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// RollbackError says that the witness has seen a log that this directory does
// not continue: it is older than what was witnessed, or another.
type RollbackError struct {
	Dir string
	// Ours and Witness are the two checkpoints, as signed notes.
	Ours, Witness []byte
	// Reason has no full stop.
	Reason string
}

func (e *RollbackError) Error() string {
	return fmt.Sprintf("audit log %s: %s; mend: put the newer directory back, or look at what is here and start once with --accept-older-state, which begins a new log that names both", e.Dir, e.Reason)
}
