package clock

import (
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// lastListed is the year after which .NET describes a zone by one rule.
const lastListed = 2037

// placeSpell is a time without changes in a place: the first has no start, the
// last may have no end.
type placeSpell struct {
	start, end time.Time
	rate       rate
}

// placeSpells are all until the one that ends behind the last year listed.
func placeSpells(place *time.Location) []placeSpell {
	var out []placeSpell
	at := TimeOf(0).In(place)
	for {
		start, end := at.ZoneBounds()
		for !end.IsZero() && spellAt(end.In(place)) == spellAt(at) {
			// Some databases change nothing where 32 bits end.
			_, end = end.In(place).ZoneBounds()
		}
		out = append(out, placeSpell{start, end, rateAt(place, TicksOf(at))})
		if end.IsZero() || end.UTC().Year() > lastListed {
			return out
		}
		at = end.In(place)
	}
}

// fixed reports a zone whose clock never changes.
func (z *zone) fixed() bool {
	return len(z.rules) == 0 && (z.place == nil || len(placeSpells(z.place)) == 1)
}

// sameRates reports places whose clocks agree as far as they are listed.
func sameRates(a, b *time.Location) bool {
	if a == nil || b == nil {
		return false
	}
	x, y := placeSpells(a), placeSpells(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !x[i].start.Equal(y[i].start) || x[i].rate != y[i].rate {
			return false
		}
	}
	return true
}

// listed are the rules that GetAdjustmentRules gives: on .NET for Unix each has
// fixed transitions, where its dates begin and end.
func (z *zone) listed() []*rule {
	var out []*rule
	if z.place == nil {
		for _, r := range z.rules {
			start, end := r.start, r.end
			if r.startKind == UTC {
				start += z.base
			}
			if r.endKind == UTC {
				end += z.base + r.delta
			}
			out = append(out, listedRule(start, end, r.delta))
		}
		return out
	}
	spells := placeSpells(z.place)
	if len(spells) == 1 {
		return nil
	}
	for i, s := range spells {
		var delta int64
		if s.rate.dst {
			delta = z.whole(s.rate.offset) - z.base
		}
		start, end := int64(0), int64(MaxTicks)
		if i > 0 {
			start = TicksOf(s.start) + z.base
		}
		if i < len(spells)-1 {
			end = TicksOf(s.end) - TicksPerSecond + z.base + delta
		} else if !s.end.IsZero() && i > 0 {
			// The last stands for the changes of all years to come.
			delta = z.delta(spells)
		}
		out = append(out, listedRule(start, end, delta))
	}
	return out
}

// delta is what the last two spells differ from standard time by.
func (z *zone) delta(spells []placeSpell) int64 {
	for _, s := range spells[len(spells)-2:] {
		if s.rate.dst {
			return s.rate.offset - z.base
		}
	}
	return 0
}

func listedRule(start, end, delta int64) *rule {
	start, end = clampTicks(start), clampTicks(end)
	at := func(ticks int64) transition {
		_, month, day, _ := date(ticks)
		return transition{timeOfDay: ticks % TicksPerDay / TicksPerSecond * TicksPerSecond, month: month, week: 1, day: day, fixed: true}
	}
	return &rule{
		start: start - start%TicksPerDay, end: end - end%TicksPerDay, delta: delta, from: at(start), to: at(end),
	}
}

// listedArray is what GetAdjustmentRules gives.
func listedArray(c *clr.Call) clr.Value {
	z := zoneArg(c, 0)
	c.Work(16 * mostSpells)
	rules := z.listed()
	c.Allocate(len(rules) * 128)
	values := make([]clr.Value, len(rules))
	for i, r := range rules {
		values[i] = clr.Obj(r)
	}
	return c.ArrayValue(ruleType, values)
}
