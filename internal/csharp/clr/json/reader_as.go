package json

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// readAs is a ReadType: what a value of the text is read as.
type readAs byte

const (
	asAny readAs = iota
	asInt32
	asInt64
	asDecimal
	asDouble
	asBytes
	asBoolean
	asString
	asDate
	asOffset
)

// wantedNames are the types in messages.
var wantedNames = [...]string{"", "integer", "", "decimal", "double", "bytes", "boolean", "string", "date", "date"}

// wanted reports that a value that begins with c can be read as what is wanted;
// else the reader fails.
func (r *reader) wanted(c byte) bool {
	number := strings.IndexByte("-.0123456789", c) >= 0
	switch {
	case c == '"', c == '\'', c == '/':
		return true
	case c == ']':
		if r.current.in == arrayContainer && r.state != afterName {
			return true
		}
	case c == 'n':
		if r.pos+1 < len(r.s) && r.s[r.pos+1] != 'u' {
			r.pos += 2
			return r.failed("Unexpected character encountered while parsing value: " + charText(r.s[r.pos-1:]) + ".")
		}
		return true
	case c == '{', c == '[':
		if r.want == asBytes {
			return true
		}
	case c == 't', c == 'f':
		if r.want == asBoolean || r.want == asString {
			return true
		}
	case c == 'N', c == 'I', c == '-' && r.pos+1 < len(r.s) && r.s[r.pos+1] == 'I':
		if r.want != asBytes && r.want != asBoolean {
			return true
		}
	case number:
		if r.want != asBytes && r.want != asDate && r.want != asOffset {
			return true
		}
	}
	char := r.char()
	r.pos += len(char)
	return r.failed("Unexpected character encountered while parsing value: " + char + ".")
}

// The reader as a feed.

func (r *reader) expect(as readAs) { r.want = as }

func (r *reader) now() (symbol, clr.Value) {
	if r.symbol == propertyName || r.symbol == startConstructor {
		return r.symbol, clr.Str(r.text)
	}
	return r.symbol, r.value
}

func (r *reader) set(s symbol, v clr.Value) { r.symbol, r.value = s, v }

func (r *reader) where() (path string, line, position int) {
	line, position = r.at()
	return r.path(), line, position
}

func (r *reader) err() *clr.Thrown { return r.fail }
