package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Schema 1 kept the digest key in a file of its own, and rows in clear.
const (
	digestKeyFile = "digest.key"
	digestKeyNew  = "digest.key.new"
	digestKeySize = 32
)

// takeOver brings a directory of schema 1 up to date. The keyring, with the
// old digest key in it, is in place before the rows that are sealed with it
// are committed; digest.key goes last. After a kill in between, the next
// start finds the keyring and goes on with it.
func (s *Store) takeOver(ctx context.Context, tx *sql.Tx) error {
	ring, err := s.ringForOldKey(ctx, tx)
	if err != nil {
		return err
	}
	subs, err := readOldRows(ctx, tx)
	if err != nil {
		return err
	}
	for _, step := range []int{stepSealed, stepSummed} {
		if err := s.apply(ctx, tx, step); err != nil {
			return err
		}
	}
	ring.generation = 1
	s.ring.Store(ring)
	w := &writing{Store: s, ctx: ctx, tx: tx, ring: ring, fresh: true}
	w.beginSum()
	for _, sub := range subs {
		if err := w.put(sub); err != nil {
			return err
		}
	}
	return w.finish()
}

// ringForOldKey is the keyring that a takeover has left, or a new one.
func (s *Store) ringForOldKey(ctx context.Context, tx *sql.Tx) (*keyring, error) {
	envelope, err := s.d.loadKeyring(ctx, tx)
	if err != nil {
		return nil, err
	}
	want, err := s.meta(ctx, tx, metaDigestKey)
	if err != nil {
		return nil, err
	}
	// The old key is there until all rows are sealed. Where it is not, somebody
	// who can write the database, and has no key, has made these rows.
	old, err := s.oldDigestKey(want)
	if err != nil {
		return nil, err
	}
	if envelope != nil {
		ring, err := s.openKeyring(ctx, envelope)
		if err == nil && subtle.ConstantTimeCompare(fingerprint(ring.digest), want) != 1 {
			err = s.foreignKeyring()
		}
		return ring, err
	}
	ring, err := newKeyring(s.random)
	if err != nil {
		return nil, s.fault("no randomness for its keys: "+err.Error(), "")
	}
	ring.digest = old
	if envelope, err = s.sealKeyring(ctx, ring); err == nil {
		err = s.d.saveKeyring(ctx, tx, envelope)
	}
	return ring, err
}

// oldDigestKey reads the key that the database was made with; the process may
// have died before that got its final name.
func (s *Store) oldDigestKey(want []byte) ([]byte, error) {
	key, err := readPrivateFile(s.dir, digestKeyFile, digestKeySize)
	if errors.Is(err, fs.ErrNotExist) {
		if proposed, newErr := readPrivateFile(s.dir, digestKeyNew, digestKeySize); newErr == nil {
			key, err = proposed, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{
			Dir: s.dir, Reason: digestKeyFile + " is missing: without it no stored key can be verified",
			Mend: "restore it from a backup, or empty the directory to begin anew", Err: err,
		}
	case err != nil:
		return nil, err
	case len(key) != digestKeySize:
		return nil, &Error{
			Dir: s.dir, Reason: fmt.Sprintf("%s does not hold %d bytes", digestKeyFile, digestKeySize),
			Mend: "restore it from a backup",
		}
	case subtle.ConstantTimeCompare(fingerprint(key), want) != 1:
		return nil, &Error{
			Dir: s.dir, Reason: digestKeyFile + " is not the key that " + databaseFile + " was made with",
			Mend: "restore both from the same backup",
		}
	}
	return key, nil
}

// forgetDigestKey removes what a takeover leaves, once the keyring holds it,
// and the pages of the log that hold rows in clear.
func (s *Store) forgetDigestKey() error {
	if s.d.name() != "sqlite" {
		return nil
	}
	// A key of other state is somebody's, and not ours to remove.
	if key, err := readPrivateFile(s.dir, digestKeyFile, digestKeySize); err == nil &&
		subtle.ConstantTimeCompare(key, s.ring.Load().digest) != 1 {
		return &Error{
			Dir: s.dir, Reason: digestKeyFile + " is there, and is not the digest key of this state",
			Mend: "move it to the state that it belongs to",
		}
	}
	found := false
	for _, name := range []string{digestKeyFile, digestKeyNew} {
		err := os.Remove(filepath.Join(s.dir, name))
		found = found || err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cannotWrite(s.dir, err)
		}
	}
	if !found {
		return nil
	}
	s.log.Info("state of an older version was taken over")
	_, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return errors.Join(s.explain(err), syncDir(s.dir))
}

func readOldRows(ctx context.Context, tx *sql.Tx) ([]Subscription, error) {
	rows, err := tx.QueryContext(ctx, `
SELECT s.id, s.name, s.scope, s.state, s.created_at, s.updated_at, p.digest, q.digest
FROM subscription s
LEFT JOIN subscription_key p ON p.subscription_id = s.id AND p.slot = 'primary'
LEFT JOIN subscription_key q ON q.subscription_id = s.id AND q.slot = 'secondary'
ORDER BY s.id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var subs []Subscription
	for rows.Next() {
		var sub Subscription
		var created, updated int64
		err := rows.Scan(&sub.ID, &sub.Name, &sub.Scope, &sub.State, &created, &updated, &sub.PrimaryDigest, &sub.SecondaryDigest)
		if err != nil {
			return nil, err
		}
		sub.CreatedAt, sub.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		subs = append(subs, sub)
	}
	return subs, rows.Err()
}
