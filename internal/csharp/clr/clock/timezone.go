package clock

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// currentType is what .NET's only TimeZone is.
var currentType = clr.Named("System", "CurrentSystemTimeZone", 0)

// current is TimeZone.CurrentTimeZone. Two of the same zone are equal.
type current struct{ *zone }

// Type is System.CurrentSystemTimeZone.
func (current) Type() *clr.Type { return currentType }

func timeZones() map[string]clr.Func {
	of := func(c *clr.Call) current { return c.Args[0].O.(current) }
	return map[string]clr.Func{
		"System.TimeZone.CurrentTimeZone": func(c *clr.Call) clr.Value { return clr.Obj(current{localZone(c.Thread)}) },
		"System.TimeZone.StandardName":    func(c *clr.Call) clr.Value { return clr.Str(of(c).standard) },
		"System.TimeZone.DaylightName":    func(c *clr.Call) clr.Value { return clr.Str(of(c).daylight) },
		"System.TimeZone.GetUtcOffset(DateTime)": func(c *clr.Call) clr.Value {
			offset, _ := of(c).ofKind(c.Args[1])
			return TimeSpanOf(offset)
		},
		"System.TimeZone.IsDaylightSavingTime(DateTime)": func(c *clr.Call) clr.Value {
			_, dst := of(c).ofKind(c.Args[1])
			return clr.Bool(dst)
		},
		"System.TimeZone.ToLocalTime(DateTime)": func(c *clr.Call) clr.Value {
			if Kind(c.Args[1]) == Local {
				return c.Args[1]
			}
			return DateTimeOf(convert(Ticks(c.Args[1]), 0, of(c).zone), Local)
		},
		"System.TimeZone.ToUniversalTime(DateTime)": func(c *clr.Call) clr.Value {
			offset, _ := of(c).ofKind(c.Args[1])
			return DateTimeOf(clampTicks(Ticks(c.Args[1])-offset), UTC)
		},
	}
}

// ofKind is the offset at a DateTime, which is none for one in UTC.
func (z current) ofKind(v clr.Value) (offset int64, dst bool) {
	if Kind(v) == UTC {
		return 0, false
	}
	return z.atClock(Ticks(v))
}
