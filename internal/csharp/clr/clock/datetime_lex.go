package clock

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// unknownWord is what the class library says of a word that is in no date: the
// name of a text that Mono's copy of it lacks.
const unknownWord = "Format_UnknownDateTimeWord"

func (d *dateReader) peek() byte {
	if d.i < len(d.s) {
		return d.s[d.i]
	}
	return 0
}

// space skips white space.
func (d *dateReader) space() {
	for d.i < len(d.s) {
		r, size := utf8.DecodeRuneInString(d.s[d.i:])
		if !isSpace(r) {
			return
		}
		d.i += size
	}
}

// skipTo skips white space and c, if both stand here.
func (d *dateReader) skipTo(c byte) bool {
	d.space()
	if d.peek() != c {
		return false
	}
	d.i++
	return true
}

func (d *dateReader) twoDigits() (int, bool) {
	s := d.s[d.i:]
	if len(s) < 2 || !isDigit(s[0]) || !isDigit(s[1]) {
		return 0, false
	}
	d.i += 2
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

// decimals reads the digits behind a point. They are added up as .NET does,
// whose last tick depends on it.
func (d *dateReader) decimals() (float64, bool) {
	start, sum, unit := d.i, 0.0, 0.1
	for ; isDigit(d.peek()); d.i++ {
		sum += float64(d.peek()-'0') * unit
		unit *= 0.1
	}
	return sum, d.i > start
}

// digits reads digits; more than eight are none.
func (d *dateReader) digits() (value, length int) {
	start := d.i
	for ; isDigit(d.peek()); d.i++ {
		if d.i-start < 8 {
			value = value*10 + int(d.peek()-'0')
		}
	}
	return value, d.i - start
}

// zoneOffset reads an offset in minutes: +2, +02:00, +0200.
func (d *dateReader) zoneOffset() (int, bool) {
	negative := d.peek() == '-'
	d.i++
	hours, length := d.digits()
	minutes := 0
	switch length {
	case 1, 2:
		if d.peek() == ':' {
			d.i++
			if minutes, length = d.digits(); length < 1 || length > 2 {
				return 0, false
			}
		}
	case 3, 4:
		hours, minutes = hours/100, hours%100
	default:
		return 0, false
	}
	if minutes >= 60 {
		return 0, false
	}
	minutes += hours * 60
	if negative {
		minutes = -minutes
	}
	return minutes, true
}

// punctuation takes what Basic puts around a date, #1/2/2020#, and zeros at
// the end.
func (d *dateReader) punctuation() bool {
	switch d.peek() {
	case '#':
		found := 0
		for _, r := range d.s {
			switch {
			case r == '#':
				if found++; found > 2 {
					return false
				}
			case r == 0:
				if found != 2 {
					return false
				}
			case !isSpace(r) && found != 1:
				return false
			}
		}
		if found != 2 {
			return false
		}
		d.i++
		return true
	case 0:
		if strings.Trim(d.s[d.i:], "\x00") != "" {
			return false
		}
		d.i = len(d.s)
		return true
	}
	return false
}

// token reads the next token where state at is reached.
func (d *dateReader) token(at state) (token, *Problem) {
	d.space()
	if d.i >= len(d.s) {
		return atEnd, nil
	}
	c := d.s[d.i]
	if isDigit(c) {
		return d.numberToken(at)
	}
	if c == ',' || c == '.' {
		d.i++
		return noToken, nil
	}
	if w, ok := d.word(words); ok {
		return d.wordToken(w, at)
	}
	r, _ := utf8.DecodeRuneInString(d.s[d.i:])
	if unicode.IsLetter(r) {
		return 0, badFormat(unknownWord)
	}
	if (c == '+' || c == '-') && !d.zoned {
		start := d.i
		if offset, ok := d.zoneOffset(); ok {
			d.offset, d.zoned = offset, true
			return noToken, nil
		}
		d.i = start
	}
	if d.punctuation() {
		return noToken, nil
	}
	return 0, badFormat(notADate)
}

// word is a word of a date: what it means, and which month or day it is.
type word struct {
	text    string
	meaning byte
	value   int
}

// words are those between numbers, separators those that may follow one.
var words = func() []word {
	w := []word{{"am", 'a', 0}, {"pm", 'p', 0}, {"gmt", 'z', 0}, {"z", 'z', 0}, {"a.d.", 'e', 0}, {"ad", 'e', 0}}
	for i, name := range monthNames {
		name = strings.ToLower(name)
		w = append(w, word{name, 'm', i + 1}, word{name[:abbreviated], 'm', i + 1})
	}
	for i, name := range dayNames {
		name = strings.ToLower(name)
		w = append(w, word{name, 'w', i}, word{name[:abbreviated], 'w', i})
	}
	return w
}()

// The units are those of Chinese, Japanese and Korean, which .NET knows
// everywhere.
var separators = []word{
	{"/", '/', 0}, {"-", '-', 0}, {":", ':', 0}, {"am", 'a', 0}, {"pm", 'p', 0}, {"t", 'T', 0},
	{"年", 'Y', 'y'}, {"月", 'Y', 'M'}, {"日", 'Y', 'd'}, {"년", 'Y', 'y'}, {"월", 'Y', 'M'}, {"일", 'Y', 'd'},
	{"時", 'H', 'h'}, {"时", 'H', 'h'}, {"分", 'H', 'm'}, {"秒", 'H', 's'}, {"시", 'H', 'h'}, {"분", 'H', 'm'}, {"초", 'H', 's'},
}

// word reads one of the words, which no letter may follow.
func (d *dateReader) word(of []word) (word, bool) {
	rest := d.s[d.i:]
	for _, w := range of {
		if len(rest) < len(w.text) || !strings.EqualFold(rest[:len(w.text)], w.text) {
			continue
		}
		if c := w.text[0]; c >= 'a' {
			if r, _ := utf8.DecodeRuneInString(rest[len(w.text):]); unicode.IsLetter(r) {
				continue
			}
		}
		d.i += len(w.text)
		return w, true
	}
	return word{}, false
}

func (d *dateReader) wordToken(w word, at state) (token, *Problem) {
	wrong := badFormat(notADate)
	switch w.meaning {
	case 'a', 'p':
		if d.half != unset {
			return 0, wrong
		}
		d.half = int(w.meaning)
		return noToken, nil
	case 'z':
		if d.zoned {
			return 0, wrong
		}
		d.zoned, d.utc = true, true
		return zoneToken, nil
	case 'w':
		if d.weekday != unset {
			return 0, wrong
		}
		d.weekday = w.value
		return weekday, nil
	case 'm':
		if d.monthName != unset {
			return 0, wrong
		}
		d.monthName = w.value
		before := d.i
		switch sep := d.separator(); sep.meaning {
		case '$':
			return monthEnd, nil
		case ' ':
			return monthSpace, nil
		case '/':
			return monthDate, nil
		case '-':
			return d.dateOrOffset(at, monthDate, monthSpace, before), nil
		}
		return 0, wrong
	}
	return eraToken, nil
}

// separator reads what follows a number or a month: '$' for the end, ' ' where
// the next is no separator.
func (d *dateReader) separator() word {
	d.space()
	if d.i >= len(d.s) {
		return word{meaning: '$'}
	}
	if !isDigit(d.s[d.i]) {
		if w, ok := d.word(separators); ok {
			return w
		}
	}
	return word{meaning: ' '}
}

// dateOrOffset decides what - is: it goes on with a date, or the date is
// complete and an offset follows.
func (d *dateReader) dateOrOffset(at state, date, space token, before int) token {
	if next[at][date] == wrong && next[at][space].isForm() {
		d.i = before
		return space
	}
	return date
}

func (d *dateReader) numberToken(at state) (token, *Problem) {
	wrong := badFormat(notADate)
	value, length := d.digits()
	if length > 8 || d.count == len(d.numbers) {
		return 0, wrong
	}
	if (at == gotNT || at == gotNTNT) && !d.behindTime(at) {
		return 0, wrong
	}
	before := d.i
	sep := d.separator()
	d.number = value
	if length >= 3 {
		if d.longYear != unset {
			return 0, wrong
		}
		d.longYear = value
	}
	switch sep.meaning {
	case 'a', 'p':
		if d.half != unset {
			return 0, wrong
		}
		d.half = int(sep.meaning)
	case 'Y':
		if d.unit = byte(sep.value); d.unit == 'y' && length < 3 {
			d.number = fullYear(value)
		}
		return numberDateUnit, nil
	case 'H':
		d.unit = byte(sep.value)
		return numberTimeUnit, nil
	}
	if length >= 3 {
		return d.yearToken(at, sep, before)
	}
	return d.shortToken(at, sep, before)
}

// behindTime reads the fraction of a second, and an offset, behind 10:20:30.
func (d *dateReader) behindTime(at state) (ok bool) {
	if d.i >= len(d.s)-1 {
		return true
	}
	if d.peek() == '.' && at == gotNTNT {
		d.i++
		d.fraction, _ = d.decimals()
	} else if c := d.peek(); (c == '+' || c == '-') && d.zoned {
		return false
	}
	before := d.i
	d.space()
	if c := d.peek(); (c == '+' || c == '-') && !d.zoned {
		if d.offset, d.zoned = d.zoneOffset(); d.zoned {
			return true
		}
		d.offset = 0
	}
	d.i = before
	return true
}

func (d *dateReader) yearToken(at state, sep word, before int) (token, *Problem) {
	switch sep.meaning {
	case '$':
		return yearEnd, nil
	case ' ', 'a', 'p':
		return yearSpace, nil
	case '/':
		return yearDate, nil
	case '-':
		return d.dateOrOffset(at, yearDate, yearSpace, before), nil
	}
	return 0, badFormat(notADate)
}

func (d *dateReader) shortToken(at state, sep word, before int) (t token, p *Problem) {
	switch sep.meaning {
	case '$':
		t = numberEnd
	case ' ':
		t = numberSpace
	case '/':
		t = numberDate
	case '-':
		t = d.dateOrOffset(at, numberDate, numberSpace, before)
	case ':':
		t = numberTime
	case 'T':
		t = numberT
	case 'a', 'p':
		t = numberAMPM
		if at == gotNDN {
			// 1/2 10 AM: the date is complete.
			if !d.form(formNN) {
				return 0, badFormat(notADate)
			}
			d.count = 0
		}
	}
	d.numbers[d.count] = d.number
	d.count++
	return t, nil
}
