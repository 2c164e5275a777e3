package clock

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// transition is a System.TimeZoneInfo.TransitionTime: when in a year the clock
// changes. It is immutable.
type transition struct {
	timeOfDay        int64 // in ticks
	month, week, day int
	dayOfWeek        int
	fixed            bool
}

// Type is System.TimeZoneInfo.TransitionTime.
func (*transition) Type() *clr.Type { return transitionType }

// in is the moment in a year, on the clock.
func (t *transition) in(year int) int64 {
	if t.month == 0 { // default(TransitionTime)
		return 0
	}
	days := daysIn(year, t.month)
	first := int64(daysUntil(year, t.month, 1)) * TicksPerDay
	if t.fixed {
		return first + int64(min(t.day, days)-1)*TicksPerDay + t.timeOfDay
	}
	day := (t.dayOfWeek - dayOfWeek(first) + 7) % 7
	day += 7 * (t.week - 1)
	for day >= days { // the fifth is the last
		day -= 7
	}
	return first + int64(day)*TicksPerDay + t.timeOfDay
}

// rule is a System.TimeZoneInfo.AdjustmentRule. It is immutable.
type rule struct {
	start, end         int64 // dates
	startKind, endKind int
	delta              int64
	// shift is added to the zone's base. Only a text can give it.
	shift    int64
	from, to transition
}

// Type is System.TimeZoneInfo.AdjustmentRule.
func (*rule) Type() *clr.Type { return ruleType }

func (r *rule) equal(o *rule) bool {
	return r.start == o.start && r.end == o.end && r.delta == o.delta && r.shift == o.shift && r.from == o.from && r.to == o.to
}

// ruleAt is the rule that holds where the clock shows ticks.
func (z *zone) ruleAt(ticks int64) *rule {
	day := ticks - ticks%TicksPerDay
	for _, r := range z.rules {
		if r.start <= day && day <= r.end {
			return r
		}
	}
	return nil
}

// saves reports a rule with daylight time. One that adds nothing has it too,
// unless its transitions are at the times that Windows has for none.
func (r *rule) saves() bool {
	return r.delta != 0 || r.from.timeOfDay != 0 || r.to.month != 0 && r.to.timeOfDay != TicksPerMillisecond
}

// atNewYear reports whether a transition is only where a rule of one year
// begins or ends.
func (r *rule) atNewYear(t *transition) bool {
	return t.month == 1 && t.day == 1 && t.timeOfDay < TicksPerSecond && yearPart(r.start) == yearPart(r.end)
}

// spans reports whether ticks are between two times of a year, which may be
// the year's end and beginning; the years do not count.
func spans(from, ticks, to int64) bool {
	year := yearPart(clampTicks(from))
	to, ticks = inYear(to, year), inYear(ticks, year)
	if from > to {
		return ticks < to || ticks >= from
	}
	return from <= ticks && ticks < to
}

// inYear is the same time of another year.
func inYear(ticks int64, year int) int64 {
	if at := yearPart(clampTicks(ticks)); at != year {
		if moved, p := addYears(clampTicks(ticks), year-at); p == nil {
			return moved
		}
	}
	return ticks
}

// savesAtClock reports daylight time where the clock shows ticks. What it
// leaves out, and what it shows twice, is standard time.
func (r *rule) savesAtClock(ticks int64) bool {
	year := yearPart(ticks)
	from, to := r.from.in(year), r.to.in(year)
	if r.delta > 0 {
		from, to = from+r.delta, to-r.delta
	}
	if r.atNewYear(&r.from) {
		from = int64(daysUntil(year, 1, 1)) * TicksPerDay
	}
	if r.atNewYear(&r.to) {
		to = int64(daysUntil(year, 12, 31)+1)*TicksPerDay - 1
	}
	return spans(from, ticks, to)
}

// savesAt reports daylight time at a moment in a year of the clock.
func (r *rule) savesAt(utc int64, year int, base int64) bool {
	from, to := r.from.in(year)-base, r.to.in(year)-base-r.delta
	if r.atNewYear(&r.from) {
		from = int64(daysUntil(year, 1, 1))*TicksPerDay - base
	}
	if r.atNewYear(&r.to) {
		to = int64(daysUntil(year, 12, 31)+1)*TicksPerDay - 1 - base - r.delta
	}
	return spans(from, utc, to)
}

// leavesOut reports whether the clock is put forward over ticks.
func (r *rule) leavesOut(ticks int64) bool {
	t, delta := &r.from, r.delta
	if delta < 0 {
		t, delta = &r.to, -delta
	}
	at := t.in(yearPart(ticks))
	return !r.atNewYear(t) && at <= ticks && ticks < at+delta
}

// showsTwice reports whether the clock is put back over ticks.
func (r *rule) showsTwice(ticks int64) bool {
	t, delta := &r.to, r.delta
	if delta < 0 {
		t, delta = &r.from, -delta
	}
	at := t.in(yearPart(ticks))
	return !r.atNewYear(t) && at-delta <= ticks && ticks < at
}
