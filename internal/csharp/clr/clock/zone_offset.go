package clock

import "time"

// rate is how a zone's clock differs from UTC for some time.
type rate struct {
	offset int64 // in ticks
	dst    bool
}

// rateAt is the rate of a place at a moment.
func rateAt(place *time.Location, utcTicks int64) rate {
	t := TimeOf(utcTicks).In(place)
	_, seconds := t.Zone()
	return rate{int64(seconds) * TicksPerSecond, t.IsDST()}
}

// offsetAt is the offset of a place at a moment, both in ticks.
func offsetAt(place *time.Location, utcTicks int64) int64 { return rateAt(place, utcTicks).offset }

// reading of a clock: what it may mean.
type meaning byte

const (
	once  meaning = iota
	never         // the clock goes from before to after it
	twice         // the clock goes back over it
)

// clockAt is what holds where the clock of a place shows ticks. Of a time that
// the clock shows twice it is the lower offset, standard time, and other is
// the higher one; of a time that it leaves out it is what holds before.
func clockAt(place *time.Location, ticks int64) (r, other rate, m meaning) {
	before, after := rateAt(place, ticks-TicksPerDay), rateAt(place, ticks+TicksPerDay)
	if before.offset == after.offset {
		// Also where the zone went there and back within two days, or only
		// changed its name.
		return rateAt(place, ticks-before.offset), rate{}, once
	}
	// The moment of change is where one of both is right.
	byBefore := offsetAt(place, ticks-before.offset) == before.offset
	byAfter := offsetAt(place, ticks-after.offset) == after.offset
	switch {
	case byBefore && byAfter && before.offset < after.offset:
		return before, after, twice
	case byBefore && byAfter:
		return after, before, twice
	case byAfter:
		return after, rate{}, once
	case byBefore:
		return before, rate{}, once
	}
	return before, after, never
}

// offsetAtClock is the offset where the clock of a place shows ticks.
func offsetAtClock(place *time.Location, ticks int64) int64 {
	if place == nil || place == time.UTC {
		return 0
	}
	r, _, _ := clockAt(place, ticks)
	return r.offset
}
