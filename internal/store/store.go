// Package store is the durable state of gateways: subscriptions, and the keys
// that their digests and everything at rest depend on. It lies in an embedded
// SQLite database for one gateway, or in a PostgreSQL database that several
// share.
//
// It guarantees that what a method has answered is on disk (SQLite with
// synchronous=FULL; a PostgreSQL whose fsync or synchronous_commit is off is
// refused), that one process at a time owns the directory, that everything in
// it is the owner's alone (0700, 0600), that rows are sealed, so that a row
// that was edited or moved lets nobody in, and that state is never silently
// begun anew: a lost database, a lost or foreign keyring, and a schema that a
// newer version wrote are errors, not empty results.
//
// Rows that somebody who can write the database has put back, removed or added
// do not add up: that is found when all are read, and nobody gets in by them
// until an operator accepts them, see [Store.OlderState].
//
// It does not guarantee that the whole was not put back to an earlier moment,
// with its revision: compare [Store.Revision] with one that lies elsewhere. And
// a keyring that no key-encryption key seals is only as safe as its file.
//
//	what          SQLite                          PostgreSQL
//	one process   lock (flock, pid)               the same
//	rows          state.db (-wal, -shm)           schema "cloister"
//	keyring       keyring, in clear or sealed     table "keyring", always sealed
//	belonging     –                               shared: which database it was
//
// It fails with an [*Error] that names the directory or database, the reason
// and what to do, with a [*LockedError], or with the errors that a method
// names. Every method that changes something may answer with an
// [*UncertainError]; no other error leaves a change behind.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// KeyEncryption seals the keyring with a key that lies elsewhere.
type KeyEncryption interface {
	// ID names the key in messages and in the keyring; it is no secret.
	ID() string
	Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error)
	// Unwrap fails when sealed or aad is not what Wrap had.
	Unwrap(ctx context.Context, sealed, aad []byte) ([]byte, error)
}

// Options of [Open]; the zero value is an embedded database with a keyring in
// clear.
type Options struct {
	// Now is the wall clock; nil: time.Now. It is written into rows and never
	// decides what is newer.
	Now func() time.Time
	// Rand gives keys and nonces, to several goroutines; nil: crypto/rand.
	Rand io.Reader
	// KEK seals the keyring; nil: it lies in the directory in clear. A keyring
	// in clear is sealed when KEK is there for the first time.
	KEK KeyEncryption
	// AcceptClearKeyring lets [Restore] take a backup whose keyring lies in clear
	// although there is a KEK: anybody can make such a backup, of keys and rows of
	// his own. Nothing else looks at it.
	AcceptClearKeyring bool
	// Postgres is the shared database; nil: SQLite in the directory.
	Postgres *Postgres
	// Log hears of rows that do not open and of lost connections; nil: nobody.
	Log *slog.Logger
}

// Store is open state. Its methods may be called from any goroutine.
type Store struct {
	dir    string
	now    func() time.Time
	random io.Reader
	log    *slog.Logger
	d      dialect
	db     *sql.DB
	lock   *os.File
	// ring is an immutable snapshot, nil until it is loaded.
	ring atomic.Pointer[keyring]
	// kek is what the keyring was sealed with last; nil: in clear.
	kek atomic.Pointer[KeyEncryption]
	// kinds caches the keys of [Store.DigestOf].
	kinds sync.Map
	// writing holds a token: one writer of this process waits its turn here
	// rather than in the database.
	writing chan struct{}
	// backingUp: a backup holds one of the connections.
	backingUp atomic.Bool
	// edited says why the rows are not those that were written; nil: they are.
	edited  atomic.Pointer[Error]
	changed signal
	heard   atomic.Pointer[time.Time]
	closed  chan struct{}
	closing sync.Once
}

// Open takes the directory, which it makes where it is missing, and the shared
// database where there is one, and brings the schema up to date.
func Open(ctx context.Context, dir string, opt Options) (*Store, error) {
	lock, err := own(dir)
	if err != nil {
		return nil, err
	}
	// Of a restore that was killed.
	if err := os.Remove(filepath.Join(dir, restoreFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(cannotWrite(dir, err), lock.Close())
	}
	return open(ctx, dir, lock, opt, nil)
}

// own makes the directory ours and locks it.
func own(dir string) (*os.File, error) {
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	return takeLock(dir)
}

// open goes on where the lock is held, which it gives back when it fails.
// seed, where it is not nil, is what a new database begins with.
func open(ctx context.Context, dir string, lock *os.File, opt Options, seed *seed) (*Store, error) {
	s := &Store{
		dir: dir, now: opt.Now, random: opt.Rand, log: opt.Log, lock: lock,
		writing: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(ctx, opt, seed); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, opt Options, seed *seed) error {
	if opt.KEK != nil {
		s.kek.Store(&opt.KEK)
	}
	var err error
	if opt.Postgres == nil {
		s.d, s.db, err = openSQLite(s.dir)
	} else {
		s.d, s.db, err = openPostgres(s.dir, opt)
	}
	if err != nil {
		return err
	}
	asked := s.now()
	if err := s.d.examine(ctx, s.db); err != nil {
		return s.explain(err)
	}
	if err := s.prepare(ctx, seed); err != nil {
		return err
	}
	if err := s.checkRows(ctx); err != nil {
		return err
	}
	s.heard.Store(&asked)
	return nil
}

// Close gives directory and database back and ends every [Store.Watch]. It
// may be called more than once.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.closed) })
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
// that were made once with the state and never change.
func (s *Store) DigestKey() []byte { return slices.Clone(s.ring.Load().digest) }

// explain turns what a database says into words; other errors pass unchanged.
func (s *Store) explain(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return s.d.explain(err)
}
