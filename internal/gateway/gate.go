package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
)

// departure is a request that passed the gate.
type departure struct {
	backend *backend.Backend
	header  http.Header
	query   string
}

// gate stands before every attempt at a backend, whatever policies did to the
// request meanwhile. It lets through only a request of somebody, to a
// destination that the site accepts, that asks the model for what can be read
// in one way only, and that carries none of the caller's credentials.
func (t *trip) gate() (departure, *refused) {
	x := &t.x
	if e := t.permit(); e != nil {
		return departure{}, e
	}
	b, err := t.s.backends.Lookup(x.Request.Backend.ID, x.Request.Backend.BaseURL)
	if err != nil {
		return departure{}, unreachable("The backend is not one that the site declares.", err)
	}
	if e := t.gateModel(b); e != nil {
		return departure{}, e
	}
	d := departure{backend: b, header: x.Request.Header.Clone(), query: x.Request.Query}
	if d.header == nil {
		d.header = http.Header{}
	}
	if !b.PassCallerToken() {
		t.takeCredentials(&d)
		if t.travels(&d) {
			return departure{}, forbidden("CredentialTravels", "The request would carry the caller's credential to the backend.")
		}
	}
	return d, nil
}

// permit is what the gate asks of the caller. It holds for answers out of a cache
// as well, which go to no backend: see policy.Exchange.Permit.
func (t *trip) permit() *refused {
	if t.vouching.barred != nil {
		return t.vouching.barred
	}
	if t.who != nil || t.found.api.rules.anonymous {
		return nil
	}
	e := forbidden("NoPrincipal", "No policy has identified the caller.")
	if reason := t.vouching.reason; reason != nil {
		e.Message = "What a policy has verified names nobody whom the site trusts."
		e.Cause = reason
	}
	return e
}

// callerKey names whoever calls for caches, see policy.Exchange.Caller. Tokens that
// policies took from the request count too, whether or not the site knows whose
// they are: an application may come by its key with those of its users.
func (t *trip) callerKey() string {
	if t.who == nil {
		return ""
	}
	parts := make([]string, 7, 8)
	if s := t.who.subscription; s != nil {
		parts[0] = s.ID
	}
	if p := t.who.principal; p != nil {
		parts[1], parts[2], parts[3], parts[4], parts[5], parts[6] = p.Kind, p.Issuer, p.TenantID, p.ID(), p.ClientID, p.CertificateSHA256
	}
	for _, p := range t.vouching.tokens {
		parts = append(parts, p.token)
	}
	return strings.Join(parts, "\x00")
}

// gateModel reads what the request asks of the model by the path at which the
// backend will get it. Members of a pool may have different paths: each counts.
func (t *trip) gateModel(b *backend.Backend) *refused {
	for _, base := range b.BasePaths() {
		if e := t.scanFor(t.x.Request.Method, base+t.x.Request.Path); e != nil {
			return e
		}
	}
	return nil
}

// callerHeaders are where callers put credentials, whatever the API's own
// header is called.
var callerHeaders = [...]string{"Authorization", "Api-Key", "Ocp-Apim-Subscription-Key"}

// takeCredentials removes what the caller sent as a credential from where it
// came. A policy that has put another value there keeps it.
func (t *trip) takeCredentials(d *departure) {
	for i, was := range t.sent {
		takeHeader(d.header, t.credentialHeader(i), was)
	}
	t.takeTokens(d)
	if lines := d.header["Sec-Websocket-Protocol"]; len(lines) > 0 {
		takeSubprotocols(d.header, lines)
	}
	if name := t.found.api.key.query; name != "" && d.query != "" {
		d.query = withoutParameter(d.query, name)
	}
}

// Uncredential is [policy.Road]: it takes what the caller sent as a credential out of a copy of the
// request's head, and out of its query, which it returns.
func (t *trip) Uncredential(h http.Header, query string) string {
	d := departure{header: h, query: query}
	t.takeCredentials(&d)
	return d.query
}

// CallTravels is [policy.Road]: it reports whether a call of a policy would carry a credential that
// the gateway holds for another host. What the caller sent a policy may pass on:
// to have a token looked at by its issuer, say.
func (t *trip) CallTravels(h http.Header, u *url.URL) bool {
	return t.s.backends.Carries(h, u.Host) || t.s.backends.CarriesURL(u)
}

// Hold is [policy.Road].
func (t *trip) Hold(n int64) *refused { return t.hold(n, &t.heldCalls) }

// HoldBody is [policy.Road].
func (t *trip) HoldBody(n int64, request bool) *refused {
	if request {
		return t.hold(n, &t.held)
	}
	return t.hold(n, &t.heldAnswer)
}

// Interrupted is [policy.Road].
func (t *trip) Interrupted(cause error) *refused { return interrupted(cause, cause) }

// keepSent notes the headers in which callers send credentials, as they came.
func (t *trip) keepSent() {
	for i := range t.sent {
		t.sent[i] = t.r.Header[t.credentialHeader(i)]
	}
	t.sentCookies = t.r.Header["Cookie"]
	for name, values := range t.r.Header {
		if name != "Cookie" && !slices.Contains(callerHeaders[:], name) && secret.CredentialName(name) {
			t.sentSecrets = append(t.sentSecrets, values...)
		}
	}
}

// credentialHeader is the name that t.sent[i] belongs to.
func (t *trip) credentialHeader(i int) string {
	if i < len(callerHeaders) {
		return callerHeaders[i]
	}
	return t.found.api.key.header
}

// takeHeader removes a header that still holds one of the caller's values,
// whatever a policy has put beside it.
func takeHeader(h http.Header, name string, was []string) {
	for _, now := range h[name] {
		for _, v := range was {
			if v != "" && strings.Contains(now, v) {
				delete(h, name)
				return
			}
		}
	}
}

// takeSubprotocols removes the key from the WebSocket subprotocols.
func takeSubprotocols(h http.Header, lines []string) {
	var kept []string
	for _, line := range lines {
		for protocol := range strings.SplitSeq(line, ",") {
			if protocol = strings.TrimSpace(protocol); !strings.HasPrefix(protocol, webSocketKeyPrefix) {
				kept = append(kept, protocol)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Sec-Websocket-Protocol")
		return
	}
	h["Sec-Websocket-Protocol"] = []string{strings.Join(kept, ", ")}
}

// withoutParameter removes every parameter of that name from a raw query and
// leaves the rest byte for byte.
func withoutParameter(query, name string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(key); err == nil && decoded == name {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair)
	}
	return b.String()
}

// minSearched is the shortest credential that is looked for: a shorter one
// would be found by chance, and no subscription has one.
const minSearched = 16

// travels reports whether the head that would leave still holds the bytes of a
// credential that the caller showed, or sent where callers show them.
func (t *trip) travels(d *departure) bool {
	if t.holdsCredential(d, t.shown.key) || t.holdsCredential(d, t.shown.token) {
		return true
	}
	for _, p := range t.vouching.tokens {
		if t.holdsCredential(d, p.token) {
			return true
		}
	}
	for _, sent := range t.sent {
		for _, v := range sent {
			if _, credential, ok := strings.Cut(v, " "); ok { // behind a scheme
				v = credential
			}
			if v != t.shown.key && v != t.shown.token && t.holdsCredential(d, v) {
				return true
			}
		}
	}
	return false
}

func (t *trip) holdsCredential(d *departure, credential string) bool {
	if len(credential) < minSearched {
		return false
	}
	if holds(t.x.Request.Path, credential, url.PathUnescape) || holds(d.query, credential, url.QueryUnescape) {
		return true
	}
	for name, values := range d.header {
		// The names of fields have no case: the front has changed theirs.
		if len(name) >= len(credential) && strings.Contains(strings.ToLower(name), strings.ToLower(credential)) {
			return true
		}
		for _, v := range values {
			if strings.Contains(v, credential) {
				return true
			}
		}
	}
	return false
}

func holds(s, credential string, unescape func(string) (string, error)) bool {
	if strings.Contains(s, credential) {
		return true
	}
	if !strings.ContainsAny(s, "%+") {
		return false
	}
	decoded, err := unescape(s)
	return err == nil && strings.Contains(decoded, credential)
}

// unreachable is a backend that a request did not get to.
func unreachable(message string, cause error) *refused {
	var refusal *egress.RefusedError
	var travel *backend.TravelError
	var credential *backend.CredentialError
	var unknown *backend.UnknownError
	e := &refused{
		Source: "forward-request", Reason: "BackendConnectionFailure", Status: http.StatusInternalServerError,
		Message: message, PublicMessage: "Internal server error", Cause: cause,
	}
	switch {
	case errors.As(cause, &travel):
		e = forbidden("BackendCredentialTravels", "The request would carry a credential of the gateway to another host.")
		e.Cause = cause
	case errors.As(cause, &credential):
		e.Reason, e.Message = "BackendCredentialFailure", "The gateway could not obtain its credential for the backend."
	case errors.As(cause, &unknown):
		e.Frame = true
	case errors.As(cause, &refusal):
		e.Frame = true
		e.Message = "The connection is refused: " + refusal.Code + "."
	}
	return e
}
