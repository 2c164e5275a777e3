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
	"os"
	"path/filepath"
	"slices"
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
		long: `Writes a commented site into DIR: cloister.yaml, an API Management folder with
one API for both surfaces of Azure OpenAI, a network with the subnets app, gateway
and endpoints, and the site's own CA. "cloister check DIR" accepts it and "cloister
serve --detached DIR" runs it as it is; without --detached the host has to have an
address in the subnet gateway.

It is closed. Nobody can call until you add a subscription's key or the callers
of a token issuer, and nothing is reached but the resource that --openai names,
at the address of its private endpoint.

DIR may exist, but hold no site. It is written as a whole or not at all.`,
		flags: func(fs *flag.FlagSet) any {
			return fs.String("openai", "", "`URL` of the Azure OpenAI resource, https://NAME.openai.azure.com; without it the site names one that you replace")
		},
		examples: []entry{
			{"cloister init site --openai https://contoso.openai.azure.com\ncloister check site\ncloister serve --detached site", "from nothing to a gateway on 127.0.0.1:8443 that lets nobody in"},
		},
		files: []entry{
			{"DIR/cloister.yaml", "what Azure would infer, with comments"},
			{"DIR/apim", "an APIOps artifacts folder"},
			{"DIR/network", "the network around the gateway, as ARM documents"},
			{"DIR/state/ca", "the site's own CA; DIR/.gitignore keeps it out of git"},
		},
		failed: "DIR holds a site already or cannot be written, or the resource cannot be a model",
		min:    1, max: 1, run: runInit,
	}
}

func runInit(ctx context.Context, env *Env, opt any, args []string) error {
	dir := args[0]
	resource, err := parseOpenAI(*opt.(*string))
	if err != nil {
		return err
	}
	files, err := initFiles(resource)
	if err != nil {
		return err
	}
	if err := isEmptyOfSites(dir); err != nil {
		return err
	}
	if err := writeSite(ctx, env, dir, files); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, `wrote a site into %s
Nobody can call it yet: see "subscriptions" in %s.
Next: cloister check %s, then cloister serve --detached %s
`, dir, filepath.Join(dir, "cloister.yaml"), shellQuote(dir), shellQuote(dir))
	return err
}

// isEmptyOfSites refuses a directory in which something of a site lies.
func isEmptyOfSites(dir string) error {
	for _, name := range []string{"cloister.yaml", "cloister.yml", "apim", "network", "state"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return mended(fmt.Errorf("%s holds a site already (%s)", dir, name), "choose another directory")
		}
	}
	return nil
}

// initFiles are the files of a new site, by slash-separated path.
func initFiles(resource openAIResource) (map[string][]byte, error) {
	t, err := template.New("cloister.yaml").Parse(initTemplate)
	if err != nil {
		return nil, err
	}
	var config bytes.Buffer
	if err := t.Execute(&config, resource); err != nil {
		return nil, err
	}
	files, err := apimFiles()
	if err != nil {
		return nil, err
	}
	network, err := networkFiles(resource)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, network)
	files["cloister.yaml"] = config.Bytes()
	files[".gitignore"] = []byte("/state/\n/keys/\n*.key\n")
	return files, nil
}

// writeSite makes a site in dir. What is half written lies in a directory
// beside its place.
func writeSite(ctx context.Context, env *Env, dir string, files map[string][]byte) (err error) {
	if _, missing := os.Lstat(dir); missing != nil {
		defer func() {
			if err != nil {
				os.Remove(dir) // only while it is empty
			}
		}()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(dir, ".init-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(draft)
	if err := writeFiles(draft, files); err != nil {
		return err
	}
	if err := completeSite(ctx, env, draft); err != nil {
		return err
	}
	return moveInto(dir, draft)
}

func writeFiles(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// completeSite makes the CA of a new site and checks all of it, as "check"
// does: what --openai names may be what a model cannot be.
func completeSite(ctx context.Context, env *Env, dir string) error {
	s, problems := site.Load(dir)
	if s == nil {
		return refuseInit(env, problems)
	}
	dns, ips := constraintsOf(s)
	if _, err := issue.InitCA(app.CADirectory(s), issue.Options{Name: caName(s), PermittedDNS: dns, PermittedIPs: ips}); err != nil {
		return err
	}
	r, err := app.Check(ctx, app.CheckOptions{Dir: dir, Secrets: secretsOf(env)})
	if err != nil {
		return err
	}
	if !r.OK {
		return refuseInit(env, r.Problems)
	}
	return nil
}

// refuseInit says what is wrong with a site that is not going to be: without
// places, which would be in files that nobody can look at.
func refuseInit(env *Env, problems site.Problems) error {
	shown := withoutNotes(problems)
	for i := range shown {
		shown[i].Pos, shown[i].Excerpt = site.Pos{}, ""
	}
	writeProblems(env.Stderr, coloursFor(env.Stderr, env), shown)
	fmt.Fprintln(env.Stderr, "refused: nothing was written")
	return errSilent
}

// moveInto moves what lies in draft to dir. A .gitignore that is there stays.
func moveInto(dir, draft string) error {
	entries, err := os.ReadDir(draft)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(dir, e.Name())
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(filepath.Join(draft, e.Name()), to); err != nil {
			return err
		}
	}
	return nil
}
