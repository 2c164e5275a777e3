package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The versions of the steps. Steps are only ever added: what has been released
// is never changed.
const (
	stepSubscriptions = 1
	stepSealed        = 2
	stepSummed        = 3
	stepConnections   = 4
)

// migration is one step of the schema.
type migration struct {
	name string
	sql  string
}

// migrations in order: the version of a step is its index + 1. A shared
// database begins with [stepSealed].
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
`}, {"sealed rows", `
DROP TABLE IF EXISTS subscription_key;
DROP TABLE IF EXISTS subscription;
CREATE TABLE IF NOT EXISTS meta (
	name  {text} PRIMARY KEY,
	value {bytes} NOT NULL
) {table};
-- revision is the last one that was taken; deletions up to floor are
-- forgotten; generation counts the changes of the keyring.
CREATE TABLE state (
	one        {int} PRIMARY KEY CHECK (one = 1),
	revision   {int} NOT NULL,
	floor      {int} NOT NULL,
	generation {int} NOT NULL
) {table};
INSERT INTO state (one, revision, floor, generation) VALUES (1, 0, 0, 1);
CREATE TABLE subscription (
	id       {text} PRIMARY KEY,
	revision {int} NOT NULL UNIQUE,
	sealed   {bytes} NOT NULL
) {table};
CREATE TABLE subscription_key (
	digest          {bytes} PRIMARY KEY CHECK (length(digest) = 32),
	subscription_id {text} NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
	slot            {text} NOT NULL CHECK (slot IN ('primary', 'secondary')),
	UNIQUE (subscription_id, slot)
) {table};
CREATE TABLE tombstone (
	id         {text} PRIMARY KEY,
	revision   {int} NOT NULL UNIQUE,
	deleted_at {int} NOT NULL
) {table};
CREATE TABLE keyring (
	one      {int} PRIMARY KEY CHECK (one = 1),
	envelope {bytes} NOT NULL
) {table};
`}, {"summed rows", `
ALTER TABLE state ADD COLUMN row_sum {bytes};
`}, {"connections", `
CREATE TABLE connection (
	id       {text} PRIMARY KEY,
	revision {int} NOT NULL UNIQUE,
	sealed   {bytes} NOT NULL
) {table};
`}}
}

const migrationTable = `
CREATE TABLE migration (
	version    {int} PRIMARY KEY,
	name       {text} NOT NULL,
	applied_at {int} NOT NULL
) {table};`

// prepareTimeout bounds a migration, the wait for another gateway's included.
const prepareTimeout = 10 * time.Minute

// seed is what a new database begins with, where that is not nothing.
type seed struct {
	ring *keyring
	fill func(*writing) error
}

// prepare begins a new database or brings an older one up to date, in one
// transaction, and loads the keyring.
func (s *Store) prepare(ctx context.Context, seed *seed) error {
	var after func() error
	began := false
	err := s.transact(ctx, prepareTimeout, "preparing the schema", func(ctx context.Context, tx *sql.Tx) error {
		if err := errors.Join(s.d.patient(ctx, tx), s.d.lockSchema(ctx, tx)); err != nil {
			return err
		}
		applied, err := s.applied(ctx, tx)
		if err == nil {
			err = s.known(applied)
		}
		switch {
		case err != nil:
			return err
		case len(applied) == 0:
			after, began = s.d.adoptKeyring, true
			return s.begin(ctx, tx, seed)
		}
		after = s.forgetDigestKey
		return s.migrate(ctx, tx, applied[len(applied)-1].version)
	})
	if err == nil {
		err = after()
	}
	if err == nil {
		err = s.mark(began)
	}
	if err == nil && !s.ring.Load().summed {
		err = s.changeKeyring(ctx, "noting that rows are summed", func(_ *writing, ring *keyring) (*keyring, error) {
			out := *ring
			out.summed = true
			return &out, nil
		})
	}
	return err
}

// migrate goes forward from the last step that was applied.
func (s *Store) migrate(ctx context.Context, tx *sql.Tx, last int) error {
	load, next := s.loadKeyring, last+1
	if last < stepSealed {
		load, next = s.takeOver, stepSummed+1
	}
	if err := load(ctx, tx); err != nil {
		return err
	}
	for v := next; v <= len(migrations()); v++ {
		if err := s.apply(ctx, tx, v); err != nil {
			return err
		}
	}
	// Where the keyring has had a sum before, a step was taken back by hand:
	// then there is none now, and the rows are not taken for right.
	if next > stepSummed || s.ring.Load().summed {
		return nil
	}
	return s.sumUp(ctx, tx)
}

// sumUp begins the sum of rows that were written without one.
func (s *Store) sumUp(ctx context.Context, tx *sql.Tx) error {
	w := &writing{Store: s, ctx: ctx, tx: tx, ring: s.ring.Load()}
	if err := w.queryRow(`SELECT revision FROM state WHERE one = 1`).Scan(&w.revision); err != nil {
		return err
	}
	if err := w.refold(); err != nil {
		return err
	}
	return errors.Join(w.addUp(), w.finish())
}

// refold gives rows the id that fold makes now: before there were sums, letters
// outside ASCII had a case.
func (w *writing) refold() error {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT id, revision, sealed FROM subscription`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var old []Subscription
	var ids []string
	for rows.Next() {
		var r sealedRow
		if err := rows.Scan(&r.id, &r.revision, &r.box); err != nil {
			return err
		}
		if r.id == fold(r.id) {
			continue
		}
		// One that does not open is left as it is.
		if sub, err := w.ring.openRow(r.id, r.revision, r.box); err == nil {
			old, ids = append(old, sub), append(ids, r.id)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	w.beginSum()
	w.fresh = true
	for i, sub := range old {
		if _, err := w.exec(`DELETE FROM subscription WHERE id = ?`, ids[i]); err != nil {
			return err
		}
		if err := w.put(sub); err != nil {
			return err
		}
	}
	return nil
}

// step is one that a database has.
type step struct {
	version int
	name    string
}

// applied is the steps that the database has, in order; empty for a new one.
func (s *Store) applied(ctx context.Context, tx *sql.Tx) ([]step, error) {
	has, err := s.d.hasTable(ctx, tx, "migration")
	if err != nil || !has {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT version, name FROM migration ORDER BY version`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var steps []step
	for rows.Next() {
		var st step
		if err := rows.Scan(&st.version, &st.name); err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	return steps, rows.Err()
}

// known refuses steps that this version does not have. It never goes back:
// what a newer version wrote, an older one cannot be trusted to keep.
func (s *Store) known(applied []step) error {
	steps := migrations()
	if len(applied) > 0 && applied[0].version < s.d.first() {
		return s.fault(fmt.Sprintf("its schema begins with step %d %q, which such a database never had: somebody has edited it",
			applied[0].version, applied[0].name), "find out who writes to the database; restore a backup")
	}
	for _, st := range applied {
		if st.version < 1 || st.version > len(steps) || steps[st.version-1].name != st.name {
			return s.fault(fmt.Sprintf("its schema has step %d %q, which this version of cloister does not know", st.version, st.name),
				"run the version that wrote it, or a later one")
		}
	}
	return nil
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, version int) error {
	step := migrations()[version-1]
	if _, err := tx.ExecContext(ctx, s.d.types().Replace(step.sql)); err != nil {
		return fmt.Errorf("applying schema step %d %q: %w", version, step.name, err)
	}
	_, err := tx.ExecContext(ctx, s.d.bind(`INSERT INTO migration (version, name, applied_at) VALUES (?, ?, ?)`),
		version, step.name, s.now().UnixMicro())
	return err
}

// begin fills a new database. It remembers the fingerprint of the digest key,
// so that neither database nor keyring can be lost or exchanged without the
// other noticing.
func (s *Store) begin(ctx context.Context, tx *sql.Tx, seed *seed) error {
	ring, err := s.firstKeyring(seed)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, s.d.types().Replace(s.d.head()+migrationTable)); err != nil {
		return err
	}
	for v := s.d.first(); v <= len(migrations()); v++ {
		if err := s.apply(ctx, tx, v); err != nil {
			return err
		}
	}
	envelope, err := s.sealKeyring(ctx, ring)
	if err == nil {
		err = s.d.proposeKeyring(ctx, tx, envelope)
	}
	if err == nil {
		err = s.setMeta(ctx, tx, metaDigestKey, fingerprint(ring.digest))
	}
	if err != nil {
		return err
	}
	ring.generation = 1
	s.ring.Store(ring)
	w := &writing{Store: s, ctx: ctx, tx: tx, ring: ring}
	w.beginSum()
	if seed != nil {
		err = seed.fill(w)
	}
	return errors.Join(err, w.finish())
}

func (s *Store) firstKeyring(seed *seed) (*keyring, error) {
	if seed != nil {
		return seed.ring, nil
	}
	if err := s.mayBegin(); err != nil {
		return nil, err
	}
	ring, err := newKeyring(s.random)
	if err != nil {
		return nil, s.fault("no randomness for its keys: "+err.Error(), "")
	}
	return ring, nil
}

// newer refuses a database that a newer version has taken over meanwhile.
func (s *Store) newer(ctx context.Context, tx *sql.Tx) error {
	var st step
	err := tx.QueryRowContext(ctx, `SELECT version, name FROM migration ORDER BY version DESC LIMIT 1`).Scan(&st.version, &st.name)
	if err != nil {
		return err
	}
	return s.known([]step{st})
}

func (s *Store) setMeta(ctx context.Context, tx *sql.Tx, name string, value []byte) error {
	_, err := tx.ExecContext(ctx, s.d.bind(`INSERT INTO meta (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value`), name, value)
	return err
}

// meta is nil where there is no such row.
func (s *Store) meta(ctx context.Context, q querier, name string) ([]byte, error) {
	var value []byte
	err := q.QueryRowContext(ctx, s.d.bind(`SELECT value FROM meta WHERE name = ?`), name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, err
}

// fault is an [Error] of the place where the rows lie.
func (s *Store) fault(reason, mend string) *Error {
	e := &Error{Dir: s.dir, Reason: reason, Mend: mend}
	if s.d.name() != "sqlite" {
		e.Database = s.d.place()
	}
	return e
}
