package simulate

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Documents say what is run.
type Documents struct {
	// Document is the file; it stands at the scope API unless Scopes name it.
	Document string
	// Global, Product, API and Operation are files of the other scopes; empty:
	// there is none.
	Global, Product, API, Operation string
	// Folder is the artifacts folder that defines what documents may name; empty:
	// none does.
	Folder string
	// NamedValues go before those of the folder.
	NamedValues map[string]string
	// Lenient takes every name: a backend without address, a named value whose
	// value is its name.
	Lenient bool
}

// Compiled is what documents come to.
type Compiled struct {
	Pipeline *policy.Pipeline
	Backends []policy.Backend
}

// Compile reads and compiles documents. With an error among the problems there is
// no pipeline; the error is one of a file.
func (d Documents) Compile() (*Compiled, site.Problems, error) {
	env, err := d.env()
	if err != nil {
		return nil, nil, err
	}
	var scopes policy.Scopes
	var files []*site.PolicyFile
	for _, f := range []struct {
		file string
		into **site.PolicyFile
	}{{d.Global, &scopes.Global}, {d.Product, &scopes.Product}, {d.API, &scopes.API}, {d.Operation, &scopes.Operation}} {
		if f.file == "" {
			continue
		}
		source, err := os.ReadFile(f.file)
		if err != nil {
			return nil, nil, err
		}
		*f.into = &site.PolicyFile{Path: filepath.ToSlash(f.file), Source: source}
		files = append(files, *f.into)
	}
	if d.Document != "" {
		source, err := os.ReadFile(d.Document)
		if err != nil {
			return nil, nil, err
		}
		file := &site.PolicyFile{Path: filepath.ToSlash(d.Document), Source: source}
		files = append(files, file)
		if scopes.API != nil {
			return nil, nil, errors.New("there are two documents of the scope api")
		}
		scopes.API = d.alone(file, env)
	}
	for _, f := range env.Fragments {
		files = append(files, f.Policy)
	}
	if d.Lenient {
		take(env, files)
	}
	p, problems := policy.Compile(scopes, *env)
	if p == nil {
		return nil, problems, nil
	}
	return &Compiled{p, env.Backends}, problems, nil
}

// alone is a document as one of a scope: a fragment is included by one that does
// nothing else.
func (d Documents) alone(file *site.PolicyFile, env *policy.Env) *site.PolicyFile {
	doc, problems := policy.Read(file.Path, file.Source)
	if problems.HasErrors() || doc.Root == nil || doc.Root.Name != "fragment" {
		return file
	}
	const id = "the-document"
	env.Fragments = append(env.Fragments, &site.Fragment{ID: id, Policy: file})
	return &site.PolicyFile{Path: "", Source: []byte(`<policies><inbound><include-fragment fragment-id="` + id + `" /></inbound></policies>`)}
}

// env is what the folder defines.
func (d Documents) env() (*policy.Env, error) {
	values := &policy.NamedValues{}
	env := &policy.Env{NamedValues: values}
	if d.Folder != "" {
		fsys := os.DirFS(d.Folder)
		artifacts := site.ReadArtifacts(fsys)
		for _, v := range artifacts.NamedValues {
			switch {
			case v.Value != "":
				values.Set(v.Name, secret.New(v.Value), v.Secret)
			case d.Lenient:
				values.Set(v.Name, secret.New(v.Name), false)
			}
		}
		env.Loggers = artifacts.Loggers
		for _, id := range artifacts.Certificates {
			env.Certificates = append(env.Certificates, policy.Certificate{ID: id})
		}
		for _, id := range artifacts.Backends {
			env.Backends = append(env.Backends, policy.Backend{ID: id, BaseURL: backendURL(fsys, id)})
		}
		for _, id := range artifacts.Fragments {
			for _, collection := range []string{"policy fragments", "policyFragments"} {
				name := path.Join(collection, id, "policy.xml")
				if source, err := fs.ReadFile(fsys, name); err == nil {
					shown := filepath.ToSlash(filepath.Join(d.Folder, filepath.FromSlash(name)))
					env.Fragments = append(env.Fragments, &site.Fragment{ID: id, Policy: &site.PolicyFile{Path: shown, Source: source}})
				}
			}
		}
	}
	for name, v := range d.NamedValues {
		values.Set(name, secret.New(v), false)
	}
	return env, nil
}

// backendURL is the address of a backend of the folder; nil for pools, and where
// it cannot be read.
func backendURL(fsys fs.FS, id string) *url.URL {
	data, err := fs.ReadFile(fsys, path.Join("backends", id, "backendInformation.json"))
	if err != nil {
		return nil
	}
	var doc struct {
		Properties struct {
			URL string `json:"url"`
		} `json:"properties"`
	}
	if json.Unmarshal(data, &doc) != nil || doc.Properties.URL == "" {
		return nil
	}
	u, err := url.Parse(doc.Properties.URL)
	if err != nil {
		return nil
	}
	return u
}

// take takes every name that documents use.
func take(env *policy.Env, files []*site.PolicyFile) {
	for _, file := range files {
		doc, problems := policy.Read(file.Path, file.Source)
		if problems.HasErrors() || doc.Root == nil {
			continue
		}
		takeNode(env, doc.Root)
	}
}

func takeNode(env *policy.Env, n *policy.Node) {
	takeNames := func(text string) {
		for _, name := range policy.Names(text) {
			if !env.NamedValues.Known(name) {
				env.NamedValues.Set(name, secret.New(name), false)
			}
		}
	}
	for i := range n.Attributes {
		takeNames(n.Attributes[i].Value)
	}
	template := n.Attribute("template")
	liquid := n.Name == "set-body" && template != nil && strings.EqualFold(strings.TrimSpace(template.Value), "liquid")
	for _, k := range n.Children {
		if k.Name == "" && !liquid { // a template has braces of its own
			takeNames(k.Text)
		}
	}
	for _, name := range []string{"backend-id", "embeddings-backend-id"} {
		if a := n.Attribute(name); a != nil && !strings.HasPrefix(strings.TrimSpace(a.Value), "@") {
			id := strings.TrimSpace(a.Value)
			if !slices.ContainsFunc(env.Backends, func(b policy.Backend) bool { return strings.EqualFold(b.ID, id) }) {
				env.Backends = append(env.Backends, policy.Backend{ID: id})
			}
		}
	}
	if a := n.Attribute("logger-id"); a != nil {
		env.Loggers = append(env.Loggers, strings.TrimSpace(a.Value))
	}
	if a := n.Attribute("fragment-id"); a != nil && n.Name == "include-fragment" {
		id := strings.TrimSpace(a.Value)
		if !slices.ContainsFunc(env.Fragments, func(f *site.Fragment) bool { return strings.EqualFold(f.ID, id) }) {
			env.Fragments = append(env.Fragments, &site.Fragment{ID: id, Policy: &site.PolicyFile{Path: id, Source: []byte("<fragment />")}})
		}
	}
	for _, k := range n.Elements() {
		takeNode(env, k)
	}
}
