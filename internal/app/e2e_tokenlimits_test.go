package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	streamedPiece = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n"
	streamedUsage = "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":40,\"completion_tokens\":60,\"total_tokens\":100}}\n\n"
	streamedDone  = "data: [DONE]\n\n"
	plainUsage    = `{"id":"1","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":40,"completion_tokens":60,"total_tokens":100}}`
)

// countedModel answers as a model does that knows include_usage, and keeps the
// bodies that it gets.
type countedModel struct {
	mu     sync.Mutex
	bodies []string // guarded by mu
	calls  atomic.Int32
}

func (m *countedModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.calls.Add(1)
	m.mu.Lock()
	m.bodies = append(m.bodies, string(body))
	m.mu.Unlock()
	if !strings.Contains(string(body), `"stream":true`) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, plainUsage)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	events := []string{streamedPiece, streamedDone}
	if strings.Contains(string(body), `"include_usage":true`) {
		events = []string{streamedPiece, streamedUsage, streamedDone}
	}
	for _, event := range events {
		_, _ = io.WriteString(w, event)
		w.(http.Flusher).Flush()
	}
}

func (m *countedModel) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bodies[len(m.bodies)-1]
}

const limitOfTest = `<llm-token-limit counter-key="all" tokens-per-minute="100000" estimate-prompt-tokens="true" remaining-tokens-header-name="X-Remaining" tokens-consumed-header-name="X-Consumed" />
<llm-emit-token-metric namespace="openai"><dimension name="API ID" /><dimension name="Subscription ID" /></llm-emit-token-metric>
<trace source="test" severity="information"><message>said by a policy</message><metadata name="size" value="9" /></trace>
<trace source="test"><message>quiet</message></trace>`

// TestStreamUsage: a stream that a policy counts says what it cost, to the gateway
// alone where the caller did not ask; bodies and streams stay as they are but for
// that.
func TestStreamUsage(t *testing.T) {
	m := &countedModel{}
	s := newSite(t, m, map[string]string{"apim/apis/openai/policy.xml": onlyInbound(limitOfTest)})
	g := s.start(t)
	const path = "/openai/deployments/gpt-4o/chat/completions"
	large := strings.Repeat("many words ", 20_000)
	for _, tt := range []struct{ name, path, body, sent, got string }{
		{"not asked for", path, `{ "stream":true,"messages":[]}`, `{"stream_options":{"include_usage":true}, "stream":true,"messages":[]}`, streamedPiece + streamedDone},
		{"refused", path, `{"stream":true,"stream_options":{"include_usage":false}}`, `{"stream":true,"stream_options":{"include_usage":true}}`, streamedPiece + streamedDone},
		{"large", path, `{"stream":true,"prompt":"` + large + `"}`, `{"stream_options":{"include_usage":true},"stream":true,"prompt":"` + large + `"}`, streamedPiece + streamedDone},
		{"asked for", path, `{"stream":true,"stream_options":{"include_usage":true}}`, "", streamedPiece + streamedUsage + streamedDone},
		{"no stream", path, `{"messages":[]}`, "", plainUsage},
		{"a response", "/openai/v1/responses", `{"stream":true,"input":"x"}`, "", streamedPiece + streamedDone},
	} {
		resp, got := g.do(t, "POST", tt.path, tt.body, nil)
		if resp.StatusCode != 200 || got != tt.got {
			t.Errorf("%s: %s %q, want %q", tt.name, resp.Status, got, tt.got)
		}
		want := tt.sent
		if want == "" {
			want = tt.body
		}
		if sent := m.last(); sent != want {
			t.Errorf("%s: sent %.200s, want %.200s", tt.name, sent, want)
		}
	}
	records := g.awaitRecords(t, 6)
	for i, r := range records[:5] {
		if total := field(r, "tokens.total"); total != 100.0 || field(r, "tokens.estimated") != nil {
			t.Errorf("record %d: %v tokens", i, total)
		}
	}
	eventually(t, "the metrics are there", func() bool {
		return strings.Contains(g.metrics(t), `cloister_custom_total_tokens_count{api_id="openai",namespace="openai",subscription_id="team"} 6`)
	})
	for _, line := range []string{`cloister_custom_prompt_tokens_sum{api_id="openai",namespace="openai",subscription_id="team"} 2`} {
		if !strings.Contains(g.metrics(t), line) {
			t.Errorf("no line %s", line)
		}
	}
	log := g.log.String()
	if n := strings.Count(log, "said by a policy"); n != 6 || strings.Contains(log, "quiet") {
		t.Errorf("%d messages in the log", n)
	}
}

// TestTokenLimit: real numbers on answers, refusals as documented, and never more
// than one request over the limit, however many come at once.
func TestTokenLimit(t *testing.T) {
	m := &countedModel{}
	s := newSite(t, m, map[string]string{"apim/apis/openai/policy.xml": onlyInbound(
		`<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="1000" estimate-prompt-tokens="true" remaining-tokens-header-name="X-Remaining" tokens-consumed-header-name="X-Consumed" />`)})
	g := s.start(t)
	const path, body = "/openai/deployments/gpt-4o/chat/completions", `{"messages":[{"role":"user","content":"hello"}],"max_tokens":92}`
	resp, got := g.do(t, "POST", path, body, nil)
	if resp.Header.Get("X-Consumed") != "100" || resp.Header.Get("X-Remaining") != "900" || got != plainUsage {
		t.Errorf("%s %v %s", resp.Status, resp.Header, got)
	}
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			resp, err := g.send(t, g.client, "POST", path, strings.NewReader(body), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode == 200 {
				return
			}
			wait := resp.Header.Get("Retry-After")
			if want := fmt.Sprintf(`{ "statusCode": 429, "message": "Token limit is exceeded. Try again in %s seconds." }`, wait); resp.StatusCode != 429 || string(text) != want {
				t.Errorf("%s %s, want %s", resp.Status, text, want)
			}
		})
	}
	wg.Wait()
	if n := m.calls.Load(); n < 2 || n > 11 { // 1000 tokens, and one request more
		t.Errorf("%d requests of 100 tokens passed a limit of 1000", n)
	}
}

// TestChangedAnswersCount: what is counted is what the model said, whatever
// policies make of it.
func TestChangedAnswersCount(t *testing.T) {
	s := newSite(t, &countedModel{}, map[string]string{"apim/apis/openai/policy.xml": `<policies>
<inbound><llm-emit-token-metric /></inbound>
<outbound><set-body>@(context.Response.Body.As<string>().Length.ToString())</set-body></outbound>
</policies>`})
	g := s.start(t)
	const path = "/openai/deployments/gpt-4o/chat/completions"
	for body, want := range map[string]int{`{"messages":[]}`: len(plainUsage), `{"stream":true}`: len(streamedPiece + streamedDone)} {
		if resp, got := g.do(t, "POST", path, body, nil); resp.StatusCode != 200 || got != fmt.Sprint(want) {
			t.Errorf("%s: %s %q, want %d", body, resp.Status, got, want)
		}
	}
	for i, r := range g.awaitRecords(t, 2) {
		if total := field(r, "tokens.total"); total != 100.0 || field(r, "tokens.estimated") != nil {
			t.Errorf("record %d: %v tokens", i, total)
		}
	}
}

// TestWhoLeavesIsCounted: a caller that takes most of an answer and goes away
// before the usage at its end has had tokens all the same.
func TestWhoLeavesIsCounted(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"`+strings.Repeat("word ", 8<<20)+`"}}],"usage":{"prompt_tokens":40,"completion_tokens":60,"total_tokens":100}}`)
	}), nil)
	g := s.start(t)
	both(t, s, g, func(t *testing.T, client *http.Client) {
		before := len(g.accessRecords(t))
		resp, err := g.send(t, client, "POST", "/openai/deployments/gpt-4o/chat/completions", strings.NewReader(`{"messages":[]}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
		resp.Body.Close()
		r := g.awaitRecords(t, before+1)[before]
		if n, _ := field(r, "tokens.completion").(float64); n < 1<<18 || field(r, "tokens.estimated") != true || field(r, "cut") != "client" {
			t.Errorf("%v", r)
		}
	})
}
