package simulate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// TestResult is what one test came to.
type TestResult struct {
	File, Name string
	// Line is where the test stands in its file.
	Line int
	// Failures are what is not as expected; none: it passed.
	Failures []string
	Took     time.Duration
}

// Tested is what the tests of a file came to.
type Tested struct {
	Results []TestResult
	// Problems of the documents: with an error among them no test ran.
	Problems site.Problems
	Coverage *Coverage
	// Updated is the file with expectations where there were none; nil: nothing is
	// to be written.
	Updated []byte
}

// RunTests runs the tests of a file. With update those that expect nothing get
// what the requests came to as their expectation. The error is one of a file.
func (f *TestFile) RunTests(ctx context.Context, folder string, update bool) (*Tested, error) {
	out := &Tested{}
	compiled, problems, err := f.documents(folder).Compile()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	out.Problems = problems
	if compiled == nil {
		return out, nil
	}
	out.Coverage = newCoverage(compiled.Pipeline)
	changed := false
	for i := range f.Tests {
		t := &f.Tests[i]
		began := time.Now()
		r := TestResult{File: f.path, Name: t.Name, Line: f.lineOf(i)}
		w := NewWorld(startOf(t))
		for k := range t.Steps {
			failures, learnt := f.step(ctx, w, compiled, out.Coverage, &t.Steps[k], update)
			for _, text := range failures {
				if len(t.Steps) > 1 {
					text = fmt.Sprintf("step %d: %s", k+1, text)
				}
				r.Failures = append(r.Failures, text)
			}
			if learnt != nil {
				f.learn(i, k, learnt)
				changed = true
			}
		}
		r.Took = time.Since(began)
		out.Results = append(out.Results, r)
	}
	if changed {
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if err := e.Encode(f.root); err != nil {
			return nil, err
		}
		out.Updated = b.Bytes()
	}
	return out, nil
}

func startOf(t *Test) time.Time {
	if !t.Now.IsZero() {
		return t.Now
	}
	return Begun
}

// lineOf is where a test stands.
func (f *TestFile) lineOf(i int) int {
	if n := f.testNode(i); n != nil {
		return n.Line
	}
	return 1
}

// member is the value of a member of a mapping; nil: there is none.
func member(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func (f *TestFile) testNode(i int) *yaml.Node {
	if len(f.root.Content) == 0 {
		return nil
	}
	tests := member(f.root.Content[0], "tests")
	if tests == nil || i >= len(tests.Content) {
		return nil
	}
	return tests.Content[i]
}

// learn writes an expectation into the tree of the file.
func (f *TestFile) learn(test, step int, expect *yaml.Node) {
	n := f.testNode(test)
	if steps := member(n, "steps"); steps != nil && step < len(steps.Content) {
		n = steps.Content[step]
	}
	if n == nil {
		return
	}
	if old := member(n, "expect"); old != nil {
		*old = *expect
		return
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "expect"}, expect)
}

// step runs one step. learnt is what it came to, where it expects nothing.
func (f *TestFile) step(ctx context.Context, w *World, c *Compiled, cover *Coverage, s *Step, update bool) (failures []string, learnt *yaml.Node) {
	fail := func(err error) ([]string, *yaml.Node) { return []string{err.Error()}, nil }
	text, err := toJSON(&s.Context)
	if err != nil {
		return fail(err)
	}
	d, err := Describe(string(text))
	if err != nil {
		return fail(err)
	}
	answers, err := toJSON(&s.Responses)
	if err != nil {
		return fail(err)
	}
	expect, err := readExpectation(&s.Expect)
	if err != nil {
		return fail(fmt.Errorf("expect: %w", err))
	}
	w.Advance(s.After)
	for i := range max(1, s.Repeat) {
		script, err := ReadScript(answers)
		if err != nil {
			return fail(err)
		}
		// A description is used up: bodies are read.
		if i > 0 {
			if d, err = Describe(string(text)); err != nil {
				return fail(err)
			}
		}
		r, err := w.Run(ctx, c.Pipeline, c.Backends, d, script)
		if err != nil {
			return fail(err)
		}
		cover.see(r)
		switch {
		case expect != nil:
			if failures = expect.differences(r); len(failures) > 0 {
				if s.Repeat > 1 {
					failures[0] = fmt.Sprintf("request %d: %s", i+1, failures[0])
				}
				return failures, nil
			}
		case update:
			if learnt, err = expectationOf(r); err != nil {
				return fail(err)
			}
		default:
			return []string{fmt.Sprintf("it expects nothing; the answer was %d. Write expect, or let --update do it", r.Response.StatusCode)}, nil
		}
	}
	return nil, learnt
}

// expectationOf is what a request came to, as an expectation.
func expectationOf(r *Result) (*yaml.Node, error) {
	e := map[string]any{"status": r.Response.StatusCode}
	if r.Response.Body != "" {
		e["body"] = r.Response.Body
		var v any
		if json.Unmarshal([]byte(r.Response.Body), &v) == nil {
			switch v.(type) {
			case map[string]any, []any:
				e["body"] = map[string]any{"json": v}
			}
		}
	}
	if r.Error != nil {
		e["error"] = map[string]any{"source": r.Error.Source, "reason": r.Error.Reason}
	}
	e["forwarded"] = r.Forwarded
	n := &yaml.Node{}
	if err := n.Encode(e); err != nil {
		return nil, err
	}
	return n, nil
}

// Coverage is which policies and branches of documents ran.
type Coverage struct {
	policies, branches []policy.Place
	ran                map[string]bool
}

// Missed is a place that did not run.
type Missed struct {
	// At is FILE:LINE:COLUMN.
	At, What string
}

func newCoverage(p *policy.Pipeline) *Coverage {
	c := &Coverage{ran: map[string]bool{}}
	c.policies, c.branches = p.Places()
	return c
}

func keyOf(section, path, at string) string { return section + " " + path + " " + at }

func (c *Coverage) see(r *Result) {
	for _, e := range r.Trace {
		c.ran[keyOf(e.Section, e.Path, e.At)] = true
		for _, s := range e.Said {
			if s.Name == "branch" {
				c.ran[keyOf(e.Section, s.Value, "")] = true
			}
		}
	}
}

// Counts are how many policies and branches ran, of how many.
func (c *Coverage) Counts() (policies, ofPolicies, branches, ofBranches int) {
	for _, p := range c.policies {
		if c.ran[keyOf(p.Section, p.Path, p.Pos.String())] {
			policies++
		}
	}
	for _, b := range c.branches {
		if c.ran[keyOf(b.Section, b.Path, "")] {
			branches++
		}
	}
	return policies, len(c.policies), branches, len(c.branches)
}

// Missed are the places that did not run, in the order of documents.
func (c *Coverage) Missed() (out []Missed) {
	for _, b := range c.branches {
		if !c.ran[keyOf(b.Section, b.Path, "")] {
			out = append(out, Missed{b.Pos.String(), "branch " + b.Path})
		}
	}
	for _, p := range c.policies {
		if !c.ran[keyOf(p.Section, p.Path, p.Pos.String())] {
			out = append(out, Missed{p.Pos.String(), p.Policy})
		}
	}
	slices.SortStableFunc(out, func(a, b Missed) int { return comparePlaces(a.At, b.At) })
	return slices.Compact(out)
}

// Merge adds what another run of the same documents has seen.
func (c *Coverage) Merge(other *Coverage) {
	for k := range other.ran {
		c.ran[k] = true
	}
}

// comparePlaces compares FILE:LINE:COLUMN by numbers.
func comparePlaces(a, b string) int {
	fileA, lineA, columnA := splitPlace(a)
	fileB, lineB, columnB := splitPlace(b)
	return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB), cmp.Compare(columnA, columnB))
}

func splitPlace(s string) (file string, line, column int) {
	file = s
	if i := strings.LastIndexByte(file, ':'); i >= 0 {
		column, _ = strconv.Atoi(file[i+1:])
		file = file[:i]
	}
	if i := strings.LastIndexByte(file, ':'); i >= 0 {
		line, _ = strconv.Atoi(file[i+1:])
		file = file[:i]
	}
	return file, line, column
}
