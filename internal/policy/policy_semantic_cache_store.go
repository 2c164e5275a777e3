package policy

import (
	"bytes"
	"context"
	"net/http"
	"strings"
)

func semanticStoreEntry(prefix string) entry {
	return entry{
		name: prefix + "-semantic-cache-store", sections: outOnly, scopes: everyScope,
		does: "completions into the semantic cache",
		tier: tierA, page: page{
			intro: "Keeps the completion for `duration` seconds, for the `" + prefix + "-semantic-cache-lookup` that found none. `llm-…` and `azure-openai-…` are two names of one policy.",
			example: `
<policies>
  <inbound>
    <` + prefix + `-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned" />
  </inbound>
  <outbound>
    <` + prefix + `-semantic-cache-store duration="60" />
  </outbound>
</policies>`,
			behaviour: []string{
				"Kept are answers with the status 200 that are whole: a stream of events too, once it has passed to its own last event. Nothing is held back for that.",
				"Status, reason and headers are kept as they stand here, but for cookies and what the model says of its limits (`x-ratelimit-…`).",
				"An answer of more than 2 MiB, one that breaks off, and one whose body a later policy drops unread are not kept. All completions together have a third of an eighth of the gateway's memory, 64 MiB at most, vectors included; what was used longest ago goes first.",
				"The completion of a prompt with the very same vector takes the place of the earlier one.",
				"Without a lookup that missed (none ran, the prompt is more than words, there was no vector) nothing is kept. A cache that fails is a note in the record.",
			},
			differences: []string{
				"The cache is in process, one for each gateway, and empty after a restart; a reload of the site leaves it.",
				"API Management's reference says nothing of streams. Here a streamed completion is kept for streamed requests.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "`duration` throws, or is no number of seconds"}},
		},
		attributes: []attribute{durationAttribute()},
		compile: func(c *compiler, n *Node) statement {
			return &semanticStore{c.intAttribute(n, "duration", 0, longestDuration, 0)}
		},
	}
}

type semanticStore struct{ duration intValue }

func (s *semanticStore) do(ctx context.Context, x *Exchange) (flow, *Error) {
	lookup := x.completion
	if lookup == nil || x.caches() == nil {
		x.say("cache", "no lookup has missed")
		return next, nil
	}
	duration, e := s.duration.number(ctx, x)
	if e != nil {
		return stop, e
	}
	if duration == 0 || x.Response.StatusCode != http.StatusOK {
		x.say("cache", "not kept")
		return next, nil
	}
	kept, why := x.keepable(false, lookup.asked)
	if kept != nil && len(x.Response.Header["Content-Encoding"]) > 0 {
		kept, why = nil, "it is compressed"
	}
	if kept == nil {
		x.Note(x.at.String() + ": the answer is not kept: " + why)
		return next, nil
	}
	for name := range kept.header {
		if name == "Set-Cookie" || strings.HasPrefix(name, "X-Ratelimit-") {
			delete(kept.header, name)
		}
	}
	kept.vary = nil // what the answer depends on is in the partition
	events := isEventStream(x.Response.Header)
	x.say("cache", "kept")
	x.record(func(body []byte) {
		if events && !streamEnded(body) {
			x.Note("the stream is not kept: it did not come to its end")
			return
		}
		err := x.caches().Completions.Add(context.WithoutCancel(ctx), lookup.partition, lookup.vector, append(kept.appendHead(nil), body...), seconds(duration))
		if err != nil {
			x.cacheFailed("the completion is not kept", err)
		}
	})
	return next, nil
}

// streamEnded reports whether a stream came to its own end: the last event of a
// chat, of a response, of a message.
func streamEnded(body []byte) bool {
	for line := range bytes.Lines(body) {
		switch strings.TrimSpace(string(line[:min(len(line), 40)])) {
		case "data: [DONE]", "data:[DONE]", "event: response.completed", "event: message_stop":
			return true
		}
	}
	return false
}
