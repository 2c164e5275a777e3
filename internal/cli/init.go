package cli

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/site"
)

//go:embed init.yaml.tmpl
var initTemplate string

func initCommand() *command {
	return &command{
		name: "init", args: "[--openai URL] DIR", short: "write a site to begin with",
		long: `Writes a commented site into DIR: cloister.yaml, an API Management folder with one
API for both surfaces of Azure OpenAI, and the site's own CA in DIR/state. It
is closed: nobody can call until you add a key or a token's caller, and nothing
is reached but the Azure OpenAI resource that --openai names, through its private
endpoint. "cloister check DIR" accepts it and "cloister serve DIR" runs it as it
is.

DIR may exist but hold no site.`,
		flags: func(fs *flag.FlagSet) any {
			return fs.String("openai", "", "`URL` of the Azure OpenAI resource, https://NAME.openai.azure.com")
		},
		min: 1, max: 1, run: runInit,
	}
}

func runInit(_ context.Context, env *Env, opt any, args []string) error {
	dir := args[0]
	for _, name := range []string{"cloister.yaml", "cloister.yml", "apim"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds a site already (%s); choose another directory", dir, name)
		}
	}
	files, err := initFiles(*opt.(*string))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	s, problems := site.Load(dir)
	if s == nil {
		return fmt.Errorf("the site that was written is not in order: %w", problems.Err())
	}
	dns, ips := constraintsOf(s)
	if _, err := issue.InitCA(app.CADirectory(s), issue.Options{Name: "Cloister CA of " + s.Config.Name, PermittedDNS: dns, PermittedIPs: ips}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, `wrote a site into %s
Nobody can call it yet: see "subscriptions" in %s.
Next: cloister check %s, then cloister serve %s
`, dir, filepath.Join(dir, "cloister.yaml"), dir, dir)
	return err
}

// initFiles are the files of a new site, by path.
func initFiles(openAI string) (map[string][]byte, error) {
	backend, err := parseOpenAI(openAI)
	if err != nil {
		return nil, err
	}
	t, err := template.New("cloister.yaml").Parse(initTemplate)
	if err != nil {
		return nil, err
	}
	var config bytes.Buffer
	if err := t.Execute(&config, backend); err != nil {
		return nil, err
	}
	files, err := apimFiles()
	if err != nil {
		return nil, err
	}
	files["cloister.yaml"] = config.Bytes()
	files[".gitignore"] = []byte("state/\nkeys/\n*.key\n")
	return files, nil
}

// openAIBackend is what the template needs to know of the resource.
type openAIBackend struct {
	// URL ends in /openai; Host and Port are its own.
	URL, Host, Port string
	// Given: --openai was there.
	Given bool
}

// parseOpenAI reads --openai. Without it the template names a resource that
// does not exist, so that a new site is whole and reaches nothing.
func parseOpenAI(raw string) (openAIBackend, error) {
	b := openAIBackend{Given: raw != ""}
	if raw == "" {
		return openAIBackend{URL: "https://contoso.openai.azure.com/openai", Host: "contoso.openai.azure.com", Port: "443"}, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return b, &usageError{fmt.Sprintf("--openai %q is not an https URL such as https://NAME.openai.azure.com", raw)}
	}
	b.Host, b.Port = strings.ToLower(u.Hostname()), u.Port()
	if b.Port == "" {
		b.Port = "443"
	}
	path := strings.TrimSuffix(u.Path, "/")
	if !strings.HasSuffix(path, "/openai") {
		path += "/openai"
	}
	b.URL = "https://" + strings.ToLower(u.Host) + path
	if addr, err := netip.ParseAddr(b.Host); err == nil && addr.Is6() {
		b.Host = addr.String()
	}
	return b, nil
}
