package emulator

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// TestGolden pins every byte of answers and streams: clock and randomness are
// given.
func TestGolden(t *testing.T) {
	for name, c := range map[string]struct{ path, body string }{
		"chat":               {chatPath, hello},
		"chat-stream":        {chatPath, helloLive},
		"chat-stream-n2":     {chatPath, `{"messages":[{"role":"user","content":"Hello"}],"stream":true,"n":2,"max_tokens":2}`},
		"chat-stream-tool":   {chatPath, `{"messages":[{"role":"user","content":"Hello"}],"stream":true,"tools":[{"type":"function","function":{"name":"greet","parameters":{"type":"object","properties":{"loud":{"type":"boolean"}}}}}]}`},
		"chat-stream-filter": {chatPath, `{"messages":[{"role":"user","content":"` + TriggerOutput + `"}],"stream":true}`},
		"completion":         {"/openai/deployments/gpt-4o/completions?api-version=2024-10-21", `{"prompt":["a","b"],"max_tokens":4}`},
		"completion-stream":  {"/openai/deployments/gpt-4o/completions?api-version=2024-10-21", `{"prompt":"a","max_tokens":2,"stream":true,"echo":true}`},
		"embedding":          {"/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":"a","dimensions":2}`},
		"embedding-base64":   {"/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":"a","dimensions":2,"encoding_format":"base64"}`},
		"response":           {"/openai/v1/responses", `{"model":"gpt-4o","input":"Hello","max_output_tokens":16}`},
		"response-stream":    {"/openai/v1/responses", `{"model":"gpt-4o","input":"Hello","stream":true}`},
		"response-tool":      {"/openai/v1/responses", `{"model":"gpt-4o","input":"Hello","stream":true,"tools":[{"type":"function","name":"greet","parameters":{"type":"object","properties":{"loud":{"type":"boolean"}}}}]}`},
		"error-filter":       {chatPath, `{"messages":[{"role":"user","content":"` + TriggerJailbreak + `"}]}`},
	} {
		_, srv := serve(t, OpenAIOptions{Now: instant, Rand: noise(), Knobs: Knobs{LengthTokens: 12}})
		resp, got := exchange(t, srv, "POST", c.path, c.body)
		want := "text/event-stream; charset=utf-8"
		if !strings.Contains(c.body, `"stream":true`) {
			want = "application/json"
		}
		if ct := resp.Header.Get("Content-Type"); ct != want {
			t.Errorf("%s: content type %q", name, ct)
		}
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(golden), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
