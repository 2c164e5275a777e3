package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// TestFile is a *.test.yaml: tests of one document.
type TestFile struct {
	// Document is tested, at the scope api. Paths are relative to the file.
	Document string `yaml:"document"`
	// Global, Product, API and Operation are documents of the scopes around it.
	Global    string `yaml:"global"`
	Product   string `yaml:"product"`
	API       string `yaml:"api"`
	Operation string `yaml:"operation"`
	// NamedValues go before those of the folder.
	NamedValues  map[string]string `yaml:"namedValues"`
	LenientNames bool              `yaml:"lenientNames"`
	Tests        []Test            `yaml:"tests"`

	path string
	root *yaml.Node
}

// Test is one test: one request, or several that share counters, caches and clock.
type Test struct {
	Name string `yaml:"name"`
	// Now is where the clock begins; zero: [Begun], or what the context says.
	Now   time.Time `yaml:"now"`
	Step  `yaml:",inline"`
	Steps []Step `yaml:"steps"`
}

// Step is one request with what is expected of it.
type Step struct {
	// After moves the clock on before the request; Repeat sends it so often, with
	// the same expectation each time; 0: once.
	After  time.Duration `yaml:"after"`
	Repeat int           `yaml:"repeat"`
	// Context and Responses are as in their files. A step without takes the test's.
	Context   yaml.Node `yaml:"context"`
	Responses yaml.Node `yaml:"responses"`
	Expect    yaml.Node `yaml:"expect"`
}

// Path is that of the file.
func (f *TestFile) Path() string { return f.path }

// ReadTests reads a test file. Errors name the line.
func ReadTests(name string, data []byte) (*TestFile, error) {
	f := &TestFile{path: name}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return nil, fmt.Errorf("%s: %s", name, yamlReason(err))
	}
	f.root = &yaml.Node{}
	if err := yaml.Unmarshal(data, f.root); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yamlReason(err))
	}
	if len(f.Tests) == 0 {
		return nil, fmt.Errorf("%s: there are no tests", name)
	}
	for i := range f.Tests {
		t := &f.Tests[i]
		if t.Name == "" {
			t.Name = fmt.Sprintf("test %d", i+1)
		}
		if len(t.Steps) > 0 && !t.Expect.IsZero() {
			return nil, fmt.Errorf("%s:%d: a test has steps, or an expectation of its own", name, t.Expect.Line)
		}
		if len(t.Steps) == 0 {
			t.Steps = []Step{t.Step}
			continue
		}
		for k := range t.Steps {
			s := &t.Steps[k]
			if s.Context.IsZero() {
				s.Context = t.Context
			}
			if s.Responses.IsZero() {
				s.Responses = t.Responses
			}
		}
	}
	return f, nil
}

// yamlReason says what the decoder means without the names of Go types.
func yamlReason(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	text = regexp.MustCompile(`field (\S+) not found in type \S+`).ReplaceAllString(text, `"$1" is not known here`)
	text = regexp.MustCompile("cannot unmarshal (\\S+) `?([^`]*)`? into \\S+").ReplaceAllString(text, `"$2" does not belong here`)
	return strings.ReplaceAll(text, "\n  ", "; ")
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

// toJSON is a YAML value as JSON; nothing for none.
func toJSON(n *yaml.Node) ([]byte, error) {
	if n.IsZero() {
		return nil, nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("line %d: %s", n.Line, yamlReason(err))
	}
	return json.Marshal(v)
}

// Documents names what the file tests, for people.
func (f *TestFile) Documents() string {
	d := f.documents("")
	var names []string
	for _, name := range []string{d.Global, d.Product, d.API, d.Operation, d.Document} {
		if name != "" {
			names = append(names, filepath.ToSlash(name))
		}
	}
	return strings.Join(names, ", ")
}
