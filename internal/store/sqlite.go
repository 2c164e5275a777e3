package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
)

const databaseFile = "state.db"

// applicationID marks the file as ours in SQLite's header: "Cloi".
const applicationID = "1131179881"

// embedded is SQLite in the state directory.
type embedded struct{ keyringFile }

func openSQLite(dir string) (dialect, *sql.DB, error) {
	e := &embedded{keyringFile{dir}}
	path := filepath.Join(dir, databaseFile)
	if err := makePrivateFile(dir, path); err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", dataSource(path))
	if err != nil {
		return nil, nil, e.explain(err)
	}
	db.SetMaxOpenConns(4)
	return e, db, nil
}

// dataSource sets the pragmas that every connection needs. A transaction that
// writes takes the write lock when it begins, so that it never fails half-way.
// What is deleted is overwritten: it may be from a time before rows were sealed.
func dataSource(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(1)", "trusted_schema(0)", "secure_delete(1)",
	}}
	return (&url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: q.Encode()}).String()
}

func (e *embedded) name() string             { return "sqlite" }
func (e *embedded) place() string            { return filepath.Join(e.dir, databaseFile) }
func (e *embedded) bind(query string) string { return query }
func (e *embedded) first() int               { return stepSubscriptions }
func (e *embedded) forUpdate() string        { return "" }
func (e *embedded) timeout() time.Duration   { return 0 }
func (e *embedded) poll() time.Duration      { return 0 }

func (e *embedded) types() *strings.Replacer {
	return strings.NewReplacer("{bytes}", "BLOB", "{int}", "INTEGER", "{text}", "TEXT", "{table}", "STRICT")
}

func (e *embedded) head() string { return "PRAGMA application_id = " + applicationID + ";" }

// examine refuses files that are not ours and files that are damaged.
func (e *embedded) examine(ctx context.Context, db *sql.DB) error {
	var id, verdict string
	var tables int
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	if id != applicationID && (id != "0" || tables != 0) {
		return &Error{Dir: e.dir, Reason: databaseFile + " is the database of another program", Mend: "name another directory"}
	}
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &Error{
			Dir: e.dir, Reason: databaseFile + " is damaged: " + strings.TrimSpace(verdict),
			Mend: "restore the directory from a backup",
		}
	}
	return nil
}

// lockSchema has nothing to do: a transaction that writes has the only lock.
func (e *embedded) lockSchema(context.Context, *sql.Tx) error { return nil }

func (e *embedded) hasTable(ctx context.Context, tx *sql.Tx, name string) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, name).Scan(&n)
	return n > 0, err
}

// readOptions make the transaction a deferred one: its first read fixes the view.
func (e *embedded) readOptions() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }

func (e *embedded) patient(context.Context, *sql.Tx) error  { return nil }
func (e *embedded) announce(context.Context, *sql.Tx) error { return nil }

// listen has nobody to listen to: one process owns the directory.
func (e *embedded) listen(context.Context, func(), *slog.Logger) {}

// SQLite's primary result codes that an operator can act on.
const (
	codeReadOnly = 8
	codeIOError  = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// uncertain: the frame that commits may have reached the disk although its
// flush failed.
func (e *embedded) uncertain(err error) bool { return code(err) == codeIOError }

func (e *embedded) transient(error) bool { return false }

// explain turns SQLite's codes into words; other errors pass unchanged.
func (e *embedded) explain(err error) error {
	out := &Error{Dir: e.dir, Err: err}
	switch code(err) {
	case 0:
		return err
	case codeCorrupt, codeNotADB:
		out.Reason = databaseFile + " is damaged: " + err.Error()
		out.Mend = "restore the directory from a backup"
	case codeReadOnly, codeCantOpen:
		out.Reason = databaseFile + " cannot be written: " + err.Error()
		out.Mend = "make the directory and its files writable for this user"
	case codeFull:
		out.Reason = "the disk is full"
		out.Mend = "make room and start again; nothing that was acknowledged is lost"
	case codeIOError:
		out.Reason = "the disk failed: " + err.Error()
		out.Mend = "look at the disk; nothing that was acknowledged is lost"
	default:
		out.Reason = err.Error()
	}
	return out
}
