package csharp

import (
	"context"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
)

// TestFastMembers: members of context with a form without Values answer, throw
// and cost as their other form does, whatever is null.
func TestFastMembers(t *testing.T) {
	full := `{"request": {"method": "POST", "url": "https://h.example:8443/v1/chat?q=1", "originalUrl": "https://o.example/", "ipAddress": "10.0.0.4",
		"headers": {"Tier": ["gold"], "Two": ["a", "b"], "Empty": []}}, "response": {"statusCode": 200, "headers": {"Tier": ["silver"]}},
		"variables": {"s": "text", "z": null}, "api": {"id": "a", "name": "A"}, "operation": {"id": "o"}, "product": {"id": "p"},
		"subscription": {"id": "s"}, "user": {"id": "u"}}`
	expressions := []string{
		`context.Api.Id`, `context.Api.Name + "!"`, `context.Operation.Id`, `context.Product.Id`, `context.Subscription.Id`, `context.User.Id == null`,
		`context.Request.Method`, `context.Request.IpAddress`, `context.Request.IpAddress ?? "none"`, `context.Request.Url.Host`, `context.Request.Url.Path`,
		`context.Request.Url.QueryString`, `context.Request.Url.Scheme`, `context.Request.OriginalUrl.Host`, `context.Request.Url == context.Request.OriginalUrl`,
		`context.Request.Headers.GetValueOrDefault("tier", "none")`, `context.Request.Headers.GetValueOrDefault("Two", "none")`,
		`context.Request.Headers.GetValueOrDefault("Empty", "none")`, `context.Request.Headers.GetValueOrDefault("Other", null) == null`,
		`context.Request.Headers.GetValueOrDefault(null, "none")`, `context.Request.Headers.GetValueOrDefault((string)context.Variables["z"], "none")`,
		`context.Response.Headers.GetValueOrDefault("Tier", (string)context.Variables["s"])`, `context.Response == null`,
		`((IReadOnlyDictionary<string, string[]>)null).GetValueOrDefault("a", "b")`,
		`((IReadOnlyDictionary<string, string[]>)new Dictionary<string, string[]> { { "a", new[] { "1", "2" } } }).GetValueOrDefault("a", "b")`,
		`context.Request.Url.Query.GetValueOrDefault("q", "none")`, `context.Variables.ContainsKey("s") && context.Variables["s"] == context.Variables["s"]`,
		`context.Request.Url.Path.StartsWith("/v1")`, `context.Request.Method == "POST" ? context.Request.Url : context.Request.OriginalUrl`,
		`new[] { context.Request.Url, null }[0].Path`, `string.Join(",", context.Request.Method, context.Request.IpAddress)`, `(object)context.Api.Id`,
	}
	for _, seen := range []string{full, `{}`, `{"request": {"headers": {}}, "response": {}, "api": {}, "operation": {}, "user": {}}`} {
		for _, x := range expressions {
			for _, source := range []string{"@(" + x + ")", "@{ var x = " + x + "; return x; }"} {
				answer := func(plain bool) (string, int64) {
					e, errs := Compile(source, Options{Context: ContextType(), Plain: plain})
					if len(errs) > 0 {
						t.Fatalf("%s: %v", source, errs[0])
					}
					th := newThread()
					th.Start(context.Background(), clr.DefaultLimits())
					host, err := request.Read(th, seen)
					if err != nil {
						t.Fatal(err)
					}
					th.Host = host
					v, err := e.Run(context.Background(), th)
					steps, _ := th.Used()
					if err != nil {
						return err.Error(), steps
					}
					b, _ := AnswerValue(th, v).MarshalJSON()
					return string(b), steps
				}
				fast, steps := answer(false)
				plain, more := answer(true)
				if fast != plain || steps > more {
					t.Errorf("%s: %s in %d steps, plainly %s in %d", source, fast, steps, plain, more)
				}
			}
		}
	}
}
