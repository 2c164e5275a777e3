package xml

import (
	"math"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

// stringValue is a value as content: as XML Schema writes it.
func stringValue(t *clr.Thread, v clr.Value) string {
	switch typ := v.Type(); typ {
	case clr.String:
		return v.S
	case clr.Boolean:
		if v.Bool() {
			return "true"
		}
		return "false"
	case clr.Double:
		return floatText(v.Float(), number.DoubleText)
	case clr.Single:
		return floatText(v.Float(), func(f float64) string { return number.SingleText(float32(f)) })
	case clr.DateTime:
		return momentText(clock.Moment{Ticks: clock.Ticks(v), Kind: clock.Kind(v), Zone: t.Zone}, "yyyy-MM-ddTHH:mm:ss.FFFFFFFK")
	case clr.DateTimeOffset:
		m := clock.Moment{Ticks: clock.ClockTicks(v), Offset: clock.OffsetMinutes(v), HasOffset: true}
		if m.Offset == 0 {
			return momentText(m, "yyyy-MM-ddTHH:mm:ss.FFFFFFF") + "Z"
		}
		return momentText(m, "yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz")
	case clr.TimeSpan:
		return durationText(clock.SpanTicks(v))
	}
	switch v.O.(type) {
	case *Node, *Attr:
		t.ThrowArgument("An XObject cannot be used as a value.", "")
	}
	return t.Text(v)
}

func momentText(m clock.Moment, format string) string {
	s, _ := m.Format(format) // the formats are right
	return s
}

func floatText(f float64, text func(float64) string) string {
	switch {
	case math.IsInf(f, 1):
		return "INF"
	case math.IsInf(f, -1):
		return "-INF"
	case f == 0 && math.Signbit(f):
		return "-0"
	}
	return text(f)
}

const (
	ticksPerSecond = 10_000_000
	secondsPerDay  = 86_400
)

// durationText is a span as XML Schema's duration: P1DT2H3M4.5S.
func durationText(ticks int64) string {
	var b strings.Builder
	n := uint64(ticks)
	if ticks < 0 {
		b.WriteByte('-')
		n = -n
	}
	b.WriteByte('P')
	part := func(n uint64, unit byte) {
		if n > 0 {
			b.WriteString(strconv.FormatUint(n, 10))
			b.WriteByte(unit)
		}
	}
	seconds, fraction := n/ticksPerSecond, n%ticksPerSecond
	days := seconds / secondsPerDay
	seconds %= secondsPerDay
	part(days, 'D')
	if seconds == 0 && fraction == 0 {
		if days == 0 {
			b.WriteString("T0S")
		}
		return b.String()
	}
	b.WriteByte('T')
	part(seconds/3600, 'H')
	part(seconds/60%60, 'M')
	seconds %= 60
	if fraction == 0 {
		part(seconds, 'S')
		return b.String()
	}
	b.WriteString(strconv.FormatUint(seconds, 10))
	digits := strconv.FormatUint(fraction+ticksPerSecond, 10)[1:]
	b.WriteString("." + strings.TrimRight(digits, "0") + "S")
	return b.String()
}

// problem is why a text is no value: the exception that a conversion throws.
type problem struct {
	of      *clr.Type
	message string
}

func malformed(message string) *problem { return &problem{clr.FormatException, message} }

func beyond(name string) *problem {
	return &problem{clr.OverflowException, "Value was either too large or too small for " + name + "."}
}

const wrongFormat = "Input string was not in a correct format."

func trimXML(s string) string { return strings.Trim(s, " \t\r\n") }

// trimNumber takes away the white space that numbers may stand in.
func trimNumber(s string) string { return strings.Trim(s, " \t\r\n\v\f") }

// integers are the types of casts to integers: bits, sign, name in messages.
var integers = map[*clr.Type]struct {
	bits   int
	signed bool
	name   string
}{
	clr.Int32: {32, true, "an Int32"}, clr.Int64: {64, true, "an Int64"}, clr.UInt32: {32, false, "a UInt32"}, clr.UInt64: {64, false, "a UInt64"},
}

func parseInteger(of *clr.Type, s string) (clr.Value, *problem) {
	s = trimNumber(s)
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	negative := strings.HasPrefix(s, "-")
	if len(s)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return clr.Null, malformed(wrongFormat)
	}
	kind := integers[of]
	if !kind.signed && len(s) > len(digits) {
		return clr.Null, malformed(wrongFormat)
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	limit := uint64(1)<<(kind.bits-1) - 1
	switch {
	case !kind.signed:
		limit = 2*limit + 1
	case negative:
		limit++
	}
	if err != nil || n > limit {
		return clr.Null, beyond(kind.name)
	}
	if negative {
		n = -n
	}
	return clr.Value{N: n, O: of}, nil
}

func parseBool(_ *clr.Type, s string) (clr.Value, *problem) {
	s = trimXML(s)
	switch s = strings.ToLower(s); s {
	case "true", "1":
		return clr.Bool(true), nil
	case "false", "0":
		return clr.Bool(false), nil
	}
	return clr.Null, malformed("The string '" + s + "' is not a valid Boolean value.")
}

// isNumber reports a number as .NET reads it: digits with a sign, a point and,
// where asked, an exponent.
func isNumber(s string, exponent bool) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	digits := 0
	point := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !point:
			point = true
		case (c == 'e' || c == 'E') && exponent && digits > 0:
			rest := s[i+1:]
			if rest != "" && (rest[0] == '+' || rest[0] == '-') {
				rest = rest[1:]
			}
			return rest != "" && strings.Trim(rest, "0123456789") == ""
		default:
			return false
		}
	}
	return digits > 0
}

func parseFloat(of *clr.Type, s string) (clr.Value, *problem) {
	s = trimXML(s)
	switch s {
	case "INF":
		return float(of, math.Inf(1)), nil
	case "-INF":
		return float(of, math.Inf(-1)), nil
	}
	switch s = trimNumber(s); s {
	case "NaN":
		return float(of, math.NaN()), nil
	case "Infinity":
		return float(of, math.Inf(1)), nil
	case "-Infinity":
		return float(of, math.Inf(-1)), nil
	}
	if !isNumber(s, true) {
		return clr.Null, malformed(wrongFormat)
	}
	bits := 64
	if of == clr.Single {
		bits = 32
	}
	f, _ := strconv.ParseFloat(s, bits) // beyond the limits: infinity, as .NET since 3.0
	return float(of, f), nil
}

func float(of *clr.Type, f float64) clr.Value {
	if of == clr.Single {
		return clr.Single32(float32(f))
	}
	return clr.Float(f)
}

func parseDecimal(_ *clr.Type, s string) (clr.Value, *problem) {
	s = trimNumber(s)
	if !isNumber(s, false) {
		return clr.Null, malformed(wrongFormat)
	}
	d, err := number.ParseDecimal(strings.TrimLeft(s, "+-"))
	if err != nil {
		return clr.Null, beyond("a Decimal")
	}
	if s[0] == '-' {
		d = d.Neg()
	}
	return d.Value(), nil
}

func parseGuid(_ *clr.Type, s string) (clr.Value, *problem) {
	g, p := clock.ParseGuid(s)
	if p != nil {
		return clr.Null, &problem{p.Type, p.Message}
	}
	return clock.GuidOf(g), nil
}
