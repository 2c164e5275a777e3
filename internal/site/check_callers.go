package site

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func (c *checker) callers() {
	c.callerKinds(c.Callers.Default, "callers.default")
	ids := c.apiIDs()
	var seen []string
	for _, id := range sortedKeys(c.Callers.APIs) {
		if findFold(seen, id) != "" {
			c.r.Add(c.at("callers.apis.%s", id), "duplicate-name", "each API once; ids are compared without case", "remove one",
				"the API %q stands twice", id)
		}
		seen = append(seen, id)
		if findFold(ids, id) == "" {
			c.r.Add(c.at("callers.apis.%s", id), "unknown-reference", oneOf(ids), didYouMean(id, ids),
				"there is no API %q in apim/apis", id)
		}
		c.callerKinds(c.Callers.APIs[id], "callers.apis."+id)
	}
}

func (c *checker) callerKinds(kinds []string, path string) {
	seen := map[string]bool{}
	for i, k := range kinds {
		pos := c.at("%s[%d]", path, i)
		if seen[k] {
			c.r.Add(pos, "duplicate-name", "", "remove one", "%q stands twice", k)
		}
		seen[k] = true
		switch {
		case (k == CallerToken || k == CallerSubscriptionAndToken) && len(c.Tokens.Issuers) == 0:
			c.r.Warn(pos, "nobody-can-call", "add an issuer to tokens.issuers", "callers by token are accepted, but no issuer is trusted")
		case k == CallerCertificate && !slices.ContainsFunc(c.Hostnames, func(h Hostname) bool { return h.ClientCA != "" }):
			c.r.Warn(pos, "nobody-can-call", "add clientCA to a hostname", "callers by certificate are accepted, but no client is asked for one")
		case k == CallerAnonymous:
			c.r.Warn(pos, "anonymous-callers", "", "whoever reaches the listener may call")
		}
	}
}

func (c *checker) apiIDs() []string { return c.documents.resources("apis") }

// findFold is the element that equals s without case, as Azure compares ids.
func findFold(list []string, s string) string {
	for _, e := range list {
		if strings.EqualFold(e, s) {
			return e
		}
	}
	return ""
}

func (c *checker) subscriptionNames() []string {
	var all []string
	for _, s := range c.Subscriptions {
		if findFold(all, s.Name) == "" && s.Name != "" {
			all = append(all, s.Name)
		}
	}
	for _, id := range c.documents.resources("subscriptions") {
		if findFold(all, id) == "" {
			all = append(all, id)
		}
	}
	return all
}

func (c *checker) findSubscription(name string) string { return findFold(c.subscriptionNames(), name) }

// subscriptions checks cloister.yaml's and completes scope and state from the
// document of the same name.
func (c *checker) subscriptions() {
	var seen []string
	for i := range c.Subscriptions {
		s, path := &c.Subscriptions[i], c.path("subscriptions", i)
		if !c.given("%s.name", path) {
			continue
		}
		if !validID(s.Name) {
			c.r.Add(c.at("%s.name", path), "invalid-value", "a resource name: 1 to 256 characters without * # & + : < > ? / and spaces around them",
				"", "%q is not a name", s.Name)
		}
		if findFold(seen, s.Name) != "" {
			c.r.Add(c.at("%s.name", path), "duplicate-name", "each subscription once", "remove one", "%q stands twice", s.Name)
		}
		seen = append(seen, s.Name)
		c.complete(s, path)
		if s.PrimaryKey != nil && s.SecondaryKey != nil && sameSecret(*s.PrimaryKey, *s.SecondaryKey) {
			c.r.Add(s.SecondaryKey.Pos, "invalid-value", "another secret", "",
				"primary and secondary key are the same, so neither can be renewed without the other")
		}
		c.secretRef(s.PrimaryKey)
		c.secretRef(s.SecondaryKey)
		c.boundTo(s.BoundTo, path)
	}
	for _, name := range sortedKeys(c.NamedValues) {
		ref := c.NamedValues[name]
		c.secretRef(&ref)
	}
}

// traced checks policies.trace. A name that neither cloister.yaml nor
// apim/subscriptions knows may be one that "subscription create" has made: so it is
// a warning.
func (c *checker) traced() {
	known := c.subscriptionNames()
	var seen []string
	for i, name := range c.Policies.Trace {
		pos := c.at("policies.trace[%d]", i)
		switch {
		case !validID(name):
			c.r.Add(pos, "invalid-value", "the name of a subscription", didYouMean(name, known), "%q is not a name", name)
		case findFold(seen, name) != "":
			c.r.Add(pos, "duplicate-name", "each subscription once; names are compared without case", "remove one", "%q stands twice", name)
		case findFold(known, name) == "":
			c.r.Problems = append(c.r.Problems, Problem{
				Severity: Warning, Pos: pos, Code: "unknown-reference", Expected: oneOf(known),
				Message: fmt.Sprintf("the site has no subscription %q: unless \"cloister subscription create\" made it, nobody is traced by that name", name),
				Mend:    didYouMean(name, known),
			})
		}
		seen = append(seen, name)
	}
}

// complete fills scope and state.
func (c *checker) complete(s *SubscriptionConfig, path string) {
	var doc *Subscription
	for _, d := range c.service.Subscriptions {
		if strings.EqualFold(d.ID, s.Name) {
			doc = d
		}
	}
	scope, ok := normalScope(s.Scope)
	switch {
	case s.Scope == "" && doc == nil:
		c.r.Add(s.Pos, "missing-field", "a scope", `add "scope: /apis/ID" or "scope: /products/ID"`,
			"the subscription %q has no scope and no document in apim/subscriptions", s.Name)
	case s.Scope == "":
		s.Scope = doc.Scope
	case !ok || scope != s.Scope:
		c.r.Add(c.at("%s.scope", path), "invalid-value", "/apis, /apis/ID or /products/ID", c.scopeMend(s.Scope), "%q is not a scope", s.Scope)
	case doc != nil && !strings.EqualFold(doc.Scope, s.Scope):
		c.r.Add(c.at("%s.scope", path), "invalid-value", doc.Scope, "remove the line; the document counts",
			"the document in apim/subscriptions says scope %q", doc.Scope)
	default:
		c.scopeExists(s.Scope, c.at("%s.scope", path))
	}
	switch {
	case s.State == "" && doc != nil:
		s.State = doc.State
	case s.State == "":
		s.State = defaultState
	case doc != nil && doc.State != s.State:
		c.r.Add(c.at("%s.state", path), "invalid-value", doc.State, "remove the line; the document counts",
			"the document in apim/subscriptions says state %q", doc.State)
	}
}

// scopeExists reports a scope that names no API or product.
func (c *checker) scopeExists(scope string, pos Pos) {
	kind, id, _ := strings.Cut(strings.TrimPrefix(scope, "/"), "/")
	known := c.documents.resources(kind)
	if id == "" || findFold(known, id) != "" {
		return
	}
	scopes := make([]string, len(known))
	for i, k := range known {
		scopes[i] = "/" + kind + "/" + k
	}
	c.r.Add(pos, "unknown-reference", oneOf(scopes), firstOf(didYouMean(scope, scopes), c.scopeMend(id)), "there is no %q in apim/%s", id, kind)
}

// scopeMend is the scope that what is none was meant to be: an id, or a part of
// a scope.
func (c *checker) scopeMend(scope string) string {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	id := parts[len(parts)-1]
	if id == "" {
		return ""
	}
	scopes := map[string]string{"apis": "/apis"}
	for _, kind := range []string{"products", "apis"} { // an API before a product of its id
		for _, k := range c.documents.resources(kind) {
			scopes[k] = "/" + kind + "/" + k
		}
	}
	if n := nearest(id, sortedKeys(scopes)); n != "" {
		return fmt.Sprintf("write %q", scopes[n])
	}
	return ""
}

// normalScope drops what stands before the last /apis or /products, and takes
// the scope of a whole service for all APIs.
func normalScope(scope string) (string, bool) {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	n := len(parts)
	switch {
	case scope == "" || !strings.HasPrefix(scope, "/"):
		return "", false
	case parts[n-1] == "apis":
		return "/apis", true
	case n >= 2 && (parts[n-2] == "apis" || parts[n-2] == "products") && parts[n-1] != "":
		return "/" + parts[n-2] + "/" + parts[n-1], true
	case n >= 2 && strings.EqualFold(parts[n-2], "service"):
		return "/apis", true
	default:
		return "", false
	}
}

func sameSecret(a, b SecretRef) bool {
	a.Pos, b.Pos = Pos{}, Pos{}
	return a == b && a != (SecretRef{})
}

// secretRef checks the one field that is given.
func (c *checker) secretRef(ref *SecretRef) {
	if ref == nil {
		return
	}
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	credential := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	switch {
	case ref.Env != "" && !name.MatchString(ref.Env):
		c.src.hide(ref.Pos)
		c.r.Add(ref.Pos, "invalid-value", "the name of an environment variable", "", "env is not a name")
	case ref.Credential != "" && !credential.MatchString(ref.Credential):
		c.src.hide(ref.Pos)
		c.r.Add(ref.Pos, "invalid-value", "the name of a systemd credential", "", "credential is not a name")
	case ref.KeyVault != "":
		c.vaultURL(ref.KeyVault, "secrets", ref.Pos)
	}
}

func (c *checker) boundTo(b *Binding, path string) {
	if b == nil {
		return
	}
	if b.Principals == nil && b.Certificates == nil {
		c.r.Add(b.Pos, "missing-field", "principals or certificates", "", "boundTo binds to nothing")
	}
	c.fingerprints(b.Certificates, path+".boundTo.certificates")
}

// plainFingerprint is a mend for a fingerprint as other tools write it: in
// capitals, with colons, behind the name of the digest.
func plainFingerprint(f string) string {
	_, digits, ok := strings.Cut(f, "=")
	if !ok {
		digits = f
	}
	digits = strings.ToLower(strings.NewReplacer(":", "", " ", "", "-", "").Replace(digits))
	switch {
	case strings.Trim(digits, "0123456789abcdef") != "":
	case len(digits) == 64:
		return fmt.Sprintf("write %q", digits)
	case len(digits) == 40:
		return "take the SHA-256 fingerprint: openssl x509 -in CERTIFICATE -noout -fingerprint -sha256"
	}
	return ""
}

// validID reports whether s can be an Azure resource name.
func validID(s string) bool {
	return s != "" && len(s) <= 256 && strings.TrimSpace(s) == s && !strings.ContainsAny(s, `*#&+:<>?/\`)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
