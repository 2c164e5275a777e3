package app

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/secret"
)

var otherKey = strings.Repeat("o", 32)

// other are the headers of the subscription "other".
var other = http.Header{"Ocp-Apim-Subscription-Key": {otherKey}}

const otherSubscription = "- {name: other, scope: /apis, primaryKey: {file: keys/other}}"

// cachedDocument has policies in inbound and in outbound.
func cachedDocument(in, out string) string {
	return "<policies><inbound><base />" + in + "</inbound><backend><base /></backend><outbound>" + out + "<base /></outbound><on-error><base /></on-error></policies>"
}

// TestSemanticCache: prompts become vectors at a backend of the site, with its
// credential; completions are each caller's own, streams included; they outlive a
// reload, and an embeddings backend that is down is a miss.
func TestSemanticCache(t *testing.T) {
	model := emulator.NewOpenAI(emulator.OpenAIOptions{Keys: []secret.Value{secret.New(resourceKey)}})
	var embeddings, chats atomic.Int32
	var down atomic.Bool
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(fmt.Sprint(r.Header), teamKey) || strings.Contains(fmt.Sprint(r.Header), otherKey) {
			t.Error("a backend got the caller's key")
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/embeddings"):
			if embeddings.Add(1); down.Load() {
				http.Error(w, "down", http.StatusServiceUnavailable)
				return
			}
		case strings.HasSuffix(r.URL.Path, "/completions"):
			chats.Add(1)
		}
		model.ServeHTTP(w, r)
	}), map[string]string{"keys/resource": resourceKey, "keys/other": otherKey})
	credential := "credential: {apiKey: {key: {file: keys/resource}}}"
	s.write(t, "cloister.yaml", with(strings.Replace(s.config(""), "credential: {none: true}", credential, 1),
		[2]string{"subscriptions", otherSubscription},
		[2]string{"backends", `  vectors: {url: "` + s.backend.URL + `/openai/deployments/text-embedding-3-small/embeddings", caFile: tls/backend.pem, ` + credential + `}`}))
	s.write(t, "apim/apis/openai/policy.xml", cachedDocument(
		`<set-backend-service backend-id="openai" /><llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="vectors" embeddings-backend-auth="system-assigned" ignore-system-messages="true" />`,
		`<llm-semantic-cache-store duration="600" />`))
	g := s.start(t)
	ask := func(header http.Header, stream bool, words string, asked bool) string {
		t.Helper()
		before := chats.Load()
		resp, body := g.do(t, "POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
			fmt.Sprintf(`{"stream":%v,"messages":[{"role":"system","content":"x"},{"role":"user","content":%q}]}`, stream, words), header)
		if resp.StatusCode != http.StatusOK || chats.Load()-before != map[bool]int32{true: 1}[asked] {
			t.Fatalf("%s, the model was asked: %v, want %v\n%s", resp.Status, chats.Load() > before, asked, body)
		}
		if events := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"); events != stream {
			t.Errorf("events: %v, want %v", events, stream)
		}
		return body
	}
	first := ask(nil, false, "What is a cloister?", true)
	if again := ask(nil, false, "What is a cloister?", false); again != first {
		t.Errorf("%s\nis not %s", again, first)
	}
	ask(other, false, "What is a cloister?", true)
	ask(nil, false, "Something else altogether", true)
	stream := ask(nil, true, "What is a cloister?", true)
	if again := ask(nil, true, "What is a cloister?", false); again != stream || !strings.HasSuffix(again, "data: [DONE]\n\n") {
		t.Errorf("%s\nis not %s", again, stream)
	}
	if _, err := g.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask(nil, false, "What is a cloister?", false)
	ask(other, false, "What is a cloister?", false)
	if n := embeddings.Load(); n != 8 {
		t.Errorf("the embeddings backend was asked %d times", n)
	}
	down.Store(true)
	ask(nil, false, "What is a cloister?", true)
	ask(nil, false, "What is a cloister?", true)
	records := g.awaitRecords(t, 10)
	hit, missed := records[1], records[9]
	if fmt.Sprint(hit["notes"]) != "[answered from the semantic cache, distance 0.0000]" || hit["backend"] != nil || hit["tokens"] != nil || hit["decision"] != "allow" {
		t.Errorf("the record of a hit: %v", hit)
	}
	if fmt.Sprint(missed["notes"]) != "[llm-semantic-cache-lookup: no vector: the embeddings backend answered with the status 503]" {
		t.Errorf("the record of a miss: %v", missed)
	}
}

// TestResponseCache: answers out of the cache are each caller's own, unless the
// document calls them public; who may not come in gets none, and who is let in
// without a name shares with nobody who has one.
func TestResponseCache(t *testing.T) {
	var asked atomic.Int32
	lookup := func(downstream string) string {
		return cachedDocument(`<set-backend-service backend-id="openai" /><cache-lookup vary-by-developer="false" vary-by-developer-groups="false" downstream-caching-type="`+downstream+`" />`, `<cache-store duration="600" />`)
	}
	files := map[string]string{
		"keys/other":                          otherKey,
		"apim/apis/openai/policy.xml":         lookup("private"),
		"apim/apis/all/apiInformation.json":   api("all", `,"subscriptionRequired":true`),
		"apim/apis/all/specification.yaml":    wildcardSpecification,
		"apim/apis/all/policy.xml":            lookup("public"),
		"apim/apis/open/apiInformation.json":  api("open", `,"subscriptionRequired":false`),
		"apim/apis/open/specification.yaml":   wildcardSpecification,
		"apim/apis/open/policy.xml":           lookup("none"),
		"apim/apis/free/apiInformation.json":  api("free", `,"subscriptionRequired":false`),
		"apim/apis/free/specification.yaml":   wildcardSpecification,
		"apim/apis/free/policy.xml":           lookup("public"),
		"apim/apis/later/apiInformation.json": api("later", `,"subscriptionRequired":false`),
		"apim/apis/later/specification.yaml":  wildcardSpecification,
		"apim/apis/later/policy.xml":          lookup("public"),
	}
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, asked.Add(1))
	}), files)
	s.write(t, "cloister.yaml", with(s.config("callers: {apis: {open: [anonymous], free: [anonymous], later: [policy]}}\n"), [2]string{"subscriptions", otherSubscription}))
	g := s.start(t)
	n := 0
	gets := func(path string, header http.Header, status int, want string) {
		t.Helper()
		n++
		resp, body := g.do(t, "GET", path, "", header)
		if resp.StatusCode != status || status == http.StatusOK && body != want {
			t.Errorf("%s: %s %s, want %d %s", path, resp.Status, body, status, want)
		}
	}
	gets("/openai/x", nil, 200, "1")
	gets("/openai/x", nil, 200, "1")
	gets("/openai/x", other, 200, "2")
	gets("/openai/x?subscription-key="+otherKey, anonymous, 200, "2") // the same caller
	gets("/openai/x", http.Header{"Cookie": {"user=1"}}, 200, "3")
	gets("/openai/x", anonymous, 401, "")
	gets("/all/x", nil, 200, "4")
	gets("/all/x", other, 200, "4")
	gets("/all/x", anonymous, 401, "")
	gets("/open/x", anonymous, 200, "5")
	gets("/open/x", anonymous, 200, "6") // nobody is known: nothing is kept
	gets("/open/x", nil, 200, "7")
	gets("/open/x", nil, 200, "7")
	gets("/free/x", anonymous, 200, "8")
	gets("/free/x", anonymous, 200, "8")
	gets("/free/x", nil, 200, "8")
	gets("/later/x", anonymous, 403, "")
	gets("/later/x", anonymous, 403, "")
	if _, err := g.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	gets("/openai/x", nil, 200, "1")
	records := g.awaitRecords(t, n)
	if hit := records[1]; fmt.Sprint(hit["notes"]) != "[answered from the response cache]" || hit["backend"] != nil || hit["decision"] != "allow" || field(hit, "principal.id") != "team" {
		t.Errorf("the record of a hit: %v", hit)
	}
}
