package site

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Where the subscription key comes unless the API says otherwise.
const (
	defaultKeyHeader = "Ocp-Apim-Subscription-Key"
	defaultKeyQuery  = "subscription-key"
)

func (l *apimLoader) apis(dir string) {
	l.each(dir, apiDocument(), func(name, dir string, at Pos, p *value) {
		api := l.api(name, at, p)
		api.Policy = l.policy(dir)
		l.diagnostics(path.Join(dir, "diagnostics"), api.ID)
		l.take(path.Join(dir, "tags.json"))
		switch api.Type {
		case "http":
			api.Operations = l.operations(dir, api)
		case "websocket":
			api.Operations = []*Operation{{Pos: at, ID: "onHandshake", Name: "onHandshake", Method: "GET", URLTemplate: "/"}}
		default:
			l.claimSpecification(dir)
			for _, f := range l.unclaimed(dir) {
				l.claimed[f] = true
			}
			return
		}
		l.operationPolicies(dir, api)
		l.service.APIs = append(l.service.APIs, api)
	})
}

// api reads the properties of an API.
func (l *apimLoader) api(name string, at Pos, p *value) *API {
	id, rev, hasRev := strings.Cut(name, ";rev=")
	keys := p.get("subscriptionKeyParameterNames")
	api := &API{
		Pos: at, ID: id,
		Name:                  textOf(p.get("displayName")),
		Path:                  strings.Trim(textOf(p.get("path")), "/"),
		Revision:              textOf(p.get("apiRevision")),
		IsCurrent:             boolOf(p.get("isCurrent"), !hasRev),
		Version:               textOf(p.get("apiVersion")),
		VersionSetID:          lastSegment(textOf(p.get("apiVersionSetId"))),
		ServiceURL:            textOf(p.get("serviceUrl")),
		ServiceURLPos:         posOf(p.get("serviceUrl"), at),
		SubscriptionRequired:  boolOf(p.get("subscriptionRequired"), true),
		SubscriptionKeyHeader: textOf(keys.get("header")),
		SubscriptionKeyQuery:  textOf(keys.get("query")),
	}
	if api.Name == "" {
		api.Name = id
	}
	if api.SubscriptionKeyHeader == "" {
		api.SubscriptionKeyHeader = defaultKeyHeader
	}
	if api.SubscriptionKeyQuery == "" {
		api.SubscriptionKeyQuery = defaultKeyQuery
	}
	if !validHeader(api.SubscriptionKeyHeader) {
		l.r.Add(keys.get("header").pos, "invalid-value", "a header name", "", "%q is not a header name", api.SubscriptionKeyHeader)
	}
	l.revision(api, rev, hasRev, p)
	l.apiType(api, p)
	l.protocols(api, p)
	if p.get("path") == nil {
		l.r.Add(at, "missing-field", `"path"`, "write \"path\": \"\" if the API stands at the root", "the API %q has no path", id)
	}
	if v := p.get("path"); strings.ContainsAny(api.Path, "?#*{}\\% \t\r\n;") || strings.Contains("/"+api.Path+"/", "//") ||
		strings.Contains("/"+api.Path+"/", "/../") || strings.Contains("/"+api.Path+"/", "/./") {
		l.r.Add(posOf(v, at), "invalid-value", "a path such as openai/v1", "", "%q is not a path below the host", api.Path)
	}
	if v := p.get("isOnline"); v != nil && v.kind == kindBoolean && !boolOf(v, true) {
		src := l.r.source(at.File, nil)
		(&fieldChecker{src: src, r: l.r, accepted: l.accepted, used: l.used}).protectsAt(v.pos, "properties.isOnline",
			"an API that is offline would be served")
	}
	return api
}

func (l *apimLoader) revision(api *API, rev string, hasRev bool, p *value) {
	switch {
	case api.Revision == "" && hasRev:
		api.Revision = rev
	case api.Revision == "":
		api.Revision = "1"
	case hasRev && api.Revision != rev:
		l.r.Add(p.get("apiRevision").pos, "invalid-value", rev, "", "the folder's name says revision %q and the document %q", rev, api.Revision)
	}
	if hasRev && (rev == "" || strings.ContainsAny(rev, "/;")) {
		l.r.Add(api.Pos, "invalid-value", "NAME;rev=N", "", "the folder's name holds no revision")
	}
}

func (l *apimLoader) apiType(api *API, p *value) {
	v := p.get("type")
	if textOf(v) == "" {
		v = p.get("apiType")
	}
	api.Type = strings.ToLower(textOf(v))
	switch api.Type {
	case "":
		api.Type = "http"
	case "http", "websocket":
	default:
		l.r.Add(v.pos, "unsupported", "http (with an OpenAPI specification) or websocket",
			"remove the API from the folder, or publish it as http with the paths that callers use",
			"APIs of type %q are not supported", textOf(v))
	}
}

func (l *apimLoader) protocols(api *API, p *value) {
	secure := "https"
	if api.Type == "websocket" {
		secure = "wss"
	}
	v := p.get("protocols")
	api.Protocols = textsOf(v)
	if len(api.Protocols) == 0 {
		api.Protocols = []string{secure}
		return
	}
	for _, e := range v.list {
		switch strings.ToLower(e.text) {
		case secure:
		case "http", "ws":
			l.r.Add(e.pos, "cleartext", secure, fmt.Sprintf("write %q alone", secure), "%q is not encrypted, and callers are never served in clear", e.text)
		default:
			l.r.Add(e.pos, "invalid-value", secure, "", "%q is no protocol of an API of type %s", e.text, api.Type)
		}
	}
	for i := range api.Protocols {
		api.Protocols[i] = strings.ToLower(api.Protocols[i])
	}
}

// specifications are the names under which APIOps writes the document.
func specifications() []string {
	return []string{"specification.yaml", "specification.yml", "specification.json"}
}

func (l *apimLoader) claimSpecification(dir string) (found []string) {
	for _, name := range specifications() {
		if _, ok := l.take(path.Join(dir, name)); ok {
			found = append(found, path.Join(dir, name))
		}
	}
	return found
}

// operations reads the specification, and the documents of operations where
// the folder has them.
func (l *apimLoader) operations(dir string, api *API) []*Operation {
	found := l.claimSpecification(dir)
	for _, other := range []string{"specification.wadl", "specification.wsdl", "specification.graphql"} {
		if _, ok := l.take(path.Join(dir, other)); ok && len(found) == 0 {
			l.r.Add(Pos{File: path.Join(dir, other)}, "unsupported", "an OpenAPI document: specification.yaml or specification.json",
				"extract the API again with the specification format OpenAPI", "%s is not read", path.Base(other))
			return nil
		}
	}
	var ops []*Operation
	switch len(found) {
	case 0:
	case 1:
		ops = readOpenAPI(l.r.source(found[0], l.files[found[0]]), l.r)
	default:
		l.r.Add(Pos{File: found[1]}, "duplicate-name", "one specification", "remove one",
			"the API has two specifications: %s and %s", path.Base(found[0]), path.Base(found[1]))
	}
	failed := len(found) > 0 && ops == nil && l.r.HasErrors()
	ops = l.operationDocuments(dir, ops)
	if len(ops) == 0 && !failed {
		l.r.Warn(api.Pos, "no-operations", "add specification.yaml", "the API %q has no operation, so no request can reach it", api.ID)
	}
	return ops
}

// operationDocuments adds operations/ID/operationInformation.json. One that the
// specification holds too has to say the same.
func (l *apimLoader) operationDocuments(dir string, ops []*Operation) []*Operation {
	for _, id := range l.dirs(path.Join(dir, "operations")) {
		file := path.Join(dir, "operations", id, operationDocument().file)
		data, ok := l.take(file)
		if !ok {
			continue
		}
		p := l.document(file, data, operationDocument())
		if p == nil {
			continue
		}
		op := &Operation{
			Pos: Pos{File: file}, ID: id, Name: textOf(p.get("displayName")),
			Method: strings.ToUpper(textOf(p.get("method"))),
		}
		op.URLTemplate, _, _ = strings.Cut(textOf(p.get("urlTemplate")), "?")
		if why := badTemplate(op.URLTemplate); why != "" || op.Method == "" {
			l.r.Add(posOf(p.get("urlTemplate"), op.Pos), "invalid-value", firstOf(why, "a method"), "", "the operation %q has no method and template", id)
			continue
		}
		ops = l.mergeOperation(ops, op)
	}
	return ops
}

func (l *apimLoader) mergeOperation(ops []*Operation, op *Operation) []*Operation {
	for _, o := range ops {
		same := o.Method == op.Method && templateShape(o.URLTemplate) == templateShape(op.URLTemplate)
		sameID := sameOperation(o, op.ID)
		switch {
		case same && sameID:
			return ops
		case same || sameID:
			l.r.Add(op.Pos, "duplicate-name", fmt.Sprintf("%s %s as in the specification", o.Method, o.URLTemplate), "",
				"the operation %q differs from %q at %s", op.ID, o.ID, o.Pos)
			return ops
		}
	}
	return append(ops, op)
}

// sameOperation reports whether a folder's name means an operation: its id, or
// the name that Azure makes of the id.
func sameOperation(o *Operation, folder string) bool {
	return strings.EqualFold(o.ID, folder) || normalOperationID(o.ID) == strings.ToLower(folder)
}

func (l *apimLoader) operationPolicies(dir string, api *API) {
	for _, id := range l.dirs(path.Join(dir, "operations")) {
		p := l.policy(path.Join(dir, "operations", id))
		if p == nil {
			continue
		}
		i := slices.IndexFunc(api.Operations, func(o *Operation) bool { return sameOperation(o, id) })
		switch {
		case i < 0:
			var ids []string
			for _, o := range api.Operations {
				ids = append(ids, o.ID)
			}
			l.r.Add(Pos{File: p.Path}, "unknown-reference", oneOf(ids), didYouMean(id, ids),
				"the API %q has no operation %q, so its policy would protect nothing", api.ID, id)
		case api.Operations[i].Policy != nil:
			l.r.Add(Pos{File: p.Path}, "duplicate-name", "", "remove one", "the operation %q has two policies, the other is %s",
				api.Operations[i].ID, api.Operations[i].Policy.Path)
		default:
			api.Operations[i].Policy = p
		}
	}
}

// checkAPIs is what can be known of all APIs together.
func (l *apimLoader) checkAPIs() {
	current, paths := map[string]*API{}, map[string]*API{}
	for _, a := range l.service.APIs {
		id := strings.ToLower(a.ID)
		l.versioned(a)
		if !a.IsCurrent {
			continue
		}
		if first := current[id]; first != nil {
			l.r.Add(a.Pos, "duplicate-name", "one current revision", `write "isCurrent": false in one`,
				"revisions %q and %q of %q are both current", first.Revision, a.Revision, a.ID)
			continue
		}
		current[id] = a
		key := strings.ToLower(a.Path) + "\x00" + a.Version
		if first := paths[key]; first != nil {
			l.r.Add(a.Pos, "duplicate-name", "a path and version of its own", "",
				"the APIs %q and %q have one path %q and one version", first.ID, a.ID, "/"+a.Path)
			continue
		}
		paths[key] = a
	}
	for _, a := range l.service.APIs {
		if current[strings.ToLower(a.ID)] == nil {
			l.r.Warn(a.Pos, "no-current-revision", `write "isCurrent": true in one`,
				"no revision of %q is current, so only requests that name one are served", a.ID)
			current[strings.ToLower(a.ID)] = a
		}
	}
}

func (l *apimLoader) versioned(a *API) {
	if a.VersionSetID == "" {
		if a.Version != "" {
			l.r.Add(a.Pos, "missing-field", "apiVersionSetId", "", "the API %q has a version and no version set", a.ID)
		}
		return
	}
	var ids []string
	for _, s := range l.service.VersionSets {
		ids = append(ids, s.ID)
	}
	if findFold(ids, a.VersionSetID) == "" {
		l.r.Add(a.Pos, "unknown-reference", oneOf(ids), didYouMean(a.VersionSetID, ids),
			"the API %q names the version set %q, which is not in apim/version sets", a.ID, a.VersionSetID)
	}
}
