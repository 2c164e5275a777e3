package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// found is what lookAt says of a part.
type found struct {
	escaping bool // has escapes, or what stands only escaped
	needs    bool // has what needs escapes
	backs    bool // has \
	foreign  bool // has characters beyond ASCII
	outside  bool // has such that RFC 3987 does not allow
}

// escaped: it is as a URI must have it.
func (f found) escaped() bool { return !f.needs }

// iri: it is as RFC 3987 has it.
func (f found) iri() bool { return !f.escaping && f.foreign && !f.outside }

// lookAt looks at a part of a URI; reserved are characters that stand only
// escaped.
func lookAt(s, reserved string) (f found) {
	for i := 0; i < len(s); {
		c := s[i]
		if c > 'z' && c != '~' {
			r, n := clr.Decode(s[i:])
			i += n
			f.foreign = true
			f.needs = true
			switch {
			case r >= 0x7F && r <= 0x9F:
				f.escaping = true
			case n == 4 || !inIRI(r, true):
				// .NET looks at the second half of a pair by itself.
				f.outside = true
			}
			continue
		}
		i++
		switch {
		case c <= 0x1F || strings.IndexByte(reserved, c) >= 0:
			f.needs, f.escaping = true, true
		case c == '#':
			f.needs = true
		case c == '\\':
			f.backs = true
			f.needs = true
		case c == '%':
			f.escaping = true
			if _, ok := hexByte(s[i-1:]); ok {
				i += 2
				continue
			}
			f.needs = true
		case c <= '"' && c != '!', c >= '[' && c <= '^', c == '<', c == '>', c == '`':
			f.needs = true
		}
	}
	return f
}

// wellFormed is IsWellFormedOriginalString().
func (u *Uri) wellFormed() bool {
	if !u.absolute() {
		if i := strings.IndexAny(u.text, ":/\\?#"); i >= 0 && u.text[i] == ':' {
			return false
		}
		f := lookAt(u.text, "")
		return f.escaped() && !f.backs
	}
	if u.implicit {
		return false
	}
	reserved := ""
	if !u.syntax.query {
		reserved = "?"
	}
	// One part that is right by RFC 3987 makes up for what the others lack.
	wrong, right := false, false
	for _, f := range []found{
		lookAt(u.user, ""), lookAt(u.rawPath, reserved),
		lookAt(strings.TrimPrefix(u.rawQuery, "?"), ""), lookAt(strings.TrimPrefix(u.fragment, "#"), ""),
	} {
		wrong = wrong || !f.escaped()
		right = right || !f.escaped() && f.iri()
	}
	if u.syntax.unescapeDots && unescapeDots(u.rawPath) != u.rawPath {
		wrong = true
	}
	if wrong && !right {
		return false
	}
	if strings.IndexByte(u.rawPath, '\\') >= 0 {
		return false
	}
	if u.slashes && !u.dos && u.rawPath != "" && u.rawPath[0] != '/' {
		return false
	}
	if u.kind != v6Host {
		if f := lookAt(u.userAt(u.user)+u.host, ""); !f.escaped() && !f.iri() {
			return false
		}
	}
	return !u.dos || u.rawPath[1] != '|'
}
