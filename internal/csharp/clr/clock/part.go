package clock

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Parts of what a clock shows at ticks.

func yearPart(ticks int64) int        { y, _, _, _ := date(ticks); return y }
func monthPart(ticks int64) int       { _, m, _, _ := date(ticks); return m }
func dayPart(ticks int64) int         { _, _, d, _ := date(ticks); return d }
func dayOfYearPart(ticks int64) int   { _, _, _, d := date(ticks); return d }
func hourPart(ticks int64) int        { return int(ticks / TicksPerHour % 24) }
func minutePart(ticks int64) int      { return int(ticks / TicksPerMinute % 60) }
func secondPart(ticks int64) int      { return int(ticks / TicksPerSecond % 60) }
func millisecondPart(ticks int64) int { return int(ticks / TicksPerMillisecond % 1000) }

// part is a property with a part of the receiver's ticks.
func part(ticks func(clr.Value) int64, of func(int64) int) clr.Func {
	return func(c *clr.Call) clr.Value { return clr.Int(int32(of(ticks(c.Args[0])))) }
}

func compare[T int | int64 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// hashLong is the hash code of 64 bits in .NET.
func hashLong(n int64) uint64 { return uint64(int64(int32(n) ^ int32(n>>32))) }

// hashValue is GetHashCode() by a type's hook.
func hashValue(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) }

// equalObject is Equals(object).
func equalObject(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) }

// compareObject is CompareTo(object) of a type and a parameter that messages
// name so.
func compareObject(name, param string) clr.Func {
	return func(c *clr.Call) clr.Value {
		v, o := c.Args[0], c.Args[1]
		switch {
		case o.IsNull():
			return clr.Int(1)
		case !o.Is(v.Type()):
			c.ThrowArgument("Object must be of type "+name+".", param)
		}
		return clr.Int(int32(c.Compare(v, o)))
	}
}
