package gateway

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// Snapshot is what requests of one loaded site are decided by. It is
// immutable.
type Snapshot struct {
	Site *site.Site

	router *Router
	// directory is all who may call; it changes while the snapshot is in force.
	directory *verify.Directory
	tokens    *verify.TokenVerifier
	backends  *backend.Set
	limits    site.Limits

	// products by id in lower case.
	products map[string]*site.Product
	// deployment is what expressions see of the gateway.
	deployment *request.Deployment
}

// CompileOptions are what a [Snapshot] needs beside the site's documents.
type CompileOptions struct {
	// Directory is all who may call, those of the store included.
	Directory *verify.Directory
	// Tokens verifies tokens; nil where the site trusts no issuer.
	Tokens *verify.TokenVerifier
	// Backends are the compiled backends of the site.
	Backends *backend.Set
	// Policies is what policy documents may refer to.
	Policies policy.Env
	// MayCall says why a URL cannot be called by policies; nil: nobody looks.
	MayCall func(*url.URL) error
	// MayFetch says why an OpenID configuration cannot be fetched; nil: nobody
	// looks.
	MayFetch func(*url.URL) error
	// MayLog says why policies cannot log to a logger; nil: nobody looks.
	MayLog func(id string) error
}

// Compile makes the snapshot of a site. With an error among the problems there
// is none.
func Compile(s *site.Site, opt CompileOptions) (*Snapshot, site.Problems) {
	var problems site.Problems
	snap := &Snapshot{
		Site: s, tokens: opt.Tokens, backends: opt.Backends, limits: frontLimits(s.Config.Limits),
		directory: opt.Directory, products: map[string]*site.Product{},
	}
	snap.limits.MaxWebSocketsPerCaller = cmp.Or(snap.limits.MaxWebSocketsPerCaller, 100)
	snap.deployment = &request.Deployment{ServiceName: &s.Config.Name, ServiceID: &s.Config.Name, GatewayID: &s.Config.Name, InstanceID: &s.Config.Name}
	for _, p := range s.Service.Products {
		snap.products[strings.ToLower(p.ID)] = p
	}
	snap.warnUnpublished(&problems)
	c := &pipelineCompiler{site: s, env: opt.Policies, backends: opt.Backends, mayCall: opt.MayCall, mayFetch: opt.MayFetch, mayLog: opt.MayLog, seen: map[string]bool{}}
	rt, ps := newRouter(s, snap, c)
	problems = append(problems, ps...)
	problems = append(problems, c.problems...)
	snap.router = rt
	problems.Sort()
	if problems.HasErrors() {
		return nil, problems
	}
	return snap, problems
}

// warnUnpublished names subscriptions that open nothing because their product
// is not published.
func (s *Snapshot) warnUnpublished(problems *site.Problems) {
	warn := func(pos site.Pos, name, scope string) {
		if kind, id := scopeParts(scope); kind == "products" {
			if p := s.product(id); p != nil && !p.Published {
				problems.Warn(pos, "product-not-published", `set "state": "published" in the product's document`,
					"the product %q is not published, so the subscription %q opens nothing", p.ID, name)
			}
		}
	}
	for _, sub := range s.Site.Service.Subscriptions {
		warn(sub.Pos, sub.ID, sub.Scope)
	}
	for _, sub := range s.Site.Config.Subscriptions {
		warn(sub.Pos, sub.Name, sub.Scope)
	}
}

// subscription finds a subscription by id, nil for none.
func (s *Snapshot) subscription(name string) *verify.KeySubscription {
	return s.directory.Get(name)
}

// Subscriptions is how many there are.
func (s *Snapshot) Subscriptions() int { return s.directory.Len() }

// Close lets go of what the snapshot holds, once no request uses it.
func (s *Snapshot) Close() {
	if s.tokens != nil {
		s.tokens.Close()
	}
	s.backends.CloseIdle()
}

// CallerView says who may call one API, for "check".
type CallerView struct {
	API, Path string
	Kinds     []string
	// Implied: the site does not say; this is what follows from it.
	Implied bool
	// Subscriptions whose scope covers the API, active ones only.
	Subscriptions []string
	Pos           site.Pos
}

// Callers says who may call, API by API.
func (s *Snapshot) Callers() []CallerView {
	var views []CallerView
	for _, api := range s.Site.Service.APIs {
		rules := compileCallers(s.Site.Config, api)
		v := CallerView{API: api.ID, Path: "/" + api.Path, Kinds: rules.kinds, Implied: rules.implied, Pos: api.Pos}
		for _, configured := range s.Site.Config.Subscriptions {
			if sub := s.subscription(configured.Name); sub != nil && sub.Active() && s.covers(sub.Scope, api) {
				v.Subscriptions = append(v.Subscriptions, sub.ID)
			}
		}
		views = append(views, v)
	}
	return views
}

// pipelineCompiler compiles the pipelines of operations, each problem once
// however many operations a document takes part in.
type pipelineCompiler struct {
	site *site.Site
	env  policy.Env
	// backends are those that requests can reach; nil: not looked at.
	backends *backend.Set
	mayCall  func(*url.URL) error
	mayFetch func(*url.URL) error
	mayLog   func(id string) error
	seen     map[string]bool
	problems site.Problems
}

// api compiles the pipelines of requests that match the API and no operation
// of a policy of its own, by product.
func (c *pipelineCompiler) api(api *site.API) map[string]*policy.Pipeline {
	return c.compile(api, nil)
}

// operation is api for one operation; base are those of its API.
func (c *pipelineCompiler) operation(api *site.API, op *site.Operation, base map[string]*policy.Pipeline) map[string]*policy.Pipeline {
	if op.Policy == nil {
		return base
	}
	return c.compile(api, op)
}

func (c *pipelineCompiler) compile(api *site.API, op *site.Operation) map[string]*policy.Pipeline {
	pipelines := map[string]*policy.Pipeline{"": c.one(nil, api, op)}
	for _, p := range c.site.Service.Products {
		for _, member := range p.APIs {
			if strings.EqualFold(member, api.ID) {
				pipelines[strings.ToLower(p.ID)] = c.one(p.Policy, api, op)
			}
		}
	}
	return pipelines
}

func (c *pipelineCompiler) one(product *site.PolicyFile, api *site.API, op *site.Operation) *policy.Pipeline {
	scopes := policy.Scopes{Global: c.site.Service.Policy, Product: product, API: api.Policy, Specification: api.Specification}
	if op != nil {
		scopes.Operation, scopes.URLTemplate, scopes.Described = op.Policy, op.URLTemplate, op
	}
	p, problems := policy.Compile(scopes, c.env)
	if p != nil && c.backends != nil {
		c.checkTargets(p, &problems)
	}
	if p != nil && c.mayCall != nil {
		c.checkCalls(p, &problems)
	}
	if p != nil && c.mayFetch != nil {
		c.checkConfigurations(p, &problems)
	}
	if p != nil && c.mayLog != nil {
		c.checkLoggers(p, &problems)
	}
	for _, problem := range problems {
		if line := problem.String(); !c.seen[line] {
			c.seen[line] = true
			c.problems = append(c.problems, problem)
		}
	}
	return p
}

// checkTargets refuses backends that a document names and no request could
// reach.
func (c *pipelineCompiler) checkTargets(p *policy.Pipeline, problems *site.Problems) {
	for _, use := range p.Targets() {
		if _, err := c.backends.Lookup(use.ID, use.BaseURL); err != nil {
			problems.Add(use.Pos, "backend-unknown", "a backend of the site, or a URL that destinations.model lists",
				"declare it in backends: of cloister.yaml, or list its host in destinations.model", "%v", err)
		}
	}
}

// checkCalls refuses URLs that a document calls and the site does not allow.
func (c *pipelineCompiler) checkCalls(p *policy.Pipeline, problems *site.Problems) {
	for _, use := range p.Calls() {
		err := c.mayCall(use.URL)
		if err == nil {
			continue
		}
		if use.Secret {
			err = errors.New("destinations.call does not list it, or it is none that can be called")
		}
		problems.Add(use.Pos, "undeclared-destination", "a URL that destinations.call lists",
			"", "the policy calls a URL that it may not: %v", err)
	}
}

// checkLoggers refuses loggers that nothing can be logged to.
func (c *pipelineCompiler) checkLoggers(p *policy.Pipeline, problems *site.Problems) {
	for _, use := range p.Loggers() {
		if err := c.mayLog(use.ID); err != nil {
			problems.Add(use.Pos, "logger-unusable", "an event hub that can be reached",
				"correct loggerInformation.json, and list the namespace in destinations.call", "the logger %q: %v", use.ID, err)
		}
	}
}

// serviceURL parses an API's service URL; nil for none.
func serviceURL(api *site.API, problems *site.Problems) *url.URL {
	if api.ServiceURL == "" {
		return nil
	}
	u, err := url.Parse(api.ServiceURL)
	if err != nil {
		problems.Add(api.ServiceURLPos, "service-url", "an https URL", "correct serviceUrl", "service URL of API %q: %v", api.ID, err)
		return nil
	}
	return u
}
