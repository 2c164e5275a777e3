package clock

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // for machines without a database of zones

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The types of zones.
var (
	zoneInfoType   = clr.Named("System", "TimeZoneInfo", 0)
	timeZoneType   = clr.Named("System", "TimeZone", 0)
	ruleType       = clr.Named("System.TimeZoneInfo", "AdjustmentRule", 0)
	transitionType = clr.Named("System.TimeZoneInfo", "TransitionTime", 0)
)

// zone is a System.TimeZoneInfo. It is immutable.
type zone struct {
	id, display, standard, daylight string
	// base is the offset of standard time in ticks.
	base int64
	// saves is SupportsDaylightSavingTime.
	saves bool
	// rules are those of a zone that an expression made; of the others, place
	// knows the offsets.
	rules []*rule
	place *time.Location
	// kind is that of the times of the zone's clock: UTC and Local are of the
	// two zones that .NET knows by their references.
	kind int
}

// Type is System.TimeZoneInfo.
func (*zone) Type() *clr.Type { return zoneInfoType }

// utcZone is TimeZoneInfo.Utc.
var utcZone = &zone{id: "UTC", display: "UTC", standard: "UTC", daylight: "UTC", kind: UTC}

// localZones are TimeZoneInfo.Local by the threads' zones, of which a process
// has one.
var localZones sync.Map

// localZone is TimeZoneInfo.Local.
func localZone(t *clr.Thread) *zone {
	place := t.Zone
	if place == nil {
		place = time.UTC
	}
	if z, ok := localZones.Load(place); ok {
		return z.(*zone)
	}
	z := placeZone(place.String(), place, t.Now())
	z.kind = Local
	got, _ := localZones.LoadOrStore(place, z)
	return got.(*zone)
}

const zoneNotFound = "The time zone ID '%' was not found on the local computer."

// findZone is TimeZoneInfo.FindSystemTimeZoneById(id).
func findZone(t *clr.Thread, id string) *zone {
	t.Work(len(id) + 1000)
	if strings.EqualFold(id, "UTC") {
		return utcZone
	}
	if w, ok := windowsZones()[strings.ToLower(id)]; ok {
		if place := loadPlace(w.place); place != nil {
			return windowsZone(w.id, place, t.Now())
		}
	}
	if place := loadPlace(id); place != nil {
		return placeZone(id, place, t.Now())
	}
	t.Throw(clr.TimeZoneNotFoundException, strings.Replace(zoneNotFound, "%", id, 1))
	return nil
}

// longestName is more than the longest name in the database.
const longestName = 64

// places are the zones that were found, which are as many as the database has.
var places sync.Map

// loadPlace finds a zone in the IANA database; nil: there is none. Names that
// are none do not become names of files.
func loadPlace(name string) *time.Location {
	if name == "" || len(name) > longestName || name == "Local" || strings.Contains("/"+name+"/", "//") {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		if !isDigit(c) && !isLetter(c) && !strings.ContainsRune("/_+-", rune(c)) {
			return nil
		}
	}
	if place, ok := places.Load(name); ok {
		return place.(*time.Location)
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	places.Store(name, place)
	return place
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// placeZone is a zone by IANA's name, with the abbreviations for names, which
// .NET uses where it has no translations.
func placeZone(id string, place *time.Location, now time.Time) *zone {
	z := &zone{id: id, place: place}
	standard, daylight := namesOf(place, now)
	z.base = int64(standard.offset) * TicksPerSecond
	z.standard, z.daylight = standard.name, daylight.name
	z.display = z.standard
	_, end := now.In(place).ZoneBounds()
	start, _ := now.In(place).ZoneBounds()
	z.saves = !start.IsZero() || !end.IsZero()
	return z
}

// windowsZone is a zone by Windows' name, with Windows' names.
func windowsZone(id string, place *time.Location, now time.Time) *zone {
	z := placeZone(id, place, now)
	z.standard = id
	z.daylight = strings.Replace(id, "Standard", "Daylight", 1)
	z.display = "(UTC" + string(appendOffset(nil, int(z.base/TicksPerMinute))) + ") " + id
	z.saves = savesNow(place, now)
	return z
}

// appendOffset writes an offset as +01:00.
func appendOffset(b []byte, minutes int) []byte {
	f := formatter{out: b}
	minutes = f.sign(minutes)
	f.number(minutes/60, 2)
	f.out = append(f.out, ':')
	f.number(minutes%60, 2)
	return f.out
}

// spell is a time without changes in a zone.
type spell struct {
	name   string
	offset int // in seconds
	dst    bool
}

func spellAt(t time.Time) spell {
	name, offset := t.Zone()
	return spell{name, offset, t.IsDST()}
}

// mostSpells bounds how far back the names of a zone are looked for.
const mostSpells = 300

// namesOf is what a zone's standard time is now, and how its daylight time is,
// or was last, named; it has no name where there was none.
func namesOf(place *time.Location, now time.Time) (standard, daylight spell) {
	at := now.In(place)
	standard = spellAt(at)
	found, foundDaylight := !standard.dst, standard.dst
	if standard.dst {
		daylight = standard
	}
	// The other one may begin only later, or be long past.
	if _, end := at.ZoneBounds(); !end.IsZero() {
		if next := spellAt(end.In(place)); next.dst && !foundDaylight {
			daylight, foundDaylight = next, true
		} else if !next.dst && !found {
			standard, found = next, true
		}
	}
	for range mostSpells {
		if found && foundDaylight {
			break
		}
		start, _ := at.ZoneBounds()
		if start.IsZero() {
			break
		}
		at = start.Add(-time.Second).In(place)
		s := spellAt(at)
		if s.dst && !foundDaylight {
			daylight, foundDaylight = s, true
		}
		if !s.dst && !found {
			standard, found = s, true
		}
	}
	return standard, daylight
}

// savesNow reports whether the clock changes within a year.
func savesNow(place *time.Location, now time.Time) bool {
	_, end := now.In(place).ZoneBounds()
	return !end.IsZero() && end.Before(now.AddDate(1, 0, 0))
}
