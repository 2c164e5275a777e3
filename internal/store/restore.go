package store

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const restoreFile = "restore.tmp"

// Restore puts the state of a backup in the place of what is in dir, or in
// opt's shared database: all of it, or nothing. It may be of the other kind of
// database. The backup is read and verified before anything is changed. Where
// there is state already, the backup has to be one of it, by its digest key.
// With a KEK, a backup whose keyring lies in clear is refused, see
// [Options.AcceptClearKeyring].
// Revisions go on from the higher of both. What is restored is marked as older
// state, see [Store.OlderState]. It needs the lock of the directory; other
// gateways on a shared database hear of it. Errors: [*BackupError],
// [*LockedError], [*Error].
func Restore(ctx context.Context, dir string, r io.Reader, opt Options) (*BackupInfo, error) {
	lock, err := own(dir)
	if err != nil {
		return nil, err
	}
	info, err := restore(ctx, dir, lock, r, opt)
	if err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	return info, nil
}

// restore gives the lock back.
func restore(ctx context.Context, dir string, lock *os.File, r io.Reader, opt Options) (*BackupInfo, error) {
	spool, b, err := spoolBackup(ctx, dir, r, opt)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	defer func() { _ = errors.Join(spool.Close(), os.Remove(spool.Name())) }()
	fill := func(w *writing) error { return b.fill(w, spool) }
	s, err := open(ctx, dir, lock, opt, &seed{ring: b.ring, fill: fill})
	if err != nil {
		return nil, err
	}
	if !b.filled {
		err = b.replace(ctx, s, fill)
	}
	return b.info, errors.Join(err, s.Close())
}

// openedBackup is a backup that was verified.
type openedBackup struct {
	info   *BackupInfo
	ring   *keyring
	filled bool
}

// spoolBackup copies the backup into the directory, because it is read twice,
// and verifies it.
func spoolBackup(ctx context.Context, dir string, r io.Reader, opt Options) (*os.File, *openedBackup, error) {
	path := filepath.Join(dir, restoreFile)
	_ = os.Remove(path) // of a process that was killed
	spool, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, cannotWrite(dir, err)
	}
	copied := &copier{from: r, to: spool, dir: dir}
	info, envelope, verify, err := readBackup(copied, func(backupRow) error { return ctx.Err() })
	if copied.err != nil {
		err = copied.err
	}
	b := &openedBackup{info: info}
	if err == nil {
		b.ring, err = openBackupRing(ctx, info, envelope, opt)
	}
	if err == nil && !verify(b.ring.derive("backup")) {
		err = notWhole("its signature is not by its keyring: it was edited")
	}
	if err != nil {
		return nil, nil, errors.Join(err, spool.Close(), os.Remove(path))
	}
	return spool, b, nil
}

// copier copies what is read, and tells errors of writing from those of reading.
type copier struct {
	from io.Reader
	to   io.Writer
	dir  string
	err  error
}

func (c *copier) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if _, writeErr := c.to.Write(p[:n]); writeErr != nil {
		c.err = cannotWrite(c.dir, writeErr)
		return 0, c.err
	}
	return n, err
}

func openBackupRing(ctx context.Context, info *BackupInfo, envelope []byte, opt Options) (*keyring, error) {
	e, err := parseKeyringOf(info, envelope)
	if err != nil {
		return nil, err
	}
	if e.Clear != nil && opt.KEK != nil && !opt.AcceptClearKeyring {
		return nil, &BackupError{
			Reason: "its keyring lies in clear, and there is a key-encryption key: anybody could have made it, with keys and subscriptions of his own",
			Mend:   "restore a backup that was taken under a key-encryption key; if you know where this one comes from, restore it with --accept-clear-keyring",
		}
	}
	ring, err := unsealKeyring(ctx, e, opt.KEK)
	switch {
	case errors.Is(err, errNoKEK):
		return nil, &BackupError{
			Reason: fmt.Sprintf("its keyring is sealed with the key-encryption key %q, and none is given", info.KEK),
			Mend:   "name that key in state.encryption of cloister.yaml", Err: err,
		}
	case err != nil:
		return nil, &BackupError{
			Reason: fmt.Sprintf("its keyring, which was sealed with the key-encryption key %q, does not open: %v", info.KEK, err),
			Mend:   "give the key or passphrase that it was sealed with", Err: err,
		}
	}
	return ring, nil
}

// fill makes the rows of the backup the only ones. It may run again.
func (b *openedBackup) fill(w *writing, spool io.ReadSeeker) error {
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for _, table := range []string{"subscription_key", "subscription", "tombstone", "connection"} {
		if _, err := w.exec(`DELETE FROM ` + table); err != nil {
			return err
		}
	}
	// Everybody who has heard of an earlier revision gets the whole.
	w.revision = max(w.revision, b.info.Revision)
	w.floor = w.next()
	b.info.Damaged, w.fresh = nil, true
	w.beginSum()
	_, _, _, err := readBackup(spool, func(r backupRow) error {
		if r.Kind != "" {
			return b.fillConnection(w, r)
		}
		sub, err := b.ring.openRow(r.ID, r.Revision, r.Sealed)
		if err != nil {
			b.info.Damaged = append(b.info.Damaged, r.ID)
			w.logDamage([]Damaged{{r.ID, w.damagedRow(r.ID, err)}})
			return nil
		}
		return w.put(sub)
	})
	if err != nil {
		return err
	}
	note, err := json.Marshal(b.info)
	if err != nil {
		return err
	}
	b.filled = true
	return w.setMeta(w.ctx, w.tx, metaOlderState, note)
}

// replace fills a store that has state already.
func (b *openedBackup) replace(ctx context.Context, s *Store, fill func(*writing) error) error {
	if subtle.ConstantTimeCompare(s.ring.Load().digest, b.ring.digest) != 1 {
		return &BackupError{
			Reason: "it is of other state than what is here: their digest keys differ",
			Mend:   "restore it into an empty directory or database",
		}
	}
	return s.writeIn(ctx, 0, "restoring", fill)
}
