package openai

import "strconv"

// Usage is what a request cost, in tokens.
type Usage struct {
	Prompt, Completion, Total int
	// Cached and Reasoning are parts of Prompt and of Completion.
	Cached, Reasoning int
	// Estimated: the backend reported nothing; see [EstimateTokens].
	Estimated bool
}

// EstimateTokens returns a rough number of tokens for n bytes of text: a
// quarter, rounded up. It is an estimate for limits and records where a backend
// reports no usage, and no tokenizer; English prose comes within a fifth or so,
// code and other scripts may be off by half.
func EstimateTokens(n int) int {
	if n <= 0 {
		return 0
	}
	return (n-1)/4 + 1
}

// EstimateUsage is the usage of an answer that does not say, by the lengths of the
// prompt and of what there is of the answer.
func EstimateUsage(promptBytes, answerBytes int) Usage {
	p, c := EstimateTokens(promptBytes), EstimateTokens(answerBytes)
	return Usage{Prompt: p, Completion: c, Total: p + c, Estimated: true}
}

// ParseUsage finds the usage of an answer: the member "usage" of the top-level
// object, or of its member "response" as in the event response.completed. Both
// spellings are known: prompt_tokens and completion_tokens, input_tokens and
// output_tokens. It builds no tree, and reports false where there is no usage,
// where it is null, or where the body is not JSON up to that place.
func ParseUsage(body []byte) (Usage, bool) {
	sum := summarize(body)
	return sum.usage, sum.hasUsage
}

// summary is what the top level of an answer or event says.
type summary struct {
	usage    Usage
	hasUsage bool
	// failed: a member "error" that is not null.
	failed bool
	// kind is the member "type" of the event, undecoded.
	kind []byte
}

func summarize(body []byte) summary {
	s := scanner{b: body}
	var sum summary
	sum.object(&s, true)
	return sum
}

// object reads members until the end or the first failure. Unlike requests,
// answers are read leniently: of two members the last counts.
func (sum *summary) object(s *scanner, top bool) bool {
	return s.eachMember(func(name []byte) bool {
		c := s.peek()
		switch string(name) {
		case "usage":
			if c == '{' {
				return sum.usageObject(s)
			}
		case "error":
			sum.failed = c != 'n'
		case "response":
			if top && c == '{' {
				return sum.object(s, false)
			}
		case "type":
			start := s.i
			ok := s.skip()
			if top && ok && c == '"' {
				sum.kind = s.b[start+1 : s.i-1]
			}
			return ok
		}
		return s.skip()
	})
}

// eachMember reads an object; f reads the value of each member.
func (s *scanner) eachMember(f func(name []byte) bool) bool {
	if s.peek() != '{' {
		return s.fail(s.i, ReasonNotObject)
	}
	s.i++
	s.depth++
	if s.peek() == '}' {
		s.i++
		s.depth--
		return true
	}
	for {
		raw, _, ok := s.name()
		if !ok || !f(raw) {
			return false
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.depth--
			return true
		default:
			return s.fail(s.i, ReasonSyntax)
		}
	}
}

// usageObject reads the usage object. Usage counts only when the whole object
// could be read and says how large the prompt was.
func (sum *summary) usageObject(s *scanner) bool {
	var u Usage
	found := false
	ok := s.eachMember(func(name []byte) bool {
		switch string(name) {
		case "prompt_tokens", "input_tokens":
			found = true
			return s.count(&u.Prompt)
		case "completion_tokens", "output_tokens":
			return s.count(&u.Completion)
		case "total_tokens":
			return s.count(&u.Total)
		case "prompt_tokens_details", "input_tokens_details":
			return s.detail("cached_tokens", &u.Cached)
		case "completion_tokens_details", "output_tokens_details":
			return s.detail("reasoning_tokens", &u.Reasoning)
		}
		return s.skip()
	})
	if ok && found {
		u.Total = max(u.Total, u.Prompt+u.Completion)
		sum.usage, sum.hasUsage = u, true
	}
	return ok
}

func (s *scanner) detail(member string, into *int) bool {
	if s.peek() != '{' {
		return s.skip()
	}
	return s.eachMember(func(name []byte) bool {
		if string(name) == member {
			return s.count(into)
		}
		return s.skip()
	})
}

// count reads a number of tokens. What is not a whole number from 0 to 2^31-1
// reads as 0: a backend's nonsense must not move a limit backwards.
func (s *scanner) count(into *int) bool {
	s.peek()
	start := s.i
	if !s.skip() {
		return false
	}
	n, err := strconv.ParseUint(string(s.b[start:s.i]), 10, 31)
	if err != nil {
		n = 0
	}
	*into = int(n)
	return true
}
