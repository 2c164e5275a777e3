package limit

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
)

var addr = netip.MustParseAddr

func TestCaps(t *testing.T) {
	for _, row := range []struct {
		name   string
		held   []string
		asks   string
		client int
		prefix int
		want   Verdict
	}{
		{"room", []string{"10.0.0.1"}, "10.0.0.1", 2, 4, Pass},
		{"client full", []string{"10.0.0.1", "10.0.0.1"}, "10.0.0.1", 2, 4, OverClient},
		{"another client", []string{"10.0.0.1", "10.0.0.1"}, "10.0.0.2", 2, 4, Pass},
		{"prefix full", []string{"10.0.0.1", "10.0.0.2"}, "10.0.0.255", 2, 2, OverPrefix},
		{"another prefix", []string{"10.0.0.1", "10.0.0.2"}, "10.0.1.0", 2, 2, Pass},
		{"mapped is the same", []string{"::ffff:10.0.0.1"}, "10.0.0.1", 1, 0, OverClient},
		{"one /64", []string{"2001:db8::1"}, "2001:db8::ffff:2", 1, 0, OverClient},
		{"another /64", []string{"2001:db8::1"}, "2001:db8:0:1::1", 1, 2, Pass},
		{"one /48", []string{"2001:db8::1", "2001:db8:0:1::"}, "2001:db8:0:ffff::", 1, 2, OverPrefix},
		{"another /48", []string{"2001:db8::1", "2001:db8:0:1::"}, "2001:db8:1::", 1, 2, Pass},
		{"4 and 6 apart", []string{"10.0.0.1"}, "a00:1::", 1, 1, Pass},
		{"no bound", []string{"10.0.0.1"}, "10.0.0.1", 0, 0, Pass},
	} {
		var c Caps
		for _, a := range row.held {
			c.Begin(addr(a), 0, 0)
		}
		before, _ := c.Held(addr(row.asks))
		if got := c.Begin(addr(row.asks), row.client, row.prefix); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
		after, _ := c.Held(addr(row.asks))
		if counted := after - before; (counted == 1) != (row.want == Pass) {
			t.Errorf("%s: counted %d", row.name, counted)
		}
	}
}

// TestCapsForget: what is given back leaves nothing, however many there were.
func TestCapsForget(t *testing.T) {
	var c Caps
	const many = 200_000
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < many; i += 4 {
				c.Begin(numbered(i), 0, 0)
			}
			for i := part; i < many; i += 4 {
				c.End(numbered(i))
			}
		})
	}
	wg.Wait()
	for i := range c.shards {
		if s := &c.shards[i]; len(s.open) != 0 || s.large {
			t.Fatalf("shard %d holds %d, large %v", i, len(s.open), s.large)
		}
	}
}

// numbered is one of many IPv6 networks.
func numbered(i int) netip.Addr {
	b := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(b[4:], uint32(i))
	return netip.AddrFrom16(b)
}

// TestShardsShareTheWork: neighbours do not meet in a few shards.
func TestShardsShareTheWork(t *testing.T) {
	for name, at := range map[string]func(i int) netip.Addr{
		"neighbours": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) },
		"networks":   func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}) },
		"sixes":      numbered,
	} {
		counts := map[uint64]int{}
		for i := range 6400 {
			counts[clientOf(at(i)).shard(capShards)]++
		}
		for shard, n := range counts {
			if n > 400 {
				t.Errorf("%s: %d of 6400 in shard %d", name, n, shard)
			}
		}
	}
}

func TestCounter(t *testing.T) {
	c := NewCounter()
	for i := range 3 {
		if got, want := c.Begin("a", 2), i < 2; got != want {
			t.Errorf("%d: %v", i, got)
		}
	}
	if !c.Begin("b", 2) || !c.Begin("a", 0) || c.Held("a") != 3 {
		t.Errorf("a holds %d", c.Held("a"))
	}
	for range 3 {
		c.End("a")
	}
	c.End("b")
	if c.Held("a") != 0 || !c.Begin("a", 1) {
		t.Error("what was given back still counts")
	}
}

func TestCounterAtOnce(t *testing.T) {
	c := NewCounter()
	var wg sync.WaitGroup
	var mu sync.Mutex
	most := 0
	for i := range 8 {
		wg.Go(func() {
			for range 1000 {
				name := fmt.Sprint(i % 2)
				if c.Begin(name, 3) {
					held := c.Held(name)
					c.End(name)
					mu.Lock()
					most = max(most, held)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if most < 1 || most > 3 || c.Held("0") != 0 || c.Held("1") != 0 {
		t.Errorf("at most %d, now %d and %d", most, c.Held("0"), c.Held("1"))
	}
}
