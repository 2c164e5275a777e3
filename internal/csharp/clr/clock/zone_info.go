package clock

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages of TimeZoneInfo.
const (
	wrongKind    = "The conversion could not be completed because the supplied DateTime did not have the Kind property set correctly.  For example, when the Kind property is DateTimeKind.Local, the source time zone must be TimeZoneInfo.Local."
	invalidTime  = "The supplied DateTime represents an invalid time.  For example, when the clock is adjusted forward, any time in the period that is skipped is invalid."
	notAmbiguous = "is not in an ambiguous time range."
)

func zoneInfos() map[string]clr.Func {
	text := func(of func(*zone) string) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Str(of(zoneArg(c, 0))) }
	}
	return map[string]clr.Func{
		"System.TimeZoneInfo.Utc":   func(*clr.Call) clr.Value { return clr.Obj(utcZone) },
		"System.TimeZoneInfo.Local": func(c *clr.Call) clr.Value { return clr.Obj(localZone(c.Thread)) },
		"System.TimeZoneInfo.FindSystemTimeZoneById(string)": func(c *clr.Call) clr.Value {
			return clr.Obj(findZone(c.Thread, c.Text(0, "id")))
		},
		"System.TimeZoneInfo.ClearCachedData()": func(*clr.Call) clr.Value { return clr.Null },

		"System.TimeZoneInfo.Id":           text(func(z *zone) string { return z.id }),
		"System.TimeZoneInfo.DisplayName":  text(func(z *zone) string { return z.display }),
		"System.TimeZoneInfo.StandardName": text(func(z *zone) string { return z.standard }),
		"System.TimeZoneInfo.DaylightName": text(func(z *zone) string { return z.daylight }),
		"System.TimeZoneInfo.ToString()":   text(func(z *zone) string { return z.display }),
		"System.TimeZoneInfo.BaseUtcOffset": func(c *clr.Call) clr.Value {
			return TimeSpanOf(zoneArg(c, 0).base)
		},
		"System.TimeZoneInfo.SupportsDaylightSavingTime": func(c *clr.Call) clr.Value {
			return clr.Bool(zoneArg(c, 0).saves)
		},

		"System.TimeZoneInfo.GetUtcOffset(DateTime)": func(c *clr.Call) clr.Value {
			return TimeSpanOf(zoneArg(c, 0).ofDate(c.Thread, c.Args[1]))
		},
		"System.TimeZoneInfo.GetUtcOffset(DateTimeOffset)": func(c *clr.Call) clr.Value {
			offset, _ := zoneArg(c, 0).atMoment(OffsetTicks(c.Args[1]))
			return TimeSpanOf(offset)
		},
		"System.TimeZoneInfo.IsDaylightSavingTime(DateTime)": func(c *clr.Call) clr.Value {
			z := zoneArg(c, 0)
			if Kind(c.Args[1]) == UTC {
				_, dst := z.atMoment(Ticks(c.Args[1]))
				return clr.Bool(dst && z.saves)
			}
			// A local time is first put on the zone's clock, where it may be
			// ambiguous.
			_, dst := z.atClock(z.clockOfDate(c.Thread, c.Args[1]))
			return clr.Bool(dst && z.saves)
		},
		"System.TimeZoneInfo.IsDaylightSavingTime(DateTimeOffset)": func(c *clr.Call) clr.Value {
			_, dst := zoneArg(c, 0).atMoment(OffsetTicks(c.Args[1]))
			return clr.Bool(dst)
		},
		"System.TimeZoneInfo.IsInvalidTime(DateTime)": func(c *clr.Call) clr.Value {
			z, kind := zoneArg(c, 0), Kind(c.Args[1])
			ofClock := kind == Unspecified || kind == Local && z.kind == Local
			return clr.Bool(ofClock && z.leavesOut(Ticks(c.Args[1])))
		},
		"System.TimeZoneInfo.IsAmbiguousTime(DateTime)": func(c *clr.Call) clr.Value {
			z := zoneArg(c, 0)
			_, _, ok := z.offsets(z.clockOfDate(c.Thread, c.Args[1]))
			return clr.Bool(ok && z.saves)
		},
		"System.TimeZoneInfo.IsAmbiguousTime(DateTimeOffset)": func(c *clr.Call) clr.Value {
			z := zoneArg(c, 0)
			_, _, ok := z.offsets(convert(OffsetTicks(c.Args[1]), 0, z))
			return clr.Bool(ok && z.saves)
		},
		"System.TimeZoneInfo.GetAmbiguousTimeOffsets(DateTime)": func(c *clr.Call) clr.Value {
			z := zoneArg(c, 0)
			return ambiguousOffsets(c, z.clockOfDate(c.Thread, c.Args[1]), "DateTime", "dateTime")
		},
		"System.TimeZoneInfo.GetAmbiguousTimeOffsets(DateTimeOffset)": func(c *clr.Call) clr.Value {
			return ambiguousOffsets(c, convert(OffsetTicks(c.Args[1]), 0, zoneArg(c, 0)), "DateTimeOffset", "dateTimeOffset")
		},

		"System.TimeZoneInfo.HasSameRules(TimeZoneInfo)": func(c *clr.Call) clr.Value {
			return clr.Bool(zoneArg(c, 0).sameRules(c.NotNull(1, "other").(*zone)))
		},
		"System.TimeZoneInfo.Equals(TimeZoneInfo)": equalObject,
		"System.TimeZoneInfo.Equals(object)":       equalObject,
		"System.TimeZoneInfo.GetHashCode()":        hashValue,
	}
}

func zoneHooks() *clr.Hooks {
	return &clr.Hooks{
		Text: func(_ *clr.Thread, v clr.Value) string { return v.O.(*zone).display },
		Equal: func(_ *clr.Thread, v, o clr.Value) bool {
			a := v.O.(*zone)
			b, ok := o.O.(*zone)
			return ok && (a == b || strings.EqualFold(a.id, b.id) && a.sameRules(b))
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 {
			return t.Hash(clr.Str(strings.ToUpper(v.O.(*zone).id)))
		},
	}
}

// zoneConversions are what converts between zones.
func zoneConversions() map[string]clr.Func {
	find := func(c *clr.Call, i int) *zone { return findZone(c.Thread, c.Text(i, "id")) }
	return map[string]clr.Func{
		"System.TimeZoneInfo.ConvertTime(DateTime, TimeZoneInfo)": func(c *clr.Call) clr.Value {
			to := c.NotNull(1, "destinationTimeZone").(*zone)
			return convertDate(c, c.Args[0], zoneOfKind(c.Thread, Kind(c.Args[0])), to)
		},
		"System.TimeZoneInfo.ConvertTime(DateTime, TimeZoneInfo, TimeZoneInfo)": func(c *clr.Call) clr.Value {
			from := c.NotNull(1, "sourceTimeZone").(*zone)
			return convertDate(c, c.Args[0], from, c.NotNull(2, "destinationTimeZone").(*zone))
		},
		"System.TimeZoneInfo.ConvertTime(DateTimeOffset, TimeZoneInfo)": func(c *clr.Call) clr.Value {
			return convertOffset(c, c.NotNull(1, "destinationTimeZone").(*zone))
		},
		"System.TimeZoneInfo.ConvertTimeFromUtc(DateTime, TimeZoneInfo)": func(c *clr.Call) clr.Value {
			return convertDate(c, c.Args[0], utcZone, c.NotNull(1, "destinationTimeZone").(*zone))
		},
		"System.TimeZoneInfo.ConvertTimeToUtc(DateTime)": func(c *clr.Call) clr.Value {
			return convertDate(c, c.Args[0], zoneOfKind(c.Thread, Kind(c.Args[0])), utcZone)
		},
		"System.TimeZoneInfo.ConvertTimeToUtc(DateTime, TimeZoneInfo)": func(c *clr.Call) clr.Value {
			return convertDate(c, c.Args[0], c.NotNull(1, "sourceTimeZone").(*zone), utcZone)
		},
		"System.TimeZoneInfo.ConvertTimeBySystemTimeZoneId(DateTime, string)": func(c *clr.Call) clr.Value {
			return convertDate(c, c.Args[0], zoneOfKind(c.Thread, Kind(c.Args[0])), find(c, 1))
		},
		"System.TimeZoneInfo.ConvertTimeBySystemTimeZoneId(DateTime, string, string)": func(c *clr.Call) clr.Value {
			from, kind := (*zone)(nil), Kind(c.Args[0])
			if kind != Unspecified {
				// The zone of the time's kind is also known by its name.
				if own := zoneOfKind(c.Thread, kind); strings.EqualFold(own.id, c.Args[1].S) {
					from = own
				}
			}
			if from == nil {
				from = find(c, 1)
			}
			return convertDate(c, c.Args[0], from, find(c, 2))
		},
		"System.TimeZoneInfo.ConvertTimeBySystemTimeZoneId(DateTimeOffset, string)": func(c *clr.Call) clr.Value {
			return convertOffset(c, find(c, 1))
		},
	}
}

func zoneArg(c *clr.Call, i int) *zone { return c.Args[i].O.(*zone) }

// zoneOfKind is the zone whose clock shows times of a kind.
func zoneOfKind(t *clr.Thread, kind int) *zone {
	if kind == UTC {
		return utcZone
	}
	return localZone(t)
}

// ofDate is the offset at a DateTime, whose kind says which clock shows it.
func (z *zone) ofDate(t *clr.Thread, v clr.Value) (offset int64) {
	ticks := Ticks(v)
	switch kind := Kind(v); {
	case kind == UTC:
		offset, _ = z.atMoment(ticks)
	case kind == Local && z.kind != Local:
		local, _ := localZone(t).atClock(ticks)
		offset, _ = z.atMoment(clampTicks(ticks - local))
	default:
		offset, _ = z.atClock(ticks)
	}
	return offset
}

// clockOfDate is what the zone's clock shows at a DateTime.
func (z *zone) clockOfDate(t *clr.Thread, v clr.Value) int64 {
	ticks := Ticks(v)
	switch kind := Kind(v); {
	case kind == UTC:
		return convert(ticks, 0, z)
	case kind == Local && z.kind != Local:
		local, _ := localZone(t).atClock(ticks)
		return convert(ticks, local, z)
	}
	return ticks
}

// ambiguousOffsets is GetAmbiguousTimeOffsets of what the clock shows.
func ambiguousOffsets(c *clr.Call, ticks int64, typ, param string) clr.Value {
	z := zoneArg(c, 0)
	low, high, ok := z.offsets(ticks)
	if !ok || !z.saves {
		c.ThrowArgument("The supplied "+typ+" "+notAmbiguous, param)
	}
	return c.ArrayValue(clr.TimeSpan, []clr.Value{TimeSpanOf(low), TimeSpanOf(high)})
}

// convertDate is ConvertTime(v, from, to).
func convertDate(c *clr.Call, v clr.Value, from, to *zone) clr.Value {
	ticks, kind := Ticks(v), Kind(v)
	if kind != Unspecified && kind != from.kind {
		c.ThrowArgument(wrongKind, "sourceTimeZone")
	}
	if kind != UTC && from.leavesOut(ticks) {
		c.ThrowArgument(invalidTime, "dateTime")
	}
	if kind != Unspecified && from.kind == to.kind {
		return v
	}
	offset, _ := from.atClock(ticks)
	return DateTimeOf(convert(ticks, offset, to), to.kind)
}

// convertOffset is ConvertTime of the first argument, a DateTimeOffset.
func convertOffset(c *clr.Call, to *zone) clr.Value {
	utc := OffsetTicks(c.Args[0])
	offset, _ := to.atMoment(utc)
	switch clock := utc + offset; {
	case clock > MaxTicks:
		return OffsetOf(MaxTicks, 0)
	case clock < 0:
		return OffsetOf(0, 0)
	}
	return OffsetOf(utc, int(offset/TicksPerMinute))
}

// sameRules reports zones whose clocks agree for ever. Places agree if they
// are the same in the database.
func (z *zone) sameRules(o *zone) bool {
	if z.base != o.base || z.saves != o.saves || len(z.rules) != len(o.rules) {
		return false
	}
	for i := range z.rules {
		if !z.rules[i].equal(o.rules[i]) {
			return false
		}
	}
	return z.place == o.place || z.fixed() && o.fixed() || sameRates(z.place, o.place)
}
