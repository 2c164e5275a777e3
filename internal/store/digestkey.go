package store

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	digestKeyFile = "digest.key"
	// digestKeyNew holds the key until the database knows its fingerprint.
	digestKeyNew  = "digest.key.new"
	digestKeySize = 32
	metaDigestKey = "digest-key-sha256"
)

// fingerprint tells keys apart and gives nothing of them away: they are 32
// random bytes.
func fingerprint(key []byte) []byte {
	h := sha256.New()
	h.Write([]byte("cloister digest key\x00"))
	h.Write(key)
	return h.Sum(nil)
}

// proposeDigestKey makes a key for a new database. A key that is in place
// already means that the database is not new but lost.
func (s *Store) proposeDigestKey(random io.Reader) ([]byte, error) {
	if _, err := os.Lstat(filepath.Join(s.dir, digestKeyFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{
			Dir:    s.dir,
			Reason: fmt.Sprintf("%s is missing or empty, and %s shows that it held state", databaseFile, digestKeyFile),
			Mend:   "restore the directory from a backup, or empty it to begin anew",
		}
	}
	key := make([]byte, digestKeySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, &Error{Dir: s.dir, Reason: "no randomness for the digest key: " + err.Error(), Err: err}
	}
	path := filepath.Join(s.dir, digestKeyNew)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cannotWrite(s.dir, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, cannotWrite(s.dir, err)
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, cannotWrite(s.dir, err)
	}
	return key, syncDir(s.dir)
}

// adoptDigestKey gives the proposed key its final name.
func (s *Store) adoptDigestKey(key []byte) error {
	err := os.Rename(filepath.Join(s.dir, digestKeyNew), filepath.Join(s.dir, digestKeyFile))
	if err != nil {
		return cannotWrite(s.dir, err)
	}
	s.digestKey = key
	return syncDir(s.dir)
}

// loadDigestKey reads the key that the database was made with. Where the
// process died between the commit and the rename, it finishes the rename.
func (s *Store) loadDigestKey(ctx context.Context) error {
	var want []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, metaDigestKey).Scan(&want)
	if err != nil {
		return s.explain(fmt.Errorf("reading the digest key's fingerprint: %w", err))
	}
	key, err := s.readKeyFile(digestKeyFile)
	if err == nil && subtle.ConstantTimeCompare(fingerprint(key), want) == 1 {
		s.digestKey = key
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		if key, err := s.readKeyFile(digestKeyNew); err == nil && subtle.ConstantTimeCompare(fingerprint(key), want) == 1 {
			return s.adoptDigestKey(key)
		}
		return &Error{
			Dir: s.dir, Reason: digestKeyFile + " is missing: without it no stored key can be verified",
			Mend: "restore it from a backup, or empty the directory to begin anew", Err: err,
		}
	}
	return &Error{
		Dir: s.dir, Reason: digestKeyFile + " is not the key that " + databaseFile + " was made with",
		Mend: "restore both from the same backup",
	}
}

func (s *Store) readKeyFile(name string) ([]byte, error) {
	path := filepath.Join(s.dir, name)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &Error{Dir: s.dir, Reason: name + " cannot be opened: " + err.Error(), Err: err}
	}
	defer func() { _ = f.Close() }()
	if err := checkPrivate(s.dir, path, f); err != nil {
		return nil, err
	}
	key, err := io.ReadAll(io.LimitReader(f, digestKeySize+1))
	if err != nil {
		return nil, &Error{Dir: s.dir, Reason: name + " cannot be read: " + err.Error(), Err: err}
	}
	if len(key) != digestKeySize {
		return nil, &Error{
			Dir: s.dir, Reason: fmt.Sprintf("%s does not hold %d bytes", name, digestKeySize),
			Mend: "restore it from a backup",
		}
	}
	return key, nil
}
