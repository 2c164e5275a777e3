package clock

// What a zone's clock shows at a moment, and which moment it is when the clock
// shows something.

// whole drops the seconds of an offset: those of times before 1900, which .NET
// does not have, as it does not have them.
func (z *zone) whole(offset int64) int64 {
	return z.base + (offset-z.base)/TicksPerMinute*TicksPerMinute
}

// atMoment is the offset at a moment, and whether it is daylight time.
func (z *zone) atMoment(utc int64) (offset int64, dst bool) {
	if z.place != nil {
		r := rateAt(z.place, utc)
		return z.whole(r.offset), r.dst
	}
	clock := clampTicks(utc + z.base)
	r := z.ruleAt(clock)
	switch {
	case r == nil:
		return z.base, false
	case r.saves() && r.savesAt(utc, yearPart(clock), z.base+r.shift):
		return z.base + r.shift + r.delta, true
	}
	return z.base + r.shift, false
}

// atClock is the offset where the clock shows ticks, and whether that is
// daylight time.
func (z *zone) atClock(ticks int64) (offset int64, dst bool) {
	if z.place != nil {
		r, _, _ := clockAt(z.place, ticks)
		return z.whole(r.offset), r.dst
	}
	r := z.ruleAt(ticks)
	switch {
	case r == nil:
		return z.base, false
	case r.saves() && r.savesAtClock(ticks):
		return z.base + r.shift + r.delta, true
	}
	return z.base + r.shift, false
}

// leavesOut reports whether the clock never shows ticks.
func (z *zone) leavesOut(ticks int64) bool {
	if z.place != nil {
		_, _, m := clockAt(z.place, ticks)
		return m == never
	}
	r := z.ruleAt(ticks)
	return r != nil && r.delta != 0 && r.leavesOut(ticks)
}

// offsets are both that the clock may have where it shows ticks twice, the
// lower one first.
func (z *zone) offsets(ticks int64) (low, high int64, ok bool) {
	if z.place != nil {
		r, other, m := clockAt(z.place, ticks)
		// A zone that goes over to another standard time is not ambiguous for .NET.
		return z.whole(r.offset), z.whole(other.offset), m == twice && r.dst != other.dst
	}
	r := z.ruleAt(ticks)
	if r == nil || r.delta == 0 || !r.showsTwice(ticks) {
		return 0, 0, false
	}
	base := z.base + r.shift
	return base + min(r.delta, 0), base + max(r.delta, 0), true
}

// convert is a time of one zone's clock on the clock of another.
func convert(ticks, offset int64, to *zone) int64 {
	utc := clampTicks(ticks - offset)
	offset, _ = to.atMoment(utc)
	return clampTicks(utc + offset)
}
