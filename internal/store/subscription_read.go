package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// GetSubscription is the subscription of that id, or [ErrNotFound], or an
// [*Error] that names the row where it does not open.
func (s *Store) GetSubscription(ctx context.Context, id string) (Subscription, error) {
	folded := fold(id)
	rows, err := s.rows(ctx, func(ctx context.Context) ([]sealedRow, error) {
		r := sealedRow{id: folded}
		err := s.db.QueryRowContext(ctx, s.d.bind(`SELECT revision, sealed FROM subscription WHERE id = ?`), folded).Scan(&r.revision, &r.box)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		}
		return []sealedRow{r}, err
	})
	if err == nil && len(rows.damaged) > 0 {
		err = rows.damaged[0].Err
	}
	if err != nil {
		return Subscription{}, fmt.Errorf("reading subscription %q: %w", id, err)
	}
	return rows.subs[0], nil
}

// ListSubscriptions is every subscription, ordered by id. Rows that do not
// open are left out and logged, so that the others go on; [Store.Changes]
// names them.
func (s *Store) ListSubscriptions(ctx context.Context) ([]Subscription, error) {
	rows, err := s.rows(ctx, func(ctx context.Context) ([]sealedRow, error) {
		rows, err := s.db.QueryContext(ctx, `
SELECT 1 AS kind, '' AS id, revision, row_sum FROM state
UNION ALL SELECT 0, id, revision, sealed FROM subscription
UNION ALL SELECT 3, id, revision, NULL FROM connection ORDER BY id`)
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		var out []sealedRow
		for rows.Next() {
			var r sealedRow
			if err := rows.Scan(&r.kind, &r.id, &r.revision, &r.box); err != nil {
				return nil, err
			}
			r.bare = r.kind == rowConnection
			out = append(out, r)
		}
		return out, rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("listing subscriptions: %w", err)
	}
	s.logDamage(rows.damaged)
	return rows.subs, nil
}

// sealedRow is a row as it is stored, or what goes along with rows.
type sealedRow struct {
	kind     rowKind
	id       string
	revision Revision
	box      []byte
	// bare: the box was not read.
	bare bool
}

// rowKind is told by the queries. That a box is empty does not make a row a
// deletion: it was edited.
type rowKind int

const (
	rowStored rowKind = iota
	// rowsTotal is the sealed sum, at the revision of the whole: the rows beside
	// it are all there are.
	rowsTotal
	rowDeleted
	// rowConnection is a decision about a private endpoint.
	rowConnection
)

// Damaged is a row that does not open.
type Damaged struct {
	// ID of the subscription, as it is compared.
	ID string
	// Err is an [*Error].
	Err error
}

// rowAttempts are those to read rows by one keyring, while it is rotated.
const rowAttempts = 50

type openedRows struct {
	subs    []Subscription
	deleted []string
	damaged []Damaged
	// connections are decisions about private endpoints; shut those of them that
	// do not open.
	connections []Connection
	shut        []Damaged
	// sum is what is wrong with the sum, where it was read.
	sum error
}

// rows reads with read and opens what it found. A row that does not open may
// be one that another gateway seals anew with another key at this moment: then
// the keyring has changed, and both are read again.
func (s *Store) rows(ctx context.Context, read func(context.Context) ([]sealedRow, error)) (openedRows, error) {
	for attempt := 1; ; attempt++ {
		// Before the rows: a key that is out of use by now has no rows any more.
		ring, was := s.ring.Load(), s.edited.Load()
		var sealed []sealedRow
		err := s.read(ctx, func(ctx context.Context) (err error) {
			sealed, err = read(ctx)
			return err
		})
		if err != nil {
			return openedRows{}, err
		}
		out, whole := s.openRows(ring, sealed)
		good := len(out.damaged) == 0 && len(out.shut) == 0 && out.sum == nil
		if !good {
			again, err := s.refreshKeyring(ctx, ring)
			switch {
			case err != nil:
				return openedRows{}, err
			case again && attempt < rowAttempts:
				continue
			case again:
				// What is wrong cannot be told: it may be nothing.
				return openedRows{}, &Error{Dir: s.dir, Reason: "its keyring changes all the time", Mend: "try again", Err: ErrUnavailable}
			}
		}
		if whole {
			s.note(out.sum, was)
		}
		return out, nil
	}
}

// openRows reports whether sealed was the whole, with its sum.
func (s *Store) openRows(ring *keyring, sealed []sealedRow) (out openedRows, whole bool) {
	out.subs = make([]Subscription, 0, len(sealed))
	for _, r := range sealed {
		switch {
		case r.kind == rowsTotal:
			whole, out.sum = true, ring.holdSum(r.box, r.revision, sealed)
			continue
		case r.kind == rowDeleted:
			out.deleted = append(out.deleted, r.id)
			continue
		case r.bare:
			continue
		case r.kind == rowConnection:
			c, err := ring.openConnection(r.id, r.revision, r.box)
			if err != nil {
				out.shut = append(out.shut, Damaged{r.id, s.damagedConnection(r.id, err)})
				continue
			}
			out.connections = append(out.connections, c)
			continue
		}
		sub, err := ring.openRow(r.id, r.revision, r.box)
		if err != nil {
			out.damaged = append(out.damaged, Damaged{r.id, s.damagedRow(r.id, err)})
			continue
		}
		out.subs = append(out.subs, sub)
	}
	return out, whole
}

// refreshKeyring reports whether there is a newer keyring than used.
func (s *Store) refreshKeyring(ctx context.Context, used *keyring) (bool, error) {
	var generation int64
	err := s.read(ctx, func(ctx context.Context) error {
		return s.db.QueryRowContext(ctx, `SELECT generation FROM state WHERE one = 1`).Scan(&generation)
	})
	if err != nil {
		return false, err
	}
	if now := s.ring.Load(); generation != now.generation {
		return true, s.reloadKeyring(ctx)
	}
	return s.ring.Load() != used, nil
}

func (s *Store) logDamage(damaged []Damaged) {
	for _, d := range damaged {
		s.log.Error("row does not open", "subscription", d.ID, "error", d.Err)
	}
}
