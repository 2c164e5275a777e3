package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestProducts: a product's policies run for its subscriptions and for nobody
// else; an open product's for callers without one; scopes order as in API
// Management: global, product, API, operation.
func TestProducts(t *testing.T) {
	product := func(name string, required bool) string {
		return fmt.Sprintf(`{"properties":{"displayName":%q,"subscriptionRequired":%v,"state":"published"}}`, name, required)
	}
	files := map[string]string{
		"apim/policy.xml": inboundHeaderGlobal("global"),
		"apim/products/gold/productInformation.json":   product("Gold", true),
		"apim/products/gold/apis.json":                 `[{"name":"openai"},{"name":"second"}]`,
		"apim/products/gold/policy.xml":                inboundHeader("X-Scope", "gold"),
		"apim/products/silver/productInformation.json": product("Silver", true),
		"apim/products/silver/apis.json":               `[{"name":"openai"}]`,
		"apim/products/silver/policy.xml":              inboundHeader("X-Scope", "silver"),
		"apim/products/open/productInformation.json":   product("Open", false),
		"apim/products/open/apis.json":                 `[{"name":"free"}]`,
		"apim/products/open/policy.xml":                inboundHeader("X-Scope", "open"),
		"apim/apis/openai/policy.xml":                  inboundHeader("X-Scope", "api"),
		"apim/apis/openai/operations/get/policy.xml":   inboundHeader("X-Scope", "operation"),
		"apim/apis/second/apiInformation.json":         api("second", `,"subscriptionRequired":true`),
		"apim/apis/second/specification.yaml":          wildcardSpecification,
		"apim/apis/second/policy.xml":                  onlyInbound(`<set-backend-service backend-id="openai" />`),
		"apim/apis/free/apiInformation.json":           api("free", `,"subscriptionRequired":false`),
		"apim/apis/free/specification.yaml":            wildcardSpecification,
		"apim/apis/free/policy.xml":                    onlyInbound(`<set-backend-service backend-id="openai" />`),
		"keys/gold":                                    strings.Repeat("g", 32),
		"keys/silver":                                  strings.Repeat("v", 32),
		"keys/second":                                  strings.Repeat("2", 32),
	}
	s := newSite(t, http.HandlerFunc(echo), files)
	s.write(t, "cloister.yaml", with(s.config("callers: {apis: {free: [anonymous]}}\n"), [2]string{"subscriptions", `- {name: gold, scope: /products/gold, primaryKey: {file: keys/gold}}
- {name: silver, scope: /products/silver, primaryKey: {file: keys/silver}}
- {name: second, scope: /apis/second, primaryKey: {file: keys/second}}`}))
	g := s.start(t)
	key := func(k string) http.Header {
		return http.Header{"Ocp-Apim-Subscription-Key": {strings.Repeat(k, 32)}}
	}
	for _, tt := range []struct {
		name, method, path string
		header             http.Header
		status             int
		scopes             string
	}{
		{"gold", "POST", "/openai/x", key("g"), 200, "[global,gold,api]"},
		{"gold, operation", "GET", "/openai/x", key("g"), 200, "[global,gold,api,operation]"},
		{"gold, another API", "GET", "/second/x", key("g"), 200, "[global,gold]"},
		{"silver", "POST", "/openai/x", key("v"), 200, "[global,silver,api]"},
		{"silver, API outside the product", "GET", "/second/x", key("v"), 401, ""},
		{"all APIs", "POST", "/openai/x", nil, 200, "[global,api]"},
		{"one API", "GET", "/second/x", key("2"), 200, "[global]"},
		{"one API, another", "GET", "/openai/x", key("2"), 401, ""},
		{"anonymous", "GET", "/free/x", anonymous, 200, "[global,open]"},
		// Whoever shows a subscription acts under it, and it has no product.
		{"anonymous API, with a key", "GET", "/free/x", nil, 200, "[global]"},
		{"anonymous API, with a wrong key", "GET", "/free/x", key("z"), 200, "[global,open]"},
		{"anonymous on another API", "GET", "/openai/x", anonymous, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := g.do(t, tt.method, tt.path, "", tt.header)
			if resp.StatusCode != tt.status {
				t.Fatalf("%s %s, want %d", resp.Status, body, tt.status)
			}
			if tt.status == 200 {
				if got := fmt.Sprint(decodeEcho(t, body).Header["X-Scope"]); got != tt.scopes {
					t.Errorf("policies ran: %s, want %s", got, tt.scopes)
				}
			}
		})
	}
}

// inboundHeaderGlobal is the document of all APIs: it has no base.
func inboundHeaderGlobal(value string) string {
	return `<policies><inbound><set-header name="X-Scope" exists-action="append"><value>` + value +
		`</value></set-header></inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`
}
