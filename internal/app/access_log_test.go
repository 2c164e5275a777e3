package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestCheckAccessLog: an access log that cannot be made is warned of, at the
// field; one that can is not made.
func TestCheckAccessLog(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	for name, want := range map[string]string{
		"stdout": "", "stderr": "", "access.log": "", "logs/access.log": "there is no directory for",
		"/nonexistent/access.log": "there is no directory for", "keys": "is a directory", "keys/team": "", "keys/team/a.log": "cannot be opened",
	} {
		s.write(t, "cloister.yaml", s.config("telemetry:\n  accessLog: "+name+"\n"))
		r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
		if err != nil || !r.OK {
			t.Fatalf("%s: %v, %v", name, err, r.Problems)
		}
		switch {
		case want == "" && len(r.Problems) > 0:
			t.Errorf("%s: %v", name, r.Problems)
		case want != "" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, want) || !strings.Contains(r.Problems[0].Excerpt, "  accessLog: ")):
			t.Errorf("%s: %+v", name, r.Problems)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "access.log")); err == nil {
		t.Error("the check made the file")
	}
}

// TestSharedKey: a key that two subscriptions have is reported where the second
// one names it.
func TestSharedKey(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	s.write(t, "cloister.yaml", strings.Replace(s.config(""), "destinations:", "- {name: other, scope: /apis, primaryKey: {file: keys/team}}\ndestinations:", 1))
	r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		if p.Severity == site.Error && (p.Code != "subscription-keys" || !strings.HasPrefix(p.Excerpt, "- {name: other,")) {
			t.Errorf("got %+v", p)
		}
	}
	if r.OK {
		t.Error("accepted")
	}
}
