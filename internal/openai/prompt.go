package openai

import "math"

// What a prompt costs beside its text, as OpenAI's guides have it.
const (
	// perMessage is for a message's beginning and end, perReply for the beginning
	// of the answer, perName for a name.
	perMessage, perReply, perName = 3, 3, 1
	// perImage is what an image costs at most, lowImage one of low detail.
	perImage, lowImage = 1200, 85
)

// EstimatePrompt returns how many tokens the prompt of a request takes: the text
// of messages, input, prompt, instructions, system, tools and functions by the
// vocabulary of the model, 3 for each message and 3 for the answer, 1,200 for
// each image, audio or file (85 for an image of low detail), 1 for each token
// that is given as a number. An empty body takes none; one that is no JSON
// object is counted by its length.
//
// Its work is bounded: text beyond 1 MiB counts one token a byte, which is the
// most that it can take.
func EstimatePrompt(body []byte, model string) int {
	return EstimatePromptTo(body, model, math.MaxInt)
}

// EstimatePromptTo is EstimatePrompt for whoever has room for most tokens: where
// there are more, text counts one token a byte from there on. What is refused
// anyway costs no work.
func EstimatePromptTo(body []byte, model string, most int) int {
	s := scanner{b: body}
	if s.peek() == 0 {
		return 0
	}
	p := promptCount{s: &s, vocabulary: VocabularyOf(model), left: maxExact, most: most}
	ok := s.eachMember(func(name []byte) bool {
		switch string(name) {
		case "messages":
			p.n += perReply
			return p.value(true)
		case "input", "prompt", "instructions", "system":
			return p.value(false)
		case "tools", "functions":
			return p.raw()
		}
		return s.skip()
	})
	if !ok {
		return max(p.n, EstimateTokens(len(body)))
	}
	return p.n
}

// promptCount counts what a scanner comes to.
type promptCount struct {
	s          *scanner
	vocabulary Vocabulary
	// left is how many bytes are still read with the vocabulary.
	left int
	// n is what was counted, most how far it matters.
	n, most int
	// text is where strings are decoded.
	text []byte
}

// value counts a string, a number, a list of values or a message. message: an
// object in it is one.
func (p *promptCount) value(message bool) bool {
	s := p.s
	switch c := s.peek(); {
	case c == '"':
		return p.string()
	case c == '[':
		return p.list(message)
	case c == '{':
		return p.object(message)
	case c == '-' || '0' <= c && c <= '9':
		p.n++
	}
	return s.skip()
}

func (p *promptCount) list(message bool) bool {
	s := p.s
	if s.depth >= MaxDepth {
		return s.fail(s.i, ReasonTooDeep)
	}
	s.i++
	s.depth++
	if s.peek() == ']' {
		s.i++
		s.depth--
		return true
	}
	for {
		if !p.value(message) {
			return false
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			s.depth--
			return true
		default:
			return s.fail(s.i, ReasonSyntax)
		}
	}
}

// object counts a message, or a part of one.
func (p *promptCount) object(message bool) bool {
	s := p.s
	if s.depth >= MaxDepth {
		return s.fail(s.i, ReasonTooDeep)
	}
	media, low, item := false, false, false
	ok := s.eachMember(func(name []byte) bool {
		switch string(name) {
		case "type", "id", "call_id", "tool_call_id", "status", "format", "filename", "cache_control":
			return s.skip()
		case "detail":
			start := s.i
			ok := s.skip()
			low = low || string(s.b[start:s.i]) == `"low"`
			return ok
		case "image_url", "input_audio", "file", "file_data", "file_id", "file_url", "data", "source":
			media = true
			start := s.i
			ok := s.skip()
			low = low || lowDetail(s.b[start:s.i])
			return ok
		case "role":
			item = true
			return p.value(false)
		case "name":
			if message {
				p.n += perName
			}
			return p.value(false)
		case "tool_calls", "function_call", "parameters":
			return p.raw()
		}
		return p.value(false)
	})
	if message || item {
		p.n += perMessage
	}
	switch {
	case media && low:
		p.n += lowImage
	case media:
		p.n += perImage
	}
	return ok
}

// lowDetail reports whether an image is one of low detail.
func lowDetail(image []byte) bool {
	s := scanner{b: image}
	low := false
	s.eachMember(func(name []byte) bool {
		s.peek()
		start := s.i
		ok := s.skip()
		low = low || string(name) == "detail" && string(s.b[start:s.i]) == `"low"`
		return ok
	})
	return low
}

// string counts the text of a string.
func (p *promptCount) string() bool {
	s := p.s
	s.i++
	start := s.i
	escaped, ok := s.str()
	if !ok {
		return false
	}
	raw := s.b[start : s.i-1]
	if escaped {
		p.text = unescape(p.text[:0], raw)
		raw = p.text
	}
	p.count(raw)
	return true
}

// raw counts a value as it is written: the model reads descriptions of tools in
// a form of its own, which is no longer than their JSON.
func (p *promptCount) raw() bool {
	s := p.s
	s.peek()
	start := s.i
	ok := s.skip()
	if string(s.b[start:s.i]) != "null" {
		p.count(s.b[start:s.i])
	}
	return ok
}

func (p *promptCount) count(text []byte) {
	exact := min(len(text), p.left)
	p.left -= exact
	if p.n > p.most {
		exact = 0
	}
	p.n += p.vocabulary.countTo(string(text[:exact]), p.most-p.n) + len(text) - exact
}
