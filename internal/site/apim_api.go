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
		if api == nil {
			l.skip(dir)
			return
		}
		api.Policy = l.policy(dir)
		l.diagnostics(path.Join(dir, "diagnostics"), api.ID)
		l.take(path.Join(dir, "tags.json"))
		switch api.Type {
		case "http":
			if l.otherSpecification(dir, api) {
				l.skip(dir)
				return
			}
			var ok bool
			if api.Operations, ok = l.operations(dir, api); !ok {
				// Its operations are not known, so nothing can be said of theirs.
				l.skip(dir)
				l.service.APIs = append(l.service.APIs, api)
				return
			}
		case "websocket":
			api.Operations = []*Operation{{Pos: at, ID: "onHandshake", Name: "onHandshake", Method: "GET", URLTemplate: "/"}}
		default:
			l.skip(dir)
			return
		}
		l.operationPolicies(dir, api)
		l.service.APIs = append(l.service.APIs, api)
	})
}

// api reads the properties of an API; nil when it has no path.
func (l *apimLoader) api(name string, at Pos, p *value) *API {
	id, rev, hasRev := strings.Cut(name, ";rev=")
	if v := p.get("path"); v == nil || v.kind != kindText {
		l.r.Add(posOf(v, at), "missing-field", `"path"`, "write \"path\": \"\" if the API stands at the root", "the API %q has no path", id)
		return nil
	}
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
	if !validAPIPath(api.Path) {
		l.r.Add(posOf(p.get("path"), at), "invalid-value", "a path such as openai/v1", "", "%q is not a path below the host", api.Path)
	}
	if v := p.get("isOnline"); v != nil && v.kind == kindBoolean && !boolOf(v, true) {
		src := l.r.source(at.File, nil)
		l.fields(src).protectsAt(v.pos, "properties.isOnline",
			"an API that is offline would be served")
	}
	return api
}

// validAPIPath reports whether p, without slashes at its ends, can stand between
// host and operation. The empty path is that of an API at the root.
func validAPIPath(p string) bool {
	if p == "" {
		return true
	}
	if strings.ContainsAny(p, "?#*{}\\%;") || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == 0x7F }) {
		return false
	}
	for segment := range strings.SplitSeq(p, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

func (l *apimLoader) revision(api *API, rev string, hasRev bool, p *value) {
	if hasRev && !validRevision(rev) {
		l.r.Add(api.Pos, "invalid-value", "NAME;rev=N", "", "the folder's name holds no revision")
		return
	}
	switch {
	case api.Revision == "" && hasRev:
		api.Revision = rev
	case api.Revision == "":
		api.Revision = "1"
	case !validRevision(api.Revision):
		l.r.Add(p.get("apiRevision").pos, "invalid-value", "a number", "", "%q is no revision", api.Revision)
	case hasRev && api.Revision != rev:
		l.r.Add(p.get("apiRevision").pos, "invalid-value", rev, "", "the folder's name says revision %q and the document %q", rev, api.Revision)
	}
}

// validRevision reports whether s can stand behind ";rev=" in a path.
func validRevision(s string) bool {
	return s != "" && !strings.ContainsAny(s, "/;?#%") && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F })
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
		l.notServed(api, v.pos, "http (with an OpenAPI specification) or websocket", "remove the API from the folder", fmt.Sprintf("APIs of type %q are not supported", textOf(v)))
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
	if !slices.ContainsFunc(v.list, func(e *value) bool { return !clearProtocol(e.text) }) {
		// Served by TLS it would be open where its owner opened nothing, and
		// unserved it would be missed: the document has to say which.
		l.r.Add(v.pos, "cleartext", fmt.Sprintf("[%q]", secure), fmt.Sprintf("write [%q], or remove the API from the folder", secure),
			"the API %q is open in clear only, and callers are never served in clear", api.ID)
		api.Protocols = []string{secure}
		return
	}
	for _, e := range v.list {
		switch {
		case strings.EqualFold(e.text, secure):
		case clearProtocol(e.text):
			l.r.Warn(e.pos, "cleartext", fmt.Sprintf("write %q alone", secure), "%q opens nothing: callers are never served in clear", e.text)
		default:
			l.r.Add(e.pos, "invalid-value", secure, "", "%q is no protocol of an API of type %s", e.text, api.Type)
		}
	}
	api.Protocols = []string{secure}
}

func clearProtocol(s string) bool { return strings.EqualFold(s, "http") || strings.EqualFold(s, "ws") }

// notServed refuses an API that cannot be served. Where the owner of the site
// accepts that, it is left out, and requests for it go where its path leads
// without it.
func (l *apimLoader) notServed(api *API, pos Pos, expected, mend, why string) {
	id := api.Pos.File + "#properties.type"
	if a, ok := l.accepted[id]; ok {
		l.used[id] = true
		l.r.Note(pos, "accepted-field", "%s, and accepted: %s", why, a.Reason)
		return
	}
	l.r.Add(pos, "unsupported", expected, mend+", or, to leave it out, "+
		l.config.paste([]string{"acceptedFields"}, "", fmt.Sprintf("{path: %q, reason: …}", id)), "%s", why)
}

// specifications are the names under which APIOps writes the document.
func specifications() []string {
	return []string{"specification.yaml", "specification.yml", "specification.json"}
}

// otherSpecification reports an API whose only specification is in a language
// that is not read.
func (l *apimLoader) otherSpecification(dir string, api *API) bool {
	for _, name := range specifications() {
		if _, ok := l.files[path.Join(dir, name)]; ok {
			return false
		}
	}
	for _, other := range []string{"specification.wadl", "specification.wsdl", "specification.graphql"} {
		if _, ok := l.take(path.Join(dir, other)); ok {
			l.notServed(api, Pos{File: path.Join(dir, other)}, "an OpenAPI document: specification.yaml or specification.json",
				"extract the API again with the specification format OpenAPI", other+" is not read")
			return true
		}
	}
	return false
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
// the folder has them. It is false when the specification cannot be read.
func (l *apimLoader) operations(dir string, api *API) ([]*Operation, bool) {
	found := l.claimSpecification(dir)
	ops, ok := l.specification(found)
	if !ok {
		return nil, false
	}
	if len(found) > 0 {
		api.Specification = &Specification{Path: found[0]}
		if data := l.files[found[0]]; len(data) <= MaxSpecification {
			api.Specification.Source = data
		}
	}
	ops = l.operationDocuments(dir, ops)
	if len(ops) == 0 {
		l.r.Warn(api.Pos, "no-operations", "add specification.yaml", "the API %q has no operation, so no request can reach it", api.ID)
	}
	return ops, true
}

// specification reads the operations of the specifications, of which there may
// be more than one only if all say the same.
func (l *apimLoader) specification(found []string) ([]*Operation, bool) {
	var ops []*Operation
	for i, file := range found {
		read, ok := readOpenAPI(l.r.source(file, l.files[file]), l.r)
		switch {
		case !ok:
			return nil, false
		case i == 0:
			ops = read
		case !sameOperations(ops, read):
			l.r.Add(Pos{File: file}, "duplicate-name", "one specification", "remove one",
				"the API has two specifications that differ: %s and %s", path.Base(found[0]), path.Base(file))
			return nil, false
		}
	}
	return ops, true
}

// sameOperations compares what requests are matched with, in any order.
func sameOperations(a, b []*Operation) bool {
	all := map[[3]string]bool{}
	for _, o := range a {
		all[[3]string{o.ID, o.Method, o.URLTemplate}] = true
	}
	for _, o := range b {
		if !all[[3]string{o.ID, o.Method, o.URLTemplate}] {
			return false
		}
	}
	return len(a) == len(b)
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
		if !validMethod(op.Method) {
			l.r.Add(posOf(p.get("method"), op.Pos), "invalid-value", "a method such as POST, or * for any", "", "the operation %q has no method", id)
			continue
		}
		if why := badTemplate(op.URLTemplate); why != "" {
			l.r.Add(posOf(p.get("urlTemplate"), op.Pos), "invalid-value", why, "", "the operation %q has no template", id)
			continue
		}
		ops = l.mergeOperation(ops, op)
	}
	return ops
}

// validMethod reports a method, in upper case, or the * of Azure.
func validMethod(m string) bool {
	return m == "*" || (m != "" && strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == "")
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

// findOperations are the operations that a folder's name means: those of that
// id, else those of whose id Azure makes the name. More than one is a riddle.
func findOperations(ops []*Operation, folder string) []*Operation {
	var exact, normal []*Operation
	for _, o := range ops {
		switch {
		case strings.EqualFold(o.ID, folder):
			exact = append(exact, o)
		case sameOperation(o, folder):
			normal = append(normal, o)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return normal
}

func (l *apimLoader) operationPolicies(dir string, api *API) {
	for _, id := range l.dirs(path.Join(dir, "operations")) {
		p := l.policy(path.Join(dir, "operations", id))
		if p == nil {
			continue
		}
		ops := findOperations(api.Operations, id)
		switch {
		case len(ops) == 0:
			ids := operationIDs(api.Operations)
			l.r.Add(Pos{File: p.Path}, "unknown-reference", oneOf(ids), didYouMean(id, ids),
				"the API %q has no operation %q, so its policy would protect nothing", api.ID, id)
		case len(ops) > 1:
			l.r.Add(Pos{File: p.Path}, "unknown-reference", oneOf(operationIDs(ops)), "name the folder as the operation's id",
				"the folder %q can mean more than one operation", id)
		case ops[0].Policy != nil:
			l.r.Add(Pos{File: p.Path}, "duplicate-name", "", "remove one", "the operation %q has two policies, the other is %s",
				ops[0].ID, ops[0].Policy.Path)
		default:
			ops[0].Policy = p
		}
	}
}

func operationIDs(ops []*Operation) []string {
	ids := make([]string, len(ops))
	for i, o := range ops {
		ids[i] = o.ID
	}
	return ids
}
