package clock

import (
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Ticks in larger units.
const (
	TicksPerMillisecond = 10_000
	TicksPerSecond      = 1000 * TicksPerMillisecond
	TicksPerMinute      = 60 * TicksPerSecond
	TicksPerHour        = 60 * TicksPerMinute
	TicksPerDay         = 24 * TicksPerHour

	// MaxTicks is the last tick of the year 9999.
	MaxTicks = 3652059*TicksPerDay - 1
	// UnixTicks is 1970-01-01.
	UnixTicks = 719162 * TicksPerDay

	ticksMask = 1<<62 - 1
)

// Kinds of a DateTime: the numbers of DateTimeKind.
const (
	Unspecified = 0
	UTC         = 1
	Local       = 2
)

// DateTimeOf makes a System.DateTime; ticks are between 0 and [MaxTicks].
func DateTimeOf(ticks int64, kind int) clr.Value {
	return clr.Value{N: uint64(ticks) | uint64(kind)<<62, O: clr.DateTime}
}

// Ticks are those of a System.DateTime.
func Ticks(v clr.Value) int64 { return int64(v.N & ticksMask) }

// Kind is that of a System.DateTime: [Unspecified], [UTC] or [Local].
func Kind(v clr.Value) int { return int(v.N >> 62) }

// FromTime is the moment t as a System.DateTime in UTC. What .NET cannot hold
// becomes its first or last.
func FromTime(t time.Time) clr.Value { return DateTimeOf(TicksOf(t), UTC) }

// TicksOf are the ticks of the moment t in UTC.
func TicksOf(t time.Time) int64 {
	seconds := t.Unix()
	switch {
	case seconds < -UnixTicks/TicksPerSecond:
		return 0
	case seconds > (MaxTicks-UnixTicks)/TicksPerSecond:
		return MaxTicks
	}
	return UnixTicks + seconds*TicksPerSecond + int64(t.Nanosecond()/100)
}

// TimeOf is the moment at ticks in UTC.
func TimeOf(ticks int64) time.Time {
	ticks -= UnixTicks
	return time.Unix(floorDiv(ticks, TicksPerSecond), floorMod(ticks, TicksPerSecond)*100).UTC()
}

// Time is the moment of a System.DateTime, whose clock is UTC unless it is
// local, as zone says.
func Time(v clr.Value, zone *time.Location) time.Time {
	ticks := Ticks(v)
	if Kind(v) == Local && zone != nil {
		ticks -= offsetAtClock(zone, ticks)
	}
	return TimeOf(ticks)
}

// TimeSpanOf makes a System.TimeSpan.
func TimeSpanOf(ticks int64) clr.Value { return clr.Value{N: uint64(ticks), O: clr.TimeSpan} }

// SpanTicks are those of a System.TimeSpan.
func SpanTicks(v clr.Value) int64 { return int64(v.N) }

// FromDuration is d as a System.TimeSpan.
func FromDuration(d time.Duration) clr.Value { return TimeSpanOf(int64(d / 100)) }

// OffsetOf makes a System.DateTimeOffset of the moment at ticks in UTC and an
// offset in minutes, which is between -840 and 840.
func OffsetOf(utcTicks int64, minutes int) clr.Value {
	v := clr.Value{N: uint64(utcTicks), O: clr.DateTimeOffset}
	if minutes != 0 {
		i := 2 * (minutes + maxOffset)
		v.S = offsets[i : i+2]
	}
	return v
}

// OffsetTicks are the ticks of the moment of a System.DateTimeOffset in UTC.
func OffsetTicks(v clr.Value) int64 { return int64(v.N) }

// OffsetMinutes is the offset of a System.DateTimeOffset.
func OffsetMinutes(v clr.Value) int {
	if len(v.S) != 2 {
		return 0
	}
	return int(int16(uint16(v.S[0])<<8 | uint16(v.S[1])))
}

// ClockTicks are the ticks that the clock of a System.DateTimeOffset shows.
func ClockTicks(v clr.Value) int64 {
	return OffsetTicks(v) + int64(OffsetMinutes(v))*TicksPerMinute
}

// maxOffset is 14 hours in minutes.
const maxOffset = 14 * 60

// offsets has every offset as two bytes, so that none is allocated.
var offsets = func() string {
	var b []byte
	for m := -maxOffset; m <= maxOffset; m++ {
		b = append(b, byte(uint16(int16(m))>>8), byte(m))
	}
	return string(b)
}()

// GuidOf makes a System.Guid of its bytes in the order of ToByteArray().
func GuidOf(b [16]byte) clr.Value {
	v := clr.Value{O: clr.Guid}
	if b != [16]byte{} {
		v.S = string(b[:])
	}
	return v
}

// GuidBytes are those of a System.Guid, in the order of ToByteArray().
func GuidBytes(v clr.Value) (b [16]byte) {
	copy(b[:], v.S)
	return b
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
