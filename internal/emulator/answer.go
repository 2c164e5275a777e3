package emulator

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strings"
)

// Finish reasons.
const (
	finishStop   = "stop"
	finishLength = "length"
	finishTools  = "tool_calls"
	finishFilter = "content_filter"
)

// question is what an answer is made from. Equal questions have equal answers.
type question struct {
	model, prompt string
	// last is the text that the answer quotes the beginning of.
	last string
	seed int64
	// limit is the most tokens; 0: none.
	limit int
	// length is the knob's; 0: by the question.
	length int
	stop   []string
	// tool is the function that has to be called; nil: none.
	tool *function
	// schema is what the answer has to fit: a JSON Schema, or {} for any
	// object; nil: the answer is text.
	schema json.RawMessage
}

// function is a tool that a request offers.
type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// answer is what one choice says: tokens of a text, or of a tool's arguments.
type answer struct {
	tokens []string
	finish string
	// tool is the function that is called.
	tool string
}

func (a *answer) text() string { return strings.Join(a.tokens, "") }

// filterResult is what the content filter says of the answer.
func (a *answer) filterResult() filters {
	if a.finish == finishFilter {
		return filteredChoice()
	}
	return safeChoice()
}

// words are the vocabulary: with its space each is one token, see [nextToken].
const words = " the gate keeps what is asked apart from every other road a light falls on stone and water while" +
	" names are read in order then each small key turns once so that no one passes by chance there was" +
	" never more to say than this about an empty room with two doors both closed and clear to see"

// minLength and spread bound the length of a text without a knob: 24 to 63.
const (
	minLength = 24
	spread    = 40
	maxQuote  = 8
)

// answer makes the index-th answer.
func (q *question) answer(index int) *answer {
	random := q.random(index)
	a := &answer{finish: finishStop}
	switch {
	case q.tool != nil:
		a.tool, a.finish = q.tool.Name, finishTools
		a.tokens = splitTokens(instance(q.tool.Parameters, random))
	case q.schema != nil:
		a.tokens = splitTokens(instance(q.schema, random))
	default:
		a.tokens = q.write(random)
	}
	a.cut(q.stop)
	if strings.Contains(q.prompt, TriggerOutput) && q.tool == nil {
		a.tokens, a.finish = a.tokens[:min(maxQuote, len(a.tokens))], finishFilter
	}
	if q.limit > 0 && len(a.tokens) > q.limit {
		a.tokens, a.finish = a.tokens[:q.limit], finishLength
	}
	return a
}

// random returns a source that is a function of question and index.
func (q *question) random(index int) *rand.Rand {
	h := sha256.New()
	for _, s := range []string{q.model, q.prompt} {
		_ = binary.Write(h, binary.BigEndian, int64(len(s))) // a hash takes everything
		h.Write([]byte(s))
	}
	_ = binary.Write(h, binary.BigEndian, [2]int64{q.seed, int64(index)})
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil))))
}

// write makes a text: a quotation, then sentences.
func (q *question) write(random *rand.Rand) []string {
	length := q.length
	if length == 0 {
		length = minLength + random.IntN(spread)
	}
	out := make([]string, 0, length+16)
	if quote := splitTokens(strings.TrimSpace(q.last)); len(quote) > 0 {
		quote = quote[:min(len(quote), maxQuote)]
		out = append(out, splitTokens("Emulated answer to \""+strings.Join(quote, "")+"\":")...)
	}
	vocabulary := strings.Fields(words)
	left := 5 + random.IntN(8)
	for len(out) < length {
		if left == 0 {
			out = append(out, ".")
			left = 5 + random.IntN(8)
			continue
		}
		out = append(out, " "+vocabulary[random.IntN(len(vocabulary))])
		left--
	}
	if length > 0 {
		out = out[:length]
		out[length-1] = "."
	}
	return out
}

// cut ends an answer before the first of the stop sequences.
func (a *answer) cut(stop []string) {
	if len(stop) == 0 || a.tool != "" {
		return
	}
	text := a.text()
	end := len(text)
	for _, s := range stop {
		if i := strings.Index(text[:end], s); s != "" && i >= 0 {
			end = i
		}
	}
	if end < len(text) {
		a.tokens = splitTokens(text[:end])
	}
}
