package policy

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/openai"
)

func semanticLookupEntry(prefix string) entry {
	return entry{
		name: prefix + "-semantic-cache-lookup", sections: inOnly, scopes: everyScope, connects: true,
		does: "completions of like prompts",
		tier: tierA, page: page{
			intro: "Answers a prompt with the completion of an earlier one of the same caller that means the same: whose vector lies near enough. Without one the request goes on, and `" + prefix + "-semantic-cache-store` may keep its completion. `llm-…` and `azure-openai-…` are two names of one policy.",
			example: `
<policies>
  <inbound>
    <` + prefix + `-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned" ignore-system-messages="true" max-message-count="10">
      <vary-by>@(context.Request.Headers.GetValueOrDefault("X-Project", ""))</vary-by>
    </` + prefix + `-semantic-cache-lookup>
  </inbound>
  <outbound>
    <` + prefix + `-semantic-cache-store duration="300" />
  </outbound>
</policies>`,
			behaviour: []string{
				"The prompt becomes a vector at the backend `embeddings-backend-id`, which is one of the site's like any other: at a private address, with the credential that the site gives it. Its URL ends in `/embeddings`: a deployment (`…/openai/deployments/NAME/embeddings`, which is asked with `api-version=2024-10-21`), or a compatible server with one model (`…/v1/embeddings`).",
				"`score-threshold` is a distance: 0 is the same direction, 1 nothing in common (1 minus the cosine). A completion counts where its prompt is at most that far. Begin with 0.05; beyond 0.2 answers to other questions are likely, and `check` and `serve` warn. Some published documents have 0.8, which means a likeness and not a distance.",
				"**Completions belong to the caller** whose request they answered, as the answers of `cache-lookup` do, and to API, product, operation, backend, path and query, to what `vary-by` gives, and to all members of the body but the words: model, temperature, tools, stream and the rest have to be the same. Callers whom nobody has identified find nothing and keep nothing.",
				"Looked for are chats (`messages`), responses (`input`, `instructions`) and completions (`prompt`), by POST, of words alone. A prompt with pictures, sounds, files or calls of tools, one that refers to what the service remembers (`previous_response_id`), and one of more than 32 KiB goes on without the cache.",
				"`ignore-system-messages` leaves what system and developer say out, so that prompts that differ in that alone are the same. `max-message-count`: a prompt of more messages than that, those left out not counted, goes on without the cache.",
				"Several `vary-by` count together.",
				"The search looks at every vector of the partition; in memory are at most 10,000 completions, and the bytes that `" + prefix + "-semantic-cache-store` describes.",
				"On a hit the rest of inbound and the backend are skipped, and outbound goes on behind `" + prefix + "-semantic-cache-store`. Policies behind the lookup in inbound do not see the answer: where limits or checks stand there, `check` and `serve` warn. A streamed request is answered by what was streamed before, whole and at once. No tokens are counted for it: the model was not asked.",
				"When the embeddings backend fails, gives no vector or takes longer than 10 seconds, that is a miss with a note in the record.",
			},
			differences: []string{
				"API Management keeps the vectors in an external Redis and gives completions to all callers unless `vary-by` tells them apart. Here they are in process, one cache for each gateway, and always apart by caller; no `vary-by` brings them together.",
				"`embeddings-backend-auth` has to be `system-assigned`, as in API Management, and means the credential that the site gives the backend.",
				"A compatible server that wants `model` in the body is not asked for one.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or gives a value that its attribute does not have"}},
		},
		attributes: []attribute{
			{name: "score-threshold", required: true, expected: "a number from 0 to 1", expression: true},
			{name: "embeddings-backend-id", required: true, expected: "the id of a backend"},
			{name: "embeddings-backend-auth", required: true, expected: "system-assigned"},
			{name: "ignore-system-messages", expected: "true or false", expression: true, otherwise: "false"},
			{name: "max-message-count", expected: "a whole number", expression: true, otherwise: "any number"},
		},
		children: []child{{name: "vary-by", many: true, expected: "text that divides the cache", text: hasText, expression: true}},
		compile:  compileSemanticLookup,
	}
}

type semanticLookup struct {
	threshold    textValue
	most         float64 // where threshold is written
	backend      string
	ignoreSystem boolValue
	messages     intValue
	vary         []textValue
}

// completionLookup is what a lookup leaves for the policy that keeps.
type completionLookup struct {
	partition string
	vector    []float32
	asked     http.Header
}

func compileSemanticLookup(c *compiler, n *Node) statement {
	s := &semanticLookup{
		ignoreSystem: c.boolAttribute(n, "ignore-system-messages", false),
		messages:     c.intAttribute(n, "max-message-count", 1, 1<<31-1, 0),
	}
	if t, ok := c.textAttribute(n, "score-threshold"); ok {
		s.threshold = t
		if s.most, ok = threshold(t.literal); !ok && t.compute == nil {
			c.invalid(value{written: t.shown(), pos: t.pos}, "score-threshold", "a number from 0 to 1", "")
		} else if t.compute == nil && s.most > widestThreshold {
			c.warn(t.pos, "score-threshold", "begin with 0.05", "score-threshold is a distance, so that %s lets the completions of other questions be answers", t.shown())
		}
	}
	c.choice(n, "embeddings-backend-auth", "system-assigned", "system-assigned")
	s.backend = c.embeddingsBackend(n)
	for _, k := range n.Elements() {
		if t, ok := c.textContent(k); ok && k.Name == "vary-by" {
			s.vary = append(s.vary, t)
		}
	}
	return s
}

// embeddingsBackend is the id of the backend that makes vectors.
func (c *compiler) embeddingsBackend(n *Node) string {
	const name = "embeddings-backend-id"
	v, ok := c.attribute(n, name)
	if !ok {
		return ""
	}
	id := strings.TrimSpace(v.text)
	if c.env.any {
		return id
	}
	b := c.env.backend(id)
	if b == nil {
		var ids []string
		for _, b := range c.env.Backends {
			ids = append(ids, b.ID)
		}
		c.add(v.pos, "unknown-backend", "the id of a backend in apim/backends or cloister.yaml", nearestName(v.written, ids), "there is no backend %q", v.written)
		return ""
	}
	if b.BaseURL != nil && !strings.HasSuffix(strings.TrimSuffix(b.BaseURL.Path, "/"), "/embeddings") {
		c.add(v.pos, "embeddings-url", "a URL that ends in /embeddings", "name a backend such as https://HOST/openai/deployments/NAME/embeddings",
			"the backend %q makes no vectors: its URL ends in %q", v.written, b.BaseURL.Path)
	}
	return b.ID
}

// widestThreshold is beyond what API Management's reference advises.
const widestThreshold = 0.2

// threshold reads a number from 0 to 1.
func threshold(s string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f, err == nil && !math.IsNaN(f) && f >= 0 && f <= 1
}

// longestPrompt is the longest that becomes a vector, in bytes: models for that
// take about 8,000 tokens. mostRead bounds the bodies that are looked at.
const (
	longestPrompt = 32 << 10
	mostRead      = 1 << 20
)

func (s *semanticLookup) do(ctx context.Context, x *Exchange) (flow, *Error) {
	x.completion = nil
	lookup, text, why, e := s.prepare(ctx, x)
	if e != nil {
		return stop, e
	}
	if lookup == nil {
		x.say("cache", "not asked: "+why)
		return next, nil
	}
	most := s.most
	if s.threshold.compute != nil {
		written, e := s.threshold.text(ctx, x)
		if e != nil {
			return stop, e
		}
		ok := false
		if most, ok = threshold(written); !ok {
			return stop, s.threshold.compute.badValue("The value of %q is no number from 0 to 1.", "score-threshold")
		}
	}
	var err error
	if lookup.vector, err = x.embed(ctx, s.backend, text); err != nil {
		x.cacheFailed(x.at.policy+": no vector", err)
		return next, nil
	}
	if x.findCompletion(ctx, lookup, most) {
		x.kept = completionStore
		return found, nil
	}
	x.say("cache", "miss")
	x.completion = lookup
	return next, nil
}

// prepare makes the partition and the text; nil where the cache is not asked, and
// why.
func (s *semanticLookup) prepare(ctx context.Context, x *Exchange) (lookup *completionLookup, text, why string, e *Error) {
	b := x.Request.Body
	switch {
	case x.caches() == nil:
		return nil, "", noCache, nil
	case x.Request.Method != http.MethodPost || b == nil || b.Length > mostRead || b.Stream != nil && b.Length < 0:
		return nil, "", "the request is no prompt", nil
	}
	caller := x.caller()
	if caller == "" {
		x.Note(x.at.String() + ": the caller is not known, so that nothing is looked up or kept")
		return nil, "", "the caller is not known", nil
	}
	body, e := x.bytes(b, true)
	if e != nil {
		return nil, "", "", e
	}
	ignore, e := s.ignoreSystem.is(ctx, x)
	if e != nil {
		return nil, "", "", e
	}
	most, e := s.messages.number(ctx, x)
	if e != nil {
		return nil, "", "", e
	}
	prompt, ok := openai.ReadPrompt(x.Request.Path, body, ignore)
	switch {
	case !ok:
		return nil, "", "the request is no prompt of words alone", nil
	case s.messages.given && prompt.Messages > most:
		return nil, "", "there are more messages", nil
	case len(prompt.Text) > longestPrompt:
		return nil, "", "the prompt is too long", nil
	}
	var k keyParts
	k.add("for", "caller", caller)
	k.addRoute(x)
	k.addQuery(x, nil)
	k.add("rest", string(prompt.Rest))
	k.add("by", s.backend, strconv.FormatBool(ignore))
	for i := range s.vary {
		v, e := s.vary[i].text(ctx, x)
		if e != nil {
			return nil, "", "", e
		}
		k.add("vary", v)
	}
	if !x.permitted() {
		return nil, "", "the gate would refuse the request", nil
	}
	return &completionLookup{partition: k.digest("completion"), asked: x.Request.Header}, prompt.Text, "", nil
}

// findCompletion makes a completion that is near enough the answer.
func (x *Exchange) findCompletion(ctx context.Context, lookup *completionLookup, most float64) bool {
	m, ok, err := x.caches().Completions.Nearest(ctx, lookup.partition, lookup.vector, most)
	var kept *keptResponse
	if err == nil && ok {
		kept, err = readKept(m.Value)
	}
	if err != nil {
		x.cacheFailed(x.at.policy, err)
		return false
	}
	if kept == nil {
		return false
	}
	distance := strconv.FormatFloat(m.Distance, 'f', 4, 64)
	x.say("cache", "hit, distance "+distance)
	x.Note("answered from the semantic cache, distance " + distance)
	x.answer(kept.response())
	return true
}

// longestEmbedding is how long the embeddings backend may take.
const longestEmbedding = 10 * time.Second

// embeddingsVersion is the api-version of deployments.
const embeddingsVersion = "2024-10-21"

// embed makes the vector of a text, at a backend of the site where nothing else
// does.
func (x *Exchange) embed(ctx context.Context, backend, text string) (v []float32, err error) {
	ctx, cancel := context.WithTimeout(ctx, longestEmbedding)
	defer cancel()
	if embedder := x.Services.Embedder; embedder != nil {
		x.apart(func() { v, err = embedder.Embed(ctx, backend, text) })
		return v, err
	}
	if x.CallBackend == nil {
		return nil, fmt.Errorf("there is no way to the backend %q", backend)
	}
	u := &url.URL{RawQuery: "api-version=" + embeddingsVersion}
	if x.BackendURL != nil {
		if base := x.BackendURL(backend); base != nil && !strings.Contains(base.Path, "/deployments/") {
			u.RawQuery = ""
		}
	}
	body := openai.EmbeddingRequest(text)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	call := x.CallBackend
	x.apart(func() { v, err = readEmbedding(call(backend, req)) })
	return v, err
}

func readEmbedding(resp *http.Response, err error) ([]float32, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the embeddings backend answered with the status %d", resp.StatusCode)
	}
	return openai.ReadEmbedding(resp.Body)
}
