package store

import (
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxText bounds an id, a name or a scope, in bytes: what API Management
// allows, and four times that for characters that are not ASCII.
const maxText = 1024

// Subscription as API Management keeps it, with digests in the place of keys.
type Subscription struct {
	// ID is compared without case, as Azure does: by [strings.ToLower].
	ID   string
	Name string
	// Scope is "/apis", "/apis/ID" or "/products/ID".
	Scope string
	// State is Azure's, see [States].
	State string
	// PrimaryDigest and SecondaryDigest are keyed SHA-256 digests, 32 bytes;
	// empty: there is no such key.
	PrimaryDigest, SecondaryDigest []byte
	// CreatedAt and UpdatedAt are UTC in microseconds. The store sets them:
	// CreatedAt where it is zero, when the id is new.
	CreatedAt, UpdatedAt time.Time
}

// States are the states of a subscription; only "active" lets callers in.
func States() []string {
	return []string{"active", "suspended", "submitted", "rejected", "cancelled", "expired"}
}

func (sub *Subscription) validate() error {
	switch {
	case sub.ID == "":
		return &InvalidError{"the id is empty"}
	case sub.Scope == "":
		return &InvalidError{"the scope is empty"}
	case !slices.Contains(States(), sub.State):
		return &InvalidError{fmt.Sprintf("unknown state %q", sub.State)}
	}
	for what, text := range map[string]string{"id": sub.ID, "name": sub.Name, "scope": sub.Scope} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return &InvalidError{fmt.Sprintf("the %s is longer than %d bytes, or not plain text", what, maxText)}
		}
	}
	for _, d := range [][]byte{sub.PrimaryDigest, sub.SecondaryDigest} {
		if len(d) != 0 && len(d) != 32 {
			return &InvalidError{fmt.Sprintf("a digest has %d bytes, not 32", len(d))}
		}
	}
	if len(sub.PrimaryDigest) != 0 && subtle.ConstantTimeCompare(sub.PrimaryDigest, sub.SecondaryDigest) == 1 {
		return &KeyInUseError{Subscription: sub.ID}
	}
	return nil
}

// fold is the form of an id that is compared: lower case, letter by letter, as
// [strings.ToLower] has it. Whoever looks subscriptions up by id has to use the
// same: two rows that are one caller to others could not be told apart.
func fold(id string) string { return strings.ToLower(id) }

// seal is the box of the row that sub is at revision.
func (w *writing) seal(sub Subscription, revision Revision) ([]byte, error) {
	return w.ring.current().seal(w.random, rowContext(fold(sub.ID), revision), sub.marshal())
}

// openRow is the inverse of seal.
func (k *keyring) openRow(id string, revision Revision, box []byte) (Subscription, error) {
	text, err := k.openBox(box, rowContext(id, revision), true)
	if err != nil {
		return Subscription{}, err
	}
	sub, ok := unmarshalRow(text)
	// The id of a row or backup of an older version has ASCII in lower case only.
	if !ok || fold(sub.ID) != fold(id) {
		return Subscription{}, errBox
	}
	return sub, nil
}

// damagedRow names a row that does not open.
func (s *Store) damagedRow(id string, err error) *Error {
	e := s.fault(fmt.Sprintf("the row of subscription %q does not open: %v; nobody gets in by it", id, err),
		"delete the subscription and create it again, or restore a backup")
	e.Err = err
	return e
}
