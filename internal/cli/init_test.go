package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// run runs a command line in the test's own process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), args, Env{
		Stdout: &out, Stderr: &errs,
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	return code, out.String(), errs.String()
}

// exampleLine is an example in the template: "#" that goes on without a blank,
// or with the indentation of a line that does.
var exampleLine = regexp.MustCompile(`(?m)^( *)#(( {2,})?[-a-zA-Z].*)$`)

// blocks are the examples of a new site by the first word of each.
func blocks(config string) map[string]string {
	out, name := map[string]string{}, ""
	for line := range strings.Lines(config) {
		m := exampleLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			name = ""
			continue
		}
		if name == "" {
			name = strings.Trim(strings.TrimSpace(m[2]), "-: {")
			name, _, _ = strings.Cut(name, ":")
			if _, taken := out[name]; taken {
				name += "'"
			}
		}
		out[name] += line
	}
	return out
}

// uncomment takes the "#" away from the examples that are named.
func uncomment(config string, names ...string) string {
	all := blocks(config)
	for _, n := range names {
		config = strings.Replace(config, all[n], exampleLine.ReplaceAllString(all[n], "$1$2"), 1)
	}
	return config
}

// TestTemplateExamples: what the template of a new site shows as an example is
// accepted where the "#" is taken away.
func TestTemplateExamples(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	if code, _, errs := run(t, "init", dir); code != 0 {
		t.Fatal(errs)
	}
	fresh, err := os.ReadFile(filepath.Join(dir, "cloister.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"keys/team-a": []byte("0123456789abcdef0123456789abcdef\n"), "keys/azure-openai": []byte("fedcba9876543210fedcba9876543210\n"),
	} {
		write(t, filepath.Join(dir, name), content)
	}
	cert, key := selfSigned(t, "openai.internal.example")
	write(t, filepath.Join(dir, "tls/openai.pem"), cert)
	write(t, filepath.Join(dir, "tls/openai.key"), key)

	found := blocks(string(fresh))
	for _, name := range []string{"name", "callers", "subscriptions", "tokens", "host", "audit"} {
		if found[name] == "" {
			t.Errorf("the template shows no example %q", name)
		}
	}
	if len(found) != 6 {
		t.Errorf("the template shows %d examples, and this test knows 6", len(found))
	}
	tokens := []string{"callers", "subscriptions", "tokens", "host"}
	for name, config := range map[string]string{
		"a hostname of its own": uncomment(string(fresh), "name"),
		"a first key":           uncomment(string(fresh), "subscriptions"),
		"callers by token":      uncomment(string(fresh), tokens...),
		"everything":            uncomment(string(fresh), append(tokens, "name", "audit")...),
		"a key for the model":   strings.Replace(strings.Replace(string(fresh), "# apiKey:", "apiKey:", 1), "managedIdentity: {}", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if config == string(fresh) {
				t.Fatal("nothing was taken into use")
			}
			write(t, filepath.Join(dir, "cloister.yaml"), []byte(config))
			r, err := app.Check(t.Context(), app.CheckOptions{Dir: dir, Secrets: secret.Env{}})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				// A witness is not everybody's at once, and check says so.
				if p.Code == "no-witness" && name != "everything" {
					continue
				}
				// The test's machine stands in a subnet of its own.
				if p.Code == "subnet" {
					continue
				}
				// Nobody has made an identity for the test's machine.
				if p.Severity == site.Error || p.Severity == site.Warning && name != "a key for the model" {
					t.Errorf("%s\n%s", p, p.Excerpt)
				}
			}
		})
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// selfSigned is a certificate of nobody's authority, as another authority's
// would be.
func selfSigned(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE " + "KEY", Bytes: pkcs8})
}

func TestParseOpenAI(t *testing.T) {
	for raw, want := range map[string]openAIResource{
		"":                                 {"https://contoso.openai.azure.com/openai", "contoso.openai.azure.com", 443, false},
		"https://x.openai.azure.com":       {"https://x.openai.azure.com/openai", "x.openai.azure.com", 443, true},
		"https://x.openai.azure.com/":      {"https://x.openai.azure.com/openai", "x.openai.azure.com", 443, true},
		"https://X.OpenAI.Azure.com/":      {"https://x.openai.azure.com/openai", "x.openai.azure.com", 443, true},
		"https://x.example/openai":         {"https://x.example/openai", "x.example", 443, true},
		"https://x.example/openai/":        {"https://x.example/openai", "x.example", 443, true},
		"https://x.example/openai/v1/":     {"https://x.example/openai", "x.example", 443, true},
		"https://x.example/models/openai/": {"https://x.example/models/openai", "x.example", 443, true},
		"https://x.example:443":            {"https://x.example/openai", "x.example", 443, true},
		"https://x.example:8443":           {"https://x.example:8443/openai", "x.example", 8443, true},
		"https://x.example:":               {"https://x.example/openai", "x.example", 443, true},
		"https://10.0.0.5":                 {"https://10.0.0.5/openai", "10.0.0.5", 443, true},
		"https://[fd00::5]":                {"https://[fd00::5]/openai", "fd00::5", 443, true},
		"https://[FD00:0::5]:8443":         {"https://[fd00::5]:8443/openai", "fd00::5", 8443, true},
		"https://[::ffff:10.0.0.5]":        {"https://10.0.0.5/openai", "10.0.0.5", 443, true},
	} {
		if got, err := parseOpenAI(raw); err != nil || got != want {
			t.Errorf("%q: %+v %v; want %+v", raw, got, err, want)
		}
	}
	for _, raw := range []string{
		"x.openai.azure.com", "http://x.openai.azure.com", "https://", "https:x.example", "https://u:p@x.example",
		"https://x.example?api-version=1", "https://x.example#f", "https://x.example:0", "https://x.example:70000",
		"https://x.example/openai/deployments/gpt-4o", "https://x.example/v1", "https://x.example//openai",
		"https://x.example/a%2fb", "https://[fe80::1%25eth0]", "://", " ",
	} {
		if got, err := parseOpenAI(raw); err == nil {
			t.Errorf("%q is accepted: %+v", raw, got)
		}
	}
}

// TestInitLeavesNothing: where writing fails there is no half of a site.
func TestInitLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := run(t, "init", "--openai", "https://8.8.8.8", dir)
	if code != exitFailed || !strings.Contains(errs, "not-private") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v %v", list, err)
	}
}
