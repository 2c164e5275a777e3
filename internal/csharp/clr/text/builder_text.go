package text

import (
	"bytes"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Builder is a StringBuilder. Its text lies in bytes as long as it is ASCII,
// and in code units from the first character on that is not: so every place is
// found at once.
type Builder struct {
	narrow []byte
	units  []uint16
	wide   bool
	// Capacity is block + before, as .NET counts it: the last block's size, and
	// what stands in blocks before it.
	block, before int
	most          int
}

// builderType is System.Text.StringBuilder.
var builderType = clr.Named("System.Text", "StringBuilder", 0)

// Type is StringBuilder.
func (*Builder) Type() *clr.Type { return builderType }

const (
	defaultCapacity = 16
	mostBlock       = 8000
	mostChars       = 1<<31 - 1
)

// NewBuilder makes an empty builder.
func NewBuilder() *Builder { return &Builder{block: defaultCapacity, most: mostChars} }

// Len is Length.
func (b *Builder) Len() int {
	if b.wide {
		return len(b.units)
	}
	return len(b.narrow)
}

func (b *Builder) capacity() int { return b.block + b.before }

// at is the code unit i, which exists.
func (b *Builder) at(i int) uint16 {
	if b.wide {
		return b.units[i]
	}
	return uint16(b.narrow[i])
}

// text is the part of n code units from a place on.
func (b *Builder) text(t *clr.Thread, from, n int) string {
	t.Work(n / 64)
	if b.wide {
		t.Allocate(3 * n)
		return clr.FromUnits(b.units[from : from+n])
	}
	t.Allocate(n)
	return string(b.narrow[from : from+n])
}

// widen goes over to code units.
func (b *Builder) widen(t *clr.Thread) {
	if b.wide {
		return
	}
	t.Allocate(2 * len(b.narrow))
	t.Work(len(b.narrow) / 16)
	b.wide, b.units = true, make([]uint16, len(b.narrow), len(b.narrow)+16)
	for i, c := range b.narrow {
		b.units[i] = uint16(c)
	}
	b.narrow = nil
}

// grow counts capacity for n code units more at the end; param is how .NET
// calls them where there are too many.
func (b *Builder) grow(t *clr.Thread, n int, param string) {
	all := b.Len()
	if n > b.most-all {
		t.ThrowRange(param, "The length cannot be greater than the capacity.")
	}
	if left := b.capacity() - all; n > left {
		rest := n - left
		full := b.capacity()
		b.block = max(rest, min(full, mostBlock))
		b.before = full
	}
}

// Append appends s.
func (b *Builder) Append(t *clr.Thread, s string) { b.append(t, s, "valueCount") }

func (b *Builder) append(t *clr.Thread, s, param string) {
	if s == "" {
		return
	}
	if !b.wide && clr.IsASCII(s) {
		b.grow(t, len(s), param)
		t.Allocate(len(s))
		t.Work(len(s) / 64)
		b.narrow = append(b.narrow, s...)
		return
	}
	b.widen(t)
	n := length(t, s)
	b.grow(t, n, param)
	t.Allocate(2 * n)
	t.Work(n / 16)
	b.units = appendUnits(b.units, s)
}

func appendUnits(units []uint16, s string) []uint16 {
	if clr.IsASCII(s) {
		for i := range len(s) {
			units = append(units, uint16(s[i]))
		}
		return units
	}
	eachUnit(s, func(_ int, c uint16) bool {
		units = append(units, c)
		return true
	})
	return units
}

// appendChar appends n times a code unit.
func (b *Builder) appendChar(t *clr.Thread, c uint16, n int) {
	b.grow(t, n, "repeatCount")
	t.Work(n / 64)
	if c >= 0x80 {
		b.widen(t)
	}
	if b.wide {
		t.Allocate(2 * n)
		for range n {
			b.units = append(b.units, c)
		}
		return
	}
	t.Allocate(n)
	for range n {
		b.narrow = append(b.narrow, byte(c))
	}
}

// makeRoom counts capacity for n code units more that are not at the end.
func (b *Builder) makeRoom(t *clr.Thread, n int) {
	if n > b.most-b.Len() {
		t.ThrowRange("requiredLength", "capacity was less than the current size.")
	}
	last := b.Len() - b.before
	if last <= 2*defaultCapacity && b.block-last >= n {
		return
	}
	b.before += max(n, defaultCapacity)
}

// insert puts s before place i, which is inside.
func (b *Builder) insert(t *clr.Thread, i int, s string) {
	if s == "" {
		return
	}
	// What is behind it moves, each time.
	t.Work((b.Len() - i) / 64)
	if !b.wide && clr.IsASCII(s) {
		b.makeRoom(t, len(s))
		t.Allocate(len(s))
		b.narrow = splice(b.narrow, i, i, []byte(s))
		return
	}
	b.widen(t)
	t.Allocate(2 * len(s))
	t.Work(len(s) / 16)
	units := appendUnits(nil, s)
	b.makeRoom(t, len(units))
	t.Allocate(2 * len(units))
	b.units = splice(b.units, i, i, units)
}

// splice puts with where from to to was.
func splice[T any](s []T, from, to int, with []T) []T {
	tail := len(s) - to
	if d := len(with) - (to - from); d > 0 {
		s = append(s, make([]T, d)...)
		copy(s[len(s)-tail:], s[to:to+tail])
	} else if d < 0 {
		copy(s[from+len(with):], s[to:])
		s = s[:len(s)+d]
	}
	copy(s[from:], with)
	return s
}

// remove takes n code units out.
func (b *Builder) remove(t *clr.Thread, from, n int) {
	t.Work((b.Len() - from) / 64)
	if from < b.before {
		b.before -= min(n, b.before-from)
	}
	if b.wide {
		b.units = splice(b.units, from, from+n, nil)
		return
	}
	b.narrow = splice(b.narrow, from, from+n, nil)
}

// setLen sets Length; n is none that .NET refuses.
func (b *Builder) setLen(t *clr.Thread, n int) {
	all := b.Len()
	switch {
	case n > all:
		b.appendChar(t, 0, n-all)
		return
	case n < b.before:
		b.block = min(b.capacity(), max(all*6/5, b.block))
		b.before = 0
	}
	if b.wide {
		b.units = b.units[:n]
		return
	}
	b.narrow = b.narrow[:n]
}

// replace replaces old by with between two places.
func (b *Builder) replace(t *clr.Thread, old, with string, from, to int) {
	t.Work((to - from) / 16)
	if b.wide || !clr.IsASCII(with) {
		if !b.wide && !bytes.Contains(b.narrow[from:to], []byte(old)) {
			return
		}
		b.widen(t)
		t.Allocate(2 * (len(old) + len(with)))
		b.units = replaceIn(b, t, b.units, appendUnits(nil, old), appendUnits(nil, with), [2]int{from, to})
		return
	}
	if clr.IsASCII(old) {
		b.narrow = replaceIn(b, t, b.narrow, []byte(old), []byte(with), [2]int{from, to})
	}
}

func replaceIn[T comparable](b *Builder, t *clr.Thread, s, old, with []T, span [2]int) []T {
	var places []int
	for i := span[0]; i+len(old) <= span[1]; {
		if !startsWith(t, s[i:], old) {
			i++
			continue
		}
		t.Allocate(8)
		places = append(places, i)
		i += len(old)
	}
	if len(places) == 0 {
		return s
	}
	t.Work(len(s)/64 + len(places))
	if d := len(places) * (len(with) - len(old)); d > 0 {
		b.makeRoom(t, d)
	}
	n := len(s) + len(places)*(len(with)-len(old))
	t.Allocate(2 * n)
	out := make([]T, 0, n)
	at := 0
	for _, i := range places {
		out = append(append(out, s[at:i]...), with...)
		at = i + len(old)
	}
	return append(out, s[at:]...)
}

func startsWith[T comparable](t *clr.Thread, s, prefix []T) bool {
	for i, c := range prefix {
		if s[i] != c {
			t.Work(i / 8)
			return false
		}
	}
	t.Work(len(prefix) / 8)
	return true
}
