package simulate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// madeText are the calls of a run, one a line.
func madeText(r *Result) string {
	var b strings.Builder
	for _, m := range r.Calls {
		line := strings.Join(strings.Fields(fmt.Sprint(m.Kind, " ", m.Backend, " ", m.Method, " ", m.URL, " ", m.Body)), " ")
		switch {
		case m.Error != "":
			line += " -> " + m.Error
		case m.StatusCode != 0:
			line += fmt.Sprintf(" -> %d", m.StatusCode)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// TestOutside: what policies ask of the world outside, what it answers, and how
// long that takes.
func TestOutside(t *testing.T) {
	strictSend := strings.Replace(send("a", `timeout="2"`), `ignore-error="true"`, "", 1)
	forward := `<policies><inbound /><backend><forward-request timeout="3" /></backend><outbound /><on-error /></policies>`
	for name, tt := range map[string]struct {
		document, responses string
		made                string
		// failed is SOURCE/REASON: MESSAGE of the error; elapsed is how long policy took.
		failed, policy, elapsed string
		status                  int
	}{
		"a call that nothing answers": {
			inbound(strictSend), `{}`, "call GET https://a.example/x -> the responses say nothing about this call, so that it is refused\n",
			"send-request/BackendConnectionFailure: The connection failed.", "send-request", "", 500,
		},
		"a call of another method": {
			inbound(strictSend), `{"calls": [{"url": "https://a.example/x", "method": "POST", "response": {}}]}`,
			"call GET https://a.example/x -> the responses say nothing about this call, so that it is refused\n",
			"send-request/BackendConnectionFailure: The connection failed.", "send-request", "", 500,
		},
		"a call that is refused after a while": {
			inbound(strictSend), `{"calls": [{"response": {"error": "connection", "delay": "1s"}}]}`, "call GET https://a.example/x -> the connection is refused\n",
			"send-request/BackendConnectionFailure: The connection failed.", "send-request", "1s", 500,
		},
		"a call that never is answered": {
			inbound(strictSend), `{"calls": [{"response": {"error": "timeout"}}]}`, "call GET https://a.example/x -> no answer in time\n",
			"send-request/Timeout: The service did not answer in time.", "send-request", "2s", 500,
		},
		"a call that is answered too late": {
			inbound(strictSend), `{"calls": [{"response": {"delay": "2.001s"}}]}`, "call GET https://a.example/x -> no answer in time\n",
			"send-request/Timeout: The service did not answer in time.", "send-request", "2s", 500,
		},
		"a call that is answered in time": {
			inbound(strictSend), `{"calls": [{"url": "https://a.example/*", "method": "get", "response": [{"delay": "2s", "statusCode": 204}]}]}`,
			"call GET https://a.example/x -> 204\nforward GET https://localhost/ -> 200\n", "", "send-request", "2s", 200,
		},
		"a backend that never answers": {
			forward, `{"backend": {"error": "timeout"}}`, "forward GET https://localhost/ -> no answer in time\n",
			"forward-request/Timeout: The backend did not answer in time.", "forward-request", "3s", 500,
		},
		"a backend that answers too late": {
			forward, `{"backend": {"delay": "3.5s"}}`, "forward GET https://localhost/ -> no answer in time\n",
			"forward-request/Timeout: The backend did not answer in time.", "forward-request", "3s", 500,
		},
		"a backend that answers in time": {
			forward, `{"backend": {"delay": "3s", "status": 201}}`, "forward GET https://localhost/ -> 201\n", "", "forward-request", "3s", 201,
		},
		"a backend that is away": {
			forward, `{"backend": [{"error": "connection"}]}`, "forward GET https://localhost/ -> the connection is refused\n",
			"forward-request/BackendConnectionFailure: The connection to the backend failed.", "forward-request", "", 500,
		},
		"answers of another backend": {
			forward, `{"backend": {"backend": "other"}}`, "forward GET https://localhost/ -> the responses say nothing about this call, so that it is refused\n",
			"forward-request/BackendConnectionFailure: The responses hold none of this backend.", "forward-request", "", 500,
		},
		"answers in their order": {
			inbound(send("a", "") + send("a", "") + send("a", "")), `{"calls": [{"url": "https://b**", "response": {}}, {"url": "https://a**", "response": [{"statusCode": 201}, {"statusCode": 202}]}]}`,
			"call GET https://a.example/x -> 201\ncall GET https://a.example/x -> 202\ncall GET https://a.example/x -> 202\nforward GET https://localhost/ -> 200\n", "", "send-request", "", 200,
		},
		"a star is no slash": {
			inbound(send("a", "")), `{"calls": [{"url": "https:*", "response": {"statusCode": 201}}, {"response": {"statusCode": 202}}]}`,
			"call GET https://a.example/x -> 202\nforward GET https://localhost/ -> 200\n", "", "send-request", "", 200,
		},
		"a call whose answer nobody reads": {
			inbound(`<send-one-way-request mode="new"><set-url>https://log.example/x</set-url><set-method>POST</set-method><set-body>text</set-body></send-one-way-request>`), `{}`,
			"one-way POST https://log.example/x text\nforward GET https://localhost/ -> 200\n", "", "send-one-way-request", "", 200,
		},
		"a message": {
			inbound(`<log-to-eventhub logger-id="hub">a message</log-to-eventhub>`), `{}`,
			"event hub a message\nforward GET https://localhost/ -> 200\n", "", "log-to-eventhub", "", 200,
		},
		"a metric": {
			inbound(`<emit-metric name="requests" value="2" namespace="models"><dimension name="Team" value="a" /></emit-metric>`), `{}`,
			"metric models/requests 2 Team=a\nforward GET https://localhost/ -> 200\n", "", "emit-metric", "", 200,
		},
		"a token": {
			inbound(`<authentication-managed-identity resource="https://one.example" client-id="11111111-1111-1111-1111-111111111111" />`), `{"tokens": {"https://one.example": "t1", "https://two.example": "t2"}}`,
			"token https://one.example 11111111-1111-1111-1111-111111111111\nforward GET https://localhost/ -> 200\n", "", "authentication-managed-identity", "", 200,
		},
		"a token of another resource": {
			inbound(`<authentication-managed-identity resource="https://one.example" />`), `{"tokens": {"https://two.example": "t2"}}`,
			"token https://one.example -> the responses hold no token for this resource\n",
			"authentication-managed-identity/", "authentication-managed-identity", "", 500,
		},
		"an authorization": {
			inbound(`<get-authorization-context provider-id="p" authorization-id="a" context-variable-name="auth" />`), `{"authorizations": {"p/a": "t"}}`,
			"authorization p/a\nforward GET https://localhost/ -> 200\n", "", "get-authorization-context", "", 200,
		},
		"no authorization": {
			inbound(`<get-authorization-context provider-id="p" authorization-id="b" context-variable-name="auth" />`), `{"authorizations": {"p/a": "t"}}`,
			"authorization p/b -> the responses hold no such authorization\n", "get-authorization-context/", "get-authorization-context", "", 500,
		},
		"keys": {
			inbound(`<validate-jwt header-name="Authorization"><openid-config url="https://login.example/c" /><audiences><audience>a</audience></audiences></validate-jwt>`),
			`{"calls": [{"url": "https://login.example/c", "response": {"body": {"issuer": "https://login.example", "jwks_uri": "https://login.example/k"}, "delay": "1s"}}, {"url": "https://login.example/k", "method": "GET", "response": {"body": {"keys": []}}}]}`,
			"keys GET https://login.example/c -> 200\nkeys GET https://login.example/k -> 200\n", "validate-jwt/", "validate-jwt", "1s", 401,
		},
		"keys that nobody has": {
			inbound(`<validate-jwt header-name="Authorization"><openid-config url="https://login.example/c" /><audiences><audience>a</audience></audiences></validate-jwt>`), `{}`,
			"keys GET https://login.example/c -> the responses say nothing about this call, so that it is refused\n", "validate-jwt/", "validate-jwt", "", 401,
		},
		"a question to a backend": {
			inbound(`<llm-content-safety backend-id="safe"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>`),
			`{"calls": [{"url": "backend:safe/**", "response": {"body": {"categoriesAnalysis": [{"category": "Hate", "severity": 6}]}, "delay": "40ms"}}]}`,
			`backend safe POST backend:safe/contentsafety/text:analyze?api-version=2024-09-01 {"categories":["Hate"],"haltOnBlocklistHit":false,"outputType":"FourSeverityLevels","text":"Hello\n"} -> 200` + "\n",
			"llm-content-safety/", "llm-content-safety", "40ms", 403,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := runText(t, tt.document, `{"request": {"headers": {"Authorization": ["Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJhdWQiOiJhIn0.AAAA"]}, "body": "Hello"}, "subscription": {"id": "s"}}`, tt.responses)
			made := strings.ReplaceAll(madeText(r), "forward GET https://localhost/ Hello", "forward GET https://localhost/")
			if diff := cmp.Diff(tt.made, made); diff != "" {
				t.Errorf("calls (-want +got)\n%s", diff)
			}
			failed := ""
			if r.Error != nil {
				failed = r.Error.Source + "/" + r.Error.Reason + ": " + r.Error.Message
			}
			if whole := !strings.HasSuffix(tt.failed, "/"); whole && failed != tt.failed || !whole && !strings.HasPrefix(failed, tt.failed) {
				t.Errorf("the error is %q, want %q", failed, tt.failed)
			}
			if tt.failed == "" && len(r.Notes) > 0 {
				t.Errorf("notes: %q", r.Notes)
			}
			if got := elapsed(r, tt.policy, 0); got != tt.elapsed {
				t.Errorf("%s took %q, want %q", tt.policy, got, tt.elapsed)
			}
			if r.Response.StatusCode != tt.status {
				t.Errorf("status %d, want %d", r.Response.StatusCode, tt.status)
			}
		})
	}
}

// TestTokensArrive: the token of the script is the one that leaves.
func TestTokensArrive(t *testing.T) {
	r := runText(t, inbound(`<authentication-managed-identity resource="https://one.example" />`), "", `{"tokens": {"https://one.example": "t1", "https://two.example": "t2"}}`)
	if got := r.Request.Headers["Authorization"]; len(got) != 1 || got[0] != "Bearer t1" {
		t.Errorf("Authorization: %q", got)
	}
}

// TestAnswers: an answer is as its description says.
func TestAnswers(t *testing.T) {
	for responses, want := range map[string]string{
		``:                              "200 OK ",
		`{}`:                            "200 OK ",
		`{"backend": {"body": "text"}}`: "200 OK text",
		`{"backend": {"body": {"b":1.50,"a":2}}}`: `200 OK Content-Type=application/json {"b":1.50,"a":2}`,
		`{"backend": {"body": [true, null]}}`:     `200 OK Content-Type=application/json [true,null]`,
		`{"backend": {"body": null}}`:             "200 OK ",
		`{"backend": {"statusCode": 599, "statusReason": "Tired", "headers": {"x-a": ["1", "2"], "content-type": "a/b"}, "body": {}}}`: "599 Tired Content-Type=a/b X-A=1,2 {}",
		"\ufeff{\"backend\": {\"body\": \"<&>\\ud83d\\ude00\"}}":                                                                       "200 OK <&>😀",
	} {
		r := runText(t, inbound(""), "", responses)
		got := fmt.Sprintf("%d %s ", r.Response.StatusCode, r.Response.StatusReason)
		for _, name := range []string{"Content-Type", "X-A"} {
			if v := r.Response.Headers[name]; v != nil {
				got += name + "=" + strings.Join(v, ",") + " "
			}
		}
		if got += r.Response.Body; got != want {
			t.Errorf("%s: %q, want %q", responses, got, want)
		}
	}
}

// TestReadScript: what is wrong with responses stands at its place.
func TestReadScript(t *testing.T) {
	for text, want := range map[string]string{
		"{\n \"backnd\": {}}":              `r.json:2:2: the responses: "backnd" is not known here; mend: backend`,
		"[]":                               `r.json:1:1: the responses: a list where an object belongs`,
		"{\"a\"\n:":                        `r.json:2:1: the responses: this is not JSON: unexpected end of JSON input`,
		"{} {}":                            `r.json:1:4: the responses: this is not JSON: invalid character '{' after top-level value`,
		`{"backend": {"statusCode": 199}}`: `r.json:1:28: the responses: 199 where a whole number belongs; mend: a number from 200 to 599`,
		`{"backend": [{}, {"statusCode": "200"}]}`:  `r.json:1:33: the responses: 200 where a whole number belongs; mend: a number from 200 to 599`,
		`{"backend": {"delay": "-1s"}}`:             `r.json:1:23: the responses: -1s is no duration, such as "1.5s"; mend: a time from 0 on, or none`,
		`{"backend": {"delay": 1}}`:                 `r.json:1:23: the responses: 1 is no duration, such as "1.5s"; mend: a time from 0 on, or none`,
		`{"backend": {"error": "conection"}}`:       `r.json:1:23: the responses: "conection" is no failure; mend: connection or timeout`,
		`{"backend": {"headers": {"a": {}}}}`:       `r.json:1:31: the responses: an object where a text belongs`,
		`{"backend": 1}`:                            `r.json:1:13: the responses: "1" where an object belongs`,
		`{"calls": {}}`:                             `r.json:1:11: the responses: an object where a list belongs`,
		`{"calls": [{"url": "x"}]}`:                 `r.json:1:12: the responses: the call has no response; mend: response: {…}`,
		`{"calls": [{"url": "[", "response": {}}]}`: `r.json:1:12: the responses: "[" is no pattern of a URL; mend: write * for what may be any text`,
		`{"tokens": {"a": null}}`:                   `r.json:1:18: the responses: null where a text belongs`,
		`{"tokens": {}, "tokens": {}}`:              `r.json:1:16: the responses: "tokens" is given twice; mend: remove one of them`,
	} {
		_, err := ReadScript("r.json", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant\n%s", text, err, want)
		}
	}
}

// TestDescribe: what is wrong with a context stands at its place.
func TestDescribe(t *testing.T) {
	for text, want := range map[string]string{
		"{\"request\":\n{\"methd\": 1}}":       "c.json:2:2: the context: request.methd: this member is not known; known are method, url, originalUrl, headers, ipAddress, body, matchedParameters",
		`{"request": {"headers": {"A": [1]}}}`: "c.json:1:32: the context: request.headers.A[0]: a number where a string belongs",
		`{"request": {"url": "/x"}}`:           `c.json:1:14: the context: request.url: "/x" is no absolute URL, such as https://host/path?query`,
		"[":                                    "c.json: the context: this is not JSON: ",
	} {
		_, err := Describe("c.json", text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant\n%s", text, err, want)
		}
	}
}
