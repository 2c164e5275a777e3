package store

import (
	"context"
	"fmt"
)

// rotateBatch is how many rows are sealed anew in one transaction: others
// wait for no longer than that.
const rotateBatch = 500

// RotateDataKey makes a new data key and seals every row with it, while
// everybody goes on. Then the old ones open no rows any more; small secrets of
// [Store.Seal] they still do, until [Store.ForgetRetiredKeys]. A kill in
// between leaves rows of both keys, which both open; the next rotation
// finishes it. A row that does not open is left as it is, and logged.
func (s *Store) RotateDataKey(ctx context.Context) error {
	const doing = "rotating the data key"
	err := s.changeKeyring(ctx, doing, func(_ *writing, ring *keyring) (*keyring, error) {
		return ring.withNewKey(s.random)
	})
	if err != nil {
		return err
	}
	for after, last, more := "", "", true; more; after = last {
		err := s.write(ctx, doing, func(w *writing) (err error) {
			last, more, err = w.reseal(after)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return s.changeKeyring(ctx, doing, func(w *writing, ring *keyring) (*keyring, error) {
		// Again, with all writers waiting: another gateway may have begun a
		// rotation of its own since.
		for after, more := "", true; more; {
			var err error
			if after, more, err = w.reseal(after); err != nil {
				return nil, err
			}
		}
		if err := w.resealConnections(); err != nil {
			return nil, err
		}
		return ring.retire(), nil
	})
}

// reseal seals the rows after an id with the current key, up to a number.
func (w *writing) reseal(after string) (last string, more bool, err error) {
	current := w.ring.current()
	rows, err := w.tx.QueryContext(w.ctx, w.d.bind(
		`SELECT id, revision, sealed FROM subscription WHERE id > ? AND substr(sealed, 2, 8) <> ? ORDER BY id LIMIT ?`),
		after, current.id[:], rotateBatch)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = rows.Close() }()
	var batch []sealedRow
	for rows.Next() {
		var r sealedRow
		if err := rows.Scan(&r.id, &r.revision, &r.box); err != nil {
			return "", false, err
		}
		batch = append(batch, r)
	}
	if err := rows.Err(); err != nil {
		return "", false, err
	}
	_ = rows.Close() // the connection is needed
	for _, r := range batch {
		last = r.id
		context := rowContext(r.id, r.revision)
		text, err := w.ring.openBox(r.box, context, true)
		if err != nil {
			w.logDamage([]Damaged{{r.id, w.damagedRow(r.id, err)}})
			continue
		}
		box, err := current.seal(w.random, context, text)
		if err == nil {
			_, err = w.exec(`UPDATE subscription SET sealed = ? WHERE id = ?`, box, r.id)
		}
		if err != nil {
			return "", false, err
		}
	}
	return last, len(batch) == rotateBatch, nil
}

// changeKeyring replaces the keyring by what f makes of it. Other gateways
// learn of it by its generation, before they write anything.
func (s *Store) changeKeyring(ctx context.Context, doing string, f func(*writing, *keyring) (*keyring, error)) error {
	var next *keyring
	err := s.write(ctx, doing, func(w *writing) (err error) {
		if next, err = f(w, w.ring); err != nil {
			return err
		}
		changed := *next
		next = &changed
		next.generation = w.ring.generation + 1
		envelope, err := s.sealKeyring(w.ctx, next)
		if err == nil {
			err = s.d.saveKeyring(w.ctx, w.tx, envelope)
		}
		if err == nil {
			_, err = w.exec(`UPDATE state SET generation = ? WHERE one = 1`, next.generation)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	s.setRing(next)
	return nil
}

// ForgetRetiredKeys removes the data keys that are out of use from the
// keyring. What [Store.Seal] sealed with them does not open any more: seal it
// anew before, in every gateway.
func (s *Store) ForgetRetiredKeys(ctx context.Context) error {
	return s.changeKeyring(ctx, "forgetting retired keys", func(_ *writing, ring *keyring) (*keyring, error) {
		out := *ring
		out.keys = nil
		for _, k := range ring.keys {
			if !k.retired {
				out.keys = append(out.keys, k)
			}
		}
		return &out, nil
	})
}

// RewrapKeyring seals the keyring with another key-encryption key, while
// everybody goes on; nil: it lies in clear from now on, which a shared database
// refuses. Other gateways need the new key when they start, or when the data
// key is rotated.
func (s *Store) RewrapKeyring(ctx context.Context, kek KeyEncryption) error {
	const doing = "sealing the keyring anew"
	if kek == nil && s.d.poll() > 0 {
		return s.needsKEK()
	}
	next := &kek
	if kek == nil {
		next = nil
	}
	err := s.write(ctx, doing, func(w *writing) error {
		envelope, err := sealKeyring(w.ctx, w.ring, kek)
		if err == nil {
			err = s.d.saveKeyring(w.ctx, w.tx, envelope)
		}
		if err == nil {
			// While no other change of the keyring can come between.
			s.kek.Store(next)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (s *Store) needsKEK() *Error {
	return s.fault("shared state needs a key-encryption key, because the keyring lies in the database",
		"set state.encryption in cloister.yaml")
}
