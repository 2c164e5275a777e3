package simulate

import (
	"bytes"
	"fmt"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// TestFile is a *.test.yaml: tests of one document.
type TestFile struct {
	// Document is tested, at the scope api. Paths are relative to the file.
	Document string
	// Global, Product, API and Operation are documents of the scopes around it.
	Global, Product, API, Operation string
	// NamedValues go before those of the folder.
	NamedValues  map[string]string
	LenientNames bool
	Tests        []Test

	path string
	data []byte
}

// Test is one test: one request, or several that share counters, caches and clock.
type Test struct {
	Name string
	// Now is where the clock begins; zero: [Begun], or what the context says.
	Now   time.Time
	Steps []Step

	node *yaml.Node
}

// Step is one request with what is expected of it.
type Step struct {
	// After moves the clock on before the request; Repeat sends it so often, with
	// the same expectation each time; 0: once.
	After  time.Duration
	Repeat int
	// Context and Responses are as in their files. A step without takes the test's.
	Context, Responses, Expect *yaml.Node
}

// mostRepeated bounds how often a step is sent.
const mostRepeated = 100_000

// ReadTests reads a test file. The error is a [*FileError].
func ReadTests(name string, data []byte) (*TestFile, error) {
	f := &TestFile{path: name, data: data}
	root, err := readYAML(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err == nil {
		err = f.read(root)
	}
	if err != nil {
		return nil, in(name, "", err)
	}
	return f, nil
}

func (f *TestFile) read(root *yaml.Node) error {
	err := object(root,
		field{"document", readText(&f.Document)}, field{"global", readText(&f.Global)}, field{"product", readText(&f.Product)},
		field{"api", readText(&f.API)}, field{"operation", readText(&f.Operation)},
		field{"namedValues", f.readNamedValues}, field{"lenientNames", readBool(&f.LenientNames)},
		field{"tests", func(n *yaml.Node) error { return each(n, f.readTest) }})
	if err == nil && len(f.Tests) == 0 {
		err = wrong(root, "cloister policy test --help shows the form", "there are no tests")
	}
	return err
}

func (f *TestFile) readNamedValues(n *yaml.Node) error {
	f.NamedValues = map[string]string{}
	return named(n, func(name string, value *yaml.Node) (err error) {
		f.NamedValues[name], err = scalar(value)
		return err
	})
}

func (f *TestFile) readTest(n *yaml.Node) error {
	t, own := Test{node: n, Name: fmt.Sprintf("test %d", len(f.Tests)+1)}, Step{}
	readNow := func(n *yaml.Node) error {
		if resolved(n).Decode(&t.Now) != nil {
			return wrong(n, "", "%s is no time, such as 2026-01-02T03:04:05Z", kindOf(n))
		}
		return nil
	}
	var steps *yaml.Node
	fields := append(own.fields(), field{"name", readText(&t.Name)}, field{"now", readNow}, field{"steps", readNode(&steps)})
	if err := object(n, fields...); err != nil {
		return err
	}
	if steps == nil {
		t.Steps = []Step{own}
		f.Tests = append(f.Tests, t)
		return nil
	}
	if own.Expect != nil || own.After != 0 || own.Repeat != 0 {
		return wrong(n, "put them into its steps", "a test that has steps has no expect, after or repeat of its own")
	}
	err := each(steps, func(n *yaml.Node) error {
		s := Step{}
		if err := object(n, s.fields()...); err != nil {
			return err
		}
		if s.Context == nil {
			s.Context = own.Context
		}
		if s.Responses == nil {
			s.Responses = own.Responses
		}
		t.Steps = append(t.Steps, s)
		return nil
	})
	if err == nil && len(t.Steps) == 0 {
		err = wrong(steps, "", "there are no steps")
	}
	f.Tests = append(f.Tests, t)
	return err
}

func (s *Step) fields() []field {
	return []field{
		{"after", readSpan(&s.After)}, {"repeat", readInt(&s.Repeat, 1, mostRepeated)},
		{"context", readNode(&s.Context)}, {"responses", readNode(&s.Responses)}, {"expect", readNode(&s.Expect)},
	}
}

// readNode keeps a value for later; null is none.
func readNode(into **yaml.Node) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if !isNull(n) {
			*into = n
		}
		return nil
	}
}

// documents are those of the file.
func (f *TestFile) documents(folder string) Documents {
	dir := filepath.Dir(f.path)
	at := func(name string) string {
		if name == "" {
			return ""
		}
		return filepath.Join(dir, filepath.FromSlash(name))
	}
	d := Documents{
		Document: at(f.Document), Global: at(f.Global), Product: at(f.Product), API: at(f.API), Operation: at(f.Operation),
		Folder: folder, NamedValues: f.NamedValues, Lenient: f.LenientNames,
	}
	if f.Document == "" && f.Global == "" && f.Product == "" && f.API == "" && f.Operation == "" {
		d.Document = at("policy.xml")
	}
	return d
}
