package plan_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/plan"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// broken is a library whose members are mistakes.
var broken = sync.OnceValue(func() *clr.Universe {
	u, err := clr.Build(clr.Family{Name: "broken", Do: map[string]clr.Func{
		"System.Math.Abs(int)":  func(*clr.Call) clr.Value { panic("a mistake") },
		"System.Math.Sign(int)": func(c *clr.Call) clr.Value { return c.Args[5] },
		"System.Math.Max(int, int)": func(c *clr.Call) clr.Value {
			c.Work(1 << 30)
			return c.Args[0]
		},
		"System.Math.Min(int, int)": func(c *clr.Call) clr.Value { c.ThrowArgument("no", ""); return clr.Null },
	}})
	if err != nil {
		panic(err)
	}
	u.Lenient = true
	return u
})

func newPlan(t *testing.T, source string) (*plan.Plan, []*syntax.Error) {
	t.Helper()
	tree, errs := syntax.Parse(source)
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	checked, errs := check.Check(tree, check.Options{Universe: broken()})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return plan.New(checked, plan.Options{})
}

func run(t *testing.T, source string) (clr.Value, error) {
	t.Helper()
	p, errs := newPlan(t, source)
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	th := &clr.Thread{}
	th.Start(context.Background(), clr.DefaultLimits())
	var v, w clr.Value
	err := p.Run(th, nil, &v)
	// The same plan works again, whatever became of the run before.
	th.Start(context.Background(), clr.DefaultLimits())
	if again := p.Run(th, nil, &w); w != v || (again == nil) != (err == nil) {
		t.Errorf("%s: first %v, %v; then %v, %v", source, v, err, w, again)
	}
	return v, err
}

// TestBug: a panic of Go in a member ends the run with the member's place. No
// catch sees it, and no finally block runs.
func TestBug(t *testing.T) {
	for source, at := range map[string]string{
		`@(1 + System.Math.Abs(-1))`: "System.Math.Abs",
		`@{ try { return Math.Sign(1); } catch { return 2; } finally { Math.Max(1, 2); } }`:         "Math.Sign",
		`@{ System.Func<int, int> f = n => Math.Abs(n); try { return f(1); } catch { return 2; } }`: "Math.Abs",
	} {
		_, err := run(t, source)
		var bug *plan.Bug
		if !errors.As(err, &bug) {
			t.Errorf("%s: %v, want a bug", source, err)
			continue
		}
		if !strings.HasPrefix(source[bug.At:], at) || len(bug.Stack) == 0 {
			t.Errorf("%s: at %d, want it at %s", source, bug.At, at)
		}
	}
}

// TestLimitPasses: what a limit ends passes by catch and finally, which would
// otherwise throw something else.
func TestLimitPasses(t *testing.T) {
	_, err := run(t, `@{ try { try { return Math.Max(1, 2); } catch { return 2; } } finally { Math.Min(1, 2); } }`)
	var limit *clr.LimitError
	if !errors.As(err, &limit) || limit.Limit != "steps" {
		t.Error(err)
	}
}

// TestThrown: what members throw is caught, and leaves as a failure with its
// place where it is not.
func TestThrown(t *testing.T) {
	if v, err := run(t, `@{ try { return Math.Min(1, 2); } catch { return 7; } }`); err != nil || v != clr.Int(7) {
		t.Error(v, err)
	}
	source := `@{ try { Math.Min(1, 2); } finally { int n = 0; } return 1; }`
	_, err := run(t, source)
	var failure *plan.Failure
	if !errors.As(err, &failure) || failure.T != clr.ArgumentException || !strings.HasPrefix(source[failure.At:], "Math.Min") {
		t.Error(err)
	}
	var thrown *clr.Thrown
	if !errors.As(err, &thrown) {
		t.Error("the exception is not inside")
	}
}

// TestUnbuilt: members without code are told, each at its place.
func TestUnbuilt(t *testing.T) {
	source := `@("a".Trim() + Math.Floor(1.5))`
	p, errs := newPlan(t, source)
	if p != nil || len(errs) != 2 {
		t.Fatalf("%v, %v", p, errs)
	}
	for i, at := range []string{`"a".Trim`, "Math.Floor"} {
		if errs[i].Code != "CL0001" || !strings.HasPrefix(source[errs[i].Offset:], at) {
			t.Errorf("%v, want %s", errs[i], at)
		}
	}
}
