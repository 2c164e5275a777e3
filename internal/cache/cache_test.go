package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// clock is a wall clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func get(t *testing.T, m *Memory, key string) string {
	t.Helper()
	item, ok, err := m.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "-"
	}
	return string(item.Value)
}

func TestMemory(t *testing.T) {
	c := newClock()
	m := NewMemory(Options{Now: c.Now, Entries: 3})
	set := func(key, value string, lasts time.Duration) {
		t.Helper()
		if err := m.Set(t.Context(), key, []byte(value), lasts); err != nil {
			t.Fatal(err)
		}
	}
	want := func(key, want string) {
		t.Helper()
		if got := get(t, m, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	set("a", "1", time.Second)
	want("a", "1")
	want("b", "-")
	set("a", "2", time.Minute)
	want("a", "2")
	c.move(time.Minute - 1)
	want("a", "2")
	c.move(1) // the very end of its time
	want("a", "-")
	set("a", "3", time.Hour)
	set("b", "4", time.Hour)
	set("c", "5", time.Hour)
	want("a", "3")
	set("d", "6", time.Hour) // b was used longest ago
	want("b", "-")
	want("a", "3")
	set("a", "", -1)
	want("a", "-")
	if err := m.Remove(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	want("c", "-")
	want("d", "6")
	if entries, bytes := m.Size(); entries != 1 || bytes != overhead+2 {
		t.Errorf("%d entries take %d bytes", entries, bytes)
	}
}

func TestMemoryBytes(t *testing.T) {
	m := NewMemory(Options{Bytes: 8000})
	if err := m.Set(t.Context(), "k", make([]byte, 1000), time.Hour); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large entry: %v", err)
	}
	for i := range 100 {
		if err := m.Set(t.Context(), fmt.Sprint(i), make([]byte, 500), time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, bytes := m.Size(); bytes > 8000 {
			t.Fatalf("%d bytes", bytes)
		}
	}
	if got := get(t, m, "99"); len(got) != 500 {
		t.Error("the last one is gone")
	}
}

// TestMemoryTooLargeReplaces: what cannot be kept does not leave what it was to
// replace.
func TestMemoryTooLargeReplaces(t *testing.T) {
	m := NewMemory(Options{Bytes: 8000})
	_ = m.Set(t.Context(), "k", []byte("old"), time.Hour)
	_ = m.Set(t.Context(), "k", make([]byte, 5000), time.Hour)
	if got := get(t, m, "k"); got != "-" {
		t.Errorf("the old value is still there: %q", got)
	}
}

// TestMemoryModel holds a Memory against a map and a list.
func TestMemoryModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := newClock()
	m := NewMemory(Options{Now: c.Now, Entries: 10})
	type kept struct {
		value   string
		expires time.Time
	}
	model, order := map[string]kept{}, []string{} // the last one was used last
	use := func(key string) {
		for i, k := range order {
			if k == key {
				order = append(order[:i], order[i+1:]...)
				break
			}
		}
		order = append(order, key)
	}
	drop := func(key string) {
		delete(model, key)
		use(key)
		order = order[:len(order)-1]
	}
	for step := range 20_000 {
		key := fmt.Sprint(r.IntN(20))
		switch r.IntN(4) {
		case 0:
			c.move(time.Duration(r.IntN(1000)) * time.Millisecond)
		case 1:
			value, lasts := fmt.Sprint(step), time.Duration(r.IntN(30))*time.Second
			if err := m.Set(t.Context(), key, []byte(value), lasts); err != nil {
				t.Fatal(err)
			}
			drop(key)
			if lasts > 0 {
				model[key] = kept{value, c.now.Add(lasts)}
				use(key)
			}
			if len(order) > 10 {
				drop(order[0])
			}
		case 2:
			if r.IntN(5) == 0 {
				_ = m.Remove(t.Context(), key)
				drop(key)
			}
		case 3:
			want := "-"
			if k, ok := model[key]; ok {
				if c.now.Before(k.expires) {
					want = k.value
					use(key)
				} else {
					drop(key)
				}
			}
			if got := get(t, m, key); got != want {
				t.Fatalf("step %d: %s is %q, want %q", step, key, got, want)
			}
		}
	}
}

func TestMemoryConcurrent(t *testing.T) {
	c := newClock()
	m := NewMemory(Options{Now: c.Now, Bytes: 1 << 16, Entries: 50})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 3000 {
				key := fmt.Sprint(r.IntN(100))
				switch r.IntN(5) {
				case 0:
					_ = m.Remove(context.Background(), key)
				case 1:
					c.move(time.Millisecond)
				case 2:
					_ = m.Set(context.Background(), key, bytes.Repeat([]byte(key), 1+r.IntN(100)), time.Second)
				default:
					if item, ok, _ := m.Get(context.Background(), key); ok && !bytes.HasPrefix(item.Value, []byte(key)) {
						t.Errorf("%s has the value of another: %s", key, item.Value)
					}
				}
				if entries, size := m.Size(); entries > 50 || size > 1<<16 {
					t.Errorf("%d entries, %d bytes", entries, size)
				}
			}
		})
	}
	wg.Wait()
}

func TestRoom(t *testing.T) {
	r := NewRoom(10)
	if !r.Take(6) || r.Take(5) || !r.Take(4) {
		t.Error("the room is not ten")
	}
	r.Give(4)
	if !r.Take(4) || r.Used() != 10 {
		t.Error("what was given back is not there")
	}
	if (*Room)(nil).Take(1) {
		t.Error("no room has room")
	}
}

func TestFlights(t *testing.T) {
	var f Flights
	done, _ := f.Begin("a")
	if other, _ := f.Begin("b"); other == nil {
		t.Error("another key waits")
	}
	second, landed := f.Begin("a")
	if second != nil {
		t.Fatal("two compute one value")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ctx, landed); err == nil {
		t.Error("who waits does not end")
	}
	done()
	done()
	if err := Wait(t.Context(), landed); err != nil {
		t.Error(err)
	}
	if again, _ := f.Begin("a"); again == nil {
		t.Error("a key stays taken")
	}
}
