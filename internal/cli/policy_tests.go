package cli

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
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
	update, watch, coverage bool
	junit                   string
}

// testSuffix is how the names of test files end.
const testSuffix = ".test.yaml"

func policyTestCommand() *command {
	return &command{
		name: "test", args: "[--update] [--watch] [--junit FILE] [--coverage] [PATH...]", short: "run the tests of policy documents",
		long: `Runs test files, NAME.test.yaml, or all below a folder; without PATH below the
working directory. A test describes a request, what the world outside answers, and
what is expected; cloister policy run explains both descriptions. Nothing is
connected to.

  document: policy.xml            # policy.xml beside the file by default
  tests:
    - name: gold goes to the premium backend
      context: {request: {method: POST, headers: {X-Tier: [gold]}}}
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
often, or what was sent last), calls (all that policies made, in order) and error.
A value is a text, null for what must not be there, or one of {contains: …},
{matches: regular expression} and {json: …}. What is left out may be anything.

--update writes what a test without expect came to into its file. --watch runs the
tests again when a file below PATH changes, until Ctrl-C. --junit writes a report
for CI systems. --coverage says which policies and branches no test ran.`,
		flags: func(fs *flag.FlagSet) any {
			o := &policyTestOptions{}
			fs.BoolVar(&o.update, "update", false, "write expectations where there are none")
			fs.BoolVar(&o.watch, "watch", false, "run again when a file changes")
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
	if !o.watch {
		return (&policyTester{env: env, options: o}).run(ctx, args)
	}
	return watchTests(ctx, env, o, args)
}

// watchEvery is how often files are looked at.
const watchEvery = 500 * time.Millisecond

// watchTests runs tests now and after each change, until ctx ends.
func watchTests(ctx context.Context, env *Env, o *policyTestOptions, args []string) error {
	var seen string
	for {
		now, err := stamp(args)
		if err != nil {
			return err
		}
		if now != seen {
			seen = now
			fmt.Fprintf(env.Stdout, "--- %s\n", time.Now().Format(time.TimeOnly))
			if err := (&policyTester{env: env, options: o}).run(ctx, args); err != nil && !errors.Is(err, errSilent) {
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
			if err != nil || d.IsDir() {
				if d != nil && d.IsDir() && d.Name() == ".git" {
					return fs.SkipDir
				}
				return err
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
	// coverage is by documents.
	coverage map[string]*simulate.Coverage
}

func (t *policyTester) run(ctx context.Context, args []string) error {
	t.coverage = map[string]*simulate.Coverage{}
	files, err := testFiles(args)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := t.file(ctx, file); err != nil {
			t.broken++
			fmt.Fprintf(t.env.Stderr, "cloister policy test: %v\n", err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	t.printCoverage()
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
	if t.options.junit != "" {
		if err := t.report.write(t.options.junit); err != nil {
			return err
		}
	}
	if t.failed+t.broken > 0 {
		return errSilent
	}
	return nil
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

func (t *policyTester) file(ctx context.Context, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := simulate.ReadTests(name, data)
	if err != nil {
		t.report.broken(name, err.Error())
		return err
	}
	tested, err := f.RunTests(ctx, artifactsFolder(name), t.options.update)
	if err != nil {
		t.report.broken(name, err.Error())
		return err
	}
	c := coloursFor(t.env.Stdout, t.env)
	if tested.Problems.HasErrors() {
		var b strings.Builder
		writeProblems(&b, coloursFor(t.env.Stderr, t.env), onlyErrors(tested.Problems))
		fmt.Fprint(t.env.Stderr, b.String())
		t.report.broken(name, tested.Problems.Err().Error())
		return fmt.Errorf("%s: its documents cannot be compiled", name)
	}
	failed := 0
	for _, r := range tested.Results {
		t.report.add(r)
		if len(r.Failures) == 0 {
			t.passed++
			continue
		}
		failed++
		fmt.Fprintf(t.env.Stdout, "%sFAIL%s %s:%d: %s\n", c.red, c.reset, printed(name), r.Line, printed(r.Name))
		for _, text := range r.Failures {
			fmt.Fprintf(t.env.Stdout, "    %s\n", printed(text))
		}
	}
	t.failed += failed
	if failed == 0 {
		fmt.Fprintf(t.env.Stdout, "%sok%s   %s (%s)\n", c.green, c.reset, printed(name), count(len(tested.Results), "test"))
	}
	if was := t.coverage[f.Documents()]; was != nil {
		was.Merge(tested.Coverage)
	} else {
		t.coverage[f.Documents()] = tested.Coverage
	}
	if tested.Updated == nil {
		return nil
	}
	fmt.Fprintf(t.env.Stdout, "     %s: expectations written\n", printed(name))
	return replaceFile(name, tested.Updated, 0o644)
}

func onlyErrors(all site.Problems) (out site.Problems) {
	for _, p := range all {
		if p.Severity == site.Error {
			out = append(out, p)
		}
	}
	return out
}

func (t *policyTester) printCoverage() {
	if !t.options.coverage {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.coverage)) {
		policies, of, branches, ofBranches := t.coverage[name].Counts()
		fmt.Fprintf(t.env.Stdout, "coverage of %s: %d of %d policies, %d of %d branches\n", printed(name), policies, of, branches, ofBranches)
		for _, m := range t.coverage[name].Missed() {
			fmt.Fprintf(t.env.Stdout, "    %s: %s did not run\n", printed(m.At), printed(m.What))
		}
	}
}

// junitReport is a report in JUnit's form.
type junitReport struct {
	XMLName  xml.Name    `xml:"testsuites"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Suites   []junitFile `xml:"testsuite"`
}

type junitFile struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`

	took time.Duration
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r *junitReport) suite(name string) *junitFile {
	if n := len(r.Suites); n == 0 || r.Suites[n-1].Name != name {
		r.Suites = append(r.Suites, junitFile{Name: name})
	}
	return &r.Suites[len(r.Suites)-1]
}

func (r *junitReport) add(t simulate.TestResult) {
	s := r.suite(t.File)
	k := junitCase{Name: t.Name, Class: t.File, Time: seconds(t.Took)}
	s.took += t.Took
	s.Time = seconds(s.took)
	s.Tests++
	r.Tests++
	if len(t.Failures) > 0 {
		s.Failures++
		r.Failures++
		k.Failure = &junitMessage{Message: t.Failures[0], Text: strings.Join(t.Failures, "\n")}
	}
	s.Cases = append(s.Cases, k)
}

func (r *junitReport) broken(file, why string) {
	s := r.suite(file)
	s.Tests, s.Errors = s.Tests+1, s.Errors+1
	r.Tests, r.Errors = r.Tests+1, r.Errors+1
	s.Cases = append(s.Cases, junitCase{Name: "documents", Class: file, Time: "0", Error: &junitMessage{Message: why}})
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func (r *junitReport) write(file string) error {
	text, err := xml.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(file, append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
