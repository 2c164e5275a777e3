package emulator

import (
	"context"
	"time"
)

// realtimeResponse is one response of a session on its way.
type realtimeResponse struct {
	r      *realtimeSession
	id     string
	itemID string
	answer *answer
	input  int
	// said is what was written so far, in tokens.
	said int
}

// respond answers response.create.
func (r *realtimeSession) respond(ctx context.Context, e *clientEvent) error {
	talk, last := r.talk, r.last
	for _, item := range e.Response.Input {
		talk, last = talk+item.Role+": "+string(item.Content)+"\n", string(item.Content)
	}
	q := &question{model: r.c.d.ModelID(), prompt: e.Response.Instructions + "\n" + talk, last: last, length: r.c.knobs.LengthTokens}
	p := &realtimeResponse{
		r: r, id: r.s.completionID("resp_"), itemID: r.s.completionID("item_"), answer: q.answer(0), input: countTokens(q.prompt),
	}
	if err := sleep(ctx, r.c.knobs.TimeToFirstToken); err != nil {
		return err
	}
	status, err := p.write(ctx)
	if err != nil {
		return err
	}
	said := p.text()
	if room := maxConversation - len(r.talk); len(said) < room {
		r.talk += "assistant: " + said + "\n"
	}
	return r.send(ctx, "response.done", fields{"response": p.object(status)})
}

// text is what was said so far.
func (p *realtimeResponse) text() string {
	a := answer{tokens: p.answer.tokens[:p.said]}
	return a.text()
}

// kind is the type of a content part with text.
func (p *realtimeResponse) kind() string {
	if p.r.released {
		return "output_text"
	}
	return "text"
}

// object is the response at a status.
func (p *realtimeResponse) object(status string) fields {
	out := fields{"object": "realtime.response", "id": p.id, "status": status, "status_details": nil, "output": []fields{}, "usage": nil}
	if status == statusInProgress {
		return out
	}
	itemStatus := statusCompleted
	if status == statusCancelled {
		itemStatus = statusIncomplete
		out["status_details"] = fields{"type": status, "reason": "client_cancelled"}
	}
	out["output"] = []fields{p.r.item(p.itemID, "assistant", p.kind(), p.text(), itemStatus)}
	out["usage"] = fields{
		"total_tokens": p.input + p.said, "input_tokens": p.input, "output_tokens": p.said,
		"input_token_details":  fields{"cached_tokens": 0, "text_tokens": p.input, "audio_tokens": 0},
		"output_token_details": fields{"text_tokens": p.said, "audio_tokens": 0},
	}
	return out
}

// write sends everything between response.create and response.done, and
// returns the status that the response ends with.
func (p *realtimeResponse) write(ctx context.Context) (string, error) {
	if err := p.begin(ctx); err != nil {
		return "", err
	}
	status, err := p.tokens(ctx)
	if err != nil {
		return "", err
	}
	itemStatus := statusCompleted
	if status == statusCancelled {
		itemStatus = statusIncomplete
	}
	said := p.text()
	item := p.r.item(p.itemID, "assistant", p.kind(), said, itemStatus)
	steps := []struct {
		kind    string
		members fields
	}{
		{"response." + p.kind() + ".done", p.part(fields{"text": said})},
		{"response.content_part.done", p.part(fields{"part": fields{"type": p.kind(), "text": said}})},
		{"response.output_item.done", fields{"response_id": p.id, "output_index": 0, "item": item}},
	}
	for _, s := range steps {
		if err := p.r.send(ctx, s.kind, s.members); err != nil {
			return "", err
		}
	}
	if p.r.released {
		err = p.r.send(ctx, "conversation.item.done", fields{"item": item, "previous_item_id": nil})
	}
	return status, err
}

func (p *realtimeResponse) begin(ctx context.Context) error {
	if err := p.r.send(ctx, "response.created", fields{"response": p.object(statusInProgress)}); err != nil {
		return err
	}
	item := p.r.item(p.itemID, "assistant", "", "", statusInProgress)
	if err := p.r.send(ctx, "response.output_item.added", fields{"response_id": p.id, "output_index": 0, "item": item}); err != nil {
		return err
	}
	if err := p.r.announce(ctx, item, false); err != nil {
		return err
	}
	return p.r.send(ctx, "response.content_part.added", p.part(fields{"part": fields{"type": p.kind(), "text": ""}}))
}

// part adds what events of a content part have in common.
func (p *realtimeResponse) part(members fields) fields {
	members["response_id"], members["item_id"], members["output_index"], members["content_index"] = p.id, p.itemID, 0, 0
	return members
}

// tokens sends the deltas, and looks between them whether the client has had
// enough.
func (p *realtimeResponse) tokens(ctx context.Context) (string, error) {
	due := time.Now()
	for _, t := range p.answer.tokens {
		if rate := p.r.c.knobs.TokensPerSecond; rate > 0 {
			due = due.Add(time.Duration(float64(time.Second) / rate))
			if err := sleep(ctx, time.Until(due)); err != nil {
				return "", err
			}
		}
		if p.r.cancelled() {
			return statusCancelled, nil
		}
		if err := p.r.send(ctx, "response."+p.kind()+".delta", p.part(fields{"delta": t})); err != nil {
			return "", err
		}
		p.said++
	}
	return statusCompleted, nil
}

// cancelled reports whether the client has cancelled the response. What else
// it sent waits; where too much waits the client is not read any more.
func (r *realtimeSession) cancelled() bool {
	for len(r.pending) < maxPending {
		select {
		case e := <-r.in:
			if e.broken == nil && e.Type == "response.cancel" {
				return true
			}
			r.pending = append(r.pending, e)
		default:
			return false
		}
	}
	return false
}
