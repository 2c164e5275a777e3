package cli

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/site"
)

// TestOperationsAreKnown: a new site publishes operations of the model API
// alone, so that no body passes unscanned, and it publishes what the SDKs call
// on both surfaces.
func TestOperationsAreKnown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	if code, _, errs := run(t, "init", dir); code != 0 {
		t.Fatal(errs)
	}
	s, problems := site.Load(dir)
	if s == nil {
		t.Fatal(problems)
	}
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	published := map[string]bool{}
	for _, api := range s.Service.APIs {
		for _, o := range api.Operations {
			path := "/" + api.Path + parameter.ReplaceAllString(o.URLTemplate, "x")
			known, _, ok := openai.Match(o.Method, path)
			if !ok {
				t.Errorf("%s: %s %s is no operation of the model API", o.ID, o.Method, path)
				continue
			}
			published[string(known.Surface)+":"+known.Name] = true
		}
	}
	for _, name := range []string{
		"deployment:chat/completions", "deployment:completions", "deployment:embeddings",
		"v1:chat/completions", "v1:completions", "v1:embeddings", "v1:responses", "v1:models", "v1:realtime",
	} {
		if !published[name] {
			t.Errorf("%s is not published; there are %v", name, published)
		}
	}
}
