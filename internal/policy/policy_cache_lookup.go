package policy

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	downstreamNone    = "none"
	downstreamPrivate = "private"
	downstreamPublic  = "public"
)

func cacheLookupEntry() entry {
	return entry{
		name: "cache-lookup", sections: inOnly, scopes: everyScope,
		does: "answers from the response cache",
		tier: tierA, page: page{
			intro: "Answers a GET with what `cache-store` has kept for the same caller. Without such an answer the request goes on, and `cache-store` may keep its answer.",
			example: `
<policies>
  <inbound>
    <cache-lookup vary-by-developer="true" vary-by-developer-groups="false" downstream-caching-type="private" must-revalidate="true">
      <vary-by-header>Accept</vary-by-header>
      <vary-by-query-parameter>api-version;lang</vary-by-query-parameter>
    </cache-lookup>
  </inbound>
  <outbound>
    <cache-store duration="60" />
  </outbound>
</policies>`,
			behaviour: []string{
				"On a hit the rest of inbound and the backend are skipped, and outbound goes on behind `cache-store`: the policies before that have shaped the answer already. In a branch it goes on there and behind the branches; of several `cache-store` the first counts. Nothing is connected to. The answer has its record and its audit record like any other.",
				"**Answers belong to the caller whose request they answered.** The caller is the principal that the frame, or a policy such as `validate-jwt`, has identified, with its subscription; two users of one application are apart where it passes on their `Authorization` or `Cookie`, or a token that a policy reads. A caller whom nobody has identified, as where the API lets anybody in, finds and keeps only what is for all.",
				"**An answer is for all callers only where the document says `downstream-caching-type=\"public\"` with `vary-by-developer=\"false\"`**: what any cache on the way may give to anybody, this one may too. `vary-by-developer-groups=\"true\"` then keeps apart users of different groups; where the user is not known, callers. `vary-by-developer=\"true\"` keeps callers apart always. An answer that sets a cookie, or that the backend marks `private` or `no-store`, is never for all.",
				"Every caller passes the authorization of the operation before, and what the gate asks of a caller on every hit: a hit that a backend would not have been asked for is none, and the request is refused on its way there.",
				"Policies behind it in inbound do not see an answer out of the cache. Where limits or checks stand there (`rate-limit`, `quota`, `llm-token-limit`, `ip-filter`, `validate-jwt`, …), `check` and `serve` warn: write it behind them.",
				"Only GET without a body is looked up. A request with `If-Match`, `If-Unmodified-Since` or `Upgrade` is left alone, and one with `Authorization` is too unless `allow-private-response-caching` is true. The header counts as it stands: where `authentication-managed-identity` has set it before, that is one.",
				"An answer is found by the API with its revision, the product, the operation, the backend, the path, the query, and the headers named in `vary-by-header`. Of the query all parameters count; where `vary-by-query-parameter` names some, these (names without case, several with `;` between them). The answer's own `Vary` is kept to as well.",
				"On a miss the headers that would bring less than a whole answer go from the request: `Cache-Control`, `Pragma`, `If-None-Match`, `If-Modified-Since`, `Range`, `If-Range`. They do not change what is found either.",
				"The answer has `Cache-Control`: of `downstream-caching-type` none `no-store`, else `private` or `public` with `max-age`, the seconds for which it is still kept, and `must-revalidate` where that is true. `Age`, `Expires`, `Pragma` and `Date` of the backend go.",
				"A cache that fails is a miss with a note in the record.",
			},
			differences: []string{
				"API Management gives answers to all callers unless `vary-by-developer` is true. Here that takes `downstream-caching-type=\"public\"` too: `vary-by-developer=\"false\"` stands in nearly every document because the attribute is required, and says nothing of what the answers hold. Such a document runs, with one entry for each caller.",
				"`vary-by-developer` is by caller, and not by the developer account that may own several subscriptions.",
				cachingTypeDifference,
				"Conditional requests are answered with the whole answer, as the reference says nothing else.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or gives a value that its attribute does not have"}},
		},
		attributes: []attribute{
			{name: "vary-by-developer", required: true, expected: "true or false", expression: true, otherwise: "false"},
			{name: "vary-by-developer-groups", required: true, expected: "true or false", expression: true, otherwise: "false"},
			cachingTypeAttribute(),
			{name: "downstream-caching-type", expected: "none, private or public", expression: true, otherwise: downstreamNone},
			{name: "must-revalidate", expected: "true or false", expression: true, otherwise: "true"},
			{name: "allow-private-response-caching", expected: "true or false", expression: true, otherwise: "false"},
		},
		children: []child{
			{name: "vary-by-header", many: true, expected: "a header name", text: hasText, expression: true},
			{name: "vary-by-query-parameter", many: true, expected: "names of parameters, separated by ;", text: hasText, expression: true},
		},
		compile: compileCacheLookup,
	}
}

type cacheLookup struct {
	byDeveloper, byGroups, revalidate, private boolValue
	downstream                                 choiceValue
	headers, parameters                        []textValue
}

// responseLookup is what a lookup leaves for cache-store.
type responseLookup struct {
	key    string
	shared bool
	// asked are the request's headers.
	asked http.Header
	control
}

// control is what the answer tells caches on its way.
type control struct {
	downstream string
	revalidate bool
}

func compileCacheLookup(c *compiler, n *Node) statement {
	c.cachingType(n)
	s := &cacheLookup{
		byDeveloper: c.boolAttribute(n, "vary-by-developer", false),
		byGroups:    c.boolAttribute(n, "vary-by-developer-groups", false),
		revalidate:  c.boolAttribute(n, "must-revalidate", true),
		private:     c.boolAttribute(n, "allow-private-response-caching", false),
		downstream:  c.choiceAttribute(n, "downstream-caching-type", downstreamNone, downstreamNone, downstreamPrivate, downstreamPublic),
	}
	for _, k := range n.Elements() {
		t, ok := c.textContent(k)
		if !ok {
			continue
		}
		switch k.Name {
		case "vary-by-header":
			if t.compute == nil && !isToken(t.literal) {
				c.malformed(value{written: t.shown(), pos: t.pos}, k.Name, "a header name: letters, digits and -", "")
				continue
			}
			s.headers = append(s.headers, t)
		case "vary-by-query-parameter":
			s.parameters = append(s.parameters, t)
		}
	}
	return s
}

// whole are the headers of a request that make an answer less than whole.
func whole() []string {
	return []string{"Cache-Control", "Pragma", "If-None-Match", "If-Modified-Since", "Range", "If-Range"}
}

func (s *cacheLookup) do(ctx context.Context, x *Exchange) (flow, *Error) {
	x.response = nil
	lookup, why, e := s.prepare(ctx, x)
	if e != nil {
		return stop, e
	}
	if lookup == nil {
		x.say("cache", "not asked: "+why)
		return next, nil
	}
	if s.find(ctx, x, lookup) {
		x.say("cache", "hit")
		x.Note("answered from the response cache")
		x.kept = responseStore
		return found, nil
	}
	x.say("cache", "miss")
	for _, name := range whole() {
		delete(x.Request.Header, name)
	}
	x.response = lookup
	return next, nil
}

// prepare makes the key; nil where the cache is not asked, and why.
func (s *cacheLookup) prepare(ctx context.Context, x *Exchange) (*responseLookup, string, *Error) {
	h := x.Request.Header
	switch b := x.Request.Body; {
	case x.caches() == nil:
		return nil, noCache, nil
	case x.Request.Method != http.MethodGet || b != nil && (b.Stream != nil && b.Length != 0 || len(b.Bytes) > 0):
		return nil, "the request is no plain GET", nil
	case len(h["If-Match"])+len(h["If-Unmodified-Since"])+len(h["Upgrade"]) > 0:
		return nil, "the request has a condition", nil
	}
	if len(h["Authorization"]) > 0 {
		if allowed, e := s.private.is(ctx, x); e != nil || !allowed {
			return nil, "the request has Authorization", e
		}
	}
	lookup := &responseLookup{asked: maps.Clone(h)}
	var e *Error
	if lookup.downstream, e = s.downstream.word(ctx, x); e != nil {
		return nil, "", e
	}
	if lookup.revalidate, e = s.revalidate.is(ctx, x); e != nil {
		return nil, "", e
	}
	var k keyParts
	if lookup.shared, e = s.partition(ctx, x, &k, lookup.downstream); e != nil {
		return nil, "", e
	}
	if !lookup.shared {
		caller := x.caller()
		if caller == "" {
			x.Note(x.at.String() + ": the caller is not known, so that nothing is looked up or kept")
			return nil, "the caller is not known", nil
		}
		k.add("for", "caller", caller)
	}
	k.addRoute(x)
	if e := s.vary(ctx, x, &k); e != nil {
		return nil, "", e
	}
	lookup.key = k.digest("response")
	return lookup, "", nil
}

// partition says whether answers are for more than the caller, and then puts in
// for whom.
func (s *cacheLookup) partition(ctx context.Context, x *Exchange, k *keyParts, downstream string) (shared bool, e *Error) {
	byDeveloper, e := s.byDeveloper.is(ctx, x)
	if e != nil {
		return false, e
	}
	byGroups, e := s.byGroups.is(ctx, x)
	if e != nil {
		return false, e
	}
	if downstream != downstreamPublic || byDeveloper || byGroups && x.User == nil {
		return false, nil
	}
	k.add("for", "all")
	if byGroups {
		var groups []string
		for i := range x.User.Groups {
			if id := x.User.Groups[i].ID; id != nil {
				groups = append(groups, *id)
			}
		}
		slices.Sort(groups)
		k.add("groups", groups...)
	}
	return true, nil
}

// vary puts in what the document says that answers depend on.
func (s *cacheLookup) vary(ctx context.Context, x *Exchange, k *keyParts) *Error {
	for i := range s.headers {
		name, e := s.headers[i].text(ctx, x)
		if e != nil {
			return e
		}
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if values := x.Request.Header[name]; name == "Host" && values == nil {
			k.add(name, x.host())
		} else {
			k.add(name, values...)
		}
	}
	var names []string
	for i := range s.parameters {
		text, e := s.parameters[i].text(ctx, x)
		if e != nil {
			return e
		}
		for name := range strings.SplitSeq(text, ";") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	k.addQuery(x, names)
	return nil
}

// find makes what is kept the answer, where there is such and the caller may
// have it.
func (s *cacheLookup) find(ctx context.Context, x *Exchange, lookup *responseLookup) bool {
	item, ok, err := x.caches().Responses.Get(ctx, lookup.key)
	if err != nil {
		x.cacheFailed("cache-lookup", err)
		return false
	}
	if !ok {
		return false
	}
	kept, err := readKept(item.Value)
	if err != nil {
		x.cacheFailed("cache-lookup", err)
		return false
	}
	if !kept.fits(x.Request.Header) || !x.permitted() {
		return false
	}
	lookup.set(kept.header, item.Expires.Sub(x.now()))
	x.answer(kept.response())
	return true
}

// permitted reports whether the gate would let the caller's request through.
func (x *Exchange) permitted() bool {
	if x.Permit == nil {
		return true
	}
	e := x.Permit()
	if e != nil {
		x.Note("what is kept is not given out: " + e.Reason)
	}
	return e == nil
}

// set writes Cache-Control for an answer that is kept for a while longer.
func (c *control) set(h http.Header, left time.Duration) {
	text := "no-store"
	if c.downstream != downstreamNone {
		text = c.downstream + ", max-age=" + strconv.FormatInt(max(0, int64(left/time.Second)), 10)
		if c.revalidate {
			text += ", must-revalidate"
		}
	}
	h["Cache-Control"] = []string{text}
}
