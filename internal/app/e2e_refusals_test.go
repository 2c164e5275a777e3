package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// refusal is one way to be refused, as API Management documents or shows it: an
// operation with policies, and requests to it, of which the last is refused.
// Requests are as [running.raw] takes them; without a request line they go to
// the operation with the team's key.
type refusal struct {
	name string
	// what happens, for the page.
	what                       string
	inbound, backend, outbound string
	requests                   []string
	// status and error are those of the last answer: "source/reason".
	status int
	error  string
	// message of context.LastError; "" where the path says the same.
	message string
}

// jwtRefusals are the causes for which validate-jwt refuses.
func jwtRefusals(t *testing.T, now time.Time) (rows []refusal) {
	const key = "a key of thirty-two bytes or more"
	token := func(key, kid, claims string) string {
		var m jwt.MapClaims
		if err := json.Unmarshal([]byte(strings.ReplaceAll(claims, "LATER", fmt.Sprint(now.Add(time.Hour).Unix()))), &m); err != nil {
			t.Fatal(err)
		}
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, m)
		token.Header["kid"] = kid
		signed, err := token.SignedString([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: Bearer " + signed
	}
	const policy = `<validate-jwt header-name="Authorization"><issuer-signing-keys><key id="one">YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcyBvciBtb3Jl</key></issuer-signing-keys>
		<audiences><audience>us</audience></audiences><issuers><issuer>https://issuer</issuer></issuers>
		<required-claims><claim name="team" match="any"><value>a</value></claim></required-claims></validate-jwt>`
	for _, r := range []refusal{
		{name: "token-not-present", what: "no token", requests: []string{""}, error: "TokenNotPresent", message: "JWT not present."},
		{name: "token-no-jwt", what: "not a token", requests: []string{"Authorization: Bearer x.y.z"}, error: "JwtInvalid"},
		{name: "token-signature", what: "signed with another key", requests: []string{token("another key of thirty-two bytes ...", "one", `{"iss":"https://issuer","aud":"us","exp":LATER,"team":"a"}`)}, error: "TokenSignatureInvalid"},
		{name: "token-unknown-key", what: "signed with a key that nobody knows", requests: []string{token(key, "two", `{"iss":"https://issuer","aud":"us","exp":LATER,"team":"a"}`)}, error: "TokenSignatureKeyNotFound"},
		{name: "token-issuer", what: "another issuer", requests: []string{token(key, "one", `{"iss":"https://other","aud":"us","exp":LATER,"team":"a"}`)}, error: "TokenIssuerNotAllowed"},
		{name: "token-audience", what: "for others", requests: []string{token(key, "one", `{"iss":"https://issuer","aud":"them","exp":LATER,"team":"a"}`)}, error: "TokenAudienceNotAllowed"},
		{name: "token-expired", what: "expired", requests: []string{token(key, "one", `{"iss":"https://issuer","aud":"us","exp":1000000000,"team":"a"}`)}, error: "TokenExpired"},
		{name: "token-claim-missing", what: "a claim is missing", requests: []string{token(key, "one", `{"iss":"https://issuer","aud":"us","exp":LATER}`)}, error: "TokenClaimNotFound",
			message: "JWT token is missing the following claims: team. Access denied."},
		{name: "token-claim-value", what: "a claim has another value", requests: []string{token(key, "one", `{"iss":"https://issuer","aud":"us","exp":LATER,"team":"b"}`)}, error: "TokenClaimValueNotAllowed",
			message: "Claim team value of b is not allowed. Access denied."},
	} {
		r.inbound, r.status, r.error, r.what = policy, 401, "validate-jwt/"+r.error, "validate-jwt: "+r.what
		rows = append(rows, r)
	}
	return rows
}

const chatOf = "POST /rows/%[1]s/%[1]s\nContent-Type: application/json\nOcp-Apim-Subscription-Key: " + teamKey + "\n\n" + `{"messages":[{"role":"user","content":"%[2]s"}]%[3]s}`

func refusals(t *testing.T, now time.Time, issuer string) []refusal {
	chat := func(name, text, more string) string { return fmt.Sprintf(chatOf, name, text, more) }
	rows := []refusal{
		{name: "key-missing", what: "no subscription key", requests: []string{"GET /rows/key-missing/key-missing"}, status: 401, error: "authorization/SubscriptionKeyNotFound"},
		{name: "key-invalid", what: "a subscription key that nobody has, or that is suspended, expired or of another scope",
			requests: []string{"GET /rows/key-invalid/key-invalid\nOcp-Apim-Subscription-Key: 00000000000000000000000000000000"}, status: 401, error: "authorization/SubscriptionKeyInvalid"},
		{name: "key-expired", what: "the key of an expired subscription", requests: []string{"GET /rows/key-expired/key-expired\nOcp-Apim-Subscription-Key: " + strings.Repeat("e", 32)}, status: 401, error: "authorization/SubscriptionKeyInvalid"},
		{name: "no-operation", what: "no API or operation", requests: []string{"GET /rows/no-operation/nothing\nOcp-Apim-Subscription-Key: " + teamKey}, status: 404, error: "configuration/OperationNotFound"},
		{name: "rate-limit", what: "rate-limit: a call too many", inbound: `<rate-limit calls="1" renewal-period="5" />`, requests: []string{"", ""}, status: 429, error: "rate-limit/RateLimitExceeded", message: "Rate limit is exceeded"},
		{name: "rate-limit-header", what: "the same with `retry-after-header-name`", inbound: `<rate-limit calls="1" renewal-period="5" retry-after-header-name="X-Wait" />`, requests: []string{"", ""}, status: 429, error: "rate-limit/RateLimitExceeded"},
		{name: "rate-limit-by-key", what: "rate-limit-by-key: a call too many", inbound: `<rate-limit-by-key calls="1" renewal-period="7" counter-key="k" />`, requests: []string{"", ""}, status: 429, error: "rate-limit/RateLimitExceeded", message: "Rate limit is exceeded"},
		{name: "quota", what: "quota: calls are used up", requests: []string{"Ocp-Apim-Subscription-Key: " + goldKey, "Ocp-Apim-Subscription-Key: " + goldKey}, status: 403, error: "quota/QuotaExceeded"},
		{name: "quota-by-key", what: "quota-by-key: calls are used up", inbound: `<quota-by-key calls="1" renewal-period="1802" counter-key="k" />`, requests: []string{"", ""}, status: 403, error: "quota/QuotaExceeded"},
		{name: "quota-days", what: "the same, for more than a day", inbound: `<quota-by-key calls="1" renewal-period="1235636" counter-key="d" />`, requests: []string{"", ""}, status: 403, error: "quota/QuotaExceeded"},
		{name: "quota-bandwidth", what: "quota-by-key: bandwidth is used up", inbound: `<quota-by-key bandwidth="1" renewal-period="1802" counter-key="b" />`, requests: []string{chat("quota-bandwidth", strings.Repeat("many ", 300), ""), ""}, status: 403, error: "quota/QuotaExceeded"},
		{name: "token-limit", what: "llm-token-limit: tokens of a minute are used up", inbound: `<llm-token-limit counter-key="k" tokens-per-minute="12" estimate-prompt-tokens="true" remaining-tokens-header-name="X-Left" />`,
			requests: []string{chat("token-limit", "hi", ""), chat("token-limit", "hi", "")}, status: 429, error: "llm-token-limit/TokenLimitExceeded"},
		{name: "token-quota", what: "llm-token-limit: the quota is used up", inbound: `<llm-token-limit counter-key="q" token-quota="12" token-quota-period="Hourly" estimate-prompt-tokens="true" />`,
			requests: []string{chat("token-quota", "hi", ""), chat("token-quota", "hi", "")}, status: 403, error: "llm-token-limit/TokenQuotaExceeded"},
		{name: "content-safety", what: "llm-content-safety: something was found", inbound: `<llm-content-safety backend-id="safety"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>`,
			requests: []string{chat("content-safety", "something awful", "")}, status: 403, error: "llm-content-safety/ContentSafetyViolation"},
		{name: "content-safety-down", what: "llm-content-safety: the service cannot be asked", inbound: `<llm-content-safety backend-id="down" />`,
			requests: []string{chat("content-safety-down", "hello", "")}, status: 403, error: "llm-content-safety/ContentSafetyUnavailable"},
		{name: "content-safety-stream", what: "llm-content-safety: a streamed answer has something", inbound: `<llm-content-safety backend-id="safety" enforce-on-completions="true" window-size="100"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>`,
			requests: []string{chat("content-safety-stream", "hello", `,"stream":true`)}, status: 200},
		{name: "content-safety-long", what: "llm-content-safety: a text is too long to be judged", inbound: `<llm-content-safety backend-id="safety" />`,
			requests: []string{chat("content-safety-long", strings.Repeat("long ", 220_000), "")}, status: 403, error: "llm-content-safety/ContentSafetyUnreadable"},
		{name: "content-safety-blocklist", what: "llm-content-safety: a blocklist does not exist", inbound: `<llm-content-safety backend-id="safety"><blocklists><id>none</id></blocklists></llm-content-safety>`,
			requests: []string{chat("content-safety-blocklist", "hello", "")}, status: 400, error: "llm-content-safety/ContentSafetyBlocklist"},
	}
	rows = append(rows, jwtRefusals(t, now)...)
	return append(rows, []refusal{
		{name: "token-entra", what: "validate-azure-ad-token, with a status and a message of its own",
			inbound:  `<validate-azure-ad-token tenant-id="11111111-2222-3333-4444-555555555555" authentication-endpoint="` + issuer + `" failed-validation-httpcode="403" failed-validation-error-message="Log in first."><client-application-ids><application-id>a</application-id></client-application-ids></validate-azure-ad-token>`,
			requests: []string{""}, status: 403, error: "validate-azure-ad-token/TokenNotPresent", message: "JWT not present."},
		{name: "ip-not-allowed", what: "ip-filter: not in the list", inbound: `<ip-filter action="allow"><address>192.0.2.1</address></ip-filter>`, requests: []string{""}, status: 403, error: "ip-filter/CallerIpNotAllowed", message: "Caller IP address 127.0.0.1 is not allowed. Access denied."},
		{name: "ip-blocked", what: "ip-filter: forbidden", inbound: `<ip-filter action="forbid"><address-range from="127.0.0.0" to="127.0.0.9" /></ip-filter>`, requests: []string{""}, status: 403, error: "ip-filter/CallerIpBlocked", message: "Caller IP address is blocked. Access denied."},
		{name: "header-missing", what: "check-header: no such header", inbound: checkTenant, requests: []string{""}, status: 402, error: "check-header/HeaderNotFound", message: "Header X-Tenant was not found in the request. Access denied."},
		{name: "header-value", what: "check-header: another value", inbound: checkTenant, requests: []string{"X-Tenant: b"}, status: 402, error: "check-header/HeaderValueNotAllowed", message: "Header X-Tenant value of b is not allowed. Access denied."},
		{name: "concurrency", what: "limit-concurrency: no place", backend: `<limit-concurrency key="k" max-count="1"><forward-request /></limit-concurrency>`, requests: []string{"hold", ""}, status: 429, error: "limit-concurrency/ConcurrencyLimitExceeded"},
		{name: "circuit-open", what: "the circuit of a single backend is open", inbound: `<set-backend-service backend-id="single" />`, requests: []string{"", ""}, status: 503},
		{name: "pool-open", what: "the circuits of all backends of a pool are open", inbound: `<set-backend-service backend-id="pool" />`, requests: []string{"", "", ""}, status: 503},
		{name: "expression", what: "an expression throws", inbound: `<set-header id="mine" name="X-A"><value>@(((string)context.Variables["none"]).Trim())</value></set-header>`, requests: []string{""}, status: 500, error: "set-header/ExpressionValueEvaluationFailure"},
		{name: "timeout", what: "forward-request: no answer in time", backend: `<forward-request timeout="1" />`, requests: []string{""}, status: 500, error: "forward-request/Timeout"},
		{name: "connection-refused", what: "forward-request: nobody listens", inbound: `<set-backend-service backend-id="down" />`, requests: []string{""}, status: 500, error: "forward-request/BackendConnectionFailure"},
		{name: "connection-reset", what: "forward-request: the connection breaks", requests: []string{chat("connection-reset", "hi", "")}, status: 500, error: "forward-request/BackendConnectionFailure"},
		{name: "jsonp", what: "jsonp: the callback is no name", outbound: `<jsonp callback-parameter-name="cb" />`, requests: []string{"GET /rows/jsonp/jsonp?cb=1(2)\nOcp-Apim-Subscription-Key: " + teamKey}, status: 400, error: "jsonp/CallbackParameterInvalid"},
	}...)
}

const checkTenant = `<check-header name="X-Tenant" failed-check-httpcode="402" failed-check-error-message="Not your tenant" ignore-case="false"><value>a</value></check-header>`

// rowsErrors says on each answer what on-error knows.
const rowsErrors = `<set-header name="X-Last-Error"><value>@(context.LastError.Source + "/" + context.LastError.Reason + " " + context.LastError.Scope + " " + context.LastError.Section + " " + context.LastError.Path + " " + context.LastError.PolicyId + ": " + context.LastError.Message.Split('\n')[0])</value></set-header>`

// rowsModel is the backend of the refusals.
func rowsModel(t *testing.T, held chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch name := filepath.Base(r.URL.Path); {
		case name == "timeout":
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
			}
		case name == "concurrency":
			held <- struct{}{}
			<-held
		case name == "connection-reset":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		case strings.HasSuffix(name, "-open"):
			w.WriteHeader(http.StatusInternalServerError)
		case strings.Contains(string(body), `"stream":true`):
			w.Header().Set("Content-Type", "text/event-stream")
			for _, word := range []string{strings.Repeat("a good word ", 10), "an awf", "ul one"} {
				fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", word)
				w.(http.Flusher).Flush()
			}
			io.WriteString(w, "data: [DONE]\n\n")
		default:
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":11,"total_tokens":20}}`)
		}
	}
}

// TestDocumentedRefusals: each way to be refused that API Management documents: the bytes of
// the answer, and what on-error and the record say. The page
// docs/policies/refusals.md is written from the same answers.
func TestDocumentedRefusals(t *testing.T) {
	// The clock stands: texts that name a time are the same each time.
	now := time.Date(2026, 3, 2, 10, 38, 27, 0, time.UTC)
	held := make(chan struct{})
	safety, safetyPort := server(t, &emulator.ContentSafety{Words: map[string]emulator.Harm{"awful": {Category: "Hate", Severity: 6}}})
	rows := refusals(t, now, safety.URL)
	s := newSite(t, rowsModel(t, held), nil)
	ca := filepath.Join(s.dir, "state", "ca")
	if err := os.RemoveAll(ca); err != nil {
		t.Fatal(err)
	}
	if _, err := issue.InitCA(ca, issue.Options{Name: "test", PermittedDNS: []string{"localhost"}, Now: func() time.Time { return now }}); err != nil {
		t.Fatal(err)
	}
	down := closedPort(t)
	breaker := `,"circuitBreaker":{"rules":[{"name":"r","tripDuration":"PT1M","acceptRetryAfter":true,"failureCondition":{"count":1,"interval":"PT1M","statusCodeRanges":[{"min":500,"max":599}]}}]}`
	files := map[string]string{
		"keys/expired": strings.Repeat("e", 32),
		"keys/gold":    goldKey,
		"apim/products/gold/productInformation.json":   `{"properties":{"displayName":"Gold","subscriptionRequired":true,"state":"published"}}`,
		"apim/products/gold/apis.json":                 `[{"name":"quota"}]`,
		"apim/products/gold/policy.xml":                onlyInbound(`<quota calls="1" renewal-period="1802" />`),
		"apim/backends/single/backendInformation.json": `{"properties":{"url":"` + s.backend.URL + `/openai"` + breaker + `}}`,
		"apim/backends/one/backendInformation.json":    `{"properties":{"url":"` + s.backend.URL + `/openai"` + breaker + `}}`,
		"apim/backends/two/backendInformation.json":    `{"properties":{"url":"` + s.backend.URL + `/openai"` + breaker + `}}`,
		"apim/backends/pool/backendInformation.json":   `{"properties":{"type":"Pool","pool":{"services":[{"id":"/backends/one"},{"id":"/backends/two"}]}}}`,
	}
	for _, r := range rows {
		folder := "apim/apis/" + r.name + "/"
		files[folder+"apiInformation.json"] = api("rows/"+r.name, `,"serviceUrl":"`+s.backend.URL+`/openai","subscriptionRequired":true`)
		files[folder+"specification.yaml"] = "openapi: 3.0.1\ninfo: {title: Rows, version: \"1\"}\npaths:\n  /" + r.name + ":\n    get: {operationId: get, responses: {\"200\": {description: ok}}}\n    post: {operationId: post, responses: {\"200\": {description: ok}}}\n"
		files[folder+"policy.xml"] = fmt.Sprintf("<policies><inbound><base />%s</inbound><backend>%s</backend><outbound><base />%s</outbound><on-error>%s</on-error></policies>",
			r.inbound, cmp.Or(r.backend, "<base />"), r.outbound, rowsErrors)
	}
	config := with(s.config(""),
		[2]string{"subscriptions", "- {name: old, scope: /apis, state: expired, primaryKey: {file: keys/expired}}\n- {name: gold, scope: /products/gold, primaryKey: {file: keys/gold}}"},
		[2]string{"backends", `  down: {url: "https://127.0.0.1:` + down + `", caFile: tls/backend.pem, credential: {none: true}}
  single: {caFile: tls/backend.pem, credential: {none: true}}
  one: {caFile: tls/backend.pem, credential: {none: true}}
  two: {caFile: tls/backend.pem, credential: {none: true}}
  safety: {url: "` + safety.URL + `", caFile: tls/backend.pem, credential: {none: true}}`},
		[2]string{"destinations", "  identity: [{host: 127.0.0.1, port: " + safetyPort + ", caFile: tls/backend.pem}]"})
	files["cloister.yaml"] = strings.Replace(config, "  model: [", "  model: [{host: 127.0.0.1, port: "+down+"}, {host: 127.0.0.1, port: "+safetyPort+"}, ", 1)
	for name, text := range files {
		s.write(t, name, text)
	}
	g := s.startWith(t, func(o *Options) { o.Now = func() time.Time { return now } })

	g.client.Transport.(*http.Transport).TLSClientConfig.Time = func() time.Time { return now }

	sent := 0
	answers := map[string]string{}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var answer string
			for _, request := range r.requests {
				sent++
				switch {
				case request == "hold":
					req, err := http.NewRequestWithContext(t.Context(), "GET", g.url+"/rows/"+r.name+"/"+r.name, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
					go func() {
						if resp, err := g.client.Do(req); err == nil {
							resp.Body.Close()
						}
					}()
					<-held
					defer func() { held <- struct{}{} }()
					continue
				case !strings.HasPrefix(request, "GET ") && !strings.HasPrefix(request, "POST "):
					if !strings.Contains(request, "Ocp-Apim-Subscription-Key") {
						request = strings.TrimSuffix("Ocp-Apim-Subscription-Key: "+teamKey+"\n"+request, "\n")
					}
					request = "GET /rows/" + r.name + "/" + r.name + "\n" + request
				}
				answer = normalised(g.raw(t, request))
			}
			answers[r.name] = answer
			golden(t, filepath.Join("refusals", r.name+".http"), answer)
			if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", r.status)) {
				t.Errorf("%s: want %d", answer, r.status)
			}
			m := lastError.FindStringSubmatch(answer)
			source := ""
			if m != nil {
				source = m[1]
			}
			if r.name != "no-operation" && source != r.error || r.message != "" && (m == nil || m[2] != r.message) {
				t.Errorf("on-error knows %q, want %q %q", m, r.error, r.message)
			}
		})
	}
	t.Run("records", func(t *testing.T) {
		eventually(t, "all records", func() bool { return len(g.accessRecords(t)) == sent-1 }) // what has no route is counted
		for _, r := range rows {
			i := slices.IndexFunc(g.accessRecords(t), func(record map[string]any) bool {
				return strings.HasPrefix(fmt.Sprint(record["path"]), "/rows/"+r.name+"/") && record["error"] != nil
			})
			if r.error == "" || r.name == "no-operation" {
				continue
			}
			if i < 0 {
				t.Errorf("%s: no record of an error", r.name)
			} else if e := g.accessRecords(t)[i]; fmt.Sprint(field(e, "error.source"), "/", field(e, "error.reason")) != r.error {
				t.Errorf("%s: %v", r.name, e["error"])
			}
		}
	})
	t.Run("page", func(t *testing.T) { refusalsPage(t, rows, answers) })
}

var lastError = regexp.MustCompile(`(?m)^X-Last-Error: (\S+) .*?: (.*)$`)

// refusalsPage compares docs/policies/refusals.md with the answers.
func refusalsPage(t *testing.T, rows []refusal, answers map[string]string) {
	var page strings.Builder
	page.WriteString(refusalsHead)
	for _, r := range rows {
		head, body, _ := strings.Cut(answers[r.name], "\n\n")
		var headers []string
		known := ""
		for line := range strings.Lines(head) {
			name, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch {
			case !ok || slices.Contains([]string{"Cloister-Request-Id", "Content-Length", "Content-Type", "Strict-Transport-Security", "Date", "Connection", "Transfer-Encoding", "Cache-Control"}, name):
			case name == "X-Last-Error":
				known, _, _ = strings.Cut(v, " ")
			default:
				headers = append(headers, "`"+name+": "+v+"`")
			}
		}
		if r.status == 200 {
			body = "the stream stops, with an event `content_filter`"
		} else {
			body = "`" + body + "`"
		}
		fmt.Fprintf(&page, "| %s | %d | %s | %s | %s |\n", r.what, r.status, body, strings.Join(headers, "<br>"), strings.ReplaceAll(known, "/", " / "))
	}
	path := filepath.Join("..", "..", "docs", "policies", "refusals.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page.String() {
		t.Errorf("%s is not what the answers are; write it with -update", path)
	}
}

const refusalsHead = `# What callers get when they are refused

Statuses, bodies and headers as API Management has them, where they are known; a space after every brace, colon
and comma. The last column is what ` + "`context.LastError`" + ` says in on-error, and what the access record has as
` + "`error.source` and `error.reason`" + `. Without an on-error section that changes them, callers get exactly these.

An invalid document is refused when it is loaded: ` + "`cloister check`" + ` and the log name file, line, column and mend, and
the site that runs goes on. There is no API that takes documents, and so no 400 with ` + "`ValidationError`" + `.
The caller's address is always known, so that ip-filter has no ` + "`FailedToParseCallerIP`" + `.

<!-- written by: go test ./internal/app -run TestDocumentedRefusals -update -->

| case | status | body | headers | LastError |
|---|---|---|---|---|
`
