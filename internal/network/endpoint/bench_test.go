package endpoint

import (
	"fmt"
	"testing"
)

// BenchmarkHold is what private endpoints add to a connection: judging its address,
// holding it while it is open, and letting go of it.
func BenchmarkHold(b *testing.B) {
	for _, count := range []int{1, 100} {
		for name, host := range map[string]string{"endpoint": "contoso0.openai.azure.com", "other": "other.example"} {
			b.Run(fmt.Sprintf("%s of %d", name, count), func(b *testing.B) {
				n := contoso()
				for i := range count {
					add(n, fmt.Sprint("e", i), fmt.Sprint("contoso", i), fmt.Sprint("10.1.3.", 4+i))
				}
				live := NewLive()
				v := live.View(compile(b, n))
				live.Enforce(v)
				a := addr("10.1.3.4")
				if name == "other" {
					a = addr("10.1.9.4")
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, r := v.Judge(host, a); r != nil {
						b.Fatal(r)
					}
					h, _, r := v.Hold(host, a, nil)
					if r != nil {
						b.Fatal(r)
					}
					h.Release()
				}
			})
		}
	}
}

// BenchmarkHost is what a request pays to have the endpoint in its records.
func BenchmarkHost(b *testing.B) {
	n := contoso()
	add(n, "openai", "contoso", "10.1.3.4")
	v := NewLive().View(compile(b, n))
	b.ReportAllocs()
	for b.Loop() {
		if v.Set().Host(host) == nil {
			b.Fatal("not found")
		}
	}
}

// BenchmarkDecide is how long a decision takes with a thousand open connections,
// half of them through the endpoint.
func BenchmarkDecide(b *testing.B) {
	n := contoso()
	add(n, "openai", "contoso", "10.1.3.4")
	live := NewLive()
	v := live.View(compile(b, n))
	live.Enforce(v)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		live.Decided(nil, true)
		for i := range 1000 {
			h, a := host, addr("10.1.3.4")
			if i%2 == 0 {
				h, a = "other.example", addr("10.1.9.4")
			}
			if _, _, r := v.Hold(h, a, func(*Refusal) {}); r != nil {
				b.Fatal(r)
			}
		}
		b.StartTimer()
		if cut := live.Decided([]Decision{{ID: v.Set().All()[0].ID, State: "Rejected"}}, false); cut != 500 {
			b.Fatal(cut)
		}
		b.StopTimer()
		live.Decided(nil, true)
		live.mu.Lock()
		clear(live.open)
		live.mu.Unlock()
		b.StartTimer()
	}
}
