package clock

import (
	"fmt"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages of DateTimeOffset.
const (
	offsetNotLocal   = "The UTC Offset of the local dateTime parameter does not match the offset argument."
	offsetNotUTC     = "The UTC Offset for Utc DateTime instances must be 0."
	offsetSeconds    = "Offset must be specified in whole minutes."
	offsetOutOfRange = "Offset must be within plus or minus 14 hours."
	utcOutOfRange    = "The UTC time represented when the offset is applied must be between year 0 and 10,000."
	notAFileTime     = "Not a valid Win32 FileTime."
)

// fileTicks is 1601-01-01, where file times begin.
const fileTicks = 584388 * TicksPerDay

func dateTimeOffsets() map[string]clr.Func {
	return map[string]clr.Func{
		"new System.DateTimeOffset(DateTime)":                                    fromDateTime,
		"System.DateTimeOffset.implicit operator DateTimeOffset(DateTime)":       fromDateTime,
		"new System.DateTimeOffset(DateTime, TimeSpan)":                          newOffset,
		"new System.DateTimeOffset(long, TimeSpan)":                              newOffsetOfTicks,
		"new System.DateTimeOffset(int, int, int, int, int, int, TimeSpan)":      newOffsetOfParts(false),
		"new System.DateTimeOffset(int, int, int, int, int, int, int, TimeSpan)": newOffsetOfParts(true),

		"System.DateTimeOffset.Add(TimeSpan)":           func(c *clr.Call) clr.Value { return moveOffset(c, SpanTicks(c.Args[1]), "value") },
		"System.DateTimeOffset.Subtract(TimeSpan)":      func(c *clr.Call) clr.Value { return moveOffset(c, -SpanTicks(c.Args[1]), "value") },
		"System.DateTimeOffset.AddTicks(long)":          func(c *clr.Call) clr.Value { return moveOffset(c, c.Args[1].Int(), "value") },
		"System.DateTimeOffset.AddDays(double)":         moveUnits(TicksPerDay),
		"System.DateTimeOffset.AddHours(double)":        moveUnits(TicksPerHour),
		"System.DateTimeOffset.AddMinutes(double)":      moveUnits(TicksPerMinute),
		"System.DateTimeOffset.AddSeconds(double)":      moveUnits(TicksPerSecond),
		"System.DateTimeOffset.AddMilliseconds(double)": moveUnits(TicksPerMillisecond),
		"System.DateTimeOffset.AddMonths(int)": func(c *clr.Call) clr.Value {
			clock, p := addMonths(ClockTicks(c.Args[0]), c.Int(1))
			return withClock(c, clock, p)
		},
		"System.DateTimeOffset.AddYears(int)": func(c *clr.Call) clr.Value {
			clock, p := addYears(ClockTicks(c.Args[0]), c.Int(1))
			return withClock(c, clock, p)
		},
		"System.DateTimeOffset.Subtract(DateTimeOffset)": func(c *clr.Call) clr.Value {
			return TimeSpanOf(OffsetTicks(c.Args[0]) - OffsetTicks(c.Args[1]))
		},

		"System.DateTimeOffset.MinValue":  func(*clr.Call) clr.Value { return OffsetOf(0, 0) },
		"System.DateTimeOffset.MaxValue":  func(*clr.Call) clr.Value { return OffsetOf(MaxTicks, 0) },
		"System.DateTimeOffset.UnixEpoch": func(*clr.Call) clr.Value { return OffsetOf(UnixTicks, 0) },
		"System.DateTimeOffset.UtcNow":    func(c *clr.Call) clr.Value { return OffsetOf(TicksOf(c.Now()), 0) },
		"System.DateTimeOffset.Now":       func(c *clr.Call) clr.Value { return toLocal(c.Thread, TicksOf(c.Now())) },

		"System.DateTimeOffset.Ticks":    func(c *clr.Call) clr.Value { return clr.Long(ClockTicks(c.Args[0])) },
		"System.DateTimeOffset.UtcTicks": func(c *clr.Call) clr.Value { return clr.Long(OffsetTicks(c.Args[0])) },
		"System.DateTimeOffset.Offset": func(c *clr.Call) clr.Value {
			return TimeSpanOf(int64(OffsetMinutes(c.Args[0])) * TicksPerMinute)
		},
		"System.DateTimeOffset.DateTime": func(c *clr.Call) clr.Value { return DateTimeOf(ClockTicks(c.Args[0]), Unspecified) },
		"System.DateTimeOffset.UtcDateTime": func(c *clr.Call) clr.Value {
			return DateTimeOf(OffsetTicks(c.Args[0]), UTC)
		},
		"System.DateTimeOffset.LocalDateTime": func(c *clr.Call) clr.Value {
			utc := OffsetTicks(c.Args[0])
			return DateTimeOf(clampTicks(utc+localOffset(c.Thread, utc)), Local)
		},
		"System.DateTimeOffset.Date": func(c *clr.Call) clr.Value {
			n := ClockTicks(c.Args[0])
			return DateTimeOf(n-n%TicksPerDay, Unspecified)
		},
		"System.DateTimeOffset.TimeOfDay":   func(c *clr.Call) clr.Value { return TimeSpanOf(ClockTicks(c.Args[0]) % TicksPerDay) },
		"System.DateTimeOffset.Year":        part(ClockTicks, yearPart),
		"System.DateTimeOffset.Month":       part(ClockTicks, monthPart),
		"System.DateTimeOffset.Day":         part(ClockTicks, dayPart),
		"System.DateTimeOffset.DayOfYear":   part(ClockTicks, dayOfYearPart),
		"System.DateTimeOffset.Hour":        part(ClockTicks, hourPart),
		"System.DateTimeOffset.Minute":      part(ClockTicks, minutePart),
		"System.DateTimeOffset.Second":      part(ClockTicks, secondPart),
		"System.DateTimeOffset.Millisecond": part(ClockTicks, millisecondPart),
		"System.DateTimeOffset.DayOfWeek": func(c *clr.Call) clr.Value {
			return clr.Number(dayOfWeekType, int64(dayOfWeek(ClockTicks(c.Args[0]))))
		},

		"System.DateTimeOffset.FromFileTime(long)":             fromFileTime,
		"System.DateTimeOffset.FromUnixTimeSeconds(long)":      fromUnix(TicksPerSecond, "seconds"),
		"System.DateTimeOffset.FromUnixTimeMilliseconds(long)": fromUnix(TicksPerMillisecond, "milliseconds"),
		"System.DateTimeOffset.ToUnixTimeSeconds()":            toUnix(TicksPerSecond),
		"System.DateTimeOffset.ToUnixTimeMilliseconds()":       toUnix(TicksPerMillisecond),
		"System.DateTimeOffset.ToFileTime()": func(c *clr.Call) clr.Value {
			n := OffsetTicks(c.Args[0]) - fileTicks
			if n < 0 {
				c.ThrowRange("", notAFileTime)
			}
			return clr.Long(n)
		},
		"System.DateTimeOffset.ToLocalTime()":     func(c *clr.Call) clr.Value { return toLocal(c.Thread, OffsetTicks(c.Args[0])) },
		"System.DateTimeOffset.ToUniversalTime()": func(c *clr.Call) clr.Value { return OffsetOf(OffsetTicks(c.Args[0]), 0) },
		"System.DateTimeOffset.ToOffset(TimeSpan)": func(c *clr.Call) clr.Value {
			offset := SpanTicks(c.Args[1])
			clock, p := plusTicks(OffsetTicks(c.Args[0]), offset, "t")
			check(c, p)
			v, p := makeOffset(clock, offset)
			check(c, p)
			return v
		},
	}
}

// offsetRelations are what compares, reads and writes.
func offsetRelations() map[string]clr.Func {
	order := func(c *clr.Call) int { return compare(OffsetTicks(c.Args[0]), OffsetTicks(c.Args[1])) }
	is := func(f func(int) bool) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Bool(f(order(c))) }
	}
	equal := is(func(n int) bool { return n == 0 })
	sign := func(c *clr.Call) clr.Value { return clr.Int(int32(order(c))) }
	return map[string]clr.Func{
		"System.DateTimeOffset.Compare(DateTimeOffset, DateTimeOffset)": sign,
		"System.DateTimeOffset.CompareTo(DateTimeOffset)":               sign,
		"System.DateTimeOffset.Equals(DateTimeOffset)":                  equal,
		"System.DateTimeOffset.Equals(DateTimeOffset, DateTimeOffset)":  equal,
		"System.DateTimeOffset.Equals(object)":                          equalObject,
		"System.DateTimeOffset.GetHashCode()":                           hashValue,
		"System.DateTimeOffset.EqualsExact(DateTimeOffset)": func(c *clr.Call) clr.Value {
			return clr.Bool(c.Args[0] == c.Args[1])
		},
		"System.DateTimeOffset.operator ==(DateTimeOffset, DateTimeOffset)": equal,
		"System.DateTimeOffset.operator !=(DateTimeOffset, DateTimeOffset)": is(func(n int) bool { return n != 0 }),
		"System.DateTimeOffset.operator <(DateTimeOffset, DateTimeOffset)":  is(func(n int) bool { return n < 0 }),
		"System.DateTimeOffset.operator <=(DateTimeOffset, DateTimeOffset)": is(func(n int) bool { return n <= 0 }),
		"System.DateTimeOffset.operator >(DateTimeOffset, DateTimeOffset)":  is(func(n int) bool { return n > 0 }),
		"System.DateTimeOffset.operator >=(DateTimeOffset, DateTimeOffset)": is(func(n int) bool { return n >= 0 }),
		"System.DateTimeOffset.operator +(DateTimeOffset, TimeSpan)": func(c *clr.Call) clr.Value {
			return moveOffset(c, SpanTicks(c.Args[1]), "t")
		},
		"System.DateTimeOffset.operator -(DateTimeOffset, TimeSpan)": func(c *clr.Call) clr.Value {
			return moveOffset(c, -SpanTicks(c.Args[1]), "t")
		},
		"System.DateTimeOffset.operator -(DateTimeOffset, DateTimeOffset)": func(c *clr.Call) clr.Value {
			return TimeSpanOf(OffsetTicks(c.Args[0]) - OffsetTicks(c.Args[1]))
		},
		"System.DateTimeOffset.Parse(string)": func(c *clr.Call) clr.Value {
			s := c.Text(0, "input")
			c.Work(len(s))
			utc, minutes, p := reading(c.Thread).ParseOffset(s)
			check(c, p)
			return OffsetOf(utc, minutes)
		},
		"System.DateTimeOffset.TryParse(string, out DateTimeOffset)": func(c *clr.Call) clr.Value {
			s, ok := c.Str(0)
			result := OffsetOf(0, 0)
			if ok {
				c.Work(len(s))
				utc, minutes, p := reading(c.Thread).ParseOffset(s)
				if ok = p == nil; ok {
					result = OffsetOf(utc, minutes)
				}
			}
			c.Ref(1).Set(result)
			return clr.Bool(ok)
		},
		"System.DateTimeOffset.ToString()": func(c *clr.Call) clr.Value { return c.New(offsetText(c.Thread, c.Args[0], "")) },
		"System.DateTimeOffset.ToString(string)": func(c *clr.Call) clr.Value {
			return c.New(offsetText(c.Thread, c.Args[0], c.Args[1].S))
		},
	}
}

func offsetHooks() *clr.Hooks {
	return &clr.Hooks{
		Text:   func(t *clr.Thread, v clr.Value) string { return offsetText(t, v, "") },
		Format: offsetText,
		Equal: func(_ *clr.Thread, v, o clr.Value) bool {
			return o.Is(clr.DateTimeOffset) && OffsetTicks(v) == OffsetTicks(o)
		},
		Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return hashLong(OffsetTicks(v)) },
		Compare: func(_ *clr.Thread, v, o clr.Value) int { return compare(OffsetTicks(v), OffsetTicks(o)) },
	}
}

// offsetText is v.ToString(format).
func offsetText(t *clr.Thread, v clr.Value, format string) string {
	return momentText(t, Moment{Ticks: ClockTicks(v), Offset: OffsetMinutes(v), HasOffset: true, Zone: t.Zone}, format)
}

// offsetMinutes are those of an offset in ticks.
func offsetMinutes(offset int64) (int, *Problem) {
	switch {
	case offset%TicksPerMinute != 0:
		return 0, argument(offsetSeconds, "offset")
	case offset < -maxOffset*TicksPerMinute || offset > maxOffset*TicksPerMinute:
		return 0, outOfRange(offsetOutOfRange, "offset")
	}
	return int(offset / TicksPerMinute), nil
}

// makeOffset is the DateTimeOffset whose clock shows ticks.
func makeOffset(clock, offset int64) (clr.Value, *Problem) {
	minutes, p := offsetMinutes(offset)
	if p != nil {
		return clr.Null, p
	}
	utc := clock - offset
	if utc < 0 || utc > MaxTicks {
		return clr.Null, outOfRange(utcOutOfRange, "offset")
	}
	return OffsetOf(utc, minutes), nil
}

func fromDateTime(c *clr.Call) clr.Value {
	ticks, offset := Ticks(c.Args[0]), int64(0)
	if Kind(c.Args[0]) != UTC {
		offset, _ = localZone(c.Thread).atClock(ticks)
	}
	v, p := makeOffset(ticks, offset)
	check(c, p)
	return v
}

func newOffset(c *clr.Call) clr.Value {
	ticks, offset := Ticks(c.Args[0]), SpanTicks(c.Args[1])
	switch Kind(c.Args[0]) {
	case Local:
		if local, _ := localZone(c.Thread).atClock(ticks); local != offset {
			c.ThrowArgument(offsetNotLocal, "offset")
		}
	case UTC:
		if offset != 0 {
			c.ThrowArgument(offsetNotUTC, "offset")
		}
	}
	v, p := makeOffset(ticks, offset)
	check(c, p)
	return v
}

func newOffsetOfTicks(c *clr.Call) clr.Value {
	_, p := offsetMinutes(SpanTicks(c.Args[1]))
	check(c, p)
	v, p := makeOffset(Ticks(ticksToDate(c, Unspecified)), SpanTicks(c.Args[1]))
	check(c, p)
	return v
}

func newOffsetOfParts(milliseconds bool) clr.Func {
	return func(c *clr.Call) clr.Value {
		offset := SpanTicks(c.Args[len(c.Args)-1])
		_, p := offsetMinutes(offset)
		check(c, p)
		v, p := makeOffset(partsArg(c, 6, milliseconds), offset)
		check(c, p)
		return v
	}
}

// withClock is the receiver with another time on its clock.
func withClock(c *clr.Call, clock int64, p *Problem) clr.Value {
	check(c, p)
	v, p := makeOffset(clock, int64(OffsetMinutes(c.Args[0]))*TicksPerMinute)
	check(c, p)
	return v
}

func moveOffset(c *clr.Call, n int64, name string) clr.Value {
	clock, p := plusTicks(ClockTicks(c.Args[0]), n, name)
	return withClock(c, clock, p)
}

func moveUnits(unit int64) clr.Func {
	return func(c *clr.Call) clr.Value {
		clock, p := plusUnits(ClockTicks(c.Args[0]), c.Args[1].Float(), unit)
		return withClock(c, clock, p)
	}
}

// toLocal is a moment on the local clock.
func toLocal(t *clr.Thread, utc int64) clr.Value {
	offset := localOffset(t, utc) / TicksPerMinute * TicksPerMinute
	if clock := utc + offset; clock < 0 || clock > MaxTicks {
		return OffsetOf(utc, 0)
	}
	return OffsetOf(utc, int(offset/TicksPerMinute))
}

func fromFileTime(c *clr.Call) clr.Value {
	n := c.Args[0].Int()
	if n < 0 || n > MaxTicks-fileTicks {
		c.ThrowRange("fileTime", notAFileTime)
	}
	return toLocal(c.Thread, n+fileTicks)
}

func fromUnix(unit int64, name string) clr.Func {
	least, most := -UnixTicks/unit, (MaxTicks-UnixTicks)/unit
	return func(c *clr.Call) clr.Value {
		n := c.Args[0].Int()
		if n < least || n > most {
			c.ThrowRange(name, fmt.Sprintf("Valid values are between %d and %d, inclusive.", least, most))
		}
		return OffsetOf(UnixTicks+n*unit, 0)
	}
}

func toUnix(unit int64) clr.Func {
	return func(c *clr.Call) clr.Value { return clr.Long(OffsetTicks(c.Args[0])/unit - UnixTicks/unit) }
}
