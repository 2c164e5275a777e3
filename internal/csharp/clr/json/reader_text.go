package json

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// readString reads a value in quotes, which may be a date.
func (r *reader) readString(quote byte) bool {
	text, ok := r.quoted(quote)
	if !ok {
		return false
	}
	if !r.plain && (r.want == asAny || r.want == asInt64) && len(text) > 0 && (text[0] == '/' || text[0] >= '0' && text[0] <= '9') {
		if v, ok := readDate(r.t, text); ok {
			return r.is(dateSymbol, v)
		}
	}
	return r.is(stringSymbol, clr.Str(text))
}

// quoted reads from a quote to the next. What has no escapes shares the memory
// of the text.
func (r *reader) quoted(quote byte) (string, bool) {
	r.pos++
	start := r.pos
	for i := start; i < len(r.s); i++ {
		switch c := r.s[i]; c {
		case quote:
			r.pos = i + 1
			return r.s[start:i], true
		case '\\':
			r.t.Allocate(i - start)
			r.pos = i
			return r.escaped(quote, append([]byte(nil), r.s[start:i]...))
		case '\n':
			r.pos = i + 1
			r.newLine()
		case '\r':
			r.pos = i
			r.carriageReturn()
			i = r.pos - 1
		}
	}
	r.pos = len(r.s)
	return "", r.failed("Unterminated string. Expected delimiter: " + string(quote) + ".")
}

// escaped reads on from the first backslash.
func (r *reader) escaped(quote byte, b []byte) (string, bool) {
	from := len(b)
	for r.pos < len(r.s) {
		if len(b)-from > 1024 {
			r.t.Allocate(len(b) - from)
			from = len(b)
		}
		switch c := r.s[r.pos]; c {
		case quote:
			r.pos++
			r.t.Allocate(len(b))
			return clr.Mend(string(b)), true
		case '\\':
			r.pos++
			var ok bool
			if b, ok = r.escape(quote, b); !ok {
				return "", false
			}
		case '\n':
			r.pos++
			r.newLine()
			b = append(b, c)
		case '\r':
			at := r.pos
			r.carriageReturn()
			b = append(b, r.s[at:r.pos]...)
		default:
			r.pos++
			b = append(b, c)
		}
	}
	return "", r.failed("Unterminated string. Expected delimiter: " + string(quote) + ".")
}

// escape reads what is behind a backslash.
func (r *reader) escape(quote byte, b []byte) ([]byte, bool) {
	if r.pos == len(r.s) {
		return nil, r.failed("Unterminated string. Expected delimiter: " + string(quote) + ".")
	}
	char := r.char()
	c := r.s[r.pos]
	r.pos += len(char)
	switch c {
	case 'b':
		return append(b, '\b'), true
	case 't':
		return append(b, '\t'), true
	case 'n':
		return append(b, '\n'), true
	case 'f':
		return append(b, '\f'), true
	case 'r':
		return append(b, '\r'), true
	case '\\', '"', '\'', '/':
		return append(b, c), true
	case 'u':
		return r.unicode(b)
	}
	return nil, r.failed(`Bad JSON escape sequence: \` + char + ".")
}

// unicode reads the digits of \uXXXX. A surrogate without its other half is
// replaced.
func (r *reader) unicode(b []byte) ([]byte, bool) {
	c, ok := r.hex()
	if !ok {
		return nil, false
	}
	for c >= 0xD800 && c <= 0xDBFF {
		if !(r.pos+1 < len(r.s) && r.s[r.pos] == '\\' && r.s[r.pos+1] == 'u') {
			return append(b, replacement...), true
		}
		r.pos += 2
		next, ok := r.hex()
		if !ok {
			return nil, false
		}
		if next >= 0xDC00 && next <= 0xDFFF {
			return append(b, string(utf16.DecodeRune(rune(c), rune(next)))...), true
		}
		b, c = append(b, replacement...), next
	}
	if c >= 0xDC00 && c <= 0xDFFF {
		return append(b, replacement...), true
	}
	return clr.AppendChar(b, c), true
}

const replacement = "\uFFFD"

func (r *reader) hex() (uint16, bool) {
	if r.pos+4 > len(r.s) || !r.ascii && clr.Length(r.s[r.pos:]) < 4 {
		return 0, r.failed("Unexpected end while parsing Unicode escape sequence.")
	}
	n, err := strconv.ParseUint(r.s[r.pos:r.pos+4], 16, 16)
	if err != nil {
		end, _ := clr.Offset(r.s[r.pos:], 4)
		return 0, r.failed(`Invalid Unicode escape sequence: \u` + r.s[r.pos:r.pos+end] + ".")
	}
	r.pos += 4
	return uint16(n), true
}

// readName reads the name of a property and its colon.
func (r *reader) readName() bool {
	var name string
	switch c := r.s[r.pos]; {
	case c == '"', c == '\'':
		var ok bool
		if name, ok = r.quoted(c); !ok {
			return false
		}
	case r.identifier() > 0:
		start := r.pos
		if !r.unquotedName() {
			return false
		}
		name = r.s[start:r.pos]
	default:
		return r.failed("Invalid property identifier character: " + r.char() + ".")
	}
	for r.skipWhite() {
	}
	if r.peek() != ':' {
		return r.failed("Invalid character after parsing property name. Expected ':' but got: " + r.char() + ".")
	}
	r.pos++
	r.symbol, r.text, r.state = propertyName, name, afterName
	r.current.name = name
	return true
}

// identifier is the size of a character that names without quotes may have.
func (r *reader) identifier() int {
	c, size := clr.Decode(r.s[r.pos:])
	if c == '_' || c == '$' || c < 0x10000 && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
		return size
	}
	return 0
}

func (r *reader) unquotedName() bool {
	for r.pos < len(r.s) {
		size := r.identifier()
		if size > 0 {
			r.pos += size
			continue
		}
		if c := r.s[r.pos]; c == ':' || c == 0 || c >= '\t' && c <= '\r' || c == ' ' || r.white() > 0 {
			return true
		}
		return r.failed("Invalid JavaScript property identifier character: " + r.char() + ".")
	}
	return r.failed("Unexpected end while parsing unquoted property name.")
}

// readComment reads a comment; as a symbol only where asked.
func (r *reader) readComment(asSymbol bool) bool {
	r.pos++
	if r.pos+1 >= len(r.s) {
		return r.failed("Unexpected end while parsing comment.")
	}
	line := r.s[r.pos] == '/'
	if !line && r.s[r.pos] != '*' {
		return r.failed("Error parsing comment. Expected: *, got " + r.char() + ".")
	}
	r.pos++
	start := r.pos
	for r.pos < len(r.s) {
		switch c := r.s[r.pos]; {
		case line && (c == '\n' || c == '\r'):
			return r.endComment(asSymbol, start, r.pos)
		case c == '\n':
			r.pos++
			r.newLine()
		case c == '\r':
			r.carriageReturn()
		case !line && c == '*' && strings.HasPrefix(r.s[r.pos:], "*/"):
			r.pos += 2
			return r.endComment(asSymbol, start, r.pos-2)
		default:
			r.pos++
		}
	}
	if !line {
		return r.failed("Unexpected end while parsing comment.")
	}
	return r.endComment(asSymbol, start, r.pos)
}

func (r *reader) endComment(asSymbol bool, start, end int) bool {
	if asSymbol {
		r.symbol, r.value = comment, clr.Str(r.s[start:end])
	}
	return true
}

// match moves behind word; false: the text differs, and the position is where.
func (r *reader) match(word string) (bool, bool) {
	if len(r.s)-r.pos < len(word) || !r.ascii && clr.Length(r.s[r.pos:]) < len(word) {
		r.pos = len(r.s)
		return false, r.failed("Unexpected end when reading JSON.")
	}
	for i := range len(word) {
		if r.s[r.pos+i] != word[i] {
			r.pos += i
			return false, true
		}
	}
	r.pos += len(word)
	return r.pos == len(r.s) || r.separator(), true
}

// separator reports that a word may end here.
func (r *reader) separator() bool {
	switch c := r.s[r.pos]; c {
	case 0, '}', ']', ',', ' ', '\t', '\n', '\r', '\v', '\f':
		return true
	case '/':
		return r.pos+1 < len(r.s) && (r.s[r.pos+1] == '*' || r.s[r.pos+1] == '/')
	case ')':
		return r.state == inConstructor || r.state == inNewConstructor
	}
	return r.white() > 0
}

// words are the values without quotes.
var words = map[byte]struct {
	word, fail string
	symbol     symbol
	value      clr.Value
}{
	't': {"true", "Error parsing boolean value.", booleanSymbol, clr.Bool(true)},
	'f': {"false", "Error parsing boolean value.", booleanSymbol, clr.Bool(false)},
	'n': {"null", "Error parsing null value.", nullSymbol, clr.Null},
	'u': {"undefined", "Error parsing undefined value.", undefinedSymbol, clr.Null},
	'N': {"NaN", "Error parsing NaN value.", floatSymbol, clr.Float(nan)},
	'I': {"Infinity", "Error parsing Infinity value.", floatSymbol, clr.Float(infinity)},
	'-': {"-Infinity", "Error parsing -Infinity value.", floatSymbol, clr.Float(-infinity)},
}

func (r *reader) readWord() bool {
	c := r.s[r.pos]
	if c == 'n' {
		switch {
		case r.pos+1 >= len(r.s):
			r.pos++
			return r.failed("Unexpected end when reading JSON.")
		case r.s[r.pos+1] == 'e':
			return r.readConstructor()
		case r.s[r.pos+1] != 'u':
			return r.failed("Unexpected character encountered while parsing value: n.")
		}
	}
	w := words[c]
	matched, ok := r.match(w.word)
	if !ok {
		return false
	}
	if !matched {
		return r.failed(w.fail)
	}
	if w.symbol == floatSymbol && (r.want == asInt32 || r.want == asDecimal || r.want == asDate || r.want == asOffset) {
		return r.failed("Cannot read " + w.word + " value.")
	}
	if r.want == asString && w.symbol != nullSymbol {
		return r.is(stringSymbol, clr.Str(w.word))
	}
	return r.is(w.symbol, w.value)
}

// readConstructor reads "new Name(".
func (r *reader) readConstructor() bool {
	matched, ok := r.match("new")
	if !ok {
		return false
	}
	if !matched {
		return r.failed("Unexpected content while parsing JSON.")
	}
	for r.skipWhite() {
	}
	start := r.pos
	for r.pos < len(r.s) {
		c, size := clr.Decode(r.s[r.pos:])
		if c >= 0x10000 || !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			break
		}
		r.pos += size
	}
	end := r.pos
	switch {
	case r.pos == len(r.s):
		return r.failed("Unexpected end while parsing constructor.")
	case r.s[r.pos] != '(' && !r.skipWhite():
		return r.failed("Unexpected character while parsing constructor: " + r.char() + ".")
	case start == end:
		return r.failed("Empty constructor name.")
	}
	for r.skipWhite() {
	}
	if r.peek() != '(' {
		return r.failed("Unexpected character while parsing constructor: " + r.char() + ".")
	}
	r.pos++
	if !r.begin(startConstructor, constructorContainer, inNewConstructor) {
		return false
	}
	r.text = r.s[start:end]
	return true
}
