package policy

import (
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Scopes are the documents that one request runs through, from the outermost
// in. Nil stands for a document that does not exist: it has <base/> in each of
// its sections.
type Scopes struct {
	Global, Product, API, Operation *site.PolicyFile
	// URLTemplate is the operation's, against which the parameters of the
	// operation's rewrite-uri are checked; empty: they are not.
	URLTemplate string
	// Described is the operation whose messages policies hold against what
	// Specification says of them; nil: none.
	Described     *site.Operation
	Specification *site.Specification
}

// Env is what documents may refer to. The zero Env holds nothing.
type Env struct {
	// Fragments are found by id, without case.
	Fragments []*site.Fragment
	// Schemas are those that validate-content may name, by id without case.
	Schemas []*site.Schema
	// NamedValues are the texts for {{name}}.
	NamedValues *NamedValues
	// APIs are those that limits of products may name.
	APIs []*site.API
	// Backends are the backends that set-backend-service may name, by id
	// without case.
	Backends []Backend
	// Loggers are the ids that log-to-eventhub may name, without case.
	Loggers []string

	// Documented are the policies that do as API Management documents, where the
	// gateway does otherwise by default.
	Documented []string
	// Certificates are those that documents may name.
	Certificates []Certificate
	// Missing says why policies cannot run here that can elsewhere, by name.
	Missing map[string]string

	// any: every backend and fragment is taken for there, for documents that are
	// looked at by themselves.
	any bool

	// compiled holds documents that were compiled before; nil: none are kept.
	compiled *compiledDocuments
}

// Backend is a backend that policies may name.
type Backend struct {
	ID string
	// BaseURL is nil for pools.
	BaseURL *url.URL
}

func (b *Backend) target() Target { return Target{ID: b.ID, Pool: b.BaseURL == nil} }

// NewEnv is what the documents of a site may refer to. It remembers what was
// compiled, so that the documents that many operations share are compiled once;
// for that reason one goroutine at a time may compile with it.
func NewEnv(s *site.Site, values *NamedValues) Env {
	env := Env{
		Fragments: s.Service.Fragments, Schemas: s.Service.Schemas, APIs: s.Service.APIs, NamedValues: values,
		compiled: newCompiledDocuments(),
	}
	seen := map[string]bool{}
	add := func(id, base string) {
		if key := strings.ToLower(id); !seen[key] {
			seen[key] = true
			// What does not parse was reported with the site.
			u, _ := parseBaseURL(base)
			env.Backends = append(env.Backends, Backend{ID: id, BaseURL: u})
		}
	}
	for _, l := range s.Service.Loggers {
		env.Loggers = append(env.Loggers, l.ID)
	}
	for _, b := range s.Service.Backends {
		add(b.ID, b.URL)
	}
	if s.Config != nil {
		env.Documented = s.Config.Policies.Documented
		for id, b := range s.Config.Backends {
			add(id, b.URL)
		}
	}
	return env
}

func (e *Env) backend(id string) *Backend {
	if e.any {
		return &Backend{ID: id}
	}
	for i := range e.Backends {
		if strings.EqualFold(e.Backends[i].ID, id) {
			return &e.Backends[i]
		}
	}
	return nil
}

func (e *Env) fragment(id string) *site.Fragment {
	for _, f := range e.Fragments {
		if strings.EqualFold(f.ID, id) {
			return f
		}
	}
	return nil
}

// scope is a level of documents.
type scope uint8

const (
	global scope = iota
	product
	api
	operation
	scopes = 4
	// anyScope is that of a document that is looked at by itself.
	anyScope scope = scopes
)

func (s scope) String() string { return [...]string{"global", "product", "api", "operation", ""}[s] }

// scopeSet is a set of scopes, one bit each.
type scopeSet uint8

const everyScope = scopeSet(1<<global | 1<<product | 1<<api | 1<<operation)

func (s scopeSet) has(x scope) bool { return s&(1<<x) != 0 }

func (s scopeSet) String() string {
	var names []string
	for x := global; x < scopes; x++ {
		if s.has(x) {
			names = append(names, x.String())
		}
	}
	return strings.Join(names, ", ")
}

// section is a part of a document.
type section uint8

const (
	inbound section = iota
	backend
	outbound
	onError
	sections = 4
	// anySection is that of a fragment that is looked at by itself.
	anySection section = sections
)

func (s section) String() string {
	return [...]string{"inbound", "backend", "outbound", "on-error", ""}[s]
}

// sectionSet is a set of sections, one bit each.
type sectionSet uint8

const everySection = sectionSet(1<<inbound | 1<<backend | 1<<outbound | 1<<onError)

func (s sectionSet) has(x section) bool { return s&(1<<x) != 0 }

func (s sectionSet) String() string {
	var names []string
	for x := inbound; x < sections; x++ {
		if s.has(x) {
			names = append(names, x.String())
		}
	}
	return strings.Join(names, ", ")
}

func sectionNames() []string {
	return []string{inbound.String(), backend.String(), outbound.String(), onError.String()}
}

// sectionOf is the section of that name.
func sectionOf(name string) (section, bool) {
	for x := inbound; x < sections; x++ {
		if x.String() == name {
			return x, true
		}
	}
	return 0, false
}
