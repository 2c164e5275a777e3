package xml

import (
	"math"
	"math/bits"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

// digitsAt reads n digits at the begin of s.
func digitsAt(s string, n int) (value int, rest string, ok bool) {
	if len(s) < n {
		return 0, s, false
	}
	for i := range n {
		if s[i] < '0' || s[i] > '9' {
			return 0, s, false
		}
		value = value*10 + int(s[i]-'0')
	}
	return value, s[n:], true
}

// schemaTime is a moment as XML Schema writes it.
type schemaTime struct {
	year, month, day     int
	hour, minute, second int
	fraction             int // in ticks
	zoned                bool
	offset               int // in minutes
	timeOnly             bool
}

// parseSchemaTime reads one of dateTime, date, time, gYearMonth, gYear,
// gMonthDay, gMonth and gDay.
func parseSchemaTime(s string) (m schemaTime, ok bool) {
	m = schemaTime{year: 1904, month: 1, day: 1}
	for _, form := range []string{"Y-M-DTt", "Y-M-D", "t", "Y-M", "Y", "--M-D", "---D", "--M--", "--M"} {
		try := m
		if rest, ok := try.form(form, s); ok {
			if try.zone(rest) {
				return try, try.valid()
			}
		}
	}
	return m, false
}

func (m *schemaTime) form(form, s string) (rest string, ok bool) {
	for i := 0; i < len(form); i++ {
		switch c := form[i]; c {
		case 'Y':
			m.year, s, ok = digitsAt(s, 4)
		case 'M':
			m.month, s, ok = digitsAt(s, 2)
		case 'D':
			m.day, s, ok = digitsAt(s, 2)
		case 't':
			m.timeOnly = form == "t"
			s, ok = m.clock(s)
		default:
			if ok = s != "" && s[0] == c; ok {
				s = s[1:]
			}
		}
		if !ok {
			return s, false
		}
	}
	return s, true
}

// clock reads hh:mm:ss.fffffff; digits beyond are rounded.
func (m *schemaTime) clock(s string) (rest string, ok bool) {
	for i, to := range []*int{&m.hour, &m.minute, &m.second} {
		if i > 0 {
			if s == "" || s[0] != ':' {
				return s, false
			}
			s = s[1:]
		}
		if *to, s, ok = digitsAt(s, 2); !ok {
			return s, false
		}
	}
	if s == "" || s[0] != '.' {
		return s, true
	}
	n := 0
	s = s[1:]
	for ; s != "" && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
		switch {
		case n < 7:
			m.fraction = m.fraction*10 + int(s[0]-'0')
		case n == 7 && s[0] >= '5':
			m.fraction++
		}
		n++
	}
	for i := n; i < 7; i++ {
		m.fraction *= 10
	}
	return s, n > 0
}

func (m *schemaTime) zone(s string) bool {
	switch {
	case s == "":
		return true
	case s == "Z", s == "z":
		m.zoned = true
		return true
	case s[0] != '+' && s[0] != '-':
		return false
	}
	h, rest, ok := digitsAt(s[1:], 2)
	if !ok || rest == "" || rest[0] != ':' {
		return false
	}
	min, rest, ok := digitsAt(rest[1:], 2)
	if !ok || rest != "" || min > 59 || h*60+min > 14*60 {
		return false
	}
	m.zoned, m.offset = true, h*60+min
	if s[0] == '-' {
		m.offset = -m.offset
	}
	return true
}

func (m *schemaTime) valid() bool {
	if m.year < 1 || m.month < 1 || m.month > 12 || m.day < 1 {
		return false
	}
	if m.day > time.Date(m.year, time.Month(m.month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return false
	}
	return m.hour < 24 && m.minute < 60 && m.second < 60
}

// parseOffset is XmlConvert.ToDateTimeOffset.
func parseOffset(t *clr.Thread, s string) (clr.Value, *problem) {
	m, ok := parseSchemaTime(trimXML(s))
	if !ok {
		return clr.Null, malformed("The string '" + s + "' is not a valid AllXsd value.")
	}
	if m.timeOnly {
		now := t.Now()
		if t.Zone != nil {
			now = now.In(t.Zone)
		}
		year, month, day := now.Date()
		m.year, m.month, m.day = year, int(month), day
	}
	at := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, m.fraction*100, time.UTC)
	ticks := clock.TicksOf(at)
	if !m.zoned && t.Zone != nil {
		_, seconds := at.In(t.Zone).Zone()
		m.offset = seconds / 60
	}
	utc := ticks - int64(m.offset)*60*ticksPerSecond
	if utc < 0 || utc > clock.MaxTicks {
		return clr.Null, &problem{clr.ArgumentOutOfRangeException, "The UTC time represented when the offset is applied must be between year 0 and 10,000.\nParameter name: offset"}
	}
	return clock.OffsetOf(utc, m.offset), nil
}

// parseDateTime is DateTime.Parse(s, invariant, RoundtripKind).
func parseDateTime(t *clr.Thread, s string) (clr.Value, *problem) {
	r := clock.Reading{Now: func() int64 { return clock.TicksOf(t.Now()) }, Zone: t.Zone, Roundtrip: true}
	ticks, kind, p := r.ParseDateTime(s)
	if p != nil {
		return clr.Null, &problem{p.Type, p.Message}
	}
	return clock.DateTimeOf(ticks, kind), nil
}

// durationUnits in the order in which they may stand; a year has 365 days and
// a month 30, as .NET counts.
var durationUnits = []struct {
	unit    byte
	time    bool
	seconds uint64
}{
	{'Y', false, 365 * secondsPerDay}, {'M', false, 30 * secondsPerDay}, {'D', false, secondsPerDay},
	{'H', true, 3600}, {'M', true, 60}, {'S', true, 1},
}

// parseDuration is XmlConvert.ToTimeSpan.
func parseDuration(_ *clr.Type, s string) (clr.Value, *problem) {
	bad := malformed("The string '" + s + "' is not a valid TimeSpan value.")
	far := &problem{clr.OverflowException, "The value '" + s + "' is either too large or too small for TimeSpan."}
	rest := trimXML(s)
	negative := rest != "" && rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	if rest == "" || rest[0] != 'P' {
		return clr.Null, bad
	}
	rest = rest[1:]
	var ticks uint64
	inTime, any, next := false, false, 0
	for rest != "" {
		if rest[0] == 'T' && !inTime {
			inTime, rest = true, rest[1:]
			if rest == "" {
				return clr.Null, bad
			}
			continue
		}
		n, after, ok := number32(rest)
		if !ok {
			return clr.Null, far
		}
		if len(after) == len(rest) || after == "" {
			return clr.Null, bad
		}
		fraction, hasFraction := uint64(0), after[0] == '.'
		if hasFraction {
			if fraction, after, ok = fractionTicks(after[1:]); !ok {
				return clr.Null, bad
			}
		}
		for next < len(durationUnits) && (durationUnits[next].unit != after[0] || durationUnits[next].time != inTime) {
			next++
		}
		if next == len(durationUnits) || hasFraction && durationUnits[next].unit != 'S' {
			return clr.Null, bad
		}
		hi, lo := bits.Mul64(n*durationUnits[next].seconds, ticksPerSecond)
		sum, carry := bits.Add64(ticks, lo, 0)
		if hi != 0 || carry != 0 {
			return clr.Null, far
		}
		ticks, rest, any = sum+fraction, after[1:], true
		next++
	}
	switch {
	case !any:
		return clr.Null, bad
	case ticks > math.MaxInt64+1, ticks > math.MaxInt64 && !negative:
		return clr.Null, far
	case negative:
		ticks = -ticks
	}
	return clock.TimeSpanOf(int64(ticks)), nil
}

// number32 reads digits; false: they do not fit in 31 bits.
func number32(s string) (n uint64, rest string, ok bool) {
	for s != "" && s[0] >= '0' && s[0] <= '9' {
		if n = n*10 + uint64(s[0]-'0'); n > math.MaxInt32 {
			return 0, s, false
		}
		s = s[1:]
	}
	return n, s, true
}

func fractionTicks(s string) (ticks uint64, rest string, ok bool) {
	n := 0
	for s != "" && s[0] >= '0' && s[0] <= '9' {
		if n < 7 {
			ticks = ticks*10 + uint64(s[0]-'0')
		}
		n++
		s = s[1:]
	}
	for i := n; i < 7; i++ {
		ticks *= 10
	}
	return ticks, s, n > 0 && s != ""
}
