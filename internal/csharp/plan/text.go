package plan

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// text plans an expression whose type is string.
func (c *compiler) text(e check.Expr) textFn {
	switch n := e.(type) {
	case *check.Const:
		v := c.interned(n.Value)
		s, ok := v.S, v.O != nil
		return func(*frame) (string, bool) { return s, ok }
	case *check.Local:
		if v := c.fn.find(n.Var); v.kind == inSlot && n.Var.Ref == "" {
			return func(f *frame) (string, bool) {
				p := &f.s[v.index]
				return p.S, p.O != nil
			}
		}
	}
	if !c.plain {
		if x := c.textForm(e); x != nil {
			return x
		}
	}
	x := c.value(e)
	return func(f *frame) (string, bool) {
		v := x(f)
		return v.S, v.O != nil
	}
}

// textForm plans what has a closure of its own for strings; nil: it has none.
func (c *compiler) textForm(e check.Expr) textFn {
	switch n := e.(type) {
	case *check.Ternary:
		cond, a, b := c.cond(n.C), c.text(n.A), c.text(n.B)
		return func(f *frame) (string, bool) {
			if cond(f) {
				return a(f)
			}
			return b(f)
		}
	case *check.Coalesce:
		if n.Conv != nil || n.X.T() != clr.String {
			return nil
		}
		x, y := c.text(n.X), c.text(n.Y)
		return func(f *frame) (string, bool) {
			if s, ok := x(f); ok {
				return s, true
			}
			return y(f)
		}
	case *check.Concat:
		x := c.concat(n)
		return func(f *frame) (string, bool) { return x(f), true }
	case *check.Get, *check.Call:
		if do, ok := fastOf(e).(func(string) string); ok {
			return c.textFast(e, do)
		}
		return c.objectText(e)
	}
	return nil
}

// textFast calls a member's fast form; with a null its other form says what is
// to be.
func (c *compiler) textFast(e check.Expr, do func(string) string) textFn {
	in := operands(e)
	x, slow, at := c.text(in[0]), c.slow(e), e.At().From
	return func(f *frame) (string, bool) {
		s, ok := x(f)
		f.at = at
		f.through(s)
		if !ok {
			v := slow(f, clr.Null, clr.Null)
			return v.S, v.O != nil
		}
		return do(s), true
	}
}

// concat plans the joining of strings. Its parts are evaluated before they
// become text.
func (c *compiler) concat(n *check.Concat) func(*frame) string {
	if len(n.Parts) == 2 {
		a, b := c.part(n.Parts[0]), c.part(n.Parts[1])
		return func(f *frame) string {
			x := a(f)
			y := b(f)
			f.t.Allocate(len(x) + len(y))
			return clr.Concat(x, y)
		}
	}
	parts := make([]func(*frame) string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = c.part(p)
	}
	return func(f *frame) string {
		var room [8]string
		all := room[:0]
		size := 0
		for _, p := range parts {
			s := p(f)
			size += len(s)
			all = append(all, s)
		}
		f.t.Allocate(size)
		return joined(all, size)
	}
}

// joined joins strings; halves of a character that meet become one.
func joined(parts []string, size int) string {
	var b strings.Builder
	b.Grow(size)
	mend := false
	for i, p := range parts {
		mend = mend || i > 0 && len(p) > 0 && p[0] == 0xED
		b.WriteString(p)
	}
	if mend {
		return clr.Mend(b.String())
	}
	return b.String()
}

// part plans the text of a part of a string; null has none.
func (c *compiler) part(e check.Expr) func(*frame) string {
	if e.T() == clr.String {
		x := c.text(e)
		return func(f *frame) string {
			s, _ := x(f)
			return s
		}
	}
	x, at := c.value(e), e.At().From
	return func(f *frame) string {
		v := x(f)
		f.at = at
		return f.t.Text(v)
	}
}

// interpolated plans $"…".
func (c *compiler) interpolated(n *check.Interpolated) valueFn {
	parts := make([]func(*frame) string, len(n.Parts))
	for i := range n.Parts {
		parts[i] = c.interpolatedPart(&n.Parts[i])
	}
	return func(f *frame) clr.Value {
		var room [8]string
		all := room[:0]
		size := 0
		for _, p := range parts {
			s := p(f)
			size += len(s)
			all = append(all, s)
		}
		f.t.Allocate(size)
		return clr.Str(joined(all, size))
	}
}

func (c *compiler) interpolatedPart(p *check.InterpolatedPart) func(*frame) string {
	if p.X == nil {
		s := p.Text
		return func(*frame) string { return s }
	}
	x, format, align, at := c.value(p.X), p.Format, p.Align, p.X.At().From
	return func(f *frame) string {
		v := x(f)
		f.at = at
		s := f.t.Format(v, format)
		if align == 0 {
			return s
		}
		return f.aligned(s, align)
	}
}

// aligned fills s up with spaces: before it, or behind it where width is
// negative.
func (f *frame) aligned(s string, width int) string {
	left := width < 0
	if left {
		width = -width
	}
	n := width - clr.Length(s)
	if n <= 0 {
		return s
	}
	f.t.Allocate(width)
	if left {
		return s + strings.Repeat(" ", n)
	}
	return strings.Repeat(" ", n) + s
}
