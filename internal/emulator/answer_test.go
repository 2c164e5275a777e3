package emulator

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTokens(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"Hello, world":     "Hello|,| world",
		"abcdefgh":         "abcdef|gh",
		"a  b":             "a| | b",
		" ":                " ",
		"x ":               "x| ",
		"日本語テキスト":          "日本語テキス|ト",
		"a\n\nb":           "a|\n|\n|b",
		"don't 12345678 !": "don|'|t| 123456|78| !",
	} {
		if got := strings.Join(splitTokens(in), "|"); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("Hello,  world\n", 2)
	f.Add(" \xff a", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		tokens := splitTokens(s)
		if strings.Join(tokens, "") != s || len(tokens) != countTokens(s) {
			t.Fatalf("%q: %q", s, tokens)
		}
		if n < 0 || n > len(tokens) {
			return
		}
		if head := strings.Join(tokens[:n], ""); countTokens(head) != n {
			t.Fatalf("the first %d tokens of %q are %d tokens", n, s, countTokens(head))
		}
	})
}

// FuzzAnswer: an answer has as many tokens as it says, within its limits, and
// is the same the second time.
func FuzzAnswer(f *testing.F) {
	f.Add("Say \"hello\"", 10, 0, ".")
	f.Add("", 0, 1, "")
	f.Add("日本語", 3, 40, "gate")
	f.Fuzz(func(t *testing.T, prompt string, limit, length int, stop string) {
		if !utf8.ValidString(prompt) || limit < 0 || length < 0 || length > 1000 {
			return
		}
		q := &question{model: "m", prompt: prompt, last: prompt, limit: limit, length: length, stop: []string{stop}}
		a := q.answer(0)
		if n := countTokens(a.text()); n != len(a.tokens) || limit > 0 && n > limit {
			t.Fatalf("%d tokens, said to be %d, limit %d: %q", n, len(a.tokens), limit, a.text())
		}
		if stop != "" && strings.Contains(a.text(), stop) {
			t.Fatalf("%q in %q", stop, a.text())
		}
		if again := q.answer(0); again.text() != a.text() || again.finish != a.finish {
			t.Fatalf("%q, then %q", a.text(), again.text())
		}
	})
}

// FuzzInstance: whatever the schema, the instance is JSON of bounded size.
func FuzzInstance(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"enum":[1,2]},"c":{"const":"x"}}}`,
		`{"$ref":"#"}`, `{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}`,
		`{"type":"array","items":{"$ref":"#/$defs/x"},"minItems":3,"$defs":{"x":{"type":"number","minimum":7.5}}}`,
		`{"type":"array","minItems":1000000}`, `{"anyOf":[null]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := instance(json.RawMessage(s), rand.New(rand.NewPCG(1, 2)))
		if !json.Valid([]byte(got)) || len(got) > maxInstanceBytes+2*len(s)*maxInstanceDepth+4096 {
			t.Fatalf("%s: %.200s", s, got)
		}
	})
}

func TestInstanceKeepsOrder(t *testing.T) {
	s := `{"type":"object","properties":{"z":{"type":"boolean"},"a":{"type":"integer"},"m":{"type":"string","format":"date"}}}`
	if got := instance(json.RawMessage(s), rand.New(rand.NewPCG(1, 2))); got != `{"z":true,"a":1,"m":"2024-01-01"}` {
		t.Error(got)
	}
}

func TestStructuredOutput(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	_, body := exchange(t, srv, "POST", chatPath, `{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"ok":{"type":"boolean"}}}}}}`)
	if got := *parse[chatCompletion](t, body).Choices[0].Message.Content; got != `{"ok":true}` {
		t.Error(got)
	}
	_, body = exchange(t, srv, "POST", chatPath, `{"messages":[{"role":"user","content":"some JSON"}],"response_format":{"type":"json_object"}}`)
	if got := *parse[chatCompletion](t, body).Choices[0].Message.Content; !json.Valid([]byte(got)) {
		t.Error(got)
	}
	_, body = exchange(t, srv, "POST", "/openai/v1/responses", `{"model":"gpt-4o","input":"x","text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object","properties":{"ok":{"type":"boolean"}}}}}}`)
	if got := (*parse[response](t, body).Output[0].Content)[0].Text; got != `{"ok":true}` {
		t.Error(got)
	}
}

func TestChoicesAndLogprobs(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	_, body := exchange(t, srv, "POST", chatPath, `{"messages":[{"role":"user","content":"x"}],"n":3,"logprobs":true,"max_tokens":20}`)
	got := parse[chatCompletion](t, body)
	texts := map[string]bool{}
	for i, c := range got.Choices {
		texts[*c.Message.Content] = true
		if c.Index != i || c.Finish != finishLength || len(c.Logprobs.Content) != 20 {
			t.Errorf("%+v", c)
		}
	}
	if len(texts) != 3 || got.Usage.CompletionTokens != 60 {
		t.Errorf("%d texts, %+v", len(texts), got.Usage)
	}
}
