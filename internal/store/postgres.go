package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// schemaLock is the advisory lock of migrations: "Cloister" in ASCII.
	schemaLock = 0x436c6f6973746572
	channel    = "cloister_changes"
	// operationTimeout bounds one transaction, the way to the server included.
	operationTimeout = 10 * time.Second
	pollInterval     = 250 * time.Millisecond
	maxConnections   = 8
)

// shared is a PostgreSQL database that several gateways use.
type shared struct {
	dir    string
	config *pgx.ConnConfig
	// password is asked for every connection: it may be rotated.
	password func(context.Context) (string, error)
}

func openPostgres(dir string, opt Options) (dialect, *sql.DB, error) {
	p := &shared{dir: dir, password: opt.Postgres.Password}
	var err error
	if p.config, err = opt.Postgres.config(); err != nil {
		return p, nil, &Error{Dir: dir, Reason: "the settings of its PostgreSQL are unfit: " + err.Error(), Err: err}
	}
	if opt.KEK == nil {
		return p, nil, (&Store{dir: dir, d: p}).needsKEK()
	}
	db := stdlib.OpenDB(*p.config, stdlib.OptionBeforeConnect(p.prepare), stdlib.OptionAfterConnect(p.inspect))
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections / 2)
	db.SetConnMaxIdleTime(time.Minute)
	return p, db, nil
}

func (p *shared) name() string           { return "postgresql" }
func (p *shared) first() int             { return stepSealed }
func (p *shared) forUpdate() string      { return " FOR UPDATE" }
func (p *shared) timeout() time.Duration { return operationTimeout }
func (p *shared) poll() time.Duration    { return pollInterval }

func (p *shared) place() string {
	return net.JoinHostPort(p.config.Host, strconv.Itoa(int(p.config.Port))) + "/" + p.config.Database
}

// bind numbers the parameters.
func (p *shared) bind(query string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// types gives text the order of bytes, which is SQLite's.
func (p *shared) types() *strings.Replacer {
	return strings.NewReplacer("{bytes}", "BYTEA", "{int}", "BIGINT", "{text}", `TEXT COLLATE "C"`, "{table}", "")
}

// head makes the schema that all names stand in, see search_path.
func (p *shared) head() string { return "CREATE SCHEMA IF NOT EXISTS " + schemaName + ";" }

// examine connects, and so inspects the server.
func (p *shared) examine(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) }

func (p *shared) lockSchema(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(schemaLock))
	return err
}

func (p *shared) hasTable(ctx context.Context, tx *sql.Tx, name string) (has bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, schemaName+"."+name).Scan(&has)
	return has, err
}

func (p *shared) readOptions() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}

func (p *shared) patient(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`)
	return err
}

func (p *shared) announce(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_notify($1, '')`, channel)
	return err
}

func (p *shared) loadKeyring(ctx context.Context, q querier) ([]byte, error) {
	var envelope []byte
	err := q.QueryRowContext(ctx, `SELECT envelope FROM keyring WHERE one = 1`).Scan(&envelope)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return envelope, err
}

func (p *shared) proposeKeyring(ctx context.Context, tx *sql.Tx, envelope []byte) error {
	return p.saveKeyring(ctx, tx, envelope)
}

func (p *shared) saveKeyring(ctx context.Context, tx *sql.Tx, envelope []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO keyring (one, envelope) VALUES (1, $1)
ON CONFLICT (one) DO UPDATE SET envelope = excluded.envelope`, envelope)
	return err
}

func (p *shared) adoptKeyring() error { return nil }

// listen waits for notifications. They only make it quicker: what is lost
// while the connection is away is found by polling.
func (p *shared) listen(ctx context.Context, wake func(), log *slog.Logger) {
	backoff := firstBackoff
	for ctx.Err() == nil {
		began := time.Now()
		err := p.hear(ctx, wake)
		if ctx.Err() != nil {
			return
		}
		log.Debug("notifications of the state database were lost", "error", p.explain(err))
		if time.Since(began) > 2*lastBackoff {
			backoff = firstBackoff
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

func (p *shared) hear(ctx context.Context, wake func()) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

// uncertain: the server has said nothing, or that it ends.
func (p *shared) uncertain(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return strings.HasPrefix(said.Code, "57P") || strings.HasPrefix(said.Code, "08")
	}
	// The driver's own judgement whether COMMIT was sent is not trusted: it may
	// find the connection closed by the failure of its first attempt.
	return !errors.Is(err, pgx.ErrTxCommitRollback) && !errors.Is(err, sql.ErrTxDone)
}

// transient: a conflict with another transaction, or a connection that was
// lost. A server that cannot be connected to is not tried again.
func (p *shared) transient(err error) bool {
	var uncertain *UncertainError
	if err == nil || errors.As(err, &uncertain) {
		return false
	}
	var connecting *pgconn.ConnectError
	var said *pgconn.PgError
	switch {
	case errors.As(err, &connecting):
		return false
	case errors.As(err, &said):
		return said.Code == "40001" || said.Code == "40P01" || strings.HasPrefix(said.Code, "57P")
	}
	return lost(err)
}

// lost tells that the connection is gone.
func lost(err error) bool {
	var netErr net.Error
	return pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &netErr) || errors.Is(err, sql.ErrConnDone) ||
		err != nil && strings.Contains(err.Error(), "conn closed")
}

func (p *shared) explain(err error) error {
	out := &Error{Dir: p.dir, Database: p.place(), Err: err}
	var connecting *pgconn.ConnectError
	var said *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		return err // the caller's own doing
	case errors.As(err, &said):
		p.explainCode(out, said)
	case errors.As(err, &connecting), lost(err), errors.Is(err, context.DeadlineExceeded):
		out.Reason = "it does not answer: " + err.Error()
		out.Mend = "see that PostgreSQL runs and that this machine reaches it; nothing that was acknowledged is lost"
		out.Err = errors.Join(ErrUnavailable, err)
	default:
		return err
	}
	return out
}

// explainCode is for what the server has said, by SQLSTATE.
func (p *shared) explainCode(out *Error, said *pgconn.PgError) {
	out.Reason = fmt.Sprintf("PostgreSQL says: %s (%s)", said.Message, said.Code)
	class := said.Code[:min(2, len(said.Code))]
	switch {
	case class == "28" || said.Code == "3D000":
		out.Mend = "see that role, database and password are those of state.postgres in cloister.yaml"
	case class == "53" || said.Code == "58030":
		out.Mend = "make room on the server; nothing that was acknowledged is lost"
		out.Err = errors.Join(ErrUnavailable, out.Err)
	case class == "57" || class == "55" || class == "08" || class == "40" || said.Code == "25P03":
		out.Mend = "it is busy or ends; try again"
		out.Err = errors.Join(ErrUnavailable, out.Err)
	case said.Code == "42501":
		out.Mend = "make the role the owner of the database"
	case said.Code == "25006":
		out.Mend = "name the primary server, not a copy"
	case class == "XX":
		out.Mend = "the database may be damaged: look at the server's log, restore a backup"
	}
}
