package openai

import (
	"bytes"
	"strconv"
)

// maxModel is the longest model name that is read, in bytes. Azure's
// deployment names have at most 64 characters.
const maxModel = 512

// RequestInfo is what the gateway reads in a request body. What stands outside
// it is forwarded unread.
type RequestInfo struct {
	// Model is the model or deployment that the body names; empty: none.
	Model string
	// Stream is "stream".
	Stream bool
	// IncludeUsage is "stream_options.include_usage": whether a stream of chat
	// completions will say what it cost.
	IncludeUsage bool
	// MaxTokens is the largest of max_tokens, max_completion_tokens and
	// max_output_tokens; 0: none is given.
	MaxTokens int
	// Choices is the larger of "n" and "best_of"; 0: neither is given.
	Choices int
	// Prompts is how many prompts a list in "prompt" has, each with answers of its
	// own; 0: there is no list.
	Prompts int
	// PromptBytes is the length, as JSON, of messages, input, prompt and
	// instructions: what [EstimateTokens] takes where no usage is reported.
	PromptBytes int
}

// members that the gateway reads. Spelled in another case they are refused,
// since some readers of JSON would take them for the same.
const (
	memberModel        = "model"
	memberStream       = "stream"
	memberOptions      = "stream_options"
	memberIncludeUsage = "include_usage"
	memberN            = "n"
	memberBestOf       = "best_of"
	memberPrompt       = "prompt"
)

// readMembers are the names for the check of case variants.
func readMembers() [13]string {
	return [...]string{
		memberModel, memberStream, memberOptions, memberIncludeUsage, memberN, memberBestOf,
		"max_tokens", "max_completion_tokens", "max_output_tokens",
		"messages", "input", memberPrompt, "instructions",
	}
}

// ScanRequest reads the body of an operation with HasModelBody. It goes over
// the bytes once and accepts a body only if it leaves no choice to whoever
// reads it next: one JSON object by RFC 8259, at most [MaxBody] bytes and
// [MaxDepth] levels, valid UTF-8 without half surrogate pairs, nothing after
// it; at the top level and in stream_options no member twice and none that
// differs from one of ours in case only (escapes like \u006d decoded first).
// Members that are read must have their type; null counts as absent.
//
// The error is a [*ScanError]. The body is not kept.
func ScanRequest(body []byte) (*RequestInfo, error) {
	info := new(RequestInfo)
	if err := info.scan(body); err != nil {
		return nil, err
	}
	return info, nil
}

// scan is apart so that ScanRequest is small enough to be inlined, and its
// result can live on the caller's stack.
func (info *RequestInfo) scan(body []byte) error {
	s := scanner{b: body}
	member := ""
	switch {
	case len(body) > MaxBody:
		s.fail(MaxBody, ReasonTooLarge)
	case s.peek() != '{':
		s.fail(s.i, ReasonNotObject)
	default:
		member = info.object(&s, true)
	}
	if s.peek(); s.reason == "" && s.i < len(body) {
		s.fail(s.i, ReasonTrailing)
	}
	if s.reason != "" {
		return &ScanError{Offset: s.at, Reason: s.reason, Member: member}
	}
	return nil
}

// object reads the top-level object, or stream_options. After a failure it
// returns the member that was being read, if it is one of ours.
func (info *RequestInfo) object(s *scanner, top bool) string {
	s.i++
	s.depth++
	if s.peek() == '}' {
		s.i++
		s.depth--
		return ""
	}
	var names nameSet
	for {
		s.peek()
		at := s.i
		raw, escaped, ok := s.name()
		if !ok {
			return ""
		}
		name := raw
		if escaped {
			name = unescape(nil, raw)
		}
		known, exact := lookup(name)
		switch {
		case names.n == maxMembers:
			s.fail(at, ReasonTooMany)
		case !names.add(s.b, at+1, raw, name):
			s.fail(at, ReasonDuplicate)
		case known != "" && !exact:
			s.fail(at, ReasonCaseVariant)
		case top:
			info.topMember(s, known)
		default:
			info.optionsMember(s, known)
		}
		if s.reason != "" {
			return known
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.depth--
			return ""
		default:
			s.fail(s.i, ReasonSyntax)
			return ""
		}
	}
}

// lookup finds which of our members a name is, or is a case variant of.
func lookup(name []byte) (known string, exact bool) {
	for _, k := range readMembers() {
		if string(name) == k {
			return k, true
		}
	}
	for _, k := range readMembers() {
		if foldEqual(name, k) {
			return k, false
		}
	}
	return "", false
}

// foldEqual compares by Unicode's simple folding, as the most lenient readers
// do: "ſtream" is "stream" to them.
func foldEqual(name []byte, ascii string) bool {
	if len(name) < len(ascii) || len(name) > 3*len(ascii) {
		return false
	}
	c := name[0]
	if c < 0x80 && c|0x20 != ascii[0] {
		return false
	}
	return bytes.EqualFold(name, []byte(ascii))
}

func (info *RequestInfo) topMember(s *scanner, known string) {
	start := s.i
	switch known {
	case memberModel:
		info.Model = s.modelValue()
	case memberStream:
		info.Stream = s.boolValue()
	case memberOptions:
		switch s.peek() {
		case '{':
			info.object(s, false)
		case 'n':
			s.literal("null")
		default:
			s.fail(s.i, ReasonType)
		}
	case memberN, memberBestOf:
		info.Choices = max(info.Choices, s.intValue())
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		info.MaxTokens = max(info.MaxTokens, s.intValue())
	case memberPrompt:
		info.Prompts = s.promptList()
		info.PromptBytes += s.i - start
	case "messages", "input", "instructions":
		s.skip()
		info.PromptBytes += s.i - start
	default:
		s.skip()
	}
}

func (info *RequestInfo) optionsMember(s *scanner, known string) {
	if known == memberIncludeUsage {
		info.IncludeUsage = s.boolValue()
		return
	}
	s.skip()
}

// mostCompletion bounds what [RequestInfo.MaxCompletion] multiplies.
const mostCompletion = 1 << 50

// MaxCompletion is how many tokens all answers together may have: those of each
// choice for each prompt; 0: the request does not say.
func (info *RequestInfo) MaxCompletion() int {
	n := info.MaxTokens
	for _, times := range [...]int{info.Choices, info.Prompts} {
		if times > 1 && n > mostCompletion/times {
			return mostCompletion
		}
		n *= max(1, times)
	}
	return n
}

// promptList reads any value, and counts the prompts of a list: texts, or lists
// of tokens. A list of numbers is one prompt.
func (s *scanner) promptList() (prompts int) {
	if s.peek() != '[' {
		s.skip()
		return 0
	}
	if s.depth >= MaxDepth {
		s.fail(s.i, ReasonTooDeep)
		return 0
	}
	s.i++
	s.depth++
	if s.peek() == ']' {
		s.i++
		s.depth--
		return 0
	}
	for {
		if c := s.peek(); c == '"' || c == '[' {
			prompts++
		}
		if !s.skip() {
			return 0
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			s.depth--
			return prompts
		default:
			s.fail(s.i, ReasonSyntax)
			return 0
		}
	}
}

// modelValue reads a string or null.
func (s *scanner) modelValue() string {
	switch s.peek() {
	case 'n':
		s.literal("null")
		return ""
	case '"':
	default:
		s.fail(s.i, ReasonType)
		return ""
	}
	s.i++
	start := s.i
	escaped, ok := s.str()
	if !ok {
		return ""
	}
	raw := s.b[start : s.i-1]
	if len(raw) > maxModel {
		s.fail(start, ReasonValue)
		return ""
	}
	if escaped {
		raw = unescape(nil, raw)
	}
	return string(raw)
}

// boolValue reads true, false or null.
func (s *scanner) boolValue() bool {
	switch s.peek() {
	case 't':
		return s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.fail(s.i, ReasonType)
	}
	return false
}

// intValue reads a whole number from 0 to 2^31-1, or null. Forms like 1e3 and
// 100.0 are whole numbers to some backends, so they are read as such.
func (s *scanner) intValue() int {
	c := s.peek()
	start := s.i
	switch {
	case c == 'n':
		s.literal("null")
		return 0
	case c != '-' && c-'0' > 9:
		s.fail(start, ReasonType)
		return 0
	case !s.number():
		return 0
	}
	f, err := strconv.ParseFloat(string(s.b[start:s.i]), 64)
	if err != nil || f < 0 || f > 1<<31-1 || f != float64(int(f)) {
		s.fail(start, ReasonValue)
		return 0
	}
	return int(f)
}
