package page

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/testenv"
)

var update = flag.Bool("update", false, "write the blocks of docs/policies/expressions.md")

func pagePath(t *testing.T) string {
	return filepath.Join(testenv.Root(t), "docs", "policies", "expressions.md")
}

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(pagePath(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var block = regexp.MustCompile(`(?s)(<!-- written by: go test \./test/oracle/page -update \(([a-z ]+)\) -->\n)(.*?)(<!-- end -->\n)`)

// TestFresh: the page's blocks say what the tables say, and every block stands
// in the page once.
func TestFresh(t *testing.T) {
	want, err := Blocks()
	if err != nil {
		t.Fatal(err)
	}
	text := readPage(t)
	seen := map[string]int{}
	fresh := block.ReplaceAllStringFunc(text, func(s string) string {
		m := block.FindStringSubmatch(s)
		seen[m[2]]++
		if _, ok := want[m[2]]; !ok {
			t.Errorf("there is no table %q", m[2])
		}
		return m[1] + want[m[2]] + m[4]
	})
	for name := range want {
		if seen[name] != 1 {
			t.Errorf("the table %q stands in the page %d times", name, seen[name])
		}
	}
	if *update {
		if err := os.WriteFile(pagePath(t), []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(fresh, text); diff != "" {
		t.Errorf("docs/policies/expressions.md is old; run go test ./test/oracle/page -update (-tables +page)\n%s", diff)
	}
}

// example is the context file of the page.
func example(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(readPage(t), "```json\n")
	if !ok {
		t.Fatal("the page has no context file")
	}
	file, _, _ := strings.Cut(rest, "```")
	return file
}

func thread() *clr.Thread {
	t := &clr.Thread{Now: func() time.Time { return time.Now().UTC() }, Random: rand.Reader, Zone: time.UTC}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// eval is what "cloister policy eval" answers, with --json and without.
func eval(t *testing.T, file, expression string) (asJSON, asText string) {
	t.Helper()
	th := thread()
	host, err := request.Read(th, file)
	if err != nil {
		t.Fatal(err)
	}
	answer := func() csharp.Answer {
		e, errs := csharp.Compile(expression, csharp.Options{Context: csharp.ContextType()})
		if len(errs) > 0 {
			return csharp.AnswerErrors(errs)
		}
		th.Host = host
		v, err := e.Run(t.Context(), th)
		if err != nil {
			return csharp.AnswerError(err)
		}
		if asText, err = csharp.TextOf(th, v); err != nil {
			return csharp.AnswerError(err)
		}
		return csharp.AnswerValue(th, v)
	}()
	line, err := answer.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(line), asText
}

var asked = regexp.MustCompile(`(?m)^\$ cloister policy eval --context request\.json (--json )?'([^']*)'\n(.*)$`)

// TestExamples: the page's command lines print what stands below them.
func TestExamples(t *testing.T) {
	file := example(t)
	found := asked.FindAllStringSubmatch(readPage(t), -1)
	if len(found) < 5 {
		t.Errorf("%d examples", len(found))
	}
	for _, m := range found {
		asJSON, got := eval(t, file, m[2])
		if m[1] != "" {
			got = asJSON
		}
		if got != m[3] {
			t.Errorf("%s\ngives %s\nnot   %s\n(%s)", m[2], got, m[3], asJSON)
		}
	}
}

// TestDeviations: what the tables show is what happens.
func TestDeviations(t *testing.T) {
	file := example(t)
	for _, list := range [][]csharp.Deviation{csharp.LanguageDeviations(), csharp.LibraryDeviations(), csharp.ContextDeviations(), csharp.RunDeviations()} {
		for _, d := range list {
			if d.Name == "" || d.There == "" || d.Here == "" || d.Why == "" {
				t.Errorf("%q: something is not said", d.Name)
			}
			if d.Shows == "" {
				continue
			}
			if got, _ := eval(t, file, d.Shows); got != d.Gives {
				t.Errorf("%s: %s\ngives %s\nnot   %s", d.Name, d.Shows, got, d.Gives)
			}
		}
	}
}

// TestAbsences: what policies cannot have is refused, with the code.
func TestAbsences(t *testing.T) {
	for _, a := range csharp.Absences() {
		_, errs := csharp.Compile(a.Shows, csharp.Options{Context: csharp.ContextType()})
		switch {
		case len(errs) == 0:
			t.Errorf("%s: %s compiles", a.What, a.Shows)
		case errs[0].Code != a.Code:
			t.Errorf("%s: %s says %s, not %s", a.What, a.Shows, errs[0].Code, a.Code)
		}
	}
}

var known = regexp.MustCompile(`known are (.*)$`)

// TestContextFile: the page's context file is read, has every member of every
// object, and the page's table names each.
func TestContextFile(t *testing.T) {
	file := example(t)
	if _, err := request.Read(thread(), file); err != nil {
		t.Fatal(err)
	}
	page := readPage(t)
	var whole any
	if err := json.Unmarshal([]byte(file), &whole); err != nil {
		t.Fatal(err)
	}
	objects := 0
	// each goes through the objects whose members are not free, and asks the
	// reader which it knows.
	var each func(path string, v any)
	each = func(path string, v any) {
		if list, ok := v.([]any); ok {
			for i, item := range list {
				each(fmt.Sprintf("%s[%d]", path, i), item)
			}
			return
		}
		o, ok := v.(map[string]any)
		if !ok {
			return
		}
		for name, inner := range o {
			// A token's content is its own.
			if of, _ := o["$type"].(string); name != "value" || of == "IResponse" {
				each(path+"."+name, inner)
			}
		}
		if slices.Contains([]string{"headers", "matchedParameters", "variables"}, path[strings.LastIndexByte(path, '.')+1:]) {
			return
		}
		objects++
		o["no such member"] = true
		broken, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		delete(o, "no such member")
		_, err = request.Read(thread(), string(broken))
		if err == nil {
			t.Errorf("%s: a member that is not known is no error", path)
			return
		}
		m := known.FindStringSubmatch(err.Error())
		if m == nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, name := range strings.Split(m[1], ", ") {
			if _, ok := o[name]; !ok {
				t.Errorf("%s: the page's file does not have %q", path, name)
			}
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s: the page's table does not name %q", path, name)
			}
		}
	}
	each("", whole)
	if objects < 15 {
		t.Errorf("%d objects were looked at", objects)
	}
	for _, of := range variableTypes(t) {
		if !strings.Contains(file, fmt.Sprintf(`"$type": %q`, of)) {
			t.Errorf("the page's file has no variable of type %s", of)
		}
	}
}

// variableTypes are the types that the reader knows.
func variableTypes(t *testing.T) []string {
	t.Helper()
	_, err := request.Read(thread(), `{"variables": {"a": {"$type": "None", "value": 1}}}`)
	if err == nil {
		t.Fatal("a type that is not known is no error")
	}
	m := known.FindStringSubmatch(err.Error())
	if m == nil {
		t.Fatal(err)
	}
	return strings.Split(m[1], ", ")
}
