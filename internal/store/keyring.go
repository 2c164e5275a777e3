package store

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	keyringFormat = "cloister keyring 1"
	metaDigestKey = "digest-key-sha256"
	dataKeySize   = 32
	keyIDSize     = 8
)

// keyring is every key of the state. It is not changed after it was made.
type keyring struct {
	// digest is the key of digests and of what is derived; it never changes.
	digest []byte
	// keys are the data keys, the current one last.
	keys []dataKey
	// summed: the rows have a sum, and it cannot be missing.
	summed bool
	// generation is the database's count when the ring was loaded.
	generation int64
}

// dataKey seals rows and small secrets.
type dataKey struct {
	id      [keyIDSize]byte
	key     []byte
	retired bool // opens small secrets, no rows
	aead    cipher.AEAD
}

func (k *keyring) current() *dataKey { return &k.keys[len(k.keys)-1] }

func (k *keyring) find(id []byte) *dataKey {
	for i := range k.keys {
		if bytes.Equal(k.keys[i].id[:], id) {
			return &k.keys[i]
		}
	}
	return nil
}

// fingerprint tells keys apart and gives nothing of them away: they are 32
// random bytes.
func fingerprint(key []byte) []byte {
	h := sha256.New()
	h.Write([]byte("cloister digest key\x00"))
	h.Write(key)
	return h.Sum(nil)
}

func newKeyring(random io.Reader) (*keyring, error) {
	ring := &keyring{digest: make([]byte, digestKeySize), summed: true}
	if _, err := io.ReadFull(random, ring.digest); err != nil {
		return nil, err
	}
	return ring.withNewKey(random)
}

// withNewKey is a copy with a further data key, which is the current one.
func (k *keyring) withNewKey(random io.Reader) (*keyring, error) {
	var d dataKey
	d.key = make([]byte, dataKeySize)
	if _, err := io.ReadFull(random, d.id[:]); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(random, d.key); err != nil {
		return nil, err
	}
	if k.find(d.id[:]) != nil {
		return nil, errors.New("it repeats itself")
	}
	out := *k
	out.keys = append(slices.Clone(k.keys), d)
	return &out, out.ready()
}

// retire is a copy in which the current key alone opens rows.
func (k *keyring) retire() *keyring {
	out := *k
	out.keys = slices.Clone(k.keys)
	for i := range out.keys[:len(out.keys)-1] {
		out.keys[i].retired = true
	}
	return &out
}

func (k *keyring) ready() error {
	for i := range k.keys {
		block, err := aes.NewCipher(k.keys[i].key)
		if err == nil {
			k.keys[i].aead, err = cipher.NewGCM(block)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ringText is a keyring in JSON; envelopeText is what lies on disk around it.
type (
	ringText struct {
		Digest  []byte    `json:"digest"`
		Keys    []keyText `json:"keys"`
		RowSums bool      `json:"rowSums,omitempty"`
	}
	keyText struct {
		ID      string `json:"id"`
		Key     []byte `json:"key"`
		Retired bool   `json:"retired,omitempty"`
	}
	envelopeText struct {
		Format string `json:"format"`
		// KEK names the key-encryption key of Sealed; without one there is Clear.
		KEK    string    `json:"kek,omitempty"`
		Sealed []byte    `json:"sealed,omitempty"`
		Clear  *ringText `json:"clear,omitempty"`
	}
)

func (k *keyring) text() *ringText {
	t := &ringText{Digest: k.digest, RowSums: k.summed}
	for _, d := range k.keys {
		t.Keys = append(t.Keys, keyText{hex.EncodeToString(d.id[:]), d.key, d.retired})
	}
	return t
}

// ring checks what was read; it came from a file.
func (t *ringText) ring() (*keyring, error) {
	if len(t.Digest) != digestKeySize || len(t.Keys) == 0 {
		return nil, errors.New("keys are missing in it")
	}
	ring := &keyring{digest: t.Digest, summed: t.RowSums}
	for _, k := range t.Keys {
		id, err := hex.DecodeString(k.ID)
		if err != nil || len(id) != keyIDSize || len(k.Key) != dataKeySize || ring.find(id) != nil {
			return nil, errors.New("a key in it is malformed")
		}
		ring.keys = append(ring.keys, dataKey{id: [keyIDSize]byte(id), key: k.Key, retired: k.Retired})
	}
	if ring.current().retired {
		return nil, errors.New("no key in it is current")
	}
	return ring, ring.ready()
}

func parseEnvelope(b []byte) (*envelopeText, error) {
	var e envelopeText
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("it is malformed: %w", err)
	}
	switch {
	case e.Format != keyringFormat:
		return nil, fmt.Errorf("its format is %q, and this version of cloister knows %q", e.Format, keyringFormat)
	case (e.Clear == nil) == (len(e.Sealed) == 0):
		return nil, errors.New("it is malformed: it holds no keyring, or two")
	}
	return &e, nil
}

// sealKeyring is the keyring as it is kept: under the key-encryption key, or
// in clear where there is none.
func (s *Store) sealKeyring(ctx context.Context, ring *keyring) ([]byte, error) {
	return sealKeyring(ctx, ring, s.encryption())
}

func (s *Store) encryption() KeyEncryption {
	if kek := s.kek.Load(); kek != nil {
		return *kek
	}
	return nil
}

func sealKeyring(ctx context.Context, ring *keyring, kek KeyEncryption) ([]byte, error) {
	if kek == nil {
		return json.Marshal(envelopeText{Format: keyringFormat, Clear: ring.text()})
	}
	clear, err := json.Marshal(ring.text())
	if err != nil {
		return nil, err
	}
	sealed, err := kek.Wrap(ctx, clear, []byte(keyringFormat))
	if err != nil {
		return nil, fmt.Errorf("sealing the keyring with the key-encryption key %q: %w", kek.ID(), err)
	}
	return json.Marshal(envelopeText{Format: keyringFormat, KEK: kek.ID(), Sealed: sealed})
}

// openKeyring is the keyring of an envelope.
func (s *Store) openKeyring(ctx context.Context, envelope []byte) (*keyring, error) {
	e, err := parseEnvelope(envelope)
	if err != nil {
		return nil, s.fault("its keyring cannot be read: "+err.Error(), "restore it from a backup")
	}
	ring, err := unsealKeyring(ctx, e, s.encryption())
	switch {
	case errors.Is(err, errNoKEK):
		return nil, s.fault(fmt.Sprintf("its keyring is sealed with the key-encryption key %q, and none is given", e.KEK),
			"name that key in state.encryption of cloister.yaml")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		f := s.fault(fmt.Sprintf("its keyring, which was sealed with the key-encryption key %q, does not open: %v", e.KEK, err),
			"give the key or passphrase that it was sealed with; nothing was changed")
		f.Err = err
		return nil, f
	}
	return ring, nil
}

var errNoKEK = errors.New("the keyring is sealed, and there is no key-encryption key")

func unsealKeyring(ctx context.Context, e *envelopeText, kek KeyEncryption) (*keyring, error) {
	if e.Clear != nil {
		return e.Clear.ring()
	}
	if kek == nil {
		return nil, errNoKEK
	}
	clear, err := kek.Unwrap(ctx, e.Sealed, []byte(keyringFormat))
	if err != nil {
		return nil, fmt.Errorf("the key-encryption key %q: %w", kek.ID(), err)
	}
	var t ringText
	if err := json.Unmarshal(clear, &t); err != nil {
		return nil, errors.New("its contents are malformed")
	}
	return t.ring()
}

func (s *Store) foreignKeyring() error {
	return s.fault("its keyring is not the one that the database was made with", "restore both from the same backup")
}

// loadKeyring reads the keyring of a database that is not new. A keyring in
// clear is sealed where there is a key-encryption key now.
func (s *Store) loadKeyring(ctx context.Context, tx *sql.Tx) error {
	// The generation before the keyring: where another gateway changes both in
	// between, the keyring is newer than it says, and is read once more before
	// anything is written. The other way round a key would be lost.
	var generation int64
	if err := tx.QueryRowContext(ctx, `SELECT generation FROM state WHERE one = 1`).Scan(&generation); err != nil {
		return err
	}
	envelope, err := s.d.loadKeyring(ctx, tx)
	if err != nil {
		return err
	}
	want, err := s.meta(ctx, tx, metaDigestKey)
	if err != nil {
		return err
	}
	if envelope == nil {
		return s.fault("its keyring is missing: without it no row can be read and no stored key verified",
			"restore it from a backup, or empty the directory to begin anew")
	}
	ring, err := s.openKeyring(ctx, envelope)
	if err != nil {
		return err
	}
	// Whoever can write the database can write a keyring of his own into it, with
	// a fingerprint that fits: the digest key of a running process never changes,
	// and where there is a key-encryption key, a keyring lies in clear at the first
	// start with it alone, and in a shared database never.
	have := s.ring.Load()
	if have != nil && subtle.ConstantTimeCompare(have.digest, ring.digest) != 1 {
		return s.foreignKeyring()
	}
	if inClear(envelope) && (s.d.poll() > 0 || have != nil && s.encryption() != nil) {
		return s.foreignKeyring()
	}
	if subtle.ConstantTimeCompare(fingerprint(ring.digest), want) != 1 {
		return s.foreignKeyring()
	}
	ring.generation = generation
	if s.encryption() != nil && inClear(envelope) {
		if envelope, err = s.sealKeyring(ctx, ring); err == nil {
			err = s.d.saveKeyring(ctx, tx, envelope)
		}
		if err != nil {
			return err
		}
		s.log.Warn("the keyring lay in clear and is sealed now; rotate the data key", "kek", s.encryption().ID())
	}
	s.setRing(ring)
	return nil
}

// setRing puts ring in force unless a newer one is.
func (s *Store) setRing(ring *keyring) {
	for {
		old := s.ring.Load()
		if old != nil && old.generation > ring.generation || s.ring.CompareAndSwap(old, ring) {
			return
		}
	}
}

func inClear(envelope []byte) bool {
	e, err := parseEnvelope(envelope)
	return err == nil && e.Clear != nil
}
