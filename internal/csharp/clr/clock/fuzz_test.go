package clock

import (
	"testing"
	"time"
)

// FuzzParseDateTime: reading ends, gives a time that .NET has, and what is
// written is read back as the same.
func FuzzParseDateTime(f *testing.F) {
	for _, s := range []string{"2026-11-26T10:20:30.1234567+02:00", "Thu, 26 Nov 2026 10:20:30 GMT", "11/26 10 PM", "2026年11月26日", "#1/2/2026#", "26 5November  -05:.00"} {
		f.Add(s)
	}
	r := Reading{Now: func() int64 { return TicksOf(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)) }, Roundtrip: true}
	f.Fuzz(func(t *testing.T, s string) {
		ticks, kind, p := r.ParseDateTime(s)
		if _, _, p2 := r.ParseOffset(s); p2 != nil && p2.Message == "" {
			t.Fatal("a problem without a message")
		}
		if p != nil {
			return
		}
		if ticks < 0 || ticks > MaxTicks {
			t.Fatalf("%q is at %d", s, ticks)
		}
		text, p := Moment{Ticks: ticks, Kind: kind}.Format("o")
		if p != nil {
			t.Fatal(p)
		}
		again, kindAgain, p := r.ParseDateTime(text)
		// .NET adds up the digits of a fraction as a float, which may be one tick off.
		if d := again - ticks; p != nil || d < -1 || d > 1 || kindAgain != kind {
			t.Fatalf("%q is %q, which is read as %d of kind %d: %v", s, text, again, kindAgain, p)
		}
	})
}

// FuzzParseSpan: what is read is read again from its text.
func FuzzParseSpan(f *testing.F) {
	for _, s := range []string{"1.02:03:04.5", "-10675199.02:48:05.4775808", "0:0:.5", "1:2:3:4.00000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ticks, p := ParseSpan(s)
		if p != nil {
			return
		}
		for _, format := range []string{"c", "g", "G"} {
			text, p := FormatSpan(ticks, format)
			if p != nil {
				t.Fatal(p)
			}
			if again, p := ParseSpan(text); p != nil || again != ticks {
				t.Fatalf("%q is %d, written %q, read as %d: %v", s, ticks, text, again, p)
			}
		}
	})
}

// FuzzGuid: what is read is read again from each of its texts.
func FuzzGuid(f *testing.F) {
	f.Add("00112233-4455-6677-8899-aabbccddeeff")
	f.Add("{0x1,0x2,0x3,{0x4,0x5,0x6,0x7,0x8,0x9,0xa,0xb}}")
	f.Fuzz(func(t *testing.T, s string) {
		g, p := ParseGuid(s)
		if p != nil {
			return
		}
		for _, format := range []string{"N", "D", "B", "P", "X"} {
			text, _ := FormatGuid(g, format)
			if again, p := ParseGuidExact(text, format); p != nil || again != g {
				t.Fatalf("%q is %x, written %q, read as %x: %v", s, g, text, again, p)
			}
		}
	})
}

// FuzzFormat: formats end, with a text that is not longer than what is
// allocated for it.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"yyyy-MM-ddTHH:mm:ss.fffffffK", "dddd MMMM", "'a\\'b'", "%d", "\\", "zzz", "U"} {
		f.Add(s, int64(638000000000000000))
	}
	f.Fuzz(func(t *testing.T, format string, ticks int64) {
		ticks = clampTicks(ticks)
		for _, m := range []Moment{{Ticks: ticks}, {Ticks: ticks, Kind: UTC}, {Ticks: ticks, Kind: Local}, {Ticks: ticks, HasOffset: true, Offset: 90}} {
			if s, p := m.Format(format); p == nil && format != "" && len(s) > widest*len(format) {
				t.Fatalf("%q makes %q", format, s)
			}
		}
		if s, p := FormatSpan(ticks, format); p == nil && format != "" && len(s) > 32*len(format) {
			t.Fatalf("%q makes %q", format, s)
		}
	})
}

// FuzzZone: the text of a zone that was read is read as the same zone.
func FuzzZone(f *testing.F) {
	f.Add("x;60;a;b;c;[01:01:0001;12:31:9999;60;[0;02:00:00;3;5;0;];[0;03:00:00;10;5;0;];];", int64(638000000000000000))
	f.Add("a\\;b;0;c\\[\\];d;e;;", int64(0))
	f.Fuzz(func(t *testing.T, s string, ticks int64) {
		z, p := readZone(s)
		if p != nil {
			return
		}
		ticks = clampTicks(ticks)
		for _, f := range []func(int64) (int64, bool){z.atClock, z.atMoment} {
			if offset, _ := f(ticks); offset < -48*TicksPerHour || offset > 48*TicksPerHour {
				t.Fatalf("%q is %d off", s, offset)
			}
		}
		z.leavesOut(ticks)
		z.offsets(ticks)
		if again, p := readZone(z.text()); p != nil || again.id != z.id || again.base != z.base || len(again.rules) != len(z.rules) {
			t.Fatalf("%q is written %q: %v", s, z.text(), p)
		}
	})
}
