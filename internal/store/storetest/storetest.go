// Package storetest is the conformance suite of durable state: what it has to
// do, whatever database lies below. It is used by tests only. A database
// passes when [Run] does not fail; the suite knows nothing of files, servers
// or schemas, which are tested for each.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
)

// Place is empty state somewhere, which can be opened, closed and opened again.
type Place struct {
	Dir string
	// Options say which database, and the key-encryption key.
	Options store.Options
	// Exec changes the database behind the store's back.
	Exec func(t testing.TB, statement string)
}

// test is one part of the suite; another gives further empty places.
type test struct {
	name string
	run  func(*testing.T, *fixture)
}

// Run runs the suite. place gives an empty one each time.
func Run(t *testing.T, place func(*testing.T) Place) {
	for _, tests := range [][]test{subscriptionTests(), changeTests(), sealTests(), sumTests(), connectionTests(), backupTests()} {
		for _, c := range tests {
			t.Run(c.name, func(t *testing.T) {
				f := &fixture{Place: place(t), another: place, at: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)}
				f.Options.Now = f.now
				f.open(t)
				c.run(t, f)
			})
		}
	}
}

func subscriptionTests() []test {
	return []test{
		{"put and get", putAndGet},
		{"update keeps created", update},
		{"create", create},
		{"change in a transaction", change},
		{"ids have no case", caseless},
		{"list is ordered", list},
		{"delete", remove},
		{"a key belongs to one slot", keyInUse},
		{"invalid is refused", invalid},
		{"writers do not lose each other", concurrent},
		{"a cancelled context writes nothing", cancelled},
		{"the clock does not decide", clockJumps},
		{"a closed store says so", closedStore},
		{"a newer version takes over", newerTakesOver},
	}
}

// fixture is an open place with a clock that stands.
type fixture struct {
	Place
	*store.Store
	another func(*testing.T) Place
	mu      sync.Mutex // guards at
	at      time.Time
}

// open opens the place; it is closed with the test.
func (f *fixture) open(t *testing.T) {
	t.Helper()
	f.Store = f.Place.open(t)
}

func (p Place) open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), p.Dir, p.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reopen closes and opens.
func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.open(t)
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

func digest(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func sample(id string, key byte) store.Subscription {
	return store.Subscription{
		ID: id, Name: "Team " + id, Scope: "/products/starter", State: "active",
		PrimaryDigest: digest(key), SecondaryDigest: digest(key + 1),
	}
}

func (f *fixture) put(t *testing.T, sub store.Subscription) {
	t.Helper()
	if err := f.PutSubscription(t.Context(), sub); err != nil {
		t.Fatalf("put %q: %v", sub.ID, err)
	}
}

func (f *fixture) want(t *testing.T, id string, want store.Subscription) {
	t.Helper()
	got, err := f.GetSubscription(t.Context(), id)
	if err != nil {
		t.Fatalf("get %q: %v", id, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("get %q (-want +got):\n%s", id, diff)
	}
}

func (f *fixture) gone(t *testing.T, id string) {
	t.Helper()
	if _, err := f.GetSubscription(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get %q: %v, want ErrNotFound", id, err)
	}
}

func putAndGet(t *testing.T, f *fixture) {
	f.gone(t, "a")
	want := sample("a", 1)
	f.put(t, want)
	want.CreatedAt, want.UpdatedAt = f.at, f.at
	f.want(t, "a", want)

	bare := store.Subscription{ID: "bare", Scope: "/apis", State: "submitted", CreatedAt: f.at.Add(-time.Hour)}
	f.put(t, bare)
	bare.UpdatedAt = f.at
	f.want(t, "bare", bare)
}

func update(t *testing.T, f *fixture) {
	created := f.at
	f.put(t, sample("a", 1))
	f.advance(time.Minute)
	next := sample("a", 7)
	next.Name, next.Scope, next.State, next.SecondaryDigest = "New", "/apis/chat", "suspended", nil
	f.put(t, next)
	next.CreatedAt, next.UpdatedAt = created, f.at
	f.want(t, "a", next)
	// The keys that were dropped are free again.
	f.put(t, sample("b", 1))
	// A key may move to the other slot.
	next.PrimaryDigest, next.SecondaryDigest = nil, digest(7)
	f.put(t, next)
}

func caseless(t *testing.T, f *fixture) {
	want := sample("Team-A", 1)
	f.put(t, want)
	want.CreatedAt, want.UpdatedAt = f.at, f.at
	f.want(t, "TEAM-a", want)
	again := want
	again.ID = "team-A"
	f.put(t, again)
	f.want(t, "team-a", want)
	subs, err := f.ListSubscriptions(t.Context())
	if err != nil || len(subs) != 1 {
		t.Errorf("list: %d rows, %v", len(subs), err)
	}
	if before, err := f.DeleteSubscription(t.Context(), "TEAM-A"); err != nil || before.ID != "Team-A" {
		t.Error(before, err)
	}
	f.gone(t, "Team-A")
	accented := sample("É", 5)
	f.put(t, accented)
	var exists *store.ExistsError
	if _, err := f.CreateSubscription(t.Context(), sample("é", 7)); !errors.As(err, &exists) {
		t.Errorf("é beside É: %v, want an ExistsError", err)
	}
	if subs := f.list(t); len(subs) != 1 || subs[0].ID != "É" {
		t.Errorf("list: %+v", subs)
	}
	if _, err := f.DeleteSubscription(t.Context(), "é"); err != nil {
		t.Error(err)
	}
}

func list(t *testing.T, f *fixture) {
	if subs, err := f.ListSubscriptions(t.Context()); err != nil || len(subs) != 0 {
		t.Fatalf("an empty store lists %v, %v", subs, err)
	}
	for i, id := range []string{"c", "A", "b"} {
		f.put(t, sample(id, byte(10*i)))
	}
	subs, err := f.ListSubscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range subs {
		ids = append(ids, s.ID)
	}
	if diff := cmp.Diff([]string{"A", "b", "c"}, ids); diff != "" {
		t.Error(diff)
	}
}

func remove(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	want, err := f.GetSubscription(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	before, err := f.DeleteSubscription(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	f.gone(t, "a")
	if _, err := f.DeleteSubscription(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second delete: %v, want ErrNotFound", err)
	}
	f.put(t, sample("b", 1)) // its keys went with it
}

func keyInUse(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1)) // 1 and 2
	before, err := f.GetSubscription(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for name, sub := range map[string]store.Subscription{
		"primary is another's primary":     {ID: "b", PrimaryDigest: digest(1)},
		"primary is another's secondary":   {ID: "b", PrimaryDigest: digest(2)},
		"secondary is another's primary":   {ID: "b", PrimaryDigest: digest(9), SecondaryDigest: digest(1)},
		"secondary is another's secondary": {ID: "b", SecondaryDigest: digest(2)},
		"both are one":                     {ID: "a", PrimaryDigest: digest(5), SecondaryDigest: digest(5)},
	} {
		sub.Scope, sub.State = "/apis", "active"
		var inUse *store.KeyInUseError
		if err := f.PutSubscription(t.Context(), sub); !errors.As(err, &inUse) || inUse.Subscription != "a" {
			t.Errorf("%s: %v, want a KeyInUseError of a", name, err)
		}
	}
	f.gone(t, "b") // a refused put leaves nothing behind
	f.want(t, "a", before)
}

func invalid(t *testing.T, f *fixture) {
	for name, change := range map[string]func(*store.Subscription){
		"no id":        func(s *store.Subscription) { s.ID = "" },
		"no scope":     func(s *store.Subscription) { s.Scope = "" },
		"state":        func(s *store.Subscription) { s.State = "Active" },
		"short digest": func(s *store.Subscription) { s.PrimaryDigest = digest(1)[:31] },
		"long digest":  func(s *store.Subscription) { s.SecondaryDigest = append(digest(1), 0) },
		"a zero byte":  func(s *store.Subscription) { s.ID = "a\x00" },
		"no UTF-8":     func(s *store.Subscription) { s.Name = "\xff" },
		"too long":     func(s *store.Subscription) { s.Scope = strings.Repeat("x", 1025) },
	} {
		sub := sample("a", 1)
		change(&sub)
		var typed *store.InvalidError
		if err := f.PutSubscription(t.Context(), sub); !errors.As(err, &typed) {
			t.Errorf("%s: %v, want an InvalidError", name, err)
		}
	}
	f.gone(t, "a")
}

func concurrent(t *testing.T, f *fixture) {
	const writers, each = 4, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("w%d-%d", w, i)
				sub := store.Subscription{ID: id, Scope: "/apis", State: "active"}
				if err := f.PutSubscription(context.Background(), sub); err != nil {
					t.Errorf("put %q: %v", id, err)
				}
				if _, err := f.ListSubscriptions(context.Background()); err != nil {
					t.Errorf("list: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if subs, err := f.ListSubscriptions(t.Context()); err != nil || len(subs) != writers*each {
		t.Errorf("%d rows and %v, want %d", len(subs), err, writers*each)
	}
}

func cancelled(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.PutSubscription(ctx, sample("a", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context.Canceled", err)
	}
	f.gone(t, "a")
}
