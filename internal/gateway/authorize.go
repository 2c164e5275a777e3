package gateway

import (
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// callerRules is "callers" of one API, compiled. The zero value lets nobody
// in.
type callerRules struct {
	subscription, token, both, certificate bool
	// policy: the caller may be anybody; the gate waits for a policy to name it.
	policy    bool
	anonymous bool
	// kinds is the list as the site wrote it, for check.
	kinds []string
	// implied is true where the site said nothing.
	implied bool
}

func (r *callerRules) wantsKey() bool   { return r.subscription || r.both || r.anonymous || r.policy }
func (r *callerRules) wantsToken() bool { return r.token || r.both }

// compileCallers reads "callers" for one API: its own entry, then the
// default, then the subscription where the API requires one, else nobody.
func compileCallers(cfg *site.Config, api *site.API) callerRules {
	kinds, said := callersOf(&cfg.Callers, api.ID)
	r := callerRules{kinds: kinds, implied: !said}
	if !said && api.SubscriptionRequired {
		r.kinds = []string{site.CallerSubscription}
	}
	for _, kind := range r.kinds {
		switch kind {
		case site.CallerSubscription:
			r.subscription = true
		case site.CallerToken:
			r.token = true
		case site.CallerSubscriptionAndToken:
			r.both = true
		case site.CallerCertificate:
			r.certificate = true
		case site.CallerPolicy:
			r.policy = true
		case site.CallerAnonymous:
			r.anonymous = true
		}
	}
	return r
}

func callersOf(c *site.Callers, api string) (kinds []string, said bool) {
	for id, kinds := range c.APIs {
		if strings.EqualFold(id, api) {
			return kinds, true
		}
	}
	return c.Default, c.Default != nil
}

// decision is what authorize decided, with its reasons, for the record.
type decision struct {
	allow   bool
	reasons []string
}

// authorize decides, and chooses the pipeline of the product that the caller
// comes by.
func (t *trip) authorize() *refused {
	var e *refused
	t.decision, e = t.s.authorize(t.found, t.call.Host, t.who, t.shown)
	if e != nil {
		return e
	}
	if t.who != nil {
		sub := t.who.subscription
		t.subscription = policy.Subscription{ID: sub.ID, Name: sub.Name, Key: t.shown.key, Created: sub.Created}
		t.x.Subscription = &t.subscription
	}
	t.x.Product = t.s.productOf(t.found, t.who)
	t.pipeline = t.found.pipelineFor(t.x.Product)
	return nil
}

// authorize says whether this caller may use this API. Rules about models,
// conditional access and grants stand behind it, in the gate.
func (s *Snapshot) authorize(rt route, host string, who *caller, c credentials) (decision, *refused) {
	rules := &rt.api.rules
	if who == nil {
		return s.authorizeNobody(rt, host, c)
	}
	if who.subscription == nil || !s.covers(who.subscription.Scope, rt.api.api) {
		return deny(forbidden("SubscriptionScope", "The caller's subscription does not cover this API."))
	}
	byToken := who.principal.Kind == identity.KindToken
	switch {
	case who.key != "" && byToken && (rules.both || rules.subscription):
		return allow("subscription-key-and-token")
	case who.key != "" && rules.subscription:
		return allow("subscription-key")
	case byToken && rules.token:
		return allow("token")
	case who.principal.Kind == identity.KindCertificate && rules.certificate:
		return allow("client-certificate")
	case rules.anonymous:
		return allow("anonymous")
	case rules.policy:
		return allow("policy-decides")
	case rules.both && who.key != "":
		return deny(tokenMissing())
	}
	return deny(forbidden("CallerKind", "This kind of caller may not use this API."))
}

// authorizeNobody handles requests that showed nothing that counts.
func (s *Snapshot) authorizeNobody(rt route, host string, c credentials) (decision, *refused) {
	rules := &rt.api.rules
	switch {
	case rules.anonymous:
		return allow("anonymous")
	case rules.policy:
		return allow("policy-decides")
	case rules.subscription || rules.both && c.key == "":
		return deny(keyError(rt, host, true))
	case rules.token || rules.both:
		return deny(tokenMissing())
	case rules.certificate:
		return deny(forbidden("CertificateRequired", "No known client certificate was shown."))
	}
	return deny(forbidden("NobodyMayCall", "No kind of caller is configured for this API."))
}

func allow(reason string) (decision, *refused) {
	return decision{allow: true, reasons: []string{reason}}, nil
}

func deny(e *refused) (decision, *refused) {
	return decision{reasons: []string{kebab(e.Reason)}}, e
}

func tokenMissing() *refused {
	return &refused{
		Source: "authorization", Reason: "TokenNotPresent", Status: http.StatusUnauthorized, Frame: true,
		Message: "No token was sent.", PublicMessage: "Access denied due to missing token.",
		Header: http.Header{"Www-Authenticate": {verify.ChallengeNoToken}},
	}
}

// covers reports whether a subscription's scope includes an API: all APIs, the
// API itself, or a product that holds it.
func (s *Snapshot) covers(scope string, api *site.API) bool {
	kind, id := scopeParts(scope)
	switch kind {
	case "apis":
		return id == "" || strings.EqualFold(id, api.ID)
	case "products":
		p := s.product(id)
		if p == nil || !p.Published {
			return false
		}
		for _, member := range p.APIs {
			if strings.EqualFold(member, api.ID) {
				return true
			}
		}
	}
	return false
}

// product finds a product by id, nil for none.
func (s *Snapshot) product(id string) *site.Product {
	return s.products[strings.ToLower(id)]
}

// scopeParts splits "/products/gold" into "products" and "gold".
func scopeParts(scope string) (kind, id string) {
	kind, id, _ = strings.Cut(strings.TrimPrefix(scope, "/"), "/")
	return strings.ToLower(kind), id
}

// productOf is the product under whose policies the request runs.
func (s *Snapshot) productOf(rt route, who *caller) *site.Product {
	if who != nil && who.subscription != nil {
		if kind, id := scopeParts(who.subscription.Scope); kind == "products" {
			return s.product(id)
		}
		return nil
	}
	return rt.api.openProduct
}

// openProduct is the one product without a required subscription that holds
// the API; with several, none: which one would be a guess.
func (s *Snapshot) openProduct(api *site.API) *site.Product {
	var found *site.Product
	for _, p := range s.products {
		if !p.SubscriptionRequired && p.Published && s.covers("/products/"+p.ID, api) {
			if found != nil {
				return nil
			}
			found = p
		}
	}
	return found
}
