package plan

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// The closures that expressions and statements become.
type (
	valueFn func(*frame) clr.Value
	boolFn  func(*frame) bool
	// intFn is for what lies in a Value's N: integers, char, enums.
	intFn   func(*frame) int64
	floatFn func(*frame) float64
	// textFn gives a string; ok is false for null.
	textFn func(*frame) (s string, ok bool)
	stmtFn func(*frame) control
)

// control says how a statement ends.
type control byte

const (
	next control = iota
	breaks
	continues
	returns
	cases // goto case, to frame.section
	marks // goto, to frame.mark
)

// Options say how an expression is planned.
type Options struct {
	// Plain computes everything with Values, to hold the other way against it.
	Plain bool
}

// Plan is an expression that can be carried out.
type Plan struct {
	main    *code
	context *variable
	pool    sync.Pool
}

// New plans a checked expression. The errors are members that have no code.
func New(p *check.Program, opt Options) (*Plan, []*syntax.Error) {
	c := &compiler{plain: opt.Plain}
	out := &Plan{}
	main := c.begin(p.Main, nil)
	if p.Context != nil {
		v := main.find(p.Context)
		out.context = &v
	}
	out.main = c.finish(main)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return out, nil
}

// Failure is an exception that an expression did not catch.
type Failure struct {
	*clr.Thrown
	// At is the place of what threw, in bytes of the source.
	At int
}

func (f *Failure) Error() string { return f.Thrown.Error() }

// Unwrap gives the exception.
func (f *Failure) Unwrap() error { return f.Thrown }

// Bug is a panic of Go: a mistake in this program.
type Bug struct {
	Panic any
	Stack []byte
	// At is the place of the call that was being made.
	At int
}

func (b *Bug) Error() string {
	return fmt.Sprintf("internal error at byte %d of the expression: %v", b.At, b.Panic)
}

// Run carries the expression out on a thread that has been started, and stores
// what it returns; context is the value of "context", nil null. The error is a
// *Failure, a *clr.LimitError or a *Bug, and then nothing is stored.
func (p *Plan) Run(t *clr.Thread, context clr.Object, to *clr.Value) (err error) {
	r, _ := p.pool.Get().(*run)
	if r == nil {
		r = &run{}
	}
	done := false
	defer func() {
		if !done {
			err = r.failure(recover())
			r.torn = true
		}
		if !r.kept {
			r.reset()
			p.pool.Put(r)
		}
	}()
	f := r.push(p.main, t, nil)
	if p.context != nil {
		p.context.set(f, clr.Value{O: context})
	}
	p.main.eval(f)
	store(to, &f.ret)
	r.pop(f)
	done = true
	return nil
}

// failure is the error for what a panic carried.
func (r *run) failure(p any) error {
	var at syntax.Pos
	if r.cur != nil {
		at = r.cur.at
	}
	switch e := p.(type) {
	case *clr.Thrown:
		if r.thrown == e {
			at = r.place
		}
		return &Failure{e, int(at)}
	case *clr.LimitError:
		return e
	case *Bug:
		return e
	}
	return &Bug{p, debug.Stack(), int(at)}
}
