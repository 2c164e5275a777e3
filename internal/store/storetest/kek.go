package storetest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"sync/atomic"

	"github.com/cloister-ai/cloister/internal/store"
)

// KEK is a key-encryption key for tests: its name is its key.
type KEK struct {
	Name string
	// Down lets it fail, as a vault that is not reached.
	Down atomic.Bool
}

var _ store.KeyEncryption = (*KEK)(nil)

var errDown = errors.New("the vault does not answer")

// ID is the name.
func (k *KEK) ID() string { return k.Name }

func (k *KEK) aead() (cipher.AEAD, error) {
	if k.Down.Load() {
		return nil, errDown
	}
	key := sha256.Sum256([]byte(k.Name))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Wrap seals.
func (k *KEK) Wrap(_ context.Context, plaintext, aad []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plaintext, aad), nil
}

// Unwrap opens.
func (k *KEK) Unwrap(_ context.Context, sealed, aad []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, aad)
}
