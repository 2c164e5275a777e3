package openai

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestReadPrompt(t *testing.T) {
	for _, tt := range []struct {
		path, body string
		ignore     bool
		text, rest string
		messages   int
	}{
		{"/chat/completions", `{"model":"m","messages":[{"role":"user","content":"a\u0041"}],"n":1}`, false, "user: aA", `{"model":"m","n":1}`, 1},
		{"/chat/completions", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]}`, false, "system: s\nuser: u\nassistant: x\ny", `{}`, 3},
		{"/chat/completions", `{"messages":[{"role":"developer","content":"s"},{"role":"user","content":"u"}]}`, true, "user: u", `{}`, 1},
		{"/v1/messages", `{"system":"s","messages":[{"role":"user","content":"u"}]}`, false, "system: s\nuser: u", `{}`, 2},
		{"/v1/messages", `{"system":"s","messages":[{"role":"user","content":"u"}]}`, true, "user: u", `{}`, 1},
		{"/v1/responses", `{"instructions":"s","input":"u","previous_response_id":null,"background":false,"store":true}`, false, "system: s\nuser: u", `{"store":true}`, 2},
		{"/v1/responses", `{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"u"}]}]}`, false, "user: u", `{}`, 1},
		{"/completions/", `{"prompt":"p","max_tokens":5}`, false, "user: p", `{"max_tokens":5}`, 1},
	} {
		p, ok := ReadPrompt(tt.path, []byte(tt.body), tt.ignore)
		if !ok || p.Text != tt.text || string(p.Rest) != tt.rest || p.Messages != tt.messages {
			t.Errorf("%s\n%v: %q, %d messages, %s", tt.body, ok, p.Text, p.Messages, p.Rest)
		}
	}
	for _, tt := range [][2]string{
		{"/chat/completions", `{"messages":[]}`},
		{"/chat/completions", `{"messages":[{"role":"system","content":"s"}],"messages":[]}`},
		{"/chat/completions", `{"messages":[{"role":"tool","content":"s","tool_call_id":"t"}]}`},
		{"/chat/completions", `{"messages":[{"role":"assistant","content":null,"tool_calls":[]}]}`},
		{"/chat/completions", `{"messages":[{"role":"user","content":"u","name":"n"}]}`},
		{"/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}]}`},
		{"/chat/completions", `{"messages":[{"role":"user","content":[{"type":"text","text":"u","cache_control":{}}]}]}`},
		{"/chat/completions", `{"messages":"u"}`},
		{"/chat/completions", `{"messages":[{"content":"u"}]}`},
		{"/chat/completions", `{"messages":[{"role":"user","content":5}]}`},
		{"/v1/responses", `{"input":"u","previous_response_id":"r"}`},
		{"/v1/responses", `{"input":"u","conversation":"c"}`},
		{"/v1/responses", `{"input":"u","background":true}`},
		{"/v1/responses", `{"input":[{"type":"function_call_output","output":"x"}]}`},
		{"/v1/embeddings", `{"input":"u"}`},
		{"/images/generations", `{"prompt":"u"}`},
		{"/completions", `{"prompt":["a","b"]}`},
		{"/completions", `{"prompt":[1,2]}`},
		{"/chat/completions", `[]`},
		{"/chat/completions", ``},
	} {
		if p, ok := ReadPrompt(tt[0], []byte(tt[1]), false); ok {
			t.Errorf("%s %s is read as %q", tt[0], tt[1], p.Text)
		}
	}
}

// FuzzReadPrompt: what is read is valid, and a body that says the same in other
// words of JSON is the same prompt.
func FuzzReadPrompt(f *testing.F) {
	f.Add("/chat/completions", []byte(`{"model":"m","messages":[{"role":"user","content":"a"}],"n":1}`), true)
	f.Add("/v1/responses", []byte(`{"instructions":"s","input":[{"role":"user","content":[{"type":"input_text","text":"u"}]}]}`), false)
	f.Add("/completions", []byte(`{"prompt":"p"}`), false)
	f.Fuzz(func(t *testing.T, path string, body []byte, ignore bool) {
		p, ok := ReadPrompt(path, body, ignore)
		if !ok {
			return
		}
		if p.Messages == 0 || !json.Valid(p.Rest) {
			t.Errorf("%d messages, %s", p.Messages, p.Rest)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, body, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		again, ok := ReadPrompt(path, indented.Bytes(), ignore)
		if !ok || again.Text != p.Text || string(again.Rest) != string(p.Rest) || again.Messages != p.Messages {
			t.Errorf("%q is %q", p.Text, again.Text)
		}
	})
}

func TestReadEmbedding(t *testing.T) {
	for in, want := range map[string][]float32{
		`{"data":[{"embedding":[1,-0.5]}]}`:       {1, -0.5},
		`{"data":[{"embedding":"AACAPwAAAL8="}]}`: {1, -0.5},
		`{"data":[]}`:                 nil,
		`{"data":[{}]}`:               nil,
		`{"data":[{"embedding":[]}]}`: nil,
		`{"data":[{"embedding":[1]},{"embedding":[2]}]}`: nil,
		`{"data":[{"embedding":"AAA"}]}`:                 nil,
		`{"data":[{"embedding":["a"]}]}`:                 nil,
		`{"error":{}}`:                                   nil,
		`<html>`:                                         nil,
		`{"data":[{"embedding":[` + strings.Repeat("1,", 1<<19) + `1]}]}`: nil,
	} {
		got, err := ReadEmbedding(strings.NewReader(in))
		if (err != nil) != (want == nil) || len(got) != len(want) || want != nil && (got[0] != want[0] || got[1] != want[1]) {
			t.Errorf("%.60s: %v, %v", in, got, err)
		}
	}
	if got := string(EmbeddingRequest("a\"<")); got != `{"input":"a\"\u003c"}` {
		t.Error(got)
	}
}
