package number

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// perMille is the character that multiplies by a thousand.
const perMille = "‰"

// layout is what a section of a custom format says about the number before any
// of it is written.
type layout struct {
	places     int // digits that the section has place for
	point      int // how many of them stand before the point
	firstZero  int // the first place that is always written, from the left; -1: none
	lastZero   int // the places up to the last that is always written
	scientific bool
	thousands  bool
	shift      int // powers of ten that the number is multiplied by
}

// picture writes a number in a custom format, which never fails: what it does
// not know is text.
func picture(n *digits, format string) string {
	if i := strings.IndexByte(format, 0); i >= 0 {
		format = format[:i]
	}
	section, own := sectionOf(format, n)
	l := read(section)
	if len(n.d) > 0 {
		n.point += l.shift
		keep := n.point + l.places - l.point
		if l.scientific {
			keep = l.places
		}
		n.round(keep)
		if len(n.d) == 0 {
			n.neg = false
			if zero, found := sectionOf(format, n); zero != section || found != own {
				section, own = zero, found
				l = read(section)
			}
		}
	} else {
		n.neg, n.point = false, 0
	}
	p := painter{n: n, layout: l, out: make([]byte, 0, len(section)+len(n.d)+16)}
	if n.neg && !own {
		p.out = append(p.out, '-')
	}
	sign := len(p.out)
	p.paint(section)
	if len(p.out) == sign && n.point == 0 {
		return ""
	}
	return string(p.out)
}

// sectionOf is the part of a format that is for the number: a second one is for
// those below zero, a third for zero. own: it says the sign by itself.
func sectionOf(format string, n *digits) (section string, own bool) {
	sections := split(format)
	switch {
	case len(n.d) == 0:
		if len(sections) > 2 && sections[2] != "" {
			return sections[2], true
		}
	case n.neg && len(sections) > 1 && sections[1] != "":
		return sections[1], true
	}
	return sections[0], false
}

// split cuts a format at its semicolons; only the first three parts count.
func split(format string) []string {
	var out []string
	start := 0
	for i := 0; i < len(format) && len(out) < 3; {
		if format[i] == ';' {
			out = append(out, format[start:i])
			i++
			start = i
			continue
		}
		i = skip(format, i)
	}
	return append(out, format[start:])
}

// skip is the place after the character or quoted text at i.
func skip(format string, i int) int {
	switch c := format[i]; c {
	case '\'', '"':
		if end := strings.IndexByte(format[i+1:], c); end >= 0 {
			return i + end + 2
		}
		return len(format)
	case '\\':
		if i+1 < len(format) {
			_, size := clr.Decode(format[i+1:])
			return i + 1 + size
		}
	}
	_, size := clr.Decode(format[i:])
	return i + size
}

// read finds the layout of a section.
func read(section string) layout {
	l := layout{point: -1, firstZero: -1}
	comma, commas := -1, 0
	for i := 0; i < len(section); {
		end := skip(section, i)
		switch c := section[i]; c {
		case '#', '0':
			if c == '0' && l.firstZero < 0 {
				l.firstZero = l.places
			}
			l.places++
			if c == '0' {
				l.lastZero = l.places
			}
		case '.':
			if l.point < 0 {
				l.point = l.places
			}
		case ',':
			if l.places == 0 || l.point >= 0 {
				break
			}
			if comma == l.places {
				commas++
				break
			}
			l.thousands = l.thousands || comma >= 0
			comma, commas = l.places, 1
		case '%':
			l.shift += 2
		case 'E', 'e':
			if e := exponentAt(section, i); e.zeros > 0 {
				l.scientific, end = true, e.end // its zeros are no places
			}
		default:
			if strings.HasPrefix(section[i:], perMille) {
				l.shift += 3
			}
		}
		i = end
	}
	if l.point < 0 {
		l.point = l.places
	}
	if comma >= 0 {
		if comma == l.point {
			l.shift -= 3 * commas
		} else {
			l.thousands = true
		}
	}
	return l
}

// expMark is what an E begins: a sign, and zeros that make it an exponent.
type expMark struct {
	zeros int
	plus  bool
	end   int
}

func exponentAt(section string, i int) (e expMark) {
	e.end = i + 1
	if e.end < len(section) && (section[e.end] == '+' || section[e.end] == '-') {
		e.plus = section[e.end] == '+'
		e.end++
	}
	for ; e.end < len(section) && section[e.end] == '0'; e.end++ {
		e.zeros++
	}
	return e
}

// painter writes a number into the places of a section.
type painter struct {
	layout
	n   *digits
	out []byte
	// next is the digit to write, place how many places are left before the
	// point; extra digits stand before the first place, or, below zero, places
	// before the first digit.
	next, place, extra int
	// always: places up to this one are written, and below zero those up to
	// least.
	always, least int
	// count is how many digits stand before the point.
	count   int
	pointed bool
}

func (p *painter) paint(section string) {
	if p.firstZero >= 0 && p.firstZero < p.point {
		p.always = p.point - p.firstZero
	}
	if p.lastZero > p.point {
		p.least = p.point - p.lastZero
	}
	p.place = p.point
	if !p.scientific {
		p.place, p.extra = max(p.n.point, p.point), p.n.point-p.point
	}
	p.count = max(p.always, p.place+min(p.extra, 0))
	for i := 0; i < len(section); {
		end := skip(section, i)
		switch c := section[i]; c {
		case '#', '0':
			p.before()
			p.digit()
		case '.':
			p.before()
			p.decimalPoint()
		case ',':
		case '\'', '"':
			text := section[i+1 : end]
			if end > i+1 && section[end-1] == c {
				text = text[:len(text)-1]
			}
			p.out = append(p.out, text...)
		case '\\':
			p.out = append(p.out, section[i+1:end]...)
		case 'E', 'e':
			end = p.exponent(section, i)
		default:
			p.out = append(p.out, section[i:end]...)
		}
		i = end
	}
}

// before writes the digits that have no place of their own.
func (p *painter) before() {
	for ; p.extra > 0; p.extra-- {
		p.put(p.take())
	}
}

// take is the next digit.
func (p *painter) take() byte {
	c := p.n.at(p.next)
	if p.next < len(p.n.d) {
		p.next++
	}
	return c
}

// put writes a digit, and a comma after it where thousands end.
func (p *painter) put(c byte) {
	p.out = append(p.out, c)
	p.place--
	if p.thousands && p.place > 0 && p.place%3 == 0 && p.place < p.count {
		p.out = append(p.out, ',')
	}
}

func (p *painter) digit() {
	switch {
	case p.extra < 0:
		p.extra++
		if p.place > p.always {
			p.place--
			return
		}
		p.put('0')
	case p.next < len(p.n.d) || p.place > p.least:
		p.put(p.take())
	default:
		p.place--
	}
}

func (p *painter) decimalPoint() {
	if p.place != 0 || p.pointed {
		return
	}
	if p.least < 0 || p.point < p.places && p.next < len(p.n.d) {
		p.out = append(p.out, '.')
		p.pointed = true
	}
}

// exponent writes what an E stands for; end is where the section goes on.
func (p *painter) exponent(section string, i int) (end int) {
	e := exponentAt(section, i)
	if !p.scientific || e.zeros == 0 {
		p.out = append(p.out, section[i:e.end]...)
		return e.end
	}
	exp := 0
	if len(p.n.d) > 0 {
		exp = p.n.point - p.point
	}
	p.out = exponent(p.out, section[i], exp, min(e.zeros, 10), e.plus)
	p.scientific = false
	return e.end
}
