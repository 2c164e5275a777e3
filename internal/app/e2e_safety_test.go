package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloister-ai/cloister/internal/emulator"
)

// TestContentSafety: prompts and streams are judged by the service that is a
// backend of the site; it never sees the caller's credential.
func TestContentSafety(t *testing.T) {
	var asked atomic.Int32
	safety := &emulator.ContentSafety{Words: map[string]emulator.Harm{"awful": {Category: "Hate", Severity: 6}}}
	service, port := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.Contains(fmt.Sprint(r.Header), teamKey) {
			t.Error("the service got the caller's key")
		}
		safety.ServeHTTP(w, r)
	}))
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{"a", " word", " and"} {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", word)
			w.(http.Flusher).Flush()
		}
		if strings.Contains(string(body), "turn") {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" an awf\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ul one\"}}]}\n\n")
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}), nil)
	config := with(s.config(""), [2]string{"backends", `  safety: {url: "` + service.URL + `", caFile: tls/backend.pem, credential: {none: true}}`})
	s.write(t, "cloister.yaml", strings.Replace(config, "destinations:\n  model: [", "destinations:\n  model: [{host: 127.0.0.1, port: "+port+"}, ", 1))
	s.write(t, "apim/apis/openai/policy.xml", `<policies><inbound>
  <llm-content-safety backend-id="safety" enforce-on-completions="true"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>
</inbound></policies>`)
	g := s.start(t)
	resp, body := g.do(t, "POST", "/openai/chat/completions?api-version=1", `{"model":"m","messages":[{"role":"user","content":"something awful"}]}`, nil)
	if resp.StatusCode != 403 || body != `{ "statusCode": 403, "message": "Request failed content safety check." }` {
		t.Errorf("%s %s", resp.Status, body)
	}
	resp, body = g.do(t, "POST", "/openai/chat/completions?api-version=1", `{"model":"m","messages":[{"role":"user","content":"fine"}]}`, nil)
	if resp.StatusCode != 200 || !strings.HasSuffix(body, "data: [DONE]\n\n") || strings.Count(body, "data:") != 4 {
		t.Errorf("%s %s", resp.Status, body)
	}
	resp, body = g.do(t, "POST", "/openai/chat/completions?api-version=1", `{"model":"m","messages":[{"role":"user","content":"turn"}]}`, nil)
	if resp.StatusCode != 200 || strings.Contains(body, "awf") || !strings.Contains(body, `"code":"content_filter"`) || strings.Contains(body, "DONE") {
		t.Errorf("%s %s", resp.Status, body)
	}
	if asked.Load() != 5 {
		t.Errorf("the service was asked %d times", asked.Load())
	}
}
