package store

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
)

// applicationID marks the file as ours in SQLite's header: "Cloi".
const applicationID = 0x436c6f69

// migration is one step of the schema. Steps are only ever added: what has
// been released is never changed.
type migration struct {
	name string
	sql  string
}

// migrations are applied in order; the version of a step is its index + 1.
func migrations() []migration {
	return []migration{{"subscriptions", `
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT;
CREATE TABLE subscription (
	id         TEXT PRIMARY KEY COLLATE NOCASE,
	name       TEXT NOT NULL,
	scope      TEXT NOT NULL,
	state      TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE subscription_key (
	digest          BLOB PRIMARY KEY CHECK (length(digest) = 32),
	subscription_id TEXT NOT NULL COLLATE NOCASE REFERENCES subscription (id) ON DELETE CASCADE,
	slot            TEXT NOT NULL CHECK (slot IN ('primary', 'secondary')),
	UNIQUE (subscription_id, slot)
) STRICT;
`}}
}

// examine refuses files that are not ours and files that are damaged.
func (s *Store) examine(ctx context.Context) error {
	var id, tables int
	if err := s.db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return s.explain(err)
	}
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return s.explain(err)
	}
	if id != applicationID && (id != 0 || tables != 0) {
		return &Error{Dir: s.dir, Reason: databaseFile + " is the database of another program", Mend: "name another directory"}
	}
	var verdict string
	if err := s.db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return s.explain(err)
	}
	if verdict != "ok" {
		return &Error{
			Dir: s.dir, Reason: databaseFile + " is damaged: " + strings.TrimSpace(verdict),
			Mend: "restore the directory from a backup",
		}
	}
	return nil
}

// applied is the names of the steps that the file has, in order; empty for a
// new file.
func (s *Store) applied(ctx context.Context) ([]string, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'migration'`).Scan(&n)
	if err != nil || n == 0 {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM migration ORDER BY version`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// migrate goes forward from applied. It never goes back: what a newer
// version wrote, an older one cannot be trusted to keep.
func (s *Store) migrate(ctx context.Context, applied []string) error {
	steps := migrations()
	for i, name := range applied {
		if i >= len(steps) || steps[i].name != name {
			return &Error{
				Dir:    s.dir,
				Reason: fmt.Sprintf("its schema has step %d %q, which this version of cloister does not know", i+1, name),
				Mend:   "run the version that wrote it, or a later one",
			}
		}
	}
	for i := len(applied); i < len(steps); i++ {
		err := s.write(ctx, func(tx *sql.Tx) error { return s.apply(ctx, tx, i+1, steps[i]) })
		if err != nil {
			return fmt.Errorf("applying schema step %d %q: %w", i+1, steps[i].name, err)
		}
	}
	return nil
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, version int, step migration) error {
	if _, err := tx.ExecContext(ctx, step.sql); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO migration (version, name, applied_at) VALUES (?, ?, ?)`,
		version, step.name, s.now().UnixMicro())
	return err
}

// begin fills a new file. The database remembers the fingerprint of the
// digest key, so that neither can be lost or exchanged without the other
// noticing; the key is in place under its final name last.
func (s *Store) begin(ctx context.Context, random io.Reader) error {
	key, err := s.proposeDigestKey(random)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		head := fmt.Sprintf(`PRAGMA application_id = %d;
CREATE TABLE migration (
	version    INTEGER PRIMARY KEY,
	name       TEXT NOT NULL,
	applied_at INTEGER NOT NULL
) STRICT;`, applicationID)
		if _, err := tx.ExecContext(ctx, head); err != nil {
			return err
		}
		for i, step := range migrations() {
			if err := s.apply(ctx, tx, i+1, step); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, ?)`, metaDigestKey, fingerprint(key))
		return err
	})
	if err != nil {
		return fmt.Errorf("making the schema: %w", err)
	}
	return s.adoptDigestKey(key)
}
