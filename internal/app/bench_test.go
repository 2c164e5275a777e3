package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkRoad is one chat completion through the whole gateway: TLS, key,
// routing, scan, policies, backend over TLS, record. The figures hold the
// client and the backend too; "make bench" measures the gateway alone.
func BenchmarkRoad(b *testing.B) {
	answer := `{"id":"x","choices":[{"message":{"role":"assistant","content":"` + strings.Repeat("word ", 100) + `"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
	s := newSite(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answer)
	}), map[string]string{"apim/policy.xml": policyWith(1)})
	g := s.start(b)
	body := `{"messages":[{"role":"user","content":"` + strings.Repeat("word ", 100) + `"}]}`
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), "POST", g.url+"/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
		resp, err := g.client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			b.Fatal(resp.Status)
		}
	}
}
