package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/identity/verify"
)

// keyNames is where an API's callers put their subscription key.
type keyNames struct {
	// header is canonical; shown is as the API's owner spelled it.
	header, shown string
	query         string
}

// credentials are what a request shows, each kind at most once.
type credentials struct {
	// key is the subscription key, empty for none.
	key string
	// token is the access token, empty for none.
	token string
	// certificate is the fingerprint of the verified TLS client certificate:
	// SHA-256, lower-case hex; empty for none.
	certificate string
}

// caller is who calls: the result of identify.
type caller struct {
	principal    *identity.Principal
	subscription *verify.KeySubscription
	// key says which of the subscription's keys was used: "primary",
	// "secondary" or "" for callers by token or certificate.
	key string
}

// identify turns what the request shows into a caller. Nobody is a caller too:
// authorize says whether that is enough.
func (t *trip) identify() *refused {
	rt := t.found
	var e *refused
	bearerKeys := takesBearerKeys(t.call.Segments)
	if t.shown, e = readCredentials(t.r, t.query, rt.api.key, &rt.api.rules, bearerKeys); e != nil {
		return e
	}
	t.shown.certificate = fingerprint(t.conn.TLS, t.g.opt.Now())
	t.x.ClientCertificate = t.conn.certificate(t.shown.certificate != "")
	t.who, e = t.s.identify(t.ctx, rt, t.call.Host, t.shown)
	return e
}

// fingerprint is that of the client certificate that TLS verified; empty where
// there is none. A connection may outlive its certificate: then that counts no
// more.
func fingerprint(state *tls.ConnectionState, now time.Time) string {
	expired := func(c *x509.Certificate) bool { return now.After(c.NotAfter) }
	valid := func(chain []*x509.Certificate) bool { return !slices.ContainsFunc(chain, expired) }
	if state == nil || !slices.ContainsFunc(state.VerifiedChains, valid) || len(state.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// takesBearerKeys: on the v1 surface SDKs send the key as a Bearer token.
func takesBearerKeys(segments []string) bool {
	for i := 1; i < len(segments); i++ {
		if strings.EqualFold(segments[i], "v1") && strings.EqualFold(segments[i-1], "openai") {
			return true
		}
	}
	return false
}

// readCredentials collects what the request shows. bearerKeys is true on the
// surface where SDKs send the key as a Bearer token. The same kind of
// credential sent twice is refused: which of them counts would be a guess.
func readCredentials(r *http.Request, query url.Values, names keyNames, rules *callerRules, bearerKeys bool) (credentials, *refused) {
	var c credentials
	keys := 0
	see := func(values ...string) {
		keys += len(values)
		if len(values) > 0 {
			c.key = values[0]
		}
	}
	see(r.Header[names.header]...)
	if names.query != "" {
		see(query[names.query]...)
	}
	see(webSocketKeys(r.Header)...)
	if authorization := r.Header["Authorization"]; names.header != "Authorization" && (bearerKeys || rules.wantsToken()) {
		value, isToken, ok, err := verify.ExtractBearer(authorization)
		switch {
		case err != nil:
			return c, tokenError(err)
		case isToken:
			c.token = value
		case ok && bearerKeys:
			see(value)
		case ok && rules.wantsToken():
			return c, tokenError(&verify.Error{Code: verify.TokenMalformed, Status: http.StatusUnauthorized, Cause: errors.New("not three parts")})
		}
	}
	if keys > 1 {
		return c, &refused{
			Source: "authorization", Reason: "CredentialSentTwice", Status: http.StatusBadRequest, Frame: true,
			Message:       "The subscription key was sent more than once.",
			PublicMessage: "The subscription key was sent more than once. Send it once.",
		}
	}
	return c, nil
}

// webSocketKeyPrefix begins the subprotocol in which browsers send a key,
// because they cannot set headers on a WebSocket.
const webSocketKeyPrefix = "openai-insecure-api-key."

// webSocketKeys finds keys among the WebSocket subprotocols.
func webSocketKeys(h http.Header) (keys []string) {
	for _, line := range h["Sec-Websocket-Protocol"] {
		for protocol := range strings.SplitSeq(line, ",") {
			if k, ok := strings.CutPrefix(strings.TrimSpace(protocol), webSocketKeyPrefix); ok {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// identify verifies every credential of a kind that the API takes. One that
// does not verify is refused, unless the API is open to anybody.
func (s *Snapshot) identify(ctx context.Context, rt route, host string, c credentials) (*caller, *refused) {
	rules := &rt.api.rules
	var who caller
	if c.key != "" && rules.wantsKey() {
		if sub, which, ok := s.directory.Lookup(c.key); ok && s.covers(sub.Scope, rt.api.api) {
			who.subscription, who.key = sub, which
			who.principal = sub.Principal()
		} else if !rules.anonymous {
			return nil, keyError(rt, host, false)
		}
	}
	if c.token != "" && rules.wantsToken() {
		token, err := s.verifyToken(ctx, c.token)
		if err == nil {
			if e := s.actAs(&who, token, rules); e != nil {
				return nil, e
			}
		} else if !rules.anonymous {
			return nil, tokenError(err)
		}
	}
	if who.principal == nil && c.certificate != "" && rules.certificate {
		s.identifyCertificate(&who, c.certificate)
	}
	if e := checkBinding(&who, c); e != nil {
		return nil, e
	}
	if who.principal == nil {
		return nil, nil
	}
	return &who, nil
}

func (s *Snapshot) verifyToken(ctx context.Context, raw string) (*verify.Token, error) {
	if s.tokens == nil {
		return nil, &verify.Error{Code: verify.IssuerUnknown, Status: http.StatusUnauthorized, Cause: errors.New("the site trusts no issuer")}
	}
	return s.tokens.Verify(ctx, raw)
}

// actAs gives the caller of a verified token its principal and subscription.
func (s *Snapshot) actAs(who *caller, token *verify.Token, rules *callerRules) *refused {
	principal := token.Principal
	if who.subscription != nil { // the key names the subscription, the token the principal
		principal.SubscriptionID = who.subscription.ID
		who.principal = &principal
		return nil
	}
	if rules.both && !rules.token {
		return nil // authorize says that the key is missing
	}
	name, ok := verify.MapCaller(&s.Site.Config.Tokens, token)
	if !ok {
		return tokenError(verify.Unmapped())
	}
	sub := s.subscription(name)
	if sub == nil || !sub.Active() {
		return forbidden("SubscriptionNotActive", "The subscription of the token's caller is not active.")
	}
	principal.SubscriptionID = sub.ID
	who.principal, who.subscription = &principal, sub
	return nil
}

// identifyCertificate finds the subscription that is bound to the client
// certificate.
func (s *Snapshot) identifyCertificate(who *caller, fingerprint string) {
	sub := s.directory.ByCertificate(fingerprint)
	if sub == nil || !sub.Active() {
		return
	}
	who.subscription = sub
	who.principal = &identity.Principal{Kind: identity.KindCertificate, SubscriptionID: sub.ID, CertificateSHA256: fingerprint}
}

// checkBinding enforces boundTo of the subscription that the caller uses.
func checkBinding(who *caller, c credentials) *refused {
	if who.subscription == nil || who.subscription.Binding == nil {
		return nil
	}
	principal := ""
	if who.principal.Kind == identity.KindToken {
		principal = who.principal.ID()
	}
	if !verify.Bound(who.subscription.Binding, principal, c.certificate) {
		return forbidden("SubscriptionBound", "The subscription is bound to other principals or certificates.")
	}
	return nil
}

// keyError is the documented answer to a missing or invalid subscription key,
// byte for byte as API Management gives it.
func keyError(rt route, host string, missing bool) *refused {
	e := &refused{
		Source: "authorization", Reason: "SubscriptionKeyInvalid", Status: http.StatusUnauthorized, Frame: true,
		Message: "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
	}
	if missing {
		e.Reason = "SubscriptionKeyNotFound"
		e.Message = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."
	}
	e.PublicMessage = e.Message
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	e.Header = http.Header{"Www-Authenticate": {
		`AzureApiManagementKey realm="https://` + host + rt.api.prefix + `",name="` + rt.api.key.shown + `",type="header"`,
	}}
	return e
}

// tokenError answers a token that did not verify. What exactly was wrong is
// for the operator's record; the caller learns the RFC 6750 code.
func tokenError(err error) *refused {
	var te *verify.Error
	if !errors.As(err, &te) {
		te = &verify.Error{Code: verify.KeysUnavailable, Status: http.StatusServiceUnavailable, Cause: err}
	}
	e := &refused{
		Source: "authorization", Reason: string(te.Code), Status: te.Status, Frame: true,
		Message: te.Public(), PublicMessage: te.Public(), Cause: err,
	}
	if challenge := te.Challenge(); challenge != "" {
		e.Header = http.Header{"Www-Authenticate": {challenge}}
	}
	return e
}

func forbidden(reason, message string) *refused {
	return &refused{
		Source: "authorization", Reason: reason, Message: message,
		Status: http.StatusForbidden, PublicMessage: "Access denied.", Frame: true,
	}
}
