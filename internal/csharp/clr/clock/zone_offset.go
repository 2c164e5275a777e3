package clock

import "time"

// offsetAt is the offset of zone at a moment, both in ticks.
func offsetAt(zone *time.Location, utcTicks int64) int64 {
	_, seconds := TimeOf(utcTicks).In(zone).Zone()
	return int64(seconds) * TicksPerSecond
}

// offsetAtClock is the offset of zone where its clock shows ticks. Of a time
// that the clock shows twice it is the standard one, of a time that it leaves
// out the one before.
func offsetAtClock(zone *time.Location, ticks int64) int64 {
	if zone == nil || zone == time.UTC {
		return 0
	}
	before := offsetAt(zone, ticks-TicksPerDay)
	after := offsetAt(zone, ticks+TicksPerDay)
	if before == after {
		// Also where the zone went there and back within two days.
		return before
	}
	// The moment of change is where one of both is right.
	byBefore := offsetAt(zone, ticks-before) == before
	byAfter := offsetAt(zone, ticks-after) == after
	switch {
	case byBefore && byAfter:
		return min(before, after)
	case byAfter:
		return after
	}
	return before
}
