package policy

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/site"
)

// decodeSource sets the text to read. UTF-8 with or without a byte order mark,
// and UTF-16 with one, are taken; the encoding that an XML declaration names is
// not believed, because tools that write a policy from a string leave
// "utf-16" there.
func (r *reader) decodeSource(source []byte) bool {
	whole := site.Pos{File: r.doc.File}
	if len(source) > maxSource {
		r.errorAt(whole, "too-large", "", "the document has %d bytes, more than the %d that are read", len(source), maxSource)
		return false
	}
	if text, is, valid := fromUTF16(source); is {
		if !valid {
			r.errorAt(whole, "encoding", "UTF-8", "the text is not UTF-16, as its byte order mark says")
			return false
		}
		r.doc.Source = []byte(text)
	}
	r.src = string(r.doc.Source)
	r.lines = newLines(r.doc.File, r.src)
	for i, c := range r.src {
		if c == utf8.RuneError && !strings.HasPrefix(r.src[i:], string(utf8.RuneError)) {
			r.errorAt(r.pos(i), "encoding", "UTF-8", "the text is not UTF-8")
			return false
		}
		if !isXMLCharacter(c) {
			r.errorAt(r.pos(i), "bad-character", "", "the character U+%04X is not allowed in a document", c)
			return false
		}
	}
	if strings.HasPrefix(r.src, "\ufeff") {
		r.at = len("\ufeff")
	}
	return true
}

// fromUTF16 decodes text that begins with a byte order mark of UTF-16.
func fromUTF16(source []byte) (text string, is, valid bool) {
	var order binary.ByteOrder
	switch {
	case len(source) >= 2 && source[0] == 0xff && source[1] == 0xfe:
		order = binary.LittleEndian
	case len(source) >= 2 && source[0] == 0xfe && source[1] == 0xff:
		order = binary.BigEndian
	default:
		return "", false, false
	}
	units := make([]uint16, 0, len(source)/2)
	for i := 2; i+1 < len(source); i += 2 {
		units = append(units, order.Uint16(source[i:]))
	}
	runes := utf16.Decode(units)
	// Half a pair decodes as U+FFFD.
	broken := slices.Contains(runes, utf8.RuneError) && !slices.Contains(units, uint16(utf8.RuneError))
	return string(runes), true, !broken && len(source)%2 == 0
}

// isXMLCharacter is "Char" of XML 1.0, section 2.2.
func isXMLCharacter(c rune) bool {
	switch {
	case c == '\t' || c == '\n' || c == '\r':
		return true
	case c < 0x20, c == 0xfffe, c == 0xffff, c > utf8.MaxRune, 0xd800 <= c && c <= 0xdfff:
		return false
	}
	return true
}
