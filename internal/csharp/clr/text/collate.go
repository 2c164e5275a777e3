package text

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The invariant culture compares words as a dictionary does, in levels: first
// the characters themselves (spaces and punctuation, signs, digits, letters by
// alphabet), then accents, then case (small before capital), last hyphens,
// apostrophes and control characters, which count nowhere else. Some characters
// do not count at all.
//
// For ASCII the order below is the whole truth. Beyond it characters are taken
// apart (Unicode's canonical and compatibility forms), and alphabets are
// ordered by golang.org/x/text/collate; the order of rarer signs among each
// other is that of their code points, which neither Mono nor ICU has exactly.

// weight is what one character, or part of one, counts.
type weight struct {
	primary  uint64 // 0: counts only by last
	accent   uint16
	kind     uint8 // 0 small, 14 a variant, 18 capital
	last     uint16
	nothing  bool // does not count at all
	joins    bool // an accent, which belongs to what is before it
	expanded bool // not the first of several parts
}

const (
	capital      = 18
	variant      = 14
	plainAccent  = 2
	classPunct   = 7 << 56
	classMath    = 8 << 56
	classSign    = 10 << 56
	classDigit   = 12 << 56
	classLetter  = 14 << 56
	letterAfterZ = 1 << 40 // letters beyond ASCII: their keys stand above this
)

// asciiOrder are the characters of ASCII that count at the first level, and
// what of Latin-1 stands between them.
const asciiOrder = " \u00a0\t\n\v\f\r!\"#$%&()*,./:;?@[\\]^_`{|}~¡¦¨¯´¸¿"

const mathOrder = "+<=>±«»×÷"

var asciiWeights = func() (out [256]weight) {
	for c := range out {
		out[c] = weight{nothing: true}
	}
	place := uint64(0)
	for _, r := range asciiOrder {
		place++
		out[r] = weight{primary: classPunct | place, accent: plainAccent}
	}
	for _, r := range mathOrder {
		place++
		out[r] = weight{primary: classMath | place, accent: plainAccent}
	}
	for r := 0xA2; r < 0xC0; r++ {
		if out[r].nothing {
			out[r] = weight{primary: classSign | uint64(r), accent: plainAccent}
		}
	}
	for c := '0'; c <= '9'; c++ {
		out[c] = weight{primary: classDigit | uint64(c)<<8, accent: plainAccent}
	}
	for c := 'a'; c <= 'z'; c++ {
		out[c] = weight{primary: classLetter | uint64(c), accent: plainAccent}
		out[c-32] = weight{primary: classLetter | uint64(c), accent: plainAccent, kind: capital}
	}
	for c := 1; c < 0xA0; c++ {
		if out[c].nothing {
			out[c] = weight{last: uint16(2 + c)}
		}
	}
	out['\''], out['-'], out[0xAD] = weight{last: 0x180}, weight{last: 0x182}, weight{last: 0x183}
	return out
}()

// expansions are letters that count as several.
var expansions = map[rune]string{
	'ß': "ss", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE", 'þ': "th", 'Þ': "TH", 'ĳ': "ij", 'Ĳ': "IJ",
	'ﬀ': "ff", 'ﬁ': "fi", 'ﬂ': "fl", 'ﬃ': "ffi", 'ﬄ': "ffl",
}

// strokes are letters that count as another one with an accent.
var strokes = map[rune]struct {
	base   rune
	accent uint16
}{
	'ø': {'o', 0x21}, 'Ø': {'O', 0x21}, 'đ': {'d', 0x1E}, 'Đ': {'D', 0x1E}, 'ð': {'d', 0x68}, 'Ð': {'D', 0x68}, 'ł': {'l', 0x1F}, 'Ł': {'L', 0x1F},
	'ħ': {'h', 0x1E}, 'Ħ': {'H', 0x1E}, 'ŧ': {'t', 0x1E}, 'Ŧ': {'T', 0x1E}, 'ı': {'i', 3}, 'ĸ': {'k', 3}, 'ŋ': {'n', 0x80}, 'Ŋ': {'N', 0x80},
	'ª': {'a', 3}, 'º': {'o', 3},
}

// accents are what combining characters add.
var accents = map[rune]uint16{
	0x300: 13, 0x301: 12, 0x302: 16, 0x303: 23, 0x304: 21, 0x306: 19, 0x307: 14, 0x308: 17, 0x30A: 24, 0x30B: 27, 0x30C: 18, 0x327: 26, 0x328: 25,
	0x31B: 80,
}

// weights appends what r counts to out.
func weights(out []weight, r rune) []weight {
	if r < 0x80 {
		return append(out, asciiWeights[r])
	}
	if r < 0x100 && asciiWeights[r] != (weight{nothing: true}) && r != 'ª' && r != 'º' && !(r >= 0xB2 && r <= 0xBE && unicode.IsNumber(r)) {
		return append(out, asciiWeights[r])
	}
	if s, ok := expansions[r]; ok {
		for i, c := range s {
			w := asciiWeights[c]
			w.expanded = i > 0
			out = append(out, w)
		}
		return out
	}
	if s, ok := strokes[r]; ok {
		w := asciiWeights[s.base]
		w.accent = s.accent
		return append(out, w)
	}
	if r >= 0x2010 && r <= 0x2015 {
		return append(out, weight{last: 0x184 + uint16(r-0x2010)})
	}
	if unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) || r == 0xFFFD || r > 0xFFFF {
		return append(out, otherWeight(r))
	}
	if unicode.Is(unicode.M, r) {
		a := accents[r]
		if a == 0 {
			a = 32 + uint16(r&0x3F)
		}
		return append(out, weight{accent: a, joins: true})
	}
	return apart(out, r)
}

// otherWeight is for what is neither letter nor sign. Mono orders characters
// beyond 0xFFFF before all that count, and takes them for one and the same;
// here each is itself.
func otherWeight(r rune) weight {
	if r > 0xFFFF || unicode.In(r, unicode.Co, unicode.Cs) {
		return weight{primary: uint64(r), accent: plainAccent}
	}
	return weight{nothing: true}
}

// apart is for characters that have parts, or an alphabet.
func apart(out []weight, r rune) []weight {
	var buf [utf8.UTFMax]byte
	one := buf[:utf8.EncodeRune(buf[:], r)]
	parts := norm.NFD.Bytes(one)
	kind := uint8(0)
	if string(parts) == string(one) {
		if parts = norm.NFKD.Bytes(one); string(parts) != string(one) {
			kind = variant
		}
	}
	if string(parts) == string(one) {
		return append(out, baseWeight(r))
	}
	for i := 0; len(parts) > 0; i++ {
		p, size := utf8.DecodeRune(parts)
		parts = parts[size:]
		from := len(out)
		if out = weights(out, p); kind != 0 {
			for j := range out[from:] {
				out[from+j].kind += kind
			}
		}
		if i > 0 {
			out[from].expanded = true
		}
	}
	return out
}

var collators = sync.Pool{New: func() any { return &alphabets{c: collate.New(language.Und, collate.Loose)} }}

type alphabets struct {
	c *collate.Collator
	b collate.Buffer
}

func baseWeight(r rune) weight {
	w := weight{accent: plainAccent}
	switch {
	case unicode.IsLetter(r):
		small := unicode.ToLower(r)
		a := collators.Get().(*alphabets)
		key := a.c.KeyFromString(&a.b, string(small))
		n := uint64(0)
		for i := 0; i < 5; i++ {
			n <<= 8
			if i < len(key) {
				n |= uint64(key[i])
			}
		}
		a.b.Reset()
		collators.Put(a)
		w.primary = classLetter | letterAfterZ + n<<8 | uint64(small&0xFF)
		if small != r {
			w.kind = capital
		}
	case unicode.IsNumber(r):
		w.primary = classDigit | uint64('9')<<8 | uint64(r)<<16
		if unicode.Is(unicode.Nd, r) {
			w.primary, w.accent = classDigit|uint64('0'+numericValue(r))<<8, 0x38
		}
	case unicode.Is(unicode.Sm, r):
		w.primary = classMath | uint64(r)
	case unicode.IsPunct(r), unicode.IsSpace(r):
		w.primary = classPunct | uint64(r)
	case unicode.IsSymbol(r):
		w.primary = classSign | uint64(r)
	default:
		w = weight{nothing: true}
	}
	return w
}

// walker gives the weights of a text, accents added to what they stand on.
type walker struct {
	s          string
	ignoreCase bool
	buf        []weight
	unit       int // the place behind what was read, in code units
	start      int // where the character of the weight that came last begins
	end        int // and ends, with its accents
}

// next is the next weight that counts; false: the text is at its end.
func (w *walker) next() (weight, bool) {
	for {
		got, ok := w.raw()
		if !ok || !got.nothing {
			if w.ignoreCase && got.kind >= capital {
				got.kind -= capital
			}
			return got, ok
		}
	}
}

func (w *walker) raw() (weight, bool) {
	if len(w.buf) == 0 {
		if !w.fill() {
			return weight{}, false
		}
	}
	got := w.buf[0]
	w.buf = w.buf[1:]
	for len(w.buf) > 0 && w.buf[0].joins {
		got.accent += w.buf[0].accent
		w.buf = w.buf[1:]
	}
	return got, true
}

// fill reads a character and the accents behind it.
func (w *walker) fill() bool {
	if w.s == "" {
		return false
	}
	w.start = w.unit
	w.buf = w.read(w.buf[:0])
	for w.s != "" && w.s[0] >= 0xCC {
		r, _ := utf8.DecodeRuneInString(w.s)
		if !unicode.Is(unicode.M, r) {
			break
		}
		w.buf = w.read(w.buf)
	}
	w.end = w.unit
	return true
}

func (w *walker) read(buf []weight) []weight {
	r, size := clr.Decode(w.s)
	w.s = w.s[size:]
	w.unit++
	if size == 4 {
		w.unit++
	}
	return weights(buf, r)
}

// samePart is how much of two texts is the same at the beginning and so decides
// nothing: without the last character, on which an accent may follow.
func samePart(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == len(a) && i == len(b) {
		return i
	}
	for i > 0 {
		for i--; i > 0 && !utf8.RuneStart(a[i]); {
			i--
		}
		if r, _ := clr.Decode(a[i:]); r < 0x300 || !unicode.Is(unicode.M, r) {
			break
		}
	}
	return i
}

// Compare is string.Compare(a, b, ignoreCase) in the invariant culture: -1, 0
// or 1.
func Compare(a, b string, ignoreCase bool) int {
	i := samePart(a, b)
	if i == len(a) && i == len(b) {
		return 0
	}
	u, v := walker{s: a[i:], ignoreCase: ignoreCase}, walker{s: b[i:], ignoreCase: ignoreCase}
	accent, kind, last := 0, 0, 0
	for {
		x, okX := u.next()
		y, okY := v.next()
		for okX && okY && (x.last != 0 || y.last != 0) {
			if last == 0 {
				last = cmp(int(x.last), int(y.last))
			}
			// Only those that count last move on, the other waits.
			lastX, lastY := x.last != 0, y.last != 0
			if lastX {
				x, okX = u.next()
			}
			if lastY {
				y, okY = v.next()
			}
		}
		// Behind the end of the other text even they count first.
		switch {
		case !okX && !okY:
			return firstOf(accent, kind, last)
		case !okX:
			return -1
		case !okY:
			return 1
		case x.primary != y.primary:
			return cmp64(x.primary, y.primary)
		}
		if accent == 0 {
			accent = cmp(int(x.accent), int(y.accent))
		}
		if kind == 0 {
			kind = cmp(int(x.kind), int(y.kind))
		}
	}
}

func firstOf(levels ...int) int {
	for _, l := range levels {
		if l != 0 {
			return l
		}
	}
	return 0
}

func cmp(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func cmp64(a, b uint64) int {
	if a < b {
		return -1
	}
	return 1
}
