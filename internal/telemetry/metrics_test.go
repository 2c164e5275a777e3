package telemetry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// scrape is what Prometheus would read.
func scrape(t testing.TB, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func wantMetric(t testing.TB, m *Metrics, lines ...string) {
	t.Helper()
	text := scrape(t, m)
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			var near []string
			for have := range strings.Lines(text) {
				if strings.HasPrefix(have, name) {
					near = append(near, have)
				}
			}
			t.Errorf("no line %s; there is\n%s", line, strings.Join(near, ""))
		}
	}
}

func TestObserve(t *testing.T) {
	m := NewMetrics(Build{Version: "1.2.3", Commit: "abc", GoVersion: "go1.26", FIPS: true})
	m.Begin()
	r := full()
	r.Cut, r.Tokens = "", Tokens{Known: true, Prompt: 7, Completion: 20, Total: 27}
	m.Observe(r)

	r = full()
	r.Status, r.BackendStatus, r.Cut = 429, 429, ""
	m.Observe(r)

	r = full()
	r.Decision, r.Status, r.Backend, r.BackendStatus = Deny, 401, "", 0
	r.Reasons = []string{"subscription-key-invalid"}
	m.Observe(r)

	wantMetric(t, m,
		`cloister_build_info{commit="abc",fips="true",goversion="go1.26",version="1.2.3"} 1`,
		`cloister_requests_in_flight 1`,
		`cloister_requests_total{api="openai",code="2xx",operation="chat-completions"} 1`,
		`cloister_requests_total{api="openai",code="4xx",operation="chat-completions"} 2`,
		`cloister_request_duration_seconds_count{api="openai",operation="chat-completions"} 3`,
		`cloister_body_bytes_total{api="openai",direction="out",operation="chat-completions"} 1035`,
		`cloister_backend_requests_total{backend="aoai",code="2xx"} 1`,
		`cloister_backend_requests_total{backend="aoai",code="4xx"} 1`,
		`cloister_refusals_total{reason="subscription-key-invalid"} 1`,
		`gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o-mini",gen_ai_token_type="input"} 7`,
		`gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o-mini",gen_ai_token_type="output"} 20`,
		`gen_ai_server_request_duration_seconds_count{error_type="",gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o-mini"} 1`,
		`gen_ai_server_request_duration_seconds_count{error_type="429",gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o-mini"} 1`,
		`gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o-mini"} 1`,
	)
	m.End()
	wantMetric(t, m, `cloister_requests_in_flight 0`)
}

func TestOtherMetrics(t *testing.T) {
	m := NewMetrics(Build{})
	at := time.Unix(1_700_000_000, 0)
	m.Reloaded(true, at)
	m.Reloaded(false, at.Add(time.Hour))
	m.SetCertificates(map[string]time.Time{"old.example": at})
	m.SetCertificates(map[string]time.Time{"gw.example": at})
	m.EgressUsed("model", "aoai.internal")
	m.EgressUsed("model", "aoai.internal")
	m.EgressRefused("call", "evil.example", "not-listed")
	m.WatchConnections(func() int { return 1 })
	wantMetric(t, m,
		`cloister_reloads_total{result="accepted"} 1`,
		`cloister_reloads_total{result="refused"} 1`,
		`cloister_site_loaded_timestamp_seconds 1.7e+09`,
		`cloister_certificate_expiry_timestamp_seconds{hostname="gw.example"} 1.7e+09`,
		`cloister_egress_connections_total{class="model",host="aoai.internal"} 2`,
		`cloister_egress_refusals_total{class="call",code="not-listed",host="evil.example"} 1`,
		`cloister_connections_open 1`,
	)
	if strings.Contains(scrape(t, m), "old.example") {
		t.Error("the expiry of a hostname that is gone is still shown")
	}
	if !strings.Contains(scrape(t, m), "go_goroutines") {
		t.Error("the process's own figures are missing")
	}
}

// Whoever calls cannot make series: names that no backend has answered for
// are counted together, and there is an end to the others.
func TestSeriesAreBounded(t *testing.T) {
	m := NewMetrics(Build{})
	for i := range 5000 {
		name := fmt.Sprintf("made-up-%d", i)
		r := full()
		r.Model, r.Status, r.BackendStatus, r.Cut = name, 404, 404, ""
		m.Observe(r)
		m.EgressRefused("call", name, "not-listed")
		m.EgressUsed("call", name)
		m.refusedEarly(name)
	}
	if text := scrape(t, m); strings.Contains(text, `gen_ai_request_model="made-up`) {
		t.Error("a model that no backend knows became a label")
	}
	for i := range 5000 {
		r := full()
		r.Model, r.Cut = fmt.Sprintf("real-%d", i), ""
		m.Observe(r)
	}
	text := scrape(t, m)
	if n := strings.Count(text, "\n"); n > 40_000 {
		t.Errorf("%d lines of metrics", n)
	}
	if n := strings.Count(text, `gen_ai_client_token_usage_sum`); n > 2*maxModels+2 {
		t.Errorf("%d series of token usage", n)
	}
	wantMetric(t, m, `cloister_egress_refusals_total{class="_OTHER",code="_OTHER",host="_OTHER"} `+
		fmt.Sprint(5000-maxHosts))
}

func TestEstimatesAreNotUsage(t *testing.T) {
	m := NewMetrics(Build{})
	r := full()
	r.Cut, r.Tokens.Estimated = "", true
	m.Observe(r)
	if strings.Contains(scrape(t, m), "gen_ai_client_token_usage_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"azure.ai.openai\",gen_ai_request_model=\"gpt-4o-mini\",gen_ai_token_type=\"input\"} 1") {
		t.Error("an estimate was reported as usage")
	}
}

func TestNilMetricsCountNothing(t *testing.T) {
	var m *Metrics
	m.Begin()
	m.End()
	m.WatchConnections(func() int { return 1 })
	m.Observe(full())
	m.Reloaded(true, time.Now())
	m.SetCertificates(nil)
	m.EgressUsed("a", "b")
	m.EgressRefused("a", "b", "c")
	m.lostSpans(1)
}

func BenchmarkObserve(b *testing.B) {
	m := NewMetrics(Build{})
	r := full()
	r.Cut = ""
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(r)
	}
}
