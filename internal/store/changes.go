package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Changes is what has changed since a revision.
type Changes struct {
	// Revision is what to ask with the next time.
	Revision Revision
	// Subscriptions are those that were made or changed, in the order of their
	// last change; all of them where Whole.
	Subscriptions []Subscription
	// Deleted are ids that are there no more, in the form in which ids are
	// compared, and those of Damaged.
	Deleted []string
	// Damaged are rows that do not open: nobody may get in by them.
	Damaged []Damaged
	// Whole: what is not in Subscriptions does not exist. It is so for since
	// = 0, for a since of long ago, and for one that this database has not
	// reached, which is then an older copy.
	Whole bool
	// OlderState: a backup was restored, and nobody has accepted that yet, see
	// [Store.OlderState].
	OlderState bool
}

// Changes is what has changed after since, in one consistent view. Where the
// answer is without error, every change up to its Revision is in it.
func (s *Store) Changes(ctx context.Context, since Revision) (Changes, error) {
	c, floor, err := s.changesSince(ctx, since)
	if err == nil && since > 0 && (since < floor || since > c.Revision) {
		since = 0
		c, _, err = s.changesSince(ctx, 0)
	}
	if err != nil {
		return Changes{}, fmt.Errorf("reading changes: %w", err)
	}
	if since == 0 {
		c.Whole, c.Deleted = true, nil
	}
	for _, d := range c.Damaged {
		c.Deleted = append(c.Deleted, d.ID)
	}
	s.logDamage(c.Damaged)
	return c, nil
}

func (s *Store) changesSince(ctx context.Context, since Revision) (c Changes, floor Revision, err error) {
	rows, err := s.rows(ctx, func(ctx context.Context) ([]sealedRow, error) {
		rows, err := s.db.QueryContext(ctx, s.d.bind(`
SELECT s.revision, s.floor, (SELECT count(*) FROM meta WHERE name = '`+metaOlderState+`'), c.id, c.revision, c.sealed, c.deleted
FROM state s LEFT JOIN (
	SELECT id, revision, sealed, 0 AS deleted FROM subscription WHERE revision > ?
	UNION ALL
	SELECT id, revision, NULL, 1 FROM tombstone WHERE revision > ?
) c ON 1 = 1
ORDER BY c.revision`), int64(since), int64(since))
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		var out []sealedRow
		for rows.Next() {
			var id sql.NullString
			var revision sql.NullInt64
			var deleted sql.NullBool
			var box []byte
			if err := rows.Scan(&c.Revision, &floor, &c.OlderState, &id, &revision, &box, &deleted); err != nil {
				return nil, err
			}
			if id.Valid {
				out = append(out, sealedRow{id.String, Revision(revision.Int64), box, deleted.Bool})
			}
		}
		return out, rows.Err()
	})
	c.Subscriptions, c.Deleted, c.Damaged = rows.subs, rows.deleted, rows.damaged
	return c, floor, err
}

// revision is the last one that was taken.
func (s *Store) revision(ctx context.Context) (r Revision, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		return s.db.QueryRowContext(ctx, `SELECT revision FROM state WHERE one = 1`).Scan(&r)
	})
	return r, err
}
