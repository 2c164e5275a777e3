package json

import (
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

// readDate is a string that is taken for a DateTime: ISO 8601 with seconds, or
// Microsoft's "/Date(ticks)/". A moment with an offset becomes local time.
func readDate(t *clr.Thread, text string) (clr.Value, bool) {
	if strings.HasPrefix(text, "/Date(") && strings.HasSuffix(text, ")/") && len(text) >= 9 {
		return readMicrosoftDate(t, text)
	}
	if len(text) < 19 || len(text) > 40 || text[10] != 'T' {
		return clr.Null, false
	}
	d, ok := parseISO(text)
	if !ok {
		return clr.Null, false
	}
	switch {
	case d.utc:
		return clock.DateTimeOf(d.ticks, clock.UTC), true
	case d.zone:
		return localTime(t, d.ticks-int64(d.minutes)*clock.TicksPerMinute), true
	}
	return clock.DateTimeOf(d.ticks, clock.Unspecified), true
}

// readOffset is a string that is taken for a DateTimeOffset.
func readOffset(t *clr.Thread, text string) (clr.Value, bool) {
	if len(text) < 19 || len(text) > 40 || text[10] != 'T' {
		return clr.Null, false
	}
	d, ok := parseISO(text)
	if !ok {
		return clr.Null, false
	}
	minutes := d.minutes
	if !d.utc && !d.zone {
		minutes = zoneMinutes(t, d.ticks, false)
	}
	utc := d.ticks - int64(minutes)*clock.TicksPerMinute
	if utc < 0 || utc > clock.MaxTicks || minutes > 14*60 || minutes < -14*60 {
		return clr.Null, false
	}
	return clock.OffsetOf(utc, minutes), true
}

// localTime is the moment, in ticks of UTC, as a local DateTime; what is out of
// range becomes the first or last one.
func localTime(t *clr.Thread, utc int64) clr.Value {
	local := utc + int64(zoneMinutes(t, utc, true))*clock.TicksPerMinute
	return clock.DateTimeOf(max(0, min(local, clock.MaxTicks)), clock.Local)
}

// zoneMinutes is the offset of the thread's zone at ticks, which are of UTC or
// of the zone's clock.
func zoneMinutes(t *clr.Thread, ticks int64, utc bool) int {
	if t.Zone == nil || t.Zone == time.UTC {
		return 0
	}
	at := clock.TimeOf(max(0, min(ticks, clock.MaxTicks)))
	if utc {
		_, seconds := at.In(t.Zone).Zone()
		return seconds / 60
	}
	at = at.UTC()
	_, seconds := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), t.Zone).Zone()
	return seconds / 60
}

// isoDate is the parts of an ISO 8601 text.
type isoDate struct {
	ticks     int64 // of the clock
	utc, zone bool
	minutes   int // of the zone, east of UTC
}

// parseISO reads yyyy-MM-ddTHH:mm:ss[.fffffff][Z|+hh[[:]mm]].
func parseISO(s string) (d isoDate, ok bool) {
	n := func(from, to int) int {
		v := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return -1
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	if s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return d, false
	}
	year, month, day, hour, minute, second := n(0, 4), n(5, 7), n(8, 10), n(11, 13), n(14, 16), n(17, 19)
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour < 0 || hour > 24 ||
		minute < 0 || minute > 59 || second < 0 || second > 59 || hour == 24 && (minute > 0 || second > 0) {
		return d, false
	}
	rest, fraction := s[19:], int64(0)
	if rest != "" && rest[0] == '.' {
		if fraction, rest = isoFraction(rest[1:]); fraction < 0 || hour == 24 && fraction != 0 {
			return d, false
		}
	}
	days := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()/86400 + clock.UnixTicks/clock.TicksPerDay
	d.ticks = days*clock.TicksPerDay + int64(hour*3600+minute*60+second)*clock.TicksPerSecond + fraction
	if d.ticks > clock.MaxTicks {
		return d, false
	}
	return d, d.parseZone(rest)
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// isoFraction reads up to seven digits as ticks; -1: there is none.
func isoFraction(s string) (ticks int64, rest string) {
	i := 0
	for ; i < len(s) && i < 7 && s[i] >= '0' && s[i] <= '9'; i++ {
		ticks = ticks*10 + int64(s[i]-'0')
	}
	if i == 0 {
		return -1, s
	}
	for j := i; j < 7; j++ {
		ticks *= 10
	}
	return ticks, s[i:]
}

func (d *isoDate) parseZone(s string) bool {
	if s == "" {
		return true
	}
	if s == "Z" || s == "z" {
		d.utc = true
		return true
	}
	hours, rest, ok := twoDigits(s[1:])
	if !ok || s[0] != '+' && s[0] != '-' {
		return false
	}
	minutes := 0
	if rest != "" {
		if rest[0] == ':' {
			rest = rest[1:]
		}
		if minutes, rest, ok = twoDigits(rest); !ok || rest != "" {
			return false
		}
	}
	d.zone, d.minutes = true, hours*60+minutes
	if s[0] == '-' {
		d.minutes = -d.minutes
	}
	return true
}

func twoDigits(s string) (n int, rest string, ok bool) {
	if len(s) < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, s, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), s[2:], true
}

// readMicrosoftDate reads /Date(milliseconds[+hhmm])/.
func readMicrosoftDate(t *clr.Thread, text string) (clr.Value, bool) {
	inner := text[6 : len(text)-2]
	kind := clock.UTC
	if i := strings.IndexAny(inner[1:], "+-"); i >= 0 {
		_, rest, ok := twoDigits(inner[i+2:])
		if ok && rest != "" {
			_, rest, ok = twoDigits(rest)
		}
		if !ok || rest != "" {
			return clr.Null, false
		}
		inner, kind = inner[:i+1], clock.Local
	}
	ms, err := strconv.ParseInt(inner, 10, 64)
	if err != nil || ms > (clock.MaxTicks-clock.UnixTicks)/clock.TicksPerMillisecond || ms < -clock.UnixTicks/clock.TicksPerMillisecond {
		return clr.Null, false
	}
	ticks := ms*clock.TicksPerMillisecond + clock.UnixTicks
	if kind == clock.Local {
		return localTime(t, ticks), true
	}
	return clock.DateTimeOf(ticks, kind), true
}
