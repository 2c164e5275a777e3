package contentsafety

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// Stream passes a stream of server-sent events on, each event only after the
// texts in it and before it were judged. It belongs to one goroutine.
type Stream struct {
	in    io.ReadCloser
	judge func(text string) error
	// size is how many characters are judged at once, overlap how many of them
	// are judged again with the next.
	size, overlap int
	// last is what ends the stream in the place of what was not let through.
	last func(err error) []byte

	// raw are bytes whose event has not ended, held are events that wait, out is
	// what may leave.
	raw, held, out []byte
	// texts are those of held, by place, with what was judged last before them.
	texts map[string]*pending
	err   error
	buf   []byte
}

type pending struct {
	text  []byte
	fresh int // characters that were not judged
}

// maxHeld bounds what waits, in bytes: pieces of text with very much around them
// are judged before there are as many as one would like.
const maxHeld = 4 << 20

// NewStream judges what comes from in. judge gets pieces of at most size
// characters; an error ends the stream with what last makes of it.
func NewStream(in io.ReadCloser, size, overlap int, judge func(text string) error, last func(error) []byte) *Stream {
	return &Stream{in: in, size: size, overlap: min(overlap, size/2), judge: judge, last: last, texts: map[string]*pending{}, buf: make([]byte, 16<<10)}
}

// Read gives events that were let through.
func (s *Stream) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		n, err := s.in.Read(s.buf)
		s.raw = append(s.raw, s.buf[:n]...)
		s.events()
		if s.err != nil {
			continue
		}
		if err != nil {
			s.end(err)
		}
	}
	n := copy(p, s.out)
	if s.out = s.out[n:]; len(s.out) == 0 {
		s.out = nil
	}
	return n, nil
}

// Close ends the stream.
func (s *Stream) Close() error { return s.in.Close() }

// events takes whole events from raw.
func (s *Stream) events() {
	for s.err == nil {
		n := eventEnd(s.raw)
		if n == 0 {
			if len(s.raw) > maxHeld {
				s.stop(errors.New("an event of the stream is too large"))
			}
			return
		}
		e := s.raw[:n]
		s.raw = s.raw[n:]
		s.event(e)
	}
}

// eventEnd is where the first event ends, behind its empty line; 0: it does not.
func eventEnd(b []byte) int {
	end := 0
	for _, mark := range [...]string{"\n\n", "\r\n\r\n", "\r\r", "\n\r\n"} {
		if i := bytes.Index(b, []byte(mark)); i >= 0 && (end == 0 || i+len(mark) < end) {
			end = i + len(mark)
		}
	}
	return end
}

func (s *Stream) event(e []byte) {
	s.held = append(s.held, e...)
	full := len(s.held) > maxHeld
	for _, t := range eventTexts(e) {
		p := s.texts[t.Place]
		if p == nil {
			p = &pending{}
			s.texts[t.Place] = p
		}
		p.text = append(p.text, t.Text...)
		p.fresh += utf8.RuneCountInString(t.Text)
		full = full || p.fresh >= s.size-s.overlap
	}
	if full || len(s.texts) == 0 || !s.waiting() {
		s.release()
	}
}

// waiting reports whether a text waits to be judged.
func (s *Stream) waiting() bool {
	for _, p := range s.texts {
		if p.fresh > 0 {
			return true
		}
	}
	return false
}

// release judges what waits, and lets it through.
func (s *Stream) release() {
	for _, p := range s.texts {
		if p.fresh == 0 {
			continue
		}
		for _, piece := range Windows(string(p.text), s.size, s.overlap) {
			if err := s.judge(piece); err != nil {
				s.stop(err)
				return
			}
		}
		p.text, p.fresh = tail(p.text, s.overlap), 0
	}
	s.out = append(s.out, s.held...)
	s.held = nil
}

// tail is the last n characters.
func tail(b []byte, n int) []byte {
	i := len(b)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRune(b[:i])
		i -= size
	}
	return bytes.Clone(b[i:])
}

// end is the end of what comes in: what waits is judged first. An event that has
// no end is none.
func (s *Stream) end(err error) {
	if len(s.raw) > 0 {
		s.event(s.raw)
		s.raw = nil
	}
	if s.err == nil {
		s.release()
	}
	if s.err == nil {
		s.err = err
	}
}

// stop ends the stream without what waits.
func (s *Stream) stop(err error) {
	s.held, s.raw = nil, nil
	s.out = append(s.out, s.last(err)...)
	s.err = io.EOF
	_ = s.in.Close()
}
