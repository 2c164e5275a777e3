package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const forwards = "<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>"

// tested runs a test file beside a document.
func tested(t *testing.T, document, file string, update bool) *Tested {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.xml"), []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := ReadTests(filepath.Join(dir, "f.test.yaml"), []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	f.LenientNames = true
	out, err := f.RunTests(t.Context(), dir, update)
	if err != nil || out.Problems.HasErrors() {
		t.Fatal(err, out.Problems.Err())
	}
	return out
}

// failuresOf are the failures, one a line, behind the name of the test.
func failuresOf(out *Tested) string {
	var b strings.Builder
	for _, r := range out.Results {
		for _, text := range r.Failures {
			if i := strings.Index(text, "f.test.yaml:"); i >= 0 && strings.Contains(text[:i], "/") {
				text = text[:strings.IndexByte(text, '/')] + text[i:]
			}
			b.WriteString(r.Name + ": " + text + "\n")
		}
	}
	return b.String()
}

// TestReadTests: what is wrong with a test file stands at its place.
func TestReadTests(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "f: the file is empty",
		"# nothing\n":                 "f: the file is empty",
		"null":                        "f:1:1: null where an object belongs",
		"tests: [\n":                  "f:1: did not find expected node content",
		"tests: []":                   "f:1:1: there are no tests; mend: cloister policy test --help shows the form",
		"documnt: x":                  `f:1:1: "documnt" is not known here; mend: document`,
		"tests: {}":                   "f:1:8: an object where a list belongs",
		"tests: [{}]\n---\ntests: []": "f:2:1: a second document begins here; a file holds one; mend: put its tests into a file of their own",
		"tests: [{}]\n---\n":          "f:2:1: a second document begins here; a file holds one; mend: put its tests into a file of their own",
		"tests: [{}]\n---\na: [\n":    "f:3: did not find expected node content",
		"tests: [{}, 1]":              `f:1:13: "1" where an object belongs`,
		"tests:\n- {now: yesterday}":  `f:2:9: "yesterday" is no time, such as 2026-01-02T03:04:05Z`,
		"tests: [{after: -5s}]":       `f:1:17: -5s is no duration, such as "1.5s"; mend: a time from 0 on, or none`,
		"tests: [{after: 5}]":         `f:1:17: 5 is no duration, such as "1.5s"; mend: a time from 0 on, or none`,
		"tests: [{repeat: -3}]":       "f:1:18: -3 where a whole number belongs; mend: a number from 1 to 100000",
		"tests: [{repeat: 0}]":        "f:1:18: 0 where a whole number belongs; mend: a number from 1 to 100000",
		"tests: [{repeat: 100001}]":   "f:1:18: 100001 where a whole number belongs; mend: a number from 1 to 100000",
		"tests: [{steps: []}]":        "f:1:17: there are no steps",
		"tests: [{expect: {status: 1}, steps: [{}]}]": "f:1:9: a test that has steps has no expect, after or repeat of its own; mend: put them into its steps",
		"tests: [{after: 1s, steps: [{}]}]":           "f:1:9: a test that has steps has no expect, after or repeat of its own; mend: put them into its steps",
		"tests: [{repeat: 2, steps: [{}]}]":           "f:1:9: a test that has steps has no expect, after or repeat of its own; mend: put them into its steps",
		"tests: [{steps: [{name: x}]}]":               `f:1:19: "name" is not known here; mend: one of after, repeat, context, responses, expect`,
		"namedValues: {a: [1]}\ntests: [{}]":          "f:1:18: a list where a text belongs",
		"lenientNames: 1\ntests: [{}]":                `f:1:15: "1" where true or false belongs`,
		"tests: [{name: a, name: b}]":                 `f:1:19: "name" is given twice; mend: remove one of them`,
		"tests: &a [*a]":                              "f:1:1: there are more than 200000 values in the file, or more than 200 in one another",
		"a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e]": "f:1:1: there are more than 200000 values in the file, or more than 200 in one another",
	} {
		_, err := ReadTests("f", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n%v\nwant\n%s", text, err, want)
		}
	}
}

// TestSteps: steps share what outlives a request, and take what their test says.
func TestSteps(t *testing.T) {
	out := tested(t, inbound(`<rate-limit calls="2" renewal-period="60" /><set-variable name="now" value="@(context.Timestamp.ToString("o"))" />`), `tests:
  - name: limits
    context: &gold {subscription: {id: gold}}
    responses: {backend: {body: [1]}}
    steps:
      - {repeat: 2, expect: {status: 200, body: {json: [1]}}}
      - {after: 59s, expect: {status: 429, headers: {Retry-After: "1"}}}
      - {after: 1s, expect: {status: 200}}
      - {responses: {backend: {statusCode: 404}}, expect: {status: 404}}
      - {context: {subscription: {id: silver}}, expect: {status: 200}}
  - name: a test of its own
    context: *gold
    now: 2026-05-06T07:08:09Z
    expect: {status: 200, variables: {now: {contains: "2026-05-06T07:08:09"}}}
  - name: the context says
    context: {<<: *gold, timestamp: 2027-01-01T00:00:00Z}
    expect: {variables: {now: {contains: "2027-01-01T00:00:00"}}}
  - name: by default
    context: *gold
    repeat: 4
    expect: {status: 200, variables: {now: {contains: "2026-01-02T03:04:05"}}}
  - context: *gold
  - name: empty
    context: *gold
    expect: {}
    steps: null
  - name: in a step
    steps:
      - {context: *gold, expect: {status: 200}}
      - {context: {request: {method: 1}}, expect: {status: 200}}
      - {responses: {a: 1}, expect: {status: 200}}
      - {expect: {a: 1}}
`, false)
	want := `by default: request 3: status: it is 429, want 200
by default: variable now: it is not there
by default: there was an error: rate-limit/RateLimitExceeded at rate-limit[1]: Rate limit is exceeded
test 5: it expects nothing; the answer was 200. Write expect, or let --update do it
empty: it expects nothing; the answer was 200. Write expect, or let --update do it
in a step: step 2: f.test.yaml:30:30: the context: request.method: a number where a string belongs
in a step: step 3: f.test.yaml:31:22: the responses: "a" is not known here; mend: one of backend, calls, tokens, authorizations
in a step: step 4: f.test.yaml:32:19: the expectation: "a" is not known here; mend: one of status, reason, headers, body, variables, forwarded, calls, error
`
	if diff := cmp.Diff(want, failuresOf(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if out.Results[1].Line != 11 || out.Results[4].Line != 22 || out.Results[4].Name != "test 5" {
		t.Errorf("places: %+v", out.Results)
	}
}

// TestUpdate: expectations are written, and no other byte changes; what cannot be
// written is refused.
func TestUpdate(t *testing.T) {
	const e = "\n      status: 200\n      forwarded: 1"
	const flat = "expect: {status: 200, forwarded: 1}"
	for name, tt := range map[string]struct{ in, want, refused string }{
		"at the end":                 {"tests:\n  - name: a\n", "tests:\n  - name: a\n    expect:" + e + "\n", ""},
		"without a line end":         {"tests:\n  - name: a", "tests:\n  - name: a\n    expect:" + e, ""},
		"line ends of Windows":       {"tests:\r\n  - name: a\r\n  - name: b\r\n", strings.ReplaceAll("tests:\n  - name: a\n    expect:"+e+"\n  - name: b\n    expect:"+e+"\n", "\n", "\r\n"), ""},
		"a mark":                     {"\ufefftests:\n  - name: a\n", "\ufefftests:\n  - name: a\n    expect:" + e + "\n", ""},
		"before comments":            {"tests:\n  - name: a\n    # a's\n\n  # b's\n  - name: b\n    expect: {status: 200}\n", "tests:\n  - name: a\n    # a's\n    expect:" + e + "\n\n  # b's\n  - name: b\n    expect: {status: 200}\n", ""},
		"before another member":      {"tests:\n  - name: ä\n\nnamedValues: {a: b}\n", "tests:\n  - name: ä\n    expect:" + e + "\n\nnamedValues: {a: b}\n", ""},
		"before an end":              {"tests:\n- name: a\n...\n", "tests:\n- name: a\n  expect:" + strings.ReplaceAll(e, "\n  ", "\n") + "\n...\n", ""},
		"a dash by itself":           {"tests:\n  -\n    name: a\n  -\n    name: b\n", "tests:\n  -\n    name: a\n    expect:" + e + "\n  -\n    name: b\n    expect:" + e + "\n", ""},
		"behind a long text":         {"tests:\n  - name: a\n    context:\n      request:\n        body: |\n          x\n          # y\n\n  - {name: b, expect: {status: 200}}\n", "tests:\n  - name: a\n    context:\n      request:\n        body: |\n          x\n          # y\n    expect:" + e + "\n\n  - {name: b, expect: {status: 200}}\n", ""},
		"behind a text that keeps":   {"tests:\n  - name: a\n    context:\n      request:\n        body: |+\n          x\n\n  - {name: b, expect: {status: 200}}\n", "tests:\n  - name: a\n    context:\n      request:\n        body: |+\n          x\n\n    expect:" + e + "\n  - {name: b, expect: {status: 200}}\n", ""},
		"an object in several lines": {"tests:\n  - name: a\n    context: {request: {\n  method: GET\n  }}\n", "tests:\n  - name: a\n    context: {request: {\n  method: GET\n  }}\n    expect:" + e + "\n", ""},

		"nothing":           {"tests:\n  - expect:\n    name: a # b\n", "tests:\n  - expect:" + e + "\n    name: a # b\n", ""},
		"null":              {"tests:\n  - expect: null # c\n    name: a\n", "tests:\n  - expect: # c" + e + "\n    name: a\n", ""},
		"a tilde":           {"tests:\n  - 'expect' : ~", "tests:\n  - 'expect' :" + e, ""},
		"an empty object":   {"tests:\n  - expect: { }\n", "tests:\n  - expect:" + e + "\n", ""},
		"in a line":         {"tests: [{name: a}]", "tests: [{name: a, " + flat + "}]", ""},
		"braces":            {"tests: [{name: 'a}', context: {request: {body: \"}\"}} }, {expect: {status: 200}}]", "tests: [{name: 'a}', context: {request: {body: \"}\"}}, " + flat + " }, {expect: {status: 200}}]", ""},
		"an empty test":     {"tests: [{}]", "tests: [{" + flat + "}]", ""},
		"a comma":           {"tests: [{name: a,}]", "tests: [{name: a, " + flat + "}]", ""},
		"a comment":         {"tests: [{name: a # }\n}]", "tests: [{name: a # }\n, " + flat + "}]", ""},
		"nothing in a line": {"tests: [{name: a, expect: }]", "tests: [{name: a, " + flat + " }]", ""},
		"steps":             {"tests:\n  - steps:\n      - {repeat: 2}\n      - after: 1s\n", "tests:\n  - steps:\n      - {repeat: 2, " + flat + "}\n      - after: 1s\n        expect:" + strings.ReplaceAll(e, "\n", "\n    ") + "\n", ""},
		"a merged test":     {"tests:\n  - &b {expect: {status: 200}}\n  - name: a\n    context: {}\n", "tests:\n  - &b {expect: {status: 200}}\n  - name: a\n    context: {}\n    expect:" + e + "\n", ""},

		"an anchor":           {"tests:\n  - expect: &e {}\n", "", "test 1: f.test.yaml:2:13: --update does not change what an anchor or an alias (& or *) shares with other places; mend: write the expectation by hand\n"},
		"an alias":            {"tests:\n  - {name: a, expect: {status: 200, body: &n null}}\n  - expect: *n\n", "", "test 2: f.test.yaml:3:13: --update does not"},
		"a step of an anchor": {"tests:\n  - steps: [&s {after: 1s}]\n", "", "test 1: f.test.yaml:2:13: --update does not"},
		"a step of an alias":  {"tests:\n  - steps: [&s {after: 1s, expect: }, *s]\n", "", "test 1: step 1: f.test.yaml:2:13: --update does not"},
		"a test of an anchor": {"tests: [&s {after: 1s}]\n", "", "test 1: f.test.yaml:1:9: --update does not"},
		"a list of an anchor": {"tests: &t [{after: 1s}]\n", "", "test 1: f.test.yaml:1:1: --update does not"},
		"merged steps":        {"tests:\n  - &t {name: a, steps: [{expect: {status: 200}}]}\n  - {<<: *t, name: b, steps: [{after: 0s}]}\n", "tests:\n  - &t {name: a, steps: [{expect: {status: 200}}]}\n  - {<<: *t, name: b, steps: [{after: 0s, " + flat + "}]}\n", ""},
		"a tagged nothing":    {"tests:\n  - expect: !!null\n", "", "test 1: f.test.yaml:2:5: --update cannot write the expectation without changing something else; mend: write it by hand\n"},
		"in the next line":    {"tests:\n  - expect:\n      {}\n", "", "test 1: f.test.yaml:2:5: --update cannot write the expectation without changing something else; mend: write it by hand\n"},
	} {
		t.Run(name, func(t *testing.T) {
			out := tested(t, forwards, tt.in, true)
			if got := failuresOf(out); tt.refused == "" && got != "" || !strings.HasPrefix(got, tt.refused) {
				t.Errorf("it says %q", got)
			}
			if tt.want == "" {
				if out.Updated != nil {
					t.Errorf("it was written: %s", out.Updated)
				}
				return
			}
			if diff := cmp.Diff(tt.want, string(out.Updated)); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
			again := tested(t, forwards, string(out.Updated), true)
			if got := failuresOf(again); got != "" || again.Updated != nil {
				t.Errorf("again: %s%s", got, again.Updated)
			}
		})
	}
}

// TestUpdateBodies: whatever a body is, its expectation holds the next time.
func TestUpdateBodies(t *testing.T) {
	for _, body := range []string{
		"text", "two\nlines\n", " begins\n  with blanks", "ends with blanks \n \n", "tab\t\r\n", "null", "~", "true", "1.0", "*a", "<<: *x", "{", `{"a": 12345678901234567890, "1": [null, 1.50, "x\ny"], "<<": {}, "": "# no comment", "true": " "}`,
		"[]", `["\u0000"]`, "\x00null", "é😀\u2028x\u0085y", `"quoted"`, "- a: b", "%", "a: b # c", strings.Repeat("long ", 100),
	} {
		for _, form := range []string{"tests:\n  - name: a\n    responses: R\n", "tests: [{responses: R}]"} {
			file := strings.Replace(form, "R", `{backend: {body: `+string(jsonText(body))+`}}`, 1)
			out := tested(t, forwards, file, true)
			if got := failuresOf(out); got != "" || out.Updated == nil {
				t.Errorf("%q: %s", body, got)
				continue
			}
			again := tested(t, forwards, string(out.Updated), false)
			if got := failuresOf(again); got != "" {
				t.Errorf("%q: %s\n%s", body, out.Updated, got)
			}
		}
	}
}

// TestUpdateRepeats: requests of one step that come to several things have no one
// expectation.
func TestUpdateRepeats(t *testing.T) {
	out := tested(t, inbound(`<rate-limit calls="2" renewal-period="60" />`), "tests: [{context: {subscription: {id: a}}, repeat: 3}, {context: {subscription: {id: a}}, repeat: 2}]", true)
	if got, want := failuresOf(out), "test 1: it expects nothing, and request 3 comes to something else than the first: write steps of their own\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !bytes.Contains(out.Updated, []byte("repeat: 2, expect: {status: 200, forwarded: 1}}]")) {
		t.Errorf("%s", out.Updated)
	}
}
