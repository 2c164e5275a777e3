package openai

import (
	"strings"
	"sync"
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

// codecs are made when the first text is counted: 7 and 3 MiB of memory, within
// a few hundredths of a second.
var (
	o200k  = sync.OnceValue(codec.NewO200kBase)
	cl100k = sync.OnceValue(codec.NewCl100kBase)
)

// Count returns the number of tokens of a text. Text is cut where the vocabulary
// would cut it as well; only in a stretch of more than 2 KiB without a word
// between two spaces, or of 128 white space characters, may a token more be
// counted for each cut.
func (v Vocabulary) Count(text string) int {
	c := o200k
	if v == Cl100k {
		c = cl100k
	}
	n := 0
	for text != "" {
		piece := text[:pieceLen(text)]
		text = text[len(piece):]
		k, err := c().Count(piece)
		if err != nil { // the expression gave up; it has no limit that could be met
			k = len(piece)
		}
		n += k
	}
	return n
}

// pieceLen returns how much of a text is read in one go: up to the last place at
// which a word follows one space that follows a word, or to where there were
// enough spaces.
func pieceLen(text string) int {
	good, spaces := 0, 0
	for i := 0; i < len(text) && i < maxPiece; i++ {
		switch c := text[i]; {
		case c == ' ' && spaces == 0 && i > 0 && i+1 < len(text) && isASCIIWord(text[i-1]) && isASCIIWord(text[i+1]):
			good = i
			spaces = 1
		case c <= ' ':
			if spaces++; spaces == maxSpaces {
				return i + 1
			}
		case c < utf8.RuneSelf:
			spaces = 0
		default:
			// Beyond ASCII there is white space, too; letters end no run that is
			// longer than a piece may be.
			if r, _ := utf8.DecodeRuneInString(text[i:]); !isWideSpace(r) {
				spaces = 0
			} else if spaces++; spaces >= maxSpaces {
				return wholeRunes(text, i)
			}
		}
	}
	switch {
	case len(text) <= maxPiece:
		return len(text)
	case good > 0:
		return good
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

func isASCIIWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isWideSpace reports whether the expression's \s takes r, beyond ASCII.
func isWideSpace(r rune) bool {
	switch r {
	case 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return 0x2000 <= r && r <= 0x200a
}
