package json

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

// Text is JToken.ToString(Formatting): two spaces a level and "\n" where
// indented.
func Text(t *clr.Thread, k Token, indented bool) string {
	w := writer{t: t, indented: indented, b: make([]byte, 0, 256)}
	w.token(k)
	w.charge()
	return string(w.b)
}

// writer writes a tree as JsonTextWriter does.
type writer struct {
	t        *clr.Thread
	b        []byte
	paid     int
	indented bool
	depth    int
}

// charge pays for what has been written since the last time, and for as much
// again: the buffer grows by doubling, and the text is copied once.
func (w *writer) charge() {
	w.t.Allocate(3 * (len(w.b) - w.paid))
	w.paid = len(w.b)
}

func (w *writer) token(k Token) {
	w.t.Step()
	if len(w.b)-w.paid > 1<<12 {
		w.charge()
	}
	switch k := k.(type) {
	case *Value:
		w.value(k)
	case *Property:
		w.property(k)
	case *Object:
		w.list('{', '}', k, false)
	case *Array:
		w.list('[', ']', k, false)
	case *Constructor:
		w.b = append(w.b, "new "...)
		w.b = append(w.b, k.Name.S...)
		w.list('(', ')', k, true)
	}
}

func (w *writer) property(p *Property) {
	w.string(p.Name)
	w.b = append(w.b, ':')
	if w.indented {
		w.b = append(w.b, ' ')
	}
	if p.value == nil {
		w.b = append(w.b, "null"...)
		return
	}
	w.token(p.value)
}

// list writes a container. An empty constructor has its end on a line of its
// own; comments have no comma before them.
func (w *writer) list(open, end byte, c Container, constructor bool) {
	w.b = append(w.b, open)
	w.t.Enter()
	w.depth++
	written := false
	for i := range c.Len() {
		k := c.child(i)
		if v, ok := k.(*Value); written && !(ok && v.kind == KindComment) {
			w.b = append(w.b, ',')
		}
		w.indent()
		w.token(k)
		if v, ok := k.(*Value); !ok || v.kind != KindComment {
			written = true
		}
	}
	w.depth--
	w.t.Leave()
	if c.Len() > 0 || constructor {
		w.indent()
	}
	w.b = append(w.b, end)
}

func (w *writer) indent() {
	if !w.indented {
		return
	}
	w.b = append(w.b, '\n')
	for range w.depth {
		w.b = append(w.b, ' ', ' ')
	}
}

// stringPart is how much of a string is written before it is paid for: escapes
// make it up to six times as long.
const stringPart = 1 << 14

func (w *writer) string(s string) {
	w.b = append(w.b, '"')
	for len(s) > stringPart {
		end := stringPart
		for end > stringPart-4 && s[end]&0xC0 == 0x80 {
			end--
		}
		w.b = appendEscaped(w.b, s[:end], '"')
		w.charge()
		s = s[end:]
	}
	w.b = appendEscaped(w.b, s, '"')
	w.b = append(w.b, '"')
}

// value writes a JValue by its JTokenType.
func (w *writer) value(k *Value) {
	switch k.kind {
	case KindNull:
		w.b = append(w.b, "null"...)
		return
	case KindUndefined:
		w.b = append(w.b, "undefined"...)
		return
	case KindComment:
		w.b = append(w.b, "/*"...)
		w.b = append(w.b, w.t.Text(k.V)...)
		w.b = append(w.b, "*/"...)
		return
	case KindRaw:
		w.b = append(w.b, w.t.Text(k.V)...)
		return
	case KindString:
		if k.V.O == nil {
			w.b = append(w.b, "null"...)
			return
		}
		w.string(w.t.Text(k.V))
		return
	}
	w.simple(k.V)
}

// simple writes a value that is not null by its own type.
func (w *writer) simple(v clr.Value) {
	typ := v.Type()
	switch typ {
	case nil:
		w.b = append(w.b, "null"...)
	case clr.Int64, clr.Int32, clr.Int16, clr.SByte, clr.Byte, clr.UInt16, clr.UInt32:
		w.b = strconv.AppendInt(w.b, v.Int(), 10)
	case clr.UInt64:
		w.b = strconv.AppendUint(w.b, v.N, 10)
	case clr.Boolean:
		w.b = strconv.AppendBool(w.b, v.Bool())
	case clr.Double, clr.Single:
		w.float(v)
	case clr.Decimal:
		w.b = append(w.b, withPoint(w.t.Text(v))...)
	case clr.DateTime:
		w.b = append(w.b, '"')
		w.b = appendDate(w.b, w.t, v)
		w.b = append(w.b, '"')
	case clr.DateTimeOffset:
		w.b = append(w.b, '"')
		w.b = appendClock(w.b, clock.ClockTicks(v))
		w.b = appendZone(w.b, clock.OffsetMinutes(v))
		w.b = append(w.b, '"')
	case clr.String:
		w.string(v.S)
	case BigIntegerType:
		w.b = append(w.b, w.t.Text(v)...)
	default:
		w.other(v)
	}
}

func (w *writer) other(v clr.Value) {
	if v.Type().Kind == clr.Enum {
		w.b = strconv.AppendInt(w.b, v.Int(), 10)
		return
	}
	if raw, ok := bytesOf(v); ok {
		w.t.Allocate(2 * len(raw))
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, raw)
		w.b = append(w.b, '"')
		return
	}
	text := w.t.Text(v)
	if isURI(v) {
		text = uriText(w.t, v)
	}
	w.string(text) // Guid, TimeSpan
}

// float writes the shortest digits, with a point; what JSON cannot say is a
// string.
func (w *writer) float(v clr.Value) {
	f := v.Float()
	text := w.t.Text(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		switch {
		case f > 0:
			text = "Infinity"
		case f < 0:
			text = "-Infinity"
		}
		w.b = append(append(append(w.b, '"'), text...), '"')
		return
	}
	w.b = append(w.b, withPoint(text)...)
}

func withPoint(text string) string {
	if strings.ContainsAny(text, ".Ee") {
		return text
	}
	return text + ".0"
}

// appendDate writes a DateTime as ISO 8601 with what is known of its zone.
func appendDate(b []byte, t *clr.Thread, v clr.Value) []byte {
	b = appendClock(b, clock.Ticks(v))
	switch clock.Kind(v) {
	case clock.UTC:
		return append(b, 'Z')
	case clock.Local:
		return appendZone(b, zoneMinutes(t, clock.Ticks(v), false))
	}
	return b
}

// appendClock writes ticks as yyyy-MM-ddTHH:mm:ss.FFFFFFF.
func appendClock(b []byte, ticks int64) []byte {
	b = clock.TimeOf(ticks).UTC().AppendFormat(b, "2006-01-02T15:04:05")
	if fraction := ticks % clock.TicksPerSecond; fraction > 0 {
		text := strconv.FormatInt(fraction+clock.TicksPerSecond, 10)
		b = append(b, '.')
		b = append(b, strings.TrimRight(text[1:], "0")...)
	}
	return b
}

func appendZone(b []byte, minutes int) []byte {
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	b = append(b, sign, byte('0'+minutes/600), byte('0'+minutes/60%10), ':')
	return append(b, byte('0'+minutes%60/10), byte('0'+minutes%10))
}

const hexDigits = "0123456789abcdef"

// appendEscaped writes a string as it stands between quotes of that kind.
func appendEscaped(b []byte, s string, quote byte) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '\\' && c != quote {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			i++
			start = i
			continue
		}
		// U+0085, U+2028 and U+2029 end lines in JavaScript.
		escape, size := "", 1
		switch {
		case c == 0xC2 && strings.HasPrefix(s[i:], "\u0085"):
			escape, size = `\u0085`, 2
		case c == 0xE2 && strings.HasPrefix(s[i:], "\u2028"):
			escape, size = `\u2028`, 3
		case c == 0xE2 && strings.HasPrefix(s[i:], "\u2029"):
			escape, size = `\u2029`, 3
		}
		if escape != "" {
			b = append(b, s[start:i]...)
			b = append(b, escape...)
			start = i + size
		}
		i += size
	}
	return append(b, s[start:]...)
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '\t':
		return append(b, `\t`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\f':
		return append(b, `\f`...)
	case '\b':
		return append(b, `\b`...)
	case '\\', '"', '\'':
		return append(b, '\\', c)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
