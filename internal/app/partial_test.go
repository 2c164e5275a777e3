package app

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// TestProblemsTogether: an error in cloister.yaml hides none of policy
// documents, secrets and certificates, and makes none up.
func TestProblemsTogether(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), map[string]string{
		"apim/policy.xml":             `<policies><inbound/><backend><forward-request/></backend><outbound/><on-error/></policies>`,
		"apim/apis/openai/policy.xml": "<policies>\n<inbound><base/>\n<no-such-policy/>\n<set-backend-service backend-id=\"openai\"/></inbound></policies>",
	})
	ca, err := issue.LoadCA(filepath.Join(s.dir, "state", "ca"), issue.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	key, err := cert.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "tls/gw.pem", string(cert.PEM()))
	s.write(t, "tls/gw.key", key.Reveal())
	config := strings.NewReplacer("keys/team", "keys/none",
		"{name: localhost, default: true}", "{name: localhost, default: true, certificate: tls/gw.pem, key: tls/gw.key}",
		"credential: {none: true}", "credential: {apiKey: {key: {env: NONE}}}").Replace(s.config(""))
	check := func() []string {
		t.Helper()
		r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range r.Problems {
			out = append(out, p.Pos.String()+" "+p.Code)
		}
		slices.Sort(out)
		return out
	}
	s.write(t, "cloister.yaml", config+"colour: blue\n")
	if diff := cmp.Diff([]string{"cloister.yaml:12:1 unknown-field"}, slices.DeleteFunc(check(), func(p string) bool {
		return !strings.HasSuffix(p, "unknown-field")
	})); diff != "" {
		t.Error(diff)
	}
	if err := os.Chmod(filepath.Join(s.dir, "tls", "gw.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := check()
	s.write(t, "cloister.yaml", config)
	// Without the error the same is found, but for what loading alone finds.
	want := append(check(), "cloister.yaml:12:1 unknown-field")
	slices.Sort(want)
	if diff := cmp.Diff(want, broken); diff != "" {
		t.Error(diff)
	}
	if len(broken) != 5 {
		t.Errorf("%d problems: %q", len(broken), broken)
	}
	// What is no YAML at all leaves the policies.
	s.write(t, "cloister.yaml", "name: [\n")
	if got := check(); !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, "apim/apis/openai/policy.xml:3:") }) {
		t.Errorf("got %q", got)
	}
}
