package site

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

func (l *apimLoader) versionSets(dir string) {
	l.each(dir, versionSetDocument(), func(id, _ string, at Pos, p *value) {
		s := &VersionSet{
			Pos: at, ID: id, Name: textOf(p.get("displayName")),
			QueryName: textOf(p.get("versionQueryName")), HeaderName: textOf(p.get("versionHeaderName")),
		}
		scheme := p.get("versioningScheme")
		s.Scheme = findFold([]string{VersioningSegment, VersioningQuery, VersioningHeader}, textOf(scheme))
		switch {
		case s.Scheme == "":
			l.r.Add(posOf(scheme, at), "invalid-value", "Segment, Query or Header", "", "%q is no versioning scheme", textOf(scheme))
		case s.Scheme == VersioningQuery && s.QueryName == "":
			l.r.Add(posOf(scheme, at), "missing-field", "versionQueryName", "", "the scheme Query names no query parameter")
		case s.Scheme == VersioningHeader && !validHeader(s.HeaderName):
			l.r.Add(posOf(scheme, at), "missing-field", "versionHeaderName", "", "the scheme Header names no header")
		}
		l.service.VersionSets = append(l.service.VersionSets, s)
	})
}

func (l *apimLoader) namedValues(dir string) {
	l.each(dir, namedValueDocument(), func(id, _ string, at Pos, p *value) {
		v := &NamedValue{
			Pos: at, ID: id, Name: textOf(p.get("displayName")), Value: textOf(p.get("value")),
			Secret:   boolOf(p.get("secret"), false),
			KeyVault: textOf(p.at("keyVault", "secretIdentifier")),
		}
		if v.Name == "" {
			v.Name = id
		}
		if v.KeyVault != "" {
			v.Secret = true
		}
		if p.get("value") != nil && v.Secret {
			l.r.source(at.File, nil).hide(p.get("value").pos)
		}
		if isRedacted(v.Value) {
			v.Value = ""
		}
		l.service.NamedValues = append(l.service.NamedValues, v)
	})
}

// isRedacted reports the mark that extractors leave in place of a secret.
func isRedacted(s string) bool {
	return strings.Contains(s, "REDACTED") && strings.Trim(s, "* REDACT") == ""
}

func (l *apimLoader) fragments(dir string) {
	l.each(dir, fragmentDocument(), func(id, dir string, at Pos, p *value) {
		f := &Fragment{Pos: at, ID: id, Policy: l.policy(dir)}
		value := p.get("value")
		switch {
		case f.Policy != nil && textOf(value) != "" && !sameText(f.Policy.Source, value.text):
			l.r.Add(value.pos, "duplicate-name", "the fragment once", "remove value, or policy.xml", "the fragment stands here and, in other words, in policy.xml")
		case f.Policy == nil && textOf(value) != "":
			f.Policy = &PolicyFile{Path: at.File + "#properties.value", Source: []byte(value.text)}
		case f.Policy == nil:
			l.r.Add(at, "missing-file", policyFile, "", "the fragment %q has no text", id)
			return
		}
		l.service.Fragments = append(l.service.Fragments, f)
	})
}

// sameText compares a file with a text, but for byte order mark, line ends and
// space around. Older extractors write a fragment in both places.
func sameText(file []byte, text string) bool {
	normal := func(s string) string {
		return strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(s, "\ufeff"), "\r\n", "\n"))
	}
	return normal(string(file)) == normal(text)
}

func (l *apimLoader) backends(dir string) {
	l.each(dir, backendDocument(), func(id, _ string, at Pos, p *value) {
		b := &Backend{
			Pos: at, ID: id, URL: textOf(p.get("url")), URLPos: posOf(p.get("url"), at),
			ValidateChain: boolOf(p.at("tls", "validateCertificateChain"), true),
			ValidateName:  boolOf(p.at("tls", "validateCertificateName"), true),
		}
		b.Headers = l.credentials(at, p.at("credentials", "header"))
		b.Query = l.credentials(at, p.at("credentials", "query"))
		if a := p.at("credentials", "authorization"); textOf(a.get("scheme")) != "" {
			l.r.source(at.File, nil).hide(posOf(a.get("parameter"), at))
			if b.Headers == nil {
				b.Headers = map[string][]string{}
			}
			b.Headers["Authorization"] = []string{textOf(a.get("scheme")) + " " + textOf(a.get("parameter"))}
			l.literal(a.get("parameter"))
		}
		if v := p.get("protocol"); textOf(v) != "" && !strings.EqualFold(v.text, "http") {
			l.r.Add(v.pos, "unsupported", "http", "", "backends of protocol %q are not supported", v.text)
		}
		l.pool(b, p)
		b.Breaker = l.breaker(p.get("circuitBreaker"))
		l.service.Backends = append(l.service.Backends, b)
	})
}

func (l *apimLoader) pool(b *Backend, p *value) {
	for i, m := range p.at("pool", "services").items() {
		member := PoolMember{Pos: m.pos, Backend: lastSegment(textOf(m.get("id"))), Weight: 1}
		if member.Backend == "" {
			l.r.Add(m.pos, "missing-field", "id", "", "member %d of the pool names no backend", i+1)
		}
		l.share(m.get("priority"), &member.Priority)
		l.share(m.get("weight"), &member.Weight)
		b.Pool = append(b.Pool, member)
	}
	l.affinity(b, p.at("pool", "sessionAffinity"))
	kind := p.get("type")
	switch {
	case strings.EqualFold(textOf(kind), "pool"):
		if len(b.Pool) == 0 {
			l.r.Add(kind.pos, "missing-field", "pool.services", "", "the pool %q has no members", b.ID)
		}
		b.URL = ""
	case textOf(kind) != "" && !strings.EqualFold(textOf(kind), "single"):
		l.r.Add(kind.pos, "invalid-value", "Single or Pool", "", "%q is no type of backend", textOf(kind))
	case len(b.Pool) > 0 && b.URL != "":
		l.r.Add(b.URLPos, "invalid-value", "url or pool", `write "type": "Pool" if it is one`, "the backend %q has a URL and a pool", b.ID)
	case len(b.Pool) == 0 && b.URL == "":
		l.r.Add(b.URLPos, "missing-field", "url", "", "the backend %q has no URL", b.ID)
	}
}

// items are the elements of a list; none for nil.
func (v *value) items() []*value {
	if v == nil {
		return nil
	}
	return v.list
}

// share reads a priority or a weight.
func (l *apimLoader) share(v *value, into *int) {
	if v == nil || v.kind != kindNumber {
		return
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 0 || n > 100 {
		l.r.Add(v.pos, "invalid-value", "an integer from 0 to 100", "", "%s is out of range", v.text)
		return
	}
	*into = n
}

// credentials reads headers or query parameters: a list of texts each.
func (l *apimLoader) credentials(at Pos, v *value) map[string][]string {
	if v.empty() {
		return nil
	}
	out := map[string][]string{}
	for _, m := range v.members {
		m.value.walk(func(e *value) { l.r.source(at.File, nil).hide(e.pos) })
		if m.value.kind == kindText {
			out[m.name] = []string{m.value.text}
			l.literal(m.value)
			continue
		}
		if m.value.kind != kindList || len(textsOf(m.value)) != len(m.value.list) {
			l.r.Add(m.value.pos, "wrong-type", "a list of texts", "", "%q is not a list of texts", m.name)
			continue
		}
		out[m.name] = textsOf(m.value)
		for _, e := range m.value.list {
			l.literal(e)
		}
	}
	return out
}

// literal warns of a credential that is written out.
func (l *apimLoader) literal(v *value) {
	if s := textOf(v); s != "" && !strings.Contains(s, "{{") {
		l.r.Warn(v.pos, "secret-in-clear", "use a named value, {{NAME}}, and name its place in cloister.yaml, namedValues",
			"if this is a credential, it stands in clear")
	}
}

func (l *apimLoader) products(dir string) {
	l.each(dir, productDocument(), func(id, dir string, at Pos, p *value) {
		prod := &Product{
			Pos: at, ID: id, Name: textOf(p.get("displayName")),
			SubscriptionRequired: boolOf(p.get("subscriptionRequired"), true),
			ApprovalRequired:     boolOf(p.get("approvalRequired"), false),
			Published:            strings.EqualFold(textOf(p.get("state")), "published"),
			Policy:               l.policy(dir),
		}
		if prod.Name == "" {
			prod.Name = id
		}
		if v := p.get("state"); textOf(v) != "" && !prod.Published && !strings.EqualFold(v.text, "notPublished") {
			l.r.Add(v.pos, "invalid-value", "published or notPublished", "", "%q is no state of a product", v.text)
		}
		prod.APIs = l.association(dir, "apis", "productApiInformation.json")
		prod.Groups = l.association(dir, "groups", "productGroupInformation.json")
		l.take(path.Join(dir, "tags.json"))
		l.service.Products = append(l.service.Products, prod)
	})
}

// association reads what a resource is linked with: a list in NAME.json, or a
// folder NAME with one folder each. Both are in use.
func (l *apimLoader) association(dir, name, file string) []string {
	var ids []string
	list := path.Join(dir, name+".json")
	if data, ok := l.take(list); ok {
		src := l.r.source(list, data)
		root := parseJSON(src, informationBounds(), l.r)
		if root != nil && root.kind != kindList {
			l.r.Add(root.pos, "wrong-type", `a list such as [{"name": "ID"}]`, "", "the document holds %s", root.kind)
			root = nil
		}
		unresolved(root, l.r)
		for _, e := range root.items() {
			id := textOf(e)
			if e.kind == kindObject {
				id = textOf(e.get("name"))
			}
			if id == "" {
				l.r.Add(e.pos, "missing-field", `{"name": "ID"}`, "", "the element names nothing")
				continue
			}
			ids = append(ids, id)
		}
	}
	for _, id := range l.dirs(path.Join(dir, name)) {
		link := path.Join(dir, name, id, file)
		data, ok := l.take(link)
		if !ok {
			l.missing(path.Join(dir, name, id), file)
			continue
		}
		l.document(link, data, linkDocument())
		if findFold(ids, id) == "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// links checks what products are linked with, once all are known. Extracts of a
// part of a service name what is in the other part: that opens nothing here, so
// it is no error.
func (l *apimLoader) links() {
	apis := l.resources("apis")
	groups := append([]string{"administrators", "developers", "guests"}, l.resources("groups")...)
	for _, p := range l.service.Products {
		for i, id := range p.APIs {
			id, _, _ = strings.Cut(id, ";rev=")
			if findFold(apis, id) == "" {
				l.r.Warn(p.Pos, "unknown-reference", didYouMean(id, apis), "the product %q holds the API %q, which is not in apim/apis", p.ID, id)
			}
			p.APIs[i] = id
		}
		for _, id := range p.Groups {
			if findFold(groups, id) == "" {
				l.r.Warn(p.Pos, "unknown-reference", didYouMean(id, groups), "the product %q is open to the group %q, which is not in apim/groups", p.ID, id)
			}
		}
	}
	l.scopes(apis)
}

func (l *apimLoader) scopes(apis []string) {
	products := l.resources("products")
	for _, s := range l.service.Subscriptions {
		kind, id, _ := strings.Cut(strings.TrimPrefix(s.Scope, "/"), "/")
		known := products
		if kind == "apis" {
			known = apis
		}
		if id != "" && findFold(known, id) == "" {
			l.r.Warn(s.Pos, "unknown-reference", didYouMean(id, known),
				"the subscription %q is for %q, which is not in apim/%s, so it opens nothing", s.ID, id, kind)
		}
	}
}

func (l *apimLoader) subscriptions(dir string) {
	l.each(dir, subscriptionDocument(), func(id, _ string, at Pos, p *value) {
		s := &Subscription{Pos: at, ID: id, Name: textOf(p.get("displayName")), State: strings.ToLower(textOf(p.get("state")))}
		for _, k := range []string{"primaryKey", "secondaryKey"} {
			if v := p.get(k); !v.empty() && !isRedacted(textOf(v)) {
				l.r.source(at.File, nil).hide(v.pos)
				l.r.Add(v.pos, "secret-in-clear", "no key",
					fmt.Sprintf("remove it, renew the key, and name its place in cloister.yaml, subscriptions: {name: %s, %s: {env: NAME}}", id, k),
					"a key stands in clear")
			}
		}
		var ok bool
		if s.Scope, ok = normalScope(textOf(p.get("scope"))); !ok {
			l.r.Add(posOf(p.get("scope"), at), "invalid-value", "/apis, /apis/ID or /products/ID", "", "the subscription %q has no scope that can be read", id)
		}
		if s.State == "" {
			s.State = "submitted"
		}
		states := []string{"active", "suspended", "submitted", "rejected", "cancelled", "expired"}
		if !contains(states, s.State) {
			l.r.Add(posOf(p.get("state"), at), "invalid-value", oneOf(states), didYouMean(s.State, states), "%q is no state of a subscription", s.State)
		}
		l.service.Subscriptions = append(l.service.Subscriptions, s)
	})
}

func (l *apimLoader) groups(dir string) {
	l.each(dir, groupDocument(), func(id, _ string, at Pos, p *value) {
		l.service.Groups = append(l.service.Groups, &Group{Pos: at, ID: id, Name: textOf(p.get("displayName"))})
	})
}

func (l *apimLoader) tags(dir string) {
	l.each(dir, tagDocument(), func(id, dir string, at Pos, p *value) {
		l.service.Tags = append(l.service.Tags, &Tag{Pos: at, ID: id, Name: textOf(p.get("displayName"))})
		l.association(dir, "apis", "tagApiInformation.json")
		l.association(dir, "products", "tagProductInformation.json")
	})
}

func (l *apimLoader) gateways(dir string) {
	l.each(dir, gatewayDocument(), func(id, dir string, at Pos, _ *value) {
		l.service.Gateways = append(l.service.Gateways, &GatewayResource{Pos: at, ID: id})
		l.association(dir, "apis", "gatewayApiInformation.json")
	})
}

func (l *apimLoader) loggers(dir string) {
	l.each(dir, loggerDocument(), func(id, _ string, at Pos, p *value) {
		k := p.get("credentials")
		logger := &Logger{
			Pos: at, ID: id, Type: textOf(p.get("loggerType")), CredentialsPos: posOf(k, at),
			Hub: textOf(k.get("name")), ConnectionString: textOf(k.get("connectionString")),
			Endpoint: textOf(k.get("endpointAddress")), ClientID: textOf(k.get("identityClientId")),
		}
		if logger.SystemAssigned = strings.EqualFold(logger.ClientID, "SystemAssigned"); logger.SystemAssigned {
			logger.ClientID = ""
		}
		if !k.empty() {
			k.walk(func(e *value) { l.r.source(at.File, nil).hide(e.pos) })
		}
		if strings.EqualFold(logger.Type, "azureEventHub") {
			l.literal(k.get("connectionString"))
		}
		l.service.Loggers = append(l.service.Loggers, logger)
	})
}

// diagnostics belong to the service, or to one API.
func (l *apimLoader) diagnostics(dir, api string) {
	l.each(dir, diagnosticDocument(), func(id, _ string, at Pos, p *value) {
		l.service.Diagnostics = append(l.service.Diagnostics,
			&Diagnostic{Pos: at, ID: id, API: api, LoggerID: lastSegment(textOf(p.get("loggerId")))})
	})
}

func (l *apimLoader) restrictions(dir string) {
	l.each(dir, restrictionDocument(), func(string, string, Pos, *value) {})
}
