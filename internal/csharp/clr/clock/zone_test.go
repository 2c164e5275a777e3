package clock

import (
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestWindowsNames: every zone of Windows has a place in the database, and the
// offset that its name says where it says one.
func TestWindowsNames(t *testing.T) {
	th := thread(t)
	for _, w := range windowsZones() {
		if loadPlace(w.place) == nil {
			t.Errorf("%s: there is no %s", w.id, w.place)
			continue
		}
		z := findZone(th, strings.ToUpper(w.id))
		if z.id != w.id || z.standard != w.id {
			t.Errorf("%s: found %s, %s", w.id, z.id, z.standard)
		}
		if offset, ok := strings.CutPrefix(w.id, "UTC"); ok && !strings.HasPrefix(z.display, "(UTC"+offset+":00)") {
			t.Errorf("%s is %s", w.id, z.display)
		}
	}
	z := findZone(th, "w. europe standard time")
	if z.display != "(UTC+01:00) W. Europe Standard Time" || z.daylight != "W. Europe Daylight Time" || !z.saves {
		t.Errorf("got %+v", z)
	}
	if z := findZone(th, "India Standard Time"); z.saves || z.base != 330*TicksPerMinute {
		t.Errorf("got %+v", z)
	}
}

// TestNoFiles: a name that is none does not reach the file system.
func TestNoFiles(t *testing.T) {
	for _, name := range []string{
		"", "Local", "/etc/localtime", "Europe/", "/Europe/Berlin", "Europe//Berlin", "../zoneinfo/Europe/Berlin", "Europe/./Berlin",
		"Europe\\Berlin", "Europe/Berlin\x00", strings.Repeat("A", 65), "Europe",
	} {
		if loadPlace(name) != nil {
			t.Errorf("%q was found", name)
		}
	}
}

// TestLocalZone: where the thread is in another zone than UTC.
func TestLocalZone(t *testing.T) {
	th := thread(t)
	th.Zone = loadPlace("Europe/Berlin")
	c := caller{th}
	for _, test := range []struct {
		name string
		got  clr.Value
		want string
	}{
		{"Now", c.call("System.DateTime.Now"), "11/26/2026 09:09:10"},
		{"Today", c.call("System.DateTime.Today"), "11/26/2026 00:00:00"},
		{"UtcNow", c.call("System.DateTime.UtcNow"), "11/26/2026 08:09:10"},
		{"offset", c.call("System.DateTimeOffset.Now"), "11/26/2026 09:09:10 +01:00"},
		{"zone", c.call("System.TimeZoneInfo.Local"), "CET"},
		{"of a date", c.call("new System.DateTimeOffset(DateTime)", DateTimeOf(638862336000000000, Unspecified)), "06/23/2025 00:00:00 +02:00"},
		{"parsed", c.call("System.DateTime.Parse(string)", clr.Str("2026-07-01T00:00:00Z")), "07/01/2026 02:00:00"},
		{"parsed offset", c.call("System.DateTimeOffset.Parse(string)", clr.Str("2026-07-01T00:00:00")), "07/01/2026 00:00:00 +02:00"},
		{"to UTC", c.call("System.TimeZoneInfo.ConvertTimeToUtc(DateTime)", DateTimeOf(638862336000000000, Local)), "06/22/2025 22:00:00"},
		{"to local", c.call("System.TimeZone.ToLocalTime(DateTime)", c.call("System.TimeZone.CurrentTimeZone"), DateTimeOf(638862336000000000, UTC)), "06/23/2025 02:00:00"},
		{"universal", c.call("System.DateTime.ToString(string)", DateTimeOf(638862336000000000, Local), clr.Str("U")), "Sunday, 22 June 2025 22:00:00"},
		{"round trip", c.call("System.DateTime.ToString(string)", DateTimeOf(638862336000000000, Local), clr.Str("o")), "2025-06-23T00:00:00.0000000+02:00"},
	} {
		if got := th.Text(test.got); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	if !c.call("System.DateTime.IsDaylightSavingTime()", DateTimeOf(638862336000000000, Local)).Bool() {
		t.Error("June is summer")
	}
	if Time(DateTimeOf(638862336000000000, Local), th.Zone) != time.Date(2025, 6, 22, 22, 0, 0, 0, time.UTC) {
		t.Error("Time")
	}
}

// TestNewGuid: version 4, of the thread's randomness.
func TestNewGuid(t *testing.T) {
	th := thread(t)
	if got := th.Text(NewGuid(th)); got != "00000000-0000-4000-8000-000000000000" {
		t.Error(got)
	}
}

// TestLimits: a format of any length is paid for before it is used.
func TestLimits(t *testing.T) {
	for _, key := range []string{"System.DateTime.ToString(string)", "System.TimeSpan.ToString(string)"} {
		func() {
			defer func() {
				if _, ok := recover().(*clr.LimitError); !ok {
					t.Errorf("%s: a giant format ended otherwise", key)
				}
			}()
			v := DateTimeOf(0, 0)
			if strings.Contains(key, "Span") {
				v = TimeSpanOf(0)
			}
			caller{thread(t)}.call(key, v, clr.Str(strings.Repeat("'x'", 16<<20)))
		}()
	}
}

func BenchmarkMembers(b *testing.B) {
	th := thread(b)
	now := DateTimeOf(638862336000000000, UTC)
	for _, bench := range []struct {
		name string
		call clr.Call
		key  string
	}{
		{"UtcNow", clr.Call{}, "System.DateTime.UtcNow"},
		{"AddSeconds", clr.Call{Args: []clr.Value{now, clr.Float(1.5)}}, "System.DateTime.AddSeconds(double)"},
		{"ToString", clr.Call{Args: []clr.Value{now, clr.Str("yyyy-MM-ddTHH:mm:ssZ")}}, "System.DateTime.ToString(string)"},
		{"Parse", clr.Call{Args: []clr.Value{clr.Str("2026-11-26T10:20:30.123Z")}}, "System.DateTime.Parse(string)"},
		{"Find", clr.Call{Args: []clr.Value{clr.Str("W. Europe Standard Time")}}, "System.TimeZoneInfo.FindSystemTimeZoneById(string)"},
		{"FromUtc", clr.Call{Args: []clr.Value{now, clr.Obj(findZone(th, "Europe/Berlin"))}}, "System.TimeZoneInfo.ConvertTimeFromUtc(DateTime, TimeZoneInfo)"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			do := members[bench.key]
			bench.call.Thread = th
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%1000 == 0 {
					th.Start(b.Context(), clr.DefaultLimits())
				}
				do(&bench.call)
			}
		})
	}
}
