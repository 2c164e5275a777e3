package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/emulator"
)

// TestLimitsOutliveReloads: counts go on after a reload, also of another limit,
// and a refusal is on record.
func TestLimitsOutliveReloads(t *testing.T) {
	limited := func(calls int) string {
		return onlyInbound(fmt.Sprintf(`<set-backend-service backend-id="openai" />
    <rate-limit calls="%d" renewal-period="300" remaining-calls-header-name="X-Left" />
    <quota-by-key bandwidth="1" renewal-period="0" counter-key="@(context.Request.Headers.GetValueOrDefault("Who", ""))" />`, calls))
	}
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), map[string]string{"apim/apis/openai/policy.xml": limited(2)})
	g := s.start(t)
	asks := func(body, who string, status int, left, message string) {
		t.Helper()
		resp, answer := g.do(t, "POST", "/openai/x", body, http.Header{"Who": {who}})
		if resp.StatusCode != status || resp.Header.Get("X-Left") != left || !strings.Contains(answer, message) {
			t.Errorf("%d %q %.200s, want %d %q %s", resp.StatusCode, resp.Header.Get("X-Left"), answer, status, left, message)
		}
	}
	asks("one", "a", 200, "1", "one")
	asks("two", "a", 200, "0", "two")
	asks("three", "a", 429, "0", "Rate limit is exceeded. Try again in ")
	rec := g.awaitRecords(t, 3)[2]
	if field(rec, "decision") != "deny" || fmt.Sprint(field(rec, "reasons")) != "[rate-limit-exceeded]" || field(rec, "error.source") != "rate-limit" {
		t.Errorf("%v", rec)
	}

	s.write(t, "apim/apis/openai/policy.xml", limited(5))
	if r, err := g.Reload(t.Context()); err != nil {
		t.Fatal(r, err)
	}
	asks("three", "a", 200, "2", "three")
	// 22 bytes have moved; those of request and answer fill the kilobyte.
	asks(strings.Repeat("x", 501), "a", 200, "1", "xxx")
	g.awaitRecords(t, 5)
	asks("", "a", 403, "0", "Out of bandwidth quota. Quota will not be replenished.")
	asks("", "b", 429, "0", "Rate limit is exceeded")
}

// TestPlacesOfStreams: a stream and a WebSocket hold their place until they end,
// whoever ends them.
func TestPlacesOfStreams(t *testing.T) {
	limited := `<policies><inbound><base /></inbound><backend>
    <limit-concurrency key="openai" max-count="1"><forward-request /></limit-concurrency></backend></policies>`
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		if r.URL.Path == "/openai/stream" {
			<-r.Context().Done()
		}
	}), map[string]string{"apim/apis/openai/policy.xml": limited})
	g := s.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", g.url+"/openai/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if other, body := g.do(t, "GET", "/openai/x", "", nil); other.StatusCode != 429 || body != `{ "statusCode": 429, "message": "Concurrency limit is exceeded." }` {
		t.Errorf("beside the stream: %d %s", other.StatusCode, body)
	}
	cancel()
	eventually(t, "the place of the stream is free", func() bool {
		resp, _ := g.do(t, "GET", "/openai/x", "", nil)
		return resp.StatusCode == 200
	})

	ws, _ := emulatorSite(t, emulator.Knobs{})
	ws.write(t, "apim/apis/openai/policy.xml", limited)
	g = ws.start(t)
	conn, answer, err := g.dial(t, realtimePath, nil, "realtime")
	if err != nil {
		t.Fatal(answer, err)
	}
	if _, answer, _ := g.dial(t, realtimePath, nil, "realtime"); answer == nil || answer.StatusCode != 429 {
		t.Errorf("beside the WebSocket: %v", answer)
	}
	conn.CloseNow()
	eventually(t, "the place of the WebSocket is free", func() bool {
		conn, _, err := g.dial(t, realtimePath, nil, "realtime")
		if err == nil {
			conn.CloseNow()
		}
		return err == nil
	})
}
