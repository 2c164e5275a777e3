package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keyringName = "keyring"
	// keyringNew holds a keyring until it is in force.
	keyringNew = "keyring.new"
	// keyringLimit is far above what rotations of a life-time add, in bytes.
	keyringLimit = 1 << 20
)

// keyringFile keeps the keyring in a file of the state directory.
type keyringFile struct{ dir string }

// loadKeyring finishes a first start that was killed before its last step:
// that the proposed keyring is the right one is for the caller to see, by its
// fingerprint.
func (k keyringFile) loadKeyring(context.Context, querier) ([]byte, error) {
	b, err := readPrivateFile(k.dir, keyringName, keyringLimit)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if _, err = readPrivateFile(k.dir, keyringNew, keyringLimit); err == nil {
		// Where digest.key is still there, this is a takeover that was killed
		// while it wrote; it makes another.
		if _, old := os.Lstat(filepath.Join(k.dir, digestKeyFile)); !errors.Is(old, fs.ErrNotExist) {
			return nil, nil
		}
		if err = k.adoptKeyring(); err == nil {
			return readPrivateFile(k.dir, keyringName, keyringLimit)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return nil, err
}

// proposeKeyring is for a new database: a keyring that is in place already
// means that the database is not new but lost.
func (k keyringFile) proposeKeyring(_ context.Context, _ *sql.Tx, envelope []byte) error {
	for _, name := range []string{keyringName, digestKeyFile} {
		if _, err := os.Lstat(filepath.Join(k.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return &Error{
				Dir:    k.dir,
				Reason: databaseFile + " is missing or empty, and " + name + " shows that it held state",
				Mend:   "restore the directory from a backup, or empty it to begin anew",
			}
		}
	}
	return k.write(envelope)
}

func (k keyringFile) write(envelope []byte) error {
	path := filepath.Join(k.dir, keyringNew)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cannotWrite(k.dir, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cannotWrite(k.dir, err)
	}
	_, err = f.Write(append(envelope, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return cannotWrite(k.dir, err)
	}
	return syncDir(k.dir)
}

// adoptKeyring gives the proposed keyring its final name.
func (k keyringFile) adoptKeyring() error {
	if err := os.Rename(filepath.Join(k.dir, keyringNew), filepath.Join(k.dir, keyringName)); err != nil {
		return cannotWrite(k.dir, err)
	}
	return syncDir(k.dir)
}

func (k keyringFile) saveKeyring(_ context.Context, _ *sql.Tx, envelope []byte) error {
	if err := k.write(envelope); err != nil {
		return err
	}
	return k.adoptKeyring()
}
