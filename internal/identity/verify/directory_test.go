package verify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func digestOf(key string) []byte { d := Digest(testDigestKey(), key); return d[:] }

func testDigestKey() []byte { return bytes.Repeat([]byte{7}, 32) }

// newDirectory is a directory of subs.
func newDirectory(key []byte, subs []KeySubscription) (*Directory, error) {
	d, err := NewDirectory(key)
	if err != nil {
		return nil, err
	}
	for _, sub := range subs {
		err = errors.Join(err, d.Put(sub))
	}
	return d, err
}

// TestDirectoryChanges: what is replaced or removed opens nothing from then on.
func TestDirectoryChanges(t *testing.T) {
	d, err := newDirectory(testDigestKey(), []KeySubscription{
		{ID: "Team", State: "active", PrimaryDigest: digestOf("one"), SecondaryDigest: digestOf("two"), Binding: &site.Binding{Certificates: []string{"f"}}},
		{ID: "other", State: "active", PrimaryDigest: digestOf("three")},
	})
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := d.Lookup("one")
	if err := d.Put(KeySubscription{ID: "team", State: "active", PrimaryDigest: digestOf("four"), SecondaryDigest: digestOf("two")}); err != nil {
		t.Fatal(err)
	}
	if sub, _, _ := d.Lookup("one"); sub != nil || d.ByCertificate("f") != nil || before.ID != "Team" {
		t.Errorf("the replaced key opens %v", sub)
	}
	if sub, _, ok := d.Lookup("two"); !ok || sub.ID != "team" || d.Get("TEAM") != sub || d.Len() != 2 {
		t.Errorf("the key that stayed: %v %v", sub, ok)
	}
	var taken *TakenError
	if err := d.Put(KeySubscription{ID: "other", State: "active", PrimaryDigest: digestOf("four")}); !errors.As(err, &taken) || taken.Other != "team" {
		t.Errorf("a key of another: %v", err)
	}
	if sub, _, _ := d.Lookup("three"); sub != nil || d.Get("other") != nil {
		t.Errorf("a subscription with another's key is still there: %v", sub)
	}
	d.Remove("Team")
	if sub, _, _ := d.Lookup("two"); sub != nil || d.Len() != 0 {
		t.Errorf("the removed key opens %v", sub)
	}
}

func TestDirectory(t *testing.T) {
	ix, err := newDirectory(testDigestKey(), []KeySubscription{
		{ID: "a", State: "active", PrimaryDigest: digestOf("a-primary"), SecondaryDigest: digestOf("a-secondary")},
		{ID: "s", State: "suspended", PrimaryDigest: digestOf("s-primary")},
		{ID: "x", State: "expired", SecondaryDigest: digestOf("x-secondary")},
		{ID: "n", State: "", PrimaryDigest: digestOf("n-primary")},
		{ID: "none", State: "active"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, id, which string
		ok             bool
	}{
		{"a-primary", "a", PrimaryKey, true},
		{"a-secondary", "a", SecondaryKey, true},
		{"s-primary", "s", PrimaryKey, false},
		{"x-secondary", "x", SecondaryKey, false},
		{"n-primary", "n", PrimaryKey, false},
		{"", "", "", false},
		{"a-primar", "", "", false},
		{"a-primary ", "", "", false},
		{"A-PRIMARY", "", "", false},
		{string(digestOf("a-primary")), "", "", false},
		{strings.Repeat("a", 512), "", "", false},
		{strings.Repeat("a", 1<<20), "", "", false},
	} {
		sub, which, ok := ix.Lookup(c.key)
		id := ""
		if sub != nil {
			id = sub.ID
		}
		if id != c.id || which != c.which || ok != c.ok {
			t.Errorf("Lookup(%.20q) = %q, %q, %v; want %q, %q, %v", c.key, id, which, ok, c.id, c.which, c.ok)
		}
	}
	if d := Digest(bytes.Repeat([]byte{8}, 32), "a-primary"); bytes.Equal(d[:], digestOf("a-primary")) {
		t.Error("the digest does not depend on the digest key")
	}
}

func TestDirectoryRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		key  []byte
		subs []KeySubscription
	}{
		"a short digest key":   {make([]byte, 31), nil},
		"a short digest":       {testDigestKey(), []KeySubscription{{ID: "a", PrimaryDigest: []byte("x")}}},
		"a key in clear":       {testDigestKey(), []KeySubscription{{ID: "a", SecondaryDigest: []byte("my-key")}}},
		"one key in two slots": {testDigestKey(), []KeySubscription{{ID: "a", PrimaryDigest: digestOf("k"), SecondaryDigest: digestOf("k")}}},
		"one key for two": {testDigestKey(), []KeySubscription{
			{ID: "a", PrimaryDigest: digestOf("k")}, {ID: "b", SecondaryDigest: digestOf("k")},
		}},
	} {
		if _, err := newDirectory(c.key, c.subs); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func bigDirectory(t testing.TB) *Directory {
	return directoryOf(t, 1000)
}

func directoryOf(t testing.TB, n int) *Directory {
	subs := make([]KeySubscription, n)
	for i := range subs {
		subs[i] = KeySubscription{ID: fmt.Sprint(i), State: "active", PrimaryDigest: digestOf(fmt.Sprint("key-", i))}
	}
	ix, err := newDirectory(testDigestKey(), subs)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func TestLookupIsConcurrentAndAllocatesNothing(t *testing.T) {
	ix := bigDirectory(t)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 500 {
				n := (g*37 + i) % 1000
				if sub, _, ok := ix.Lookup(fmt.Sprint("key-", n)); !ok || sub.ID != fmt.Sprint(n) {
					t.Errorf("key %d: %v %v", n, sub, ok)
				}
			}
		})
	}
	all.Wait()
	if n := testing.AllocsPerRun(1000, func() { ix.Lookup("key-500") }); n > 0.1 && !raceEnabled {
		t.Errorf("%.2f allocations for a lookup", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := directoryOf(b, n)
			b.ReportAllocs()
			for b.Loop() {
				d.Lookup("key-500")
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	v, k := fixture(b)
	raw := k.token(b, day, nil, nil)
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, _, err := v.verify(b.Context(), raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
