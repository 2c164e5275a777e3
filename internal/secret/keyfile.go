package secret

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MinPassphrase is the shortest passphrase that a key file is made with, in
// bytes.
const MinPassphrase = 12

// KeyFile is a key-encryption key that rests in a file, sealed by a passphrase.
// Changing the passphrase changes nothing of what the key has sealed. It is
// safe for concurrent use.
type KeyFile struct {
	id     string
	key    Value
	random io.Reader
}

// CreateKeyFile makes a key and writes it to a new file, readable by its owner
// alone. random is crypto/rand.Reader, or a test's. The error is a [*KeyError].
func CreateKeyFile(path string, passphrase Value, random io.Reader) (*KeyFile, error) {
	return createKeyFile(path, passphrase, random, costs())
}

func createKeyFile(path string, passphrase Value, random io.Reader, cost kdf) (*KeyFile, error) {
	fail := func(err error) (*KeyFile, error) { return nil, keyFileError(path, doingMake, err) }
	if err := checkPassphrase(passphrase); err != nil {
		return fail(err)
	}
	fresh := make([]byte, idSize+contentKeySize)
	if _, err := io.ReadFull(random, fresh); err != nil {
		return fail(err)
	}
	k := &KeyFile{hex.EncodeToString(fresh[:idSize]), New(string(fresh[idSize:])), random}
	text, err := k.seal(passphrase, cost)
	if err != nil {
		return fail(err)
	}
	if err := writeNew(path, text); err != nil {
		return fail(err)
	}
	return k, nil
}

// OpenKeyFile reads a key file. random makes nonces. The error is a
// [*KeyError], and tells a wrong passphrase from a damaged file. It takes the
// file's own costs: 64 MiB and a few hundred milliseconds by default.
func OpenKeyFile(path string, passphrase Value, random io.Reader) (*KeyFile, error) {
	fail := func(err error) (*KeyFile, error) { return nil, keyFileError(path, doingOpenFile, err) }
	text, err := readFile(fmt.Sprintf("file %q", path), path)
	if err != nil {
		return fail(err)
	}
	f, err := parseKeyFile([]byte(text))
	if err != nil {
		return fail(err)
	}
	sealing, check := f.KDF.derive(passphrase)
	if !hmac.Equal(check, f.Check) {
		return fail(errPassphrase)
	}
	gcm, err := newGCM(sealing)
	if err != nil {
		return fail(err)
	}
	key, err := gcm.Open(nil, f.Nonce, f.Key, f.bound())
	if err != nil {
		// The passphrase is right and the digest too: not by accident.
		return fail(errKeyFileChanged)
	}
	return &KeyFile{f.ID, New(string(key)), random}, nil
}

// ChangePassphrase seals the key of a file anew. A crash leaves the file as it
// was or as it is to be. The error is a [*KeyError].
func ChangePassphrase(path string, old, passphrase Value, random io.Reader) error {
	return changePassphrase(path, old, passphrase, random, costs())
}

func changePassphrase(path string, old, passphrase Value, random io.Reader, cost kdf) error {
	if err := checkPassphrase(passphrase); err != nil {
		return keyFileError(path, doingChange, err)
	}
	k, err := OpenKeyFile(path, old, random)
	if err != nil {
		return err
	}
	text, err := k.seal(passphrase, cost)
	if err == nil {
		err = replace(path, text)
	}
	if err != nil {
		return keyFileError(path, doingChange, err)
	}
	return nil
}

var (
	errPassphrase     = errors.New("the passphrase is wrong")
	errKeyFileChanged = errors.New("the file was changed by somebody, not by accident")
)

func checkPassphrase(p Value) error {
	if len(p.Reveal()) < MinPassphrase {
		return fmt.Errorf("a passphrase has at least %d bytes; mend: take five random words", MinPassphrase)
	}
	return nil
}

// keyFileError gives an error its place and its mend.
func keyFileError(path, doing string, err error) error {
	e := &KeyError{Key: fmt.Sprintf("%q", path), Doing: doing, Reason: err.Error(), Err: err}
	var se *Error
	var at *fs.PathError
	switch {
	case errors.As(err, &se):
		e.Reason, e.Mend = se.Reason, se.Mend
	case errors.Is(err, errPassphrase):
		e.Mend = "give the one that the file was made with; without it nothing that the key sealed can be opened"
	case errors.Is(err, errNoKeyFile):
		e.Mend = "name the key file, or bring it back from a copy"
	case errors.Is(err, errKeyFileDamaged), errors.Is(err, errKeyFileChanged):
		e.Mend = "bring the file back from a copy"
	case errors.Is(err, fs.ErrExist):
		e.Reason, e.Mend = "the file is there already", "it may be the only way to open what it sealed: choose another name"
	case errors.As(err, &at): // the path is said already
		e.Reason = at.Err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			e.Reason, e.Mend = "there is no directory "+filepath.Dir(path), "make it, with mode 700"
		}
	}
	return e
}

// seal is the file's text under a passphrase.
func (k *KeyFile) seal(passphrase Value, cost kdf) ([]byte, error) {
	fresh := make([]byte, saltSize+nonceSize)
	if _, err := io.ReadFull(k.random, fresh); err != nil {
		return nil, fmt.Errorf("reading random bytes: %w", err)
	}
	f := &keyFileText{Format: keyFileFormat, ID: k.id, KDF: cost, Nonce: fresh[saltSize:]}
	f.KDF.Salt = fresh[:saltSize]
	sealing, check := f.KDF.derive(passphrase)
	f.Check = check
	gcm, err := newGCM(sealing)
	if err != nil {
		return nil, err
	}
	f.Key = gcm.Seal(nil, f.Nonce, []byte(k.key.Reveal()), f.bound())
	f.Digest = f.digest()
	return f.encode()
}

// ID is "key-file:" and the id that the file has had from the start.
func (k *KeyFile) ID() string { return "key-file:" + k.id }

func (k *KeyFile) fail(doing string, f *vaultFault) error {
	return &KeyError{Key: k.ID(), Doing: doing, Reason: f.reason, Mend: f.mend, Err: f.err}
}

// Wrap implements [KEK].
func (k *KeyFile) Wrap(_ context.Context, plaintext, aad []byte) ([]byte, error) {
	e := &envelope{KeyID: k.ID(), Algorithm: algDirect}
	if err := e.seal(k.random, []byte(k.key.Reveal()), plaintext, aad); err != nil {
		return nil, k.fail(doingWrap, &vaultFault{reason: err.Error(), err: err})
	}
	return e.encode()
}

// Unwrap implements [KEK].
func (k *KeyFile) Unwrap(_ context.Context, sealed, aad []byte) ([]byte, error) {
	e, err := k.read(sealed, doingUnwrap)
	if err != nil {
		return nil, err
	}
	out, err := e.open([]byte(k.key.Reveal()), aad)
	if err != nil {
		return nil, k.fail(doingUnwrap, &vaultFault{reason: err.Error(), err: err})
	}
	return out, nil
}

// NeedsRewrap implements [KEK]: a key file has one version.
func (k *KeyFile) NeedsRewrap(_ context.Context, sealed []byte) (bool, error) {
	_, err := k.read(sealed, doingVersion)
	return false, err
}

func (k *KeyFile) read(sealed []byte, doing string) (*envelope, error) {
	e, err := parseEnvelope(sealed)
	if err != nil {
		return nil, k.fail(doing, &vaultFault{reason: err.Error(), err: err})
	}
	if e.Algorithm != algDirect || e.KeyID != k.ID() {
		return nil, otherKey(k.ID(), e.KeyID)
	}
	return e, nil
}

// writeNew writes a file that is not there yet. What a crash leaves is found to
// be damaged, and nothing was sealed by it yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = writeAll(f, text)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// writeAll brings text to the disk and closes f.
func writeAll(f *os.File, text []byte) error {
	_, err := f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// replace puts text in the place of a file, whose owner stays, at once.
func replace(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600, O_EXCL
	if err != nil {
		return err
	}
	if err = keepOwner(f, was); err == nil {
		err = writeAll(f, text)
	} else {
		_ = f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
}
