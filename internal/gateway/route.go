package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// Router finds the API and the operation of a request as API Management does:
// the longest API path first, then version and revision, then the operation
// with the most literal template. Literals are compared without case, and the
// path goes on in the template's own spelling, so that nothing behind the
// router sees two spellings of one operation.
type Router struct {
	// paths is sorted by number of segments, longest first.
	paths []*apiPath
}

// apiPath is all that stands at one API path: versions and revisions.
type apiPath struct {
	segments []string
	// bySegment holds APIs versioned by path segment, keyed in lower case.
	bySegment map[string]*apiRevisions
	// byParameter holds APIs versioned by query or header.
	byParameter []*versionedByParameter
	// plain is the API without a version, nil for none.
	plain *apiRevisions
}

type versionedByParameter struct {
	set      *site.VersionSet
	versions map[string]*apiRevisions // version in lower case
}

// apiRevisions is one version of an API: the current revision and the others.
type apiRevisions struct {
	current *apiRoutes
	byRev   map[string]*apiRoutes
}

type apiRoutes struct {
	api *site.API
	// prefix is the path as the documents spell it: "/openai" or "/openai/v2".
	prefix string
	// key is what a caller of this API shows.
	key keyNames
	// rules says who may call.
	rules callerRules
	// openProduct is the product of callers without a subscription.
	openProduct *site.Product
	// routes by method, most literal first; "*" answers every method.
	routes map[string][]*operationRoute
	// any is the route of a request that no operation answers: it carries the
	// API for on-error and CORS.
	any *operationRoute
}

// operationRoute is one operation with its compiled pipelines.
type operationRoute struct {
	api       *apiRoutes
	operation *site.Operation
	template  []templateSegment
	wildcard  bool // template ends with "*"
	// pipelines by product id in lower case; "" without a product.
	pipelines map[string]*policy.Pipeline
	// base is the API's service URL; nil for none.
	base *url.URL
}

// templateSegment is a literal, or literal text around one parameter.
type templateSegment struct {
	literal        string
	parameter      string // empty: literal
	prefix, suffix string
}

// route is what the router found.
type route struct {
	*operationRoute
	// path is the canonical escaped path below the API: "/deployments/x/…".
	path       string
	parameters map[string]string
	revision   string
}

// splitPath splits an escaped path that begins with "/"; a trailing slash
// yields no empty segment.
func splitPath(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// find returns the route of a request. matched is false where no operation
// answers; the route then still carries the API, if there was one.
func (rt *Router) find(method, path string, query url.Values, header http.Header) (found route, matched bool) {
	segments := splitPath(path)
	for _, ap := range rt.paths {
		rest, rev, ok := ap.cut(segments)
		if !ok {
			continue
		}
		routes, rest := ap.version(rest, rev, query, header)
		if routes == nil || slices.ContainsFunc(rest, hasRevision) {
			// A version or revision that does not exist. A revision further
			// down would mean nothing here, and something to a backend that
			// knows revisions itself.
			return route{}, false
		}
		if op, params, ok := routes.match(method, rest); ok {
			return route{operationRoute: op, path: op.spell(rest, strings.HasSuffix(path, "/")), parameters: params, revision: routes.api.Revision}, true
		}
		// The longest API path counts: what it does not answer, nobody does.
		// A shorter one could have other callers.
		return route{operationRoute: routes.any}, false
	}
	return route{}, false
}

// route finds API and operation and fills in what policies may know of the
// request.
func (t *trip) route() *refused {
	var matched bool
	t.found, matched = t.s.router.find(t.call.Method, t.call.Path, t.query, t.r.Header)
	if asked, ok := t.preflighted(); ok {
		t.found, t.crossOrigin, matched = asked, true, true
	}
	if t.found.operationRoute != nil {
		t.found.fill(t)
		t.pipeline = t.found.pipelineFor(t.found.api.openProduct)
	}
	if !matched {
		t.uncounted = true
		return &refused{
			Source: "configuration", Reason: "OperationNotFound", Status: http.StatusNotFound, Frame: true,
			Message:       "Unable to match incoming request to an operation.",
			PublicMessage: "Resource not found",
		}
	}
	return nil
}

// preflighted is the operation that a CORS preflight asks about, where its
// policies answer preflights.
func (t *trip) preflighted() (asked route, ok bool) {
	h := t.r.Header
	method := h["Access-Control-Request-Method"]
	if t.call.Method != http.MethodOptions || len(method) != 1 || len(h["Origin"]) != 1 {
		return route{}, false
	}
	asked, ok = t.s.router.find(method[0], t.call.Path, t.query, h)
	return asked, ok && asked.pipelineFor(asked.api.openProduct).HasCORS()
}

// fill begins the exchange: the request as the API's owner sees it.
func (rt *route) fill(t *trip) {
	t.original = url.URL{Scheme: "https", Host: t.r.Host, Path: t.r.URL.Path, RawPath: t.r.URL.RawPath, RawQuery: t.call.RawQuery}
	x := &t.x
	x.API, x.Operation, x.MatchedParameters = rt.api.api, rt.operation, rt.parameters
	x.OriginalURL = &t.original
	x.Request = policy.Request{
		Method: t.call.Method, Backend: policy.Target{BaseURL: rt.base},
		Path: rt.path, Query: t.call.RawQuery, Header: t.r.Header,
	}
	if t.r.Body != nil && t.r.Body != http.NoBody && t.r.ContentLength != 0 {
		x.Request.Body = &policy.Body{Stream: t.r.Body, Length: t.r.ContentLength}
	}
	x.Forward, x.Buffer, x.BackendURL = t.forward, t.buffer, t.backendURL
	x.Road = t
	x.Deployment = t.s.deployment
	x.Services, x.CallBackend = t.g.opt.Services, t.callBackend
	x.Message, x.Maskers = t.message, t.maskers
	x.Caller, x.Permit = t.callerKey, t.permit
	t.keepSent()
	t.hearPolicies()
}

// pipelineFor is the pipeline of a product's callers.
func (op *operationRoute) pipelineFor(p *site.Product) *policy.Pipeline {
	if p != nil {
		if pipeline := op.pipelines[strings.ToLower(p.ID)]; pipeline != nil {
			return pipeline
		}
	}
	return op.pipelines[""]
}

// cut removes the API path from the front. The last segment of the API path
// may carry ";rev=N".
func (ap *apiPath) cut(segments []string) (rest []string, rev string, ok bool) {
	n := len(ap.segments)
	if len(segments) < n {
		return nil, "", false
	}
	for i, want := range ap.segments {
		got := segments[i]
		if i == n-1 {
			got, rev = cutRevision(got)
		}
		if !strings.EqualFold(got, want) {
			return nil, "", false
		}
	}
	return segments[n:], rev, true
}

// cutRevision splits "openai;rev=2".
func cutRevision(segment string) (name, rev string) {
	name, rev, _ = strings.Cut(segment, ";rev=")
	return name, rev
}

func hasRevision(segment string) bool { return strings.Contains(segment, ";") }

// version chooses the version and revision.
func (ap *apiPath) version(rest []string, rev string, query url.Values, header http.Header) (*apiRoutes, []string) {
	if len(rest) > 0 && ap.bySegment != nil {
		name, segmentRev := cutRevision(rest[0])
		if v := ap.bySegment[strings.ToLower(name)]; v != nil {
			return v.revision(cmp.Or(segmentRev, rev)), rest[1:]
		}
	}
	for _, by := range ap.byParameter {
		var values []string
		if by.set.Scheme == site.VersioningHeader {
			values = header.Values(by.set.HeaderName)
		} else {
			values = query[by.set.QueryName]
		}
		value := ""
		switch len(values) {
		case 0:
		case 1:
			value = values[0]
		default:
			continue // which of them counts would be a guess
		}
		if v := by.versions[strings.ToLower(value)]; v != nil {
			return v.revision(rev), rest
		}
	}
	if ap.plain != nil {
		return ap.plain.revision(rev), rest
	}
	return nil, nil
}

func (v *apiRevisions) revision(rev string) *apiRoutes {
	if rev == "" {
		return v.current
	}
	return v.byRev[rev]
}

// match finds the most literal operation.
func (a *apiRoutes) match(method string, segments []string) (*operationRoute, map[string]string, bool) {
	for _, m := range [...]string{method, "*"} {
		for _, op := range a.routes[m] {
			if params, ok := op.match(segments); ok {
				return op, params, true
			}
		}
	}
	return nil, nil, false
}

func (op *operationRoute) match(segments []string) (params map[string]string, ok bool) {
	if len(segments) < len(op.template) || (!op.wildcard && len(segments) != len(op.template)) {
		return nil, false
	}
	for i, t := range op.template {
		if !t.matches(segments[i]) {
			return nil, false
		}
	}
	for i, t := range op.template {
		if t.parameter == "" {
			continue
		}
		if params == nil {
			params = make(map[string]string, 2)
		}
		raw := segments[i][len(t.prefix) : len(segments[i])-len(t.suffix)]
		value, err := url.PathUnescape(raw)
		if err != nil {
			return nil, false
		}
		params[t.parameter] = value
	}
	return params, true
}

func (t templateSegment) matches(segment string) bool {
	if t.parameter == "" {
		return strings.EqualFold(segment, t.literal)
	}
	n := len(segment)
	return n > len(t.prefix)+len(t.suffix) &&
		strings.EqualFold(segment[:len(t.prefix)], t.prefix) &&
		strings.EqualFold(segment[n-len(t.suffix):], t.suffix)
}

// spell writes the matched path with the literals of the template.
func (op *operationRoute) spell(segments []string, slash bool) string {
	var b strings.Builder
	for i, s := range segments {
		b.WriteByte('/')
		switch {
		case i >= len(op.template):
			b.WriteString(s)
		case op.template[i].parameter == "":
			b.WriteString(op.template[i].literal)
		default:
			t := op.template[i]
			b.WriteString(t.prefix)
			b.WriteString(s[len(t.prefix) : len(s)-len(t.suffix)])
			b.WriteString(t.suffix)
		}
	}
	if slash && op.wildcard || b.Len() == 0 {
		b.WriteByte('/')
	}
	return b.String()
}

// newRouter builds the router of a site.
func newRouter(s *site.Site, snap *Snapshot, compile *pipelineCompiler) (*Router, site.Problems) {
	var problems site.Problems
	b := routerBuilder{paths: map[string]*apiPath{}, sets: map[string]*site.VersionSet{}}
	for _, vs := range s.Service.VersionSets {
		b.sets[strings.ToLower(vs.ID)] = vs
	}
	for _, api := range s.Service.APIs {
		r := newAPIRoutes(api, compile, &problems)
		r.rules = compileCallers(s.Config, api)
		r.openProduct = snap.openProduct(api)
		b.add(r, &problems)
	}
	rt := &Router{}
	for _, ap := range b.paths {
		rt.paths = append(rt.paths, ap)
	}
	slices.SortFunc(rt.paths, func(x, y *apiPath) int {
		return cmp.Or(cmp.Compare(len(y.segments), len(x.segments)), slices.Compare(x.segments, y.segments))
	})
	return rt, problems
}

type routerBuilder struct {
	paths map[string]*apiPath
	sets  map[string]*site.VersionSet
}

// add files one API revision under its path, version and revision.
func (b *routerBuilder) add(r *apiRoutes, problems *site.Problems) {
	api := r.api
	segments := splitPath(api.Path)
	key := strings.ToLower(strings.Join(segments, "/"))
	ap := b.paths[key]
	if ap == nil {
		ap = &apiPath{segments: segments}
		b.paths[key] = ap
	}
	r.prefix = "/" + strings.Join(segments, "/")
	slot := ap.slot(api, b.sets[strings.ToLower(api.VersionSetID)], r)
	clash := slot.byRev[api.Revision] != nil
	slot.byRev[api.Revision] = r
	if api.IsCurrent {
		clash = clash || slot.current != nil
		slot.current = r
	}
	if clash {
		problems.Add(api.Pos, "api-path-taken", "one API for each path, version and revision",
			"give the API another path or version, or make one revision the current one",
			"API %q claims /%s, which another API already answers", api.ID, api.Path)
	}
}

// slot finds or makes the place of one version.
func (ap *apiPath) slot(api *site.API, set *site.VersionSet, r *apiRoutes) *apiRevisions {
	fresh := func() *apiRevisions { return &apiRevisions{byRev: map[string]*apiRoutes{}} }
	version := strings.ToLower(api.Version)
	switch {
	case set == nil || version == "":
		if ap.plain == nil {
			ap.plain = fresh()
		}
		return ap.plain
	case set.Scheme == site.VersioningSegment:
		r.prefix = strings.TrimSuffix(r.prefix, "/") + "/" + api.Version
		if ap.bySegment == nil {
			ap.bySegment = map[string]*apiRevisions{}
		}
		if ap.bySegment[version] == nil {
			ap.bySegment[version] = fresh()
		}
		return ap.bySegment[version]
	}
	for _, by := range ap.byParameter {
		if by.set == set {
			if by.versions[version] == nil {
				by.versions[version] = fresh()
			}
			return by.versions[version]
		}
	}
	v := fresh()
	ap.byParameter = append(ap.byParameter, &versionedByParameter{set: set, versions: map[string]*apiRevisions{version: v}})
	return v
}

func newAPIRoutes(api *site.API, compile *pipelineCompiler, problems *site.Problems) *apiRoutes {
	r := &apiRoutes{api: api, routes: map[string][]*operationRoute{}}
	r.key = keyNames{header: http.CanonicalHeaderKey(api.SubscriptionKeyHeader), query: api.SubscriptionKeyQuery, shown: api.SubscriptionKeyHeader}
	base := serviceURL(api, problems)
	pipelines := compile.api(api)
	r.any = &operationRoute{api: r, pipelines: pipelines, base: base}
	for _, op := range api.Operations {
		o, err := newOperationRoute(r, op, base)
		if err != nil {
			problems.Add(op.Pos, "url-template", `"/", literals, {parameters} and a final "*"`, "correct the operation's URL template", "operation %q: %v", op.ID, err)
			continue
		}
		o.pipelines = compile.operation(api, op, pipelines)
		method := strings.ToUpper(op.Method)
		r.routes[method] = append(r.routes[method], o)
	}
	for _, list := range r.routes {
		slices.SortStableFunc(list, compareRoutes)
	}
	return r
}

// compareRoutes puts the more literal template first.
func compareRoutes(x, y *operationRoute) int {
	for i := range min(len(x.template), len(y.template)) {
		if c := cmp.Compare(x.template[i].rank(), y.template[i].rank()); c != 0 {
			return c
		}
	}
	rank := func(o *operationRoute) int {
		if o.wildcard {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(len(y.template), len(x.template)), cmp.Compare(rank(x), rank(y)))
}

func (t templateSegment) rank() int {
	switch {
	case t.parameter == "":
		return 0
	case t.prefix != "" || t.suffix != "":
		return 1
	}
	return 2
}

func newOperationRoute(r *apiRoutes, op *site.Operation, base *url.URL) (*operationRoute, error) {
	o := &operationRoute{api: r, operation: op, base: base}
	path, _, _ := strings.Cut(op.URLTemplate, "?")
	segments := splitPath(path)
	for i, s := range segments {
		if s == "*" && i == len(segments)-1 {
			o.wildcard = true
			break
		}
		t, err := parseTemplateSegment(s)
		if err != nil {
			return nil, err
		}
		o.template = append(o.template, t)
	}
	return o, nil
}

func parseTemplateSegment(s string) (templateSegment, error) {
	open := strings.IndexByte(s, '{')
	if open < 0 {
		if strings.ContainsAny(s, "}*") {
			return templateSegment{}, fmt.Errorf("segment %q holds a stray brace or star", s)
		}
		return templateSegment{literal: s}, nil
	}
	end := strings.IndexByte(s, '}')
	if end < open || strings.ContainsAny(s[end+1:], "{}*") {
		return templateSegment{}, fmt.Errorf("segment %q holds more than one parameter, or a brace that does not close", s)
	}
	name := s[open+1 : end]
	if name == "" {
		return templateSegment{}, fmt.Errorf("segment %q holds a parameter without a name", s)
	}
	return templateSegment{parameter: name, prefix: s[:open], suffix: s[end+1:]}, nil
}
