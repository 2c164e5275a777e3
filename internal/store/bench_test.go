package store

import (
	"crypto/rand"
	"fmt"
	"testing"
)

// BenchmarkLoad is what a gateway does when it starts, and BenchmarkChanges
// what it does after a change, with 100,000 subscriptions.
func BenchmarkLoad(b *testing.B) {
	s := manyRows(b)
	b.Run("list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if subs, err := s.ListSubscriptions(b.Context()); err != nil || len(subs) != manySubscriptions {
				b.Fatal(len(subs), err)
			}
		}
	})
	b.Run("changes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if c, err := s.Changes(b.Context(), manySubscriptions-1); err != nil || len(c.Subscriptions) != 1 {
				b.Fatal(len(c.Subscriptions), err)
			}
		}
	})
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.PutSubscription(b.Context(), Subscription{ID: "0", Scope: "/apis", State: "active"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

const manySubscriptions = 100_000

// manyRows makes them in one transaction.
func manyRows(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.Context(), b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	err = s.writeIn(b.Context(), 0, "filling", func(w *writing) error {
		w.fresh = true
		for i := range manySubscriptions {
			digest := fingerprint(fmt.Append(nil, i))
			err := w.put(Subscription{
				ID: fmt.Sprint(i), Name: "Subscription of a team", Scope: "/products/starter", State: "active",
				PrimaryDigest: digest, SecondaryDigest: fingerprint(digest), CreatedAt: s.now(), UpdatedAt: s.now(),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkAddUp is what one row costs whoever reads all.
func BenchmarkAddUp(b *testing.B) {
	ring, err := newKeyring(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	var sum rowSum
	a := ring.adder()
	b.ReportAllocs()
	for n := Revision(0); b.Loop(); n++ {
		a.add(&sum, "subscription-of-a-team", n)
	}
}
