package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
)

func changeTests() []test {
	return []test{
		{"changes since a revision", changesSince},
		{"deletions are forgotten at last", forgotten},
		{"changes are heard", heard},
		{"an apply that fails is repeated", applyFails},
		{"no change is missed", noneMissed},
		{"a place that went back", wentBack},
	}
}

func (f *fixture) changes(t *testing.T, since store.Revision) store.Changes {
	t.Helper()
	c, err := f.Changes(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ids(c store.Changes) string {
	var out []string
	for _, s := range c.Subscriptions {
		out = append(out, s.ID)
	}
	return fmt.Sprintf("%v -%v whole=%v", out, c.Deleted, c.Whole)
}

func changesSince(t *testing.T, f *fixture) {
	want := func(since store.Revision, text string) store.Revision {
		t.Helper()
		c := f.changes(t, since)
		if got := ids(c); got != text {
			t.Errorf("since %d: %s, want %s", since, got, text)
		}
		return c.Revision
	}
	start := want(0, "[] -[] whole=true")
	f.put(t, sample("a", 1))
	f.put(t, sample("b", 3))
	one := want(start, "[a b] -[] whole=true")
	if start == 0 && one != 2 {
		t.Errorf("two writes gave revision %d", one)
	}
	want(one, "[] -[] whole=false")
	f.put(t, sample("a", 5))
	two := want(one, "[a] -[] whole=false")
	if _, err := f.DeleteSubscription(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	three := want(two, "[] -[a] whole=false")
	want(one, "[] -[a] whole=false")
	f.put(t, sample("a", 7))
	want(three, "[a] -[] whole=false")
	want(one, "[a] -[] whole=false") // it is there again
	want(0, "[b a] -[] whole=true")
}

// forgotten: who asks for a time whose deletions are forgotten gets the whole.
func forgotten(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.put(t, sample("b", 3))
	f.put(t, sample("c", 5))
	r := f.changes(t, 0).Revision
	for _, id := range []string{"a", "b"} {
		if _, err := f.DeleteSubscription(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		f.advance(25 * time.Hour)
	}
	c := f.changes(t, r)
	if got := ids(c); got != "[c] -[] whole=true" {
		t.Errorf("since long ago: %s", got)
	}
	if got := ids(f.changes(t, c.Revision-1)); got != "[] -[b] whole=false" {
		t.Errorf("since a moment ago: %s", got)
	}
}

// follower is what a gateway does with changes.
type follower struct {
	mu   sync.Mutex
	subs map[string]store.Subscription
	seen store.Revision
}

func (w *follower) apply(c store.Changes) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.Whole || w.subs == nil {
		w.subs = map[string]store.Subscription{}
	}
	for _, id := range c.Deleted {
		delete(w.subs, id)
	}
	for _, s := range c.Subscriptions {
		w.subs[s.ID] = s
	}
	w.seen = c.Revision
	return nil
}

func (w *follower) state(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.subs[id]; ok {
		return s.State
	}
	return "-"
}

// within waits for a condition for at most a second, the promise.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within a second: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// follow watches until the test ends.
func follow(t *testing.T, s *store.Store) *follower {
	t.Helper()
	w := &follower{}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Watch(ctx, 0, w.apply) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrClosed) {
			t.Errorf("watch ended with %v", err)
		}
	})
	return w
}

func heard(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	w := follow(t, f.Store)
	within(t, "the first whole", func() bool { return w.state("a") == "active" })
	suspended := sample("a", 1)
	suspended.State = "suspended"
	f.put(t, suspended)
	within(t, "a change", func() bool { return w.state("a") == "suspended" })
	f.advance(time.Minute)
	within(t, "that nothing changed", func() bool { return f.Heard().Equal(f.now()) })
	if _, err := f.DeleteSubscription(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	within(t, "a deletion", func() bool { return w.state("a") == "-" })
}

func applyFails(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var calls []string
	err := f.Watch(ctx, 0, func(c store.Changes) error {
		calls = append(calls, ids(c))
		if len(calls) < 3 {
			return errors.New("not yet")
		}
		stop()
		return nil
	})
	want := slices.Repeat([]string{"[a] -[] whole=true"}, 3)
	if diff := cmp.Diff(want, calls); diff != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// noneMissed: readers that follow while many write end with what is stored.
func noneMissed(t *testing.T, f *fixture) {
	w := follow(t, f.Store)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 15 {
				id := fmt.Sprintf("s%d", (n+i)%5)
				sub := store.Subscription{ID: id, Scope: "/apis", State: store.States()[i%2]}
				if err := f.PutSubscription(context.Background(), sub); err != nil {
					t.Error(err)
				}
				if i%6 == 5 {
					if _, err := f.DeleteSubscription(context.Background(), id); err != nil && !errors.Is(err, store.ErrNotFound) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	c := f.changes(t, 0)
	within(t, "the last revision", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.seen == c.Revision
	})
	want := map[string]store.Subscription{}
	for _, s := range c.Subscriptions {
		want[s.ID] = s
	}
	if diff := cmp.Diff(want, w.subs); diff != "" {
		t.Errorf("(-stored +followed)\n%s", diff)
	}
}

// wentBack: a follower that knows a later revision than the place gets the whole.
func wentBack(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	if got := ids(f.changes(t, 1_000_000)); got != "[a] -[] whole=true" {
		t.Errorf("got %s", got)
	}
}
