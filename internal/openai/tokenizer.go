package openai

import (
	"hash/maphash"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer/codec"
)

// Vocabulary is the set of tokens in which a model reads text.
type Vocabulary uint8

const (
	// O200k is o200k_base: GPT-4o, GPT-4.1, GPT-5, the o series; also taken for
	// models that nobody knows.
	O200k Vocabulary = iota
	// Cl100k is cl100k_base: GPT-4, GPT-3.5 and the embedding models.
	Cl100k
)

// String returns the name that OpenAI gives it.
func (v Vocabulary) String() string {
	if v == Cl100k {
		return "cl100k_base"
	}
	return "o200k_base"
}

// VocabularyOf finds the vocabulary by the name of a model or of a deployment.
// Deployments are called as their owners like; what is looked for is a model's
// name anywhere in theirs.
func VocabularyOf(model string) Vocabulary {
	model = strings.ToLower(model)
	for _, newer := range [...]string{"gpt-4o", "gpt4o", "gpt-4.", "gpt-41", "gpt-45"} {
		if strings.Contains(model, newer) {
			return O200k
		}
	}
	for _, older := range [...]string{"gpt-4", "gpt4", "gpt-35", "gpt-3.5", "gpt35", "embedding-ada", "embedding-3", "text-embedding"} {
		if strings.Contains(model, older) {
			return Cl100k
		}
	}
	return O200k
}

const (
	// maxExact is how much text of one prompt is read with the vocabulary, in
	// bytes. What is beyond counts one token a byte, the most that it can be.
	maxExact = 1 << 20
	// maxPiece and maxSpaces are where text is cut before it is read: the
	// expression that splits it goes over a run of white space again and again.
	maxPiece  = 2 << 10
	maxSpaces = 128
)

// tokenizer is a vocabulary with what it costs to use it: made when the first text
// is counted, 7 or 3 MiB of memory within a few hundredths of a second.
type tokenizer struct {
	codec func() *codec.Codec
	words wordCache
}

var (
	o200k  = tokenizer{codec: sync.OnceValue(codec.NewO200kBase)}
	cl100k = tokenizer{codec: sync.OnceValue(codec.NewCl100kBase)}
)

// Count returns the number of tokens of a text. Text is cut at spaces, where the
// vocabulary cuts it as well; only in a stretch of more than 2 KiB without one, or
// of 128 white space characters, may a token more be counted for each cut.
func (v Vocabulary) Count(text string) int { return v.countTo(text, math.MaxInt) }

// countTo is Count up to most; text beyond counts one token a byte.
func (v Vocabulary) countTo(text string, most int) int {
	t := &o200k
	if v == Cl100k {
		t = &cl100k
	}
	n := 0
	for text != "" && n <= most {
		end := pieceLen(text)
		n += t.count(text[:end])
		text = text[end:]
	}
	return n + len(text)
}

// count counts one piece.
func (t *tokenizer) count(piece string) int {
	var hash uint64
	if len(piece) <= maxWord {
		hash = maphash.String(hashSeed, piece)
		if n, ok := t.words.get(hash); ok {
			return n
		}
	}
	n, err := t.codec().Count(piece)
	if err != nil { // the expression gave up; it has no limit that could be met
		n = len(piece)
	}
	if len(piece) <= maxWord {
		t.words.put(hash, n)
	}
	return n
}

// maxWord is how long a piece may be whose count is remembered, in bytes; a count
// fits in a byte.
const maxWord = 64

var hashSeed = maphash.MakeSeed()

// wordCache remembers what words count, since most of a text is words that come
// again and again: by their hash alone, so that no word of a prompt is kept. Two
// words with one hash of 56 bits are not told apart.
type wordCache [1 << 14]atomic.Uint64

func (c *wordCache) get(hash uint64) (int, bool) {
	v := c[hash%uint64(len(c))].Load()
	return int(v & 0xff), v>>8 == hash>>8 && v != 0
}

func (c *wordCache) put(hash uint64, n int) {
	c[hash%uint64(len(c))].Store(hash&^0xff | uint64(n))
}

// pieceLen returns how much of a text is read in one go: up to the first space
// behind something else, where a token always begins, or to where there was enough
// of anything else.
func pieceLen(text string) int {
	spaces := 0
	for i := 0; i < len(text) && i < maxPiece; i++ {
		switch c := text[i]; {
		case c == ' ' && spaces == 0 && i > 0:
			return i
		case c <= ' ':
			if spaces++; spaces == maxSpaces {
				return i + 1
			}
		case c < utf8.RuneSelf:
			spaces = 0
		default:
			// Beyond ASCII there is white space, too. The bytes of a character that
			// follow its first are none, and end no run.
			switch r, _ := utf8.DecodeRuneInString(text[i:]); {
			case isWideSpace(r):
				if spaces++; spaces >= maxSpaces {
					return wholeRunes(text, i)
				}
			case utf8.RuneStart(c):
				spaces = 0
			}
		}
	}
	if len(text) <= maxPiece {
		return len(text)
	}
	return wholeRunes(text, maxPiece)
}

// wholeRunes is the last place from i back at which a character begins, where
// there is one near.
func wholeRunes(text string, i int) int {
	for back := range utf8.UTFMax {
		if i-back > 0 && utf8.RuneStart(text[i-back]) {
			return i - back
		}
	}
	return i
}

// isWideSpace reports whether the expression's \s takes r, beyond ASCII.
func isWideSpace(r rune) bool {
	switch r {
	case 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return 0x2000 <= r && r <= 0x200a
}
