package clock

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages of DateTime and DateTimeOffset.
const (
	notADay        = "Year, Month, and Day parameters describe an un-representable DateTime."
	notATime       = "Hour, Minute, and Second parameters describe an un-representable DateTime."
	notInSecond    = "Valid values are between 0 and 999, inclusive."
	ticksOutOfTime = "Ticks must be between DateTime.MinValue.Ticks and DateTime.MaxValue.Ticks."
	notAKind       = "Invalid DateTimeKind value."
	outOfTime      = "The added or subtracted value results in an un-representable DateTime."
	tooMuch        = "Value to add was out of range."
	tooManyMonths  = "Months value must be between +/-120000."
	tooManyYears   = "Years value must be between +/-10000."
	notAMonth      = "Month must be between one and twelve."
	notAYear       = "Year must be between 1 and 9999."
)

// dayOfWeekType is the enum that a date's day is of.
var dayOfWeekType = clr.Named("System", "DayOfWeek", 0)

func dateTimes() map[string]clr.Func {
	return map[string]clr.Func{
		"new System.DateTime(int, int, int)":                                   newDateTime(3, false, false),
		"new System.DateTime(int, int, int, int, int, int)":                    newDateTime(6, false, false),
		"new System.DateTime(int, int, int, int, int, int, DateTimeKind)":      newDateTime(6, false, true),
		"new System.DateTime(int, int, int, int, int, int, int)":               newDateTime(6, true, false),
		"new System.DateTime(int, int, int, int, int, int, int, DateTimeKind)": newDateTime(6, true, true),
		"new System.DateTime(long)":                                            func(c *clr.Call) clr.Value { return ticksToDate(c, Unspecified) },
		"new System.DateTime(long, DateTimeKind)": func(c *clr.Call) clr.Value {
			d := ticksToDate(c, Unspecified)
			return DateTimeOf(Ticks(d), kindArg(c, 1))
		},

		"System.DateTime.Add(TimeSpan)":           func(c *clr.Call) clr.Value { return addTicks(c, SpanTicks(c.Args[1]), "value") },
		"System.DateTime.AddTicks(long)":          func(c *clr.Call) clr.Value { return addTicks(c, c.Args[1].Int(), "value") },
		"System.DateTime.AddDays(double)":         addUnits(TicksPerDay),
		"System.DateTime.AddHours(double)":        addUnits(TicksPerHour),
		"System.DateTime.AddMinutes(double)":      addUnits(TicksPerMinute),
		"System.DateTime.AddSeconds(double)":      addUnits(TicksPerSecond),
		"System.DateTime.AddMilliseconds(double)": addUnits(TicksPerMillisecond),
		"System.DateTime.AddMonths(int)": func(c *clr.Call) clr.Value {
			ticks, p := addMonths(Ticks(c.Args[0]), c.Int(1))
			check(c, p)
			return DateTimeOf(ticks, Kind(c.Args[0]))
		},
		"System.DateTime.AddYears(int)": func(c *clr.Call) clr.Value {
			ticks, p := addYears(Ticks(c.Args[0]), c.Int(1))
			check(c, p)
			return DateTimeOf(ticks, Kind(c.Args[0]))
		},
		"System.DateTime.Subtract(DateTime)": dateDifference,
		"System.DateTime.Subtract(TimeSpan)": func(c *clr.Call) clr.Value { return subtractTicks(c, "value") },

		"System.DateTime.MinValue":  func(*clr.Call) clr.Value { return DateTimeOf(0, Unspecified) },
		"System.DateTime.MaxValue":  func(*clr.Call) clr.Value { return DateTimeOf(MaxTicks, Unspecified) },
		"System.DateTime.UtcNow":    func(c *clr.Call) clr.Value { return FromTime(c.Now()) },
		"System.DateTime.Now":       func(c *clr.Call) clr.Value { return DateTimeOf(localNow(c.Thread), Local) },
		"System.DateTime.Today":     func(c *clr.Call) clr.Value { n := localNow(c.Thread); return DateTimeOf(n-n%TicksPerDay, Local) },
		"System.DateTime.Ticks":     func(c *clr.Call) clr.Value { return clr.Long(Ticks(c.Args[0])) },
		"System.DateTime.TimeOfDay": func(c *clr.Call) clr.Value { return TimeSpanOf(Ticks(c.Args[0]) % TicksPerDay) },
		"System.DateTime.Date": func(c *clr.Call) clr.Value {
			n := Ticks(c.Args[0])
			return DateTimeOf(n-n%TicksPerDay, Kind(c.Args[0]))
		},
		"System.DateTime.Year":        part(Ticks, yearPart),
		"System.DateTime.Month":       part(Ticks, monthPart),
		"System.DateTime.Day":         part(Ticks, dayPart),
		"System.DateTime.DayOfYear":   part(Ticks, dayOfYearPart),
		"System.DateTime.Hour":        part(Ticks, hourPart),
		"System.DateTime.Minute":      part(Ticks, minutePart),
		"System.DateTime.Second":      part(Ticks, secondPart),
		"System.DateTime.Millisecond": part(Ticks, millisecondPart),
		"System.DateTime.DayOfWeek": func(c *clr.Call) clr.Value {
			return clr.Number(dayOfWeekType, int64(dayOfWeek(Ticks(c.Args[0]))))
		},
		"System.DateTime.IsDaylightSavingTime()": func(c *clr.Call) clr.Value {
			if Kind(c.Args[0]) == UTC {
				return clr.Bool(false)
			}
			_, dst := localZone(c.Thread).atClock(Ticks(c.Args[0]))
			return clr.Bool(dst)
		},
		"System.DateTime.DaysInMonth(int, int)": func(c *clr.Call) clr.Value {
			year, month := c.Int(0), c.Int(1)
			if month < 1 || month > 12 {
				c.ThrowRange("month", notAMonth)
			}
			checkYear(c, year)
			return clr.Int(int32(daysIn(year, month)))
		},
		"System.DateTime.IsLeapYear(int)": func(c *clr.Call) clr.Value {
			checkYear(c, c.Int(0))
			return clr.Bool(isLeap(c.Int(0)))
		},

		"System.DateTime.Parse(string)": func(c *clr.Call) clr.Value {
			s := c.Text(0, "s")
			c.Work(len(s))
			ticks, kind, p := reading(c.Thread).ParseDateTime(s)
			check(c, p)
			return DateTimeOf(ticks, kind)
		},
		"System.DateTime.ToString()": func(c *clr.Call) clr.Value { return c.New(dateText(c.Thread, c.Args[0], "")) },
		"System.DateTime.ToString(string)": func(c *clr.Call) clr.Value {
			return c.New(dateText(c.Thread, c.Args[0], c.Args[1].S))
		},

		"System.DateTime.operator +(DateTime, TimeSpan)":  func(c *clr.Call) clr.Value { return addTicks(c, SpanTicks(c.Args[1]), "t") },
		"System.DateTime.operator -(DateTime, TimeSpan)":  func(c *clr.Call) clr.Value { return subtractTicks(c, "t") },
		"System.DateTime.operator -(DateTime, DateTime)":  dateDifference,
		"System.DateTime.operator ==(DateTime, DateTime)": func(c *clr.Call) clr.Value { return clr.Bool(Ticks(c.Args[0]) == Ticks(c.Args[1])) },
		"System.DateTime.operator !=(DateTime, DateTime)": func(c *clr.Call) clr.Value { return clr.Bool(Ticks(c.Args[0]) != Ticks(c.Args[1])) },
		"System.DateTime.operator <(DateTime, DateTime)":  func(c *clr.Call) clr.Value { return clr.Bool(Ticks(c.Args[0]) < Ticks(c.Args[1])) },
		"System.DateTime.operator <=(DateTime, DateTime)": func(c *clr.Call) clr.Value { return clr.Bool(Ticks(c.Args[0]) <= Ticks(c.Args[1])) },
		"System.DateTime.operator >(DateTime, DateTime)":  func(c *clr.Call) clr.Value { return clr.Bool(Ticks(c.Args[0]) > Ticks(c.Args[1])) },
		"System.DateTime.operator >=(DateTime, DateTime)": func(c *clr.Call) clr.Value { return clr.Bool(Ticks(c.Args[0]) >= Ticks(c.Args[1])) },
	}
}

func dateTimeHooks() *clr.Hooks {
	return &clr.Hooks{
		Text:    func(t *clr.Thread, v clr.Value) string { return dateText(t, v, "") },
		Format:  dateText,
		Equal:   func(_ *clr.Thread, v, o clr.Value) bool { return o.Is(clr.DateTime) && Ticks(v) == Ticks(o) },
		Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return hashLong(Ticks(v)) },
		Compare: func(_ *clr.Thread, v, o clr.Value) int { return compare(Ticks(v), Ticks(o)) },
	}
}

// dateText is v.ToString(format).
func dateText(t *clr.Thread, v clr.Value, format string) string {
	return momentText(t, Moment{Ticks: Ticks(v), Kind: Kind(v), Zone: t.Zone}, format)
}

// widest is the most bytes that a character of a format may become: a day's
// name by ddd, and what the standard formats stand for.
const widest = 48

// momentText writes m; what a format makes of it is allocated first.
func momentText(t *clr.Thread, m Moment, format string) string {
	t.Work(len(format))
	t.Allocate(widest * len(format))
	s, p := m.Format(format)
	if p != nil {
		Throw(t, p)
	}
	return s
}

// newDateTime is the constructor of n numbers, with milliseconds and a kind
// behind them.
func newDateTime(n int, milliseconds, kind bool) clr.Func {
	return func(c *clr.Call) clr.Value {
		k := Unspecified
		if milliseconds {
			millisecondArg(c, n)
		}
		if kind {
			k = kindArg(c, len(c.Args)-1)
		}
		return DateTimeOf(partsArg(c, n, milliseconds), k)
	}
}

// partsArg are the ticks of n numbers: a date, or a date and a time, with
// milliseconds behind.
func partsArg(c *clr.Call, n int, milliseconds bool) int64 {
	var fraction int64
	if milliseconds {
		fraction = millisecondArg(c, n)
	}
	ticks, ok := dateTicks(c.Int(0), c.Int(1), c.Int(2))
	if !ok {
		c.ThrowRange("", notADay)
	}
	if n > 3 {
		time, ok := timeTicks(c.Int(3), c.Int(4), c.Int(5))
		if !ok {
			c.ThrowRange("", notATime)
		}
		ticks += time
	}
	return ticks + fraction
}

// millisecondArg is argument i in ticks. .NET looks at it before all others.
func millisecondArg(c *clr.Call, i int) int64 {
	ms := c.Int(i)
	if ms < 0 || ms > 999 {
		c.ThrowRange("millisecond", notInSecond)
	}
	return int64(ms) * TicksPerMillisecond
}

func kindArg(c *clr.Call, i int) int {
	k := c.Int(i)
	if k < Unspecified || k > Local {
		c.ThrowArgument(notAKind, "kind")
	}
	return k
}

func checkYear(c *clr.Call, year int) {
	if year < 1 || year > 9999 {
		c.ThrowRange("year", notAYear)
	}
}

// ticksToDate is the date at the ticks in the first argument.
func ticksToDate(c *clr.Call, kind int) clr.Value {
	ticks := c.Args[0].Int()
	if ticks < 0 || ticks > MaxTicks {
		c.ThrowRange("ticks", ticksOutOfTime)
	}
	return DateTimeOf(ticks, kind)
}

func dateDifference(c *clr.Call) clr.Value { return TimeSpanOf(Ticks(c.Args[0]) - Ticks(c.Args[1])) }

// addTicks adds to the first argument; name is how .NET calls what is added.
func addTicks(c *clr.Call, n int64, name string) clr.Value {
	ticks, p := plusTicks(Ticks(c.Args[0]), n, name)
	check(c, p)
	return DateTimeOf(ticks, Kind(c.Args[0]))
}

func subtractTicks(c *clr.Call, name string) clr.Value {
	ticks, p := minusTicks(Ticks(c.Args[0]), SpanTicks(c.Args[1]), name)
	check(c, p)
	return DateTimeOf(ticks, Kind(c.Args[0]))
}

// plusTicks and minusTicks move ticks that are a DateTime's, and so far from
// the limits of int64.
func plusTicks(ticks, n int64, name string) (int64, *Problem) {
	if n > MaxTicks-ticks || n < -ticks {
		return 0, outOfRange(outOfTime, name)
	}
	return ticks + n, nil
}

func minusTicks(ticks, n int64, name string) (int64, *Problem) {
	if n > ticks || n < ticks-MaxTicks {
		return 0, outOfRange(outOfTime, name)
	}
	return ticks - n, nil
}

func addUnits(unit int64) clr.Func {
	return func(c *clr.Call) clr.Value {
		ticks, p := plusUnits(Ticks(c.Args[0]), c.Args[1].Float(), unit)
		check(c, p)
		return DateTimeOf(ticks, Kind(c.Args[0]))
	}
}

// plusUnits adds units of so many ticks, rounded to milliseconds as .NET does.
func plusUnits(ticks int64, n float64, unit int64) (int64, *Problem) {
	const most = (MaxTicks + 1) / TicksPerMillisecond
	ms := n*float64(unit/TicksPerMillisecond) + 0.5
	if n < 0 {
		ms--
	}
	if ms = math.Trunc(ms); !(ms > -most && ms < most) {
		return 0, outOfRange(tooMuch, "value")
	}
	return plusTicks(ticks, int64(ms)*TicksPerMillisecond, "value")
}

func addYears(ticks int64, n int) (int64, *Problem) {
	if n < -10000 || n > 10000 {
		return 0, outOfRange(tooManyYears, "years")
	}
	return addMonths(ticks, n*12)
}

// addMonths goes to the same day, or the last of the month.
func addMonths(ticks int64, n int) (int64, *Problem) {
	if n < -120000 || n > 120000 {
		return 0, outOfRange(tooManyMonths, "months")
	}
	year, month, day, _ := date(ticks)
	months := year*12 + month - 1 + n
	year, month = months/12, months%12+1
	if months < 12 || year > 9999 {
		return 0, outOfRange(outOfTime, "months")
	}
	return int64(daysUntil(year, month, min(day, daysIn(year, month))))*TicksPerDay + ticks%TicksPerDay, nil
}

// localNow is what the local clock shows.
func localNow(t *clr.Thread) int64 {
	utc := TicksOf(t.Now())
	return clampTicks(utc + localOffset(t, utc))
}

// localOffset is the offset of the local zone at a moment.
func localOffset(t *clr.Thread, utc int64) int64 {
	if t.Zone == nil {
		return 0
	}
	return offsetAt(t.Zone, utc)
}

func reading(t *clr.Thread) Reading {
	return Reading{Now: func() int64 { return localNow(t) }, Zone: t.Zone}
}
