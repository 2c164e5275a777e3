// Package store is the durable state of one gateway: an embedded SQLite
// database and the key of its digests, in one directory.
//
// It guarantees that what a method has answered is on disk (synchronous=FULL:
// every commit is flushed), that one process at a time owns the directory,
// that everything in it is the owner's alone (0700, 0600), and that state is
// never silently begun anew: a lost database, a lost or foreign digest key,
// and a schema that a newer version wrote are errors, not empty results. It
// does not share state between processes and does not encrypt it.
//
//	directory     holds              file
//	one process   flock, pid         lock
//	rows          SQLite, WAL        state.db (-wal, -shm)
//	digest key    32 random bytes    digest.key
//
// It fails with an [*Error] that names the directory, the reason and what to
// do, with a [*LockedError], or with [ErrNotFound] or a [*KeyInUseError].
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"modernc.org/sqlite"
)

const databaseFile = "state.db"

// Options of [Open]; the zero value is what production uses.
type Options struct {
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Rand gives the digest key; nil: crypto/rand.
	Rand io.Reader
}

// Store is an open state directory. Its methods may be called from any
// goroutine.
type Store struct {
	dir       string
	now       func() time.Time
	db        *sql.DB
	lock      *os.File
	digestKey []byte
	// writing guards transactions that write: one writer waits its turn here
	// rather than in SQLite's busy loop.
	writing sync.Mutex
}

// Error says why a state directory cannot be used.
type Error struct {
	Dir string
	// Reason has no full stop.
	Reason string
	// Mend says what to do; may be empty.
	Mend string
	// Err is the cause; may be nil.
	Err error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("state directory %s: %s", e.Dir, e.Reason)
	if e.Mend != "" {
		s += "; mend: " + e.Mend
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Open takes the directory, which it makes where it is missing, and brings
// its schema up to date.
func Open(ctx context.Context, dir string, opt Options) (*Store, error) {
	s := &Store{dir: dir, now: opt.Now}
	if s.now == nil {
		s.now = time.Now
	}
	random := opt.Rand
	if random == nil {
		random = rand.Reader
	}
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	var err error
	if s.lock, err = takeLock(dir); err != nil {
		return nil, err
	}
	if err := s.open(ctx, random); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, random io.Reader) error {
	path := filepath.Join(s.dir, databaseFile)
	if err := makePrivateFile(s.dir, path); err != nil {
		return err
	}
	var err error
	if s.db, err = sql.Open("sqlite", dataSource(path)); err != nil {
		return s.explain(err)
	}
	s.db.SetMaxOpenConns(4)
	if err := s.examine(ctx); err != nil {
		return err
	}
	applied, err := s.applied(ctx)
	if err != nil {
		return s.explain(err)
	}
	if len(applied) == 0 {
		return s.begin(ctx, random)
	}
	if err := s.migrate(ctx, applied); err != nil {
		return err
	}
	return s.loadDigestKey(ctx)
}

// dataSource sets the pragmas that every connection needs. A transaction
// takes the write lock when it begins, so that it never fails half-way.
func dataSource(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(1)", "trusted_schema(0)",
	}}
	return (&url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: q.Encode()}).String()
}

// Close gives the directory back. It may be called more than once.
func (s *Store) Close() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		// Closing the descriptor drops the lock; the file stays, because
		// removing it would race with the next owner.
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(errs...)
}

// DigestKey is the key of the digests that are stored here: 32 random bytes
// that were made once with the directory.
func (s *Store) DigestKey() []byte { return slices.Clone(s.digestKey) }

// write runs f in a transaction that is on disk when write returns nil.
func (s *Store) write(ctx context.Context, f func(*sql.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err)
	}
	if err := f(tx); err != nil {
		return errors.Join(s.explain(err), rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return s.explain(err)
	}
	return nil
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("rolling back: %w", err)
	}
	return nil
}

// SQLite's primary result codes that an operator can act on.
const (
	codeReadOnly = 8
	codeIOError  = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// explain turns SQLite's codes into words; other errors pass unchanged.
func (s *Store) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	out := &Error{Dir: s.dir, Err: err}
	switch e.Code() & 0xff {
	case codeCorrupt, codeNotADB:
		out.Reason = databaseFile + " is damaged: " + e.Error()
		out.Mend = "restore the directory from a backup"
	case codeReadOnly, codeCantOpen:
		out.Reason = databaseFile + " cannot be written: " + e.Error()
		out.Mend = "make the directory and its files writable for this user"
	case codeFull:
		out.Reason = "the disk is full"
		out.Mend = "make room and start again; nothing that was acknowledged is lost"
	case codeIOError:
		out.Reason = "the disk failed: " + e.Error()
	default:
		out.Reason = e.Error()
	}
	return out
}
