package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestWatchAddsUp: a gateway that runs hears of rows that were changed outside,
// although no revision was taken.
func TestWatchAddsUp(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, id := range []string{"a", "b"} {
		if err := s.PutSubscription(t.Context(), Subscription{ID: id, Scope: "/apis", State: "active"}); err != nil {
			t.Fatal(err)
		}
	}
	var heard []Changes
	w := watch{Store: s, apply: func(c Changes) error { heard = append(heard, c); return nil }, first: true}
	look := func(calls int, older bool) {
		t.Helper()
		for range 2 {
			w.look(t.Context())
		}
		if n := len(heard); n != calls || heard[n-1].OlderState != older {
			t.Fatalf("%d calls, want %d: %+v", n, calls, heard)
		}
	}
	look(1, false)
	if _, err := s.db.Exec(`DELETE FROM subscription WHERE id = 'b'`); err != nil {
		t.Fatal(err)
	}
	w.interval = sumInterval
	look(1, false)
	w.interval = 0
	look(2, true)
	if err := s.AcceptOlderState(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(3, false)
}

// TestSumBegins: rows of a version without sums are summed once, and that is
// noted in the keyring.
func TestSumBegins(t *testing.T) {
	dir := t.TempDir()
	marked := func(change func(*Store)) bool {
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		change(s)
		older, err := s.OlderState(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return older != nil
	}
	back := func(s *Store) {
		if _, err := s.db.Exec(`DELETE FROM migration WHERE version >= 3; ALTER TABLE state DROP COLUMN row_sum; DROP TABLE connection`); err != nil {
			t.Fatal(err)
		}
	}
	marked(func(s *Store) {
		if err := s.PutSubscription(t.Context(), Subscription{ID: "a", Scope: "/apis", State: "active"}); err != nil {
			t.Fatal(err)
		}
		back(s)
	})
	path := filepath.Join(dir, keyringName)
	ring, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Replace(ring, []byte(`,"rowSums":true`), nil, 1)
	if bytes.Equal(ring, before) {
		t.Fatal("the keyring does not say that there are sums")
	}
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if marked(func(*Store) {}) {
		t.Error("rows of the version before are not taken over")
	}
	marked(back)
	if !marked(func(*Store) {}) {
		t.Error("the step was taken back, and rows are taken over once more")
	}
}
