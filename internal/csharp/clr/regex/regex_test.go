package regex

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func thread(limits clr.Limits) *clr.Thread {
	t := &clr.Thread{Now: time.Now}
	t.Start(context.Background(), limits)
	return t
}

// call calls a member and gives its value, or what it threw.
func call(t *clr.Thread, f clr.Family, key string, args ...clr.Value) (v clr.Value, thrown any) {
	defer func() { thrown = recover() }()
	return f.Do[space+"."+key](&clr.Call{Thread: t, Args: args}), nil
}

// TestCatastrophic: searches that would take years end, each by its own limit.
func TestCatastrophic(t *testing.T) {
	f := Family()
	input := clr.Str(strings.Repeat("a", 40) + "!")
	pattern := clr.Str(`^(a+)+$`)

	start := time.Now()
	_, thrown := call(thread(clr.DefaultLimits()), f, "Regex.IsMatch(string, string)", input, pattern)
	if e, ok := thrown.(*clr.Thrown); !ok || e.T != clr.RegexTimeoutException {
		t.Errorf("without a timeout: %v", thrown)
	}
	if took := time.Since(start); took > 3*MaxSearch {
		t.Errorf("took %v", took)
	}

	start = time.Now()
	_, thrown = call(thread(clr.DefaultLimits()), f, "Regex.Match(string, string, RegexOptions, TimeSpan)",
		input, pattern, clr.Number(clr.Int32, 0), clr.Value{N: 50 * 10_000, O: clr.TimeSpan})
	if e, ok := thrown.(*clr.Thrown); !ok || e.T != clr.RegexTimeoutException {
		t.Errorf("with a timeout: %v", thrown)
	}
	if took := time.Since(start); took > MaxSearch {
		t.Errorf("with a timeout of 50 ms: took %v", took)
	}

	limits := clr.DefaultLimits()
	limits.Time = 100 * time.Millisecond
	_, thrown = call(thread(limits), f, "Regex.IsMatch(string, string)", input, pattern)
	var limit *clr.LimitError
	if err, ok := thrown.(error); !ok || !errors.As(err, &limit) || limit.Limit != "time" {
		t.Errorf("when the run's time is over: %v", thrown)
	}
}

// TestBounds: patterns and results that are too large end the run.
func TestBounds(t *testing.T) {
	f := Family()
	bounded := func(key string, args ...clr.Value) {
		t.Helper()
		start := time.Now()
		_, thrown := call(thread(clr.DefaultLimits()), f, key, args...)
		var limit *clr.LimitError
		if err, ok := thrown.(error); !ok || !errors.As(err, &limit) {
			t.Errorf("%.40s: %v", key, thrown)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.40s: took %v", key, took)
		}
	}
	bounded("Regex.IsMatch(string, string)", clr.Str(""), clr.Str(strings.Repeat("(", 1000)+strings.Repeat(")", 1000)))
	bounded("Regex.IsMatch(string, string)", clr.Str(""), clr.Str(strings.Repeat("a", MaxPattern+1)))
	bounded("Regex.Replace(string, string, string)",
		clr.Str(strings.Repeat("a", 1<<16)), clr.Str("a"), clr.Str(strings.Repeat("b", 1<<12)))
	bounded("Regex.Replace(string, string, string)",
		clr.Str(strings.Repeat("a", 1<<14)), clr.Str("a"), clr.Str("$_"))
}

// TestCache: patterns are compiled once, many do not stay, and runs side by
// side do not disturb each other.
func TestCache(t *testing.T) {
	c := newCache()
	th := thread(clr.Limits{Steps: 1 << 40, Bytes: 1 << 40, Depth: 10, Time: time.Minute})
	first := c.program(th, "a+", 0)
	if c.program(th, "a+", 8) != first { // Compiled
		t.Error("the same pattern was compiled twice")
	}
	if c.program(th, "a+", ignoreCase) == first {
		t.Error("options make another program")
	}
	for i := range 3 * perGeneration {
		c.program(th, fmt.Sprintf("a{%d}", i), 0)
		if i%100 == 0 && c.program(th, "a+", 0) != first {
			t.Fatal("a pattern that is used was dropped")
		}
	}
	if n := len(c.newer) + len(c.old); n > 2*perGeneration {
		t.Errorf("%d programs are kept", n)
	}
	f := Family()
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for j := range 50 {
				v, thrown := call(thread(clr.DefaultLimits()), f, "Regex.Replace(string, string, string)",
					clr.Str("x1y22"), clr.Str(fmt.Sprintf(`\d{%d}`, 1+j%2)), clr.Str(fmt.Sprint(i)))
				if want := []string{"x%[1]dy%[1]d%[1]d", "x1y%[1]d"}[j%2]; thrown != nil || v.S != fmt.Sprintf(want, i) {
					t.Errorf("%d, %d: %q, %v", i, j, v.S, thrown)
				}
			}
		}()
	}
	wait.Wait()
}

// TestCodeUnits: halves of characters are characters of a pattern.
func TestCodeUnits(t *testing.T) {
	f := func(source string, at, length int) {
		t.Helper()
		th := thread(clr.DefaultLimits())
		p, err := compile(source, 0)
		if err != nil {
			t.Fatal(err)
		}
		m := (&pattern{program: p}).first(th, newSubject(th, "x😀y"), -1)
		if m.from != at || m.count != length {
			t.Errorf("%s: %d, %d", source, m.from, m.count)
		}
	}
	f(`[\ud83d\ude00]`, 1, 1)
	f(`[\ud83d-\ud83e]`, 1, 1)
	f(`\ud83d\ude00`, 1, 2)
	f(`[\ud800-\udfff]{2}`, 1, 2)
	f(`\p{Cs}+`, 1, 2)
	f(`\P{Cs}`, 0, 1)
	f(`[^x\p{Cs}]`, 3, 1)
	f(`[\ud000-\uffff]+`, 1, 2)
	f(`\p{Co}|y`, 3, 1)
	f(`😀`, 1, 2)
	f(`x..y`, 0, 4)
	f(`\W+`, 1, 2)
}

// FuzzPattern: every pattern is an error of .NET's, too large, or one that the
// engine takes and that ends.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{
		`a+`, `(?<n>a|b)\k<n>`, `[a-z-[aeiou]]{2,}?`, `(?i:x)(?#c)`, `(?<=a)b(?!c)`, `(?(1)a|b)`, `\p{Lu}\P{IsGreek}`, `(?<a-b>x)`, `[^\W\d]`, "(", `\`,
	} {
		f.Add(seed, "aXb1 é😀", 0)
	}
	f.Fuzz(func(t *testing.T, source, input string, opts int) {
		options := Options(opts) & (ignoreCase | multiline | explicitCapture | singleline | ignorePatternWhitespace | rightToLeft)
		p, err := compile(source, options)
		if err != nil {
			var large *tooLarge
			if _, ok := err.(*syntaxError); !ok && !errors.As(err, &large) {
				t.Fatalf("%q: %v", source, err)
			}
			if large != nil && strings.HasPrefix(large.most, "what the engine") {
				t.Fatalf("%q: %v", source, err)
			}
			return
		}
		limits := clr.DefaultLimits()
		limits.Time = 200 * time.Millisecond
		th := thread(limits)
		defer func() {
			switch r := recover().(type) {
			case nil, *clr.LimitError, *clr.Thrown:
			default:
				panic(r)
			}
		}()
		in := newSubject(th, strings.ToValidUTF8(input, "?"))
		s := newScan(&pattern{program: p}, in, -1)
		for m := s.next(th); m != nil; m = s.next(th) {
			if m.from < 0 || m.from+m.count > in.len() {
				t.Fatalf("%q: a match at %d of %d", source, m.from, m.count)
			}
		}
	})
}

// BenchmarkIsMatch is what most policies do: a static call with a pattern that
// is the same each time.
func BenchmarkIsMatch(b *testing.B) {
	f := Family()
	th := thread(clr.Limits{Steps: 1 << 60, Bytes: 1 << 60, Depth: 10, Time: time.Hour})
	call := &clr.Call{Thread: th, Args: []clr.Value{clr.Str("/v1/orders/12345/items"), clr.Str(`^/v\d+/orders/(\d+)`)}}
	do := f.Do[space+".Regex.IsMatch(string, string)"]
	b.ReportAllocs()
	for b.Loop() {
		do(call)
	}
}
