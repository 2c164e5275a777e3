package clock

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// rules are the members of AdjustmentRule and TransitionTime.
func rules() map[string]clr.Func {
	const ruleKey, key = "System.TimeZoneInfo.AdjustmentRule.", "System.TimeZoneInfo.TransitionTime."
	number := func(of func(*transition) int) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Int(int32(of(transitionArg(c, 0)))) }
	}
	return map[string]clr.Func{
		ruleKey + "DateStart": func(c *clr.Call) clr.Value { r := ruleArg(c); return DateTimeOf(r.start, r.startKind) },
		ruleKey + "DateEnd":   func(c *clr.Call) clr.Value { r := ruleArg(c); return DateTimeOf(r.end, r.endKind) },
		ruleKey + "DaylightDelta": func(c *clr.Call) clr.Value {
			return TimeSpanOf(ruleArg(c).delta)
		},
		ruleKey + "DaylightTransitionStart": func(c *clr.Call) clr.Value { return clr.Obj(&ruleArg(c).from) },
		ruleKey + "DaylightTransitionEnd":   func(c *clr.Call) clr.Value { return clr.Obj(&ruleArg(c).to) },
		ruleKey + "Equals(TimeZoneInfo.AdjustmentRule)": func(c *clr.Call) clr.Value {
			o, ok := c.Args[1].O.(*rule)
			return clr.Bool(ok && ruleArg(c).equal(o))
		},
		ruleKey + "GetHashCode()": hashValue,

		key + "Month":           number(func(t *transition) int { return t.month }),
		key + "Week":            number(func(t *transition) int { return t.week }),
		key + "Day":             number(func(t *transition) int { return t.day }),
		key + "IsFixedDateRule": func(c *clr.Call) clr.Value { return clr.Bool(transitionArg(c, 0).fixed) },
		key + "TimeOfDay": func(c *clr.Call) clr.Value {
			return DateTimeOf(transitionArg(c, 0).timeOfDay, Unspecified)
		},
		key + "DayOfWeek": func(c *clr.Call) clr.Value {
			return clr.Number(dayOfWeekType, int64(transitionArg(c, 0).dayOfWeek))
		},
		key + "Equals(TimeZoneInfo.TransitionTime)": equalObject,
		key + "Equals(object)":                      equalObject,
		key + "GetHashCode()":                       hashValue,
		key + "operator ==(TimeZoneInfo.TransitionTime, TimeZoneInfo.TransitionTime)": equalObject,
		key + "operator !=(TimeZoneInfo.TransitionTime, TimeZoneInfo.TransitionTime)": func(c *clr.Call) clr.Value {
			return clr.Bool(!c.Equal(c.Args[0], c.Args[1]))
		},
	}
}

func ruleHooks() *clr.Hooks {
	// As in .NET only Equals(AdjustmentRule) compares rules; Equals(object) of
	// one is that of references.
	return &clr.Hooks{
		Hash: func(_ *clr.Thread, v clr.Value) uint64 { return hashLong(v.O.(*rule).start) },
	}
}

func transitionHooks() *clr.Hooks {
	return &clr.Hooks{
		Equal: func(_ *clr.Thread, v, o clr.Value) bool {
			t, ok := o.O.(*transition)
			return ok && *v.O.(*transition) == *t
		},
		Hash: func(_ *clr.Thread, v clr.Value) uint64 {
			t := v.O.(*transition)
			return uint64(t.month ^ t.week<<8)
		},
		Zero: func(*clr.Type) clr.Value { return clr.Obj(&transition{}) },
	}
}

func ruleArg(c *clr.Call) *rule { return c.Args[0].O.(*rule) }
