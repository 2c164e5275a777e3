package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// createResponse answers POST responses.
func (s *OpenAI) createResponse(c *call) error {
	var req responseRequest
	body, err := s.read(c, &req)
	if err != nil {
		return err
	}
	if err := s.writes(c, req.Model); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	earlier, err := s.earlier(&req)
	if err != nil {
		return err
	}
	talk := req.conversation(earlier)
	q, err := req.question(c, talk)
	if err != nil {
		return err
	}
	input := countTokens(q.prompt)
	for _, t := range req.Tools {
		input += countTokens(string(t))
	}
	if err := s.admit(c, input+max(q.limit, 16)); err != nil {
		return err
	}
	if err := filterPrompt(q.prompt); err != nil {
		return err
	}
	begun, a := req.skeleton(s, c), q.answer(0)
	done := *begun
	done.complete(s, a, input)
	r := &storedResponse{
		begun: begun, done: &done, answer: a, items: req.Input, size: len(talk) + len(body),
		talk: talk + "assistant: " + a.text() + "\n", ready: s.opt.Now().Add(c.backgroundTime(&req)),
		obfuscate: req.StreamOptions == nil || orElse(req.StreamOptions.IncludeObfuscation, true),
	}
	if done.Store {
		s.responses.put(r)
	}
	switch {
	case req.Stream:
		return streamResponse(c, r, 0)
	case req.Background:
		queued := *begun
		queued.Status = statusQueued
		writeJSON(c.w, http.StatusOK, &queued)
		return nil
	}
	if err := c.think(); err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, &done)
	return nil
}

// backgroundTime is how long a response in the background takes: as long as it
// would take in the foreground.
func (c *call) backgroundTime(req *responseRequest) time.Duration {
	if !req.Background || req.Stream {
		return 0
	}
	return c.knobs.TimeToFirstToken
}

// earlier is the conversation that a request goes on with.
func (s *OpenAI) earlier(req *responseRequest) (string, error) {
	if req.PreviousID == nil {
		return "", nil
	}
	r, ok := s.responses.get(*req.PreviousID)
	if !ok {
		return "", requestError("Previous response with id '"+*req.PreviousID+"' not found.", "previous_response_id", "previous_response_not_found")
	}
	return r.talk, nil
}

func errResponse(id string) *apiError {
	e := requestError("Response with id '"+id+"' not found.", "", "")
	e.status = http.StatusNotFound
	return e
}

// storedResponse answers operations on a response that was created before.
func (s *OpenAI) storedResponse(c *call, operation string) error {
	id := c.pathID("responses")
	r, ok := s.responses.get(id)
	if !ok {
		return errResponse(id)
	}
	now := s.opt.Now()
	switch operation {
	case "DELETE responses/{id}":
		s.responses.drop(id)
		writeJSON(c.w, http.StatusOK, struct {
			ID      string `json:"id"`
			Object  string `json:"object"`
			Deleted bool   `json:"deleted"`
		}{id, "response.deleted", true})
		return nil
	case "POST responses/{id}/cancel":
		if !r.begun.Background {
			return requestError("Cannot cancel a synchronous response.", "", "")
		}
		writeJSON(c.w, http.StatusOK, s.responses.cancel(r, now))
		return nil
	case "GET responses/{id}/input_items":
		return inputItems(c, r)
	}
	if c.r.URL.Query().Get("stream") == "true" {
		after, err := number(orText(c.r.URL.Query().Get("starting_after"), "-1"), 1<<30)
		if err != nil {
			after = -1
		}
		return streamResponse(c, r, after+1)
	}
	writeJSON(c.w, http.StatusOK, s.responses.state(r, now))
	return nil
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// itemPage is a page of input items.
type itemPage struct {
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	FirstID string            `json:"first_id"`
	LastID  string            `json:"last_id"`
	HasMore bool              `json:"has_more"`
}

// inputItems answers with the items of a response's input, the last first
// where order is not "asc", at most limit of them after the item "after".
func inputItems(c *call, r *storedResponse) error {
	query := c.r.URL.Query()
	limit, err := number(orText(query.Get("limit"), "20"), 100)
	if err != nil || limit < 1 {
		return requestError("Invalid 'limit': expected a number from 1 to 100.", "limit", "invalid_value")
	}
	page := itemPage{Object: "list", Data: []json.RawMessage{}}
	past := query.Get("after") == ""
	for i := range r.items {
		if query.Get("order") != "asc" {
			i = len(r.items) - 1 - i
		}
		id := itemID(r.begun.ID, i)
		switch {
		case !past:
			past = id == query.Get("after")
			continue
		case len(page.Data) == limit:
			page.HasMore = true
			writeJSON(c.w, http.StatusOK, page)
			return nil
		}
		if page.FirstID == "" {
			page.FirstID = id
		}
		page.LastID = id
		page.Data = append(page.Data, r.items[i].resource(id))
	}
	writeJSON(c.w, http.StatusOK, page)
	return nil
}

// itemID is the id of an input item that has none.
func itemID(response string, index int) string {
	return "msg_" + strings.ReplaceAll(derivedGUID("input item", response+" "+string(raw(index))), "-", "")
}

// resource is an input item as it is shown: with id, status and content parts.
func (i *inputItem) resource(id string) json.RawMessage {
	if i.kind == "message" {
		kind := "input_text"
		if i.role == "assistant" {
			kind = "output_text"
		}
		part := map[string]any{"type": kind, "text": i.content}
		if kind == "output_text" {
			part["annotations"] = []struct{}{}
		}
		return raw(map[string]any{"id": id, "type": "message", "role": i.role, "status": statusCompleted, "content": []any{part}})
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(i.raw, &members) != nil {
		return raw(nil)
	}
	members["id"], members["status"] = raw(id), raw(statusCompleted)
	return raw(members)
}
