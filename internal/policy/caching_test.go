package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/cache"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/site"
)

// cachingPipeline is the pipeline of one document, whose backends may be "vectors".
func cachingPipeline(t testing.TB, text string) *Pipeline {
	t.Helper()
	p, problems := Compile(Scopes{API: &site.PolicyFile{Path: "api.xml", Source: []byte(text)}}, Env{Backends: []Backend{{ID: "vectors"}}})
	if problems.HasErrors() {
		t.Fatalf("%s\n%v", text, problems)
	}
	return p
}

// asking is an exchange of a caller.
func asking(s *Services, caller, method, path, body string) *Exchange {
	x := &Exchange{
		RequestID: "r", Services: s, OriginalURL: &url.URL{Scheme: "https", Host: "gateway.example", Path: path},
		Request: Request{Method: method, Path: path, Header: http.Header{}, Backend: Target{BaseURL: &url.URL{Scheme: "https", Host: "backend.example"}}},
		Caller:  func() string { return caller },
	}
	if body != "" {
		x.Request.Body = &Body{Bytes: []byte(body), Length: int64(len(body))}
	}
	return x
}

// answering has the backend answer with text.
func answering(x *Exchange, status int, text string) (asked *bool) {
	asked = new(bool)
	x.Forward = func(_ context.Context, x *Exchange, _ ForwardOptions) error {
		*asked = true
		x.Response = &Response{StatusCode: status, Header: http.Header{}, FromBackend: true, Body: &Body{Stream: io.NopCloser(strings.NewReader(text)), Length: -1}}
		return nil
	}
	return asked
}

func bodyOf(x *Exchange) string {
	if x.Response.Body.Stream == nil {
		return string(x.Response.Body.Bytes)
	}
	body, _ := io.ReadAll(x.Response.Body.Stream)
	x.Response.Body.Stream.Close()
	return string(body)
}

// oneVector makes all texts the same, so that nothing but the partition keeps
// completions apart.
type oneVector struct{}

func (oneVector) Embed(context.Context, string, string) ([]float32, error) {
	return []float32{1, 2, 3}, nil
}

// TestCompletionsStayWithTheirCaller: however near prompts are, a completion is
// the caller's own, and was for the same parameters.
func TestCompletionsStayWithTheirCaller(t *testing.T) {
	s := &Services{Caches: NewCaches(3<<20, nil), Embedder: oneVector{}}
	var hits atomic.Int32
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 9))
			pick := func(words ...string) string { return words[r.IntN(len(words))] }
			for range 40 {
				prefix := pick("llm", "azure-openai")
				p := cachingPipeline(t, fmt.Sprintf(`<policies><inbound><%s-semantic-cache-lookup score-threshold="1" embeddings-backend-id="vectors" embeddings-backend-auth="system-assigned" ignore-system-messages="%s">%s</%s-semantic-cache-lookup></inbound><outbound><%s-semantic-cache-store duration="60" /></outbound></policies>`,
					prefix, pick("true", "false"), pick("", "<vary-by>everybody</vary-by>", `<vary-by>@("x")</vary-by>`), prefix, prefix))
				for range 60 {
					caller, model := pick("", "a", "b", "c"), pick("m", "n")
					x := asking(s, caller, "POST", pick("/a/chat/completions", "/b/chat/completions"),
						fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello %d"}]}`, model, r.IntN(5)))
					auth := pick("", "Bearer 1", "Bearer 2")
					if auth != "" {
						x.Request.Header.Set("Authorization", auth)
					}
					own := strings.Join([]string{caller, auth, model, x.Request.Path}, "|")
					asked := answering(x, 200, own)
					p.Run(t.Context(), x)
					got := bodyOf(x)
					if got != own {
						t.Errorf("%s got %s", own, got)
					}
					if !*asked {
						if hits.Add(1); caller == "" {
							t.Error("nobody got something out of the cache")
						}
					}
				}
			}
		})
	}
	wg.Wait()
	if hits.Load() < 1000 {
		t.Errorf("%d hits: too few to say anything", hits.Load())
	}
}

// TestRecording: what is kept is whole, within bounds, and nothing stays behind.
func TestRecording(t *testing.T) {
	p := cachingPipeline(t, `<policies><inbound><cache-lookup vary-by-developer="false" vary-by-developer-groups="false" /></inbound><outbound><cache-store duration="60" /></outbound></policies>`)
	large := strings.Repeat("x", mostRecorded+1)
	for name, tt := range map[string]struct {
		body io.ReadCloser
		room int64
		read int64 // 0: to the end
		kept bool
		note string
	}{
		"whole":     {io.NopCloser(strings.NewReader(large[:mostRecorded])), 64 << 20, 0, true, ""},
		"large":     {io.NopCloser(strings.NewReader(large)), 64 << 20, 0, false, "larger than 2 MiB"},
		"no room":   {io.NopCloser(strings.NewReader(large[:1<<20])), 1 << 18, 0, false, "too many are on their way"},
		"broken":    {io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{})), 64 << 20, 0, false, ""},
		"left":      {io.NopCloser(strings.NewReader(large[:1<<20])), 64 << 20, 1 << 19, false, ""},
		"empty":     {io.NopCloser(strings.NewReader("")), 64 << 20, 0, true, ""},
		"no length": {io.NopCloser(strings.NewReader("abc")), 64 << 20, 0, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Services{Caches: NewCaches(0, nil)}
			s.Caches.Room = cache.NewRoom(tt.room)
			x := asking(s, "a", "GET", "/", "")
			x.Forward = func(_ context.Context, x *Exchange, _ ForwardOptions) error {
				x.Response = &Response{StatusCode: 200, Header: http.Header{}, Body: &Body{Stream: tt.body, Length: -1}}
				return nil
			}
			p.Run(t.Context(), x)
			if tt.read > 0 {
				_, _ = io.CopyN(io.Discard, x.Response.Body.Stream, tt.read)
			} else {
				_, _ = io.Copy(io.Discard, x.Response.Body.Stream)
			}
			x.Response.Body.Stream.Close()
			again := asking(s, "a", "GET", "/", "")
			asked := answering(again, 200, "again")
			p.Run(t.Context(), again)
			if *asked == tt.kept {
				t.Errorf("kept: %v, want %v", !*asked, tt.kept)
			}
			again.Response.dropBody()
			if notes := fmt.Sprint(x.Notes); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %s", notes)
			}
			if used := s.Caches.Room.Used(); used != 0 {
				t.Errorf("%d bytes stay behind", used)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

// TestOneMakesTheValue: of many requests that want a value at once one makes it,
// and when it is due for a new one the others do not wait.
func TestOneMakesTheValue(t *testing.T) {
	p := cachingPipeline(t, `<policies><inbound>
<cache-value key="k" variable-name="v" expires-after="60" refresh-after="30"><value>
<retry condition="@(false)" count="1" interval="1"><set-variable name="v" value="@("made " + context.RequestId)" /></retry>
</value></cache-value><return-response><set-body>@((string)context.Variables["v"])</set-body></return-response></inbound></policies>`)
	var mu sync.Mutex
	now := begun
	s := &Services{Caches: NewCaches(0, nil)}
	s.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s.Caches = NewCaches(0, s.Now)
	for round := range 3 {
		var wg sync.WaitGroup
		got := make([]string, 32)
		for i := range got {
			wg.Go(func() {
				x := asking(s, "a", "GET", "/", "")
				x.RequestID = fmt.Sprintf("%08d-0000-0000-0000-00000000000%d", i, round)
				p.Run(context.Background(), x)
				got[i] = bodyOf(x)
			})
		}
		wg.Wait()
		made := map[string]bool{}
		for _, v := range got {
			made[v] = true
		}
		// While one makes a new value the others may still have the old one.
		if len(made) > 2 || round == 0 && len(made) != 1 {
			t.Errorf("round %d: %v", round, made)
		}
		mu.Lock()
		now = now.Add(31 * time.Second)
		mu.Unlock()
	}
}

// TestFlightFails: who waits for a value that is not made makes it.
func TestFlightFails(t *testing.T) {
	p := cachingPipeline(t, `<policies><inbound><cache-value key="k" variable-name="v" expires-after="60" refresh-after="30"><value>
<set-variable name="v" value="@(context.Request.Method == "GET" ? "made" : int.Parse("x").ToString())" />
</value></cache-value><return-response><set-body>@((string)context.Variables["v"])</set-body></return-response></inbound></policies>`)
	s := &Services{Caches: NewCaches(0, nil)}
	failed := asking(s, "a", "POST", "/", "")
	p.Run(t.Context(), failed)
	if failed.LastError == nil {
		t.Error("the first does not fail")
	}
	x := asking(s, "a", "GET", "/", "")
	p.Run(t.Context(), x)
	if got := bodyOf(x); got != "made" {
		t.Error(got)
	}
}

// FuzzKept: bytes of any kind are an answer that reads back, or an error.
func FuzzKept(f *testing.F) {
	f.Add((&keptResponse{status: 200, reason: "r", header: http.Header{"A": {"b", "c"}}, vary: map[string]string{"D": "e"}}).appendHead(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		kept, err := readKept(b)
		if err != nil {
			return
		}
		again, err := readKept(append(kept.appendHead(nil), kept.body...))
		if err != nil || again.status != kept.status || string(again.body) != string(kept.body) || len(again.header) != len(kept.header) {
			t.Errorf("%+v is %+v: %v", kept, again, err)
		}
	})
}

// TestCacheValuesAreOneForAll: the key is the partition, as the manual says.
func TestCacheValuesAreOneForAll(t *testing.T) {
	s := &Services{Caches: NewCaches(0, nil)}
	x := asking(s, "a", "GET", "/", "")
	x.storeValue(t.Context(), s.Caches, valueKey("k"), clr.Str("of a"), 60)
	p := cachingPipeline(t, `<policies><inbound><cache-lookup-value key="k" variable-name="v" /><return-response><set-body>@((string)context.Variables["v"])</set-body></return-response></inbound></policies>`)
	y := asking(s, "b", "GET", "/", "")
	p.Run(t.Context(), y)
	if got := bodyOf(y); got != "of a" {
		t.Error(got)
	}
}

// TestValueKeys: no two keys are one.
func TestValueKeys(t *testing.T) {
	long := strings.Repeat("k", longestKey+1)
	keys := map[string]bool{}
	for _, k := range []string{"", "k", "value:k", long, long + "k", valueKey(long), "digest:" + long} {
		if keys[valueKey(k)] {
			t.Errorf("%q is another's", k)
		}
		if keys[valueKey(k)] = true; len(valueKey(k)) > 2*longestKey {
			t.Errorf("the key of %d bytes has %d", len(k), len(valueKey(k)))
		}
	}
}

func BenchmarkCacheValueHit(b *testing.B) {
	s := &Services{Caches: NewCaches(0, nil)}
	p := cachingPipeline(b, `<policies><inbound><cache-lookup-value key="@("profile-" + context.Request.Method)" variable-name="v" /><return-response /></inbound></policies>`)
	x := asking(s, "a", "GET", "/", "")
	x.storeValue(b.Context(), s.Caches, valueKey("profile-GET"), clr.Str("somebody"), 3600)
	b.ReportAllocs()
	for b.Loop() {
		x := asking(s, "a", "GET", "/", "")
		p.Run(b.Context(), x)
	}
}

func BenchmarkCacheResponseHit(b *testing.B) {
	s := &Services{Caches: NewCaches(0, nil)}
	p := cachingPipeline(b, `<policies><inbound><cache-lookup vary-by-developer="true" vary-by-developer-groups="false"><vary-by-header>Accept</vary-by-header></cache-lookup></inbound><outbound><cache-store duration="3600" /></outbound></policies>`)
	x := asking(s, "a", "GET", "/models", "")
	answering(x, 200, strings.Repeat("x", 4<<10))
	p.Run(b.Context(), x)
	bodyOf(x)
	b.ReportAllocs()
	for b.Loop() {
		x := asking(s, "a", "GET", "/models", "")
		p.Run(b.Context(), x)
		if x.kept != responseStore {
			b.Fatal("no hit")
		}
	}
}

// randomVectors are those of an embedding model, by the text.
type randomVectors struct{}

func (randomVectors) Embed(_ context.Context, _, text string) ([]float32, error) {
	r := rand.New(rand.NewPCG(uint64(len(text)), 1))
	v := make([]float32, 1536)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v, nil
}

// BenchmarkSemanticLookup looks among 10,000 completions of one caller.
func BenchmarkSemanticLookup(b *testing.B) {
	s := &Services{Caches: NewCaches(3<<30, nil), Embedder: randomVectors{}}
	p := cachingPipeline(b, `<policies><inbound><llm-semantic-cache-lookup score-threshold="0.05" embeddings-backend-id="vectors" embeddings-backend-auth="system-assigned" /></inbound><outbound><llm-semantic-cache-store duration="3600" /></outbound></policies>`)
	const body = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
	first := asking(s, "a", "POST", "/chat/completions", body)
	answering(first, 200, "{}")
	p.Run(b.Context(), first)
	bodyOf(first)
	partition, kept := first.completion.partition, (&keptResponse{status: 200}).appendHead(nil)
	for i := range 9_999 {
		v, _ := randomVectors{}.Embed(b.Context(), "", strings.Repeat("x", 100+i))
		if err := s.Caches.Completions.Add(b.Context(), partition, v, kept, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		x := asking(s, "a", "POST", "/chat/completions", body)
		answering(x, 200, "{}")
		p.Run(b.Context(), x)
		if x.kept != completionStore {
			b.Fatal("no hit")
		}
	}
}

// TestExternalCacheIsAWarning: what a gateway refuses is a warning for a document
// that is looked at by itself.
func TestExternalCacheIsAWarning(t *testing.T) {
	source := `<policies><inbound><cache-lookup-value key="k" variable-name="v" caching-type="external" /></inbound></policies>`
	got := CheckDocument(&site.PolicyFile{Path: "p.xml", Source: []byte(source)}, testDefined())
	if len(got.Problems) != 1 || got.Problems[0].Code != "external-cache" || got.Problems[0].Severity != site.Warning {
		t.Errorf("%v", got.Problems)
	}
	_, problems := Compile(Scopes{API: &site.PolicyFile{Path: "api.xml", Source: []byte(source)}}, Env{})
	if !problems.HasErrors() {
		t.Error("a gateway takes it")
	}
}

// TestEmbeddingsAreAsked: how a backend is asked for a vector.
func TestEmbeddingsAreAsked(t *testing.T) {
	for base, want := range map[string]string{
		"https://vectors.example/openai/deployments/ada/embeddings": "POST ?api-version=2024-10-21",
		"https://vectors.example/v1/embeddings":                     "POST ",
		"":                                                          "POST ?api-version=2024-10-21", // a pool
	} {
		x := asking(&Services{}, "a", "POST", "/", "")
		x.BackendURL = func(string) *url.URL {
			if base == "" {
				return nil
			}
			u, _ := url.Parse(base)
			return u
		}
		x.CallBackend = func(id string, req *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(req.Body)
			if got := req.Method + " " + req.URL.String(); got != want || id != "vectors" || string(body) != `{"input":"words"}` || req.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %s %s %s", base, id, got, body)
			}
			if _, ok := req.Context().Deadline(); !ok {
				t.Error("it may take for ever")
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"data":[{"embedding":[1,2]}]}`))}, nil
		}
		if v, err := x.embed(t.Context(), "vectors", "words"); err != nil || len(v) != 2 {
			t.Errorf("%v %v", v, err)
		}
		x.CallBackend = func(string, *http.Request) (*http.Response, error) { return nil, errBroken }
		if _, err := x.embed(t.Context(), "vectors", "words"); !errors.Is(err, errBroken) {
			t.Error(err)
		}
		x.CallBackend = nil
		if _, err := x.embed(t.Context(), "vectors", "words"); err == nil {
			t.Error("there is a vector from nowhere")
		}
	}
}
