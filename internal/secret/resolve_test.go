package secret

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func write(t *testing.T, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolve(t *testing.T) {
	dir, creds := t.TempDir(), t.TempDir()
	abs := write(t, filepath.Join(dir, "abs"), "absolute", 0o400)
	write(t, filepath.Join(dir, "rel"), "relative\n", 0o600)
	write(t, filepath.Join(dir, "group"), "group\r\n", 0o640)
	write(t, filepath.Join(dir, "two"), "two\n\n", 0o600)
	write(t, filepath.Join(dir, "empty"), "\n", 0o600)
	write(t, filepath.Join(dir, "most"), strings.Repeat("x", MaxSize), 0o600)
	write(t, filepath.Join(dir, "more"), strings.Repeat("x", MaxSize+1), 0o600)
	write(t, filepath.Join(dir, "world"), "hidden-text", 0o644)
	write(t, filepath.Join(dir, "worldwrite"), "hidden-text", 0o602)
	write(t, filepath.Join(creds, "openai"), "from systemd", 0o400)
	if err := os.Symlink("rel", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	env := Env{SiteDir: dir, CredentialsDir: creds, LookupEnv: func(name string) (string, bool) {
		v, ok := map[string]string{"KEY": "from env", "BLANK": ""}[name]
		return v, ok
	}}

	for _, c := range []struct {
		name string
		ref  site.SecretRef
		want string
	}{
		{"absolute", site.SecretRef{File: abs}, "absolute"},
		{"relative", site.SecretRef{File: "rel"}, "relative"},
		{"readable by the group", site.SecretRef{File: "group"}, "group"},
		{"one newline only", site.SecretRef{File: "two"}, "two\n"},
		{"largest", site.SecretRef{File: "most"}, strings.Repeat("x", MaxSize)},
		{"symbolic link", site.SecretRef{File: "link"}, "relative"},
		{"environment", site.SecretRef{Env: "KEY"}, "from env"},
		{"credential", site.SecretRef{Credential: "openai"}, "from systemd"},
	} {
		v, err := Resolve(&c.ref, env)
		if err != nil || v.Reveal() != c.want {
			t.Errorf("%s: got %d bytes and %v", c.name, len(v.Reveal()), err)
		}
	}

	for _, c := range []struct {
		name string
		ref  *site.SecretRef
		env  Env
		want string
	}{
		{"nil", nil, env, "no reference is given"},
		{"nothing", &site.SecretRef{}, env, "the reference is empty"},
		{"two places", &site.SecretRef{File: "rel", Env: "KEY"}, env, "more than one place"},
		{"missing", &site.SecretRef{File: "missing"}, env, "there is no such file"},
		{"empty", &site.SecretRef{File: "empty"}, env, "it is empty"},
		{"too large", &site.SecretRef{File: "more"}, env, "larger than 65536 bytes"},
		{"readable by all", &site.SecretRef{File: "world"}, env, "chmod 600"},
		{"writable by all", &site.SecretRef{File: "worldwrite"}, env, "mode 0602"},
		{"directory", &site.SecretRef{File: "."}, env, "not a regular file"},
		{"variable not set", &site.SecretRef{Env: "OTHER"}, env, "not set"},
		{"variable empty", &site.SecretRef{Env: "BLANK"}, env, "it is empty"},
		{"no environment", &site.SecretRef{Env: "KEY"}, Env{}, "not set"},
		{"no credentials", &site.SecretRef{Credential: "openai"}, Env{}, "LoadCredential=openai"},
		{"credential outside", &site.SecretRef{Credential: "../x"}, env, "no slashes"},
		{"credential above", &site.SecretRef{Credential: ".."}, env, "no slashes"},
		{"credential missing", &site.SecretRef{Credential: "none"}, env, "no such file"},
	} {
		v, err := Resolve(c.ref, c.env)
		var typed *Error
		if !errors.As(err, &typed) || !v.IsZero() {
			t.Errorf("%s: got %v, want an *Error", c.name, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %q, want %q in it", c.name, err, c.want)
		}
		if strings.Contains(err.Error(), "hidden-text") {
			t.Errorf("%s: the error shows the secret: %v", c.name, err)
		}
	}
}
