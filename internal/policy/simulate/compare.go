package simulate

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// differences are what is not as expected, one line each.
func (e *expectation) differences(r *Result) []string {
	var out lines
	if e.status != nil && *e.status != r.Response.StatusCode {
		out.say("status", fmt.Sprintf("it is %d, want %d", r.Response.StatusCode, *e.status))
	}
	if e.reason != nil {
		out.say("reason", e.reason.differs(r.Response.StatusReason, true)...)
	}
	out.headers("header ", e.headers, r.Response.Headers)
	if e.body != nil {
		out.say("body", e.body.differs(r.Response.Body, r.Response.Body != "")...)
	}
	for _, name := range slices.Sorted(maps.Keys(e.variables)) {
		got, there := variableText(r.Variables, name)
		out.say("variable "+name, e.variables[name].differs(got, there)...)
	}
	if e.forwarded != nil {
		out.forwarded(e.forwarded, r)
	}
	if e.calls != nil {
		out.calls(*e.calls, r)
	}
	if e.err != nil {
		out.failure(e.err, r.Error)
	} else if r.Error != nil && len(out) > 0 {
		out.say("there was an error", r.Error.String())
	}
	return out
}

// lines are what is not as expected.
type lines []string

func (l *lines) say(what string, how ...string) {
	for _, text := range how {
		*l = append(*l, what+": "+text)
	}
}

// word compares one word of something; an empty one may be any.
func (l *lines) word(what, name, want, got string) {
	if want != "" && want != got {
		l.say(what, fmt.Sprintf("the %s is %q, want %q", name, got, want))
	}
}

func (l *lines) headers(what string, want map[string]*matcher, got map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v, there := got[http.CanonicalHeaderKey(name)]
		l.say(what+name, want[name].differs(strings.Join(v, ", "), there)...)
	}
}

// variableText is a variable as texts are compared: strings as they are, what else
// there is as JSON.
func variableText(all Variables, name string) (string, bool) {
	for _, v := range all {
		if v.Name != name {
			continue
		}
		var s string
		if json.Unmarshal(v.Value, &s) == nil {
			return s, true
		}
		return string(v.Value), true
	}
	return "", false
}

func (l *lines) forwarded(want *forwarded, r *Result) {
	switch {
	case want.times != nil && *want.times != r.Forwarded:
		l.say("forwarded", fmt.Sprintf("%d times, want %d", r.Forwarded, *want.times))
	case want.times == nil && r.Forwarded == 0:
		l.say("forwarded", "the request did not leave")
	}
	if want.last == nil || r.Forwarded == 0 {
		return
	}
	for _, m := range slices.Backward(r.Calls) {
		if m.Kind == kindForward {
			l.message("forwarded", *want.last, m)
			return
		}
	}
}

func (l *lines) calls(want []message, r *Result) {
	var got []Made
	for _, m := range r.Calls {
		if m.Kind != kindForward {
			got = append(got, m)
		}
	}
	if len(got) != len(want) {
		made := []string{"none"}
		for i, m := range got {
			made = append(made[:i], strings.TrimSpace(m.Kind+" "+m.Method+" "+m.URL))
		}
		l.say("calls", fmt.Sprintf("%d, want %d; made were: %s", len(got), len(want), strings.Join(made, "; ")))
		return
	}
	for i := range want {
		l.message(fmt.Sprintf("call %d", i+1), want[i], got[i])
	}
}

func (l *lines) message(what string, want message, got Made) {
	l.word(what, "kind", want.kind, got.Kind)
	l.word(what, "backend", want.backend, got.Backend)
	l.word(what, "method", want.method, got.Method)
	if want.url != nil {
		l.say(what+": the url", want.url.differs(got.URL, got.URL != "")...)
	}
	l.headers(what+": the header ", want.headers, got.Headers)
	if want.body != nil {
		l.say(what+": the body", want.body.differs(got.Body, got.Body != "")...)
	}
}

func (l *lines) failure(want *expectedError, got *LastError) {
	switch {
	case want.none && got != nil:
		l.say("error", "there was one: "+got.String())
		return
	case want.none:
		return
	case got == nil:
		l.say("error", "there was none")
		return
	}
	l.word("error", "source", want.source, got.Source)
	l.word("error", "reason", want.reason, got.Reason)
	l.word("error", "section", want.section, got.Section)
	l.word("error", "path", want.path, got.Path)
	l.word("error", "policyId", want.id, got.PolicyID)
	if want.message != nil {
		l.say("error: the message", want.message.differs(got.Message, true)...)
	}
}

// mostDifferences is how many differences of one JSON text are told.
const mostDifferences = 10

// jsonDifferences are the places at which JSON is another one.
func jsonDifferences(got, want any) []string {
	d := &jsonDiff{}
	d.compare("", got, want)
	if more := d.found - len(d.out); more > 0 {
		d.out = append(d.out, fmt.Sprintf("and %d more", more))
	}
	return d.out
}

type jsonDiff struct {
	out   []string
	found int
}

func (d *jsonDiff) say(at, format string, args ...any) {
	if d.found++; len(d.out) < mostDifferences {
		if at != "" {
			at += ": "
		}
		d.out = append(d.out, at+fmt.Sprintf(format, args...))
	}
}

func (d *jsonDiff) compare(at string, got, want any) {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			d.objects(at, got, want)
			return
		}
	case []any:
		if got, ok := got.([]any); ok {
			d.lists(at, got, want)
			return
		}
	case json.Number:
		if got, ok := got.(json.Number); ok && sameNumber(got, want) {
			return
		}
	default: // a text, a boolean, null
		if got == want {
			return
		}
	}
	d.say(at, "it is %s, want %s", shortJSON(got), shortJSON(want))
}

func (d *jsonDiff) objects(at string, got, want map[string]any) {
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		path := name
		if strings.ContainsAny(name, ".[] :") || name == "" {
			path = "[" + strconv.Quote(name) + "]"
		} else if at != "" {
			path = "." + name
		}
		g, there := got[name]
		w, wanted := want[name]
		switch {
		case !there:
			d.say(at+path, "it is not there, want %s", shortJSON(w))
		case !wanted:
			d.say(at+path, "it is %s, and should not be there", shortJSON(g))
		default:
			d.compare(at+path, g, w)
		}
	}
}

func (d *jsonDiff) lists(at string, got, want []any) {
	for i := range max(len(got), len(want)) {
		path := fmt.Sprintf("%s[%d]", at, i)
		switch {
		case i >= len(got):
			d.say(path, "it is not there, want %s", shortJSON(want[i]))
		case i >= len(want):
			d.say(path, "it is %s, and should not be there", shortJSON(got[i]))
		default:
			d.compare(path, got[i], want[i])
		}
	}
}

// sameNumber compares numbers, not how they are written; whole ones by all their
// digits.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(string(a+b), ".eE") {
		return false
	}
	x, errX := a.Float64()
	y, errY := b.Float64()
	return errX == nil && errY == nil && x == y
}

// shortJSON is a value, shortened.
func shortJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(text) > 200 {
		return strings.ToValidUTF8(string(text[:200]), "") + "…"
	}
	return string(text)
}
