package gateway

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/policy"
)

// vouching is what policies have said of who calls. They say what they have
// verified; who that is, the site says. It is part of its trip.
type vouching struct {
	// headers are the caller's as they came, where a policy may name the caller;
	// policies change those of the exchange.
	headers http.Header
	// tokens are those that policies took for access tokens of the caller.
	tokens []presented
	// named: the caller is known by a policy alone.
	named bool
	// barred is why the request goes nowhere; nil: nothing bars it.
	barred *refused
	// reason is why nobody stands from what a policy has verified.
	reason error
}

// presented is a token with where it stood: there it is taken out at the gate,
// and it may stand nowhere else.
type presented struct {
	token               string
	headers, parameters []string
}

// hearPolicies has policies tell the trip what they verify.
func (t *trip) hearPolicies() {
	x := &t.x
	x.Presented, x.Vouched, x.Minted = t.presented, t.vouched, t.s.backends.Minted
	if t.found.api.rules.policy {
		t.vouching.headers = maps.Clone(t.r.Header)
	}
}

// presented notes a token, which is a credential of the caller whatever comes of
// it.
func (t *trip) presented(token string) {
	v := &t.vouching
	if len(token) < minSearched {
		return
	}
	for _, known := range v.tokens {
		if known.token == token {
			return
		}
	}
	p := presented{token: token}
	for name, values := range t.x.Request.Header {
		if anyHolds(values, token) {
			p.headers = append(p.headers, name)
		}
	}
	for name, values := range t.query {
		if anyHolds(values, token) {
			p.parameters = append(p.parameters, name)
		}
	}
	v.tokens = append(v.tokens, p)
}

func anyHolds(values []string, token string) bool {
	for _, v := range values {
		if strings.Contains(v, token) {
			return true
		}
	}
	return false
}

// vouched makes a principal of what a policy has verified, if the site trusts
// it too. The document's word is not enough: its keys may be anybody's. So the
// token is verified once more by the rules of the site.
func (t *trip) vouched(ctx context.Context, v policy.Vouched) {
	switch {
	case t.x.LastError != nil: // a policy of on-error names nobody
	case v.Certificate:
		t.nameCertificate()
	case !t.sentByCaller(v.Token):
		t.nobody(errors.New("the token is not one that the caller sent"))
	default:
		token, err := t.s.verifyToken(ctx, v.Token)
		if err != nil {
			t.nobody(err)
			return
		}
		t.nameToken(token)
	}
}

// nobody notes why no principal stands from what a policy has verified.
func (t *trip) nobody(reason error) {
	if t.who == nil {
		t.vouching.reason = reason
	}
}

// sentByCaller reports whether a token came with the request: one that a policy
// obtained or made says nothing of the caller.
func (t *trip) sentByCaller(token string) bool {
	if len(token) < minSearched {
		return false
	}
	for _, values := range t.vouching.headers {
		if anyHolds(values, token) {
			return true
		}
	}
	for _, values := range t.sent {
		if anyHolds(values, token) {
			return true
		}
	}
	for _, values := range t.query {
		if anyHolds(values, token) {
			return true
		}
	}
	return false
}

// nameToken makes the token's principal the caller. Where a key names the
// subscription, it stays; else the rules for callers by token give one, or none.
func (t *trip) nameToken(token *verify.Token) {
	principal := token.Principal
	switch {
	case t.who == nil:
		who := caller{principal: &principal}
		if name, ok := verify.MapCaller(&t.s.Site.Config.Tokens, token); ok {
			who.subscription = t.s.subscription(name)
			if who.subscription == nil || !who.subscription.Active() {
				t.bar(forbidden("SubscriptionNotActive", "The subscription of the token's caller is not active."))
				return
			}
		}
		t.name(&who, decision{allow: true, reasons: []string{"policy-token"}})
	case t.who.principal.Kind == identity.KindToken:
		// Of two tokens nobody can say whose request it is. One that identify has
		// found stays: the API takes it from there.
		if t.vouching.named && !samePrincipal(t.who.principal, &principal) {
			t.bar(forbidden("PrincipalAmbiguous", "Policies have verified tokens of two callers."))
		}
	case t.vouching.named && t.who.principal.Kind == identity.KindCertificate:
		// A certificate named the caller, and a token comes to it: as beside a key,
		// the token is whose request it is.
		principal.SubscriptionID = t.who.principal.SubscriptionID
		t.who = &caller{principal: &principal, subscription: t.who.subscription}
		t.checkNamed()
	case t.who.key != "":
		principal.SubscriptionID = t.who.subscription.ID
		t.who = &caller{principal: &principal, subscription: t.who.subscription, key: t.who.key}
		t.checkNamed()
	}
}

func samePrincipal(a, b *identity.Principal) bool {
	return a.Issuer == b.Issuer && a.ID() == b.ID() && a.ClientID == b.ClientID
}

// nameCertificate makes the holder of the TLS client certificate the caller: it
// is of a CA that the site trusts for this hostname.
func (t *trip) nameCertificate() {
	if t.who != nil {
		return
	}
	print := t.shown.certificate
	if print == "" {
		t.nobody(errors.New("the connection has no client certificate of a CA that the site trusts"))
		return
	}
	who := caller{principal: &identity.Principal{Kind: identity.KindCertificate, CertificateSHA256: print}}
	if who.subscription = t.s.directory.ByCertificate(print); who.subscription != nil && !who.subscription.Active() {
		t.bar(forbidden("SubscriptionNotActive", "The subscription of the certificate is not active."))
		return
	}
	t.name(&who, decision{allow: true, reasons: []string{"policy-certificate"}})
}

// name makes who the caller of a request that nobody was known for. A
// subscription that does not cover the API says nothing here.
func (t *trip) name(who *caller, by decision) {
	if who.subscription != nil && !t.s.covers(who.subscription.Scope, t.found.api.api) {
		who.subscription = nil
	}
	if who.subscription != nil {
		who.principal.SubscriptionID = who.subscription.ID
	}
	t.who, t.vouching.named = who, true
	if t.checkNamed(); t.vouching.barred != nil {
		return
	}
	if sub := who.subscription; sub != nil {
		t.subscription = policy.Subscription{ID: sub.ID, Name: sub.Name, Key: t.shown.key, Created: sub.Created}
		t.x.Subscription = &t.subscription
	}
	if t.found.api.rules.policy {
		t.decision = by
	}
	if e := t.enter(); e != nil {
		t.bar(e)
	}
}

// checkNamed holds the caller against what its subscription is bound to.
func (t *trip) checkNamed() {
	if e := checkBinding(t.who, t.shown); e != nil {
		t.bar(e)
	}
}

// bar keeps the request from every backend; the first reason stays.
func (t *trip) bar(e *refused) {
	if t.vouching.barred == nil {
		t.vouching.barred = e
	}
}

// takeTokens removes tokens that policies took from the request, from where they
// stood then.
func (t *trip) takeTokens(d *departure) {
	for _, p := range t.vouching.tokens {
		for _, name := range p.headers {
			takeHeader(d.header, name, []string{p.token})
		}
		for _, name := range p.parameters {
			if d.query != "" {
				d.query = withoutParameter(d.query, name)
			}
		}
	}
}

// certificate is the client certificate of the connection for policies; nil: it
// has none. It is read by expressions once for all requests.
func (c *Conn) certificate(trusted bool) *policy.ClientCertificate {
	if c.TLS == nil || len(c.TLS.PeerCertificates) == 0 {
		return nil
	}
	if k := c.shown.Load(); k != nil && k.Trusted == trusted {
		return k
	}
	k := &policy.ClientCertificate{Chain: c.TLS.PeerCertificates, Trusted: trusted}
	if len(c.TLS.VerifiedChains) > 0 {
		k.Chain = c.TLS.VerifiedChains[0]
	}
	c.shown.Store(k)
	return k
}
