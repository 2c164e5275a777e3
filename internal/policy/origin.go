package policy

import (
	"slices"
	"sort"

	"github.com/cloister-ai/cloister/internal/site"
)

// Origin maps the bytes of a decoded value to the source that they came from,
// through entities, line ends and named values. The zero Origin knows nothing.
type Origin struct {
	lines    *lines
	segments []segment
}

// segment says where the bytes from at on, up to the next segment, came from.
type segment struct {
	// at is an offset in the value, source one in the document.
	at, source int
	// fixed: all bytes of the segment came from one place, that of an entity
	// or of a named value. Otherwise value and source run in step.
	fixed bool
	// name is the named value that the bytes came from; empty: none.
	name string
}

// At is the place in the source of the byte at offset in the value. For a byte
// that came from a named value it is the place of its braces. Offsets beyond
// the value give the place after its last byte.
func (o Origin) At(offset int) site.Pos {
	if o.lines == nil {
		return site.Pos{}
	}
	return o.lines.pos(o.source(offset))
}

func (o Origin) source(offset int) int {
	s := o.segment(offset)
	if s.fixed {
		return s.source
	}
	return s.source + offset - s.at
}

// segment is the one in which the byte at offset lies.
func (o Origin) segment(offset int) segment {
	i := sort.Search(len(o.segments), func(i int) bool { return o.segments[i].at > offset }) - 1
	if i < 0 {
		return segment{fixed: true}
	}
	return o.segments[i]
}

// named is the first named value that bytes from one offset up to another came
// from; empty: none.
func (o Origin) named(from, to int) string {
	for i, s := range o.segments {
		if s.at >= to {
			break
		}
		if s.name != "" && (i+1 == len(o.segments) || o.segments[i+1].at > from) {
			return s.name
		}
	}
	return ""
}

// add says that the bytes of the value from at on came from source.
func (o *Origin) add(s segment) {
	if n := len(o.segments); n > 0 {
		last := o.segments[n-1]
		if last.at == s.at {
			o.segments[n-1] = s
			return
		}
		if !last.fixed && !s.fixed && s.source-last.source == s.at-last.at {
			return
		}
	}
	o.segments = append(o.segments, s)
}

// from is the origin of the value without its first n bytes.
func (o Origin) from(n int) Origin {
	out := Origin{lines: o.lines}
	for _, s := range o.segments {
		if s.at <= n {
			if !s.fixed {
				s.source += n - s.at
			}
			s.at = n
		}
		s.at -= n
		out.add(s)
	}
	return out
}

// lines knows where the lines of a document begin.
type lines struct {
	file   string
	starts []int
}

func newLines(file, source string) *lines {
	l := &lines{file: file, starts: []int{0}}
	for i := range len(source) {
		if source[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

func (l *lines) pos(offset int) site.Pos {
	i, found := slices.BinarySearch(l.starts, offset)
	if !found {
		i--
	}
	return site.Pos{File: l.file, Line: i + 1, Column: offset - l.starts[i] + 1}
}
