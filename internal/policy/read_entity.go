package policy

import (
	"strconv"
	"strings"
)

// decoding says how a raw text becomes a value. Line ends always become "\n".
type decoding struct {
	// strict: "&" has to begin an entity. Otherwise what is no entity stays.
	strict bool
	// spaces: line ends and tabs become blanks, as in the attributes of XML.
	spaces bool
	// raw: entities stay.
	raw bool
}

// decode is the value of src[from:to] and where it came from.
func (r *reader) decode(from, to int, how decoding) (string, Origin) {
	origin := Origin{lines: r.lines, segments: []segment{{source: from}}}
	raw := r.src[from:to]
	special := "\r"
	if !how.raw {
		special += "&"
	}
	if how.spaces {
		special += "\t\n"
	}
	i := strings.IndexAny(raw, special)
	if i < 0 {
		return raw, origin
	}
	var b strings.Builder
	for at := 0; ; {
		origin.add(segment{at: b.Len(), source: from + at})
		b.WriteString(raw[at:i])
		piece, width := r.special(raw, from, i, how)
		origin.add(segment{at: b.Len(), source: from + i, fixed: width > 1})
		b.WriteString(piece)
		at = i + width
		next := strings.IndexAny(raw[at:], special)
		if next < 0 {
			origin.add(segment{at: b.Len(), source: from + at})
			b.WriteString(raw[at:])
			return b.String(), origin
		}
		i = at + next
	}
}

// special decodes what stands at raw[i:]: a line end, a tab or an entity.
func (r *reader) special(raw string, from, i int, how decoding) (piece string, width int) {
	switch raw[i] {
	case '&':
		s, n, ok := entity(raw[i:])
		if ok {
			return s, n
		}
		if how.strict {
			r.errorAt(r.pos(from+i), "bad-entity", "&amp; for the character, or one of &lt; &gt; &amp; &quot; &apos; &#N;",
				"%q begins no known entity", "&")
		}
		return "&", 1
	case '\r':
		width = 1
		if strings.HasPrefix(raw[i:], "\r\n") {
			width = 2
		}
		if how.spaces {
			return " ", width
		}
		return "\n", width
	}
	return " ", 1
}

// entity decodes the entity at the beginning of s.
func entity(s string) (text string, width int, ok bool) {
	// The longest, &#x0010FFFF;, with some zeros to spare.
	const longest = 16
	end := strings.IndexByte(s[:min(len(s), longest)], ';')
	if end < 0 {
		return "", 0, false
	}
	name := s[1:end]
	switch name {
	case "lt":
		return "<", end + 1, true
	case "gt":
		return ">", end + 1, true
	case "amp":
		return "&", end + 1, true
	case "quot":
		return `"`, end + 1, true
	case "apos":
		return "'", end + 1, true
	}
	digits, isNumber := strings.CutPrefix(name, "#")
	if !isNumber {
		return "", 0, false
	}
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	// ParseUint takes no sign, and an underscore only with base 0.
	c, err := strconv.ParseUint(digits, base, 31)
	if err != nil || !isXMLCharacter(rune(c)) {
		return "", 0, false
	}
	return string(rune(c)), end + 1, true
}
