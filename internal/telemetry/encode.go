package telemetry

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// encoder appends one line of JSON. It is written by hand because it runs for
// every request: log/slog's handler takes four times as long for a record of
// this size. That it writes what slog would write is a test.
type encoder struct {
	buf []byte
	// first is true where the next member needs no comma.
	first bool
	// truncated is set when a value was shortened.
	truncated bool
}

// head begins a line with the members that slog puts first.
func (e *encoder) head(t time.Time, level, msg, site string) {
	e.buf = append(e.buf, `{"time":"`...)
	e.buf = t.UTC().AppendFormat(e.buf, time.RFC3339Nano)
	e.buf = append(e.buf, `","level":"`...)
	e.buf = append(e.buf, level...)
	e.buf = append(e.buf, `","msg":"`...)
	e.buf = append(e.buf, msg...)
	e.buf = append(e.buf, '"')
	e.str("site", site)
}

func (e *encoder) tail() {
	if e.truncated {
		e.bool("truncated", true)
	}
	e.buf = append(e.buf, '}', '\n')
}

func (e *encoder) key(k string) {
	if !e.first {
		e.buf = append(e.buf, ',')
	}
	e.first = false
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, k...)
	e.buf = append(e.buf, '"', ':')
}

// group begins an object; what it returns goes to endGroup.
func (e *encoder) group(k string) (start int) {
	start = len(e.buf)
	e.key(k)
	e.buf = append(e.buf, '{')
	e.first = true
	return start
}

// endGroup ends an object, and takes it back when it is empty, as slog does.
func (e *encoder) endGroup(start int) {
	if e.first {
		e.buf = e.buf[:start]
		e.first = false
		return
	}
	e.buf = append(e.buf, '}')
}

func (e *encoder) str(k, v string) { e.text(k, v, maxText) }

func (e *encoder) text(k, v string, limit int) {
	if v == "" {
		return
	}
	e.key(k)
	e.buf = append(e.buf, '"')
	e.buf = appendEscaped(e.buf, e.clip(v, limit))
	e.buf = append(e.buf, '"')
}

// clip shortens v to limit bytes, never inside a character.
func (e *encoder) clip(v string, limit int) string {
	if len(v) <= limit {
		return v
	}
	e.truncated = true
	for limit > 0 && !utf8.RuneStart(v[limit]) {
		limit--
	}
	return v[:limit]
}

func (e *encoder) list(k string, vs []string) {
	if len(vs) == 0 {
		return
	}
	if len(vs) > maxList {
		e.truncated = true
		vs = vs[:maxList]
	}
	e.key(k)
	e.buf = append(e.buf, '[')
	for i, v := range vs {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, '"')
		e.buf = appendEscaped(e.buf, e.clip(v, maxText))
		e.buf = append(e.buf, '"')
	}
	e.buf = append(e.buf, ']')
}

func (e *encoder) int(k string, v int64) {
	if v == 0 {
		return
	}
	e.key(k)
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

// count is int for numbers of which 0 says something.
func (e *encoder) count(k string, v int64) {
	e.key(k)
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

func (e *encoder) bool(k string, v bool) {
	if !v {
		return
	}
	e.key(k)
	e.buf = append(e.buf, "true"...)
}

func (e *encoder) addr(k string, a netip.Addr) {
	if !a.IsValid() {
		return
	}
	e.key(k)
	e.buf = append(e.buf, '"')
	// A zone is text from the system; it goes through the escaper.
	if a.Zone() != "" {
		e.buf = appendEscaped(e.buf, a.String())
	} else {
		e.buf = a.AppendTo(e.buf)
	}
	e.buf = append(e.buf, '"')
}

func (e *encoder) addrPort(k string, a netip.AddrPort) {
	if !a.IsValid() {
		return
	}
	e.key(k)
	e.buf = append(e.buf, '"')
	if a.Addr().Zone() != "" {
		e.buf = appendEscaped(e.buf, a.String())
	} else {
		e.buf = a.AppendTo(e.buf)
	}
	e.buf = append(e.buf, '"')
}

// millis writes d in milliseconds with microseconds behind the point. It does
// so in integers: the shortest form of a float costs five times as much.
func (e *encoder) millis(k string, d time.Duration) {
	if d <= 0 {
		return
	}
	e.key(k)
	micros := int64(d.Round(time.Microsecond) / time.Microsecond)
	e.buf = strconv.AppendInt(e.buf, micros/1000, 10)
	if rest := micros % 1000; rest != 0 {
		digits := [4]byte{'.', '0' + byte(rest/100), '0' + byte(rest/10%10), '0' + byte(rest%10)}
		n := len(digits)
		for digits[n-1] == '0' {
			n--
		}
		e.buf = append(e.buf, digits[:n]...)
	}
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends s as the inside of a JSON string: control characters,
// quote, backslash, U+2028 and U+2029 escaped, invalid UTF-8 replaced.
func appendEscaped(buf []byte, s string) []byte {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	if i == len(s) {
		return append(buf, s...) // nearly always
	}
	return appendEscapedFrom(buf, s, i)
}

// appendEscapedFrom is appendEscaped for a string of which the first i bytes
// need no escape.
func appendEscapedFrom(buf []byte, s string, i int) []byte {
	start := 0
	for i < len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				buf = append(append(buf, s[start:i]...), `\ufffd`...)
				start = i + size
			} else if r == '\u2028' || r == '\u2029' {
				buf = append(append(buf, s[start:i]...), `\u202`...)
				buf = append(buf, hexDigits[r&0xf])
				start = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		buf = append(buf, s[start:i]...)
		buf = appendEscape(buf, c)
		i++
		start = i
	}
	return append(buf, s[start:]...)
}

func appendEscape(buf []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(buf, '\\', c)
	case '\n':
		return append(buf, '\\', 'n')
	case '\r':
		return append(buf, '\\', 'r')
	case '\t':
		return append(buf, '\\', 't')
	}
	return append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
