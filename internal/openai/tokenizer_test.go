package openai

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tiktoken-go/tokenizer/codec"
)

func TestVocabularyOf(t *testing.T) {
	for model, want := range map[string]Vocabulary{
		"gpt-4o": O200k, "gpt-4o-mini": O200k, "gpt-4.1": O200k, "gpt-41-prod": O200k, "gpt-5": O200k, "o3-mini": O200k, "": O200k,
		"team-chat": O200k, "gpt-4": Cl100k, "gpt-4-32k": Cl100k, "GPT-35-Turbo": Cl100k, "gpt-3.5-turbo": Cl100k,
		"text-embedding-3-large": Cl100k, "our-gpt-4-turbo": Cl100k,
	} {
		if got := VocabularyOf(model); got != want {
			t.Errorf("%q: %v, want %v", model, got, want)
		}
	}
}

// TestCount: numbers that OpenAI publishes for its own tokenizer.
func TestCount(t *testing.T) {
	for _, c := range []struct {
		text          string
		o200k, cl100k int
	}{
		{"", 0, 0},
		{"hello world", 2, 2},
		{"tiktoken is great!", 6, 6},
		{"antidisestablishmentarianism", 6, 6},
		{"2 + 2 = 4", 7, 7},
		{"お誕生日おめでとう", 8, 9},
	} {
		if got := O200k.Count(c.text); got != c.o200k {
			t.Errorf("%v of %q: %d, want %d", O200k, c.text, got, c.o200k)
		}
		if got := Cl100k.Count(c.text); got != c.cl100k {
			t.Errorf("%v of %q: %d, want %d", Cl100k, c.text, got, c.cl100k)
		}
	}
}

// TestCountPieces: cutting prose changes nothing, and cutting anything else
// little.
func TestCountPieces(t *testing.T) {
	prose, err := os.ReadFile("../../docs/security-model.md")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(prose))
	for _, c := range []struct {
		name, text string
		most       int
	}{
		{"words", strings.Join(words, " "), 0},
		{"page", string(prose), len(prose) / maxPiece},
		{"spaces", strings.Repeat(" ", 4000), 4000 / maxSpaces},
		{"letters", strings.Repeat("x", 9000), 9000/maxPiece + 1},
		{"kanji", strings.Repeat("東京は日本の首都です。", 300), 10},
		{"wide", strings.Repeat("\u3000\u2003", 2000), 4000},
	} {
		for v, whole := range map[Vocabulary]*codec.Codec{O200k: codec.NewO200kBase(), Cl100k: codec.NewCl100kBase()} {
			want, err := whole.Count(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Count(c.text); got < want || got > want+c.most {
				t.Errorf("%s, %v: %d, whole %d", c.name, v, got, want)
			}
		}
	}
}

// TestCountExact: text whose words come often enough counts what it counts whole.
func TestCountExact(t *testing.T) {
	whole := map[Vocabulary]*codec.Codec{O200k: codec.NewO200kBase(), Cl100k: codec.NewCl100kBase()}
	r := rand.New(rand.NewPCG(3, 4))
	parts := []string{"word", "Words", "WORD", "x1", "7", "12345", "it's", "don'T", "'re", "é", "漢字", "\n", "\n\n", "  ", "\t", ", ", ".", "-", "/", "👩", "\u3000", "\u0301"}
	for range 500 {
		var b strings.Builder
		for range r.IntN(60) {
			b.WriteString(parts[r.IntN(len(parts))])
			if r.IntN(3) > 0 {
				b.WriteByte(' ')
			}
		}
		for v, codec := range whole {
			want, err := codec.Count(b.String())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time from memory
				if got := v.Count(b.String()); got != want {
					t.Fatalf("%v of %q: %d, whole %d", v, b.String(), got, want)
				}
			}
		}
	}
}

// TestPieces: every text is cut into pieces that are not empty and not long, and
// no character is cut in two.
func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{" ", "a", "B", "7", "\n", "\t", "é", "漢", "\u3000", "👩", "-"}
	for range 200 {
		var b strings.Builder
		for range r.IntN(9000) {
			b.WriteString(alphabet[r.IntN(1+r.IntN(len(alphabet)))])
		}
		for text := b.String(); text != ""; {
			n := pieceLen(text)
			if n <= 0 || n > maxPiece || strings.ToValidUTF8(text[:n], "") != text[:n] {
				t.Fatalf("a piece of %d bytes of %d: %q", n, len(text), text[:max(0, n)])
			}
			text = text[n:]
		}
	}
}

// TestCountBounded: text that is made to be slow is not. The bound is for a busy
// machine; the whole expression takes minutes for these.
func TestCountBounded(t *testing.T) {
	for _, unit := range []string{"\n \n", " ", "\t\n", "\u3000\n", "x", "aA", "́", "1", "!?\n"} {
		body := `{"messages":[{"role":"user","content":` + fmt.Sprintf("%q", strings.Repeat(unit, maxExact/len(unit))) + `}]}`
		begun := time.Now()
		if n := EstimatePrompt([]byte(body), "gpt-4o"); n < 100 {
			t.Errorf("%q: %d tokens", unit, n)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%q took %v", unit, took)
		}
	}
}

func TestEstimatePrompt(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"no body", "", 0},
		{"nothing in it", "{}", 0},
		{"one message", `{"messages":[{"role":"user","content":"hello world"}]}`, 3 + 3 + 1 + 2},
		{"two, one with a name", `{"messages":[{"role":"system","content":"hello world"},{"role":"user","name":"ann","content":"hello world"}]}`,
			3 + (3 + 1 + 2) + (3 + 1 + 1 + 1 + 2)},
		{"parts", `{"messages":[{"role":"user","content":[{"type":"text","text":"hello world"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`,
			3 + 3 + 1 + 2 + 1200},
		{"low detail", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x","detail":"low"}}]}]}`, 3 + 3 + 1 + 85},
		{"a prompt", `{"prompt":"hello world"}`, 2},
		{"prompts", `{"prompt":["hello world","hello"]}`, 3},
		{"tokens", `{"input":[1,2,3]}`, 3},
		{"lists of tokens", `{"input":[[1,2],[3]]}`, 3},
		{"a response", `{"instructions":"hello","input":"hello world"}`, 3},
		{"items", `{"input":[{"role":"user","content":[{"type":"input_text","text":"hello world"},{"type":"input_image","image_url":"https://x","detail":"low"}]}]}`, 3 + 1 + 2 + 85},
		{"an image that a message has", `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"AAAA"}}]}]}`, 3 + 3 + 1 + 1200},
		{"null", `{"messages":null,"tools":null,"input":null}`, 3},
		{"escapes", `{"prompt":"hello\u0020world"}`, 2},
		{"no object", `[1,2]`, 2},
		{"broken", `{"prompt":"hello world","x`, 7},
	} {
		if got := EstimatePrompt([]byte(c.body), "gpt-4o"); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	tools := EstimatePrompt([]byte(`{"messages":[],"tools":[{"type":"function","function":{"name":"f","description":"finds things","parameters":{"type":"object"}}}]}`), "")
	if tools < 20 || tools > 60 {
		t.Errorf("tools: %d", tools)
	}
}

// TestEstimatePromptLong: beyond the bound a byte is a token, so that nothing is
// estimated too low.
func TestEstimatePromptLong(t *testing.T) {
	beyond := 5000
	text := strings.Repeat("word ", (maxExact+beyond)/5+1)[:maxExact+beyond]
	got := EstimatePrompt([]byte(`{"prompt":"`+text+`"}`), "gpt-4o")
	if want := O200k.Count(text[:maxExact]) + beyond; got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

func FuzzEstimatePrompt(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}`))
	f.Add([]byte(`{"input":[[1,2],"x",{"a":null}]}`))
	f.Add([]byte(strings.Repeat(`{"input":[`, 80)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if n := EstimatePrompt(body, "gpt-4o"); n < 0 || n > 1300*(len(body)+1) {
			t.Errorf("%d tokens in %d bytes", n, len(body))
		}
	})
}

func BenchmarkEstimatePrompt(b *testing.B) {
	for _, size := range []int{256, 4 << 10, 64 << 10} {
		body := chatBody(size, "Plain words of a prompt. ")
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				EstimatePrompt(body, "gpt-4o")
			}
		})
	}
	page, err := os.ReadFile("../../docs/security-model.md")
	if err != nil {
		b.Fatal(err)
	}
	text := string(page)
	b.Run("page", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			O200k.Count(text)
		}
	})
	b.Run("strangers", func(b *testing.B) { // words that nobody has seen
		b.SetBytes(int64(len(text)))
		r := rand.New(rand.NewPCG(5, 6))
		for b.Loop() {
			b.StopTimer()
			strange := strings.Map(func(c rune) rune {
				if 'a' <= c && c <= 'z' {
					return 'a' + rune(r.IntN(26))
				}
				return c
			}, text)
			b.StartTimer()
			O200k.Count(strange)
		}
	})
}
