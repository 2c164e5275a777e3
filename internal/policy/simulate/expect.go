package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expectation is what a step expects. What it leaves out may be anything.
type expectation struct {
	Status    *int               `yaml:"status"`
	Reason    *matcher           `yaml:"reason"`
	Headers   map[string]matcher `yaml:"headers"`
	Body      *matcher           `yaml:"body"`
	Variables map[string]matcher `yaml:"variables"`
	Forwarded *forwarded         `yaml:"forwarded"`
	// Calls are those of policies, forwarded requests not among them: all of them,
	// in order.
	Calls *[]expectedCall `yaml:"calls"`
	Error *expectedError  `yaml:"error"`
}

type expectedCall struct {
	Kind    string             `yaml:"kind"`
	Backend string             `yaml:"backend"`
	Method  string             `yaml:"method"`
	URL     *matcher           `yaml:"url"`
	Headers map[string]matcher `yaml:"headers"`
	Body    *matcher           `yaml:"body"`
}

type expectedError struct {
	Source  string   `yaml:"source"`
	Reason  string   `yaml:"reason"`
	Message *matcher `yaml:"message"`
	Section string   `yaml:"section"`
	Path    string   `yaml:"path"`
	ID      string   `yaml:"policyId"`
}

// forwarded is false, how often, or what was sent last.
type forwarded struct {
	times   *int
	Backend string             `yaml:"backend"`
	Method  string             `yaml:"method"`
	URL     *matcher           `yaml:"url"`
	Headers map[string]matcher `yaml:"headers"`
	Body    *matcher           `yaml:"body"`
	Times   *int               `yaml:"times"`
}

// UnmarshalYAML takes false, true, a number, or an object.
func (f *forwarded) UnmarshalYAML(n *yaml.Node) error {
	var is bool
	var times int
	switch {
	case n.Kind == yaml.ScalarNode && n.Decode(&times) == nil:
		f.times = &times
		return nil
	case n.Kind == yaml.ScalarNode && n.Decode(&is) == nil:
		if times = -1; !is {
			times = 0
		}
		f.times = &times
		return nil
	}
	type plain forwarded
	return decodeKnown(n, (*plain)(f))
}

// matcher compares a text, or what JSON has of it.
type matcher struct {
	absent   bool
	text     *string
	contains string
	matches  *regexp.Regexp
	json     *any
}

// UnmarshalYAML takes a text, null for what must not be there, or one of contains,
// matches (a regular expression of Go) and json.
func (m *matcher) UnmarshalYAML(n *yaml.Node) error {
	switch {
	case n.Tag == "!!null", n.Kind == yaml.ScalarNode && n.Value == nullMark:
		m.absent = true
		return nil
	case n.Kind == yaml.ScalarNode:
		text := n.Value
		m.text = &text
		return nil
	}
	var o struct {
		Contains string    `yaml:"contains"`
		Matches  string    `yaml:"matches"`
		JSON     yaml.Node `yaml:"json"`
	}
	if err := decodeKnown(n, &o); err != nil {
		return err
	}
	m.contains = o.Contains
	if o.Matches != "" {
		re, err := regexp.Compile(o.Matches)
		if err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		m.matches = re
	}
	if !o.JSON.IsZero() {
		text, err := toJSON(&o.JSON)
		if err != nil {
			return err
		}
		v, err := decodeJSON(text)
		if err != nil {
			return err
		}
		m.json = &v
	}
	if m.contains == "" && m.matches == nil && m.json == nil {
		return fmt.Errorf("line %d: a text, or one of contains, matches and json", n.Line)
	}
	return nil
}

// decodeKnown decodes what has no member nobody knows.
func decodeKnown(n *yaml.Node, v any) error {
	text, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("line %d: %s", n.Line, regexp.MustCompile(`line \d+: `).ReplaceAllString(yamlReason(err), ""))
	}
	return nil
}

func decodeJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// differs says how a text is not what is expected; empty: it is. there: it is
// there at all.
func (m *matcher) differs(got string, there bool) string {
	switch {
	case m.absent && there:
		return fmt.Sprintf("it is %s, and should not be there", quoted(got))
	case m.absent:
		return ""
	case !there:
		return "it is not there"
	case m.text != nil && *m.text != got:
		return fmt.Sprintf("it is %s, want %s", quoted(got), quoted(*m.text))
	case m.contains != "" && !strings.Contains(got, m.contains):
		return fmt.Sprintf("%s does not contain %s", quoted(got), quoted(m.contains))
	case m.matches != nil && !m.matches.MatchString(got):
		return fmt.Sprintf("%s does not match %s", quoted(got), m.matches)
	case m.json != nil:
		v, err := decodeJSON([]byte(got))
		if err != nil {
			return fmt.Sprintf("%s is not JSON", quoted(got))
		}
		if !reflect.DeepEqual(v, *m.json) {
			want, err := json.Marshal(*m.json)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprintf("it is %s, want %s", quoted(got), want)
		}
	}
	return ""
}

func quoted(s string) string {
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// readExpectation reads what a step expects; nil: it expects nothing.
func readExpectation(n *yaml.Node) (*expectation, error) {
	if n.IsZero() || n.Tag == "!!null" || n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		return nil, nil
	}
	e := &expectation{}
	// A null in the place of a matcher is one: "it must not be there".
	marked := markNulls(n)
	if err := decodeKnown(marked, e); err != nil {
		return nil, err
	}
	return e, nil
}

// markNulls puts a value that the decoder does not leave out in the place of each
// null.
func markNulls(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for _, k := range n.Content {
		if k.Tag == "!!null" {
			out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: nullMark, Line: k.Line})
			continue
		}
		out.Content = append(out.Content, markNulls(k))
	}
	return &out
}

const nullMark = "\x00null"

// differences are what is not as expected, one line each.
func (e *expectation) differences(r *Result) (out []string) {
	say := func(what, how string) {
		if how != "" {
			out = append(out, what+": "+how)
		}
	}
	if e.Status != nil && *e.Status != r.Response.StatusCode {
		out = append(out, fmt.Sprintf("status: it is %d, want %d", r.Response.StatusCode, *e.Status))
	}
	if e.Reason != nil {
		say("reason", e.Reason.differs(r.Response.StatusReason, true))
	}
	headersDiffer(e.Headers, r.Response.Headers, "header ", &out)
	if e.Body != nil {
		say("body", e.Body.differs(r.Response.Body, r.Response.Body != ""))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Variables)) {
		m := e.Variables[name]
		got, there := variableText(r.Variables, name)
		say("variable "+name, m.differs(got, there))
	}
	if e.Forwarded != nil {
		e.Forwarded.differences(r, &out)
	}
	if e.Calls != nil {
		callsDiffer(*e.Calls, r, &out)
	}
	if e.Error != nil {
		e.Error.differences(r.Error, &out)
	} else if r.Error != nil && len(out) > 0 {
		out = append(out, fmt.Sprintf("there was an error: %s/%s at %s: %s", r.Error.Source, r.Error.Reason, r.Error.Path, r.Error.Message))
	}
	return out
}

func headersDiffer(want map[string]matcher, got map[string][]string, what string, out *[]string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		m := want[name]
		v, there := got[http.CanonicalHeaderKey(name)]
		if how := m.differs(strings.Join(v, ", "), there); how != "" {
			*out = append(*out, what+name+": "+how)
		}
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

func (f *forwarded) differences(r *Result, out *[]string) {
	switch {
	case f.times != nil && *f.times == -1 && r.Forwarded == 0:
		*out = append(*out, "forwarded: the request did not leave")
	case f.times != nil && *f.times >= 0 && *f.times != r.Forwarded:
		*out = append(*out, fmt.Sprintf("forwarded: %d times, want %d", r.Forwarded, *f.times))
	}
	if f.times != nil {
		return
	}
	if r.Forwarded == 0 {
		*out = append(*out, "forwarded: the request did not leave")
		return
	}
	if f.Times != nil && *f.Times != r.Forwarded {
		*out = append(*out, fmt.Sprintf("forwarded: %d times, want %d", r.Forwarded, *f.Times))
	}
	var last Made
	for _, m := range r.Calls {
		if m.Kind == "forward" {
			last = m
		}
	}
	messageDiffers("forwarded", expectedCall{"", f.Backend, f.Method, f.URL, f.Headers, f.Body}, last, out)
}

func callsDiffer(want []expectedCall, r *Result, out *[]string) {
	var got []Made
	for _, m := range r.Calls {
		if m.Kind != "forward" {
			got = append(got, m)
		}
	}
	if len(got) != len(want) {
		var made []string
		for _, m := range got {
			made = append(made, strings.TrimSpace(m.Kind+" "+m.Method+" "+m.URL))
		}
		*out = append(*out, fmt.Sprintf("calls: %d, want %d; made were: %s", len(got), len(want), strings.Join(made, "; ")))
		return
	}
	for i := range want {
		messageDiffers(fmt.Sprintf("call %d", i+1), want[i], got[i], out)
	}
}

func messageDiffers(what string, want expectedCall, got Made, out *[]string) {
	word := func(name, want, got string) {
		if want != "" && want != got {
			*out = append(*out, fmt.Sprintf("%s: the %s is %q, want %q", what, name, got, want))
		}
	}
	word("kind", want.Kind, got.Kind)
	word("backend", want.Backend, got.Backend)
	word("method", want.Method, got.Method)
	if want.URL != nil {
		if how := want.URL.differs(got.URL, got.URL != ""); how != "" {
			*out = append(*out, what+": the url: "+how)
		}
	}
	headersDiffer(want.Headers, got.Headers, what+": the header ", out)
	if want.Body != nil {
		if how := want.Body.differs(got.Body, got.Body != ""); how != "" {
			*out = append(*out, what+": the body: "+how)
		}
	}
}

func (w *expectedError) differences(got *LastError, out *[]string) {
	if got == nil {
		*out = append(*out, "error: there was none")
		return
	}
	word := func(name, want, got string) {
		if want != "" && want != got {
			*out = append(*out, fmt.Sprintf("error: the %s is %q, want %q", name, got, want))
		}
	}
	word("source", w.Source, got.Source)
	word("reason", w.Reason, got.Reason)
	word("section", w.Section, got.Section)
	word("path", w.Path, got.Path)
	word("policyId", w.ID, got.PolicyID)
	if w.Message != nil {
		if how := w.Message.differs(got.Message, true); how != "" {
			*out = append(*out, "error: the message: "+how)
		}
	}
}
