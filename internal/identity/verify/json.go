package verify

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding/json takes the last of two equal names, replaces invalid UTF-8 and
// folds case. Two readers of one token could then see two tokens, so tokens,
// key sets and metadata are read here: RFC 8259 with unique names, valid
// UTF-8, no lone surrogates, nothing behind the value, and a depth.

const maxJSONDepth = 16

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonBool
	jsonNumber
	jsonText
	jsonArray
	jsonObject
)

// jsonValue is one value of a document.
type jsonValue struct {
	kind jsonKind
	// text is the decoded string; of numbers and booleans the literal.
	text    string
	items   []jsonValue
	members []jsonMember
}

type jsonMember struct {
	name  string
	value jsonValue
}

// get is the member of that exact name, or nil.
func (v *jsonValue) get(name string) *jsonValue {
	for i := range v.members {
		if v.members[i].name == name {
			return &v.members[i].value
		}
	}
	return nil
}

// parseObject reads a document that is one object.
func parseObject(src []byte) (*jsonValue, error) {
	if !utf8.Valid(src) {
		return nil, errors.New("invalid UTF-8")
	}
	p := &jsonParser{src: string(src)}
	p.space()
	if p.peek() != '{' {
		return nil, p.fail("not an object")
	}
	v, err := p.value(1)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at != len(p.src) {
		return nil, p.fail("something follows the object")
	}
	return &v, nil
}

type jsonParser struct {
	src string
	at  int
}

func (p *jsonParser) fail(what string) error {
	return fmt.Errorf("at byte %d: %s", p.at, what)
}

// peek is the next byte; 0, which no document may hold here, at the end.
func (p *jsonParser) peek() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *jsonParser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *jsonParser) take(c byte) bool {
	if p.at < len(p.src) && p.src[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (jsonValue, error) {
	if depth > maxJSONDepth {
		return jsonValue{}, p.fail("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, err := p.text()
		return jsonValue{kind: jsonText, text: s}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, w := range []struct {
		word string
		kind jsonKind
	}{{"true", jsonBool}, {"false", jsonBool}, {"null", jsonNull}} {
		if strings.HasPrefix(p.src[p.at:], w.word) {
			p.at += len(w.word)
			return jsonValue{kind: w.kind, text: w.word}, nil
		}
	}
	return jsonValue{}, p.fail("not a value")
}

func (p *jsonParser) object(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonObject}
	p.at++
	p.space()
	if p.take('}') {
		return v, nil
	}
	names := make(map[string]struct{})
	for {
		p.space()
		if p.peek() != '"' {
			return v, p.fail("not a name")
		}
		name, err := p.text()
		if err != nil {
			return v, err
		}
		if _, dup := names[name]; dup {
			return v, p.fail("a name stands twice in one object")
		}
		names[name] = struct{}{}
		p.space()
		if !p.take(':') {
			return v, p.fail("no colon after a name")
		}
		p.space()
		member, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.members = append(v.members, jsonMember{name, member})
		p.space()
		if p.take('}') {
			return v, nil
		}
		if !p.take(',') {
			return v, p.fail("no comma between members")
		}
	}
}

func (p *jsonParser) array(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonArray}
	p.at++
	p.space()
	if p.take(']') {
		return v, nil
	}
	for {
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		p.space()
		if p.take(']') {
			return v, nil
		}
		if !p.take(',') {
			return v, p.fail("no comma between items")
		}
	}
}

func (p *jsonParser) number() (jsonValue, error) {
	start := p.at
	digits := func() bool {
		from := p.at
		for '0' <= p.peek() && p.peek() <= '9' {
			p.at++
		}
		return p.at > from
	}
	p.take('-')
	if !p.take('0') && !digits() {
		return jsonValue{}, p.fail("not a number")
	}
	if p.take('.') && !digits() {
		return jsonValue{}, p.fail("no digits after the point")
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !digits() {
			return jsonValue{}, p.fail("no digits in the exponent")
		}
	}
	return jsonValue{kind: jsonNumber, text: p.src[start:p.at]}, nil
}

func (p *jsonParser) text() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			s := p.src[start:p.at]
			p.at++
			return s, nil
		case c == '\\':
			return p.escapedText(start)
		case c < 0x20:
			return "", p.fail("a control character in a string")
		}
		p.at++
	}
	return "", p.fail("a string without end")
}

// escapedText goes on at the first escape of a string that began at start.
func (p *jsonParser) escapedText(start int) (string, error) {
	out := []byte(p.src[start:p.at])
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			p.at++
			return string(out), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			continue
		case c < 0x20:
			return "", p.fail("a control character in a string")
		default:
			out = append(out, c)
		}
		p.at++
	}
	return "", p.fail("a string without end")
}

func (p *jsonParser) escape() (rune, error) {
	p.at++
	c := p.peek()
	if c != 'u' {
		const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
		i := strings.IndexByte(from, c)
		if i < 0 {
			return 0, p.fail("an unknown escape")
		}
		p.at++
		return rune(to[i]), nil
	}
	p.at++
	r, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !strings.HasPrefix(p.src[p.at:], `\u`) {
		return 0, p.fail("half of a surrogate pair")
	}
	p.at += 2
	low, err := p.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, p.fail("half of a surrogate pair")
	}
	return r, nil
}

func (p *jsonParser) hex4() (rune, error) {
	if len(p.src)-p.at < 4 {
		return 0, p.fail("a short escape")
	}
	digits := p.src[p.at : p.at+4]
	if slices.ContainsFunc([]byte(digits), func(c byte) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) }) {
		return 0, p.fail("not four hexadecimal digits")
	}
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil {
		return 0, p.fail("not four hexadecimal digits")
	}
	p.at += 4
	return rune(n), nil
}
