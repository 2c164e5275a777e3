package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/cloister-ai/cloister/internal/openai"
)

// Bounds of a realtime session.
const (
	maxRealtimeMessage = 1 << 20
	maxConversation    = 1 << 20
	maxPending         = 64
	realtimeWrite      = 10 * time.Second
)

// realtime answers a request for a WebSocket: text conversations in the events
// of the Realtime API. On the v1 surface the events have the names of its
// release, elsewhere those of its preview.
func (s *OpenAI) realtime(c *call) error {
	name, err := openai.QueryModel(c.r.URL.RawQuery)
	if err != nil {
		return requestError("The query names more than one model.", "model", "")
	}
	if err := s.writes(c, name); err != nil {
		return err
	}
	if err := s.admit(c, 0); err != nil {
		return err
	}
	conn, err := websocket.Accept(c.w, c.r, &websocket.AcceptOptions{
		Subprotocols: []string{"realtime"}, InsecureSkipVerify: true, // keys guard it, not origins
	})
	if err != nil {
		return errGone // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxRealtimeMessage)
	r := &realtimeSession{s: s, c: c, conn: conn, released: c.op.Surface == openai.SurfaceV1}
	r.run()
	return nil
}

// fields are the members of an event or object.
type fields map[string]any

// realtimeSession is one WebSocket. One goroutine reads, run does the rest.
type realtimeSession struct {
	s    *OpenAI
	c    *call
	conn *websocket.Conn
	// released: the v1 names count.
	released bool
	in       chan clientEvent
	// pending are events that came while a response was being written.
	pending []clientEvent
	session fields
	talk    string
	last    string
	itemID  string
	sent    int
}

// clientEvent is what a client sends, as far as it counts here.
type clientEvent struct {
	Type     string                     `json:"type"`
	EventID  *string                    `json:"event_id"`
	Session  map[string]json.RawMessage `json:"session"`
	Item     *realtimeItem              `json:"item"`
	Response struct {
		Instructions string         `json:"instructions"`
		Input        []realtimeItem `json:"input"`
	} `json:"response"`
	broken error
}

type realtimeItem struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Role    string `json:"role"`
	Content text   `json:"content"`
	Output  string `json:"output"`
}

// errCut: the knob has ended the session.
var errCut = errors.New("emulator: the session was cut")

func (r *realtimeSession) run() {
	ctx, cancel := context.WithCancel(r.c.r.Context())
	var reading sync.WaitGroup
	defer reading.Wait()
	defer r.conn.CloseNow() // ends the reader
	defer cancel()
	r.in = make(chan clientEvent)
	reading.Go(func() {
		defer cancel()
		r.read(ctx)
	})
	r.open()
	err := r.send(ctx, "session.created", fields{"session": r.session})
	for err == nil {
		var e clientEvent
		if len(r.pending) > 0 {
			e, r.pending = r.pending[0], r.pending[1:]
		} else {
			select {
			case <-ctx.Done():
				return
			case e = <-r.in:
			}
		}
		err = r.handle(ctx, &e)
	}
}

// read hands on what the client sends until there is no more.
func (r *realtimeSession) read(ctx context.Context) {
	for {
		_, b, err := r.conn.Read(ctx)
		if err != nil {
			return
		}
		r.s.received.Add(int64(len(b)))
		var e clientEvent
		e.broken = json.Unmarshal(b, &e)
		select {
		case <-ctx.Done():
			return
		case r.in <- e:
		}
	}
}

// open makes the session's object.
func (r *realtimeSession) open() {
	r.session = fields{
		"id": r.s.completionID("sess_"), "object": "realtime.session", "model": r.c.d.ModelID(),
		"expires_at": r.s.opt.Now().Add(30 * time.Minute).Unix(), "instructions": "", "tools": []string{}, "tool_choice": "auto",
	}
	if r.released {
		r.session["type"], r.session["output_modalities"], r.session["max_output_tokens"] = "realtime", []string{"text"}, "inf"
		return
	}
	r.session["modalities"], r.session["max_response_output_tokens"], r.session["temperature"] = []string{"text"}, "inf", 0.8
}

// send writes an event.
func (r *realtimeSession) send(ctx context.Context, kind string, members fields) error {
	if cut := r.c.knobs.CutAfterEvents; cut > 0 && r.sent == cut {
		_ = r.conn.CloseNow()
		return errCut
	}
	members["type"], members["event_id"] = kind, r.s.completionID("event_")
	ctx, cancel := context.WithTimeout(ctx, realtimeWrite)
	defer cancel()
	if err := r.conn.Write(ctx, websocket.MessageText, raw(members)); err != nil {
		return err
	}
	r.sent++
	return nil
}

// fail reports an event that cannot be served. The session goes on.
func (r *realtimeSession) fail(ctx context.Context, e *clientEvent, code, format string, args ...any) error {
	return r.send(ctx, "error", fields{"error": fields{
		"type": "invalid_request_error", "code": code, "message": fmt.Sprintf(format, args...), "param": nil, "event_id": e.EventID,
	}})
}

func (r *realtimeSession) handle(ctx context.Context, e *clientEvent) error {
	if e.broken != nil {
		return r.fail(ctx, e, "invalid_json", "The event is not JSON of the expected form.")
	}
	switch e.Type {
	case "session.update":
		return r.update(ctx, e)
	case "conversation.item.create":
		if e.Item == nil {
			return r.fail(ctx, e, "missing_required_parameter", "Missing required parameter: 'item'.")
		}
		return r.addItem(ctx, e)
	case "response.create":
		return r.respond(ctx, e)
	case "response.cancel":
		return r.fail(ctx, e, "response_cancel_not_active", "Cancellation failed: no active response found.")
	}
	return r.fail(ctx, e, "invalid_value", "Invalid value: '%s'. The emulator does not know this event.", e.Type)
}

// update takes what the client sets, but not who the session is.
func (r *realtimeSession) update(ctx context.Context, e *clientEvent) error {
	for name, v := range e.Session {
		switch name {
		case "id", "object", "model", "expires_at":
			continue
		}
		if _, known := r.session[name]; !known && len(r.session) >= maxPending {
			return r.fail(ctx, e, "invalid_value", "The session has too many members.")
		}
		r.session[name] = v
	}
	return r.send(ctx, "session.updated", fields{"session": r.session})
}

func (r *realtimeSession) addItem(ctx context.Context, e *clientEvent) error {
	said := string(e.Item.Content) + e.Item.Output
	if len(r.talk)+len(said) > maxConversation {
		return r.fail(ctx, e, "conversation_too_long", "The emulator keeps %d bytes of a conversation.", maxConversation)
	}
	if e.Item.ID == "" {
		e.Item.ID = r.s.completionID("item_")
	}
	r.talk += e.Item.Role + ": " + said + "\n"
	if e.Item.Role == "user" {
		r.last = said
	}
	return r.announce(ctx, r.item(e.Item.ID, e.Item.Role, "input_text", said, statusCompleted), true)
}

// announce tells of a new item of the conversation.
func (r *realtimeSession) announce(ctx context.Context, item fields, finished bool) error {
	members := fields{"item": item, "previous_item_id": nil}
	if r.itemID != "" {
		members["previous_item_id"] = r.itemID
	}
	if id, ok := item["id"].(string); ok {
		r.itemID = id
	}
	if !r.released {
		return r.send(ctx, "conversation.item.created", members)
	}
	if err := r.send(ctx, "conversation.item.added", members); err != nil || !finished {
		return err
	}
	return r.send(ctx, "conversation.item.done", members)
}

// item is an item's object; content is left out where kind is empty.
func (r *realtimeSession) item(id, role, kind, said, status string) fields {
	content := []fields{}
	if kind != "" {
		content = append(content, fields{"type": kind, "text": said})
	}
	return fields{"id": id, "object": "realtime.item", "type": "message", "status": status, "role": role, "content": content}
}
