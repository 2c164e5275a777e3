package clock

import (
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Family is the code of this package's types.
func Family() clr.Family {
	f := clr.Family{
		Name: "clock",
		Do:   map[string]clr.Func{},
		Hooks: map[string]*clr.Hooks{
			"System.DateTime":                    dateTimeHooks(),
			"System.DateTimeOffset":              offsetHooks(),
			"System.TimeSpan":                    spanHooks(),
			"System.Guid":                        guidHooks(),
			"System.TimeZoneInfo":                zoneHooks(),
			"System.TimeZoneInfo.AdjustmentRule": ruleHooks(),
			"System.TimeZoneInfo.TransitionTime": transitionHooks(),
		},
		Types: []*clr.Type{dayOfWeekType, zoneInfoType, timeZoneType, currentType, ruleType, transitionType},
	}
	for _, do := range []map[string]clr.Func{
		dateTimes(), dateTimeOffsets(), offsetRelations(), timeSpans(), spanRelations(), guids(),
		zoneInfos(), zoneConversions(), zoneMakers(), zoneTexts(), rules(), timeZones(),
	} {
		maps.Copy(f.Do, do)
	}
	return f
}
