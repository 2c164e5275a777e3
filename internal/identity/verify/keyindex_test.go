package verify

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func digestOf(key string) []byte { d := Digest(testDigestKey(), key); return d[:] }

func testDigestKey() []byte { return bytes.Repeat([]byte{7}, 32) }

func TestKeyIndex(t *testing.T) {
	ix, err := NewKeyIndex(testDigestKey(), []KeySubscription{
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

func TestKeyIndexRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		key  []byte
		subs []KeySubscription
	}{
		"a short digest key": {make([]byte, 31), nil},
		"a short digest":     {testDigestKey(), []KeySubscription{{ID: "a", PrimaryDigest: []byte("x")}}},
		"a key in clear":     {testDigestKey(), []KeySubscription{{ID: "a", SecondaryDigest: []byte("my-key")}}},
		"one key for two": {testDigestKey(), []KeySubscription{
			{ID: "a", PrimaryDigest: digestOf("k")}, {ID: "b", SecondaryDigest: digestOf("k")},
		}},
	} {
		if _, err := NewKeyIndex(c.key, c.subs); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func bigIndex(t testing.TB) *KeyIndex {
	subs := make([]KeySubscription, 1000)
	for i := range subs {
		subs[i] = KeySubscription{ID: fmt.Sprint(i), State: "active", PrimaryDigest: digestOf(fmt.Sprint("key-", i))}
	}
	ix, err := NewKeyIndex(testDigestKey(), subs)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func TestLookupIsConcurrentAndAllocatesNothing(t *testing.T) {
	ix := bigIndex(t)
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
	ix := bigIndex(b)
	key := "key-500" + strings.Repeat("x", 25)
	b.ReportAllocs()
	for b.Loop() {
		ix.Lookup(key)
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
