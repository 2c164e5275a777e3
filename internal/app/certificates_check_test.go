package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"net/http"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// TestCertificateProblems: "check" warns a month before a certificate ends and
// refuses one that has ended, is not yet valid, is for another name, or does
// not belong to its key.
func TestCertificateProblems(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	config := bytes.Replace([]byte(s.config("")), []byte("{name: localhost, default: true}"),
		[]byte("{name: localhost, default: true, certificate: tls/gw.pem, key: tls/gw.key}"), 1)
	s.write(t, "cloister.yaml", string(config))
	ca, err := issue.LoadCA(filepath.Join(s.dir, "state", "ca"), issue.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(req issue.Request) (pem, key string) {
		t.Helper()
		cert, err := ca.Issue(req)
		if err != nil {
			t.Fatal(err)
		}
		secretKey, err := cert.KeyPEM()
		if err != nil {
			t.Fatal(err)
		}
		return string(cert.PEM()), secretKey.Reveal()
	}
	good, goodKey := sign(issue.Request{Names: []string{"localhost"}})
	other, otherKey := sign(issue.Request{Names: []string{"other.localhost"}})
	day := 24 * time.Hour
	for name, tt := range map[string]struct {
		pem, key string
		in       time.Duration // the clock stands this much later
		code     string
		ok       bool
	}{
		"fresh":          {good, goodKey, 0, "", true},
		"a month left":   {good, goodKey, 61 * day, "certificate-expires-soon", true},
		"over":           {good, goodKey, 91 * day, "certificate-expired", false},
		"not yet":        {good, goodKey, -2 * day, "certificate-not-yet-valid", false},
		"another name":   {other, otherKey, 0, "certificate-name-mismatch", false},
		"another's key":  {good, otherKey, 0, "certificate-unreadable", false},
		"no certificate": {good, "", 0, "certificate-unreadable", false},
	} {
		t.Run(name, func(t *testing.T) {
			s.write(t, "tls/gw.pem", tt.pem)
			s.write(t, "tls/gw.key", tt.key)
			r, err := Check(t.Context(), CheckOptions{
				Dir: s.dir, Secrets: secret.Env{}, Now: func() time.Time { return time.Now().Add(tt.in) },
			})
			if err != nil {
				t.Fatal(err)
			}
			var problem *site.Problem
			for i := range r.Problems {
				if r.Problems[i].Code == tt.code {
					problem = &r.Problems[i]
				}
			}
			switch {
			case r.OK != tt.ok || tt.code != "" && problem == nil || tt.code == "" && len(r.Problems) > 0:
				t.Errorf("ok: %v, problems: %v", r.OK, r.Problems)
			case problem != nil && (problem.Line == 0 || problem.Mend == "" || problem.Excerpt == ""):
				t.Errorf("a problem without place, mend or excerpt: %+v", *problem)
			}
		})
	}
}

// TestKeyForAll: a key that everybody can read is refused as every secret is.
func TestKeyForAll(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	s.write(t, "cloister.yaml", strings.Replace(s.config(""), "{name: localhost, default: true}",
		"{name: localhost, default: true, certificate: tls/gw.pem, key: tls/gw.key}", 1))
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
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o644: false} {
		if err := os.Chmod(filepath.Join(s.dir, "tls", "gw.key"), mode); err != nil {
			t.Fatal(err)
		}
		r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
		if err != nil || r.OK != ok || !ok && !strings.HasPrefix(r.Problems[0].Mend, "chmod 600 ") {
			t.Errorf("mode %o: %v, %+v", mode, err, r)
		}
	}
}
