package openai

import "bytes"

// maxEvent is the largest event that is looked into, in bytes. Longer events
// are counted.
const maxEvent = 1 << 20

// keepBuffer is how much of a buffer outlives the event that needed it.
const keepBuffer = 64 << 10

// StreamMeter watches a stream of server-sent events (HTML Standard, section
// 9.2) as its bytes pass, and says what it cost. Lines may end in LF, CR or
// CRLF, writes may cut anywhere. The zero value is ready. It belongs to one
// goroutine.
//
// An event that lies whole inside one write is looked at where it lies; only
// what is cut is copied, at most [maxEvent] bytes of it.
type StreamMeter struct {
	n      int64
	totals totals

	// line is the beginning of a line whose end has not come, of length
	// lineLen; more than maxLine bytes of it are not kept.
	line    []byte
	lineLen int
	// skipLF: the last byte was a CR, so a LF belongs to it.
	skipLF bool
	// begun: the first line is over, so a byte order mark no longer counts.
	begun bool

	// The event so far: its data lines, joined. data is where they are kept;
	// cur is the data, in a caller's write or in data.
	lines   int
	dataLen int
	data    []byte
	cur     []byte
	kind    eventKind
}

// maxLine leaves room for the name of the field.
const maxLine = maxEvent + 64

// Write looks at the next bytes of the stream. It never fails.
func (m *StreamMeter) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	rest := p
	lf, cr := -1, -1 // the next ones, as distance from the end of p
	for len(rest) > 0 {
		if m.skipLF {
			m.skipLF = false
			if rest[0] == '\n' {
				rest = rest[1:]
				continue
			}
		}
		// Each is looked for again only after it was passed, so that no mix of
		// line ends makes this quadratic.
		if lf < 0 || lf > len(rest) {
			lf = fromEnd(rest, '\n')
		}
		if cr < 0 || cr > len(rest) {
			cr = fromEnd(rest, '\r')
		}
		end := len(rest) - max(lf, cr)
		if end == len(rest) {
			break
		}
		m.skipLF = rest[end] == '\r'
		m.endLine(rest[:end])
		rest = rest[end+1:]
	}
	m.hold()
	m.carry(rest)
	return len(p), nil
}

// fromEnd returns the distance from the end of p of the first c in it; 0: none.
func fromEnd(p []byte, c byte) int {
	if i := bytes.IndexByte(p, c); i >= 0 {
		return len(p) - i
	}
	return 0
}

// hold keeps the data of an event that outlives the write it lies in.
func (m *StreamMeter) hold() {
	if m.cur != nil && m.lines == 1 {
		m.data = append(m.data[:0], m.cur...)
		m.cur = m.data
	}
}

// carry keeps the beginning of a line.
func (m *StreamMeter) carry(p []byte) {
	m.lineLen += len(p)
	if room := maxLine - len(m.line); len(p) > room {
		p = p[:room]
	}
	m.line = append(m.line, p...)
}

// endLine reads a line, given what of it came last.
func (m *StreamMeter) endLine(last []byte) {
	line, n := last, len(last)
	if m.lineLen > 0 {
		m.carry(last)
		line, n = m.line, m.lineLen
		m.lineLen = 0
		m.line = m.line[:0]
		if cap(m.line) > keepBuffer {
			m.line = nil
		}
	}
	if !m.begun {
		m.begun = true
		if bytes.HasPrefix(line, []byte("\ufeff")) {
			line, n = line[3:], n-3
		}
	}
	m.field(line, n)
}

// field reads one line. The line has n bytes; what is beyond maxLine is not
// there.
func (m *StreamMeter) field(line []byte, n int) {
	if n == 0 {
		m.dispatch()
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	n -= len(line) - len(value)
	if len(value) > 0 && value[0] == ' ' {
		value, n = value[1:], n-1
	}
	switch string(name) {
	case "data":
		m.addData(value, n)
	case "event":
		m.kind = kindOf(value)
	}
}

// addData adds a data line of n bytes to the event.
func (m *StreamMeter) addData(value []byte, n int) {
	m.lines++
	m.dataLen += n
	if m.lines > 1 {
		m.dataLen++
	}
	switch {
	case m.dataLen > maxEvent:
		m.cur = nil
	case m.lines == 1:
		m.cur = value
	default:
		if m.lines == 2 {
			m.data = append(m.data[:0], m.cur...)
		}
		m.data = append(append(m.data, '\n'), value...)
		m.cur = m.data
	}
}

// dispatch ends an event.
func (m *StreamMeter) dispatch() {
	if m.lines > 0 {
		m.totals.event(m.kind, m.cur, m.dataLen > maxEvent)
	}
	m.lines, m.dataLen, m.cur, m.kind = 0, 0, nil, eventOther
	if cap(m.data) > keepBuffer {
		m.data = nil
	}
}

// Close ends the stream. An event whose blank line never came counts too:
// clients differ in whether they deliver it, and it was paid for.
func (m *StreamMeter) Close() error {
	if m.lineLen > 0 {
		m.endLine(nil)
	}
	m.dispatch()
	return nil
}

// Boundary tells whether the bytes so far end between two events. Where they
// do not, an event that is written next would become part of a broken one: a
// blank line has to be written before it.
func (m *StreamMeter) Boundary() bool {
	return m.lineLen == 0 && m.lines == 0 && m.kind == eventOther
}

// Bytes returns how many bytes have passed.
func (m *StreamMeter) Bytes() int64 { return m.n }

// Events returns how many events with data have passed, [DONE] included.
func (m *StreamMeter) Events() int { return m.totals.events }

// Chunks returns how many events held generated text.
func (m *StreamMeter) Chunks() int { return m.totals.chunks }

// Done tells whether the stream was ended by the model: [DONE], or the last
// event of a response.
func (m *StreamMeter) Done() bool { return m.totals.done }

// Failed tells whether an event reported an error.
func (m *StreamMeter) Failed() bool { return m.totals.failed }

// Usage returns the usage that the stream reported.
func (m *StreamMeter) Usage() (Usage, bool) { return m.totals.usage, m.totals.hasUsage }

// Estimate returns the reported usage, or an estimate for a stream that broke
// off or reports none: the prompt by its length, the completion by the text that
// passed, at least one token for each event that held some.
func (m *StreamMeter) Estimate(promptBytes int) Usage {
	if m.totals.hasUsage {
		return m.totals.usage
	}
	p := EstimateTokens(promptBytes)
	c := max(m.totals.chunks, EstimateTokens(m.totals.text))
	return Usage{Prompt: p, Completion: c, Total: p + c, Estimated: true}
}
