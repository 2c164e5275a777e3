package app

import (
	"crypto/tls"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// partial finds problems of a site that could not be loaded, in what stands for
// itself: policy documents, and secrets and certificates that cloister.yaml
// names where they belong. It reports nothing that may be right once the rest
// is; what depends on the rest is found when the site loads.
func partial(opt CheckOptions) site.Problems {
	problems := partialPolicies(opt.Dir)
	config := filepath.Join(opt.Dir, "cloister.yaml")
	if _, err := os.Stat(config); err != nil {
		config = filepath.Join(opt.Dir, "cloister.yml")
	}
	data, err := os.ReadFile(config)
	var doc yaml.Node
	if err != nil || yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return problems
	}
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return problems
	}
	p := partialConfig{file: filepath.Base(config)}
	s := &site.Site{Dir: dir, Config: p.read(doc.Content[0]), Service: &site.Service{}}
	b := &built{site: s, pairs: map[string]*tls.Certificate{}, certificates: certificates{files: map[string][]byte{}, expiry: map[string]time.Time{}}}
	opt.Secrets.SiteDir = dir
	at := surroundings{secrets: opt.Secrets, now: opt.Now, digestKey: make([]byte, 32), development: opt.Development, offline: true, elsewhere: true}
	b.addVaults(&at)
	b.checkSecrets(at)
	b.addCallers(at)
	for i := range p.named {
		if _, err := secret.Resolve(p.named[i].ref, at.secrets); err != nil {
			b.secretProblem(p.named[i].ref.Pos, err, "the named value %q", p.named[i].name)
		}
	}
	b.partialFront(at)
	// Without the line: what else stands in it was not found to hold no secret.
	b.site.Files = nil
	b.finish()
	return append(problems, b.problems...)
}

// partialFront checks certificates that have files of their own.
func (b *built) partialFront(at surroundings) {
	exists := func(name string) bool {
		_, err := os.Stat(b.path(name))
		return name != "" && err == nil
	}
	cfg := b.site.Config
	cfg.Hostnames = slices.DeleteFunc(cfg.Hostnames, func(h site.Hostname) bool {
		return h.Name == "" || !exists(h.Certificate) || !exists(h.Key)
	})
	for i := range cfg.Hostnames {
		b.hostname(&cfg.Hostnames[i], at)
	}
}

// partialConfig reads what is in its place of a cloister.yaml with errors.
type partialConfig struct {
	file  string
	named []namedRef
}

type namedRef struct {
	name string
	ref  *site.SecretRef
}

func (p *partialConfig) read(root *yaml.Node) *site.Config {
	cfg := &site.Config{Backends: map[string]site.BackendConfig{}}
	for _, h := range elements(member(root, "hostnames")) {
		cfg.Hostnames = append(cfg.Hostnames, site.Hostname{
			Pos: p.at(h), Name: text(member(h, "name")), Certificate: text(member(h, "certificate")), Key: text(member(h, "key")),
		})
	}
	for _, s := range elements(member(root, "subscriptions")) {
		cfg.Subscriptions = append(cfg.Subscriptions, site.SubscriptionConfig{
			Name: text(member(s, "name")), PrimaryKey: p.ref(member(s, "primaryKey")), SecondaryKey: p.ref(member(s, "secondaryKey")),
		})
	}
	for id, b := range members(member(root, "backends")) {
		credential := member(b, "credential")
		cfg.Backends[id] = site.BackendConfig{Credential: site.BackendCredential{
			APIKey:       &site.APIKey{Key: p.ref(member(member(credential, "apiKey"), "key"))},
			ClientSecret: &site.ClientSecret{Secret: p.ref(member(member(credential, "clientSecret"), "secret"))},
		}}
	}
	for name, v := range members(member(root, "namedValues")) {
		if ref := p.ref(v); ref != nil {
			p.named = append(p.named, namedRef{name, ref})
		}
	}
	return cfg
}

// ref is a reference with exactly one place; nil for anything else.
func (p *partialConfig) ref(n *yaml.Node) *site.SecretRef {
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) != 2 || text(n.Content[1]) == "" {
		return nil
	}
	ref := &site.SecretRef{Pos: p.at(n)}
	switch value := text(n.Content[1]); n.Content[0].Value {
	case "file":
		ref.File = value
	case "env":
		ref.Env = value
	case "credential":
		ref.Credential = value
	default:
		return nil
	}
	return ref
}

func (p *partialConfig) at(n *yaml.Node) site.Pos {
	return site.Pos{File: p.file, Line: n.Line, Column: n.Column}
}

// text is a scalar; empty: it is none.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func elements(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func members(n *yaml.Node) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = n.Content[i+1]
		}
	}
	return out
}

func member(n *yaml.Node, name string) *yaml.Node { return members(n)[name] }

// dependent reports whether a problem of a policy lies in the rest of a site.
func dependent(p site.Problem) bool {
	switch p.Code {
	case "unknown-backend", "unknown-fragment", "second-forward-request":
		return true
	}
	return p.Severity != site.Error
}

// partialPolicies compiles each policy document of apim/ for itself. One with
// named values is only read: its meaning depends on them.
func partialPolicies(dir string) site.Problems {
	var problems site.Problems
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	fsys := root.FS()
	_ = fs.WalkDir(fsys, "apim", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() != "policy.xml" {
			return nil // what cannot be read was reported by loading
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil
		}
		for _, p := range partialPolicy(&site.PolicyFile{Path: name, Source: data}) {
			if !dependent(p) {
				if p.Excerpt == "" {
					p.Excerpt = site.Excerpt(data, p.Pos)
				}
				problems = append(problems, p)
			}
		}
		return nil
	})
	return problems
}

func partialPolicy(file *site.PolicyFile) site.Problems {
	scopes, ok := scopesOf(file)
	if !ok || strings.Contains(string(file.Source), "{{") {
		_, problems := policy.Read(file.Path, file.Source)
		return problems
	}
	_, problems := policy.Compile(scopes, policy.Env{})
	return problems
}

// scopesOf is the scope of a document by its folder.
func scopesOf(file *site.PolicyFile) (scopes policy.Scopes, ok bool) {
	parts := strings.Split(file.Path, "/")
	switch {
	case len(parts) == 2:
		return policy.Scopes{Global: file}, true
	case len(parts) == 4 && parts[1] == "products":
		return policy.Scopes{Product: file}, true
	case len(parts) == 4 && parts[1] == "apis":
		return policy.Scopes{API: file}, true
	case len(parts) == 6 && parts[1] == "apis" && parts[3] == "operations":
		return policy.Scopes{Operation: file}, true
	}
	return policy.Scopes{}, false
}
