package regex

import (
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Family is the code of System.Text.RegularExpressions.
func Family() clr.Family {
	r := &regexes{newCache()}
	f := clr.Family{
		Name:  "regex",
		Do:    map[string]clr.Func{},
		Types: []*clr.Type{regexType, matchType, groupType, captureType, matchesType, groupsType, capturesType},
		Hooks: map[string]*clr.Hooks{
			space + ".Regex":   {Text: func(_ *clr.Thread, v clr.Value) string { return v.O.(*pattern).pattern }},
			space + ".Match":   {Text: captureText},
			space + ".Group":   {Text: captureText},
			space + ".Capture": {Text: captureText},
		},
	}
	for _, part := range []map[string]clr.Func{r.matching(), r.replacing(), r.splitting(), captures(), collections()} {
		for key, do := range part {
			f.Do[space+"."+key] = do
		}
	}
	for key, do := range r.constructors() {
		f.Do["new "+space+"."+key] = do
	}
	return f
}

func captureText(t *clr.Thread, v clr.Value) string { _, c := asGroup(v.O); return c.value(t) }

// regexes are the patterns of all runs.
type regexes struct{ cache *cache }

// pattern is the pattern in argument i, with the options and the timeout that
// follow it where there are some.
func (r *regexes) pattern(c *clr.Call, i, options int) *pattern {
	text := c.Text(i, "pattern")
	p := &pattern{}
	if options < len(c.Args) {
		p.options = Options(c.Int(options))
		ecma := p.options&ecmaScript != 0 && p.options&^ecmaAllowed != 0
		if p.options&^allOptions != 0 || ecma {
			c.ThrowRange("options", outOfRange)
		}
	}
	if options+1 < len(c.Args) {
		p.timeout = timeoutOf(c, c.Args[options+1].Int())
	}
	c.Allocate(64)
	p.program = r.cache.program(c.Thread, text, p.options)
	return p
}

const outOfRange = "Specified argument was out of the range of valid values."

// timeoutOf is the duration of a TimeSpan's ticks; 0 for none.
func timeoutOf(c *clr.Call, ticks int64) time.Duration {
	const perMillisecond, most = 10_000, 2147483646
	if ticks == -perMillisecond { // Regex.InfiniteMatchTimeout
		return 0
	}
	if ticks <= 0 || ticks > most*perMillisecond {
		c.ThrowRange("matchTimeout", outOfRange)
	}
	return time.Duration(ticks) * 100
}

// self is the receiver.
func self(c *clr.Call) *pattern { return c.Args[0].O.(*pattern) }

// input is the subject in argument i.
func input(c *clr.Call, i int) *subject { return newSubject(c.Thread, c.Text(i, "input")) }

// startAt is a place in the subject, in argument i.
func startAt(c *clr.Call, i int, in *subject) int {
	at := c.Int(i)
	if at < 0 || at > in.len() {
		c.ThrowRange("startat", "Start index cannot be less than 0 or greater than input length.")
	}
	return at
}

func (r *regexes) constructors() map[string]clr.Func {
	do := func(c *clr.Call) clr.Value { return clr.Obj(r.pattern(c, 0, 1)) }
	return map[string]clr.Func{
		"Regex(string)":                         do,
		"Regex(string, RegexOptions)":           do,
		"Regex(string, RegexOptions, TimeSpan)": do,
	}
}

// matching are IsMatch, Match and Matches.
func (r *regexes) matching() map[string]clr.Func {
	isMatch := func(c *clr.Call) clr.Value {
		p := r.pattern(c, 1, 2)
		return clr.Bool(p.isMatch(c.Thread, c.Text(0, "input")))
	}
	match := func(c *clr.Call) clr.Value {
		p := r.pattern(c, 1, 2)
		return clr.Obj(p.first(c.Thread, input(c, 0), -1))
	}
	matches := func(c *clr.Call) clr.Value {
		p := r.pattern(c, 1, 2)
		return all(c, p, input(c, 0), -1)
	}
	return map[string]clr.Func{
		"Regex.IsMatch(string, string)":                         isMatch,
		"Regex.IsMatch(string, string, RegexOptions)":           isMatch,
		"Regex.IsMatch(string, string, RegexOptions, TimeSpan)": isMatch,
		"Regex.Match(string, string)":                           match,
		"Regex.Match(string, string, RegexOptions)":             match,
		"Regex.Match(string, string, RegexOptions, TimeSpan)":   match,
		"Regex.Matches(string, string)":                         matches,
		"Regex.Matches(string, string, RegexOptions)":           matches,
		"Regex.Matches(string, string, RegexOptions, TimeSpan)": matches,
		"Regex.IsMatch(string)": func(c *clr.Call) clr.Value {
			return clr.Bool(self(c).isMatch(c.Thread, c.Text(1, "input")))
		},
		"Regex.IsMatch(string, int)": func(c *clr.Call) clr.Value {
			in := input(c, 1)
			return clr.Bool(self(c).first(c.Thread, in, startAt(c, 2, in)) != noMatch)
		},
		"Regex.Match(string)": func(c *clr.Call) clr.Value {
			return clr.Obj(self(c).first(c.Thread, input(c, 1), -1))
		},
		"Regex.Match(string, int)": func(c *clr.Call) clr.Value {
			in := input(c, 1)
			return clr.Obj(self(c).first(c.Thread, in, startAt(c, 2, in)))
		},
		"Regex.Match(string, int, int)": func(c *clr.Call) clr.Value {
			in := input(c, 1)
			from, count := c.Int(2), c.Int(3)
			if count < 0 || count > in.len() {
				c.ThrowRange("length", "Length cannot be less than 0 or exceed input length.")
			}
			if from < 0 || from > in.len()-count {
				c.ThrowRange("startat", "Start index cannot be less than 0 or greater than input length.")
			}
			return clr.Obj(self(c).within(c.Thread, in, from, count))
		},
		"Regex.Matches(string)": func(c *clr.Call) clr.Value {
			return all(c, self(c), input(c, 1), -1)
		},
		"Regex.Matches(string, int)": func(c *clr.Call) clr.Value {
			in := input(c, 1)
			return all(c, self(c), in, startAt(c, 2, in))
		},
	}
}

func all(c *clr.Call, p *pattern, in *subject, at int) clr.Value {
	return clr.Obj(&matchesOf{t: c.Thread, scan: newScan(p, in, at)})
}

// replacing are Replace and Unescape.
func (r *regexes) replacing() map[string]clr.Func {
	static := func(c *clr.Call) clr.Value {
		p := r.pattern(c, 1, 3)
		return replaceBy(c, p, c.Text(0, "input"), 2, -1, -1)
	}
	evaluated := func(c *clr.Call) clr.Value {
		p := r.pattern(c, 1, 3)
		return evaluate(c, p, c.Text(0, "input"), 2, -1, -1)
	}
	return map[string]clr.Func{
		"Regex.Replace(string, string, string)":                                 static,
		"Regex.Replace(string, string, string, RegexOptions)":                   static,
		"Regex.Replace(string, string, string, RegexOptions, TimeSpan)":         static,
		"Regex.Replace(string, string, MatchEvaluator)":                         evaluated,
		"Regex.Replace(string, string, MatchEvaluator, RegexOptions)":           evaluated,
		"Regex.Replace(string, string, MatchEvaluator, RegexOptions, TimeSpan)": evaluated,
		"Regex.Replace(string, string)": func(c *clr.Call) clr.Value {
			return replaceBy(c, self(c), c.Text(1, "input"), 2, -1, -1)
		},
		"Regex.Replace(string, string, int)": func(c *clr.Call) clr.Value {
			return replaceBy(c, self(c), c.Text(1, "input"), 2, c.Int(3), -1)
		},
		"Regex.Replace(string, string, int, int)": func(c *clr.Call) clr.Value {
			return replaceBy(c, self(c), c.Text(1, "input"), 2, c.Int(3), 4)
		},
		"Regex.Replace(string, MatchEvaluator)": func(c *clr.Call) clr.Value {
			return evaluate(c, self(c), c.Text(1, "input"), 2, -1, -1)
		},
		"Regex.Replace(string, MatchEvaluator, int)": func(c *clr.Call) clr.Value {
			return evaluate(c, self(c), c.Text(1, "input"), 2, c.Int(3), -1)
		},
		"Regex.Replace(string, MatchEvaluator, int, int)": func(c *clr.Call) clr.Value {
			return evaluate(c, self(c), c.Text(1, "input"), 2, c.Int(3), 4)
		},
		"Regex.Unescape(string)": func(c *clr.Call) clr.Value {
			return unescape(c.Thread, c.Text(0, "str"))
		},
	}
}

// replaceBy replaces matches by the replacement pattern in argument with; at
// is the argument with the place to begin, or -1.
func replaceBy(c *clr.Call, p *pattern, s string, with, count, at int) clr.Value {
	parts := p.parts(c.Thread, c.Text(with, "replacement"))
	at = checkReplace(c, s, count, at)
	return p.replace(c.Thread, s, count, at, func(out *output, m *match) { m.expand(out, parts) })
}

// evaluate replaces matches by what a delegate makes of them.
func evaluate(c *clr.Call, p *pattern, s string, with, count, at int) clr.Value {
	c.NotNull(with, "evaluator")
	at = checkReplace(c, s, count, at)
	return p.replace(c.Thread, s, count, at, func(out *output, m *match) {
		out.text(c.Invoke(c.Args[with], clr.Obj(m)).S)
	})
}

// checkReplace checks the count and the place to begin, and is the latter.
func checkReplace(c *clr.Call, s string, count, at int) int {
	if count < -1 {
		c.ThrowRange("count", "Count cannot be less than -1.")
	}
	if at < 0 {
		return -1
	}
	if from := c.Int(at); from >= 0 && from <= clr.Length(s) {
		return from
	}
	c.ThrowRange("startat", "Start index cannot be less than 0 or greater than input length.")
	return -1
}

func (r *regexes) splitting() map[string]clr.Func {
	static := func(c *clr.Call) clr.Value {
		p := r.pattern(c, 1, 2)
		return p.split(c.Thread, c.Text(0, "input"), 0, -1)
	}
	return map[string]clr.Func{
		"Regex.Split(string, string)":                         static,
		"Regex.Split(string, string, RegexOptions)":           static,
		"Regex.Split(string, string, RegexOptions, TimeSpan)": static,
		"Regex.Split(string)": func(c *clr.Call) clr.Value {
			return self(c).split(c.Thread, c.Text(1, "input"), 0, -1)
		},
		"Regex.Split(string, int)": func(c *clr.Call) clr.Value {
			s := c.Text(1, "input")
			return self(c).split(c.Thread, s, splitCount(c), -1)
		},
		"Regex.Split(string, int, int)": func(c *clr.Call) clr.Value {
			s := c.Text(1, "input")
			count := splitCount(c)
			return self(c).split(c.Thread, s, count, checkReplace(c, s, 0, 3))
		},
	}
}

func splitCount(c *clr.Call) int {
	n := c.Int(2)
	if n < 0 {
		c.ThrowRange("count", "Count cannot be less than -1.")
	}
	return n
}

// unescape is Regex.Unescape.
func unescape(t *clr.Thread, s string) (v clr.Value) {
	t.Work(len(s))
	t.Allocate(len(s) * 4)
	p := &parser{in: units(s)}
	var out []uint16
	err := func() (err *syntaxError) {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case *syntaxError:
				err = r
			default:
				panic(r)
			}
		}()
		for p.left() > 0 {
			c := p.next()
			if c == '\\' && p.left() > 0 {
				c = p.char()
			} else if c == '\\' {
				break
			}
			out = append(out, c)
		}
		return nil
	}()
	if err != nil {
		t.ThrowArgument(`parsing "`+s+`" - `+err.text, "")
	}
	return t.New(text(out))
}
