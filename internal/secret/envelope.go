package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Bounds and form of what a [KEK] seals.
const (
	// MaxWrapped is the most that is sealed at once, in bytes.
	MaxWrapped = 1 << 20
	// maxEnvelope bounds the text that is read.
	maxEnvelope = 2 << 20
	// envelopeFormat is the only one there is.
	envelopeFormat = 1
	contentKeySize = 32
	nonceSize      = 12
	tagSize        = 16
	maxWrappedKey  = 1024
)

// How the content key of an envelope is found.
const (
	// algVault: Key is a fresh key, wrapped by the vault (RFC 8017, RSAES-OAEP
	// with SHA-256).
	algVault = "RSA-OAEP-256"
	// algDirect: the key file's own key seals the data; there is no Key.
	algDirect = "dir"
)

// envelope is what sealed data looks like. Data is AES-256-GCM under a key that
// Algorithm says how to find; the other fields and the caller's aad are bound
// to it.
type envelope struct {
	Format    int    `json:"cloisterEnvelope"`
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Key       []byte `json:"key,omitempty"`
	Nonce     []byte `json:"nonce"`
	Data      []byte `json:"data"`
}

var (
	errNoEnvelope = errors.New("it is not an envelope of this program")
	errNotOpening = errors.New("it does not open: it was changed, or belongs to another place")
)

// parseEnvelope reads an envelope in its one spelling.
func parseEnvelope(text []byte) (*envelope, error) {
	if len(text) > maxEnvelope {
		return nil, fmt.Errorf("%w: it is larger than %d bytes", errNoEnvelope, maxEnvelope)
	}
	e := new(envelope)
	if err := json.Unmarshal(text, e); err != nil {
		return nil, errNoEnvelope
	}
	if e.Format != envelopeFormat {
		return nil, fmt.Errorf("%w: its format is %d, and only %d is known here", errNoEnvelope, e.Format, envelopeFormat)
	}
	// What two parsers could read differently is refused: the text has to be
	// the one that we would write.
	if again, err := e.encode(); err != nil || !bytes.Equal(again, text) {
		return nil, errNoEnvelope
	}
	switch {
	case e.KeyID == "" || len(e.Nonce) != nonceSize || len(e.Data) < tagSize || len(e.Data) > MaxWrapped+tagSize:
		return nil, errNoEnvelope
	case e.Algorithm == algVault && len(e.Key) > 0 && len(e.Key) <= maxWrappedKey:
	case e.Algorithm == algDirect && len(e.Key) == 0:
	default:
		return nil, errNoEnvelope
	}
	return e, nil
}

func (e *envelope) encode() ([]byte, error) { return json.Marshal(e) }

// bound is what the data is bound to, each part with its length before it, so
// that no two are alike.
func (e *envelope) bound(aad []byte) []byte {
	out := []byte("cloister envelope 1\x00")
	for _, part := range [][]byte{[]byte(e.KeyID), []byte(e.Algorithm), e.Key, aad} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}

// seal fills in nonce and data. A key that seals directly does so at random
// nonces: good for 2^32 seals, where there is one for each change of the
// keyring.
func (e *envelope) seal(random io.Reader, key, plaintext, aad []byte) error {
	if len(plaintext) > MaxWrapped {
		return fmt.Errorf("there is more than %d bytes to seal", MaxWrapped)
	}
	e.Format, e.Nonce = envelopeFormat, make([]byte, nonceSize)
	if _, err := io.ReadFull(random, e.Nonce); err != nil {
		return fmt.Errorf("reading random bytes: %w", err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return err
	}
	e.Data = gcm.Seal(nil, e.Nonce, plaintext, e.bound(aad))
	return nil
}

func (e *envelope) open(key, aad []byte) ([]byte, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	out, err := gcm.Open(nil, e.Nonce, e.Data, e.bound(aad))
	if err != nil {
		return nil, errNotOpening
	}
	return out, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	if len(key) != contentKeySize {
		return nil, fmt.Errorf("the content key has %d bytes, not %d", len(key), contentKeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
