package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNotFound says that there is no row of that id.
var ErrNotFound = errors.New("not found")

// KeyInUseError says that a key's digest belongs to another slot already: one
// key never stands for two subscriptions.
type KeyInUseError struct {
	// Subscription is the id that has the key.
	Subscription string
}

func (e *KeyInUseError) Error() string {
	return fmt.Sprintf("subscription %q has this key already", e.Subscription)
}

// InvalidError says what is wrong with a value before it is stored.
type InvalidError struct{ Reason string }

func (e *InvalidError) Error() string { return "invalid subscription: " + e.Reason }

// Subscription as API Management keeps it, with digests in the place of keys.
type Subscription struct {
	// ID is compared without case, as Azure does.
	ID   string
	Name string
	// Scope is "/apis", "/apis/ID" or "/products/ID".
	Scope string
	// State is Azure's, see [States].
	State string
	// PrimaryDigest and SecondaryDigest are keyed SHA-256 digests, 32 bytes;
	// empty: there is no such key.
	PrimaryDigest, SecondaryDigest []byte
	// CreatedAt and UpdatedAt are UTC in microseconds. The store sets them:
	// CreatedAt where it is zero, when the id is new.
	CreatedAt, UpdatedAt time.Time
}

// States are the states of a subscription; only "active" lets callers in.
func States() []string {
	return []string{"active", "suspended", "submitted", "rejected", "cancelled", "expired"}
}

// PutSubscription stores sub, over the one that has its ID. Where it returns
// nil, sub is on disk. Errors: [*InvalidError], [*KeyInUseError], [*Error].
func (s *Store) PutSubscription(ctx context.Context, sub Subscription) error {
	if err := sub.validate(); err != nil {
		return err
	}
	err := s.write(ctx, func(tx *sql.Tx) error {
		now := s.now()
		created := sub.CreatedAt
		if created.IsZero() {
			created = now
		}
		// An existing row keeps its created_at and the spelling of its id.
		_, err := tx.ExecContext(ctx, `
INSERT INTO subscription (id, name, scope, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, scope = excluded.scope,
	state = excluded.state, updated_at = excluded.updated_at`,
			sub.ID, sub.Name, sub.Scope, sub.State, created.UnixMicro(), now.UnixMicro())
		if err != nil {
			return err
		}
		return putKeys(ctx, tx, sub)
	})
	if err != nil {
		return fmt.Errorf("storing subscription %q: %w", sub.ID, err)
	}
	return nil
}

func (sub *Subscription) validate() error {
	switch {
	case sub.ID == "":
		return &InvalidError{"the id is empty"}
	case sub.Scope == "":
		return &InvalidError{"the scope is empty"}
	case !slices.Contains(States(), sub.State):
		return &InvalidError{fmt.Sprintf("unknown state %q", sub.State)}
	}
	for _, d := range [][]byte{sub.PrimaryDigest, sub.SecondaryDigest} {
		if len(d) != 0 && len(d) != 32 {
			return &InvalidError{fmt.Sprintf("a digest has %d bytes, not 32", len(d))}
		}
	}
	if len(sub.PrimaryDigest) != 0 && subtle.ConstantTimeCompare(sub.PrimaryDigest, sub.SecondaryDigest) == 1 {
		return &KeyInUseError{Subscription: sub.ID}
	}
	return nil
}

func putKeys(ctx context.Context, tx *sql.Tx, sub Subscription) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM subscription_key WHERE subscription_id = ?`, sub.ID); err != nil {
		return err
	}
	for _, k := range []struct {
		slot   string
		digest []byte
	}{{"primary", sub.PrimaryDigest}, {"secondary", sub.SecondaryDigest}} {
		if len(k.digest) == 0 {
			continue
		}
		var other string
		err := tx.QueryRowContext(ctx, `SELECT subscription_id FROM subscription_key WHERE digest = ?`, k.digest).Scan(&other)
		if err == nil {
			return &KeyInUseError{Subscription: other}
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO subscription_key (digest, subscription_id, slot) VALUES (?, ?, ?)`,
			k.digest, sub.ID, k.slot)
		if err != nil {
			return err
		}
	}
	return nil
}

const selectSubscription = `
SELECT s.id, s.name, s.scope, s.state, s.created_at, s.updated_at, p.digest, q.digest
FROM subscription s
LEFT JOIN subscription_key p ON p.subscription_id = s.id AND p.slot = 'primary'
LEFT JOIN subscription_key q ON q.subscription_id = s.id AND q.slot = 'secondary'`

func scanSubscription(row interface{ Scan(...any) error }) (Subscription, error) {
	var sub Subscription
	var created, updated int64
	err := row.Scan(&sub.ID, &sub.Name, &sub.Scope, &sub.State, &created, &updated, &sub.PrimaryDigest, &sub.SecondaryDigest)
	sub.CreatedAt, sub.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return sub, err
}

// GetSubscription is the subscription of that id, or [ErrNotFound].
func (s *Store) GetSubscription(ctx context.Context, id string) (Subscription, error) {
	sub, err := scanSubscription(s.db.QueryRowContext(ctx, selectSubscription+` WHERE s.id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Subscription{}, fmt.Errorf("reading subscription %q: %w", id, s.explain(err))
	}
	return sub, nil
}

// ListSubscriptions is every subscription, ordered by id.
func (s *Store) ListSubscriptions(ctx context.Context) ([]Subscription, error) {
	subs, err := s.listSubscriptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing subscriptions: %w", s.explain(err))
	}
	return subs, nil
}

func (s *Store) listSubscriptions(ctx context.Context) ([]Subscription, error) {
	rows, err := s.db.QueryContext(ctx, selectSubscription+` ORDER BY s.id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var subs []Subscription
	for rows.Next() {
		sub, err := scanSubscription(rows)
		if err != nil {
			return nil, err
		}
		subs = append(subs, sub)
	}
	return subs, rows.Err()
}

// DeleteSubscription removes the subscription of that id and its keys, or
// answers [ErrNotFound].
func (s *Store) DeleteSubscription(ctx context.Context, id string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM subscription WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting subscription %q: %w", id, err)
	}
	return nil
}
