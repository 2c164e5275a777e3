package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// socket is the client's end of a session.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, srv *httptest.Server, path string, headers ...string) *socket {
	t.Helper()
	h := http.Header{"Api-Key": {testKey}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, _, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(srv.URL, "https")+path, &websocket.DialOptions{
		HTTPClient: srv.Client(), HTTPHeader: h, Subprotocols: []string{"realtime"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	return &socket{t, conn}
}

func (s *socket) send(event string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(event)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) read() map[string]any {
	s.t.Helper()
	_, b, err := s.conn.Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(b, &e); err != nil {
		s.t.Fatal(err)
	}
	return e
}

// until reads events up to one of a type; text is that of the deltas.
func (s *socket) until(last string) (kinds []string, text string, end map[string]any) {
	s.t.Helper()
	for {
		e := s.read()
		kind, _ := e["type"].(string)
		if len(kinds) == 0 || kinds[len(kinds)-1] != kind {
			kinds = append(kinds, kind)
		}
		if d, ok := e["delta"].(string); ok {
			text += d
		}
		if kind == last {
			return kinds, text, e
		}
	}
}

func TestRealtime(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for path, want := range map[string][]string{
		"/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-4o": {
			"session.created", "session.updated", "conversation.item.created", "response.created", "response.output_item.added",
			"conversation.item.created", "response.content_part.added", "response.text.delta", "response.text.done",
			"response.content_part.done", "response.output_item.done", "response.done",
		},
		"/openai/v1/realtime?model=gpt-4o": {
			"session.created", "session.updated", "conversation.item.added", "conversation.item.done", "response.created", "response.output_item.added",
			"conversation.item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.done",
			"response.content_part.done", "response.output_item.done", "conversation.item.done", "response.done",
		},
	} {
		s := dial(t, srv, path)
		s.send(`{"type":"session.update","session":{"instructions":"Be brief."}}`)
		s.send(`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hello"}]}}`)
		s.send(`{"type":"response.create"}`)
		kinds, text, end := s.until("response.done")
		if diff := cmp.Diff(want, kinds); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		response, _ := end["response"].(map[string]any)
		usage, _ := response["usage"].(map[string]any)
		if response["status"] != "completed" || usage["output_tokens"] != float64(countTokens(text)) || !strings.Contains(text, `"Hello"`) {
			t.Errorf("%s: %q, %v", path, text, end)
		}
		// The conversation goes on.
		s.send(`{"type":"response.create"}`)
		if _, again, _ := s.until("response.done"); again == text {
			t.Errorf("%s: the second turn does not know the first", path)
		}
	}
}

func TestRealtimeErrors(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	s := dial(t, srv, "/openai/v1/realtime?model=gpt-4o")
	s.read()
	for event, code := range map[string]string{
		`{`:                                   "invalid_json",
		`{"type":"dance","event_id":"mine"}`:  "invalid_value",
		`{"type":"conversation.item.create"}`: "missing_required_parameter",
		`{"type":"response.cancel"}`:          "response_cancel_not_active",
		`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":"` + strings.Repeat("x", 900_000) + `"}}`: "",
		`{"type":"session.update","session":{"x":1}}`: "",
	} {
		s.send(event)
		e := s.read()
		detail, _ := e["error"].(map[string]any)
		if code == "" && e["type"] == "conversation.item.added" {
			s.read() // conversation.item.done
		}
		if got, _ := detail["code"].(string); got != code {
			t.Errorf("%.80s: %v", event, e)
		}
	}
	s.send(`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":"` + strings.Repeat("x", 900_000) + `"}}`)
	if e := s.read(); e["type"] != "error" {
		t.Errorf("the conversation is not bounded: %v", e["type"])
	}
	for path, want := range map[string]int{
		"/openai/v1/realtime?model=nobody":               404,
		"/openai/v1/realtime":                            400,
		"/openai/realtime?deployment=gpt-4o":             404,
		"/openai/v1/realtime?model=gpt-4o&model=gpt-4o":  400,
		"/openai/v1/realtime?model=gpt-4o":               426, // no upgrade was asked for
		"/openai/v1/realtime?model=gpt-4o&api-version=x": 400,
	} {
		if resp, _ := exchange(t, srv, "GET", path, ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestRealtimeCancel(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{Knobs: Knobs{TokensPerSecond: 50, LengthTokens: 1000}})
	s := dial(t, srv, "/openai/v1/realtime?model=gpt-4o")
	s.send(`{"type":"response.create"}`)
	s.until("response.output_text.delta")
	s.send(`{"type":"session.update","session":{"instructions":"later"}}`)
	s.send(`{"type":"response.cancel"}`)
	_, _, end := s.until("response.done")
	response, _ := end["response"].(map[string]any)
	if response["status"] != "cancelled" {
		t.Errorf("%v", end)
	}
	if e := s.read(); e["type"] != "session.updated" {
		t.Errorf("what came meanwhile: %v", e)
	}
}

// TestRealtimeEnds: a session ends with its client, and where the knob cuts it.
func TestRealtimeEnds(t *testing.T) {
	s, srv := serve(t, OpenAIOptions{})
	a := dial(t, srv, "/openai/v1/realtime?model=gpt-4o")
	a.read()
	if err := a.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	await(t, "the session's end", func() bool { return s.Active() == 0 })
	b := dial(t, srv, "/openai/v1/realtime?model=gpt-4o", "x-cloister-emulator-cut-after-events", "1")
	b.read()
	b.send(`{"type":"response.create"}`)
	if _, _, err := b.conn.Read(t.Context()); err == nil {
		t.Error("the session was not cut")
	}
	await(t, "the cut session's end", func() bool { return s.Active() == 0 })
}
