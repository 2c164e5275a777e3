package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

func TestMain(m *testing.M) {
	if isGood() {
		exitOn(beGood())
		return
	}
	m.Run()
}

// TestAttacks runs the quick part of the table against the built program;
// "make attack" runs all of it.
func TestAttacks(t *testing.T) {
	var quick []attack
	for _, a := range attacks() {
		if a.needsRoot() && os.Geteuid() != 0 {
			t.Run(a.name, func(t *testing.T) { t.Skip("needs root: it mounts a file system") })
		} else if a.quick {
			quick = append(quick, a)
		}
	}
	testenv.Need(t, "h2load")
	testenv.Need(t, "prlimit")
	c := campaign{program: testenv.Binary(t), log: os.Stderr, together: true}
	for _, r := range c.run(t.Context(), quick) {
		t.Run(r.name, func(t *testing.T) {
			t.Logf("gone after %v, %s, %s, %d MiB: %s", r.gone, r.reached(), r.goodText(), r.peak, r.note)
			for _, b := range r.broken {
				t.Error(b)
			}
		})
	}
}

// TestBreaches: a bound that is passed by one is broken, one that is kept is
// not.
func TestBreaches(t *testing.T) {
	kept := report{
		attack:  attack{bounds: bounds{gone: 8 * time.Second, streams: 500, calls: 5, memory: 88}},
		gone:    8 * time.Second,
		streams: 500, calls: 5, peak: 88,
		good: goodResult{Asked: 100, P99: slowest},
	}
	if got := kept.breaches(true); len(got) > 0 {
		t.Errorf("all bounds kept: %q", got)
	}
	for want, change := range map[string]func(*report){
		"borne":   func(r *report) { r.gone++ },
		"streams": func(r *report) { r.streams++ },
		"calls":   func(r *report) { r.calls++ },
		"memory":  func(r *report) { r.peak++ },
		"asked":   func(r *report) { r.good.Asked = 0 },
		"failed":  func(r *report) { r.good.Failed = 1 },
		"p99":     func(r *report) { r.good.P99++ },
	} {
		r := kept
		change(&r)
		if got := r.breaches(true); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %q", want, got)
		}
	}
	late := kept
	late.good.P99++
	if got := late.breaches(false); len(got) > 0 {
		t.Errorf("p99 where it is not judged: %q", got)
	}
}
