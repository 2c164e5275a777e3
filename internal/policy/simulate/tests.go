package simulate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

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
	var all []learnt
	for i := range f.Tests {
		t := &f.Tests[i]
		began := time.Now()
		r := TestResult{File: f.path, Name: t.Name, Line: t.node.Line}
		w := NewWorld(startOf(t))
		for k := range t.Steps {
			failures, expect := f.step(ctx, w, compiled, out.Coverage, &t.Steps[k], update)
			for _, text := range failures {
				r.Failures = append(r.Failures, f.stepped(i, k, text))
			}
			if expect != nil {
				all = append(all, learnt{i, k, expect})
			}
		}
		r.Took = time.Since(began)
		out.Results = append(out.Results, r)
	}
	// From the end on, so that what is still to be written stays in its place.
	data := f.data
	for _, l := range slices.Backward(all) {
		written, err := l.write(data)
		if err != nil {
			r := &out.Results[l.test]
			r.Failures = slices.Insert(r.Failures, 0, f.stepped(l.test, l.step, in(f.path, "", err).Error()))
			continue
		}
		data, out.Updated = written, written
	}
	return out, nil
}

// stepped says of which step a failure is, where there are several.
func (f *TestFile) stepped(test, step int, text string) string {
	if len(f.Tests[test].Steps) > 1 {
		return fmt.Sprintf("step %d: %s", step+1, text)
	}
	return text
}

func startOf(t *Test) time.Time {
	if !t.Now.IsZero() {
		return t.Now
	}
	return Begun
}

// step runs one step. learnt is what it came to, where it expects nothing.
func (f *TestFile) step(ctx context.Context, w *World, c *Compiled, cover *Coverage, s *Step, update bool) (failures []string, learnt *yaml.Node) {
	fail := func(what string, err error) ([]string, *yaml.Node) {
		return []string{in(f.path, what, err).Error()}, nil
	}
	expect, err := readExpectation(s.Expect)
	if err != nil {
		return fail("expectation", err)
	}
	w.Advance(s.After)
	var first *expectationParts
	for i := range max(1, s.Repeat) {
		// Both are used up: bodies are read, answers are given.
		d, err := describe(s.Context)
		if err != nil {
			return fail("context", err)
		}
		script, err := readScript(s.Responses)
		if err != nil {
			return fail("responses", err)
		}
		r, err := w.Run(ctx, c.Pipeline, c.Backends, d, script)
		if err != nil {
			return fail("", err)
		}
		cover.see(r)
		came := partsOf(r)
		switch {
		case expect != nil:
			if failures = expect.differences(r); len(failures) > 0 {
				if s.Repeat > 1 {
					failures[0] = fmt.Sprintf("request %d: %s", i+1, failures[0])
				}
				return failures, nil
			}
		case !update:
			return []string{fmt.Sprintf("it expects nothing; the answer was %d. Write expect, or let --update do it", r.Response.StatusCode)}, nil
		case first == nil:
			first = &came
		case came != *first:
			return []string{fmt.Sprintf("it expects nothing, and request %d comes to something else than the first: write steps of their own", i+1)}, nil
		}
	}
	if first == nil {
		return nil, nil
	}
	return nil, first.node()
}
