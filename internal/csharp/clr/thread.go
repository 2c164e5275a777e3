package clr

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Limits bound one run.
type Limits struct {
	// Steps is about how many operators, calls and statements are carried out;
	// members that work through something cost more by its size.
	Steps int64
	// Bytes is how much memory may be allocated, given back or not.
	Bytes int64
	// Depth is how deep calls may nest.
	Depth int
	// Time is how long one run may take; regular expressions have a limit of
	// their own below it.
	Time time.Duration
}

// DefaultLimits are those of a policy expression.
func DefaultLimits() Limits {
	return Limits{Steps: 10_000_000, Bytes: 64 << 20, Depth: 1000, Time: 5 * time.Second}
}

// Thread is one run of an expression. It is used by one goroutine.
type Thread struct {
	// Host is the value of "context"; nil: null.
	Host Object
	// Now is the wall clock, in UTC; Random gives the bytes of new Guids and
	// seeds. Both are set.
	Now    func() time.Time
	Random io.Reader
	// Zone is that of DateTime.Now and TimeZoneInfo.Local.
	Zone *time.Location

	ctx   context.Context
	steps int64
	bytes int64
	depth int
	over  bool
	until time.Time
	limit Limits
	ends  []func()
	// args have room for the arguments of the delegates that are being called,
	// by how deep they are called.
	args [][roomForArgs]Value
}

// roomForArgs is how many arguments a delegate mostly has at most.
const roomForArgs = 3

// argsHere is room for n arguments of the call at this depth, which is its own
// until it comes back; nobody keeps arguments.
func (t *Thread) argsHere(n int) []Value {
	if n > roomForArgs || t.depth < 0 {
		return make([]Value, n)
	}
	for len(t.args) <= t.depth {
		t.args = append(t.args, [roomForArgs]Value{})
	}
	return t.args[t.depth][:n:n]
}

// AtEnd has f called when the run ends, for what holds a goroutine or a file.
func (t *Thread) AtEnd(f func()) { t.ends = append(t.ends, f) }

// Ending reports whether there is something for [Thread.End] to do.
func (t *Thread) Ending() bool { return len(t.ends) > 0 }

// End ends the run; who calls Start calls it too, whatever the run came to.
// Nothing of the expression runs on there: an iterator that was left under way
// carries out no finally, as in .NET, where nobody disposes of it.
func (t *Thread) End() {
	over := t.over
	t.over = true
	defer func() { t.over = over }()
	for len(t.ends) > 0 {
		f := t.ends[len(t.ends)-1]
		t.ends = t.ends[:len(t.ends)-1]
		f()
	}
}

// LimitError says that a run was ended because it passed a limit. C# cannot
// catch it.
type LimitError struct {
	// Limit is steps, memory, depth or time.
	Limit string
	// Most is the limit, for people.
	Most string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the expression was ended: it takes more than its limit of %s (%s)", e.Limit, e.Most)
}

// Stop ends the run because it passes a limit.
func (t *Thread) Stop(limit, most string) {
	t.over = true
	panic(&LimitError{limit, most})
}

// Over reports that a limit or End has ended the run, so that what meets the panic on
// its way lets it pass: recovering and panicking again takes time by how deep
// the stack is, each time.
func (t *Thread) Over() bool { return t.over }

// Start begins a run: the thread's limits are full again.
func (t *Thread) Start(ctx context.Context, l Limits) {
	if t.Ending() {
		t.End()
	}
	t.ctx, t.limit = ctx, l
	t.steps, t.bytes, t.depth = l.Steps, l.Bytes, 0
	t.until, t.over = time.Time{}, false
}

// stepsPerLook is after how many steps the clock is looked at.
const stepsPerLook = 1 << 11

// Step takes one step.
func (t *Thread) Step() {
	if t.steps--; t.steps&(stepsPerLook-1) == 0 {
		t.look()
	}
}

// Work takes n steps: for members that go through n things.
func (t *Thread) Work(n int) {
	before := t.steps
	t.steps -= int64(n)
	if before/stepsPerLook != t.steps/stepsPerLook || t.steps <= 0 {
		t.look()
	}
}

// Through takes the steps of going through a string at the speed at which
// memory is compared or hashed; a short one costs none of its own.
func (t *Thread) Through(s string) {
	if len(s) >= 64 {
		t.Work(len(s) / 64)
	}
}

func (t *Thread) look() {
	if t.steps <= 0 {
		t.Stop("steps", fmt.Sprint(t.limit.Steps))
	}
	now := time.Now()
	if t.until.IsZero() {
		t.until = now.Add(t.limit.Time)
	}
	if now.After(t.until) {
		t.Stop("time", t.limit.Time.String())
	}
	if t.ctx != nil && t.ctx.Err() != nil {
		t.Stop("time", t.ctx.Err().Error())
	}
}

// Left is how long the run may go on, for what has a time limit of its own.
func (t *Thread) Left() time.Duration {
	if t.until.IsZero() {
		t.until = time.Now().Add(t.limit.Time)
	}
	left := time.Until(t.until)
	if t.ctx == nil {
		return left
	}
	if t.ctx.Err() != nil {
		return 0
	}
	if end, ok := t.ctx.Deadline(); ok {
		left = min(left, time.Until(end))
	}
	return left
}

// Allocate takes n bytes, before they are allocated.
func (t *Thread) Allocate(n int) {
	if t.bytes -= int64(n); t.bytes < 0 {
		t.Stop("memory", fmt.Sprintf("%d MiB", t.limit.Bytes>>20))
	}
}

// Enter goes one call deeper; Leave comes back.
func (t *Thread) Enter() {
	if t.depth++; t.depth > t.limit.Depth {
		t.Stop("depth", fmt.Sprint(t.limit.Depth))
	}
}

// Leave ends what Enter began.
func (t *Thread) Leave() { t.depth-- }

// Depth is how deep calls are; SetDepth puts it back after an exception.
func (t *Thread) Depth() int { return t.depth }

// SetDepth puts back what Depth was.
func (t *Thread) SetDepth(d int) { t.depth = d }

// Used is how many steps and bytes the run has taken.
func (t *Thread) Used() (steps, bytes int64) { return t.limit.Steps - t.steps, t.limit.Bytes - t.bytes }

// New is a string of C#: its bytes count.
func (t *Thread) New(s string) Value {
	t.Allocate(len(s))
	return Str(s)
}
