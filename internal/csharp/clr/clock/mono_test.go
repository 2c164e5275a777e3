package clock

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The answers in testdata/mono.txt are Mono's: a question in tabs, then "= " and
// a value or "! " and an exception. The first word of a question is a name of
// asks.

// members are those of the family, called as the evaluator does.
var members = Family().Do

// TestMain gives the types their members: a process may do that once.
func TestMain(m *testing.M) {
	u, err := clr.Build(Family())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, key := range u.Missing() {
		name := strings.TrimPrefix(key, "new ")
		for _, of := range [...]string{"System.DateTime", "System.TimeSpan", "System.TimeZone", "System.Guid"} {
			if strings.HasPrefix(name, of) {
				fmt.Fprintln(os.Stderr, "no code for", key)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

func thread(t testing.TB) *clr.Thread {
	t.Helper()
	th := &clr.Thread{
		Now:    func() time.Time { return time.Date(2026, 11, 26, 8, 9, 10, 123456700, time.UTC) },
		Random: bytes.NewReader(make([]byte, 1024)),
		Zone:   time.UTC,
	}
	th.Start(context.Background(), clr.DefaultLimits())
	return th
}

// caller calls members and shows what comes of it.
type caller struct{ th *clr.Thread }

func (c caller) call(key string, args ...clr.Value) clr.Value {
	do := members[key]
	if do == nil {
		panic("no member " + key)
	}
	return do(&clr.Call{Thread: c.th, Args: args})
}

// try is what f shows, or the exception that it throws.
func (c caller) try(f func() string) (shown string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *clr.Thrown:
			shown = "! " + p.T.Name + ": " + strings.ReplaceAll(p.Message, "\n", `\n`)
		default:
			panic(p)
		}
	}()
	return "= " + f()
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func float(s string) clr.Value {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && f == 0 {
		panic(err)
	}
	return clr.Float(f)
}

func datetime(ticks, kind string) clr.Value { return DateTimeOf(number(ticks), int(number(kind))) }

func truth(v clr.Value) string {
	if v.Bool() {
		return "True"
	}
	return "False"
}

func (c caller) zone(z, d clr.Value) string {
	const key = "System.TimeZoneInfo."
	offset := SpanTicks(c.call(key+"GetUtcOffset(DateTime)", z, d))
	return fmt.Sprintf("%d/%s/%s/%s", offset, truth(c.call(key+"IsDaylightSavingTime(DateTime)", z, d)),
		truth(c.call(key+"IsInvalidTime(DateTime)", z, d)), truth(c.call(key+"IsAmbiguousTime(DateTime)", z, d)))
}

// asks are the questions.
var asks = map[string]func(c caller, a []string) string{
	"gp": func(c caller, a []string) string {
		return guidText(c.th, c.call("System.Guid.Parse(string)", clr.Str(a[0])), "")
	},
	"gn": func(c caller, a []string) string {
		return guidText(c.th, c.call("new System.Guid(string)", clr.Str(a[0])), "")
	},
	"ge": func(c caller, a []string) string {
		return guidText(c.th, c.call("System.Guid.ParseExact(string, string)", clr.Str(a[0]), clr.Str(a[1])), "")
	},
	"gf": func(c caller, a []string) string {
		g := c.call("System.Guid.Parse(string)", clr.Str(a[0]))
		return c.call("System.Guid.ToString(string)", g, clr.Str(a[1])).S
	},
	"tp": func(c caller, a []string) string {
		return fmt.Sprint(SpanTicks(c.call("System.TimeSpan.Parse(string)", clr.Str(a[0]))))
	},
	"tf": func(c caller, a []string) string {
		return c.call("System.TimeSpan.ToString(string)", TimeSpanOf(number(a[0])), clr.Str(a[1])).S
	},
	"dp": func(c caller, a []string) string {
		d := c.call("System.DateTime.Parse(string)", clr.Str(a[0]))
		return fmt.Sprintf("%d/%d", Ticks(d), Kind(d))
	},
	"dr": func(c caller, a []string) string {
		r := reading(c.th)
		r.Roundtrip = true
		ticks, kind, p := r.ParseDateTime(a[0])
		check(&clr.Call{Thread: c.th}, p)
		return fmt.Sprintf("%d/%d", ticks, kind)
	},
	"op": func(c caller, a []string) string {
		d := c.call("System.DateTimeOffset.Parse(string)", clr.Str(a[0]))
		return fmt.Sprintf("%d/%d", ClockTicks(d), int64(OffsetMinutes(d))*TicksPerMinute)
	},
	"df": func(c caller, a []string) string {
		return c.call("System.DateTime.ToString(string)", datetime(a[0], a[1]), clr.Str(a[2])).S
	},
	"of": func(c caller, a []string) string {
		d := c.call("new System.DateTimeOffset(long, TimeSpan)", clr.Long(number(a[0])), TimeSpanOf(number(a[1])))
		return c.call("System.DateTimeOffset.ToString(string)", d, clr.Str(a[2])).S
	},
	"zo": func(c caller, a []string) string {
		return c.zone(c.call("System.TimeZoneInfo.FindSystemTimeZoneById(string)", clr.Str(a[0])), datetime(a[1], a[2]))
	},
	"zs": func(c caller, a []string) string {
		return c.zone(c.call("System.TimeZoneInfo.FromSerializedString(string)", clr.Str(a[0])), datetime(a[1], a[2]))
	},
	"zt": func(c caller, a []string) string {
		z := c.call("System.TimeZoneInfo.FromSerializedString(string)", clr.Str(a[0]))
		return c.call("System.TimeZoneInfo.ToSerializedString()", z).S
	},
	"am": func(c caller, a []string) string {
		return fmt.Sprint(Ticks(c.call("System.DateTime.AddMonths(int)", datetime(a[0], "0"), clr.Int(int32(number(a[1]))))))
	},
	"ay": func(c caller, a []string) string {
		return fmt.Sprint(Ticks(c.call("System.DateTime.AddYears(int)", datetime(a[0], "0"), clr.Int(int32(number(a[1]))))))
	},
	"as": func(c caller, a []string) string {
		return fmt.Sprint(Ticks(c.call("System.DateTime.AddSeconds(double)", datetime(a[0], "0"), float(a[1]))))
	},
	"ad": func(c caller, a []string) string {
		return fmt.Sprint(Ticks(c.call("System.DateTime.AddDays(double)", datetime(a[0], "0"), float(a[1]))))
	},
	"fs": func(c caller, a []string) string {
		return fmt.Sprint(SpanTicks(c.call("System.TimeSpan.FromSeconds(double)", float(a[0]))))
	},
	"fd": func(c caller, a []string) string {
		return fmt.Sprint(SpanTicks(c.call("System.TimeSpan.FromDays(double)", float(a[0]))))
	},
	"tm": func(c caller, a []string) string {
		return fmt.Sprint(SpanTicks(c.call("System.TimeSpan.Multiply(double)", TimeSpanOf(number(a[0])), float(a[1]))))
	},
	"td": func(c caller, a []string) string {
		return fmt.Sprint(SpanTicks(c.call("System.TimeSpan.Divide(double)", TimeSpanOf(number(a[0])), float(a[1]))))
	},
}

// TestMono asks every question of testdata/mono.txt, or of the file in
// MONO_ANSWERS.
func TestMono(t *testing.T) {
	name := os.Getenv("MONO_ANSWERS")
	if name == "" {
		name = "testdata/mono.txt"
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	asked := map[string]int{}
	for s := bufio.NewScanner(f); s.Scan(); {
		parts := strings.Split(s.Text(), "\t")
		want := parts[len(parts)-1]
		c := caller{thread(t)}
		got := c.try(func() string { return asks[parts[0]](c, parts[1:len(parts)-1]) })
		if asked[parts[0]]++; got != want {
			t.Errorf("%q:\n got %s\nwant %s", parts[:len(parts)-1], got, want)
		}
	}
	for name := range asks {
		if asked[name] == 0 {
			t.Errorf("nothing asks %s", name)
		}
	}
}
