package json

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// MaxDepth is how many containers of a text may stand in one another: the
// default of JsonReader.MaxDepth since Newtonsoft.Json 13.0.1.
const MaxDepth = 64

// symbol is a JsonToken.
type symbol byte

const (
	noSymbol symbol = iota
	startObject
	startArray
	startConstructor
	propertyName
	comment
	rawSymbol
	integerSymbol
	floatSymbol
	stringSymbol
	booleanSymbol
	nullSymbol
	undefinedSymbol
	endObject
	endArray
	endConstructor
	dateSymbol
	bytesSymbol
)

var symbolNames = [...]string{
	"None", "StartObject", "StartArray", "StartConstructor", "PropertyName", "Comment", "Raw", "Integer", "Float", "String", "Boolean",
	"Null", "Undefined", "EndObject", "EndArray", "EndConstructor", "Date", "Bytes",
}

func (s symbol) String() string { return symbolNames[s] }

// state is where a reader is, as JsonReader.State.
type state byte

const (
	atStart state = iota
	afterName
	inNewObject
	inObject
	inNewArray
	inArray
	inNewConstructor
	inConstructor
	afterValue
	finished
)

// container is a JsonContainerType.
type container byte

const (
	noContainer container = iota
	objectContainer
	arrayContainer
	constructorContainer
)

var containerNames = [...]string{"None", "Object", "Array", "Constructor"}

// place is a JsonPosition: one step of a path.
type place struct {
	in    container
	index int
	name  string
}

// reader reads a text as JsonTextReader does, one symbol after the other, and
// stands where that would stand when it fails: messages name line, position and
// path. Its methods return false where there is nothing more, or fail is set.
type reader struct {
	t    *clr.Thread
	s    string
	pos  int
	line int
	// lineStart is where the line begins; column is the place in it, in UTF-16,
	// of columnAt.
	lineStart, columnAt, column int
	ascii                       bool
	// want is the type that the next value is read as; it decides what is a
	// number, a date or an error.
	want readAs
	// plain: texts that look like dates stay texts.
	plain bool

	state   state
	stack   []place
	current place
	symbol  symbol
	value   clr.Value
	text    string // of a name or comment
	fail    *clr.Thrown
}

func newReader(t *clr.Thread, text string) *reader {
	t.Work(len(text) / 8)
	return &reader{t: t, s: text, line: 1, ascii: clr.IsASCII(text)}
}

// position is LinePosition.
func (r *reader) position() int {
	if r.ascii {
		return r.pos - r.lineStart
	}
	if r.columnAt < r.lineStart || r.columnAt > r.pos {
		r.columnAt, r.column = r.lineStart, 0
	}
	r.column += clr.Length(r.s[r.columnAt:r.pos])
	r.columnAt = r.pos
	return r.column
}

// failed sets the exception and returns false.
func (r *reader) failed(message string) bool {
	if r.fail == nil {
		line, position := r.at()
		message = placed(message, r.path(), line, position)
		r.t.Allocate(len(message))
		r.fail = &clr.Thrown{T: clr.JsonReaderException, Message: message}
	}
	return false
}

// at is where the reader is, as messages and tokens name it.
func (r *reader) at() (line, position int) {
	position = r.position()
	if r.state == atStart && position == 0 && r.symbol != comment {
		return 0, 0
	}
	return r.line, position
}

// placed is a message with the path and, where it is known, the line.
func placed(message, path string, line, position int) string {
	message = endMessage(message) + "Path '" + path + "'"
	if line >= 0 {
		message += ", line " + strconv.Itoa(line) + ", position " + strconv.Itoa(position)
	}
	return message + "."
}

// endMessage ends a message with a full stop and a space, if not with a line.
func endMessage(message string) string {
	if strings.HasSuffix(message, "\n") {
		return message
	}
	message = strings.TrimSpace(message)
	if strings.HasSuffix(message, ".") {
		return message + " "
	}
	return message + ". "
}

// path is that of the current symbol.
func (r *reader) path() string {
	if r.current.in == noContainer {
		return ""
	}
	places := r.stack
	switch r.state {
	case inNewArray, inNewConstructor, inNewObject:
	default:
		places = append(places[:len(places):len(places)], r.current)
	}
	return pathText(places)
}

// byte is that at the position, 0 at the end.
func (r *reader) peek() byte {
	if r.pos < len(r.s) {
		return r.s[r.pos]
	}
	return 0
}

// char is the character at the position as messages show it: one UTF-16 unit.
func (r *reader) char() string { return charText(r.s[r.pos:]) }

func charText(s string) string {
	if s == "" {
		return "\x00"
	}
	c, size := clr.Decode(s)
	if c < 0x10000 {
		return s[:size]
	}
	return clr.FromUnits(clr.Units(s[:size])[:1])
}

// white reports white space at the position that is not ASCII, and its size.
func (r *reader) white() int {
	if r.pos == len(r.s) {
		return 0
	}
	c, size := clr.Decode(r.s[r.pos:])
	if unicode.IsSpace(c) {
		return size
	}
	return 0
}

// skipWhite moves over one white space, a NUL or a line's end; false: there is
// none.
func (r *reader) skipWhite() bool {
	switch c := r.peek(); {
	case c == 0:
		if r.pos == len(r.s) {
			return false
		}
		r.pos++
	case c == ' ', c == '\t', c == '\v', c == '\f':
		r.pos++
	case c == '\n':
		r.pos++
		r.newLine()
	case c == '\r':
		r.carriageReturn()
	case c < 0x80:
		return false
	default:
		size := r.white()
		r.pos += size
		return size > 0
	}
	return true
}

func (r *reader) newLine() {
	r.line++
	r.lineStart = r.pos
}

func (r *reader) carriageReturn() {
	r.pos++
	// JsonTextReader wants one character more than the line feed before it looks.
	if r.pos+1 < len(r.s) && r.s[r.pos] == '\n' {
		r.pos++
	}
	r.newLine()
}

// read goes to the next symbol.
func (r *reader) read() bool {
	r.t.Step()
	for {
		switch r.state {
		case inObject, inNewObject:
			return r.readInObject()
		case afterValue:
			if done, ok := r.readAfterValue(); done || !ok {
				return ok
			}
		case finished:
			return r.readFinished()
		default:
			return r.readValue()
		}
	}
}

// readInObject reads a name, or the end.
func (r *reader) readInObject() bool {
	for r.skipWhite() {
	}
	switch {
	case r.pos == len(r.s):
		r.symbol = noSymbol
		return false
	case r.s[r.pos] == '}':
		ok := r.end(endObject)
		r.pos++
		return ok && r.fail == nil
	case r.s[r.pos] == '/':
		return r.readComment(true)
	}
	return r.readName()
}

// readAfterValue reads what may follow a value: the end of what it is in, or a
// comma; done: that is a symbol.
func (r *reader) readAfterValue() (done, ok bool) {
	for r.skipWhite() {
	}
	switch r.peek() {
	case 0:
		r.state = finished
		return false, true
	case '}':
		r.pos++
		return true, r.end(endObject)
	case ']':
		r.pos++
		return true, r.end(endArray)
	case ')':
		r.pos++
		return true, r.end(endConstructor)
	case '/':
		return true, r.readComment(true)
	case ',':
		r.pos++
		r.resume()
		return false, r.fail == nil
	}
	return false, r.failed("After parsing a value an unexpected character was encountered: " + r.char() + ".")
}

// readFinished allows comments behind the last value.
func (r *reader) readFinished() bool {
	for r.skipWhite() {
	}
	switch r.peek() {
	case 0:
		r.symbol = noSymbol
		return false
	case '/':
		return r.readComment(true)
	}
	return r.failed("Additional text encountered after finished reading JSON content: " + r.char() + ".")
}

// resume is the state behind a comma.
func (r *reader) resume() {
	switch r.current.in {
	case objectContainer:
		r.state = inObject
	case arrayContainer:
		r.state = inArray
	case constructorContainer:
		r.state = inConstructor
	default:
		r.state = finished
	}
}

// is sets a symbol that is a value.
func (r *reader) is(s symbol, v clr.Value) bool {
	r.symbol, r.value = s, v
	r.afterValue()
	r.count()
	return true
}

func (r *reader) afterValue() {
	r.state = afterValue
	if r.current.in == noContainer {
		r.state = finished
	}
}

// count counts a value in an array or constructor.
func (r *reader) count() {
	if r.current.in >= arrayContainer {
		r.current.index++
	}
}

// begin sets a symbol that begins a container.
func (r *reader) begin(s symbol, in container, next state) bool {
	r.symbol, r.value, r.state = s, clr.Null, next
	r.count()
	if r.current.in != noContainer {
		r.stack = append(r.stack, r.current)
		if len(r.stack) >= MaxDepth {
			r.current = place{in: in, index: -1}
			return r.failed("The reader's MaxDepth of " + strconv.Itoa(MaxDepth) + " has been exceeded.")
		}
	}
	r.current = place{in: in, index: -1}
	return true
}

// end sets a symbol that ends a container.
func (r *reader) end(s symbol) bool {
	r.symbol, r.value = s, clr.Null
	was := r.current.in
	r.current = place{}
	if n := len(r.stack); n > 0 {
		r.current, r.stack = r.stack[n-1], r.stack[:n-1]
	}
	if was != container(s-endObject)+objectContainer {
		return r.failed("JsonToken " + s.String() + " is not valid for closing JsonType " + containerNames[was] + ".")
	}
	r.afterValue()
	return true
}

// readValue reads a value, or what stands where one could.
func (r *reader) readValue() bool {
	for r.skipWhite() {
	}
	if r.pos == len(r.s) {
		r.symbol = noSymbol
		return false
	}
	if r.want != asAny && r.want != asInt64 && !r.wanted(r.s[r.pos]) {
		return false
	}
	switch c := r.s[r.pos]; c {
	case '"', '\'':
		return r.readString(c)
	case '{':
		r.pos++
		return r.begin(startObject, objectContainer, inNewObject)
	case '[':
		r.pos++
		return r.begin(startArray, arrayContainer, inNewArray)
	case ']':
		r.pos++
		return r.end(endArray)
	case ')':
		r.pos++
		return r.end(endConstructor)
	case ',':
		// The comma stays: nothing stands before it.
		return r.is(undefinedSymbol, clr.Null)
	case '/':
		return r.readComment(true)
	case '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if c == '-' && r.pos+1 < len(r.s) && r.s[r.pos+1] == 'I' {
			return r.readWord()
		}
		return r.readNumber()
	case 't', 'f', 'n', 'N', 'I', 'u':
		return r.readWord()
	}
	if c, _ := clr.Decode(r.s[r.pos:]); unicode.IsNumber(c) && c < 0x10000 {
		return r.readNumber()
	}
	return r.failed("Unexpected character encountered while parsing value: " + r.char() + ".")
}
