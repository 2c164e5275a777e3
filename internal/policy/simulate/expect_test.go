package simulate

import (
	"strings"
	"testing"
)

// came is a result that expectations are compared with.
func came(t *testing.T) *Result {
	t.Helper()
	return runText(t, `<policies><inbound>
		<set-variable name="tier" value="gold" /><set-variable name="n" value="@(3)" />`+send("a", "")+`
		<send-one-way-request mode="new"><set-url>https://log.example/x</set-url><set-method>POST</set-method><set-header name="X-Kind"><value>note</value></set-header><set-body>text</set-body></send-one-way-request>
		<set-backend-service backend-id="premium" /><set-header name="X-Plan"><value>gold</value></set-header>
		</inbound><backend><retry condition="@(context.Response.StatusCode == 503)" count="1" interval="1" first-fast-retry="true"><forward-request buffer-request-body="true" /></retry></backend>
		<outbound><set-variable name="x" value="@(((string)null).Length)" /></outbound>
		<on-error><set-status code="418" reason="Teapot" /><set-header name="X-A"><value>1</value><value>2</value></set-header><set-body>{"a": [1.0, {"b": "c"}], "d": null}</set-body></on-error></policies>`,
		`{"request": {"method": "POST", "url": "https://host/p?q=1", "headers": {"X-M": ["1", "2"]}, "body": "hello"}}`,
		`{"backend": [{"statusCode": 503}, {}], "calls": [{"response": {"statusCode": 204}}]}`)
}

// TestExpectations: what holds is silent, and what does not is told.
func TestExpectations(t *testing.T) {
	r := came(t)
	const failure = `set-variable/ExpressionValueEvaluationFailure at set-variable[1]: Expression evaluation failed. Object reference not set to an instance of an object.`
	for yaml, want := range map[string]string{
		`{status: 418, reason: Teapot, headers: {x-a: "1,2", X-B: null}, body: {json: {d: null, a: [1, {b: c}]}}}`: "",
		`{variables: {tier: gold, n: 3, none: null}, forwarded: 2, error: {source: set-variable}}`:                 "",
		`{forwarded: true}`: "",
		`{forwarded: {backend: premium, method: POST, url: {contains: "premium/p?q=1"}, headers: {X-Plan: gold, X-M: "1, 2", X-None: null}, body: hello, times: 2}}`:           "",
		`{calls: [{kind: call, method: GET, url: "https://a.example/x"}, {kind: one-way, method: POST, url: {matches: "^https://log"}, headers: {x-kind: note}, body: text}]}`: "",
		`{error: {source: set-variable, reason: ExpressionValueEvaluationFailure, message: {contains: evaluation}, section: outbound, path: "set-variable[1]", policyId: ""}}`: "",
		`{body: {matches: "^[{]", contains: '"b"', json: {"a": [1.0, {"b": "c"}], "d": null}}}`:                                                                                "",

		`{status: 200}`:                                      "status: it is 418, want 200\nthere was an error: " + failure,
		`{status: 200, error: {}}`:                           "status: it is 418, want 200",
		`{reason: OK, error: {}}`:                            `reason: it is "Teapot", want "OK"`,
		`{headers: {x-a: "1"}, error: {}}`:                   `header x-a: it is "1,2", want "1"`,
		`{headers: {X-A: null}, error: {}}`:                  `header X-A: it is "1,2", and should not be there`,
		`{headers: {X-B: b, X-C: {contains: c}}, error: {}}`: "header X-B: it is not there\nheader X-C: it is not there",
		`{body: null, error: {}}`:                            `body: it is "{\"a\": [1.0, {\"b\": \"c\"}], \"d\": null}", and should not be there`,
		`{body: {contains: xyz}, error: {}}`:                 `body: "{\"a\": [1.0, {\"b\": \"c\"}], \"d\": null}" does not contain "xyz"`,
		`{body: {matches: "^a"}, error: {}}`:                 `body: "{\"a\": [1.0, {\"b\": \"c\"}], \"d\": null}" does not match ^a`,
		`{reason: {json: 1}, error: {}}`:                     `reason: "Teapot" is not JSON`,
		`{body: {json: {a: [2, {b: d}, 1], e: "1"}}, error: {}}`: "body: a[0]: it is 1.0, want 2\nbody: a[1].b: it is \"c\", want \"d\"\nbody: a[2]: it is not there, want 1\n" +
			"body: d: it is null, and should not be there\nbody: e: it is not there, want \"1\"",
		`{body: {json: []}, error: {}}`:                                   `body: it is {"a":[1.0,{"b":"c"}],"d":null}, want []`,
		`{variables: {tier: silver, n: "4", x: 1}, error: {}}`:            "variable n: it is \"3\", want \"4\"\nvariable tier: it is \"gold\", want \"silver\"\nvariable x: it is not there",
		`{forwarded: false, error: {}}`:                                   "forwarded: 2 times, want 0",
		`{forwarded: 1, error: {}}`:                                       "forwarded: 2 times, want 1",
		`{forwarded: {times: 3, backend: other, method: GET}, error: {}}`: "forwarded: 2 times, want 3\nforwarded: the backend is \"premium\", want \"other\"\nforwarded: the method is \"POST\", want \"GET\"",
		`{forwarded: {url: x, headers: {X-Plan: silver}, body: y}, error: {}}`: "forwarded: the url: it is \"https://premium/p?q=1\", want \"x\"\n" +
			"forwarded: the header X-Plan: it is \"gold\", want \"silver\"\nforwarded: the body: it is \"hello\", want \"y\"",
		`{calls: [], error: {}}`: "calls: 2, want 0; made were: call GET https://a.example/x; one-way POST https://log.example/x",
		`{calls: [{kind: one-way}, {method: GET, body: null, headers: {X-Kind: null}}], error: {}}`: "call 1: the kind is \"call\", want \"one-way\"\n" +
			"call 2: the method is \"POST\", want \"GET\"\ncall 2: the header X-Kind: it is \"note\", and should not be there\ncall 2: the body: it is \"text\", and should not be there",
		`{error: none}`: "error: there was one: " + failure,
		`{error: null}`: "error: there was one: " + failure,
		`{error: {source: a, reason: b, section: inbound, path: c, policyId: d, message: e}}`: "error: the source is \"set-variable\", want \"a\"\n" +
			"error: the reason is \"ExpressionValueEvaluationFailure\", want \"b\"\nerror: the section is \"outbound\", want \"inbound\"\n" +
			"error: the path is \"set-variable[1]\", want \"c\"\nerror: the policyId is \"\", want \"d\"\n" +
			"error: the message: it is \"Expression evaluation failed. Object reference not set to an instance of an object.\", want \"e\"",
	} {
		e := expectationOf(t, yaml)
		if got := strings.Join(e.differences(r), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", yaml, got, want)
		}
	}
}

// TestExpectNothingHappened: the other side of some expectations.
func TestExpectNothingHappened(t *testing.T) {
	r := runText(t, inbound(`<return-response><set-status code="204" /></return-response>`), "", "")
	for yaml, want := range map[string]string{
		`{status: 204, body: null, forwarded: false, calls: [], error: none}`: "",
		`{forwarded: 0}`:             "",
		`{forwarded: true}`:          "forwarded: the request did not leave",
		`{forwarded: {method: GET}}`: "forwarded: the request did not leave",
		`{forwarded: {times: 0}}`:    "",
		`{forwarded: {times: 1}}`:    "forwarded: 0 times, want 1",
		`{calls: [{kind: call}]}`:    "calls: 0, want 1; made were: none",
		`{error: {source: x}}`:       "error: there was none",
		`{body: {json: null}}`:       "body: it is not there",
	} {
		if got := strings.Join(expectationOf(t, yaml).differences(r), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", yaml, got, want)
		}
	}
}

func expectationOf(t *testing.T, text string) *expectation {
	t.Helper()
	n, err := readYAML([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := readExpectation(n)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

// TestJSONDifferences: numbers are compared by what they are, and not everything is
// told.
func TestJSONDifferences(t *testing.T) {
	for _, tt := range []struct{ got, want, says string }{
		{`1.0`, `1`, ""},
		{`1e2`, `100`, ""},
		{`12345678901234567890`, `12345678901234567891`, "it is 12345678901234567890, want 12345678901234567891"},
		{`1e999`, `2e999`, "it is 1e999, want 2e999"},
		{`"1"`, `1`, `it is "1", want 1`},
		{`true`, `true`, ""},
		{`false`, `null`, "it is false, want null"},
		{`{"a.b": {"": 1}}`, `{"a.b": {"": 2}}`, `["a.b"][""]: it is 1, want 2`},
		{`{"a": {"b": [[1]]}}`, `{"a": {"b": [[2]]}}`, "a.b[0][0]: it is 1, want 2"},
		{`[1,1,1,1,1,1,1,1,1,1,1,1]`, `[]`, "and 2 more"},
		{`"` + strings.Repeat("x", 300) + `"`, `1`, "…, want 1"},
	} {
		got, err := decodeJSON([]byte(tt.got))
		if err != nil {
			t.Fatal(err)
		}
		want, err := decodeJSON([]byte(tt.want))
		if err != nil {
			t.Fatal(err)
		}
		says := jsonDifferences(got, want)
		if tt.says == "" && len(says) > 0 || tt.says != "" && (len(says) == 0 || !strings.HasSuffix(says[len(says)-1], tt.says)) {
			t.Errorf("%s, want %s: %q", tt.got, tt.want, says)
		}
		if len(says) > mostDifferences+1 {
			t.Errorf("%d lines", len(says))
		}
	}
}

// TestReadExpectation: what is wrong with an expectation stands at its place.
func TestReadExpectation(t *testing.T) {
	for text, want := range map[string]string{
		`{status: ok}`:              `f:1:10: the expectation: ok where a whole number belongs; mend: a number from 100 to 999`,
		`{staus: 200}`:              `f:1:2: the expectation: "staus" is not known here; mend: status`,
		`[1]`:                       `f:1:1: the expectation: a list where an object belongs`,
		`{body: [1]}`:               `f:1:8: the expectation: a list where a text, null, or one of contains, matches and json belongs`,
		`{body: {}}`:                `f:1:8: the expectation: an object where a text, null, or one of contains, matches and json belongs`,
		`{body: {contans: x}}`:      `f:1:9: the expectation: "contans" is not known here; mend: contains`,
		`{body: {contains: ""}}`:    `f:1:19: the expectation: every text contains an empty one`,
		`{body: {matches: "("}}`:    "f:1:18: the expectation: error parsing regexp: missing closing ): `(`",
		`{body: {json: {1: 2}}}`:    `f:1:16: the expectation: the name of a member is a text, not 1; mend: "1"`,
		`{body: {json: .inf}}`:      `f:1:15: the expectation: JSON has no value .inf; mend: quote it, if a text is meant`,
		`{forwarded: often}`:        `f:1:13: the expectation: "often" where true, false, how often, or an object belongs`,
		`{forwarded: {kind: call}}`: `f:1:14: the expectation: "kind" is not known here; mend: one of backend, method, url, headers, body, times`,
		`{calls: {}}`:               `f:1:9: the expectation: an object where a list belongs`,
		`{error: any}`:              `f:1:9: the expectation: "any" where none or an object belongs; mend: error: none`,
		`{error: {name: x}}`:        `f:1:10: the expectation: "name" is not known here; mend: one of source, reason, message, section, path, policyId`,
		`{headers: {A: 1, A: 2}}`:   `f:1:18: the expectation: "A" is given twice; mend: remove one of them`,
		`{headers: {? [a] : 1}}`:    `f:1:14: the expectation: the name of a member is a text, not a list`,
	} {
		n, err := readYAML([]byte(text))
		if err == nil {
			_, err = readExpectation(n)
		}
		if err = in("f", "expectation", err); err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant\n%s", text, err, want)
		}
	}
	for _, text := range []string{"{}", "null", "~"} {
		n, err := readYAML([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := readExpectation(n); e != nil || err != nil {
			t.Errorf("%s: %v, %v", text, e, err)
		}
	}
}
