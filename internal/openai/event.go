package openai

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
)

// eventKind is what the field "event" of an event says, as far as it matters.
type eventKind uint8

const (
	eventOther eventKind = iota
	eventNamed           // has a name: an event of the Responses API
	eventDelta           // response.*.delta: generated text
	eventLast            // response.completed, response.incomplete
	eventError           // error, response.failed
)

func kindOf(name []byte) eventKind {
	switch string(name) {
	case "":
		return eventOther
	case "response.completed", "response.incomplete", "response.cancelled":
		return eventLast
	case "error", "response.failed":
		return eventError
	}
	if bytes.HasSuffix(name, []byte(".delta")) {
		return eventDelta
	}
	return eventNamed
}

// totals are the findings of a [StreamMeter].
type totals struct {
	events, chunks int
	// text is the length of the generated text, as JSON.
	text         int
	usage        Usage
	hasUsage     bool
	done, failed bool
}

// event takes the data of one event. Nearly every event of a stream is a piece
// of text, so whether one can hold usage or an error is first asked of its
// bytes, and only then of a parser.
func (t *totals) event(kind eventKind, data []byte, long bool) {
	t.events++
	switch kind {
	case eventLast:
		t.done = true
	case eventError:
		t.done, t.failed = true, true
	}
	if long {
		return
	}
	if string(data) == "[DONE]" {
		t.done = true
		return
	}
	if hasMember(data, `usage"`, `{`) || hasMember(data, `error"`, `{"`) {
		t.parse(data)
	}
	if n := textLen(kind, data); n > 0 {
		t.chunks++
		t.text += n
	}
}

// parse looks into an event that may hold usage or an error.
func (t *totals) parse(data []byte) {
	sum := summarize(data)
	if sum.hasUsage {
		t.usage, t.hasUsage = sum.usage, true
	}
	switch kind := kindOf(sum.kind); {
	case sum.failed || kind == eventError:
		t.failed = true
	case kind == eventLast:
		t.done = true
	}
}

// hasMember tells whether there is a member of this name whose value begins
// with one of the bytes of first, wherever it stands. The name is given with its
// closing quote alone: quotes are so frequent that a search for one that begins
// with them is several times slower. Text cannot look like a name, because a
// quote inside a string is escaped.
func hasMember(data []byte, name, first string) bool {
	for {
		i := bytes.Index(data, []byte(name))
		if i < 0 {
			return false
		}
		opened := i > 0 && data[i-1] == '"'
		data = data[i+len(name):]
		value := bytes.TrimLeft(data, ": \t\r\n")
		if opened && len(value) < len(data) && len(value) > 0 && strings.IndexByte(first, value[0]) >= 0 {
			return true
		}
	}
}

// textLen returns the length of the text that an event adds to the answer.
func textLen(kind eventKind, data []byte) int {
	switch kind {
	case eventDelta:
		return memberLen(data, `delta":`)
	case eventOther:
		for _, name := range [...]string{`content":`, `arguments":`, `text":`} {
			if n := memberLen(data, name); n > 0 {
				return n
			}
		}
	}
	return 0
}

// memberLen returns the length of the first string member whose name ends in
// this, given with its closing quote and colon ("reasoning_content" is content
// too).
func memberLen(data []byte, name string) int {
	i := bytes.Index(data, []byte(name))
	if i < 0 {
		return 0
	}
	data = data[i+len(name):]
	if len(data) > 0 && data[0] == ' ' {
		data = data[1:]
	}
	if len(data) == 0 || data[0] != '"' {
		return 0
	}
	return stringLen(data[1:])
}

// stringLen returns the length of a JSON string up to its closing quote.
func stringLen(b []byte) int {
	for i := 0; i < len(b); i++ {
		for i+8 <= len(b) {
			if s := stops(binary.LittleEndian.Uint64(b[i:])); s != 0 {
				i += bits.TrailingZeros64(s) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			break
		}
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(b)
}
