package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
)

func create(t *testing.T, f *fixture) {
	want := sample("Team", 1)
	got, err := f.CreateSubscription(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	want.CreatedAt, want.UpdatedAt = f.at, f.at
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	var exists *store.ExistsError
	if _, err := f.CreateSubscription(t.Context(), sample("TEAM", 5)); !errors.As(err, &exists) || exists.ID != "TEAM" {
		t.Errorf("a second of that id: %v, want an ExistsError", err)
	}
	f.want(t, "team", want)
}

func change(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	want, err := f.GetSubscription(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	f.advance(time.Hour)
	next := want
	next.State, next.PrimaryDigest, next.UpdatedAt = "suspended", digest(9), f.at
	before, after, err := f.UpdateSubscription(t.Context(), "A", func(s *store.Subscription) error {
		s.State, s.PrimaryDigest = "suspended", digest(9)
		s.ID, s.CreatedAt, s.UpdatedAt = "other", time.Time{}, time.Time{} // not its to set
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]store.Subscription{want, next}, []store.Subscription{before, after}); diff != "" {
		t.Errorf("before and after (-want +got):\n%s", diff)
	}
	f.want(t, "a", next)
	no := errors.New("no")
	if _, _, err := f.UpdateSubscription(t.Context(), "a", func(s *store.Subscription) error { s.State = "active"; return no }); err != no {
		t.Errorf("got %v, want the error of change itself", err)
	}
	var invalid *store.InvalidError
	if _, _, err := f.UpdateSubscription(t.Context(), "a", func(s *store.Subscription) error { s.State = "x"; return nil }); !errors.As(err, &invalid) {
		t.Errorf("got %v, want an InvalidError", err)
	}
	f.want(t, "a", next)
	if _, _, err := f.UpdateSubscription(t.Context(), "b", func(*store.Subscription) error { return nil }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// clockJumps: times are written down and decide nothing.
func clockJumps(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	first, err := f.Changes(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	f.advance(-20 * 365 * 24 * time.Hour)
	f.put(t, sample("b", 3))
	if _, err := f.DeleteSubscription(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	c, err := f.Changes(t.Context(), first.Revision)
	if err != nil || c.Whole || len(c.Subscriptions) != 1 || c.Subscriptions[0].ID != "b" || len(c.Deleted) != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
}

func closedStore(t *testing.T, f *fixture) {
	ended := make(chan error, 1)
	applied := make(chan struct{}, 1)
	go func() {
		ended <- f.Watch(context.Background(), 0, func(store.Changes) error { applied <- struct{}{}; return nil })
	}()
	<-applied
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("watch: %v, want ErrClosed", err)
	}
	if err := f.PutSubscription(t.Context(), sample("a", 1)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("put: %v, want ErrClosed", err)
	}
	if _, err := f.ListSubscriptions(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("list: %v, want ErrClosed", err)
	}
}

// newerTakesOver: a process that runs while a newer version takes the database
// over writes nothing any more.
func newerTakesOver(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.Exec(t, `INSERT INTO migration (version, name, applied_at) VALUES (9, 'grants', 0)`)
	var typed *store.Error
	if err := f.PutSubscription(t.Context(), sample("b", 3)); !errors.As(err, &typed) || !strings.Contains(err.Error(), `step 9 "grants"`) {
		t.Errorf("put: %v, want an Error that names the step", err)
	}
	f.gone(t, "b")
}
