package clock

import (
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The text of a zone, as TimeZoneInfo.ToSerializedString() writes it:
//
//	Id;base;DisplayName;StandardName;DaylightName;RULES;
//	RULE: [MM:dd:yyyy;MM:dd:yyyy;delta;TRANSITION TRANSITION]
//	TRANSITION: [1;HH:mm:ss;month;day;]; or [0;HH:mm:ss;month;week;dayOfWeek;];
//
// Offsets are in minutes; a backslash stands before \ ; [ ] in names. A rule
// may end with a shift of the base and a flag, and with what later versions
// may add.

const corrupt = "An error occurred while deserializing the object.  The serialized data is corrupt."

func zoneTexts() map[string]clr.Func {
	return map[string]clr.Func{
		"System.TimeZoneInfo.GetAdjustmentRules()": listedArray,
		"System.TimeZoneInfo.ToSerializedString()": func(c *clr.Call) clr.Value {
			z := zoneArg(c, 0)
			c.Work(16 * mostSpells)
			c.Allocate(2*(len(z.id)+len(z.display)+len(z.standard)+len(z.daylight)) + 128*len(z.rules))
			return c.New(z.text())
		},
		"System.TimeZoneInfo.FromSerializedString(string)": func(c *clr.Call) clr.Value {
			s := c.Text(0, "source")
			if s == "" {
				c.ThrowArgument("The specified serialized string '' is not supported.", "source")
			}
			c.Work(len(s))
			c.Allocate(2*len(s) + 128*strings.Count(s, "["))
			z, p := readZone(s)
			check(c, p)
			return clr.Obj(z)
		},
	}
}

var zoneEscapes = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `[`, `\[`, `]`, `\]`)

// text is z.ToSerializedString().
func (z *zone) text() string {
	var b strings.Builder
	b.WriteString(zoneEscapes.Replace(z.id) + ";" + minutesText(z.base) + ";")
	for _, name := range [...]string{z.display, z.standard, z.daylight} {
		b.WriteString(zoneEscapes.Replace(name) + ";")
	}
	for _, r := range z.listed() {
		b.WriteString("[" + dayText(r.start) + ";" + dayText(r.end) + ";" + minutesText(r.delta) + ";")
		b.WriteString(r.from.text() + r.to.text() + "]")
	}
	b.WriteByte(';')
	return b.String()
}

func minutesText(offset int64) string { return strconv.FormatInt(offset/TicksPerMinute, 10) }

func dayText(ticks int64) string {
	s, _ := Moment{Ticks: ticks}.Format("MM:dd:yyyy")
	return s
}

func (t *transition) text() string {
	time, _ := Moment{Ticks: t.timeOfDay}.Format("HH:mm:ss.FFF")
	parts := []int{t.month, t.day}
	s := "[1;"
	if !t.fixed {
		s, parts = "[0;", []int{t.month, t.week, t.dayOfWeek}
	}
	s += time + ";"
	for _, n := range parts {
		s += strconv.Itoa(n) + ";"
	}
	return s + "];"
}

// zoneReader reads the text of a zone. A field that cannot be read sets p, and
// reading goes on with zeros to its end.
type zoneReader struct {
	s string
	p *Problem
}

func (r *zoneReader) fail(message string) {
	if r.p == nil {
		r.p = &Problem{Type: clr.SerializationException, Message: message}
	}
	r.s = ""
}

// readZone is TimeZoneInfo.FromSerializedString(s).
func readZone(s string) (*zone, *Problem) {
	r := &zoneReader{s: s}
	z := &zone{}
	z.id = r.name()
	z.base = int64(r.number()) * TicksPerMinute
	z.display, z.standard, z.daylight = r.name(), r.name(), r.name()
	for r.p == nil && strings.HasPrefix(r.s, "[") {
		z.rules = append(z.rules, r.rule())
	}
	if !strings.HasPrefix(r.s, ";") {
		r.fail(corrupt)
	}
	if r.p == nil && z.wrong() != nil {
		r.fail(corrupt)
	}
	z.saves = len(z.rules) > 0
	return z, r.p
}

// take takes the character c.
func (r *zoneReader) take(c byte) {
	if r.s == "" || r.s[0] != c {
		r.fail(corrupt)
		return
	}
	r.s = r.s[1:]
}

// name reads up to the next semicolon.
func (r *zoneReader) name() string {
	var b []byte
	for i := 0; i < len(r.s); i++ {
		switch c := r.s[i]; c {
		case ';':
			r.s = r.s[i+1:]
			return string(b)
		case '[', ']', 0:
			r.fail(corrupt)
		case '\\':
			if i++; i >= len(r.s) {
				r.fail(corrupt)
			} else if !strings.ContainsRune(`\;[]`, rune(r.s[i])) {
				r.fail(`The serialized data contained an invalid escape sequence '\\` + firstChar(r.s[i:]) + `'.`)
			} else {
				b = append(b, r.s[i])
			}
		default:
			b = append(b, c)
		}
	}
	r.fail(corrupt)
	return ""
}

func firstChar(s string) string {
	_, size := clr.Decode(s)
	return s[:size]
}

func (r *zoneReader) number() int {
	s := r.name()
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		r.fail(corrupt)
	}
	return int(n)
}

// numbers reads text as numbers of so many digits with colons between them.
func (r *zoneReader) numbers(s string, digits ...int) []int {
	out := make([]int, len(digits))
	for i, n := range digits {
		if i > 0 {
			if !strings.HasPrefix(s, ":") {
				r.fail(corrupt)
				return out
			}
			s = s[1:]
		}
		if len(s) < n {
			r.fail(corrupt)
			return out
		}
		for _, c := range []byte(s[:n]) {
			if !isDigit(c) {
				r.fail(corrupt)
			}
			out[i] = out[i]*10 + int(c-'0')
		}
		s = s[n:]
	}
	if s != "" {
		r.fail(corrupt)
	}
	return out
}

func (r *zoneReader) day() int64 {
	n := r.numbers(r.name(), 2, 2, 4)
	ticks, ok := dateTicks(n[2], n[0], n[1])
	if !ok {
		r.fail(corrupt)
	}
	return ticks
}

func (r *zoneReader) rule() *rule {
	r.take('[')
	out := &rule{start: r.day(), end: r.day(), delta: int64(r.number()) * TicksPerMinute}
	out.from, out.to = r.transition(), r.transition()
	if r.s != "" && (isDigit(r.s[0]) || r.s[0] == '-' || r.s[0] == '+') {
		out.shift = int64(r.number()) * TicksPerMinute
	}
	if r.s != "" && isDigit(r.s[0]) {
		r.number()
	}
	r.skip()
	if r.p == nil && (out.wrong() != nil || outOfDay(out.delta)) {
		r.fail(corrupt)
	}
	return out
}

func (r *zoneReader) transition() (t transition) {
	r.take('[')
	fixed := r.number()
	t.fixed = fixed == 1
	time, fraction, _ := strings.Cut(r.name(), ".")
	n := r.numbers(time, 2, 2, 2)
	ticks, ok := timeTicks(n[0], n[1], n[2])
	if !ok || fixed != 0 && fixed != 1 || len(fraction) > 3 {
		r.fail(corrupt)
	}
	unit := int64(TicksPerSecond)
	for _, c := range []byte(fraction) {
		if !isDigit(c) {
			r.fail(corrupt)
		}
		unit /= 10
		ticks += int64(c-'0') * unit
	}
	t.timeOfDay, t.month, t.week, t.day = ticks, r.number(), 1, 1
	if t.fixed {
		t.day = r.number()
	} else {
		t.week, t.dayOfWeek = r.number(), r.number()
	}
	r.skip()
	r.take(';')
	if r.p == nil && t.wrong() != nil {
		r.fail(corrupt)
	}
	return t
}

// skip skips to the bracket that ends a part.
func (r *zoneReader) skip() {
	depth := 0
	for i := 0; i < len(r.s); i++ {
		switch r.s[i] {
		case '\\':
			i++
		case '[':
			depth++
		case ']':
			if depth == 0 {
				r.s = r.s[i+1:]
				return
			}
			depth--
		}
	}
	r.fail(corrupt)
}
