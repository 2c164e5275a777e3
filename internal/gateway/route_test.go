package gateway

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// routesOf builds a router of APIs alone.
func routesOf(t *testing.T, service *site.Service) *Router {
	t.Helper()
	s := &site.Site{Config: &site.Config{}, Service: service}
	snap := &Snapshot{Site: s, products: map[string]*site.Product{}}
	c := &pipelineCompiler{site: s, env: policy.Env{}, seen: map[string]bool{}}
	rt, problems := newRouter(s, snap, c)
	if problems = append(problems, c.problems...); problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return rt
}

func api(id, path string, operations ...*site.Operation) *site.API {
	return &site.API{
		ID: id, Path: path, Revision: "1", IsCurrent: true, SubscriptionRequired: true,
		SubscriptionKeyHeader: "Ocp-Apim-Subscription-Key", SubscriptionKeyQuery: "subscription-key",
		Operations: operations,
	}
}

func operation(id, method, template string) *site.Operation {
	return &site.Operation{ID: id, Method: method, URLTemplate: template}
}

func TestFind(t *testing.T) {
	segment := &site.VersionSet{ID: "seg", Scheme: site.VersioningSegment}
	byQuery := &site.VersionSet{ID: "query", Scheme: site.VersioningQuery, QueryName: "api-version"}
	byHeader := &site.VersionSet{ID: "header", Scheme: site.VersioningHeader, HeaderName: "Api-Version"}
	versioned := func(a *site.API, set, version string) *site.API {
		a.VersionSetID, a.Version = set, version
		return a
	}
	revised := func(a *site.API, rev string) *site.API {
		a.Revision, a.IsCurrent = rev, false
		return a
	}
	rt := routesOf(t, &site.Service{
		VersionSets: []*site.VersionSet{segment, byQuery, byHeader},
		APIs: []*site.API{
			api("openai", "openai",
				operation("chat", "POST", "/deployments/{deployment-id}/chat/completions"),
				operation("models", "GET", "/models"),
				operation("model", "GET", "/models/{id}"),
				operation("special", "GET", "/models/special"),
				operation("dotted", "GET", "/files/{name}.json"),
				operation("rest", "GET", "/files/*"),
				operation("any", "*", "/anything")),
			revised(api("openai", "openai", operation("chat2", "POST", "/deployments/{d}/chat/completions")), "2"),
			api("deeper", "openai/realtime", operation("connect", "GET", "/")),
			versioned(api("seg-original", "seg", operation("a", "GET", "/x")), "seg", ""),
			versioned(api("seg-v1", "seg", operation("a", "GET", "/x")), "seg", "v1"),
			versioned(api("seg-v2", "seg", operation("a", "GET", "/x")), "seg", "V2"),
			versioned(api("q-1", "q", operation("a", "GET", "/x")), "query", "2024-01-01"),
			versioned(api("q-2", "q", operation("a", "GET", "/x")), "query", "2025-01-01"),
			versioned(api("h-1", "h", operation("a", "GET", "/x")), "header", "one"),
			api("root", "", operation("hello", "GET", "/hello")),
		},
	})
	type found struct {
		API, Op, Path, Revision string
		Params                  map[string]string
	}
	for _, tt := range []struct {
		method, path, query string
		header              http.Header
		want                found
	}{
		{"POST", "/openai/deployments/gpt-4o/chat/completions", "", nil,
			found{"openai", "chat", "/deployments/gpt-4o/chat/completions", "1", map[string]string{"deployment-id": "gpt-4o"}}},
		// Literals are found without case and go on as the template spells them.
		{"POST", "/OpenAI/Deployments/GPT/Chat/COMPLETIONS", "", nil,
			found{"openai", "chat", "/deployments/GPT/chat/completions", "1", map[string]string{"deployment-id": "GPT"}}},
		{"POST", "/openai/deployments/a%2Fb/chat/completions", "", nil,
			found{"openai", "chat", "/deployments/a%2Fb/chat/completions", "1", map[string]string{"deployment-id": "a/b"}}},
		{"POST", "/openai;rev=2/deployments/x/chat/completions", "", nil,
			found{"openai", "chat2", "/deployments/x/chat/completions", "2", map[string]string{"d": "x"}}},
		{"POST", "/openai;rev=3/deployments/x/chat/completions", "", nil, found{}},
		{"GET", "/openai/files/a;rev=2/c", "", nil, found{}},
		{"GET", "/openai/models", "", nil, found{"openai", "models", "/models", "1", nil}},
		{"GET", "/openai/models/", "", nil, found{"openai", "models", "/models", "1", nil}},
		{"GET", "/openai/models/special", "", nil, found{"openai", "special", "/models/special", "1", nil}},
		{"GET", "/openai/models/other", "", nil, found{"openai", "model", "/models/other", "1", map[string]string{"id": "other"}}},
		{"GET", "/openai/files/a.json", "", nil, found{"openai", "dotted", "/files/a.json", "1", map[string]string{"name": "a"}}},
		{"GET", "/openai/files/.json", "", nil, found{"openai", "rest", "/files/.json", "1", nil}},
		{"GET", "/openai/files/a/B/c", "", nil, found{"openai", "rest", "/files/a/B/c", "1", nil}},
		{"DELETE", "/openai/anything", "", nil, found{"openai", "any", "/anything", "1", nil}},
		{"GET", "/openai/realtime", "", nil, found{"deeper", "connect", "/", "1", nil}},
		// No fallback from GET to HEAD, as in API Management.
		{"HEAD", "/openai/models", "", nil, found{API: "openai"}},
		{"POST", "/openai/models", "", nil, found{API: "openai"}},
		{"GET", "/openai/nothing", "", nil, found{API: "openai"}},
		{"GET", "/openaix/models", "", nil, found{API: "root"}},
		{"GET", "/seg/x", "", nil, found{"seg-original", "a", "/x", "1", nil}},
		{"GET", "/seg/v1/x", "", nil, found{"seg-v1", "a", "/x", "1", nil}},
		{"GET", "/seg/v2/x", "", nil, found{"seg-v2", "a", "/x", "1", nil}},
		{"GET", "/seg/v3/x", "", nil, found{API: "seg-original"}},
		{"GET", "/q/x", "api-version=2025-01-01", nil, found{"q-2", "a", "/x", "1", nil}},
		{"GET", "/q/x", "", nil, found{}},
		{"DELETE", "/openai/realtime", "", nil, found{API: "deeper"}},
		{"GET", "/h/x", "", http.Header{"Api-Version": {"ONE"}}, found{"h-1", "a", "/x", "1", nil}},
		{"GET", "/hello", "", nil, found{"root", "hello", "/hello", "1", nil}},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			q, _ := url.ParseQuery(tt.query)
			r, ok := rt.find(tt.method, tt.path, q, tt.header)
			var got found
			if ok {
				got = found{r.api.api.ID, r.operation.ID, r.path, r.revision, r.parameters}
			} else if r.operationRoute != nil {
				got.API = r.api.api.ID
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestFindTakenPath: two APIs that answer the same requests are an error.
func TestFindTakenPath(t *testing.T) {
	s := &site.Site{Config: &site.Config{}, Service: &site.Service{APIs: []*site.API{api("a", "same"), api("b", "SAME")}}}
	_, problems := newRouter(s, &Snapshot{Site: s}, &pipelineCompiler{site: s, seen: map[string]bool{}})
	if len(problems) != 1 || problems[0].Code != "api-path-taken" {
		t.Errorf("problems: %v", problems)
	}
}

func TestTemplateRefused(t *testing.T) {
	for _, template := range []string{"/a/{}", "/a/{b", "/a/b}", "/{a}{b}", "/a*/b", "/*/b"} {
		if _, err := newOperationRoute(&apiRoutes{}, operation("x", "GET", template), nil); err == nil {
			t.Errorf("%s: accepted", template)
		}
	}
}
