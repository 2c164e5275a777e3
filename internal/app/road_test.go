package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// echo is a backend that tells what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Backend", "yes")
	json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "path": r.URL.EscapedPath(), "query": r.URL.RawQuery,
		"header": r.Header, "body": string(body), "host": r.Host,
	})
}

type echoed struct {
	Method, Path, Query, Body, Host string
	Header                          http.Header
}

func decodeEcho(t *testing.T, body string) echoed {
	t.Helper()
	var e echoed
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return e
}

func TestForward(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), nil).start(t)
	resp, body := g.do(t, "POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
		`{"model":"gpt-4o","messages":[]}`, http.Header{"X-Mine": {"1"}, "Content-Type": {"application/json"}})
	if resp.StatusCode != 200 || resp.Header.Get("X-Backend") != "yes" {
		t.Fatalf("%s %s", resp.Status, body)
	}
	e := decodeEcho(t, body)
	if e.Path != "/openai/deployments/gpt-4o/chat/completions" || e.Query != "api-version=2024-10-21" || e.Body != `{"model":"gpt-4o","messages":[]}` {
		t.Errorf("forwarded: %+v", e)
	}
	if e.Header.Get("X-Mine") != "1" || e.Header.Get("Ocp-Apim-Subscription-Key") != "" {
		t.Errorf("header: %v", e.Header)
	}
	if resp.Header.Get("Cloister-Request-Id") == "" || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("answer's header: %v", resp.Header)
	}
}

// TestCredentialsStay: wherever the caller's key came in, it does not go out.
func TestCredentialsStay(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), nil).start(t)
	for name, tt := range map[string]struct {
		path   string
		header http.Header
		status int
	}{
		"header":            {"/openai/models", nil, 200},
		"query":             {"/openai/models?a=1&subscription-key=" + teamKey, anonymous, 200},
		"bearer on v1":      {"/openai/v1/models", http.Header{"Ocp-Apim-Subscription-Key": nil, "Authorization": {"Bearer " + teamKey}}, 200},
		"api-key beside":    {"/openai/models", http.Header{"Api-Key": {"a key for the backend itself"}}, 200},
		"token beside":      {"/openai/models", http.Header{"Authorization": {"Bearer eyJ.eyJ.sig"}}, 200},
		"copied header":     {"/openai/models", http.Header{"X-Copy": {teamKey}}, 403},
		"copied query":      {"/openai/models?k=" + teamKey, nil, 403},
		"copied in a value": {"/openai/models", http.Header{"Cookie": {"k=" + teamKey + ";"}}, 403},
		"twice":             {"/openai/models?subscription-key=" + teamKey, nil, 400},
		"twice in header":   {"/openai/models", http.Header{"Ocp-Apim-Subscription-Key": {teamKey, teamKey}}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := g.do(t, "GET", tt.path, "", tt.header)
			if resp.StatusCode != tt.status {
				t.Fatalf("%s, want %d: %s", resp.Status, tt.status, body)
			}
			if strings.Contains(body, teamKey) || strings.Contains(body, "eyJ.eyJ") || strings.Contains(body, "for the backend itself") {
				t.Errorf("the credential went out: %s", body)
			}
		})
	}
}

// TestRefusals: what the documents of API Management answer, and the backend
// hears nothing.
func TestRefusals(t *testing.T) {
	var heard atomic.Int64
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heard.Add(1) }), nil).start(t)
	const missing = `{ "statusCode": 401, "message": "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API." }`
	const invalid = `{ "statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription." }`
	for _, tt := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		want                     string
	}{
		{"no key", "GET", "/openai/models", "", anonymous, 401, missing},
		{"wrong key", "GET", "/openai/models", "", http.Header{"Ocp-Apim-Subscription-Key": {"wrong"}}, 401, invalid},
		{"no operation", "PATCH", "/openai/models", "", nil, 404, `{ "statusCode": 404, "message": "Resource not found" }`},
		{"no API", "GET", "/elsewhere", "", nil, 404, `{ "statusCode": 404, "message": "Resource not found" }`},
		{"two models", "POST", "/openai/deployments/d/chat/completions", `{"model":"a","model":"b"}`, nil, 400, ""},
		{"case variant", "POST", "/openai/v1/chat/completions", `{"Model":"a"}`, nil, 400, ""},
		{"trailing", "POST", "/openai/v1/chat/completions", `{"model":"a"}x`, nil, 400, ""},
		{"not JSON", "POST", "/openai/v1/embeddings", `hello`, nil, 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := g.do(t, tt.method, tt.path, tt.body, tt.header)
			if resp.StatusCode != tt.status || tt.want != "" && body != tt.want {
				t.Errorf("%s %s, want %d %s", resp.Status, body, tt.status, tt.want)
			}
			if tt.status == 401 {
				want := `AzureApiManagementKey realm="https://localhost/openai",name="Ocp-Apim-Subscription-Key",type="header"`
				if got := resp.Header.Get("WWW-Authenticate"); got != want {
					t.Errorf("WWW-Authenticate: %s, want %s", got, want)
				}
			}
		})
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("the backend heard %d requests", n)
	}
}

// TestStream: events leave as they come, and a backend that dies in mid-stream
// ends the stream with an error event.
func TestStream(t *testing.T) {
	next := make(chan bool)
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; ; i++ {
			fmt.Fprintf(w, "data: {\"n\":%d}\n\n", i)
			w.(http.Flusher).Flush()
			if !<-next {
				panic(http.ErrAbortHandler)
			}
		}
	}), nil).start(t)
	req, _ := http.NewRequestWithContext(t.Context(), "POST", g.url+"/openai/deployments/d/chat/completions", strings.NewReader(`{"stream":true}`))
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	event := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return fmt.Sprintf("end: %v", lines.Err())
	}
	for i := range 5 {
		// The backend waits: the event is here before the next is made.
		if got, want := event(), fmt.Sprintf(`{"n":%d}`, i); got != want {
			t.Fatalf("event %d: %s", i, got)
		}
		next <- i < 4
	}
	if got := event(); !strings.Contains(got, `"error"`) || !strings.Contains(got, "backend_error") {
		t.Errorf("last event: %s", got)
	}
	if got := event(); got != "end: <nil>" {
		t.Errorf("after the error: %s", got)
	}
	wantRecord(t, g, func(r map[string]any) bool { return r["cut"] == "backend" })
}

// TestClientGone: a client that goes away cancels the backend's work.
func TestClientGone(t *testing.T) {
	gone := make(chan struct{})
	g := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write([]byte("data: 1\n\n"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	}), nil).start(t)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", g.url+"/openai/responses/x", nil)
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Read(make([]byte, 10))
	resp.Body.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the backend's request goes on")
	}
	wantRecord(t, g, func(r map[string]any) bool { return r["cut"] == "client" })
}

// wantRecord waits for a record that fits.
func wantRecord(t *testing.T, g *running, fits func(map[string]any) bool) map[string]any {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		all := g.records.String()
		for line := range strings.SplitSeq(all, "\n") {
			var r map[string]any
			if json.Unmarshal([]byte(line), &r) == nil && fits(r) {
				return r
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no such record among:\n%s", all)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
