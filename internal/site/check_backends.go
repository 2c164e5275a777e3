package site

import (
	"strings"
)

func (c *checker) backends() {
	var ids []string
	for _, b := range c.service.Backends {
		ids = append(ids, b.ID)
	}
	var seen []string
	for _, id := range sortedKeys(c.Backends) {
		b := c.Backends[id]
		path := "backends." + id
		if findFold(seen, id) != "" {
			c.r.Add(c.at("%s", path), "duplicate-name", "each backend once; ids are compared without case", "remove one",
				"the backend %q stands twice", id)
		}
		seen = append(seen, id)
		doc := c.backendDocument(id)
		c.backendURL(id, b, doc, ids, path)
		if n := b.Credential.count(); n == 0 && !c.given("%s.credential", path) && (doc == nil || len(doc.Headers)+len(doc.Query) == 0) {
			c.r.Add(b.Pos, "missing-field", "a credential", `add "credential: {none: true}" if the backend asks for nothing`,
				"the backend %q does not say how the gateway logs in", id)
		}
		c.credential(b.Credential, path+".credential")
		c.sitePath(b.CAFile, path+".caFile")
	}
	c.backendDocuments()
}

func (c *checker) backendDocument(id string) *Backend {
	for _, b := range c.service.Backends {
		if strings.EqualFold(b.ID, id) {
			return b
		}
	}
	return nil
}

func (c *checker) backendURL(id string, b BackendConfig, doc *Backend, ids []string, path string) {
	switch {
	case b.URL == "" && doc == nil:
		c.r.Add(c.at("%s", path), "unknown-reference", oneOf(ids), firstOf(didYouMean(id, ids), `add "url: https://…" to declare it here`),
			"there is no backend %q in apim/backends", id)
	case b.URL != "" && doc != nil:
		c.r.Add(c.at("%s.url", path), "duplicate-name", "no url", "remove the line; the document counts",
			"apim/backends holds %q with its URL already", id)
	case b.URL != "":
		c.modelURL(b.URL, c.at("%s.url", path), "the backend "+id, !b.Credential.None)
	}
}

func firstOf(s, or string) string {
	if s != "" {
		return s
	}
	return or
}

// modelURL checks where a backend is; secret says that a credential goes there.
func (c *checker) modelURL(s string, pos Pos, who string, secret bool) {
	u, e, expected := parseURL(s, "https", "http", "wss", "ws")
	if u == nil {
		c.r.Add(pos, "invalid-value", expected, "", "%q is not where a backend can be", c.shownURL(s, pos))
		return
	}
	if (u.Scheme == "http" || u.Scheme == "ws") && !(e.addr().IsValid() && e.addr().IsLoopback()) && e.host != "localhost" {
		if secret {
			c.r.Add(pos, "cleartext", "https", "", "%s would get its credential in clear", who)
		} else {
			c.r.Warn(pos, "cleartext", "use https", "%s gets prompts in clear", who)
		}
	}
	c.need("model", e, pos, who)
}

// count is the number of ways that are given.
func (b BackendCredential) count() int {
	n := 0
	for _, given := range []bool{b.None, b.ManagedIdentity != nil, b.APIKey != nil, b.ClientSecret != nil} {
		if given {
			n++
		}
	}
	return n
}

func (c *checker) credential(b BackendCredential, path string) {
	if c.given("%s.none", path) && !b.None {
		c.r.Add(c.at("%s.none", path), "invalid-value", "none: true, or another credential", "", "none cannot be false")
	}
	if m := b.ManagedIdentity; m != nil {
		c.managedIdentity(m)
	}
	if k := b.APIKey; k != nil {
		if !validHeader(k.Header) {
			c.r.Add(c.at("%s.apiKey.header", path), "invalid-value", "a header name", "", "%q is not a header name", k.Header)
		}
		c.secretRef(k.Key)
	}
	if s := b.ClientSecret; s != nil {
		c.identityURL(s.Authority, c.at("%s.clientSecret.authority", path), "the credential")
		c.secretRef(s.Secret)
		c.sitePath(s.CAFile, path+".clientSecret.caFile")
	}
}

// managedIdentity needs instance metadata, unless the platform offers the
// identity elsewhere, which the site lists and the environment names.
func (c *checker) managedIdentity(m *ManagedIdentity) {
	imds := endpoint{"169.254.169.254", 80}
	if _, ok := c.listed("identity", imds); ok {
		return
	}
	if len(c.Destinations.Identity) == 0 {
		c.need("identity", imds, m.Pos, "the managed identity")
		return
	}
	c.r.Warn(m.Pos, "undeclared-destination", c.pasteDestination("identity", imds, false),
		"instance metadata (%s) is not listed in destinations.identity, so a managed identity works only where the platform offers it elsewhere", imds)
}

func validHeader(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// backendDocuments checks apim/backends.
func (c *checker) backendDocuments() {
	for _, b := range c.service.Backends {
		if b.URL != "" {
			secret := len(b.Headers)+len(b.Query) > 0
			for id, cfg := range c.Backends {
				if strings.EqualFold(id, b.ID) && !cfg.Credential.None && cfg.Credential.count() > 0 {
					secret = true
				}
			}
			c.modelURL(b.URL, b.URLPos, "the backend "+b.ID, secret)
		}
		for _, m := range b.Pool {
			c.poolMember(b, m)
		}
	}
}

func (c *checker) poolMember(b *Backend, m PoolMember) {
	var ids []string
	for _, o := range c.service.Backends {
		if o != b {
			ids = append(ids, o.ID)
		}
	}
	for id := range c.Backends {
		if findFold(ids, id) == "" && !strings.EqualFold(id, b.ID) {
			ids = append(ids, id)
		}
	}
	doc := c.backendDocument(m.Backend)
	switch {
	case m.Backend == "": // reported where it was read
	case findFold(ids, m.Backend) == "":
		c.r.Add(m.Pos, "unknown-reference", oneOf(ids), didYouMean(m.Backend, ids), "the pool %q names no backend %q", b.ID, m.Backend)
	case doc != nil && len(doc.Pool) > 0:
		c.r.Add(m.Pos, "unsupported", "a backend of type Single", "", "a pool cannot hold the pool %q", m.Backend)
	}
}

// serviceURLs checks where APIs send requests that no policy sends elsewhere.
func (c *checker) serviceURLs() {
	for _, a := range c.service.APIs {
		if a.ServiceURL != "" {
			c.modelURL(a.ServiceURL, a.ServiceURLPos, "the API "+a.ID, false)
		}
	}
}
