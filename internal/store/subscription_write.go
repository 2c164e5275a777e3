package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// PutSubscription stores sub, over the one that has its ID. Where it returns
// nil, sub is durable. A row that does not open is replaced. Errors:
// [*InvalidError], [*KeyInUseError], [*UncertainError], [*Error].
func (s *Store) PutSubscription(ctx context.Context, sub Subscription) error {
	return s.change(ctx, "storing", sub.ID, func(w *writing) error {
		if err := sub.validate(); err != nil {
			return err
		}
		_, err := w.store(sub, false)
		return err
	})
}

// CreateSubscription stores sub and returns it as it is stored. Errors:
// [*ExistsError] where there is one of its ID, even one that does not open,
// and those of [Store.PutSubscription].
func (s *Store) CreateSubscription(ctx context.Context, sub Subscription) (Subscription, error) {
	var out Subscription
	err := s.change(ctx, "creating", sub.ID, func(w *writing) (err error) {
		if err := sub.validate(); err != nil {
			return err
		}
		out, err = w.store(sub, true)
		return err
	})
	return out, err
}

// UpdateSubscription changes the subscription of that id in one transaction,
// and returns it as it was and as it is. change may be called more than once,
// each time with what is stored; its error changes nothing and is returned as
// it is. The id and the times are not change's to set. Errors: [ErrNotFound]
// and those of [Store.PutSubscription].
func (s *Store) UpdateSubscription(ctx context.Context, id string, change func(*Subscription) error) (before, after Subscription, err error) {
	err = s.change(ctx, "changing", id, func(w *writing) (err error) {
		if before, err = w.get(id); err != nil {
			return err
		}
		next := before
		if err := change(&next); err != nil {
			return &callerError{err}
		}
		next.ID = before.ID
		if err := next.validate(); err != nil {
			return err
		}
		after, err = w.store(next, false)
		return err
	})
	var callers *callerError
	if errors.As(err, &callers) {
		err = callers.error
	}
	if err != nil {
		return Subscription{}, Subscription{}, err
	}
	return before, after, nil
}

// callerError is an error that a caller's function gave.
type callerError struct{ error }

// DeleteSubscription removes the subscription of that id and its keys, and
// returns what it was: of a row that does not open, the id alone. Errors:
// [ErrNotFound], [*UncertainError], [*Error].
func (s *Store) DeleteSubscription(ctx context.Context, id string) (before Subscription, err error) {
	err = s.change(ctx, "deleting", id, func(w *writing) (err error) {
		before, err = w.get(id)
		if errors.Is(err, errBox) || errors.Is(err, errUnknownKey) || errors.Is(err, errRetiredKey) {
			before, err = Subscription{ID: fold(id)}, nil
		}
		if err != nil {
			return err
		}
		return w.remove(fold(id))
	})
	return before, err
}

// change is write with an error that says what was being done.
func (s *Store) change(ctx context.Context, doing, id string, f func(*writing) error) error {
	doing = fmt.Sprintf("%s subscription %q", doing, id)
	err := s.write(ctx, doing, f)
	var uncertain *UncertainError
	if err == nil || errors.As(err, &uncertain) {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// get is the row of that id, locked as all rows are.
func (w *writing) get(id string) (Subscription, error) {
	id = fold(id)
	var revision Revision
	var box []byte
	err := w.queryRow(`SELECT revision, sealed FROM subscription WHERE id = ?`, id).Scan(&revision, &box)
	w.old = sealedRow{}
	if errors.Is(err, sql.ErrNoRows) {
		return Subscription{}, ErrNotFound
	}
	if err != nil {
		return Subscription{}, err
	}
	w.old = sealedRow{id: id, revision: revision}
	sub, err := w.ring.openRow(id, revision, box)
	if err != nil {
		return Subscription{}, w.damagedRow(id, err)
	}
	return sub, nil
}

// store sets the times. A row that was there keeps its CreatedAt and the
// spelling of its id; where sub has to be new, there must not be one.
func (w *writing) store(sub Subscription, isNew bool) (Subscription, error) {
	now := stamp(w.now())
	if sub.CreatedAt.IsZero() {
		sub.CreatedAt = now
	}
	old, err := w.get(sub.ID)
	switch {
	case isNew && !errors.Is(err, ErrNotFound):
		var damaged *Error
		if err == nil || errors.As(err, &damaged) {
			err = &ExistsError{ID: sub.ID}
		}
		return Subscription{}, err
	case err == nil:
		sub.ID, sub.CreatedAt = old.ID, old.CreatedAt
	}
	sub.CreatedAt, sub.UpdatedAt = stamp(sub.CreatedAt), now
	return sub, w.put(sub)
}

// put writes sub as it is at the next revision. The row that it replaces is the
// one that get has found last.
func (w *writing) put(sub Subscription) error {
	id, revision := fold(sub.ID), w.next()
	box, err := w.seal(sub, revision)
	if err != nil {
		return err
	}
	same := `UPDATE SET revision = excluded.revision, sealed = excluded.sealed`
	if w.fresh {
		same = `NOTHING`
	}
	n, err := w.exec(`INSERT INTO subscription (id, revision, sealed) VALUES (?, ?, ?) ON CONFLICT (id) DO `+same, id, int64(revision), box)
	if err == nil && n == 0 {
		err = w.fault(fmt.Sprintf("the ids of two subscriptions differ from %q in case alone", id),
			"delete one of the two with the version that wrote them")
	}
	if err != nil {
		return err
	}
	w.rows.add(&w.rows.sum, id, revision)
	if !w.fresh {
		w.subtractOld(id)
		_, err = w.exec(`DELETE FROM tombstone WHERE id = ?`, id)
		if err == nil {
			_, err = w.exec(`DELETE FROM subscription_key WHERE subscription_id = ?`, id)
		}
		if err != nil {
			return err
		}
	}
	return w.putKeys(id, sub)
}

func (w *writing) putKeys(id string, sub Subscription) error {
	for _, k := range []struct {
		slot   string
		digest []byte
	}{{"primary", sub.PrimaryDigest}, {"secondary", sub.SecondaryDigest}} {
		if len(k.digest) == 0 {
			continue
		}
		if !w.fresh {
			var other string
			err := w.queryRow(`SELECT subscription_id FROM subscription_key WHERE digest = ?`, k.digest).Scan(&other)
			if err == nil {
				return &KeyInUseError{Subscription: other}
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		_, err := w.exec(`INSERT INTO subscription_key (digest, subscription_id, slot) VALUES (?, ?, ?)`, k.digest, id, k.slot)
		if err != nil {
			return err
		}
	}
	return nil
}

// Deletions are remembered for those who ask what has changed, for a day and
// up to a number; who asks for longer ago gets the whole.
const (
	tombstoneAge = 24 * time.Hour
	tombstones   = 10_000
)

// subtractOld takes the row that get has found out of the sum.
func (w *writing) subtractOld(id string) {
	if w.old.id == id {
		w.rows.add(&w.rows.sum, id, w.old.revision)
	}
}

// remove deletes the row of a folded id, which get has found.
func (w *writing) remove(id string) error {
	if _, err := w.exec(`DELETE FROM subscription WHERE id = ?`, id); err != nil {
		return err
	}
	w.subtractOld(id)
	now := w.now()
	_, err := w.exec(`INSERT INTO tombstone (id, revision, deleted_at) VALUES (?, ?, ?)`, id, int64(w.next()), now.UnixMicro())
	if err != nil {
		return err
	}
	var old sql.NullInt64
	err = w.queryRow(`SELECT max(revision) FROM tombstone WHERE deleted_at < ? OR revision <= COALESCE(
(SELECT revision FROM tombstone ORDER BY revision DESC LIMIT 1 OFFSET ?), 0)`,
		now.Add(-tombstoneAge).UnixMicro(), tombstones).Scan(&old)
	if err != nil || !old.Valid {
		return err
	}
	// By revision, not by time: the clock may have jumped, and floor says that
	// all deletions up to it are forgotten.
	w.floor = Revision(old.Int64)
	_, err = w.exec(`DELETE FROM tombstone WHERE revision <= ?`, old.Int64)
	return err
}
