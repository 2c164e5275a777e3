package store

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"time"
)

// dialect is what differs between the two databases. All other SQL is the
// same: it is written with ? for parameters.
type dialect interface {
	// name is "sqlite" or "postgresql"; place is where it is, for people.
	name() string
	place() string
	// bind spells the parameters of a query.
	bind(query string) string
	// types spells the types of a schema step.
	types() *strings.Replacer
	// examine refuses databases that are not ours, damaged or unsafe.
	examine(ctx context.Context, db *sql.DB) error
	// lockSchema keeps others from migrating until tx ends.
	lockSchema(ctx context.Context, tx *sql.Tx) error
	// head is the first statements of a new database, after lockSchema.
	head() string
	hasTable(ctx context.Context, tx *sql.Tx, name string) (bool, error)
	// first is the version of the step that a new database begins with.
	first() int
	// forUpdate locks the row that a SELECT finds.
	forUpdate() string
	// readOptions give a transaction one consistent view.
	readOptions() *sql.TxOptions
	// patient lifts the time limits of statements in tx.
	patient(ctx context.Context, tx *sql.Tx) error
	// announce tells other processes of a change when tx commits.
	announce(ctx context.Context, tx *sql.Tx) error
	// uncertain tells errors of COMMIT after which it may have been done;
	// transient, errors before it after which a second try makes sense.
	uncertain(err error) bool
	transient(err error) bool
	explain(err error) error
	// timeout bounds one operation; 0: the caller alone does.
	timeout() time.Duration
	// poll is how often others' changes are looked for; 0: there are no others.
	poll() time.Duration
	// listen calls wake for others' changes until ctx ends.
	listen(ctx context.Context, wake func(), log *slog.Logger)

	keyringPlace
}

// keyringPlace is where the sealed keyring lies.
type keyringPlace interface {
	// loadKeyring is nil where there is none.
	loadKeyring(ctx context.Context, q querier) ([]byte, error)
	// proposeKeyring and adoptKeyring are the two halves of the first save:
	// before and after the commit that makes the database.
	proposeKeyring(ctx context.Context, tx *sql.Tx, envelope []byte) error
	adoptKeyring() error
	// saveKeyring replaces the keyring. It may be in force before tx commits:
	// the new one has to open whatever the old one opened.
	saveKeyring(ctx context.Context, tx *sql.Tx, envelope []byte) error
}

// querier is a database, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}
