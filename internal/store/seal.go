package store

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
)

// A box is a version byte, the id of its data key, a nonce, and AES-256-GCM.
const (
	boxVersion = 1
	nonceSize  = 12
	boxHead    = 1 + keyIDSize + nonceSize
)

var (
	errBox        = errors.New("it was edited, or belongs elsewhere")
	errUnknownKey = errors.New("it is sealed with a key that the keyring does not have")
	errRetiredKey = errors.New("it is sealed with a key that is out of use")
)

// seal binds plaintext to context, which openBox has to be given again.
func (d *dataKey) seal(random io.Reader, context, plaintext []byte) ([]byte, error) {
	box := make([]byte, boxHead, boxHead+len(plaintext)+d.aead.Overhead())
	box[0] = boxVersion
	copy(box[1:], d.id[:])
	nonce := box[1+keyIDSize : boxHead]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, err
	}
	return d.aead.Seal(box, nonce, plaintext, boxContext(box, context)), nil
}

// boxContext is what a box is bound to: its own head, and context.
func boxContext(box, context []byte) []byte {
	aad := make([]byte, 0, 1+keyIDSize+len(context))
	return append(append(aad, box[:1+keyIDSize]...), context...)
}

// openBox is the inverse of seal. rows are not opened with retired keys.
func (k *keyring) openBox(box, context []byte, row bool) ([]byte, error) {
	if len(box) < boxHead || box[0] != boxVersion {
		return nil, errBox
	}
	d := k.find(box[1 : 1+keyIDSize])
	switch {
	case d == nil:
		return nil, errUnknownKey
	case row && d.retired:
		return nil, errRetiredKey
	}
	plaintext, err := d.aead.Open(nil, box[1+keyIDSize:boxHead], box[boxHead:], boxContext(box, context))
	if err != nil {
		return nil, errBox
	}
	return plaintext, nil
}

// Seal seals a small secret of another room under the current data key, bound
// to purpose. What it returns may be kept anywhere.
func (s *Store) Seal(purpose string, plaintext []byte) ([]byte, error) {
	return s.ring.Load().current().seal(s.random, []byte("secret\x00"+purpose), plaintext)
}

// Unseal is the inverse of [Store.Seal]. Data keys that are out of use open
// secrets still, until [Store.ForgetRetiredKeys]. It fails for other purposes,
// for other state's secrets, and for what was edited.
func (s *Store) Unseal(purpose string, sealed []byte) ([]byte, error) {
	b, err := s.ring.Load().openBox(sealed, []byte("secret\x00"+purpose), false)
	if err != nil {
		return nil, s.fault("the sealed "+purpose+" does not open: "+err.Error(), "restore it, from the same backup as the state")
	}
	return b, nil
}

// rowContext is what a row is bound to: its table, id and revision. A box that
// is moved to another row, or back to an earlier revision, does not open.
func rowContext(id string, revision Revision) []byte {
	b := append([]byte("row\x00subscription\x00"), id...)
	return binary.BigEndian.AppendUint64(append(b, 0), uint64(revision))
}

// DigestOf is a keyed digest of an identifier, 32 hexadecimal digits: the same
// value has the same digest in every gateway on this state, and nobody without
// the keyring can test guesses. kind keeps the digests of different kinds of
// identifiers apart; there are few.
func (s *Store) DigestOf(kind, value string) string {
	key, ok := s.kinds.Load(kind)
	if !ok {
		key, _ = s.kinds.LoadOrStore(kind, s.ring.Load().derive("digest of "+kind))
	}
	h := hmac.New(sha256.New, key.([]byte))
	h.Write([]byte(value))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// derive makes a key of the digest key for one use.
func (k *keyring) derive(use string) []byte {
	key, err := hkdf.Key(sha256.New, k.digest, nil, "cloister "+use, sha256.Size)
	if err != nil {
		// Only a length beyond what HKDF can give fails.
		panic(err)
	}
	return key
}
