package secret

import "context"

// KEK is a key-encryption key: it seals the few keys that seal everything else.
// [*KeyFile] and [*VaultKey] are the two that there are.
type KEK interface {
	// ID names the key whatever its version: it stays when the key is rotated,
	// or the passphrase changed.
	ID() string
	// Wrap seals plaintext, at most [MaxWrapped] bytes. It is bound to aad,
	// which is not in the result.
	Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error)
	// Unwrap opens what Wrap sealed under the same aad, in any version of the
	// key that still is.
	Unwrap(ctx context.Context, sealed, aad []byte) ([]byte, error)
	// NeedsRewrap reports whether Wrap would use another version of the key
	// than sealed has.
	NeedsRewrap(ctx context.Context, sealed []byte) (bool, error)
}

var (
	_ KEK = (*KeyFile)(nil)
	_ KEK = (*VaultKey)(nil)
)

// KeyError says why a key-encryption key did not do its work.
type KeyError struct {
	// Key is its ID, or the file.
	Key string
	// Doing is what was not done: "sealing with the key-encryption key"; empty
	// where the reason says it.
	Doing string
	// Reason has no full stop and holds nothing of a key or passphrase.
	Reason string
	// Mend says what to do; may be empty.
	Mend string
	// Err is the cause; may be nil. [ErrUnavailable] is in its chain where it
	// may be gone when asked again.
	Err error
}

func (e *KeyError) Error() string {
	s := e.Reason
	if e.Doing != "" {
		s = e.Doing + " " + e.Key + ": " + s
	}
	if e.Mend != "" {
		s += "; mend: " + e.Mend
	}
	return s
}

func (e *KeyError) Unwrap() error { return e.Err }

// What [KeyError.Doing] says.
const (
	doingOpen     = "starting with the key-encryption key"
	doingWrap     = "sealing with the key-encryption key"
	doingUnwrap   = "opening what was sealed with the key-encryption key"
	doingVersion  = "looking for a new version of the key-encryption key"
	doingMake     = "making the key file"
	doingOpenFile = "opening the key file"
	doingChange   = "changing the passphrase of the key file"
)
