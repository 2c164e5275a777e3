package policy

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/site"
)

// cacheWorld makes documents, callers and answers by chance, over one set of
// caches as a gateway has it through all its reloads.
type cacheWorld struct {
	t        *testing.T
	services Services
	mu       sync.Mutex // guards hits
	hits     int
}

// somebody is a caller, with what an application passes on of its users.
type somebody struct{ id, authorization, cookie string }

func (s somebody) String() string { return s.id + "|" + s.authorization + "|" + s.cookie }

// cacheDocument is a document with a lookup and a store; shared: it says that
// answers are for all.
type cacheDocument struct {
	p              *Pipeline
	text           string
	shared, groups bool
}

func (w *cacheWorld) document(r *rand.Rand) cacheDocument {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	boolean := func() (string, bool) {
		is := r.IntN(2) == 0
		if r.IntN(3) == 0 {
			return fmt.Sprintf("@(%v)", is), is
		}
		return fmt.Sprint(is), is
	}
	developer, isDeveloper := boolean()
	groups, isGroups := boolean()
	private, _ := boolean()
	revalidate, _ := boolean()
	downstream := pick("none", "private", "public", "public")
	attribute := fmt.Sprintf(" downstream-caching-type=%q", downstream)
	if r.IntN(5) == 0 {
		downstream, attribute = "none", ""
	}
	var vary strings.Builder
	for _, name := range []string{"Accept", "Accept-Language", "X-Tenant", "Authorization"} {
		if r.IntN(4) == 0 {
			fmt.Fprintf(&vary, "<vary-by-header>%s</vary-by-header>", name)
		}
	}
	if r.IntN(2) == 0 {
		fmt.Fprintf(&vary, "<vary-by-query-parameter>%s</vary-by-query-parameter>", pick("a", "a;b", "c"))
	}
	always := pick("", ` cache-response="true"`, ` cache-response="@(context.Response.StatusCode != 404)"`)
	text := fmt.Sprintf(`<policies><inbound>
<cache-lookup vary-by-developer="%s" vary-by-developer-groups="%s" must-revalidate="%s" allow-private-response-caching="%s"%s>%s</cache-lookup>
</inbound><outbound><cache-store duration="%d"%s /></outbound></policies>`, developer, groups, revalidate, private, attribute, vary.String(), 1+r.IntN(20), always)
	p, problems := Compile(Scopes{API: &site.PolicyFile{Path: "api.xml", Source: []byte(text)}}, Env{})
	if problems.HasErrors() {
		w.t.Fatalf("%s\n%v", text, problems)
	}
	return cacheDocument{p: p, text: text, shared: downstream == "public" && !isDeveloper, groups: isGroups}
}

// ask sends one request and looks at whose answer comes.
func (w *cacheWorld) ask(r *rand.Rand, d cacheDocument, clock func() time.Time) {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	who := somebody{pick("", "a", "a", "b", "b", "c"), pick("", "", "Bearer 1", "Bearer 2"), pick("", "", "s=1")}
	h := http.Header{}
	set := func(name, v string) {
		if v != "" {
			h.Set(name, v)
		}
	}
	set("Authorization", who.authorization)
	set("Cookie", who.cookie)
	set("Accept", pick("", "text/plain"))
	set("X-Tenant", pick("", "t", "u"))
	var group string
	x := &Exchange{
		RequestID: "r", Started: clock(), Services: &w.services, OriginalURL: &url.URL{Scheme: "https", Host: "gateway.example", Path: "/"},
		API: &site.API{ID: "api", Revision: "1"}, Operation: &site.Operation{ID: pick("one", "two")},
		Request: Request{
			Method: pick("GET", "GET", "GET", "POST"), Path: pick("/p", "/q"), Query: pick("", "a=1", "a=2&b=1"), Header: h,
			Backend: Target{BaseURL: &url.URL{Scheme: "https", Host: "backend.example"}},
		},
		Caller: func() string { return who.id },
	}
	if r.IntN(2) == 0 {
		group = pick("g", "h")
		x.User = &request.User{Groups: []request.Group{{ID: &group}}}
	}
	asked := false
	answer := func() string { return fmt.Sprintf("%v / shared=%v %s", who, d.shared, group) }
	x.Forward = func(_ context.Context, x *Exchange, _ ForwardOptions) error {
		asked = true
		header := http.Header{}
		for name, v := range map[string]string{"Vary": pick("", "", "Accept", "X-Tenant, Accept"), "Set-Cookie": pick("", "", "a=b"), "Cache-Control": pick("", "private", "no-store", "max-age=9")} {
			if v != "" {
				header.Set(name, v)
			}
		}
		text := answer() + strings.Repeat(".", r.IntN(5000))
		x.Response = &Response{StatusCode: []int{200, 200, 200, 404}[r.IntN(4)], Header: header, FromBackend: true, Body: &Body{Stream: io.NopCloser(strings.NewReader(text)), Length: -1}}
		return nil
	}
	d.p.Run(context.Background(), x)
	if x.LastError != nil {
		w.t.Errorf("%s: %v", d.text, x.LastError)
		return
	}
	body := x.Response.Body.Bytes
	if x.Response.Body.Stream != nil {
		body, _ = io.ReadAll(x.Response.Body.Stream)
		x.Response.Body.Stream.Close()
	}
	if asked {
		return
	}
	w.mu.Lock()
	w.hits++
	w.mu.Unlock()
	got, _, _ := strings.Cut(string(body), ".")
	owner, rest, _ := strings.Cut(got, " / ")
	byAll := d.shared && (!d.groups || x.User != nil)
	switch {
	case who.id == "" && !byAll:
		w.t.Errorf("nobody got %q\n%s", got, d.text)
	case who.id != "" && owner == who.String():
	case !byAll:
		w.t.Errorf("%v got the answer of %s\n%s", who, got, d.text)
	case !strings.HasPrefix(rest, "shared=true"):
		w.t.Errorf("%v got what was kept for one: %s\n%s", who, got, d.text)
	case d.groups && !strings.HasSuffix(got, " "+group):
		w.t.Errorf("%v in %s got the answer of %s\n%s", who, group, got, d.text)
	}
	if byAll && (x.Response.Header["Set-Cookie"] != nil) {
		w.t.Errorf("%v got a cookie of %s", who, got)
	}
}

// TestCachedAnswersStayWithTheirCaller: whatever documents say and callers send,
// an answer out of the cache is the caller's own, but where the document calls it
// public.
func TestCachedAnswersStayWithTheirCaller(t *testing.T) {
	var mu sync.Mutex
	now := begun
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	w := &cacheWorld{t: t, services: Services{Now: clock, Caches: NewCaches(3<<20, clock)}}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 7))
			for range 60 {
				d := w.document(r)
				for range 60 {
					w.ask(r, d, clock)
				}
				mu.Lock()
				now = now.Add(time.Second)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if w.hits < 500 {
		t.Errorf("%d answers came out of the cache: too few to say anything", w.hits)
	}
	t.Logf("%d answers came out of the cache", w.hits)
	if used := w.services.Caches.Room.Used(); used != 0 {
		t.Errorf("%d bytes are still on their way", used)
	}
}
