package csharp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/plan"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// Options say what an expression is compiled for. The zero Options are an
// expression without "context" and with the default limits.
type Options struct {
	// Context is the type of "context", whose value is the thread's Host; nil:
	// there is none.
	Context *clr.Type
	// Limits bound each run; zero: [clr.DefaultLimits].
	Limits clr.Limits
	// Plain computes everything in the simple way, for tests.
	Plain bool
}

// MaxSource is how long an expression may be, in bytes: as long as a document.
const MaxSource = 1 << 20

// Expression is an expression that can be run.
type Expression struct {
	plan   *plan.Plan
	result *clr.Type
	limits clr.Limits
}

// Compile reads and checks an expression: all of "@(…)" or "@{…}". Without
// errors there is an expression.
func Compile(source string, opt Options) (e *Expression, errs []*syntax.Error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *clr.LimitError:
			e, errs = nil, []*syntax.Error{{Code: "CS8078", Reason: p.Error()}}
		default:
			e, errs = nil, []*syntax.Error{{Code: "CS0583", Reason: fmt.Sprintf("internal error: %v", p)}}
		}
	}()
	return compile(source, opt)
}

func compile(source string, opt Options) (*Expression, []*syntax.Error) {
	if len(source) > MaxSource {
		return nil, []*syntax.Error{{Code: "CS8078", Reason: fmt.Sprintf("the expression is longer than %d MiB", MaxSource>>20)}}
	}
	tree, errs := syntax.Parse(source)
	if len(errs) > 0 {
		return nil, errs
	}
	checks := check.Options{Universe: Library()}
	checks.Context = opt.Context
	checked, errs := check.Check(tree, checks)
	if len(errs) > 0 {
		return nil, errs
	}
	p, errs := plan.New(checked, plan.Options{Plain: opt.Plain})
	if len(errs) > 0 {
		return nil, errs
	}
	out := &Expression{plan: p, result: checked.Result, limits: opt.Limits}
	if out.limits == (clr.Limits{}) {
		out.limits = clr.DefaultLimits()
	}
	return out, nil
}

// Result is the static type of "@(…)"; System.Object for "@{…}".
func (e *Expression) Result() *clr.Type { return e.result }

// Run carries the expression out on a thread, whose limits are full again
// before. The thread may be used for one run after another, by one goroutine at
// a time. The error is an [*Error], a *clr.LimitError or a *plan.Bug.
func (e *Expression) Run(ctx context.Context, t *clr.Thread) (v clr.Value, err error) {
	t.Start(ctx, e.limits)
	err = e.plan.Run(t, t.Host, &v)
	if t.Ending() {
		if bug := end(t); bug != nil && err == nil {
			err = bug
		}
	}
	if err == nil {
		return
	}
	var f *plan.Failure
	if errors.As(err, &f) {
		err = &Error{Type: f.T.FullName(), Message: f.Text(), Offset: f.At, Thrown: f.Thrown}
	}
	return clr.Null, err
}

// end ends the run; what goes wrong there is a mistake of the library.
func end(t *clr.Thread) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &plan.Bug{Panic: p, Stack: debug.Stack()}
		}
	}()
	t.End()
	return nil
}

// Error is an exception that an expression did not catch.
type Error struct {
	// Type and Message are the exception's, as .NET names them.
	Type, Message string
	// Offset is the place of what threw, in bytes of the source.
	Offset int
	// Thrown is the exception.
	Thrown *clr.Thrown
}

func (e *Error) Error() string {
	return fmt.Sprintf("at byte %d: %s: %s", e.Offset, e.Type, e.Message)
}
