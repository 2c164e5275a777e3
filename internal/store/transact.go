package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Revision counts changes: each has the next one. Readers see revisions in
// their order, without gaps that fill later, because writers take them one
// after the other, in the transaction of their change.
type Revision uint64

// attempts of a transaction that failed before anything was committed.
const attempts = 3

// errStaleKeyring says that another gateway has changed the keyring.
var errStaleKeyring = errors.New("the keyring was changed")

// writing is a transaction that holds the lock of all writers.
type writing struct {
	*Store
	ctx      context.Context
	tx       *sql.Tx
	ring     *keyring
	revision Revision // the last one that was taken
	taken    bool
	floor    Revision // 0: unchanged
	// fresh: the tables were empty, so nothing has to be looked for or replaced.
	fresh bool
	// rows is their sum; old is the row that get has found last.
	rows summed
	old  sealedRow
}

// next takes the next revision.
func (w *writing) next() Revision {
	w.revision++
	w.taken = true
	return w.revision
}

func (w *writing) exec(query string, args ...any) (int64, error) {
	res, err := w.tx.ExecContext(w.ctx, w.d.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (w *writing) queryRow(query string, args ...any) *sql.Row {
	return w.tx.QueryRowContext(w.ctx, w.d.bind(query), args...)
}

// finish stores revision and sum, and tells the other gateways.
func (w *writing) finish() error {
	if w.floor > 0 {
		if _, err := w.exec(`UPDATE state SET floor = ? WHERE one = 1`, int64(w.floor)); err != nil {
			return err
		}
	}
	if err := w.saveSum(); err != nil || !w.taken {
		return err
	}
	return w.d.announce(w.ctx, w.tx)
}

// write runs f in a transaction that is durable when write returns nil. f may
// run more than once; what it did before is then undone.
func (s *Store) write(ctx context.Context, doing string, f func(*writing) error) error {
	return s.writeIn(ctx, s.d.timeout(), doing, f)
}

// writeIn is write with a bound of its own in time; 0: ctx alone bounds it.
func (s *Store) writeIn(ctx context.Context, limit time.Duration, doing string, f func(*writing) error) error {
	for attempt := 1; ; attempt++ {
		changed := false
		err := s.transact(ctx, limit, doing, func(ctx context.Context, tx *sql.Tx) error {
			w := &writing{Store: s, ctx: ctx, tx: tx, ring: s.ring.Load()}
			var generation int64
			var sum []byte
			err := w.queryRow(`SELECT revision, generation, row_sum FROM state WHERE one = 1`+s.d.forUpdate()).Scan(&w.revision, &generation, &sum)
			if err == nil {
				err = s.newer(ctx, tx)
			}
			if err == nil && generation != w.ring.generation {
				err = w.renew(ctx, attempt)
			}
			if err == nil {
				w.loadSum(sum)
				err = f(w)
			}
			if err == nil {
				err = w.finish()
			}
			changed = w.taken
			return err
		})
		switch {
		case err == nil:
			if changed {
				s.changed.raise()
			}
			return nil
		case attempt == attempts:
		case errors.Is(err, errStaleKeyring):
			if err := s.reloadKeyring(ctx); err != nil {
				return err
			}
			continue
		case s.d.transient(err):
			continue
		}
		return err
	}
}

// renew takes over what another gateway did to the keyring: before the next
// attempt, because that may ask a vault, while nobody waits; and where they
// rotate one after the other, at last within the transaction.
func (w *writing) renew(ctx context.Context, attempt int) error {
	if attempt < attempts {
		return errStaleKeyring
	}
	err := w.loadKeyring(ctx, w.tx)
	w.ring = w.Store.ring.Load()
	return err
}

// transact runs f in a transaction of a writer and commits it, within limit;
// 0: ctx alone bounds it.
func (s *Store) transact(ctx context.Context, limit time.Duration, doing string, f func(context.Context, *sql.Tx) error) error {
	release, err := s.holdWriters(ctx)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := bounded(ctx, limit)
	defer cancel()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer func() { _ = conn.Close() }()
	// The transaction itself does not end with the caller's context: a caller
	// that goes away while COMMIT is under way must not make it uncertain.
	held, release := bounded(context.WithoutCancel(ctx), limit)
	defer release()
	tx, err := conn.BeginTx(held, nil)
	if err != nil {
		return s.explain(err)
	}
	if limit == 0 {
		err = s.d.patient(ctx, tx)
	}
	if err == nil {
		err = f(ctx, tx)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return errors.Join(s.explain(err), s.rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		if s.d.uncertain(err) {
			return &UncertainError{Doing: doing, Err: s.explain(err)}
		}
		return s.explain(err)
	}
	return nil
}

// holdWriters keeps the other writers of this process waiting until release,
// which may be called twice.
func (s *Store) holdWriters(ctx context.Context) (release func(), err error) {
	select {
	case <-s.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case s.writing <- struct{}{}:
		held := true
		return func() {
			if held {
				held = false
				<-s.writing
			}
		}, nil
	case <-s.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit > 0 {
		return context.WithTimeout(ctx, limit)
	}
	return context.WithCancel(ctx)
}

// rollback has nothing to say where the connection is gone: the database rolls
// back by itself.
func (s *Store) rollback(tx *sql.Tx) error {
	err := tx.Rollback()
	if err == nil || errors.Is(err, sql.ErrTxDone) || s.d.transient(err) || errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("rolling back: %w", err)
}

// read runs f, a second and a third time where a connection was lost.
func (s *Store) read(ctx context.Context, f func(ctx context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := s.readOnce(ctx, f)
		if err == nil || attempt == attempts || !s.d.transient(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Store) readOnce(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := bounded(ctx, s.d.timeout())
	defer cancel()
	select {
	case <-s.closed:
		return ErrClosed
	default:
		return s.explain(f(ctx))
	}
}

// snapshot runs f on one consistent view, without a bound in time but ctx.
func (s *Store) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, s.d.readOptions())
	if err != nil {
		return s.explain(err)
	}
	if err = s.d.patient(ctx, tx); err == nil {
		err = f(tx)
	}
	return errors.Join(s.explain(err), s.rollback(tx))
}

// reloadKeyring takes over what another gateway did to the keyring.
func (s *Store) reloadKeyring(ctx context.Context) error {
	return s.transact(ctx, s.d.timeout(), "reading the keyring", func(ctx context.Context, tx *sql.Tx) error {
		return s.loadKeyring(ctx, tx)
	})
}

// signal wakes everybody who waits.
type signal struct {
	mu sync.Mutex // guards ch
	ch chan struct{}
}

// wait is closed by the next raise.
func (g *signal) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ch == nil {
		g.ch = make(chan struct{})
	}
	return g.ch
}

func (g *signal) raise() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ch != nil {
		close(g.ch)
		g.ch = nil
	}
}

// stamp is a time as it is stored: UTC in microseconds.
func stamp(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }
