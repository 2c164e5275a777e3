package contentsafety

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// chunk is an event of a chat.
func chunk(choice int, text string) string {
	return fmt.Sprintf(`data: {"id":"awful","object":"chat.completion.chunk","choices":[{"index":%d,"delta":{"content":%q}}]}`+"\n\n", choice, text)
}

// pieces reads a text in pieces of random length, and knows whether it was
// closed.
type pieces struct {
	rest   []byte
	r      *rand.Rand
	closed bool
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(b), len(p.rest), 1+p.r.IntN(200))
	copy(b, p.rest[:n])
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pieces) Close() error { p.closed = true; return nil }

// TestStreamProperties: of a random stream, cut anywhere, everything comes out
// byte for byte where nothing is found; where the word stands in what one choice
// says, however its letters are cut, nothing of it comes out, nor anything behind
// it, and no piece that was judged is longer than it may be.
func TestStreamProperties(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		var whole strings.Builder
		bad := r.IntN(2) == 0
		events := 1 + r.IntN(80)
		word, at, placed := "forbidden", r.IntN(events), 0
		for i := range events {
			text := strings.Repeat("wörd ", r.IntN(12))
			if bad && i >= at && placed < len(word) {
				n := 1 + r.IntN(len(word)-placed)
				text, placed = word[placed:placed+n], placed+n
				whole.WriteString(chunk(1, "other choice "))
			}
			whole.WriteString(chunk(0, text))
		}
		found := bad && placed == len(word)
		whole.WriteString("data: [DONE]\n\n")
		size := 100 + r.IntN(200)
		judge := func(text string) error {
			if n := utf8.RuneCountInString(text); n > size {
				t.Errorf("seed %d: %d characters at once, of %d", seed, n, size)
			}
			if strings.Contains(text, word) {
				return errors.New("found")
			}
			return nil
		}
		in := &pieces{rest: []byte(whole.String()), r: r}
		s := NewStream(in, size, 20, judge, func(error) []byte { return []byte("data: stopped\n\n") })
		out, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			if string(out) != whole.String() {
				t.Fatalf("seed %d: the stream was changed", seed)
			}
			continue
		}
		passed, stopped := strings.CutSuffix(string(out), "data: stopped\n\n")
		if !stopped || !in.closed || !strings.HasPrefix(whole.String(), passed) {
			t.Fatalf("seed %d: it went on, or was changed: %q", seed, out)
		}
		var said strings.Builder
		for e := range strings.SplitSeq(passed, "\n\n") {
			for _, text := range eventTexts([]byte(e)) {
				if strings.HasPrefix(text.Place, ".choices/0") {
					said.WriteString(text.Text)
				}
			}
		}
		if strings.Contains(said.String(), word) {
			t.Fatalf("seed %d: the word came through", seed)
		}
	}
}

// TestStreamEnds: line ends of all kinds, an event without an end, and a source
// that fails.
func TestStreamEnds(t *testing.T) {
	var judged []string
	judge := func(text string) error { judged = append(judged, text); return nil }
	for _, text := range []string{
		"data: {\"a\":\"one\"}\r\n\r\ndata: {\"a\":\"two\"}\r\n\r\n",
		"data: {\"a\":\"one\"}\r\rdata: {\"a\":\"two\"}\r\r",
		": comment\n\ndata: {\"a\":\"one\"}\n\nevent: x\ndata: {\"a\":\ndata: \"two\"}",
	} {
		judged = nil
		s := NewStream(io.NopCloser(strings.NewReader(text)), 1000, 0, judge, nil)
		out, err := io.ReadAll(s)
		if string(out) != text || err != nil || !slices.Equal(judged, []string{"onetwo"}) {
			t.Errorf("%q, %v, judged %q", out, err, judged)
		}
	}
	broken := errors.New("broken")
	s := NewStream(io.NopCloser(io.MultiReader(strings.NewReader("data: {\"a\":\"x\"}\n\n"), failing{broken})), 1000, 0, judge, nil)
	if out, err := io.ReadAll(s); !errors.Is(err, broken) || len(out) == 0 {
		t.Errorf("%q, %v", out, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestStreamIsBounded: an event without end does not fill memory.
func TestStreamIsBounded(t *testing.T) {
	s := NewStream(io.NopCloser(endless{}), 1000, 0, func(string) error { return nil }, func(err error) []byte { return []byte(err.Error()) })
	out, err := io.ReadAll(s)
	if err != nil || !strings.Contains(string(out), "too large") || cap(s.raw) > 2*maxHeld {
		t.Errorf("%.100q, %v", out, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestTexts(t *testing.T) {
	for body, want := range map[string]string{
		``:    ``,
		`{}`:  ``,
		`"a"`: `a`,
		`{"model":"m","messages":[{"role":"user","content":"one","name":"two"}],"user":"three"}`:              `one|two|three`,
		`{"input":["a",["b",{"text":"c","type":"d"}]],"instructions":"e"}`:                                    `a|b|c|e`,
		`{"tools":[{"type":"function","function":{"name":"f","parameters":{"x":{"description":"hidden"}}}}]}`: `f|hidden`,
		`not JSON`: `not JSON`,
		`{"metadata":{"` + strings.Repeat("k", 65) + `":1}}`: strings.Repeat("k", 65),
	} {
		texts, ok := Texts([]byte(body))
		var got []string
		for _, x := range texts {
			got = append(got, x.Text)
		}
		if s := strings.Join(got, "|"); !ok || s != want {
			t.Errorf("%s: %q, %v", body, s, ok)
		}
	}
	if _, ok := Texts([]byte("\xff\xfe\x00")); ok {
		t.Error("bytes are no text")
	}
	texts, _ := Texts([]byte(`{"messages":[{"role":"system","content":"a"},{"role":"user","content":[{"text":"b"}]}],"instructions":"c","prompt":"d"}`))
	for _, x := range texts {
		if want := x.Text == "b" || x.Text == "d"; x.User != want {
			t.Errorf("%+v", x)
		}
	}
}

func TestWindows(t *testing.T) {
	for _, tt := range []struct {
		text          string
		size, overlap int
		want          []string
	}{
		{"", 3, 1, []string{""}},
		{"abc", 3, 1, []string{"abc"}},
		{"abcdefg", 3, 1, []string{"abc", "cde", "efg"}},
		{"abcdefgh", 3, 0, []string{"abc", "def", "gh"}},
		{"äöüß", 2, 1, []string{"äö", "öü", "üß"}},
		{"abcd", 2, 9, []string{"ab", "bc", "cd"}},
	} {
		if got := Windows(tt.text, tt.size, tt.overlap); !slices.Equal(got, tt.want) {
			t.Errorf("%q %d %d: %q, want %q", tt.text, tt.size, tt.overlap, got, tt.want)
		}
	}
}

// TestClientFailsClosed: what is not a whole judgement is none.
func TestClientFailsClosed(t *testing.T) {
	for _, answer := range []string{
		``, `{}`, `null`, `[]`, `{"categoriesAnalysis":[{"category":"Hate"}]}`, `{"categoriesAnalysis":[{"category":"Sexual","severity":0}]}`,
		`<html>`, strings.Repeat(" ", maxAnswer+1),
	} {
		c := Client{Do: func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer))}, nil
		}}
		if found, err := c.Analyze(t.Context(), "x", Analysis{Categories: []string{"Hate"}}); err == nil {
			t.Errorf("%.50q was taken for a judgement: %+v", answer, found)
		}
		if attack, err := c.ShieldPrompt(t.Context(), "x"); err == nil {
			t.Errorf("%.50q was taken for a judgement: %v", answer, attack)
		}
	}
	c := Client{Do: func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader(`{"error":{"code":"NotFound","message":"no list"}}`))}, nil
	}}
	var status *StatusError
	if _, err := c.Analyze(t.Context(), "x", Analysis{}); !errors.As(err, &status) || status.Status != 404 || status.Code != "NotFound" {
		t.Errorf("%v", err)
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(chunk(0, "hello")+"data: [DONE]\n\n"), uint8(3))
	f.Add([]byte("data: {\r\rdata:x\n\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, cut uint8) {
		s := NewStream(io.NopCloser(&pieces{rest: bytes.Clone(text), r: rand.New(rand.NewPCG(uint64(cut), 1))}), 100, 10, func(string) error { return nil }, nil)
		out, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(out, text) {
			t.Errorf("%q, %v, want %q", out, err, text)
		}
	})
}
