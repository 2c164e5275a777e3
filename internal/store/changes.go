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
	// Connections are decisions about private endpoints that were made or
	// changed; all of them where Whole. Shut are those that do not open: nothing
	// may go through such a connection.
	Connections []Connection
	Shut        []Damaged
	// Whole: what is not in Subscriptions or Connections does not exist. It is so for since
	// = 0, for a since of long ago, and for one that this database has not
	// reached, which is then an older copy.
	Whole bool
	// OlderState: a backup was restored, or rows were changed outside the
	// gateway, and nobody has accepted that yet, see [Store.OlderState].
	OlderState bool
}

// Changes is what has changed after since, in one consistent view. Where the
// answer is without error, every change up to its Revision is in it.
func (s *Store) Changes(ctx context.Context, since Revision) (Changes, error) {
	if s.edited.Load() != nil {
		since = 0 // until all rows add up
	}
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
	for _, d := range c.Shut {
		s.log.Error("row does not open", "connection", d.ID, "error", d.Err)
	}
	return c, nil
}

func (s *Store) changesSince(ctx context.Context, since Revision) (c Changes, floor Revision, err error) {
	whole := ""
	if since == 0 {
		whole = "UNION ALL SELECT '', revision, row_sum, 1 FROM state"
	}
	rows, err := s.rows(ctx, func(ctx context.Context) ([]sealedRow, error) {
		rows, err := s.db.QueryContext(ctx, s.d.bind(`
SELECT s.revision, s.floor, (SELECT count(*) FROM meta WHERE name = '`+metaOlderState+`'), c.id, c.revision, c.sealed, c.kind
FROM state s LEFT JOIN (
	SELECT id, revision, sealed, 0 AS kind FROM subscription WHERE revision > ?
	UNION ALL SELECT id, revision, NULL, 2 FROM tombstone WHERE revision > ?
	UNION ALL SELECT id, revision, sealed, 3 FROM connection WHERE revision > ? `+whole+`
) c ON 1 = 1
ORDER BY c.revision`), int64(since), int64(since), int64(since))
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		var out []sealedRow
		for rows.Next() {
			var id sql.NullString
			var revision, kind sql.NullInt64
			var box []byte
			if err := rows.Scan(&c.Revision, &floor, &c.OlderState, &id, &revision, &box, &kind); err != nil {
				return nil, err
			}
			if id.Valid {
				out = append(out, sealedRow{kind: rowKind(kind.Int64), id: id.String, revision: Revision(revision.Int64), box: box})
			}
		}
		return out, rows.Err()
	})
	c.Subscriptions, c.Deleted, c.Damaged = rows.subs, rows.deleted, rows.damaged
	c.Connections, c.Shut = rows.connections, rows.shut
	c.OlderState = c.OlderState || rows.sum != nil
	return c, floor, err
}

// Revision is the last one that was taken. It is never below one that was seen
// before, unless the whole was put back to an earlier moment.
func (s *Store) Revision(ctx context.Context) (r Revision, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		return s.db.QueryRowContext(ctx, `SELECT revision FROM state WHERE one = 1`).Scan(&r)
	})
	return r, err
}
