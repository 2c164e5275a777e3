package csharp_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/plan"
	"github.com/cloister-ai/cloister/test/oracle"
)

// tight are limits that a fuzzed expression soon comes to.
var tight = clr.Limits{Steps: 100_000, Bytes: 4 << 20, Depth: 48, Time: time.Second}

func thread() *clr.Thread {
	return &clr.Thread{
		Now:    func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Random: bytes.NewReader(bytes.Repeat([]byte{7, 1, 3}, 1<<10)),
		Zone:   time.UTC,
	}
}

func seeds(f *testing.F) {
	rows, err := oracle.Load()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range rows {
		f.Add(r.Expression)
	}
	for _, e := range oracle.Generate(1, 300) {
		f.Add(e.String())
	}
}

// run compiles and runs a source; ok is false where it does not compile.
func run(t *testing.T, source string, plain bool) (a csharp.Answer, limited, ok bool) {
	e, errs := csharp.Compile(source, csharp.Options{Context: csharp.ContextType(), Limits: tight, Plain: plain})
	if len(errs) > 0 {
		return a, false, false
	}
	th := thread()
	start := time.Now()
	v, err := e.Run(context.Background(), th)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	var bug *plan.Bug
	if errors.As(err, &bug) {
		t.Fatalf("%v\n%s", bug, bug.Stack)
	}
	var limit *clr.LimitError
	if err != nil {
		return csharp.AnswerError(err), errors.As(err, &limit), true
	}
	a = csharp.AnswerValue(th, v)
	return a, a.Error != nil && a.Error.Type == "limit", true
}

// FuzzRun: whatever the source, nothing panics, and every run ends.
func FuzzRun(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source string) { run(t, source, false) })
}

// FuzzAgree: the plain and the specialised evaluation come to the same, but
// where a limit ends one of them.
func FuzzAgree(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source string) {
		a, limitedA, ok := run(t, source, false)
		if !ok {
			return
		}
		b, limitedB, _ := run(t, source, true)
		if limitedA || limitedB {
			return
		}
		x, errX := a.MarshalJSON()
		y, errY := b.MarshalJSON()
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s\nspecialised: %s\nplain:       %s", source, x, y)
		}
	})
}

// FuzzAgreeGenerated is FuzzAgree on expressions that all compile.
func FuzzAgreeGenerated(f *testing.F) {
	f.Add(uint64(7))
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, e := range oracle.Generate(seed, 1) {
			a, limitedA, _ := run(t, e.String(), false)
			b, limitedB, _ := run(t, e.String(), true)
			x, _ := a.MarshalJSON()
			y, _ := b.MarshalJSON()
			if !limitedA && !limitedB && !bytes.Equal(x, y) {
				t.Errorf("%s\nspecialised: %s\nplain:       %s", e, x, y)
			}
		}
	})
}
