package lab

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Faults breaks a running lab on purpose. What chance there is comes from its
// seed: which packets are lost, and when a connection flaps. It is safe for
// concurrent use. A lab has one at a time: each knows of its own faults alone.
type Faults struct {
	lab *Lab

	mu     sync.Mutex
	random *rand.Rand
	broken []Fault
}

// Faults begins with nothing broken.
func (l *Lab) Faults(seed uint64) *Faults {
	return &Faults{lab: l, random: rand.New(rand.NewPCG(seed, 1))}
}

// change changes what is broken, in the lab first.
func (f *Faults) change(to func([]Fault) []Fault) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := to(slices.Clone(f.broken))
	if next == nil {
		next = []Fault{}
	}
	w, err := f.lab.connect()
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.ask(request{Faults: &next}, &reply{}); err != nil {
		return err
	}
	f.broken = next
	return nil
}

func both(a, b string) []Fault {
	return []Fault{{From: a, To: b, Loss: 1}, {From: b, To: a, Loss: 1}}
}

// healed leaves out what is lost between two hosts.
func healed(list []Fault, a, b string) []Fault {
	return slices.DeleteFunc(list, func(x Fault) bool {
		return x.Loss > 0 && (x.From == a && x.To == b || x.From == b && x.To == a)
	})
}

// Cut loses all between two hosts; an empty name stands for all others, Azure's
// own addresses included.
func (f *Faults) Cut(a, b string) error {
	return f.change(func(list []Fault) []Fault { return append(healed(list, a, b), both(a, b)...) })
}

// Partition cuts every host of a group from those of the other groups.
func (f *Faults) Partition(groups ...[]string) error {
	return f.change(func(list []Fault) []Fault {
		for i, group := range groups {
			for _, a := range group {
				for _, other := range groups[i+1:] {
					for _, b := range other {
						list = append(healed(list, a, b), both(a, b)...)
					}
				}
			}
		}
		return list
	})
}

// Loss loses a share of what a host sends to another, 0 to 1.
func (f *Faults) Loss(from, to string, share float64) error {
	return f.change(func(list []Fault) []Fault {
		list = slices.DeleteFunc(list, func(x Fault) bool { return x.Loss > 0 && x.From == from && x.To == to })
		if share > 0 {
			list = append(list, Fault{From: from, To: to, Loss: share, Seed: f.random.Uint64()})
		}
		return list
	})
}

// Rate limits what a host sends, in bits a second; 0 lifts the limit.
func (f *Faults) Rate(host string, bitsPerSecond uint64) error {
	h, err := f.lab.plan.Find(host)
	if err != nil {
		return err
	}
	return f.change(func(list []Fault) []Fault {
		list = slices.DeleteFunc(list, func(x Fault) bool { return x.BitsPerSecond > 0 && x.From == h.Name })
		if bitsPerSecond > 0 {
			list = append(list, Fault{From: h.Name, BitsPerSecond: bitsPerSecond})
		}
		return list
	})
}

// Heal repairs what is lost between two hosts.
func (f *Faults) Heal(a, b string) error {
	return f.change(func(list []Fault) []Fault { return healed(list, a, b) })
}

// HealAll repairs everything.
func (f *Faults) HealAll() error {
	return f.change(func([]Fault) []Fault { return nil })
}

// Flap cuts two hosts from each other and heals them by turns, each time for up
// to the longest duration, until stop or the end of ctx. It ends healed, and with
// the first error.
func (f *Faults) Flap(ctx context.Context, a, b string, longest time.Duration) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	f.mu.Lock()
	own := rand.New(rand.NewPCG(f.random.Uint64(), 2)) // what else is broken does not change its times
	f.mu.Unlock()
	go func() {
		for cut := true; ; cut = !cut {
			act := f.Heal
			if cut {
				act = f.Cut
			}
			if err := act(a, b); err != nil {
				done <- err
				return
			}
			select {
			case <-ctx.Done():
				done <- f.Heal(a, b)
				return
			case <-time.After(time.Duration(own.Int64N(int64(max(longest, 1))) + 1)):
			}
		}
	}()
	return func() error {
		cancel()
		err := <-done
		done <- nil
		return err
	}
}
