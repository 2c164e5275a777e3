package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/site"
)

// operators is who may operate the gateway over TLS, compiled from one site.
type operators struct {
	tls *tls.Config
	// tokens verifies operators' tokens, which have audiences of their own;
	// nil: no token counts.
	tokens *verify.TokenVerifier
	roles  []site.AdminRole
	now    func() time.Time
}

// addOperators compiles "admin". It needs the front's certificates.
func (b *built) addOperators(at surroundings) {
	cfg := &b.site.Config.Admin
	if cfg.Listener == nil || b.front == nil {
		return
	}
	o := &operators{roles: cfg.Roles, now: nowOr(at.now)}
	name := b.adminHostname()
	pair := b.pairs[name]
	if pair == nil {
		b.problems.Add(cfg.Listener.Pos, "admin-hostname", "the name of a hostname", "set admin.hostname",
			"the operator's door has no certificate: no hostname is the default")
		return
	}
	o.tls = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*pair}, NextProtos: []string{"http/1.1"}}
	if cfg.ClientCA != "" {
		roots, err := b.pool(cfg.ClientCA)
		if err != nil {
			b.problems.Add(cfg.Pos, "client-ca", "a PEM bundle", "", "admin.clientCA: %v", err)
			return
		}
		o.tls.ClientCAs, o.tls.ClientAuth = roots, tls.VerifyClientCertIfGiven
	}
	b.operators = o
	if len(cfg.Audiences) == 0 || len(b.site.Config.Tokens.Issuers) == 0 || at.offline || b.problems.HasErrors() {
		return
	}
	tokens := site.Tokens{Audiences: cfg.Audiences, Issuers: slices.Clone(b.site.Config.Tokens.Issuers)}
	for i := range tokens.Issuers {
		tokens.Issuers[i].Audiences = cfg.Audiences
	}
	opt := verify.Options{Client: b.issuerClient, Now: at.now, Log: at.log}
	if at.previous != nil && at.previous.operators != nil {
		opt.Previous = at.previous.operators.tokens
	}
	var err error
	if o.tokens, err = verify.NewTokenVerifier(&tokens, opt); err != nil {
		b.problems.Add(cfg.Pos, "tokens", "", "", "admin.audiences: %v", err)
	}
}

// adminHostname is the name whose certificate the door shows.
func (b *built) adminHostname() string {
	cfg := b.site.Config
	if cfg.Admin.Hostname != "" {
		return cfg.Admin.Hostname
	}
	for _, h := range cfg.Hostnames {
		if h.Default || len(cfg.Hostnames) == 1 {
			return h.Name
		}
	}
	return ""
}

func (o *operators) close() {
	if o != nil && o.tokens != nil {
		o.tokens.Close()
	}
}

// errNobody is why an operator is not known. What exactly was wrong with a
// credential is in the record, not in the answer.
var errNobody = errors.New("no client certificate and no token was shown")

const operatorMend = "show a client certificate or a token that admin.roles gives a role"

// identify says who asks, by certificate or token, and never by both.
func (o *operators) identify(r *http.Request) admin.Actor {
	a := admin.Actor{Mend: operatorMend}
	raw, isToken, shown, err := verify.ExtractBearer(r.Header["Authorization"])
	certificate := o.certificateOf(r.TLS)
	switch {
	case err != nil || shown && !isToken:
		a.Err = errors.Join(errors.New("the Authorization header holds no token"), err)
	case isToken && certificate != "":
		a.Err = errors.New("a certificate and a token were shown: which of them counts would be a guess")
	case isToken && o.tokens == nil:
		a.Err = errors.New("a token was shown, and admin.audiences names none")
	case isToken:
		token, err := o.tokens.Verify(r.Context(), raw)
		if err != nil {
			a.Err = err
			break
		}
		a.Name = "token:" + token.Principal.ID() + " of " + token.Principal.Issuer
		a.Roles = o.rolesOf(func(e *site.AdminRole) bool { return tokenHolds(e, token) })
	case certificate != "":
		a.Name = "certificate:" + certificate
		a.Roles = o.rolesOf(func(e *site.AdminRole) bool { return slices.Contains(e.Certificates, certificate) })
	default:
		a.Err = errNobody
	}
	return a
}

// rolesOf are the roles of the entries that hold.
func (o *operators) rolesOf(holds func(*site.AdminRole) bool) (roles []string) {
	for i := range o.roles {
		if e := &o.roles[i]; holds(e) && !slices.Contains(roles, e.Role) {
			roles = append(roles, e.Role)
		}
	}
	return roles
}

// tokenHolds reports whether an entry for tokens is about this one.
func tokenHolds(e *site.AdminRole, t *verify.Token) bool {
	if e.Certificates != nil {
		return false
	}
	rule := site.Tokens{Callers: []site.TokenCaller{{
		Subscription: "-", Issuer: e.Issuer, ClientApplicationIDs: e.ClientApplicationIDs,
		Principals: e.Principals, Groups: e.Groups, Roles: e.Roles,
	}}}
	_, ok := verify.MapCaller(&rule, t)
	return ok
}

// certificateOf is the fingerprint of a client certificate that holds now: a
// connection may outlive its certificate, and the authority that the site named
// when it was made.
func (o *operators) certificateOf(state *tls.ConnectionState) string {
	if state == nil || len(state.PeerCertificates) == 0 || o.tls.ClientCAs == nil {
		return ""
	}
	others := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		others.AddCert(c)
	}
	if _, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: o.tls.ClientCAs, Intermediates: others, CurrentTime: o.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return ""
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}

// bindAdmin takes the address of the operator's door; nil: the site wants none.
func bindAdmin(ctx context.Context, cfg *site.Config) (net.Listener, error) {
	if cfg.Admin.Listener == nil {
		return nil, nil
	}
	addr, err := netip.ParseAddr(cfg.Admin.Listener.Address)
	if err != nil {
		return nil, fmt.Errorf("admin.listener: %w", err)
	}
	ln, err := listen(ctx, netip.AddrPortFrom(addr, uint16(cfg.Admin.Listener.Port)))
	if err != nil {
		return nil, fmt.Errorf("admin.listener: %w", err)
	}
	return ln, nil
}

// openAdminTLS serves the door on its listener.
func (p *Process) openAdminTLS(ln net.Listener) {
	p.adminTLS = admin.ListenTLS(admin.TLSOptions{
		Listener: few(ln), Log: p.opt.Log,
		Config:   func() *tls.Config { return p.operators.Load().tls },
		Identify: func(r *http.Request) admin.Actor { return p.operators.Load().identify(r) },
	}, p.door)
}

// renewed is the same operators with another certificate.
func (o *operators) renewed(pair *tls.Certificate) *operators {
	if o == nil || pair == nil {
		return o
	}
	next := *o
	next.tls = o.tls.Clone()
	next.tls.Certificates = []tls.Certificate{*pair}
	return &next
}

// poolPEM is roots of PEM text, for who calls the door.
func poolPEM(pem []byte, name string) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", name)
	}
	return roots, nil
}
