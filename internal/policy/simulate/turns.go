package simulate

import (
	"context"
	"time"
)

// turns are those of policies that run at the same time: one after the other, by
// the clock of the description. Next is who wakes first; of several the one that
// began first. So what takes time overlaps, and the same description always comes
// to the same.
//
// Everything here belongs to who has the turn.
type turns struct {
	now func() time.Time
	set func(time.Time)

	current *sleeper
	waiting []*sleeper
	begun   int
}

// sleeper is one of those that run at the same time, until its turn.
type sleeper struct {
	// number is how many began before.
	number int
	// wake is when it goes on, or as soon as ctx has ended or done is closed.
	wake time.Time
	ctx  context.Context
	done <-chan struct{}
	turn chan struct{}
}

// early reports whether it has nothing to wait for any longer.
func (s *sleeper) early() bool {
	select {
	case <-s.done:
		return true
	default:
		return s.ctx != nil && s.ctx.Err() != nil
	}
}

// sleep moves the clock on by d for who calls it.
func (t *turns) sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && d > 0 {
		t.wait(&sleeper{wake: t.now().Add(d), ctx: ctx})
	}
	return context.Cause(ctx)
}

// Await waits until done is closed, for as long as ctx lasts, and for no longer
// than most.
func (t *turns) Await(ctx context.Context, done <-chan struct{}, most time.Duration) error {
	s := &sleeper{wake: t.now().Add(most), ctx: ctx, done: done}
	if !s.early() {
		t.wait(s)
	}
	select {
	case <-done:
		return nil
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return context.DeadlineExceeded
}

// Together runs do for each of n, as if at the same time.
func (t *turns) Together(n int, do func(i int)) {
	if n == 0 {
		return
	}
	all, left := make(chan struct{}), n
	for i := range n {
		t.begun++
		s := &sleeper{number: t.begun, wake: t.now(), turn: make(chan struct{}, 1)}
		t.waiting = append(t.waiting, s)
		go func() {
			<-s.turn
			do(i)
			if left--; left == 0 {
				close(all)
			}
			t.next()
		}()
	}
	t.wait(&sleeper{wake: never, done: all})
}

// never is when those wake that wait for something else.
var never = time.Unix(1<<40, 0)

// wait gives the turn away until it is that of who calls again.
func (t *turns) wait(s *sleeper) {
	s.number, s.turn = t.current.number, t.current.turn
	t.waiting = append(t.waiting, s)
	t.next()
	<-s.turn
}

// next gives the turn to who wakes next, and puts the clock there.
func (t *turns) next() {
	now := t.now()
	first, at := 0, never
	for i, s := range t.waiting {
		wake := s.wake
		if s.early() || wake.Before(now) {
			wake = now
		}
		if before := wake.Compare(at); before < 0 || before == 0 && s.number < t.waiting[first].number {
			first, at = i, wake
		}
	}
	s := t.waiting[first]
	t.waiting = append(t.waiting[:first], t.waiting[first+1:]...)
	t.set(at)
	t.current = s
	s.turn <- struct{}{}
}
