package clock

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Messages of zones, rules and transitions that cannot be made.
const (
	spanNotWhole   = "The TimeSpan parameter cannot be specified more precisely than whole minutes."
	spanOutOfDay   = "The TimeSpan parameter must be within plus or minus 14.0 hours."
	nullRule       = "The AdjustmentRule array cannot contain null elements."
	sumOutOfDay    = "The sum of the BaseUtcOffset and DaylightDelta properties must within plus or minus 14.0 hours."
	rulesOverlap   = "The elements of the AdjustmentRule array must be in chronological order and must not overlap."
	kindNotNeutral = "The supplied DateTime must have the Kind property set to DateTimeKind.Unspecified or DateTimeKind.Utc."
	kindGiven      = "The supplied DateTime must have the Kind property set to DateTimeKind.Unspecified."
	sameTransition = "The DaylightTransitionStart property must not equal the DaylightTransitionEnd property."
	datesSwapped   = "The DateStart property must come before the DateEnd property."
	hasTimeOfDay   = "The supplied DateTime includes a TimeOfDay setting.   This is not supported."
	notOnlyTime    = "The supplied DateTime must have the Year, Month, and Day properties set to 1.  The time cannot be specified more precisely than whole milliseconds."
)

// zoneMakers are what makes zones, rules and transitions.
func zoneMakers() map[string]clr.Func {
	return map[string]clr.Func{
		"System.TimeZoneInfo.CreateCustomTimeZone(string, TimeSpan, string, string)": func(c *clr.Call) clr.Value {
			return makeZone(c, c.Args[3].S, nil, false)
		},
		"System.TimeZoneInfo.CreateCustomTimeZone(string, TimeSpan, string, string, string, TimeZoneInfo.AdjustmentRule[])": func(c *clr.Call) clr.Value {
			return makeZone(c, c.Args[4].S, rulesArg(c, 5), false)
		},
		"System.TimeZoneInfo.CreateCustomTimeZone(string, TimeSpan, string, string, string, TimeZoneInfo.AdjustmentRule[], bool)": func(c *clr.Call) clr.Value {
			return makeZone(c, c.Args[4].S, rulesArg(c, 5), c.Args[6].Bool())
		},
		"System.TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime, DateTime, TimeSpan, TimeZoneInfo.TransitionTime, TimeZoneInfo.TransitionTime)": func(c *clr.Call) clr.Value {
			r := &rule{
				start: Ticks(c.Args[0]), startKind: Kind(c.Args[0]), end: Ticks(c.Args[1]), endKind: Kind(c.Args[1]),
				delta: SpanTicks(c.Args[2]), from: *transitionArg(c, 3), to: *transitionArg(c, 4),
			}
			if span, _ := FormatSpan(r.delta, ""); r.delta < -23*TicksPerHour || r.delta > 14*TicksPerHour {
				check(c, r.wrongDates())
				panic(&clr.Thrown{
					T: clr.ArgumentOutOfRangeException, Param: "daylightDelta",
					Message: spanOutOfDay + "\nParameter name: daylightDelta\nActual value was " + span + ".",
				})
			}
			check(c, r.wrong())
			c.Allocate(128)
			return clr.Obj(r)
		},
		"System.TimeZoneInfo.TransitionTime.CreateFixedDateRule(DateTime, int, int)": func(c *clr.Call) clr.Value {
			return makeTransition(c, transition{month: c.Int(1), week: 1, day: c.Int(2), fixed: true})
		},
		"System.TimeZoneInfo.TransitionTime.CreateFloatingDateRule(DateTime, int, int, DayOfWeek)": func(c *clr.Call) clr.Value {
			return makeTransition(c, transition{month: c.Int(1), week: c.Int(2), day: 1, dayOfWeek: c.Int(3)})
		},
	}
}

func transitionArg(c *clr.Call, i int) *transition { return c.Args[i].O.(*transition) }

// rulesArg are the rules in argument i; nil stands for a null among them.
func rulesArg(c *clr.Call, i int) []*rule {
	if c.Args[i].IsNull() {
		return nil
	}
	given := c.Args[i].O.(*clr.ArrayObject)
	c.Work(given.Len())
	c.Allocate(given.Len() * 8)
	rules := make([]*rule, given.Len())
	for j := range rules {
		rules[j], _ = given.At(j).O.(*rule)
	}
	return rules
}

// makeZone makes a zone of the first four arguments, a name and rules.
func makeZone(c *clr.Call, daylight string, rules []*rule, disabled bool) clr.Value {
	c.NotNull(0, "id")
	z := &zone{
		id: c.Args[0].S, base: SpanTicks(c.Args[1]), display: c.Args[2].S, standard: c.Args[3].S, daylight: daylight,
		rules: rules, saves: len(rules) > 0 && !disabled,
	}
	if disabled {
		z.daylight = ""
	}
	check(c, z.wrong())
	c.Allocate(256)
	return clr.Obj(z)
}

// wrong is why there is no such zone.
func (z *zone) wrong() *Problem {
	switch {
	case z.id == "":
		return argument("The specified ID parameter '' is not supported.", "id")
	case outOfDay(z.base):
		return outOfRange(spanOutOfDay, "baseUtcOffset")
	case z.base%TicksPerMinute != 0:
		return argument(spanNotWhole, "baseUtcOffset")
	}
	for i, r := range z.rules {
		message := ""
		switch {
		case r == nil:
			message = nullRule
		case outOfDay(z.base + r.delta):
			message = sumOutOfDay
		case i > 0 && r.start <= z.rules[i-1].end:
			message = rulesOverlap
		}
		if message != "" {
			return &Problem{Type: clr.InvalidTimeZoneException, Message: message}
		}
	}
	return nil
}

func outOfDay(offset int64) bool {
	return offset < -maxOffset*TicksPerMinute || offset > maxOffset*TicksPerMinute
}

// wrongDates is why a rule cannot have its dates and transitions.
func (r *rule) wrongDates() *Problem {
	switch {
	case r.startKind == Local:
		return argument(kindNotNeutral, "dateStart")
	case r.endKind == Local:
		return argument(kindNotNeutral, "dateEnd")
	case r.from == r.to:
		return argument(sameTransition, "daylightTransitionEnd")
	case r.start > r.end:
		return argument(datesSwapped, "dateStart")
	}
	return nil
}

// wrong is why there is no such rule.
func (r *rule) wrong() *Problem {
	if p := r.wrongDates(); p != nil {
		return p
	}
	switch {
	case r.delta%TicksPerMinute != 0:
		return argument(spanNotWhole, "daylightDelta")
	case r.startKind == Unspecified && r.start%TicksPerDay != 0:
		return argument(hasTimeOfDay, "dateStart")
	case r.endKind == Unspecified && r.end != MaxTicks && r.end%TicksPerDay != 0:
		return argument(hasTimeOfDay, "dateEnd")
	}
	return nil
}

// makeTransition makes a transition at the time in the first argument.
func makeTransition(c *clr.Call, t transition) clr.Value {
	t.timeOfDay = Ticks(c.Args[0])
	if Kind(c.Args[0]) != Unspecified {
		c.ThrowArgument(kindGiven, "timeOfDay")
	}
	check(c, t.wrong())
	return transitionOf(t)
}

func transitionOf(t transition) clr.Value { return clr.Obj(&t) }

// wrong is why there is no such transition.
func (t *transition) wrong() *Problem {
	switch {
	case t.month < 1 || t.month > 12:
		return outOfRange("The Month parameter must be in the range 1 through 12.", "month")
	case t.day < 1 || t.day > 31:
		return outOfRange("The Day parameter must be in the range 1 through 31.", "day")
	case t.week < 1 || t.week > 5:
		return outOfRange("The Week parameter must be in the range 1 through 5.", "week")
	case t.dayOfWeek < 0 || t.dayOfWeek > 6:
		return outOfRange("The DayOfWeek enumeration must be in the range 0 through 6.", "dayOfWeek")
	case t.timeOfDay >= TicksPerDay || t.timeOfDay%TicksPerMillisecond != 0:
		return argument(notOnlyTime, "timeOfDay")
	}
	return nil
}
