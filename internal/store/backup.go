package store

import (
	"context"
	"database/sql"
	"fmt"
	"io"
)

// Backup writes the state to w as it is at one moment, while everybody goes
// on. Rows are sealed in it as they are here, and so is the keyring; where that
// lies in clear here, it lies in clear there, and w has to be guarded like the
// state directory. An error leaves a beginning that [ReadBackup] refuses.
//
// One at a time, because each holds a connection for as long as w takes: a
// second one is refused with [ErrBackupRuns]. ctx has to end where w stalls.
//
// Rows that were changed outside the gateway, and that nobody has accepted, are
// refused with an [*Error]: they would take the place of good backups.
func (s *Store) Backup(ctx context.Context, w io.Writer, meta BackupMeta) error {
	if !s.backingUp.CompareAndSwap(false, true) {
		return fmt.Errorf("writing the backup: %w", ErrBackupRuns)
	}
	defer s.backingUp.Store(false)
	if err := s.backup(ctx, w, meta); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, w io.Writer, meta BackupMeta) error {
	if err := s.checkRows(ctx); err != nil {
		return err
	}
	if edited := s.edited.Load(); edited != nil {
		return edited
	}
	// No key may retire between the reading of keyring and rows: with an
	// embedded database they are two places.
	release, err := s.holdWriters(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.snapshot(ctx, func(tx *sql.Tx) error {
		info := &BackupInfo{
			Format: backupFormat, BackupMeta: meta, CreatedAt: stamp(s.now()), Driver: s.d.name(), Schema: len(migrations()),
		}
		if err := tx.QueryRowContext(ctx, `SELECT revision FROM state WHERE one = 1`).Scan(&info.Revision); err != nil {
			return err
		}
		envelope, err := s.d.loadKeyring(ctx, tx)
		if err != nil {
			return err
		}
		release()
		e, err := parseEnvelope(envelope)
		if err != nil {
			return err
		}
		ring := s.ring.Load()
		info.KEK = e.KEK
		out := newBackupWriter(w)
		for _, l := range []backupLine{{Manifest: info}, {Keyring: envelope}} {
			if err := out.line(l); err != nil {
				return err
			}
		}
		if err := s.backupRows(ctx, tx, out); err != nil {
			return err
		}
		return out.end(ring.derive("backup"))
	})
}

func (s *Store) backupRows(ctx context.Context, tx *sql.Tx, out *backupWriter) error {
	rows, err := tx.QueryContext(ctx, `
SELECT '' AS kind, id, revision, sealed FROM subscription
UNION ALL SELECT '`+kindConnection+`', id, revision, sealed FROM connection ORDER BY revision`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r backupRow
		if err := rows.Scan(&r.Kind, &r.ID, &r.Revision, &r.Sealed); err != nil {
			return err
		}
		if err := out.line(backupLine{Row: &r}); err != nil {
			return err
		}
	}
	return rows.Err()
}
