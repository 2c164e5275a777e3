package app

import (
	"net/http"
	"strings"
	"testing"
)

// TestMissingSecrets: a secret that is not there is reported once, where it is
// referred to, with a command that makes it.
func TestMissingSecrets(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), map[string]string{
		"apim/named values/model-key/namedValueInformation.json": `{"properties": {"displayName": "model-key", "secret": true}}`,
		"apim/policy.xml": `<policies><inbound><set-header name="x-key"><value>{{model-key}}</value></set-header></inbound><backend><forward-request/></backend><outbound/><on-error/></policies>`,
	})
	config := s.config("namedValues:\n  model-key: {file: keys/named value}\n")
	config = strings.Replace(config, "keys/team", "keys/none", 1)
	s.write(t, "cloister.yaml", config)
	r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(config, "\n")
	var found []string
	for _, p := range r.Problems {
		if p.Severity != "error" {
			continue
		}
		switch {
		case p.Code != "secret-unreadable":
			t.Errorf("a problem of another kind: %v", p)
		case p.File != "cloister.yaml" || !strings.Contains(lines[p.Line-1], "file: keys/"):
			t.Errorf("another place: %v", p)
		case !strings.Contains(p.Mend, "(umask 077; cat > "):
			t.Errorf("no mend: %v", p)
		}
		found = append(found, p.Message)
	}
	if len(found) != 2 {
		t.Errorf("%d problems: %q", len(found), found)
	}
}
