package liquid

import (
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// white is what Trim() takes off, as far as it is ASCII.
const white = " \t\r\n\v\f\u0085\u00a0"

func lower(_ *filtering, s string) string { return text.ToLower(s) }
func upper(_ *filtering, s string) string { return text.ToUpper(s) }

func escape(f *filtering, s string) string {
	f.Allocate(5 * len(s))
	return text.HtmlEncode(s)
}

func urlEncode(f *filtering, s string) string {
	f.Allocate(2 * len(s))
	return text.UrlEncode(s)
}

func urlDecode(_ *filtering, s string) string { return text.UrlDecode(s) }

// titled is ToTitleCase: words begin with a capital, and those in capitals stay.
func titled(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); {
		if !unicode.IsLetter(runes[i]) {
			b.WriteRune(runes[i])
			i++
			continue
		}
		end, lower := i, false
		for end < len(runes) && (unicode.IsLetter(runes[end]) || unicode.IsMark(runes[end]) || runes[end] == '\'') {
			lower = lower || unicode.IsLower(runes[end])
			end++
		}
		word := string(runes[i:end])
		if lower || end == i+1 {
			word = string(unicode.ToTitle(runes[i])) + text.ToLower(string(runes[i+1:end]))
		}
		b.WriteString(word)
		i = end
	}
	return b.String()
}

func newlines(before string) func(f *filtering, s string) string {
	return func(f *filtering, s string) string {
		f.Allocate(len(before) * strings.Count(s, "\n"))
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] == '\n' || s[i] == '\r' && strings.HasPrefix(s[i:], "\r\n") {
				b.WriteString(before)
				if s[i] == '\r' {
					b.WriteByte('\r')
					i++
				}
			}
			b.WriteByte(s[i])
		}
		return b.String()
	}
}

// replaced is string.Replace.
func replaced(f *filtering, s, old, with string) string {
	if old == "" {
		return s
	}
	if n := strings.Count(s, old); len(with) > len(old) {
		f.Allocate(n * (len(with) - len(old)))
	}
	return strings.ReplaceAll(s, old, with)
}

// replace is Regex.Replace, as the templates count on that API Management makes
// of SOAP services.
func replace(f *filtering, s string) string {
	pattern, with := f.arg(0), f.second()
	if s == "" || pattern == "" {
		return s
	}
	return f.patterns.Replace(f.Thread, s, pattern, with, -1)
}

func (f *filtering) second() string {
	if len(f.args) < 2 {
		return ""
	}
	return f.arg(1)
}

func replaceFirst(f *filtering, s string) string { return f.replaceFirst(s, f.arg(0), f.second()) }

func (f *filtering) replaceFirst(s, pattern, with string) string {
	if s == "" || pattern == "" {
		return s
	}
	return f.patterns.ReplaceText(f.Thread, s, pattern, with, 1)
}

// stripHTML takes scripts, styles, comments and tags out.
func stripHTML(f *filtering, s string) string {
	s = f.patterns.Replace(f.Thread, s, `(?is)<script.*?</script>|<!--.*?-->|<style.*?</style>`, "", -1)
	return f.patterns.Replace(f.Thread, s, `(?s)<.*?>`, "", -1)
}

func truncate(f *filtering, s string) string {
	n, mark := f.number(0, 50), "..."
	if len(f.args) > 1 {
		mark = f.arg(1)
	}
	switch {
	case s == "":
		return s
	case n < 0:
		return mark
	case clr.Length(s) <= n:
		return s
	}
	return clr.Slice(s, 0, max(n-clr.Length(mark), 0)) + mark
}

func truncateWords(f *filtering, s string) string {
	n, mark := f.number(0, 15), "..."
	if len(f.args) > 1 {
		mark = f.arg(1)
	}
	if s == "" {
		return s
	}
	if n <= 0 {
		return mark
	}
	f.Allocate(16 * (strings.Count(s, " ") + 1))
	words := strings.Split(s, " ")
	if len(words) <= n {
		return s
	}
	return strings.Join(words[:n], " ") + mark
}

// split drops what is empty between two separators.
func split(f *filtering) clr.Value {
	s, by := f.text(f.in), f.arg(0)
	if strings.Trim(s, white) == "" {
		return clr.Obj(list{clr.Str(s)})
	}
	if by == "" {
		items, _ := f.items(clr.Str(s))
		return clr.Obj(list(items))
	}
	f.Allocate(valueSize * (strings.Count(s, by) + 1))
	out := list{}
	for part := range strings.SplitSeq(s, by) {
		f.Step()
		if part != "" {
			out = append(out, clr.Str(part))
		}
	}
	return clr.Obj(out)
}

// slice is a part of a text, or of a list of texts, which becomes one text.
func slice(f *filtering) clr.Value {
	start, n := f.number(0, 0), f.number(1, 1)
	if s, ok := f.asText(f.in); ok {
		length := clr.Length(s)
		if start > length {
			return clr.Null
		}
		if start < 0 {
			if start += length; start < 0 {
				n = max(0, n+start)
				start = 0
			}
		}
		return f.str(clr.Slice(s, start, max(0, min(n, length-start))))
	}
	items, ok := f.list(f.in)
	if !ok {
		return f.in
	}
	for _, v := range items {
		if !v.Is(clr.String) {
			return f.in
		}
	}
	if start < 0 {
		start = max(0, len(items)+start)
	}
	items = items[min(start, len(items)):]
	return f.str(f.text(clr.Obj(list(items[:max(0, min(n, len(items)))]))))
}

func byDefault(f *filtering) clr.Value {
	if !f.in.IsNull() {
		if s := f.text(f.in); strings.Trim(s, white) != "" {
			return f.str(s)
		}
	}
	return f.str(f.arg(0))
}

// date is DateTime.ToString(format); what is no date stays as it is.
func date(f *filtering) clr.Value {
	if f.in.IsNull() {
		return clr.Null
	}
	v, format := f.scalar(f.in), f.arg(0)
	if !v.Is(clr.DateTime) {
		s := f.text(v)
		switch {
		case strings.EqualFold(s, "now"), strings.EqualFold(s, "today"):
			v = clock.FromTime(f.Now())
		default:
			moment, ok := f.become(clr.Str(s), clr.DateTime)
			if !ok || strings.Trim(format, white) == "" {
				return clr.Str(s)
			}
			v = moment
		}
	}
	if strings.Trim(format, white) == "" {
		return f.str(f.Text(v))
	}
	return f.str(f.Format(v, format))
}

// currency writes an amount as in the United States.
func currency(f *filtering) clr.Value {
	if f.in.IsNull() {
		return clr.Null
	}
	if len(f.args) > 0 {
		if tag := f.arg(0); tag != "" && !strings.EqualFold(tag, "en-US") {
			f.Throw(clr.ArgumentException, "Currency knows en-US alone.")
		}
	}
	v := f.scalar(f.in)
	amount, ok := f.become(v, clr.Decimal)
	if s, is := f.asText(v); is {
		amount, ok = f.become(clr.Str(strings.ReplaceAll(strings.Trim(strings.TrimSpace(s), "$"), ",", "")), clr.Decimal)
	}
	if !ok {
		return f.str(f.text(v))
	}
	d := number.DecimalOf(amount)
	sign := ""
	if d.Sign() < 0 {
		sign = "-"
	}
	return f.str(sign + "$" + f.Format(d.Abs().Value(), "N2"))
}
