package main

import (
	"os"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestAttacks runs the quick part of the table against the built program;
// "make attack" runs all of it.
func TestAttacks(t *testing.T) {
	var quick []attack
	for _, a := range attacks() {
		if a.quick {
			quick = append(quick, a)
		}
	}
	testenv.Need(t, "h2load")
	testenv.Need(t, "prlimit")
	c := campaign{program: testenv.Binary(t), log: os.Stderr}
	for _, r := range c.run(t.Context(), quick) {
		t.Run(r.name, func(t *testing.T) {
			t.Logf("gone after %v, %s, %s, %d MiB: %s", r.gone, r.reached(), r.good.text(), r.peak, r.note)
			for _, b := range r.broken {
				t.Error(b)
			}
		})
	}
}
