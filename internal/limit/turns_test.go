package limit

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestTurnsAreShared: one that waits behind a thousand of another client waits
// for one of them.
func TestTurnsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1)
		greedy, modest, third := addr("10.0.0.1"), addr("10.0.0.2"), addr("10.0.0.3")
		turns.Take(t.Context(), greedy)
		got := make(chan netip.Addr, 2000)
		wait := func(a netip.Addr) {
			go func() {
				if turns.Take(t.Context(), a) == nil {
					got <- a
				}
			}()
			synctest.Wait()
		}
		for range 1000 {
			wait(greedy)
		}
		wait(modest)
		wait(third)
		wait(modest)
		for i, want := range []netip.Addr{greedy, modest, third, greedy, modest, greedy, greedy} {
			turns.Give()
			if who := <-got; who != want {
				t.Fatalf("turn %d: %v, want %v", i, who, want)
			}
		}
		for range 996 {
			turns.Give()
			<-got
		}
		turns.Give()
		if len(turns.waiting) != 0 || len(turns.order) != 0 || turns.free != 1 {
			t.Errorf("left over: %+v", turns)
		}
	})
}

// TestTurnsOfWhoIsGone: who gives up takes nobody's turn.
func TestTurnsOfWhoIsGone(t *testing.T) {
	turns := NewTurns(1)
	turns.Take(t.Context(), addr("10.0.0.1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if err := turns.Take(ctx, addr("10.0.0.2")); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	turns.Give()
	if err := turns.Take(t.Context(), addr("10.0.0.3")); err != nil || turns.free != 0 || len(turns.waiting) != 0 {
		t.Errorf("%v, %+v", err, turns)
	}
}

// TestTurnsAreBounded: never more at once than there may be, whatever is
// cancelled meanwhile, and all are back in the end.
func TestTurnsAreBounded(t *testing.T) {
	const most = 3
	turns := NewTurns(most)
	var now, peak atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for round := range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+round)%3 == 0 {
					go cancel()
				}
				if turns.Take(ctx, numbered(i%4)) == nil {
					n := now.Add(1)
					for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
					}
					now.Add(-1)
					turns.Give()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	turns.mu.Lock()
	defer turns.mu.Unlock()
	if peak.Load() > most || peak.Load() < 1 || turns.free != most {
		t.Errorf("peak %d, free %d of %d", peak.Load(), turns.free, most)
	}
}
