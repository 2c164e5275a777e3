package backend

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// defaultMaxConnections bounds connections to one host.
const defaultMaxConnections = 512

// never is the end of what does not run out.
var never = time.Time{}

// compiler makes a [Set]; what is wrong it notes and goes on.
type compiler struct {
	site     *site.Site
	opt      Options
	set      *Set
	problems site.Problems
	// configs is cloister.yaml's backends by id in lower case.
	configs map[string]site.BackendConfig
}

// Compile makes the backends of a site: those of apim/backends with what
// cloister.yaml adds to them, and those that cloister.yaml declares. With an
// error among the problems there is no set. It connects to nothing.
func Compile(s *site.Site, opt Options) (*Set, site.Problems) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	set := &Set{
		dialer: opt.Dialer, log: opt.Log, now: opt.Now, retries: opt.Retries, minted: &minted{now: opt.Now},
		byID: map[string]*Backend{}, byOrigin: map[origin][]*Backend{}, known: map[baseKey]*Backend{},
		shared: newWays(opt.Dialer, egress.TransportOptions{MaxConns: defaultMaxConnections}),
	}
	set.ways = append(set.ways, set.shared)
	c := &compiler{site: s, opt: opt, set: set, configs: map[string]site.BackendConfig{}}
	for id, b := range s.Config.Backends {
		c.configs[strings.ToLower(id)] = b
	}
	c.singles()
	c.pools()
	c.serviceURLs()
	c.problems.Sort()
	if c.problems.HasErrors() {
		return nil, c.problems
	}
	return set, c.problems
}

func (c *compiler) singles() {
	for _, b := range c.site.Service.Backends {
		if len(b.Pool) == 0 {
			c.single(b.ID, b.URL, b, cmp.Or(b.URLPos, b.Pos))
		}
	}
	for _, id := range sortedKeys(c.site.Config.Backends) {
		if b := c.site.Config.Backends[id]; b.URL != "" {
			c.single(id, b.URL, nil, b.Pos)
		}
	}
}

// single compiles one backend; doc is nil for one of cloister.yaml.
func (c *compiler) single(id, raw string, doc *site.Backend, pos site.Pos) {
	u, err := url.Parse(raw)
	var p place
	if err == nil {
		p, err = parse(u)
	}
	if err != nil {
		c.problems.Add(pos, "backend-url", "https://HOST[:PORT][/PATH]", "", "the backend %q: %v", id, err)
		return
	}
	c.reachable(id, p, pos)
	cfg := c.configs[strings.ToLower(id)]
	at := &service{id: id, scheme: p.scheme, authority: p.authority, base: p.base, passCallerToken: cfg.PassCallerToken}
	at.roots = c.pool(cfg.CAFile, cfg.Pos)
	if doc != nil {
		at.breaker.rule = doc.Breaker
	}
	c.set.services = append(c.set.services, at)
	if c.opt.Previous != nil {
		for _, was := range c.opt.Previous.services {
			if strings.EqualFold(was.id, id) && was.authority == at.authority {
				at.breaker.inherit(&was.breaker)
			}
		}
	}
	at.ways = newWays(c.opt.Dialer, egress.TransportOptions{RootCAs: at.roots, MaxConns: cmp.Or(cfg.MaxConnections, defaultMaxConnections)})
	c.set.ways = append(c.set.ways, at.ways)
	if doc != nil {
		c.verification(doc)
		c.documentCredential(doc, at)
	}
	c.credential(id, cfg, at)
	b := c.set.single(at, p)
	c.set.byID[strings.ToLower(id)] = b
	c.set.index(b, p)
	c.set.known[keyOf(u)] = b
}

// reachable repeats what the site's own check says, because credentials hang
// on it.
func (c *compiler) reachable(id string, p place, pos site.Pos) {
	switch {
	case !c.opt.Dialer.Listed(egress.Model, p.host, p.port):
		c.problems.Add(pos, "destination-missing", "", egress.Mend(egress.Model, p.host, p.port),
			"the backend %q is at %s, which destinations.model does not list", id, p.authority)
	case p.scheme == "http" && !c.opt.Dialer.LoopbackOnly(egress.Model, p.host, p.port):
		c.problems.Add(pos, "plaintext", "https://", "use https, or an exact loopback address such as 127.0.0.1",
			"the backend %q would get prompts in clear", id)
	}
}

// verification says that a document's wish not to verify is not followed: a
// server that is not verified is anybody, and gets prompts and credentials.
func (c *compiler) verification(b *site.Backend) {
	mend := "give the CA's certificate, in cloister.yaml: backends: {" + b.ID + ": {caFile: …}}"
	if !b.ValidateChain {
		c.problems.Warn(b.Pos, "still-verified", mend, "validateCertificateChain is false; the certificate of the backend %q is verified all the same", b.ID)
	}
	if !b.ValidateName {
		c.problems.Warn(b.Pos, "still-verified", "write the URL with a name that the certificate holds, and pin its addresses in destinations.model",
			"validateCertificateName is false; the name in the certificate of the backend %q is verified all the same", b.ID)
	}
}

// pool reads a PEM bundle of the site; nil for none: the system's.
func (c *compiler) pool(file string, pos site.Pos) *x509.CertPool {
	if file == "" {
		return nil
	}
	pool := x509.NewCertPool()
	if text, ok := c.site.Files[file]; !ok || !pool.AppendCertsFromPEM(text) {
		c.problems.Add(pos, "ca-file", "a PEM file with a certificate", "", "%s holds no certificate", file)
	}
	return pool
}

// identityConns bounds connections to an authority: one attempt is made at a
// time.
const identityConns = 4

// identityClient reaches those who give tokens to the gateway. Attempts are
// bounded by whoever makes them.
func (c *compiler) identityClient(roots *x509.CertPool) *http.Client {
	return c.opt.Dialer.Client(egress.Identity, egress.TransportOptions{RootCAs: roots, MaxConns: identityConns}, 0)
}

// credential is what cloister.yaml says; it comes before the document's.
func (c *compiler) credential(id string, cfg site.BackendConfig, at *service) {
	pos := cmp.Or(cfg.Credential.Pos, cfg.Pos)
	opt := acquire.Options{
		InstanceMetadata: c.opt.Dialer.InstanceMetadata(), Now: c.opt.Now, Log: c.opt.Log.With(slog.String("backend", id)),
		Minted: func(v secret.Value, expires time.Time) { c.set.minted.bind(v, at.authority, expires) },
	}
	var source *acquire.Cache
	var err error
	switch k := cfg.Credential; {
	case k.ManagedIdentity != nil:
		opt.Client = c.identityClient(nil)
		source, err = acquire.ManagedIdentity(k.ManagedIdentity, opt)
	case k.ClientSecret != nil:
		opt.Client = c.identityClient(c.pool(k.ClientSecret.CAFile, pos))
		var v secret.Value
		if v, err = secret.Resolve(k.ClientSecret.Secret, c.opt.Secrets); err == nil {
			source, err = acquire.ClientSecret(k.ClientSecret, v, opt)
		}
	case k.APIKey != nil:
		err = c.apiKey(k.APIKey, at)
	}
	if err != nil {
		c.problems.Add(pos, "backend-credential", "", "", "the credential of the backend %q: %v", id, err)
		return
	}
	if source != nil {
		c.seed(source)
		c.set.sources = append(c.set.sources, source)
		at.credential.token = source
	}
}

func (c *compiler) apiKey(k *site.APIKey, at *service) error {
	v, err := secret.Resolve(k.Key, c.opt.Secrets)
	if err != nil {
		return err
	}
	text := v.Reveal()
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return fmt.Errorf("the key has a character that no header can hold")
		}
	}
	name := http.CanonicalHeaderKey(cmp.Or(k.Header, "api-key"))
	_, key, scheme := strings.Cut(text, " ")
	if !scheme {
		key = text
	}
	c.set.minted.bind(secret.New(key), at.authority, never)
	if name == "Authorization" && !scheme {
		v = secret.New("Bearer " + text)
	}
	at.credential.setHeader(name, v)
	return nil
}

// seed takes over a token that the set before has.
func (c *compiler) seed(source *acquire.Cache) {
	if c.opt.Previous == nil {
		return
	}
	for _, was := range c.opt.Previous.sources {
		if source.Seed(was) {
			return
		}
	}
}

// pools come after their members.
func (c *compiler) pools() {
	for _, doc := range c.site.Service.Backends {
		if len(doc.Pool) == 0 {
			continue
		}
		b := &Backend{set: c.set, id: doc.ID, pass: true, cookie: doc.AffinityCookie}
		var list []*member
		var priorities []int
		for _, m := range doc.Pool {
			one := c.set.byID[strings.ToLower(m.Backend)]
			if one == nil || one.one == nil {
				c.problems.Add(m.Pos, "pool-member", "a backend of type Single", "", "the pool %q names %q, which is no single backend", doc.ID, m.Backend)
				continue
			}
			c.set.join(one.one, c.opt.Previous)
			token := affinityToken(doc.ID, one.id, one.one.authority)
			list, priorities = append(list, &member{service: one.one, weight: m.Weight, token: token}), append(priorities, m.Priority)
			b.pass = b.pass && one.pass
			if !slices.Contains(b.paths, one.base.escaped) {
				b.paths = append(b.paths, one.base.escaped)
			}
		}
		if cfg, ok := c.configs[strings.ToLower(doc.ID)]; ok {
			c.problems.Add(cfg.Pos, "pool-settings", "settings of its members", "move them to the members",
				"%q is a pool, and has no credential, CA or connections of its own", doc.ID)
		}
		b.pool = newPool(list, priorities)
		c.set.byID[strings.ToLower(doc.ID)] = b
	}
}

// serviceURLs makes the base URLs of APIs known, so that requests need not
// search.
func (c *compiler) serviceURLs() {
	for _, api := range c.site.Service.APIs {
		if api.ServiceURL == "" {
			continue
		}
		u, err := url.Parse(api.ServiceURL)
		if err != nil || c.set.known[keyOf(u)] != nil || u.User != nil || u.RawQuery != "" {
			continue // reported by the site's own check
		}
		b, err := c.set.search(u)
		if err != nil {
			c.problems.Add(cmp.Or(api.ServiceURLPos, api.Pos), "destination-missing", "", "list it in destinations.model", "the API %q: %v", api.ID, err)
			continue
		}
		c.set.known[keyOf(u)] = b
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
