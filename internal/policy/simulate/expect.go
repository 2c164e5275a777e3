package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expectation is what a step expects. What it leaves out may be anything.
type expectation struct {
	status    *int
	reason    *matcher
	headers   map[string]*matcher
	body      *matcher
	variables map[string]*matcher
	forwarded *forwarded
	// calls are those of policies, forwarded requests not among them: all of them,
	// in order; nil: any.
	calls *[]message
	err   *expectedError
}

// message is a request that is expected.
type message struct {
	kind, backend, method string
	url                   *matcher
	headers               map[string]*matcher
	body                  *matcher
}

type expectedError struct {
	// none: there must be no error.
	none                              bool
	source, reason, section, path, id string
	message                           *matcher
}

// forwarded is whether and how often a request was sent, or what was sent last.
type forwarded struct {
	// times is how often; nil: once or more.
	times *int
	last  *message
}

// matcher compares a text, or what JSON has of it.
type matcher struct {
	absent   bool
	text     *string
	contains string
	matches  *regexp.Regexp
	json     *any
}

// readExpectation reads what a step expects; nil: it expects nothing.
func readExpectation(n *yaml.Node) (*expectation, error) {
	if isNull(n) {
		return nil, nil
	}
	if o := resolved(n); o.Kind == yaml.MappingNode && len(o.Content) == 0 {
		return nil, nil
	}
	e := &expectation{}
	return e, object(n,
		field{"status", func(n *yaml.Node) error {
			e.status = new(int)
			return readInt(e.status, 100, 999)(n)
		}},
		field{"reason", readMatcher(&e.reason)}, field{"headers", readMatchers(&e.headers)}, field{"body", readMatcher(&e.body)},
		field{"variables", readMatchers(&e.variables)}, field{"forwarded", e.readForwarded}, field{"calls", e.readCalls},
		field{"error", e.readError})
}

// readForwarded takes false, true, a number, or an object.
func (e *expectation) readForwarded(n *yaml.Node) error {
	e.forwarded = &forwarded{}
	times := 0
	switch s := resolved(n); {
	case s.Kind == yaml.MappingNode:
		e.forwarded.last = &message{}
		fields := append(e.forwarded.last.fields(), field{"times", func(n *yaml.Node) error {
			e.forwarded.times = &times
			return readInt(&times, 0, mostForwarded)(n)
		}})
		return object(n, fields...)
	case s.ShortTag() == "!!bool":
		var is bool
		if !is {
			e.forwarded.times = &times
		}
		if err := readBool(&is)(n); err != nil {
			return err
		}
		if is {
			e.forwarded.times = nil
		}
		return nil
	}
	e.forwarded.times = &times
	if readInt(&times, 0, mostForwarded)(n) != nil {
		return wrong(n, "", "%s where true, false, how often, or an object belongs", kindOf(n))
	}
	return nil
}

const mostForwarded = 1_000_000

func (m *message) fields() []field {
	return []field{
		{"backend", readText(&m.backend)}, {"method", readText(&m.method)}, {"url", readMatcher(&m.url)},
		{"headers", readMatchers(&m.headers)}, {"body", readMatcher(&m.body)},
	}
}

func (e *expectation) readCalls(n *yaml.Node) error {
	e.calls = &[]message{}
	return each(n, func(n *yaml.Node) error {
		m := message{}
		err := object(n, append(m.fields(), field{"kind", readText(&m.kind)})...)
		*e.calls = append(*e.calls, m)
		return err
	})
}

// readError takes none, or null, for no error at all.
func (e *expectation) readError(n *yaml.Node) error {
	w := &expectedError{}
	e.err = w
	if s := resolved(n); isNull(n) || s.Kind == yaml.ScalarNode && s.Value == "none" {
		w.none = true
		return nil
	}
	if resolved(n).Kind == yaml.ScalarNode {
		return wrong(n, "error: none", "%s where none or an object belongs", kindOf(n))
	}
	return object(n,
		field{"source", readText(&w.source)}, field{"reason", readText(&w.reason)}, field{"message", readMatcher(&w.message)},
		field{"section", readText(&w.section)}, field{"path", readText(&w.path)}, field{"policyId", readText(&w.id)})
}

func readMatchers(into *map[string]*matcher) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = map[string]*matcher{}
		return named(n, func(name string, value *yaml.Node) error {
			var m *matcher
			err := readMatcher(&m)(value)
			(*into)[name] = m
			return err
		})
	}
}

// readMatcher takes a text, null for what must not be there, or one of contains,
// matches (a regular expression of Go) and json.
func readMatcher(into **matcher) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		m := &matcher{}
		*into = m
		switch s := resolved(n); {
		case isNull(n):
			m.absent = true
			return nil
		case s.Kind == yaml.ScalarNode:
			m.text = &s.Value
			return nil
		case s.Kind == yaml.MappingNode && len(s.Content) == 0, s.Kind == yaml.SequenceNode:
			return wrong(n, "", "%s where a text, null, or one of contains, matches and json belongs", kindOf(n))
		}
		return object(n, field{"contains", m.readContains}, field{"matches", m.readMatches}, field{"json", m.readJSON})
	}
}

func (m *matcher) readContains(n *yaml.Node) (err error) {
	if m.contains, err = scalar(n); err == nil && m.contains == "" {
		err = wrong(n, "", "every text contains an empty one")
	}
	return err
}

func (m *matcher) readMatches(n *yaml.Node) error {
	text, err := scalar(n)
	if err != nil {
		return err
	}
	if m.matches, err = regexp.Compile(text); err != nil {
		return wrong(n, "", "%v", err)
	}
	return nil
}

func (m *matcher) readJSON(n *yaml.Node) error {
	text, err := toJSON(n)
	if err != nil {
		return err
	}
	v, err := decodeJSON(text)
	if err != nil {
		return wrong(n, "", "%v", err)
	}
	m.json = &v
	return nil
}

// decodeJSON decodes one value and nothing behind it.
func decodeJSON(text []byte) (v any, err error) {
	if !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// differs says how a text is not what is expected; nothing: it is. there: it is
// there at all.
func (m *matcher) differs(got string, there bool) []string {
	said := func(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }
	switch {
	case m.absent && there:
		return said("it is %s, and should not be there", quoted(got))
	case m.absent:
		return nil
	case !there:
		return said("it is not there")
	case m.text != nil && *m.text != got:
		return said("it is %s, want %s", quoted(got), quoted(*m.text))
	case m.contains != "" && !strings.Contains(got, m.contains):
		return said("%s does not contain %s", quoted(got), quoted(m.contains))
	case m.matches != nil && !m.matches.MatchString(got):
		return said("%s does not match %s", quoted(got), m.matches)
	case m.json != nil:
		v, err := decodeJSON([]byte(got))
		if err != nil {
			return said("%s is not JSON", quoted(got))
		}
		return jsonDifferences(v, *m.json)
	}
	return nil
}

func quoted(s string) string {
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
