package emulator

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAuthentication(t *testing.T) {
	verify := func(_ context.Context, raw string) error {
		switch raw {
		case "a.good.token":
			return nil
		case "a.denied.token":
			return &PermissionError{ObjectID: "oid"}
		}
		return errors.New("bad")
	}
	_, srv := serve(t, OpenAIOptions{Keys: keys(testKey, "second"), VerifyToken: verify})
	_, closed := serve(t, OpenAIOptions{DisableLocalAuth: true})
	_, none := serve(t, OpenAIOptions{})
	v1 := "/openai/v1/models"
	for _, c := range []struct {
		server        string
		path          string
		key, bearer   string
		status        int
		code, message string
	}{
		{"", chatPath, "", "", 401, "401", "Access denied due to invalid subscription key"},
		{"", chatPath, "wrong", "", 401, "401", ""},
		{"", chatPath, testKey, "", 200, "", ""},
		{"", chatPath, "second", "", 200, "", ""},
		{"", chatPath, "", "a.good.token", 200, "", ""},
		{"", chatPath, "", "a.bad.token", 401, "Unauthorized", "Access token is missing, invalid"},
		{"", chatPath, "", "a.denied.token", 401, "PermissionDenied", "The principal `oid` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action` to perform `POST /openai/deployments/{deployment-id}/chat/completions` operation."},
		{"", chatPath, "", testKey, 401, "Unauthorized", ""}, // a key is no bearer token here
		{"", v1, "", testKey, 200, "", ""},                   // but it is on v1
		{"", v1, "", "wrong", 401, "401", ""},
		{"closed", chatPath, testKey, "", 403, "AuthenticationTypeDisabled", ""},
		{"closed", chatPath, "wrong", "", 401, "401", ""},
		{"none", chatPath, "", "a.good.token", 401, "Unauthorized", ""},
	} {
		to := map[string]string{"": srv.URL, "closed": closed.URL, "none": none.URL}[c.server]
		method, body := "POST", hello
		if c.path == v1 {
			method, body = "GET", ""
		}
		req, err := http.NewRequestWithContext(t.Context(), method, to+c.path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			req.Header.Set("api-key", c.key)
		}
		if c.bearer != "" {
			req.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var buf strings.Builder
		_ = resp.Write(&buf)
		if resp.StatusCode != c.status || !strings.Contains(buf.String(), `"`+c.code) || !strings.Contains(buf.String(), c.message) {
			t.Errorf("%+v: %s", c, buf.String())
		}
	}
}

func TestVersionsAndPaths(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	ask := `{"model":"gpt-4o","input":"x","messages":[{"role":"user","content":"x"}]}`
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/openai/deployments/gpt-4o/chat/completions", 404},
		{"POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2030-01-01", 404},
		{"POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21&api-version=2024-10-21", 404},
		{"POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2023-05-15", 200},
		{"POST", "/openai/deployments/nobody/chat/completions?api-version=2024-10-21", 404},
		{"POST", "/openai/deployments/text-embedding-3-small/chat/completions?api-version=2024-10-21", 400},
		{"POST", "/openai/deployments/gpt-4o/embeddings?api-version=2024-10-21", 400},
		{"POST", "/openai/deployments/gpt-4o/audio/speech?api-version=2024-10-21", 404},
		{"POST", "/openai/responses?api-version=2024-10-21", 400},
		{"POST", "/openai/responses?api-version=2025-03-01-preview", 200},
		{"POST", "/openai/v1/responses", 200},
		{"POST", "/openai/v1/responses?api-version=preview", 200},
		{"POST", "/openai/v1/responses?api-version=2024-10-21", 400},
		{"POST", "/openai/v1/chat/completions", 200},
		{"POST", "/models/chat/completions?api-version=2024-05-01-preview", 200},
		{"GET", "/openai/v1/models/gpt-4o", 200},
		{"GET", "/openai/v1/models/nobody", 404},
		{"GET", "/openai/models?api-version=2024-10-21", 200},
		{"GET", "/openai/v1/files", 404},
		{"GET", "/", 404},
		{"DELETE", "/openai/v1/models/gpt-4o", 404},
	} {
		if resp, body := exchange(t, srv, c.method, c.path, ask); resp.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, resp.StatusCode, c.status, body)
		}
	}
}

func TestHeaders(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{Region: "West Europe"})
	resp, _ := exchange(t, srv, "POST", chatPath, hello, "x-ms-client-request-id", "mine")
	want := map[string]string{
		"X-Ms-Region": "West Europe", "X-Ms-Client-Request-Id": "mine", "Azureml-Model-Session": Marker, "X-Ms-Deployment-Name": "gpt-4o",
		"X-Ratelimit-Limit-Requests": "10000", "X-Ratelimit-Remaining-Requests": "9999", "X-Ratelimit-Limit-Tokens": "10000000",
		"Cache-Control": "no-cache, must-revalidate", "X-Content-Type-Options": "nosniff",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = resp.Header.Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if id := resp.Header.Get("Apim-Request-Id"); len(id) != 36 || id != resp.Header.Get("X-Request-Id") {
		t.Errorf("request id %q", id)
	}
}

func TestRateLimits(t *testing.T) {
	now := instant()
	_, srv := serve(t, OpenAIOptions{Now: func() time.Time { return now }, Deployments: []Deployment{
		{Name: "calls", Model: "gpt-4o", RequestsPerMinute: 2}, {Name: "tokens", Model: "gpt-4o", TokensPerMinute: 100},
	}})
	ask := func(deployment, body string) (int, http.Header, string) {
		resp, got := exchange(t, srv, "POST", strings.Replace(chatPath, "gpt-4o", deployment, 1), body)
		return resp.StatusCode, resp.Header, got
	}
	for i, want := range []int{200, 200, 429} {
		if got, h, body := ask("calls", hello); got != want || want == 429 && (h.Get("Retry-After") != "60" || !strings.Contains(body, "call rate limit")) {
			t.Errorf("call %d: %d %v %s", i, got, h, body)
		}
	}
	large := `{"messages":[{"role":"user","content":"x"}],"max_tokens":60}`
	for i, want := range []int{200, 429} {
		if got, _, body := ask("tokens", large); got != want || want == 429 && !strings.Contains(body, "token rate limit") {
			t.Errorf("tokens, call %d: %d %s", i, got, body)
		}
	}
	now = now.Add(time.Minute)
	if got, _, body := ask("tokens", large); got != 200 {
		t.Errorf("a minute later: %d %s", got, body)
	}
}

func TestRefusedBodies(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	chat := func(more string) string { return `{"messages":[{"role":"user","content":"x"}]` + more + `}` }
	for _, c := range []struct{ path, body, param, code string }{
		{chatPath, `{`, "", ""},
		{chatPath, `[]`, "", ""},
		{chatPath, `{"messages":"x"}`, "messages", "invalid_type"},
		{chatPath, `{}`, "messages", "missing_required_parameter"},
		{chatPath, `{"messages":[{"content":"x"}]}`, "messages[0].role", "missing_required_parameter"},
		{chatPath, `{"messages":[{"role":"robot","content":"x"}]}`, "messages[0].role", "invalid_value"},
		{chatPath, chat(`,"n":0`), "n", "integer_below_min_value"},
		{chatPath, chat(`,"n":129`), "n", "integer_above_max_value"},
		{chatPath, chat(`,"temperature":9`), "temperature", "decimal_above_max_value"},
		{chatPath, chat(`,"top_p":-1`), "top_p", "decimal_below_min_value"},
		{chatPath, chat(`,"max_tokens":1,"max_completion_tokens":1`), "max_tokens", "invalid_parameter_combination"},
		{chatPath, chat(`,"stream_options":{"include_usage":true}`), "stream_options", ""},
		{chatPath, chat(`,"response_format":{"type":"json_object"}`), "messages", ""},
		{chatPath, chat(`,"response_format":{"type":"xml"}`), "response_format.type", "invalid_value"},
		{chatPath, chat(`,"tool_choice":"maybe"`), "tool_choice", "invalid_value"},
		{chatPath, chat(`,"tool_choice":{"type":"function","function":{"name":"f"}}`), "tool_choice", ""},
		{"/openai/v1/chat/completions", chat(""), "model", "missing_required_parameter"},
		{"/openai/v1/embeddings", `{"model":"text-embedding-3-small"}`, "input", "missing_required_parameter"},
		{"/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":""}`, "input", ""},
		{"/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":"x","dimensions":2000}`, "dimensions", "integer_above_max_value"},
		{"/openai/v1/embeddings", `{"model":"text-embedding-3-small","input":"x","encoding_format":"hex"}`, "encoding_format", "invalid_value"},
		{"/openai/v1/responses", `{"model":"gpt-4o"}`, "input", "missing_required_parameter"},
		{"/openai/v1/responses", `{"model":"gpt-4o","input":"x","max_output_tokens":1}`, "max_output_tokens", "integer_below_min_value"},
		{"/openai/v1/responses", `{"model":"gpt-4o","input":"x","previous_response_id":"resp_x"}`, "previous_response_id", "previous_response_not_found"},
		{"/openai/v1/responses", `{"model":"gpt-4o","input":"x","background":true,"store":false}`, "background", ""},
	} {
		resp, body := exchange(t, srv, "POST", c.path, c.body)
		got := parse[struct {
			Error struct{ Param, Code, Type, Message string }
		}](t, body).Error
		if resp.StatusCode != 400 || got.Param != c.param || got.Code != c.code || got.Type != "invalid_request_error" || got.Message == "" {
			t.Errorf("%s: %d %s", c.body, resp.StatusCode, body)
		}
	}
}

// TestBackground: a response in the background takes its time, and can be
// cancelled meanwhile.
func TestBackground(t *testing.T) {
	now := instant()
	_, srv := serve(t, OpenAIOptions{Now: func() time.Time { return now }, Knobs: Knobs{TimeToFirstToken: time.Minute}})
	create := func() string {
		_, body := exchange(t, srv, "POST", "/openai/v1/responses", `{"model":"gpt-4o","input":"x","background":true}`)
		r := parse[response](t, body)
		if r.Status != statusQueued {
			t.Errorf("created: %s", body)
		}
		return "/openai/v1/responses/" + r.ID
	}
	status := func(method, path string) string {
		_, body := exchange(t, srv, method, path, "")
		return parse[response](t, body).Status
	}
	first, second := create(), create()
	if got := status("GET", first); got != statusInProgress {
		t.Errorf("before its time: %s", got)
	}
	if got := status("POST", second+"/cancel"); got != statusCancelled {
		t.Errorf("cancelled: %s", got)
	}
	now = now.Add(time.Minute)
	if a, b := status("GET", first), status("GET", second); a != statusCompleted || b != statusCancelled {
		t.Errorf("after its time: %s, %s", a, b)
	}
	if got := status("POST", first+"/cancel"); got != statusCompleted {
		t.Errorf("cancelled too late: %s", got)
	}
}

// TestReplay: the stream of a stored response can be read again from any event
// on.
func TestReplay(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{Knobs: Knobs{LengthTokens: 16}})
	_, live := exchange(t, srv, "POST", "/openai/v1/responses", `{"model":"gpt-4o","input":"x","stream":true}`)
	_, rest, _ := strings.Cut(live, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	_, all := exchange(t, srv, "GET", "/openai/v1/responses/"+id+"?stream=true", "")
	_, tail := exchange(t, srv, "GET", "/openai/v1/responses/"+id+"?stream=true&starting_after=3", "")
	if all != live || !strings.HasSuffix(live, tail) || strings.Count(tail, "data: ") != strings.Count(live, "data: ")-4 {
		t.Errorf("live %d, again %d, tail %d bytes", len(live), len(all), len(tail))
	}
	if resp, body := exchange(t, srv, "POST", "/openai/v1/responses/"+id+"/cancel", ""); resp.StatusCode != 400 {
		t.Errorf("cancel: %d %s", resp.StatusCode, body)
	}
}

func TestResponseStoreIsBounded(t *testing.T) {
	var s responseStore
	for i := range 2 * maxStored {
		s.put(&storedResponse{begun: &response{ID: string(raw(i))}, size: 1})
	}
	if len(s.byID) != maxStored || len(s.order) != maxStored || s.size != maxStored {
		t.Errorf("%d, %d, %d bytes", len(s.byID), len(s.order), s.size)
	}
	s.put(&storedResponse{begun: &response{ID: "large"}, size: maxStoredBytes})
	if _, ok := s.get("large"); !ok || len(s.order) != 1 {
		t.Errorf("after a large one: %d", len(s.order))
	}
	if s.drop("large"); s.size != 0 || len(s.byID) != 0 {
		t.Errorf("after drop: %d bytes", s.size)
	}
}

func TestInputItems(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	_, body := exchange(t, srv, "POST", "/openai/v1/responses", `{"model":"gpt-4o","input":[
		{"role":"user","content":"one"},{"type":"function_call_output","call_id":"c","output":"two"},{"role":"user","content":[{"type":"input_text","text":"three"}]}]}`)
	path := "/openai/v1/responses/" + parse[response](t, body).ID + "/input_items"
	page := func(query string) itemPage {
		_, body := exchange(t, srv, "GET", path+query, "")
		return parse[itemPage](t, body)
	}
	all := page("")
	if len(all.Data) != 3 || !strings.Contains(string(all.Data[0]), "three") || all.HasMore {
		t.Errorf("%+v", all)
	}
	first := page("?order=asc&limit=1")
	next := page("?order=asc&limit=1&after=" + first.LastID)
	if !first.HasMore || !strings.Contains(string(first.Data[0]), "one") || len(next.Data) != 1 || !strings.Contains(string(next.Data[0]), "two") {
		t.Errorf("%+v, %+v", first, next)
	}
}
