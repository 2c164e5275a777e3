package site

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// source is one file of the site while it is being read.
type source struct {
	path string
	data []byte
	// starts holds the offset of each line; lines end with "\n".
	starts []int
	// hidden lines hold a secret, or may: no excerpt shows them.
	hidden map[int]bool
}

func newSource(path string, data []byte) *source {
	s := &source{path: path, data: data, starts: []int{0}, hidden: map[int]bool{}}
	for i, b := range data {
		if b == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// file is the place of the file as a whole.
func (s *source) file() Pos { return Pos{File: s.path} }

// pos is the place of a byte offset; offsets beyond the end name the end.
func (s *source) pos(offset int) Pos {
	offset = min(max(offset, 0), len(s.data))
	line := sort.SearchInts(s.starts, offset+1)
	return Pos{File: s.path, Line: line, Column: offset - s.starts[line-1] + 1}
}

// hide keeps the line of pos out of excerpts.
func (s *source) hide(pos Pos) { s.hidden[pos.Line] = true }

// saysNothing reports a line of YAML that is empty or a comment.
func (s *source) saysNothing(line int) bool {
	text, _ := sourceLine(s.data, line)
	text = bytes.TrimSpace(text)
	return len(text) == 0 || text[0] == '#'
}

// firstOf is the place of the first character of a line that is not a blank.
func (s *source) firstOf(line int) Pos {
	text, _ := sourceLine(s.data, line)
	return Pos{File: s.path, Line: line, Column: len(text) - len(bytes.TrimLeft(text, " \t")) + 1}
}

// mayHoldSecret reports whether a line of a file that could not be parsed may
// hold a secret: a name on it, or on the line before, promises one, or something
// on it is long enough to be one.
func (s *source) mayHoldSecret(line int) bool {
	text, _ := sourceLine(s.data, line)
	if looksSecret(string(text)) || longRun.Match(text) {
		return true
	}
	for line--; line > 0; line-- {
		if before, _ := sourceLine(s.data, line); len(bytes.TrimSpace(before)) > 0 {
			return looksSecret(string(before))
		}
	}
	return false
}

// longRun is what keys and tokens are made of; names of hosts have dots in it.
var longRun = regexp.MustCompile(`[0-9A-Za-z+/=_-]{20,}`)

func (s *source) excerpt(pos Pos) string {
	if s.hidden[pos.Line] {
		return ""
	}
	return Excerpt(s.data, pos)
}

// yamlLines are the offsets of lines as YAML counts them: besides "\n" also
// "\r", NEL, LS and PS end a line there, which no editor shows.
type yamlLines struct {
	src    *source
	starts []int
}

func newYAMLLines(src *source) *yamlLines {
	y := &yamlLines{src: src, starts: []int{bomLength(src.data)}}
	for i := 0; i < len(src.data); {
		r, size := utf8.DecodeRune(src.data[i:])
		i += size
		switch r {
		case '\r':
			if i < len(src.data) && src.data[i] == '\n' {
				i++
			}
		case '\n', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		y.starts = append(y.starts, i)
	}
	return y
}

// pos turns a YAML line and column, both from 1 and the column in characters,
// into a place in the file.
func (y *yamlLines) pos(line, column int) Pos {
	line = min(max(line, 1), len(y.starts))
	offset := y.starts[line-1]
	for range column - 1 {
		if offset >= len(y.src.data) {
			break
		}
		_, size := utf8.DecodeRune(y.src.data[offset:])
		offset += size
	}
	return y.src.pos(offset)
}

// bomLength is the length of a UTF-8 byte order mark at the beginning: tools on
// Windows write one.
func bomLength(data []byte) int {
	if len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF {
		return 3
	}
	return 0
}

// report collects problems of many files and gives them their excerpts.
type report struct {
	Problems
	sources map[string]*source
	// secrets are texts to replace, each followed by what stands in its place.
	secrets []string
}

func newReport() *report { return &report{sources: map[string]*source{}} }

// source registers a file, so that problems in it get an excerpt.
func (r *report) source(path string, data []byte) *source {
	if s, ok := r.sources[path]; ok {
		return s
	}
	s := newSource(path, data)
	r.sources[path] = s
	return s
}

// dropEchoes removes problems that stand where an earlier one says that the
// value is none: what else is wrong with it says nothing.
func (r *report) dropEchoes() {
	none := map[Pos]bool{}
	r.Problems = slices.DeleteFunc(r.Problems, func(p Problem) bool {
		switch p.Code {
		case "wrong-type", "missing-value", "template-expression":
			none[p.Pos] = p.Line > 0
			return false
		case "secret-in-clear":
			return false
		}
		return none[p.Pos]
	})
}

// conceal keeps a text out of everything that is said about the site: a secret
// that stands where a name belongs would be repeated as one.
func (r *report) conceal(text string) {
	quoted := strconv.Quote(text)
	r.secrets = append(r.secrets, text, "…", quoted[1:len(quoted)-1], "…")
}

// finish returns the problems sorted, without repetitions, with excerpts.
func (r *report) finish() Problems {
	r.dropEchoes()
	concealed := strings.NewReplacer(r.secrets...)
	for i := range r.Problems {
		p := &r.Problems[i]
		p.Message, p.Expected, p.Mend = concealed.Replace(p.Message), concealed.Replace(p.Expected), concealed.Replace(p.Mend)
		if s, ok := r.sources[p.File]; ok && p.Line > 0 {
			p.Excerpt = s.excerpt(p.Pos)
		}
	}
	r.Sort()
	r.Problems = slices.Compact(r.Problems)
	return r.Problems
}
