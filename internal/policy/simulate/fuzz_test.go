package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzTestFile: a test file is read or refused with its place, and what --update
// writes is the file with expectations that hold.
func FuzzTestFile(f *testing.F) {
	for _, text := range []string{
		"tests:\n  - name: a\n    context: {request: {method: POST, headers: {A: [b]}}}\n    expect: {status: 200, headers: {A: null}, body: {json: {a: [1]}}}\n",
		"tests:\n  - name: a # c\n    expect: # d\n  - &a {name: b, expect: {}}\n  - <<: *a\n",
		"tests: [{steps: [{repeat: 2}, {after: 1s, expect: ~}]}]",
		"tests:\r\n  -\r\n    responses: {backend: [{delay: 1s, body: \"a\\nb\"}], tokens: {a: b}}\r\n\r\n  # e\r\n  - {}\r\n",
		"tests: [{expect: {forwarded: {times: 1}, calls: [{kind: call, url: {matches: x}}], error: none, variables: {a: 1}}}]\n---\n",
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.xml"), []byte(forwards), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ReadTests(filepath.Join(dir, "f.test.yaml"), data)
		var placed *FileError
		if err != nil {
			if !errors.As(err, &placed) || placed.Text == "" {
				t.Fatalf("%v has no place", err)
			}
			return
		}
		few(file)
		out, err := file.RunTests(t.Context(), dir, true)
		if err != nil || out.Updated == nil {
			return // its documents are others
		}
		before, err := readYAML(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadTests(file.path, out.Updated)
		if err != nil {
			t.Fatalf("%v\n%q\n%q", err, data, out.Updated)
		}
		after, err := readYAML(out.Updated)
		if err != nil {
			t.Fatal(err)
		}
		before, after = without(before), without(after)
		if !sameNode(before, after) {
			t.Errorf("something else has changed:\n%q\n%q", data, out.Updated)
		}
		few(again)
		second, err := again.RunTests(t.Context(), dir, false)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range out.Results {
			if len(r.Failures) == 0 && len(second.Results[i].Failures) > 0 {
				t.Errorf("%q:\n%s\n%q", second.Results[i].Failures, data, out.Updated)
			}
		}
	})
}

// without is a tree without what --update writes.
func without(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.MappingNode && i%2 == 0 && n.Content[i].Value == "expect" {
			i++
			continue
		}
		out.Content = append(out.Content, without(n.Content[i]))
	}
	return &out
}

// few takes repetitions away, which take their time.
func few(f *TestFile) {
	for i := range f.Tests {
		for k := range f.Tests[i].Steps {
			f.Tests[i].Steps[k].Repeat = min(f.Tests[i].Steps[k].Repeat, 3)
		}
	}
}

// FuzzDescriptions: a context and responses are read or refused with their place,
// as JSON and as YAML the same.
func FuzzDescriptions(f *testing.F) {
	f.Add([]byte(`{"request": {"method": "POST", "headers": {"A": ["b"]}, "body": "x"}, "variables": {"a": 1}}`), []byte(`{"backend": [{"statusCode": 429}, {"body": {"a": 1.50}}], "calls": [{"url": "https://a/*", "response": {"delay": "1s"}}]}`))
	f.Add([]byte(`{"requst": 1}`), []byte(`{"backend": {"error": "timeout"}, "tokens": {"a": "b"}, "authorizations": {}}`))
	f.Add([]byte("\ufeff[\n"), []byte(`{"backend": {"status": 99}}`))
	document := filepath.Join(f.TempDir(), "policy.xml")
	if err := os.WriteFile(document, []byte(inbound(send("a", ""))), 0o600); err != nil {
		f.Fatal(err)
	}
	compiled, _, err := Documents{Document: document}.Compile()
	if err != nil || compiled == nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, request, responses []byte) {
		d, err := Describe("c", string(request))
		placed(t, err)
		script, wrongScript := ReadScript("r", responses)
		placed(t, wrongScript)
		if n, err := readJSON(bytes.TrimPrefix(responses, []byte("\ufeff"))); err == nil {
			text, err := toJSON(n)
			placed(t, err) // a name that is given twice
			if err == nil && !json.Valid(text) {
				t.Fatalf("%q as JSON is %q", responses, text)
			}
			if _, again := ReadScript("r", text); err == nil && (again == nil) != (wrongScript == nil) {
				t.Errorf("%q: %v, and as %q: %v", responses, wrongScript, text, again)
			}
		}
		if err != nil || wrongScript != nil {
			return
		}
		if _, err := NewWorld(Begun).Run(context.Background(), compiled.Pipeline, compiled.Backends, d, script); err != nil {
			placed(t, err)
		}
	})
}

func placed(t *testing.T, err error) {
	t.Helper()
	var at *FileError
	if err != nil && (!errors.As(err, &at) || at.Text == "") {
		t.Fatalf("%v has no place", err)
	}
}
