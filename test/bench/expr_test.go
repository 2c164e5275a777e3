package main

import "testing"

// TestExprWorks: every work compiles and answers the same in all languages that
// can say it; ours runs.
func TestExprWorks(t *testing.T) {
	for _, w := range exprWorks {
		for name, of := range map[string]func(exprWork) (func(), error){"csharp": csharpWork, "expr": exprLangWork, "cel": celWork} {
			run, err := of(w)
			switch {
			case err != nil:
				t.Errorf("%s: %s: %v", w.name, name, err)
			case run != nil:
				run()
			case name == "csharp":
				t.Errorf("%s: no C#", w.name)
			}
		}
	}
	wrong := exprWorks[0]
	wrong.want = "false"
	if _, err := csharpWork(wrong); err == nil {
		t.Error("a wrong answer is not seen")
	}
}

// TestGuardAllocates: the guards allocate nothing.
func TestGuardAllocates(t *testing.T) {
	for _, w := range exprWorks[:2] {
		run, err := csharpWork(w)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(1000, run); n >= 1 {
			t.Errorf("%s: %v allocations", w.name, n)
		}
	}
}
