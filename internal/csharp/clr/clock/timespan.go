package clock

import (
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages of TimeSpan.
const (
	spanOverflow   = "TimeSpan overflowed because the duration is too long."
	negateLowest   = "Negating the minimum value of a twos complement number is invalid."
	durationLowest = "The duration cannot be returned for TimeSpan.MinValue because the absolute value of TimeSpan.MinValue exceeds the value of TimeSpan.MaxValue."
	notANumber     = "TimeSpan does not accept floating point Not-a-Number values."
)

func timeSpans() map[string]clr.Func {
	return map[string]clr.Func{
		"new System.TimeSpan(long)":                    func(c *clr.Call) clr.Value { return TimeSpanOf(c.Args[0].Int()) },
		"new System.TimeSpan(int, int, int)":           newSpan("hms"),
		"new System.TimeSpan(int, int, int, int)":      newSpan("dhms"),
		"new System.TimeSpan(int, int, int, int, int)": newSpan("dhmsf"),

		"System.TimeSpan.MinValue": func(*clr.Call) clr.Value { return TimeSpanOf(math.MinInt64) },
		"System.TimeSpan.MaxValue": func(*clr.Call) clr.Value { return TimeSpanOf(math.MaxInt64) },
		"System.TimeSpan.Zero":     func(*clr.Call) clr.Value { return TimeSpanOf(0) },

		"System.TimeSpan.FromTicks(long)":          func(c *clr.Call) clr.Value { return TimeSpanOf(c.Args[0].Int()) },
		"System.TimeSpan.FromDays(double)":         spanFrom(TicksPerDay),
		"System.TimeSpan.FromHours(double)":        spanFrom(TicksPerHour),
		"System.TimeSpan.FromMinutes(double)":      spanFrom(TicksPerMinute),
		"System.TimeSpan.FromSeconds(double)":      spanFrom(TicksPerSecond),
		"System.TimeSpan.FromMilliseconds(double)": spanFrom(TicksPerMillisecond),

		"System.TimeSpan.Ticks":        func(c *clr.Call) clr.Value { return clr.Long(SpanTicks(c.Args[0])) },
		"System.TimeSpan.Days":         spanPart(TicksPerDay, math.MaxInt64),
		"System.TimeSpan.Hours":        spanPart(TicksPerHour, 24),
		"System.TimeSpan.Minutes":      spanPart(TicksPerMinute, 60),
		"System.TimeSpan.Seconds":      spanPart(TicksPerSecond, 60),
		"System.TimeSpan.Milliseconds": spanPart(TicksPerMillisecond, 1000),

		"System.TimeSpan.TotalDays":    spanTotal(TicksPerDay),
		"System.TimeSpan.TotalHours":   spanTotal(TicksPerHour),
		"System.TimeSpan.TotalMinutes": spanTotal(TicksPerMinute),
		"System.TimeSpan.TotalSeconds": spanTotal(TicksPerSecond),
		"System.TimeSpan.TotalMilliseconds": func(c *clr.Call) clr.Value {
			const most = math.MaxInt64 / TicksPerMillisecond
			return clr.Float(max(-most, min(most, totalOf(SpanTicks(c.Args[0]), TicksPerMillisecond))))
		},

		"System.TimeSpan.Add(TimeSpan)":                  spanAdd,
		"System.TimeSpan.operator +(TimeSpan, TimeSpan)": spanAdd,
		"System.TimeSpan.Subtract(TimeSpan)":             spanSubtract,
		"System.TimeSpan.operator -(TimeSpan, TimeSpan)": spanSubtract,
		"System.TimeSpan.Negate()":                       spanNegate,
		"System.TimeSpan.operator -(TimeSpan)":           spanNegate,
		"System.TimeSpan.operator +(TimeSpan)":           func(c *clr.Call) clr.Value { return c.Args[0] },
		"System.TimeSpan.Multiply(double)":               spanMultiply(0, 1),
		"System.TimeSpan.operator *(TimeSpan, double)":   spanMultiply(0, 1),
		"System.TimeSpan.operator *(double, TimeSpan)":   spanMultiply(1, 0),
		"System.TimeSpan.Divide(double)":                 spanDivide,
		"System.TimeSpan.operator /(TimeSpan, double)":   spanDivide,
		"System.TimeSpan.Divide(TimeSpan)":               spanQuotient,
		"System.TimeSpan.operator /(TimeSpan, TimeSpan)": spanQuotient,
		"System.TimeSpan.Duration()": func(c *clr.Call) clr.Value {
			n := SpanTicks(c.Args[0])
			if n == math.MinInt64 {
				check(c, overflow(durationLowest))
			}
			return TimeSpanOf(max(n, -n))
		},
	}
}

// spanRelations are what compares, reads and writes.
func spanRelations() map[string]clr.Func {
	order := func(c *clr.Call) int { return compare(SpanTicks(c.Args[0]), SpanTicks(c.Args[1])) }
	is := func(f func(int) bool) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Bool(f(order(c))) }
	}
	equal := is(func(n int) bool { return n == 0 })
	sign := func(c *clr.Call) clr.Value { return clr.Int(int32(order(c))) }
	return map[string]clr.Func{
		"System.TimeSpan.Compare(TimeSpan, TimeSpan)":     sign,
		"System.TimeSpan.CompareTo(TimeSpan)":             sign,
		"System.TimeSpan.CompareTo(object)":               compareObject("TimeSpan", ""),
		"System.TimeSpan.Equals(TimeSpan)":                equal,
		"System.TimeSpan.Equals(TimeSpan, TimeSpan)":      equal,
		"System.TimeSpan.Equals(object)":                  equalObject,
		"System.TimeSpan.GetHashCode()":                   hashValue,
		"System.TimeSpan.operator ==(TimeSpan, TimeSpan)": equal,
		"System.TimeSpan.operator !=(TimeSpan, TimeSpan)": is(func(n int) bool { return n != 0 }),
		"System.TimeSpan.operator <(TimeSpan, TimeSpan)":  is(func(n int) bool { return n < 0 }),
		"System.TimeSpan.operator <=(TimeSpan, TimeSpan)": is(func(n int) bool { return n <= 0 }),
		"System.TimeSpan.operator >(TimeSpan, TimeSpan)":  is(func(n int) bool { return n > 0 }),
		"System.TimeSpan.operator >=(TimeSpan, TimeSpan)": is(func(n int) bool { return n >= 0 }),
		"System.TimeSpan.Parse(string)": func(c *clr.Call) clr.Value {
			s := c.Text(0, "input")
			c.Work(len(s))
			ticks, p := ParseSpan(s)
			check(c, p)
			return TimeSpanOf(ticks)
		},
		"System.TimeSpan.TryParse(string, out TimeSpan)": func(c *clr.Call) clr.Value {
			s, ok := c.Str(0)
			var ticks int64
			if ok {
				c.Work(len(s))
				n, p := ParseSpan(s)
				if ok = p == nil; ok {
					ticks = n
				}
			}
			c.Ref(1).Set(TimeSpanOf(ticks))
			return clr.Bool(ok)
		},
		"System.TimeSpan.ToString()": func(c *clr.Call) clr.Value { return c.New(spanText(c.Thread, c.Args[0], "")) },
		"System.TimeSpan.ToString(string)": func(c *clr.Call) clr.Value {
			return c.New(spanText(c.Thread, c.Args[0], c.Args[1].S))
		},
	}
}

func spanHooks() *clr.Hooks {
	return &clr.Hooks{
		Text:    func(t *clr.Thread, v clr.Value) string { return spanText(t, v, "") },
		Format:  spanText,
		Equal:   func(_ *clr.Thread, v, o clr.Value) bool { return o.Is(clr.TimeSpan) && v.N == o.N },
		Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return hashLong(SpanTicks(v)) },
		Compare: func(_ *clr.Thread, v, o clr.Value) int { return compare(SpanTicks(v), SpanTicks(o)) },
	}
}

// spanText is v.ToString(format).
func spanText(t *clr.Thread, v clr.Value, format string) string {
	t.Work(len(format))
	t.Allocate(4 * len(format))
	s, p := FormatSpan(SpanTicks(v), format)
	if p != nil {
		Throw(t, p)
	}
	return s
}

// newSpan is the constructor of these parts.
func newSpan(parts string) clr.Func {
	return func(c *clr.Call) clr.Value {
		// In milliseconds nothing overflows: 2^31 days are 2^58.
		var ms int64
		for i := range len(parts) {
			unit := int64(1)
			if parts[i] != 'f' {
				unit = int64(spanUnit(parts[i])) / TicksPerMillisecond
			}
			ms += int64(c.Int(i)) * unit
		}
		const most = math.MaxInt64 / TicksPerMillisecond
		if ms > most || ms < -most {
			c.ThrowRange("", spanOverflow)
		}
		return TimeSpanOf(ms * TicksPerMillisecond)
	}
}

// spanFrom is so many units, rounded to milliseconds as .NET does.
func spanFrom(unit int64) clr.Func {
	return func(c *clr.Call) clr.Value {
		ticks, p := spanOfUnits(c.Args[0].Float(), unit)
		check(c, p)
		return TimeSpanOf(ticks)
	}
}

func spanOfUnits(n float64, unit int64) (int64, *Problem) {
	if n != n {
		return 0, argument(notANumber, "")
	}
	ms := n*float64(unit/TicksPerMillisecond) + 0.5
	if n < 0 {
		ms--
	}
	const most = math.MaxInt64 / TicksPerMillisecond
	if ms > most || ms < -most {
		return 0, overflow(spanOverflow)
	}
	return int64(ms) * TicksPerMillisecond, nil
}

// spanPart is a part of a span: whole units, up to the next larger one.
func spanPart(unit, of int64) clr.Func {
	return func(c *clr.Call) clr.Value { return clr.Int(int32(SpanTicks(c.Args[0]) / unit % of)) }
}

func spanTotal(unit int64) clr.Func {
	return func(c *clr.Call) clr.Value { return clr.Float(totalOf(SpanTicks(c.Args[0]), unit)) }
}

// totalOf multiplies by a part of a unit, as .NET did before version 5, whose
// last digits differ.
func totalOf(ticks, unit int64) float64 { return float64(ticks) * (1 / float64(unit)) }

func spanAdd(c *clr.Call) clr.Value {
	a, b := SpanTicks(c.Args[0]), SpanTicks(c.Args[1])
	sum := a + b
	if (a < 0) == (b < 0) && (sum < 0) != (a < 0) {
		check(c, overflow(spanOverflow))
	}
	return TimeSpanOf(sum)
}

func spanSubtract(c *clr.Call) clr.Value {
	a, b := SpanTicks(c.Args[0]), SpanTicks(c.Args[1])
	difference := a - b
	if (a < 0) != (b < 0) && (difference < 0) != (a < 0) {
		check(c, overflow(spanOverflow))
	}
	return TimeSpanOf(difference)
}

func spanNegate(c *clr.Call) clr.Value {
	n := SpanTicks(c.Args[0])
	if n == math.MinInt64 {
		check(c, overflow(negateLowest))
	}
	return TimeSpanOf(-n)
}

// spanMultiply multiplies the span in one argument by the number in another.
func spanMultiply(span, factor int) clr.Func {
	return func(c *clr.Call) clr.Value {
		f := c.Args[factor].Float()
		if f != f {
			c.ThrowArgument(notANumber, "factor")
		}
		return roundSpan(c, float64(SpanTicks(c.Args[span]))*f)
	}
}

func spanDivide(c *clr.Call) clr.Value {
	d := c.Args[1].Float()
	if d != d {
		c.ThrowArgument(notANumber, "divisor")
	}
	ticks := float64(SpanTicks(c.Args[0])) / d
	if ticks != ticks {
		check(c, overflow(spanOverflow))
	}
	return roundSpan(c, ticks)
}

// roundSpan is the span of ticks that were computed.
func roundSpan(c *clr.Call, ticks float64) clr.Value {
	ticks = math.RoundToEven(ticks)
	if ticks > math.MaxInt64 || ticks < math.MinInt64 {
		check(c, overflow(spanOverflow))
	}
	if ticks == math.MaxInt64 || ticks != ticks {
		// 2^63 is too large as well, but compares as the largest number does; and
		// 0 times infinity compares as nothing does. The processor makes the
		// lowest number of both.
		return TimeSpanOf(math.MinInt64)
	}
	return TimeSpanOf(int64(ticks))
}

func spanQuotient(c *clr.Call) clr.Value {
	return clr.Float(float64(SpanTicks(c.Args[0])) / float64(SpanTicks(c.Args[1])))
}
