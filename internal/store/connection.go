package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kindConnection is a connection in a backup.
const kindConnection = "connection"

// Connection is what an operator has decided about the connection of a private
// endpoint. Which one it is about, and what the states mean, the caller knows.
type Connection struct {
	// ID is compared without case, as that of a subscription.
	ID string
	// State is the caller's word.
	State string
	// Description is the operator's reason; may be empty.
	Description string
	// By is who decided.
	By string
	// UpdatedAt is when, in UTC and microseconds. The store sets it.
	UpdatedAt time.Time
}

func (c *Connection) validate() error {
	switch {
	case c.ID == "":
		return &InvalidError{"the id is empty"}
	case c.State == "":
		return &InvalidError{"the state is empty"}
	}
	for _, text := range []string{c.ID, c.State, c.Description, c.By} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return &InvalidError{fmt.Sprintf("a text is longer than %d bytes, or not plain text", maxText)}
		}
	}
	return nil
}

// ListConnections is every decision, ordered by id. One that does not open is an
// [*Error]: nobody may take it for none.
func (s *Store) ListConnections(ctx context.Context) ([]Connection, error) {
	c, err := s.Changes(ctx, 0)
	if err == nil && len(c.Shut) > 0 {
		err = c.Shut[0].Err
	}
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	slices.SortFunc(c.Connections, func(a, b Connection) int { return strings.Compare(a.ID, b.ID) })
	return c.Connections, nil
}

// UpdateConnection makes or changes the decision of that id in one transaction,
// and returns it as it is. change gets what is stored, or what has only an ID
// where there is nothing, and may be called more than once; its error changes
// nothing and is returned as it is. A row that does not open is replaced, and
// damaged says so to change. Errors: those of [Store.PutSubscription].
func (s *Store) UpdateConnection(ctx context.Context, id string, change func(c *Connection, damaged bool) error) (after Connection, err error) {
	doing := fmt.Sprintf("deciding about connection %q", id)
	err = s.write(ctx, doing, func(w *writing) error {
		before, revision, err := w.connection(id)
		var damaged *Error
		if err != nil && !errors.As(err, &damaged) {
			return err
		}
		next := before
		next.ID = fold(id)
		if err := change(&next, damaged != nil); err != nil {
			return &callerError{err}
		}
		next.ID, next.UpdatedAt = fold(id), stamp(w.now())
		if err := next.validate(); err != nil {
			return err
		}
		after = next
		return w.putConnection(next, revision)
	})
	var callers *callerError
	var uncertain *UncertainError
	switch {
	case errors.As(err, &callers):
		return Connection{}, callers.error
	case errors.As(err, &uncertain):
		return after, err
	case err != nil:
		return Connection{}, fmt.Errorf("%s: %w", doing, err)
	}
	return after, nil
}

// connection is the row of that id with its revision; 0: there is none. One that
// does not open is an [*Error].
func (w *writing) connection(id string) (Connection, Revision, error) {
	id = fold(id)
	var revision Revision
	var box []byte
	err := w.queryRow(`SELECT revision, sealed FROM connection WHERE id = ?`, id).Scan(&revision, &box)
	if errors.Is(err, sql.ErrNoRows) {
		return Connection{}, 0, nil
	}
	if err != nil {
		return Connection{}, 0, err
	}
	c, err := w.ring.openConnection(id, revision, box)
	if err != nil {
		return Connection{}, revision, w.damagedConnection(id, err)
	}
	return c, revision, nil
}

// putConnection writes c at the next revision over the row of revision old; 0:
// there was none.
func (w *writing) putConnection(c Connection, old Revision) error {
	revision := w.next()
	box, err := w.ring.current().seal(w.random, connectionContext(c.ID, revision), c.marshal())
	if err == nil {
		_, err = w.exec(`INSERT INTO connection (id, revision, sealed) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, sealed = excluded.sealed`, c.ID, int64(revision), box)
	}
	if err != nil {
		return err
	}
	if old > 0 {
		w.rows.add(&w.rows.sum, summedConnection(c.ID), old)
	}
	w.rows.add(&w.rows.sum, summedConnection(c.ID), revision)
	return nil
}

// summedConnection is the id by which a connection is added up: no subscription
// has it, because theirs hold no control characters.
func summedConnection(id string) string { return "connection\x00" + id }

// connectionContext is what the box of a row is bound to.
func connectionContext(id string, revision Revision) []byte {
	b := append([]byte("row\x00connection\x00"), id...)
	return binary.BigEndian.AppendUint64(append(b, 0), uint64(revision))
}

// openConnection opens the box of a row.
func (k *keyring) openConnection(id string, revision Revision, box []byte) (Connection, error) {
	text, err := k.openBox(box, connectionContext(id, revision), true)
	if err != nil {
		return Connection{}, err
	}
	c, ok := unmarshalConnection(text)
	if !ok || c.ID != id {
		return Connection{}, errBox
	}
	return c, nil
}

func (s *Store) damagedConnection(id string, err error) *Error {
	e := s.fault(fmt.Sprintf("the row of the connection %q does not open: %v; nothing goes through it", id, err),
		"decide about the connection anew, or restore a backup")
	e.Err = err
	return e
}

// marshal is the form of a row, see [Subscription.marshal].
func (c *Connection) marshal() []byte {
	b := []byte{rowVersion}
	for _, s := range []string{c.ID, c.State, c.Description, c.By} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return binary.AppendVarint(b, c.UpdatedAt.UnixMicro())
}

// unmarshalConnection is the inverse of marshal.
func unmarshalConnection(text []byte) (c Connection, ok bool) {
	if len(text) == 0 || text[0] != rowVersion {
		return c, false
	}
	r := rowReader{rest: text[1:], ok: true}
	c.ID, c.State, c.Description, c.By = string(r.bytes()), string(r.bytes()), string(r.bytes()), string(r.bytes())
	c.UpdatedAt = r.time()
	return c, r.ok && len(r.rest) == 0
}

// resealConnections seals the rows with the current key. They are as few as
// private endpoints are.
func (w *writing) resealConnections() error {
	current := w.ring.current()
	rows, err := w.tx.QueryContext(w.ctx, w.d.bind(`SELECT id, revision, sealed FROM connection WHERE substr(sealed, 2, 8) <> ?`), current.id[:])
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var all []sealedRow
	for rows.Next() {
		var r sealedRow
		if err := rows.Scan(&r.id, &r.revision, &r.box); err != nil {
			return err
		}
		all = append(all, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, r := range all {
		context := connectionContext(r.id, r.revision)
		text, err := w.ring.openBox(r.box, context, true)
		if err != nil {
			w.log.Error("row does not open", "connection", r.id, "error", w.damagedConnection(r.id, err))
			continue
		}
		box, err := current.seal(w.random, context, text)
		if err == nil {
			_, err = w.exec(`UPDATE connection SET sealed = ? WHERE id = ?`, box, r.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fillConnection puts one row of a backup in place.
func (b *openedBackup) fillConnection(w *writing, r backupRow) error {
	if r.Kind != kindConnection {
		return notWhole("it holds a row of the unknown kind %q", r.Kind)
	}
	c, err := b.ring.openConnection(r.ID, r.Revision, r.Sealed)
	if err != nil {
		b.info.Damaged = append(b.info.Damaged, kindConnection+" "+r.ID)
		w.log.Error("row does not open", "connection", r.ID, "error", w.damagedConnection(r.ID, err))
		return nil
	}
	return w.putConnection(c, 0)
}
