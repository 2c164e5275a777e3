package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

type policyCheckOptions struct{ json, lenient bool }

func policyCheckCommand() *command {
	return &command{
		name: "check", args: "[--json] [--lenient-names] PATH...", short: "check policy documents by themselves",
		long: `Reads policy documents, one file or every .xml file of a folder, without a site
around them, and prints every problem with its place: what cannot be read, C#
expressions that do not compile, elements that are no policy of API
Management's reference, and names that nothing defines. What a policy may hold
and where it may stand is checked with the whole site, by cloister check.

Named values, fragments, backends, loggers and certificates are defined by the
artifacts folder to which PATH belongs: the folder apim in it or above it, else
PATH itself. Secrets are not read: where only a name is known, an expression is
tried with a number, a boolean and a string. --lenient-names takes every name.

With --json there is one line a document: path, ok, policies (names, sorted),
expressions (how many), problems (line, column, code, message), and warnings of
the same form where there are any. Lines and columns count from 1, columns in
bytes; of a problem with the whole file both are 1. Messages show a document as
it is written, never with named values put in.`,
		flags: func(fs *flag.FlagSet) any {
			o := &policyCheckOptions{}
			fs.BoolVar(&o.json, "json", false, "print one line of JSON a document")
			fs.BoolVar(&o.lenient, "lenient-names", false, "take names that nothing defines")
			return o
		},
		examples: []entry{
			{"cloister policy check site", "every document of a site"},
			{"cloister policy check --lenient-names policy.xml", "one document from elsewhere"},
			{`cloister policy check --json policies | jq -r 'select(.ok | not) | .path'`, "which documents are refused"},
		},
		failed: "a document is refused, or cannot be found",
		min:    1, max: math.MaxInt, run: runPolicyCheck,
	}
}

func runPolicyCheck(_ context.Context, env *Env, opt any, args []string) error {
	o := opt.(*policyCheckOptions)
	c := &policyChecker{env: env, options: o, defined: map[string]policy.Defined{}}
	for _, path := range args {
		files, err := policyDocuments(path)
		if err != nil {
			return err
		}
		defined := c.definedBy(artifactsFolder(path))
		for _, file := range files {
			if err := c.document(file, defined); err != nil {
				return err
			}
		}
	}
	return c.verdict()
}

// policyDocuments are the files of a path: itself, or every .xml file below.
func policyDocuments(path string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if d.Name() == ".git" {
				return fs.SkipDir
			}
		case p == path, strings.EqualFold(filepath.Ext(p), ".xml"):
			files = append(files, p)
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("there is no file or folder %s", path)
	case err == nil && len(files) == 0:
		err = mended(fmt.Errorf("%s holds no .xml file", path), "give a policy document, or a folder that holds some")
	}
	return files, err
}

// artifactsFolder is the folder that defines what the documents of a path may
// name.
func artifactsFolder(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if info, err := os.Stat(filepath.Join(abs, "apim")); err == nil && info.IsDir() {
		return filepath.Join(abs, "apim")
	}
	for dir := abs; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		switch filepath.Base(dir) {
		case "apim":
			return dir
		case "apis", "products", "policy fragments", "policyFragments":
			return filepath.Dir(dir)
		}
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return filepath.Dir(abs)
	}
	return abs
}

// shortest is a folder as people would name it: relative to where they are, if
// it is below.
func shortest(folder string) string {
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, folder); err == nil && filepath.IsLocal(short) {
			return short
		}
	}
	return folder
}

// policyChecker checks documents and prints what it finds.
type policyChecker struct {
	env     *Env
	options *policyCheckOptions
	defined map[string]policy.Defined

	documents, refused, expressions int
	problems                        site.Problems
}

func (c *policyChecker) definedBy(folder string) policy.Defined {
	d, ok := c.defined[folder]
	if !ok {
		d = policy.DefinedBy(site.ReadArtifacts(os.DirFS(folder)), c.options.lenient)
		c.defined[folder] = d
	}
	return d
}

func (c *policyChecker) document(path string, defined policy.Defined) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	checked := policy.CheckDocument(&site.PolicyFile{Path: path, Source: source}, defined)
	c.documents++
	c.expressions += checked.Expressions
	c.problems = append(c.problems, checked.Problems...)
	if checked.Problems.HasErrors() {
		c.refused++
	}
	if c.options.json {
		return c.line(path, &checked)
	}
	var b bytes.Buffer
	writeProblems(&b, coloursFor(c.env.Stdout, c.env), checked.Problems)
	_, err = c.env.Stdout.Write(b.Bytes())
	return err
}

// checkedLine is what --json prints of a document.
type checkedLine struct {
	Path        string           `json:"path"`
	OK          bool             `json:"ok"`
	Policies    []string         `json:"policies"`
	Expressions int              `json:"expressions"`
	Problems    []checkedProblem `json:"problems"`
	Warnings    []checkedProblem `json:"warnings,omitempty"`
}

type checkedProblem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (c *policyChecker) line(path string, checked *policy.Checked) error {
	out := checkedLine{
		Path: path, OK: !checked.Problems.HasErrors(), Expressions: checked.Expressions,
		Policies: append([]string{}, checked.Policies...), Problems: []checkedProblem{},
	}
	for _, p := range checked.Problems {
		said := checkedProblem{Line: max(p.Line, 1), Column: max(p.Column, 1), Code: p.Code, Message: p.Message}
		if p.Severity == site.Error {
			out.Problems = append(out.Problems, said)
		} else {
			out.Warnings = append(out.Warnings, said)
		}
	}
	w := json.NewEncoder(c.env.Stdout)
	w.SetEscapeHTML(false)
	return w.Encode(out)
}

// verdict says how it went and is the command's end.
func (c *policyChecker) verdict() error {
	if !c.options.json {
		colours := coloursFor(c.env.Stdout, c.env)
		word := colours.green + "ok" + colours.reset
		if c.refused > 0 {
			word = fmt.Sprintf("%s%d refused%s", colours.red, c.refused, colours.reset)
		}
		_, err := fmt.Fprintf(c.env.Stdout, "%s, %s: %s (%s)\n",
			count(c.documents, "document"), count(c.expressions, "expression"), word, summary(c.problems))
		if err != nil {
			return err
		}
	}
	if c.refused > 0 {
		return errSilent
	}
	return nil
}
