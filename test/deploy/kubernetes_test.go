package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// document is what the test reads of a manifest.
type document struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Args           []string
					ReadinessProbe struct{ Exec struct{ Command []string } } `yaml:"readinessProbe"`
				}
				Volumes []volume
			}
		}
	}
}

type volume struct {
	Name      string
	Projected struct {
		Sources []struct {
			ConfigMap mounted `yaml:"configMap"`
			Secret    mounted
		}
	}
}

// mounted says which keys become which files.
type mounted struct {
	Name  string
	Items []struct{ Key, Path string }
}

// manifest returns the one document of a kind in deploy/kubernetes.
func manifest(t *testing.T, file, kind string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), "deploy", "kubernetes", file))
	if err != nil {
		t.Fatal(err)
	}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc document
		if err := d.Decode(&doc); err != nil {
			t.Fatalf("no %s in %s: %v", kind, file, err)
		}
		if doc.Kind == kind {
			return doc
		}
	}
}

// TestSiteOfConfigMap lays the example's files as the kubelet does, symbolic
// links and all, and has "cloister check" look at them.
func TestSiteOfConfigMap(t *testing.T) {
	pod := manifest(t, "2-gateway.yaml", "StatefulSet").Spec.Template.Spec
	ca, err := issue.NewCA(issue.Options{Name: "example", PermittedDNS: []string{"corp.example"}})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer("models.corp.example")
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]map[string]string{
		"cloister-site": manifest(t, "1-site.yaml", "ConfigMap").Data,
		"cloister-tls":  secretOf(t, cert),
		"cloister-keys": {"team-a": key, "azure-openai": key},
	}
	dir := filepath.Join(t.TempDir(), "site")
	data := filepath.Join(dir, "..2026_01_01_00_00_00.1")
	for _, source := range pod.Volumes[0].Projected.Sources {
		for _, from := range []mounted{source.ConfigMap, source.Secret} {
			for _, item := range from.Items {
				text, ok := content[from.Name][item.Key]
				if !ok {
					t.Errorf("%s has no %s", from.Name, item.Key)
				}
				write(t, filepath.Join(data, item.Path), text)
			}
			if n := len(content[from.Name]); n != len(from.Items) {
				t.Errorf("%s has %d keys, %d are mounted", from.Name, n, len(from.Items))
			}
		}
	}
	link(t, filepath.Base(data), filepath.Join(dir, "..data"))
	for _, name := range []string{"cloister.yaml", "apim", "tls", "keys"} {
		link(t, filepath.Join("..data", name), filepath.Join(dir, name))
	}
	out, err := exec.Command(testenv.Binary(t), "check", dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ok: 0 errors") {
		t.Errorf("check: %v\n%s", err, out)
	}
	if got := pod.Containers[0].Args; len(got) != 2 || got[0] != "serve" {
		t.Errorf("it runs %q", got)
	}
	// The probe asks in words that the program knows.
	probe := pod.Containers[0].ReadinessProbe.Exec.Command
	out, err = exec.Command(testenv.Binary(t), append(probe[1:], "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("%q: %v\n%s", probe, err, out)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// secretOf is a certificate as a Secret of type kubernetes.io/tls holds it.
func secretOf(t *testing.T, cert *issue.Certificate) map[string]string {
	t.Helper()
	dir := t.TempDir()
	out := map[string]string{"tls.crt": "", "tls.key": ""}
	if err := cert.WriteFiles(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")); err != nil {
		t.Fatal(err)
	}
	for name := range out {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	return out
}
