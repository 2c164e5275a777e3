package openai

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// maxMembers is the most members that an object may have which is checked for
// duplicates. The API knows fewer than fifty.
const maxMembers = 128

// nameSet finds duplicate names among the members of one object. It lives on
// the stack and holds places in the body, not the names.
type nameSet struct {
	n     int
	names [maxMembers]struct {
		hash, start, end uint32
		escaped          bool
	}
}

// add reports false when the name is there already. The caller has made sure
// that there is room. raw is body[start:], name the same decoded.
func (s *nameSet) add(body []byte, start int, raw, name []byte) bool {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c)) * 16777619
	}
	for i := range s.names[:s.n] {
		e := &s.names[i]
		if e.hash != h {
			continue
		}
		other := body[e.start:e.end]
		if e.escaped {
			other = unescape(nil, other)
		}
		if bytes.Equal(name, other) {
			return false
		}
	}
	e := &s.names[s.n]
	e.hash, e.start, e.end = h, uint32(start), uint32(start+len(raw))
	e.escaped = len(name) != len(raw) // an escape is longer than what it means
	s.n++
	return true
}

// unescape appends the text of a string that the scanner has accepted, given
// without its quotes.
func unescape(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw, 0)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				low, _ := hex4(raw, 2)
				r = utf16.DecodeRune(r, low)
				raw = raw[6:]
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}
