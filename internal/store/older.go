package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

const metaOlderState = "older-state"

// OlderState is the backup that was restored, while nobody has accepted that
// this state is older than what was acknowledged since, or what says in
// [BackupInfo.Edited] that rows were changed outside the gateway; nil: there is
// neither. While there is one, nobody may be served by this state.
func (s *Store) OlderState(ctx context.Context) (*BackupInfo, error) {
	var text []byte
	err := s.read(ctx, func(ctx context.Context) (err error) {
		text, err = s.meta(ctx, s.db, metaOlderState)
		return err
	})
	if err == nil && s.edited.Load() != nil {
		err = s.checkRows(ctx) // they may have been accepted elsewhere
	}
	edited := s.edited.Load()
	if err != nil || text == nil && edited == nil {
		return nil, err
	}
	var info BackupInfo
	if edited != nil {
		info.Edited = edited.Reason
	}
	if text == nil {
		return &info, nil
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, errors.Join(s.fault("its note of the restored backup cannot be read", "restore the backup again"), err)
	}
	return &info, nil
}

// AcceptOlderState takes the mark away, in every gateway, and the rows as they
// are for right. Where there is nothing to accept it does nothing.
func (s *Store) AcceptOlderState(ctx context.Context) error {
	err := s.writeIn(ctx, 0, "accepting older state", func(w *writing) error {
		n, err := w.exec(`DELETE FROM meta WHERE name = ?`, metaOlderState)
		if err != nil {
			return err
		}
		was := w.rows
		if err = w.addUp(); n > 0 || !was.known || was.sum != w.rows.sum {
			w.next() // so that all hear of it
		}
		w.rows.box = was.box
		return err
	})
	if err == nil && s.edited.Load() != nil {
		err = s.checkRows(ctx)
	}
	if err != nil {
		return fmt.Errorf("accepting older state: %w", err)
	}
	return nil
}

// Status is what an operator wants to know of a store.
type Status struct {
	// Driver is "sqlite" or "postgresql", Place the file or "host:port/name".
	Driver, Place string
	// Schema is the version of the last schema step, SchemaName its name.
	Schema     int
	SchemaName string
	Revision   Revision
	// KEK names the key-encryption key; empty: the keyring lies in clear.
	KEK string
	// DataKey names the current data key; RetiredKeys are those that open
	// small secrets only.
	DataKey     string
	RetiredKeys int
	// Subscriptions is the number of rows.
	Subscriptions int
}

// Status looks at the database.
func (s *Store) Status(ctx context.Context) (Status, error) {
	ring := s.ring.Load()
	out := Status{Driver: s.d.name(), Place: s.d.place(), DataKey: fmt.Sprintf("%x", ring.current().id)}
	if kek := s.encryption(); kek != nil {
		out.KEK = kek.ID()
	}
	for _, k := range ring.keys {
		if k.retired {
			out.RetiredKeys++
		}
	}
	err := s.read(ctx, func(ctx context.Context) error {
		return s.db.QueryRowContext(ctx, `
SELECT m.version, m.name, s.revision, (SELECT count(*) FROM subscription)
FROM state s, migration m ORDER BY m.version DESC LIMIT 1`).
			Scan(&out.Schema, &out.SchemaName, &out.Revision, &out.Subscriptions)
	})
	if err != nil {
		return Status{}, fmt.Errorf("reading the state's status: %w", err)
	}
	return out, nil
}
