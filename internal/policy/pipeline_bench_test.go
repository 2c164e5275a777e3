package policy

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

const tenPolicies = `-- template --
/chat/completions
-- backends --
openai-east https://east.internal
-- api.xml --
<policies>
  <inbound>
    <cors><allowed-origins><origin>https://app.example</origin></allowed-origins></cors>
    <check-header name="X-Tenant" failed-check-httpcode="403" failed-check-error-message="no" ignore-case="true"><value>contoso</value></check-header>
    <set-variable name="tenant" value="@(context.Request.Headers.GetValueOrDefault("X-Tenant", "none"))" />
    <set-variable name="gold" value="@(context.Subscription.Id == "gold")" />
    <choose>
      <when condition="@((bool)context.Variables["gold"] && context.Request.Url.Path.StartsWith("/chat"))">
        <set-backend-service backend-id="openai-east" />
      </when>
    </choose>
    <set-header name="X-Tenant-Id"><value>@("tenant-" + (string)context.Variables["tenant"])</value></set-header>
    <set-query-parameter name="api-version"><value>2025-03-01</value></set-query-parameter>
    <set-header name="X-Fixed"><value>fixed</value></set-header>
  </inbound>
  <outbound>
    <set-header name="X-Status"><value>@(context.Response.StatusCode.ToString())</value></set-header>
    <set-header name="Server" exists-action="delete" />
  </outbound>
</policies>
`

// BenchmarkTenPolicies is a request through ten typical policies, beside one
// through none.
func BenchmarkTenPolicies(b *testing.B) {
	api := &site.API{ID: "openai", Name: "OpenAI", Path: "openai", ServiceURL: "https://openai.internal/openai"}
	operation := &site.Operation{ID: "chat", Method: "POST", URLTemplate: "/chat/completions"}
	original, _ := url.Parse("https://gateway.example/openai/chat/completions?api-version=1")
	base, _ := url.Parse("https://openai.internal/openai")
	for name, archive := range map[string]string{"ten": tenPolicies, "none": ""} {
		p := mustCompile(b, archive)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			forward := func(_ context.Context, x *Exchange, _ ForwardOptions) error {
				x.Response = &Response{StatusCode: 200, Header: http.Header{"Server": {"x"}}, FromBackend: true}
				return nil
			}
			started := time.Now()
			for b.Loop() {
				x := &Exchange{
					RequestID: "8b523262-e7a2-4b7e-90f9-7259dc6c3450", Started: started, ClientIP: netip.MustParseAddr("10.1.2.3"),
					API: api, Operation: operation, OriginalURL: original, Subscription: &Subscription{ID: "gold", Name: "Gold", Key: "0123"},
					Forward: forward,
					Request: Request{Method: "POST", Path: "/chat/completions", Query: "api-version=1", Backend: Target{BaseURL: base},
						Header: http.Header{"X-Tenant": {"contoso"}, "Content-Type": {"application/json"}}},
				}
				p.Run(b.Context(), x)
				if x.LastError != nil {
					b.Fatal(x.LastError)
				}
			}
		})
	}
}
