package cache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func nearest(t testing.TB, s *Space, partition string, v []float32, most float64) string {
	t.Helper()
	m, ok, err := s.Nearest(t.Context(), partition, v, most)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "-"
	}
	return string(m.Value)
}

func TestSpace(t *testing.T) {
	c := newClock()
	s := NewSpace(Options{Now: c.Now, Entries: 4})
	add := func(partition, value string, lasts time.Duration, v ...float32) {
		t.Helper()
		if err := s.Add(t.Context(), partition, v, []byte(value), lasts); err != nil {
			t.Fatal(err)
		}
	}
	want := func(partition string, most float64, want string, v ...float32) {
		t.Helper()
		if got := nearest(t, s, partition, v, most); got != want {
			t.Errorf("near %v is %q, want %q", v, got, want)
		}
	}
	add("p", "east", time.Minute, 2, 0)
	add("p", "north", time.Hour, 0, 3)
	want("p", 0.1, "east", 1, 0.1)
	want("p", 0.1, "north", 0, 1)
	want("p", 0.1, "-", 1, 1)
	want("p", 0.3, "north", 1, 1.01)
	want("q", 2, "-", 1, 0)    // another partition
	want("p", 2, "-", 1, 0, 0) // another model of vectors
	add("p", "new east", time.Minute, 4, 0)
	want("p", 0, "new east", 1, 0)
	if entries, _ := s.Size(); entries != 2 {
		t.Errorf("%d entries: the same direction stands twice", entries)
	}
	c.move(time.Minute)
	want("p", 2, "north", 1, 0)
	add("q", "q", time.Hour, 1, 0)
	add("p", "south", time.Hour, 0, -1)
	add("p", "west", time.Hour, -1, 0)
	want("p", 0, "north", 0, 1) // is used, so that another goes
	add("p", "more", time.Hour, 1, 1)
	want("q", 2, "-", 1, 0)
	want("p", 0, "north", 0, 1)
	for _, v := range [][]float32{nil, {0, 0}, {float32(math.NaN()), 1}, {float32(math.Inf(1)), 1}} {
		if err := s.Add(t.Context(), "p", v, nil, time.Hour); !errors.Is(err, ErrVector) {
			t.Errorf("%v is kept: %v", v, err)
		}
		if _, _, err := s.Nearest(t.Context(), "p", v, 1); !errors.Is(err, ErrVector) {
			t.Errorf("%v is looked for: %v", v, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Nearest(ended, "p", []float32{1, 0}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a search goes on without its request: %v", err)
	}
	if err := s.Add(t.Context(), "p", []float32{1, 0}, make([]byte, defaultBytes/largestPart), time.Hour); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large entry: %v", err)
	}
}

// TestSpaceExact: the nearest is the nearest, and no partition sees another.
func TestSpaceExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := NewSpace(Options{})
	vector := func() []float32 {
		v := make([]float32, 7)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v
	}
	kept := map[string][][]float32{}
	for i := range 600 {
		p, v := fmt.Sprint(i%3), vector()
		kept[p] = append(kept[p], v)
		if err := s.Add(t.Context(), p, v, []byte(fmt.Sprintf("%s/%d", p, len(kept[p])-1)), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 {
		p, v := fmt.Sprint(r.IntN(3)), vector()
		most := r.Float64()
		want, least := "-", most
		for i, k := range kept[p] {
			if d := slowDistance(v, k); d <= least {
				want, least = fmt.Sprintf("%s/%d", p, i), d
			}
		}
		if got := nearest(t, s, p, v, most); got != want && math.Abs(least-most) > 1e-5 {
			t.Fatalf("the nearest is %s, found %s", want, got)
		}
	}
}

func slowDistance(a, b []float32) float64 {
	dot, la, lb := 0.0, 0.0, 0.0
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		la += float64(a[i]) * float64(a[i])
		lb += float64(b[i]) * float64(b[i])
	}
	return 1 - dot/math.Sqrt(la*lb)
}

func TestSpaceConcurrent(t *testing.T) {
	s := NewSpace(Options{Entries: 40})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 1500 {
				p := fmt.Sprint(r.IntN(4))
				v := []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), 1}
				if r.IntN(2) == 0 {
					_ = s.Add(context.Background(), p, v, []byte(p), time.Hour)
				} else if m, ok, err := s.Nearest(context.Background(), p, v, 0.5); err != nil || ok && string(m.Value) != p {
					t.Errorf("partition %s found one of %s: %v", p, m.Value, err)
				}
				if entries, _ := s.Size(); entries > 40 {
					t.Errorf("%d entries", entries)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkNearest looks among 10,000 vectors of the size that embedding models
// make.
func BenchmarkNearest(b *testing.B) {
	s := NewSpace(Options{Bytes: 1 << 30})
	r := rand.New(rand.NewPCG(5, 6))
	vector := func() []float32 {
		v := make([]float32, 1536)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v
	}
	for range 10_000 {
		if err := s.Add(b.Context(), "p", vector(), []byte("answer"), time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	v := vector()
	for b.Loop() {
		nearest(b, s, "p", v, 0.05)
	}
}

func BenchmarkMemoryGet(b *testing.B) {
	m := NewMemory(Options{})
	if err := m.Set(b.Context(), "key", make([]byte, 1000), time.Hour); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, _ := m.Get(b.Context(), "key"); !ok {
			b.Fatal("it is gone")
		}
	}
}
