package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/policy/simulate"
	"github.com/cloister-ai/cloister/internal/site"
)

type policyTestOptions struct {
	update, watch, coverage, json bool
	junit                         string
}

// testSuffix is how the names of test files end.
const testSuffix = ".test.yaml"

func policyTestCommand() *command {
	return &command{
		name: "test", args: "[--update] [--watch] [--json] [--junit FILE] [--coverage] [PATH...]", short: "run the tests of policy documents",
		long: `Runs test files, NAME.test.yaml, or all below a folder; without PATH below the
working directory. A test describes a request, what the world outside answers, and
what is expected; cloister policy run explains both descriptions. Nothing is
connected to.

  document: policy.xml            # policy.xml beside the file by default
  tests:
    - name: gold goes to the premium backend
      context: {subscription: {id: gold}, request: {headers: {X-Tier: [gold]}}}
      responses: {backend: {statusCode: 200, body: {ok: true}}}
      expect:
        status: 200
        headers: {X-Left: "9", Server: null}
        body: {json: {ok: true}}
        forwarded: {backend: premium, headers: {X-Plan: gold}}
    - name: the eleventh call in a minute is refused
      context: {subscription: {id: gold}}
      steps:                      # they share counters, caches and the clock
        - {repeat: 10, expect: {status: 200}}
        - {after: 5s, expect: {status: 429, error: {source: rate-limit}}}

expect may hold status, reason, headers, body, variables, forwarded (false, how
often, or what was sent last), calls (all that policies made, in order) and error
(none: there must be none). A value is a text, null for what must not be there, or
one of {contains: …}, {matches: regular expression} and {json: …}. What is left out
may be anything.

--update writes what a test without expect came to into its file, and changes no
other byte of it; where an anchor shares the place with others, it refuses. --watch
runs the tests again when a file below PATH changes, until Ctrl-C, and then ends
with 0. --junit writes a report for CI systems. --coverage says which policies and
branches no test ran.

With --json there is one line a file: path, ok, tests (name, line, ok, failures),
problems of its documents (path, line, column, code, message), and error where the
file could not be run. With --coverage there is one more for each document:
document, policies, ofPolicies, branches, ofBranches, missed (at, what).`,
		flags: func(fs *flag.FlagSet) any {
			o := &policyTestOptions{}
			fs.BoolVar(&o.update, "update", false, "write expectations where there are none")
			fs.BoolVar(&o.watch, "watch", false, "run again when a file changes")
			fs.BoolVar(&o.json, "json", false, "print one line of JSON a file")
			fs.StringVar(&o.junit, "junit", "", "write a JUnit report to a `FILE`")
			fs.BoolVar(&o.coverage, "coverage", false, "print which policies and branches ran")
			return o
		},
		examples: []entry{
			{"cloister policy test", "all tests below the working directory"},
			{"cloister policy test --coverage site", "with the policies that no test ran"},
			{"cloister policy test --junit report.xml site", "in a pipeline"},
		},
		failed: "a test fails, or a file cannot be read",
		max:    math.MaxInt, run: runPolicyTest,
	}
}

func runPolicyTest(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*policyTestOptions)
	if len(args) == 0 {
		args = []string{"."}
	}
	switch {
	case o.watch && o.json:
		return &usageError{"--watch or --json, not both"}
	case !o.watch:
		return (&policyTester{env: env, options: o}).run(ctx, args)
	}
	stop, free := interruptible(ctx, env)
	defer free()
	return watchTests(stop, env, o, args)
}

// watchEvery is how often files are looked at.
const watchEvery = 500 * time.Millisecond

// watchTests runs tests now and after each change, until ctx ends.
func watchTests(ctx context.Context, env *Env, o *policyTestOptions, args []string) error {
	if _, err := testFiles(args); err != nil {
		return err
	}
	var seen string
	for {
		now, err := stamp(args)
		if err != nil {
			return err
		}
		if now != seen {
			seen = now
			fmt.Fprintf(env.Stdout, "--- %s\n", time.Now().Format(time.TimeOnly))
			if err := (&policyTester{env: env, options: o}).run(ctx, args); err != nil && !errors.Is(err, errSilent) && ctx.Err() == nil {
				fmt.Fprintf(env.Stderr, "cloister policy test: %v\n", err)
			}
			if o.update { // what it has written is no change
				if seen, err = stamp(args); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// stamp changes when a file below the paths does.
func stamp(paths []string) (string, error) {
	var b strings.Builder
	for _, p := range paths {
		err := filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // it has just gone
				return nil
			case err != nil:
				return err
			case d.IsDir() && d.Name() == ".git":
				return fs.SkipDir
			case d.IsDir():
				return nil
			}
			switch filepath.Ext(name) {
			case ".xml", ".yaml", ".json":
				info, err := d.Info()
				if err != nil {
					return nil // it has just gone
				}
				fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// policyTester runs test files and prints what they came to.
type policyTester struct {
	env     *Env
	options *policyTestOptions

	passed, failed, broken int
	report                 junitReport
	coverage               simulate.Coverage
}

func (t *policyTester) run(ctx context.Context, args []string) error {
	files, err := testFiles(args)
	if err != nil {
		return err
	}
	for _, file := range files {
		line := &testedFile{Path: file, Tests: []testedCase{}, Problems: []testedProblem{}}
		if err := t.file(ctx, file, line); err != nil {
			t.broken++
			t.report.broken(file, err.Error())
			if line.Error = err.Error(); !t.options.json {
				complain(t.env, "cloister policy test", err)
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if t.options.json {
			if err := writeLine(t.env.Stdout, line); err != nil {
				return err
			}
		}
	}
	if err := t.printCoverage(); err != nil {
		return err
	}
	t.verdict()
	if t.options.junit != "" {
		if err := t.report.write(t.options.junit); err != nil {
			return err
		}
	}
	return failedIf(t.failed+t.broken > 0)
}

// verdict says how it went, for people.
func (t *policyTester) verdict() {
	if t.options.json {
		return
	}
	c := coloursFor(t.env.Stdout, t.env)
	word := c.green + "ok" + c.reset
	if t.failed+t.broken > 0 {
		word = c.red + "FAIL" + c.reset
	}
	fmt.Fprintf(t.env.Stdout, "%s %s, %d failed", word, count(t.passed+t.failed, "test"), t.failed)
	if t.broken > 0 {
		fmt.Fprintf(t.env.Stdout, "; %s could not be run", count(t.broken, "file"))
	}
	fmt.Fprintln(t.env.Stdout)
}

// testFiles are the test files of paths, sorted and each once.
func testFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		before := len(files)
		err := filepath.WalkDir(arg, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == ".git":
				return fs.SkipDir
			case !d.IsDir() && (p == arg || strings.HasSuffix(p, testSuffix)):
				files = append(files, p)
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file or folder %s", arg)
		}
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, mended(fmt.Errorf("%s holds no %s file", arg, "*"+testSuffix), "write one beside a policy document; cloister policy test --help shows its form")
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// file runs one file. The error says why it could not be run.
func (t *policyTester) file(ctx context.Context, name string, line *testedFile) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := simulate.ReadTests(name, data)
	if err != nil {
		return err
	}
	tested, err := f.RunTests(ctx, shortest(artifactsFolder(name)), t.options.update)
	if err != nil {
		return err
	}
	if tested.Problems.HasErrors() {
		return t.refused(name, onlyErrors(tested.Problems), line)
	}
	t.results(name, tested.Results, line)
	t.coverage.Merge(tested.Coverage)
	if tested.Updated == nil || ctx.Err() != nil {
		return nil
	}
	if !t.options.json {
		fmt.Fprintf(t.env.Stdout, "     %s: expectations written\n", printed(name))
	}
	return replaceTests(name, data, tested.Updated)
}

// replaceTests writes a test file that still is what was read.
func replaceTests(name string, read, updated []byte) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	switch now, err := os.ReadFile(target); {
	case err != nil:
		return err
	case !bytes.Equal(now, read):
		return fmt.Errorf("%s has changed while its tests ran; nothing was written", name)
	}
	return replaceFile(target, updated, info.Mode().Perm())
}

// refused: the documents cannot be compiled.
func (t *policyTester) refused(name string, problems site.Problems, line *testedFile) error {
	for _, p := range problems {
		line.Problems = append(line.Problems, testedProblem{p.File, checkedProblem{max(p.Line, 1), max(p.Column, 1), p.Code, p.Message}})
	}
	if !t.options.json {
		var b strings.Builder
		writeProblems(&b, coloursFor(t.env.Stderr, t.env), problems)
		fmt.Fprint(t.env.Stderr, b.String())
	}
	return fmt.Errorf("%s: its documents cannot be compiled", name)
}

// results counts and prints what the tests of a file came to.
func (t *policyTester) results(name string, results []simulate.TestResult, line *testedFile) {
	failed := 0
	for _, r := range results {
		t.report.add(r)
		ok := len(r.Failures) == 0
		line.Tests = append(line.Tests, testedCase{r.Name, r.Line, ok, append([]string{}, r.Failures...)})
		if ok {
			t.passed++
			continue
		}
		failed++
		if t.options.json {
			continue
		}
		c := coloursFor(t.env.Stdout, t.env)
		fmt.Fprintf(t.env.Stdout, "%sFAIL%s %s:%d: %s\n", c.red, c.reset, printed(name), r.Line, printed(r.Name))
		for _, text := range r.Failures {
			fmt.Fprintf(t.env.Stdout, "    %s\n", printed(text))
		}
	}
	t.failed += failed
	line.OK = failed == 0
	if line.OK && !t.options.json {
		c := coloursFor(t.env.Stdout, t.env)
		fmt.Fprintf(t.env.Stdout, "%sok%s   %s (%s)\n", c.green, c.reset, printed(name), count(len(results), "test"))
	}
}

// testedFile is what --json prints of a file.
type testedFile struct {
	Path     string          `json:"path"`
	OK       bool            `json:"ok"`
	Tests    []testedCase    `json:"tests"`
	Problems []testedProblem `json:"problems"`
	Error    string          `json:"error,omitempty"`
}

type testedCase struct {
	Name     string   `json:"name"`
	Line     int      `json:"line"`
	OK       bool     `json:"ok"`
	Failures []string `json:"failures"`
}

type testedProblem struct {
	Path string `json:"path"`
	checkedProblem
}

func onlyErrors(all site.Problems) (out site.Problems) {
	for _, p := range all {
		if p.Severity == site.Error {
			out = append(out, p)
		}
	}
	return out
}

func (t *policyTester) printCoverage() error {
	if !t.options.coverage {
		return nil
	}
	for _, d := range t.coverage.Documents() {
		if t.options.json {
			if err := writeLine(t.env.Stdout, d); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(t.env.Stdout, "coverage of %s: %d of %d policies, %d of %d branches\n", printed(d.Document), d.Policies, d.OfPolicies, d.Branches, d.OfBranches)
		for _, m := range d.Missed {
			fmt.Fprintf(t.env.Stdout, "    %s: %s did not run\n", printed(m.At), printed(m.What))
		}
	}
	return nil
}
