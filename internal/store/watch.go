package store

import (
	"context"
	"sync"
	"time"
)

// Waits of a [Store.Watch] that fails.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 2 * time.Second
)

// sumInterval is how often a [Store.Watch] that looks for changes adds up all
// rows.
const sumInterval = time.Minute

// Watch calls apply with what has changed after since, at once with the whole
// where since is 0, and then with every change within a second. It goes on
// until ctx ends, whose error it returns, or until the store is closed, when
// it returns [ErrClosed]: a database that is not reached, or an apply that
// fails, is logged once and tried again, less and less often, at last every
// two seconds. Where it looks, it adds up all rows once a minute, and calls apply
// with [Changes.OlderState] when they are not those that were written.
// [Store.Heard] says how old what was applied is by then.
func (s *Store) Watch(ctx context.Context, since Revision, apply func(Changes) error) error {
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { s.d.listen(ctx, s.changed.raise, s.log) })

	w := watch{Store: s, since: since, apply: apply, first: true, interval: sumInterval}
	for {
		woken := s.changed.wait()
		var passed <-chan time.Time
		if pause := w.look(ctx); pause > 0 {
			passed = time.After(pause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closed:
			return ErrClosed
		case <-woken:
		case <-passed:
		}
	}
}

type watch struct {
	*Store
	since   Revision
	apply   func(Changes) error
	first   bool
	backoff time.Duration // 0: the last look was good
	// summed is when the rows were added up last; edited: apply was told that
	// they are not those that were written.
	summed time.Time
	edited bool
	// interval is [sumInterval].
	interval time.Duration
}

// look applies what is new and returns how long to wait for a wake; 0: for ever.
func (w *watch) look(ctx context.Context) time.Duration {
	// Before the question: what is applied is at least as new as this.
	asked := w.now()
	if err := w.catchUp(ctx); err != nil {
		if w.backoff == 0 && ctx.Err() == nil {
			w.log.Warn("changes of the state are not heard", "error", err)
		}
		w.backoff = min(max(2*w.backoff, firstBackoff), lastBackoff)
		return w.backoff
	}
	if w.backoff > 0 {
		w.log.Info("changes of the state are heard again")
	}
	w.backoff, w.first = 0, false
	w.Store.heard.Store(&asked)
	return w.d.poll()
}

func (w *watch) catchUp(ctx context.Context) error {
	if !w.first {
		if err := w.sumUp(ctx); err != nil {
			return err
		}
		revision, err := w.Revision(ctx)
		if err != nil || revision == w.since && w.edited == (w.Store.edited.Load() != nil) {
			return err
		}
		if revision < w.since {
			w.log.Error("the state went back to an earlier revision", "from", w.since, "to", revision)
		}
	}
	c, err := w.Changes(ctx, w.since)
	if err != nil {
		return err
	}
	if c.Revision != w.since || c.Whole {
		if err := w.apply(c); err != nil {
			return err
		}
	}
	w.since, w.edited = c.Revision, c.Whole && w.Store.edited.Load() != nil
	return nil
}

// sumUp adds up all rows where that is due.
func (w *watch) sumUp(ctx context.Context) error {
	now := w.now()
	if since := now.Sub(w.summed); !w.summed.IsZero() && since >= 0 && since < w.interval {
		return nil
	}
	w.summed = now
	return w.checkRows(ctx)
}

// Heard is the last moment at which what [Store.Watch] has applied was known
// to be the newest; before the first time, the moment of [Open]. It carries a
// monotonic reading where the clock gives one, so that its age is right when
// the wall clock jumps. With an embedded database nobody else changes
// anything: it is now.
func (s *Store) Heard() time.Time {
	if s.d.poll() == 0 {
		return s.now()
	}
	return *s.heard.Load()
}
