package text

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Composite formats: text with holes {index,alignment:format}. As in the
// Framework, a doubled brace inside of a hole's format stands for one brace,
// and spaces may stand around the alignment.

// mostIndex and mostWidth are where .NET stops to read a number.
const (
	mostIndex = 1_000_000
	mostWidth = 1_000_000
)

// FormatComposite is string.Format(format, args). It throws FormatException.
func FormatComposite(t *clr.Thread, format string, args []clr.Value) string {
	f := formatter{t: t, format: format, args: args}
	for f.at < len(format) {
		switch c := format[f.at]; c {
		case '{':
			if f.next(1) == '{' {
				f.put("{")
				f.at += 2
				continue
			}
			f.at++
			f.hole()
		case '}':
			if f.next(1) != '}' {
				f.wrong()
			}
			f.put("}")
			f.at += 2
		default:
			from := f.at
			for f.at < len(format) && format[f.at] != '{' && format[f.at] != '}' {
				f.at++
			}
			f.put(format[from:f.at])
		}
	}
	if f.mend {
		return clr.Mend(string(f.out))
	}
	return string(f.out)
}

type formatter struct {
	t      *clr.Thread
	format string
	at     int
	args   []clr.Value
	out    []byte
	mend   bool
}

func (f *formatter) wrong() { f.t.ThrowFormat(formatMessage) }

// next is the byte n places on; 0: there is none.
func (f *formatter) next(n int) byte {
	if f.at+n < len(f.format) {
		return f.format[f.at+n]
	}
	return 0
}

func (f *formatter) put(s string) {
	f.t.Allocate(len(s))
	f.t.Step()
	f.mend = f.mend || startsLow(s)
	f.out = append(f.out, s...)
}

// number reads digits; there is at least one.
func (f *formatter) number(most int) int {
	if c := f.next(0); c < '0' || c > '9' {
		f.wrong()
	}
	n := 0
	for {
		n = n*10 + int(f.next(0)-'0')
		f.at++
		if f.at == len(f.format) {
			f.wrong()
		}
		if c := f.next(0); c < '0' || c > '9' || n >= most {
			return n
		}
	}
}

func (f *formatter) spaces() {
	for f.next(0) == ' ' {
		f.at++
	}
}

func (f *formatter) hole() {
	index := f.number(mostIndex)
	if index >= len(f.args) {
		f.t.ThrowFormat("Index (zero based) must be greater than or equal to zero and less than the size of the argument list.")
	}
	f.spaces()
	width := 0
	if f.next(0) == ',' {
		f.at++
		f.spaces()
		left := f.next(0) == '-'
		if left {
			f.at++
		}
		if f.at == len(f.format) {
			f.wrong()
		}
		width = f.number(mostWidth)
		if left {
			width = -width
		}
		f.spaces()
	}
	form := ""
	if f.next(0) == ':' {
		f.at++
		form = f.itemFormat()
	}
	if f.next(0) != '}' {
		f.wrong()
	}
	f.at++
	f.put(align(f.t, f.t.Format(f.args[index], form), width))
}

// itemFormat is what stands between : and the closing brace.
func (f *formatter) itemFormat() string {
	var b []byte
	for {
		if f.at == len(f.format) {
			f.wrong()
		}
		switch c := f.next(0); c {
		case '{':
			if f.next(1) != '{' {
				f.wrong()
			}
			f.at++
		case '}':
			if f.next(1) != '}' {
				return string(b)
			}
			f.at++
		}
		b = append(b, f.next(0))
		f.at++
	}
}

// Align fills s with spaces up to width code units: before it, or behind it
// where width is negative. The caller takes the memory.
func Align(s string, width int) string { return align(nil, s, width) }

func align(t *clr.Thread, s string, width int) string {
	left := width < 0
	if left {
		width = -width
	}
	n := width - clr.Length(s)
	if n <= 0 {
		return s
	}
	if t != nil {
		t.Allocate(n + len(s))
	}
	b := make([]byte, 0, n+len(s))
	if left {
		b = append(b, s...)
	}
	for range n {
		b = append(b, ' ')
	}
	if !left {
		b = append(b, s...)
	}
	return string(b)
}

// Interpolate is what {v,width:format} of an interpolated string gives.
func Interpolate(t *clr.Thread, v clr.Value, width int, format string) string {
	return align(t, t.Format(v, format), width)
}
