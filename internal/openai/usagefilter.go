package openai

import (
	"bytes"
	"io"
)

// maxUsageEvent is the longest event that can be one of usage, in bytes; real
// ones have about 500. A longer one passes as it comes.
const maxUsageEvent = 16 << 10

// UsageFilter is a stream of chat completions without the event that only says
// what it cost, which the caller did not ask for: one whose choices are an empty
// list and whose usage is an object. All other bytes pass as they came, each
// event as soon as its blank line is there. What is held back is the beginning
// of an event, which no client can use yet, and no more than 16 KiB of it.
//
// It belongs to one goroutine.
type UsageFilter struct {
	in  io.Reader
	err error
	// event is the beginning of an event that is held back, out what passed and
	// found no room in a caller's buffer.
	event, out []byte
	// midLine: the line under way has a byte; skipLF: the last byte was a CR, so a
	// LF belongs to it; dropped: the event before was taken out; passing: the
	// event under way is too long and passes as it comes.
	midLine, skipLF, dropped, passing bool
}

// NewUsageFilter reads from in.
func NewUsageFilter(in io.Reader) *UsageFilter { return &UsageFilter{in: in} }

// Read gives what may pass. An error of the stream comes after all its bytes.
func (f *UsageFilter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(f.out) > 0 {
			n := copy(p, f.out)
			f.out = f.out[n:]
			return n, nil
		}
		if f.err != nil {
			return 0, f.err
		}
		n, err := f.in.Read(p)
		f.err = err
		if n = f.take(p, n); n > 0 {
			return n, nil
		}
	}
}

// take looks at n bytes that were read into p, and returns how many at the
// beginning of p may pass.
func (f *UsageFilter) take(p []byte, n int) int {
	data, from := p[:n], 0
	joined := len(f.event) > 0
	if joined {
		from = len(f.event)
		f.event = append(f.event, data...)
		data = f.event
	}
	kept, start := 0, 0
	if f.skipLF && from < len(data) {
		f.skipLF = false
		if data[from] == '\n' {
			if from++; !joined { // it belongs to the event before
				if start = from; !f.dropped {
					kept = start
				}
			}
		}
	}
	for {
		end := f.endOf(data, from)
		if end < 0 {
			break
		}
		if f.dropped = !f.passing && isUsageEvent(data[start:end]); !f.dropped {
			kept += move(data, kept, start, end)
		}
		f.passing = false
		start, from = end, end
	}
	if f.passing = f.passing || len(data)-start > maxUsageEvent; f.passing || f.err != nil {
		kept += move(data, kept, start, len(data))
		start = len(data)
	}
	if !joined {
		f.event = append(f.event[:0], data[start:]...)
		return kept
	}
	fits := copy(p, data[:kept])
	f.out = append(f.out[:0], data[fits:kept]...)
	f.event = append(f.event[:0], data[start:]...)
	return fits
}

// move moves data[start:end] down to at.
func move(data []byte, at, start, end int) int {
	if at != start {
		copy(data[at:], data[start:end])
	}
	return end - start
}

// endOf returns where, from a place on that nothing was looked at before, the
// event under way ends; -1: not in data.
func (f *UsageFilter) endOf(data []byte, from int) int {
	for from < len(data) {
		i := bytes.IndexAny(data[from:], "\r\n")
		if i < 0 {
			f.midLine = true
			return -1
		}
		blank := !f.midLine && i == 0
		f.midLine = false
		cr := data[from+i] == '\r'
		if from += i + 1; cr {
			if f.skipLF = from == len(data); !f.skipLF && data[from] == '\n' {
				from++
			}
		}
		if blank {
			return from
		}
	}
	return -1
}

// isUsageEvent reports whether an event says nothing but what the stream cost.
func isUsageEvent(event []byte) bool {
	if len(event) > maxUsageEvent || !hasMember(event, `usage"`, `{`) {
		return false
	}
	var data []byte
	for line := range bytes.FieldsFuncSeq(event, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if v, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			if data == nil {
				data = v
				continue
			}
			data = append(append(bytes.Clone(data), '\n'), v...)
		}
	}
	s := scanner{b: data}
	usage, none := false, false
	ok := s.eachMember(func(name []byte) bool {
		switch c := s.peek(); string(name) {
		case "usage":
			usage = c == '{'
		case "choices":
			start := s.i
			ok := s.skip()
			none = c == '[' && len(bytes.TrimSpace(s.b[start+1:max(start+1, s.i-1)])) == 0
			return ok
		}
		return s.skip()
	})
	return ok && usage && none
}
