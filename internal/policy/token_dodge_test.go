package policy

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
)

// TestTokenLimitDodges: whatever a request does to look small, while it is under
// way no other one gets in beside it.
func TestTokenLimitDodges(t *testing.T) {
	words := strings.Repeat("word ", 2000)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"messages":[{"role":"user","content":"` + words + `"}]}`))
	_ = z.Close()
	const chat, completions, unknown = "/openai/deployments/gpt-4o/chat/completions", "/openai/deployments/gpt-4o/completions", "/ask"
	small := `{"messages":[{"role":"user","content":"hello"}],"max_tokens":100}`
	for name, tt := range map[string]struct {
		path, body string
		header     http.Header
	}{
		"n":                      {chat, `{"messages":[],"max_tokens":20,"n":50}`, nil},
		"n that nobody grants":   {chat, `{"messages":[],"max_tokens":2147483647,"n":2147483647}`, nil},
		"best_of":                {completions, `{"prompt":"a","max_tokens":20,"best_of":50}`, nil},
		"many prompts":           {completions, `{"prompt":[` + strings.Repeat(`"a",`, 99) + `"a"],"max_tokens":10}`, nil},
		"many prompts of tokens": {completions, `{"prompt":[` + strings.Repeat(`[1],`, 99) + `[1]],"max_tokens":10}`, nil},
		"all of them":            {completions, `{"prompt":[` + strings.Repeat(`"a",`, 99) + `"a"],"max_tokens":2147483647,"best_of":2147483647}`, nil},
		"no words for it":        {unknown, `{"messages":[{"role":"user","content":"` + words + `"}],"max_tokens":1000}`, nil},
		"another kind":           {unknown, `{"messages":[],"max_tokens":1000}`, http.Header{"Content-Type": {"text/plain"}}},
		"a kind that is none":    {unknown, `{"messages":[],"max_tokens":1000}`, http.Header{"Content-Type": {"x; ="}}},
		"gzip":                   {unknown, zipped.String(), http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}},
		"a mark before it":       {unknown, "\ufeff" + `{"messages":"` + words + `"}`, http.Header{"Content-Type": {"application/json"}}},
		"wide characters":        {unknown, "{\x00\"\x00m\x00" + strings.Repeat("w\x00", 4000), http.Header{"Content-Type": {"application/json"}}},
		"twice":                  {unknown, `{"messages":"` + words + `","messages":[]}`, http.Header{"Content-Type": {"application/json"}}},
	} {
		for _, estimate := range []string{"true", "false"} {
			services := &Services{Tokens: limit.NewTokens(func() time.Time { return begun })}
			p := tokenPipeline(t, `tokens-per-minute="1000" estimate-prompt-tokens="`+estimate+`"`)
			run := func(path, body string, header http.Header) *Exchange {
				x := tokenExchange(services, body)
				x.Request.Path = path
				if header != nil {
					x.Request.Header = header.Clone()
				}
				x.Forward = func(context.Context, *Exchange, ForwardOptions) error {
					x.Response = &Response{StatusCode: 200, FromBackend: true, Header: http.Header{}}
					return nil
				}
				p.Run(t.Context(), x)
				return x
			}
			first := run(tt.path, tt.body, tt.header)
			if first.Response.StatusCode == http.StatusTooManyRequests {
				continue // it looks as large as it is
			}
			if second := run(chat, small, nil); second.Response.StatusCode != http.StatusTooManyRequests {
				t.Errorf("%s, estimate %s: the first %d, and beside it %d", name, estimate, first.Response.StatusCode, second.Response.StatusCode)
			}
			first.End(Ended{Status: 200})
		}
	}
}

// TestTokenLimitOfWhoLeaves: a caller that goes away before the end of its answer
// is not let off what the model may have done for it.
func TestTokenLimitOfWhoLeaves(t *testing.T) {
	for name, tt := range map[string]struct {
		end  Ended
		want int
	}{
		"before the answer":  {Ended{Status: statusClientClosed, Left: true}, http.StatusTooManyRequests},
		"in it":              {Ended{Status: http.StatusOK, Left: true}, http.StatusTooManyRequests},
		"before the backend": {Ended{Status: statusClientClosed}, http.StatusOK},
		"the backend failed": {Ended{Status: http.StatusInternalServerError}, http.StatusOK},
	} {
		services := &Services{Tokens: limit.NewTokens(func() time.Time { return begun })}
		p := tokenPipeline(t, `tokens-per-minute="1000" estimate-prompt-tokens="true"`)
		run := func() *Exchange {
			x := tokenExchange(services, `{"messages":[],"max_tokens":1000}`)
			x.Forward = func(context.Context, *Exchange, ForwardOptions) error {
				x.Response = &Response{StatusCode: tt.end.Status, FromBackend: true, Header: http.Header{}}
				return nil
			}
			p.Run(t.Context(), x)
			return x
		}
		run().End(tt.end)
		if second := run(); (second.Response.StatusCode == http.StatusTooManyRequests) != (tt.want == http.StatusTooManyRequests) {
			t.Errorf("%s: the next one %d, want %d", name, second.Response.StatusCode, tt.want)
		}
	}
}
