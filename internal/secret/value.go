// Package secret holds values that must not be seen, reads them from where a
// site says they rest, and holds the keys that encrypt stored state.
//
// It guarantees that a [Value] prints, logs and marshals as REDACTED whatever
// formatting, encoding or reflection a caller uses; that [Value.Reveal] is the
// only way to its text; that a file is read only where others on the machine
// cannot; that a vault is asked through the client that was handed in, without
// redirects, within 10 s, and shown a token only if it asks for one of its own
// domain; and that what a [KEK] sealed opens only under the same aad, unchanged.
//
// It does not wipe memory: Go copies strings as it likes, and pretending
// otherwise would be worse than saying so. [NoCoreDumps] keeps memory off the
// disk. It does not re-read files and variables while a process runs; secrets of
// vaults are looked at again by [Vaults.Watch].
//
// It fails closed, with an [*Error] or a [*KeyError], which name the place, the
// reason and what to do, never a part of a secret or of a vault's answer.
// docs/secrets.md is the operator's page.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what a [Value] shows in the place of its text.
const Redacted = "REDACTED"

// Value is a secret. The zero Value is empty.
//
// The text stands behind a function, not in a field: fmt and dumpers walk
// through unexported fields of the structs around a Value without asking its
// methods, and a function is where they stop. It also makes == on Values a
// compile error; use [Value.Equal].
type Value struct {
	reveal func() string
}

// New makes a Value of s.
func New(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{reveal: func() string { return s }}
}

// Reveal is the secret's text.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// IsZero reports whether v is empty.
func (v Value) IsZero() bool { return v.reveal == nil }

// Equal compares in a time that depends on neither text: both are hashed to
// one length first.
func (v Value) Equal(o Value) bool {
	a, b := sha256.Sum256([]byte(v.Reveal())), sha256.Sum256([]byte(o.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String is REDACTED.
func (v Value) String() string { return Redacted }

// GoString is REDACTED.
func (v Value) GoString() string { return Redacted }

// Format writes REDACTED for every verb, %x and %d included.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// MarshalJSON is "REDACTED".
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText is REDACTED.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalYAML is REDACTED.
func (v Value) MarshalYAML() (any, error) { return Redacted, nil }

// LogValue is REDACTED.
func (v Value) LogValue() slog.Value { return slog.StringValue(Redacted) }
