package main

import "testing"

// TestPolicyWorks: every document compiles, and requests through it come to what
// the benchmark says.
func TestPolicyWorks(t *testing.T) {
	for _, w := range policyWorks {
		b, err := newPolicyBench(w)
		if err == nil {
			err = b.one()
		}
		if err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	}
	wrong := policyWorks[0]
	wrong.status = 201
	if b, err := newPolicyBench(wrong); err != nil || b.one() == nil {
		t.Error("a wrong answer is not seen")
	}
}
