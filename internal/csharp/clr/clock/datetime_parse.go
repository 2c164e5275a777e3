package clock

import (
	"math"
	"time"
	"unicode/utf8"
)

// Reading is how a date is read.
type Reading struct {
	// Now is the local time, for what a text leaves out.
	Now func() int64
	// Zone is the local one, nil for UTC: a DateTime with an offset becomes a
	// local one.
	Zone *time.Location
	// Roundtrip keeps a time in UTC as it is: DateTimeStyles.RoundtripKind.
	Roundtrip bool
}

const (
	notADate       = "String was not recognized as a valid DateTime."
	wrongWeekday   = "String was not recognized as a valid DateTime because the day of week was incorrect."
	offsetTooLarge = "The time zone offset must be within plus or minus 14 hours."
	utcOutOfYears  = "The UTC representation of the date falls outside the year range 1-9999."
	dateOutOfYears = "The DateTime represented by the string is out of range."
)

// ParseDateTime is DateTime.Parse(s).
func (r Reading) ParseDateTime(s string) (ticks int64, kind int, p *Problem) {
	d := dateReader{s: s, rules: r}
	if p := d.read(); p != nil {
		return 0, 0, p
	}
	if !d.zoned {
		return d.ticks, Unspecified, nil
	}
	if d.offset < -maxOffset || d.offset > maxOffset {
		return 0, 0, badFormat(offsetTooLarge)
	}
	if r.Roundtrip && d.utc {
		return d.ticks, UTC, nil
	}
	return d.local()
}

// ParseOffset is DateTimeOffset.Parse(s): the moment in UTC and the offset.
func (r Reading) ParseOffset(s string) (utcTicks int64, minutes int, p *Problem) {
	d := dateReader{s: s, rules: r, withOffset: true}
	if p := d.read(); p != nil {
		return 0, 0, p
	}
	minutes = d.offset
	if !d.zoned {
		minutes = int(offsetAtClock(r.Zone, d.ticks) / TicksPerMinute)
	}
	utcTicks = d.ticks - int64(minutes)*TicksPerMinute
	switch {
	case utcTicks < 0 || utcTicks > MaxTicks:
		return 0, 0, badFormat(utcOutOfYears)
	case minutes < -maxOffset || minutes > maxOffset:
		return 0, 0, badFormat(offsetTooLarge)
	}
	return utcTicks, minutes, nil
}

// local is what the clock of the local zone shows.
func (d *dateReader) local() (int64, int, *Problem) {
	utc := d.ticks - int64(d.offset)*TicksPerMinute
	switch {
	case d.ticks < TicksPerDay:
		// A time of the day, not a date: it may go around.
		at := d.ticks
		if d.timeOnly {
			at = d.rules.Now()
		}
		if utc += offsetAtClock(d.rules.Zone, at); utc < 0 {
			utc += TicksPerDay
		}
	case utc < 0 || utc > MaxTicks:
		utc += offsetAtClock(d.rules.Zone, d.ticks)
	case d.rules.Zone != nil:
		utc += offsetAt(d.rules.Zone, utc)
	}
	if utc < 0 || utc > MaxTicks {
		return 0, 0, badFormat(dateOutOfYears)
	}
	return utc, Local, nil
}

const unset = -1

// dateReader reads one text.
type dateReader struct {
	s          string
	i          int
	rules      Reading
	withOffset bool

	// What was read.
	year, month, day     int
	hour, minute, second int
	fraction             float64
	haveDate, haveTime   bool
	yearGuessed          bool // this year, which the text does not say
	weekday              int
	half                 int // 'a', 'p' or unset
	zoned, utc           bool
	offset               int
	timeOnly             bool
	ticks                int64

	// What belongs to no form yet.
	numbers   [3]int
	count     int
	longYear  int
	monthName int
	// Of the last token: its number and unit.
	number int
	unit   byte
	// units are those that were given, a bit each.
	units int
}

func (d *dateReader) read() *Problem {
	d.year, d.month, d.day, d.hour, d.minute, d.second = unset, unset, unset, unset, unset, unset
	d.weekday, d.half, d.longYear, d.monthName = unset, unset, unset, unset
	at, found := begin, false
	for {
		t, p := d.token(at)
		if p != nil {
			return p
		}
		if t == noToken {
			continue
		}
		if t == numberT {
			if at == gotYN || at == gotYND {
				return d.iso()
			}
			return badFormat(notADate)
		}
		if d.unit != 0 && !d.useUnit() {
			return badFormat(notADate)
		}
		switch at = next[at][t]; {
		case at == wrong:
			return badFormat(notADate)
		case at.isForm():
			if !d.form(at) {
				return badFormat(notADate)
			}
			d.count, found, at = 0, true, begin
		}
		if t == atEnd || t == numberEnd || t == monthEnd {
			break
		}
	}
	if !found {
		return badFormat(notADate)
	}
	d.hour, d.minute, d.second = max(d.hour, 0), max(d.minute, 0), max(d.second, 0)
	if !d.useHalf() {
		return badFormat(notADate)
	}
	return d.finish()
}

// finish puts together what was read.
func (d *dateReader) finish() *Problem {
	d.timeOnly = d.year == unset && d.month == unset && d.day == unset
	if d.withOffset && d.zoned && !d.timeOnly && (d.year == unset || d.yearGuessed) {
		return badFormat("There must be at least a partial date with a year present in the input.")
	}
	d.defaults()
	if p := d.moment(d.hour, d.minute, d.second, d.fraction); p != nil {
		return p
	}
	if d.weekday != unset && d.weekday != dayOfWeek(d.ticks) {
		return badFormat(wrongWeekday)
	}
	return nil
}

// moment sets the ticks.
func (d *dateReader) moment(hour, minute, second int, fraction float64) *Problem {
	day, ok := dateTicks(d.year, d.month, d.day)
	clock, ok2 := timeTicks(hour, minute, second)
	if !ok || !ok2 {
		return badFormat("The DateTime represented by the string is not supported in calendar " + d.s + ".")
	}
	d.ticks = day + clock
	if fraction > 0 {
		d.ticks += int64(math.RoundToEven(fraction * TicksPerSecond))
	}
	if d.ticks > MaxTicks {
		return outOfRange("The added or subtracted value results in an un-representable DateTime.", "value")
	}
	return nil
}

// defaults fills in what a date leaves out: today, this year, the first.
func (d *dateReader) defaults() {
	if d.year == unset || d.month == unset || d.day == unset {
		if d.timeOnly {
			d.year, d.month, d.day, _ = date(d.now())
		}
		if d.year == unset {
			d.year = d.thisYear()
		}
		if d.month == unset {
			d.month = 1
		}
		if d.day == unset {
			d.day = 1
		}
	}
}

func (d *dateReader) thisYear() int {
	year, _, _, _ := date(d.now())
	return year
}

// now is what the clock shows where the text is from.
func (d *dateReader) now() int64 {
	ticks := d.rules.Now()
	if d.withOffset && d.zoned {
		ticks += int64(d.offset)*TicksPerMinute - offsetAtClock(d.rules.Zone, ticks)
	}
	return ticks
}

// fullYear puts the century before two digits.
func fullYear(year int) int {
	if year >= 100 {
		return year
	}
	if year > 29 {
		return 1900 + year
	}
	return 2000 + year
}

func (d *dateReader) useHalf() bool {
	switch d.half {
	case 'a':
		if d.hour > 12 {
			return false
		}
		if d.hour == 12 {
			d.hour = 0
		}
	case 'p':
		if d.hour > 23 {
			return false
		}
		if d.hour < 12 {
			d.hour += 12
		}
	}
	return true
}

// iso reads the time behind T, to the end.
func (d *dateReader) iso() *Problem {
	wrong := badFormat(notADate)
	d.space()
	hour, ok := d.twoDigits()
	if !ok || !d.skipTo(':') {
		return wrong
	}
	d.space()
	minute, ok := d.twoDigits()
	if !ok {
		return wrong
	}
	second, fraction := 0, 0.0
	if d.skipTo(':') {
		d.space()
		if second, ok = d.twoDigits(); !ok {
			return wrong
		}
		if d.peek() == '.' {
			d.i++
			if fraction, ok = d.decimals(); !ok {
				return wrong
			}
		}
	}
	d.space()
	switch c := d.peek(); {
	case c == '+' || c == '-':
		if d.offset, ok = d.zoneOffset(); !ok {
			return wrong
		}
		d.zoned = true
		// One character behind an offset is passed over, whatever it is.
		_, size := utf8.DecodeRuneInString(d.s[d.i:])
		d.i += size
	case c == 'Z' || c == 'z':
		d.i++
		d.zoned, d.utc = true, true
	}
	d.space()
	if d.i < len(d.s) && !d.punctuation() {
		return wrong
	}
	d.year, d.month, d.day = d.longYear, d.numbers[0], d.numbers[1]
	return d.moment(hour, minute, second, fraction)
}
