package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/gateway"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// surroundings are what a compiled site takes from the process.
type surroundings struct {
	secrets   secret.Env
	now       func() time.Time
	log       *slog.Logger
	digestKey []byte
	stored    []store.Subscription
	// revision is that of the state that stored is from.
	revision store.Revision
	// listeners are the process's own addresses; nil: none yet.
	listeners func() []netip.AddrPort
	onUse     func(egress.Use)
	// endpoints are the decisions about private endpoints; nil: none is known.
	endpoints *endpoint.Live
	// retries bounds attempts at further members of pools; nil: nothing does.
	retries *limit.RetryBudget
	// previous is what was in force before; nil at the start.
	previous *built
	// authority keeps the site's own CA open; nil: the state is not ours.
	authority *authority
	// development accepts what the emulator made.
	development bool
	// elsewhere: the site may be meant for another machine than this one.
	elsewhere bool
	// detached: the host may stand outside the gateway's subnet.
	detached bool
	// flows is told what security rules decide; nil: nothing is.
	flows *nsg.FlowLog
	// hostAddrs are the addresses of this machine; nil: those of its interfaces.
	hostAddrs func() ([]netip.Addr, error)
	// offline: nothing is connected to and nothing kept, for "check".
	offline bool
}

func (at *surroundings) previousBackends() *backend.Set {
	if at.previous == nil {
		return nil
	}
	return at.previous.backends
}

// budget is the retry budget as an interface that is nil where there is none.
func (at *surroundings) budget() backend.Retries {
	if at.retries == nil {
		return nil
	}
	return at.retries
}

// built is one site, compiled whole.
type built struct {
	site      *site.Site
	placement *placement
	dialer    *egress.Dialer
	// endpoints are the private endpoints of the site.
	endpoints *endpoint.View
	backends  *backend.Set
	tokens    *verify.TokenVerifier
	snapshot  *gateway.Snapshot
	front     *gateway.Front
	// certificates are the files that the front was made from.
	certificates certificates
	// pairs are the certificates by hostname.
	pairs map[string]*tls.Certificate
	// operators is who may operate over TLS; nil: nobody.
	operators *operators
	problems  site.Problems
	// unreadable are the errors of secrets that are among the problems.
	unreadable []string
	callers    callers
	revision   store.Revision
	// vaults were asked for secrets; nil: the site refers to none in a vault.
	vaults *secret.Vaults
	// calls are the ways of policies out; nil: none are made.
	calls *callTransports
	// values are the named values; hubs the event hubs that policies log to, by
	// the ids of their loggers.
	values *policy.NamedValues
	hubs   map[string]*hub
}

// build compiles a site that was loaded. With an error among the problems the
// result holds what could be made, for reports, and nothing in it runs.
func build(s *site.Site, at surroundings) *built {
	b := &built{site: s, revision: at.revision}
	defer b.finish()
	b.checkListeners(at)
	b.checkAccessLog()
	var problems site.Problems
	b.placement, problems = findPlacement(s, at)
	b.add(problems)
	b.addEndpoints(at)
	b.addDialer(at)
	if b.dialer == nil {
		return b
	}
	if at.elsewhere {
		b.warnWitness()
	}
	b.addVaults(&at)
	b.checkSecrets(at)
	b.addCallers(at)
	b.backends, problems = backend.Compile(s, backend.Options{
		Dialer: b.dialer, Secrets: at.secrets, Log: at.log, Now: at.now, Previous: at.previousBackends(),
		Retries: at.budget(),
	})
	b.add(problems)
	b.add(refuseEmulator(s, at))
	b.warnEndpoints()
	env := b.policies(at)
	b.makeCalls()
	b.checkIdentityFiles()
	b.front = b.makeFront(at)
	b.addTokens(at)
	b.addOperators(at)
	b.snapshot, problems = gateway.Compile(s, gateway.CompileOptions{
		Directory: b.callers.directory,
		Tokens:    b.tokens, Backends: b.backends, Policies: env, MayCall: b.mayCall, MayLog: b.mayLog, MayFetch: b.mayFetch,
	})
	b.add(problems)
	if b.backends == nil {
		b.snapshot = nil // compiled for the problems of its policies
	}
	if b.problems.HasErrors() {
		b.close()
		b.snapshot = nil
	}
	b.problems.Sort()
	return b
}

// finish gives problems that were found after loading the form of those found
// by loading: with the line that they are about, and with what mends them apart
// from what is wrong, which errors say in one breath.
func (b *built) finish() {
	for i := range b.problems {
		p := &b.problems[i]
		if p.Excerpt == "" && p.Line > 0 {
			p.Excerpt = site.Excerpt(b.site.Files[p.File], p.Pos)
		}
		if message, mend, ok := strings.Cut(p.Message, "; mend: "); ok {
			p.Message, p.Mend = message, cmp.Or(p.Mend, mend)
		}
	}
}

// close ends what was begun for a site that is not, or no longer, in force.
func (b *built) close() {
	b.calls.close()
	b.operators.close()
	if b.snapshot != nil {
		b.snapshot.Close()
	} else if b.tokens != nil {
		b.tokens.Close()
	}
}

func (b *built) addDialer(at surroundings) {
	var needs []egress.Need
	for _, be := range b.site.Service.Backends {
		if be.URL != "" {
			needs = append(needs, egress.Need{Class: egress.Model, URL: be.URL, Why: "backend " + be.ID})
		}
	}
	if b.mayUseManagedIdentity() {
		needs = append(needs, egress.Need{Class: egress.Identity, URL: egress.MetadataURL, Why: "authentication-managed-identity"})
	}
	var problems site.Problems
	b.dialer, problems = egress.New(b.site.Config, egress.Options{
		OwnListeners: at.listeners, OnUse: at.onUse, Log: at.log, Needs: needs, Permits: b.placement.permits, Endpoints: b.endpoints,
		Zones: zonesFor(b.site),
	})
	b.add(problems)
}

func (b *built) addTokens(at surroundings) {
	cfg := &b.site.Config.Tokens
	problems := verify.Check(cfg)
	b.add(problems)
	if len(cfg.Issuers) == 0 || b.problems.HasErrors() || at.offline {
		return // a site that is refused asks nobody for keys
	}
	var previous *verify.TokenVerifier
	if at.previous != nil {
		previous = at.previous.tokens
	}
	tokens, err := verify.NewTokenVerifier(cfg, verify.Options{
		Client: b.issuerClient, Now: at.now, Log: at.log, Previous: previous,
	})
	if err != nil {
		b.problems.Add(cfg.Pos, "tokens", "", "", "%v", err)
		return
	}
	b.tokens = tokens
}

// issuerTimeout bounds one fetch of metadata or keys.
const issuerTimeout = 10 * time.Second

// issuerClient is the way to an issuer, with the CAs that the site names for
// it. Its file was read with the site and checked there.
func (b *built) issuerClient(i *site.Issuer) *http.Client {
	roots, err := b.pool(i.CAFile)
	if err != nil {
		roots = x509.NewCertPool() // trusts nobody; the problem is reported by the site's check
	}
	return b.dialer.Client(egress.Identity, egress.TransportOptions{RootCAs: roots, MaxConns: 4}, issuerTimeout)
}

// pool reads a PEM bundle of the site; nil for none: the system's.
func (b *built) pool(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, ok := b.site.Files[file]
	if !ok {
		return nil, fmt.Errorf("%s is not in the site", file)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

// policies is what policy documents may refer to.
func (b *built) policies(at surroundings) policy.Env {
	values, problems := policy.NewNamedValues(b.site.Service.NamedValues, func(ref *site.SecretRef) (secret.Value, error) {
		return secret.Resolve(ref, at.secrets)
	})
	b.add(problems)
	b.values, b.hubs = values, map[string]*hub{}
	env := policy.NewEnv(b.site, values)
	env.Certificates = b.policyCertificates()
	env.Missing = map[string]string{
		"get-authorization-context": "needs a credential manager, which this gateway does not have",
	}
	return env
}

// stateDir is where a site's durable state lives.
func stateDir(s *site.Site) string {
	dir := s.Config.State.Directory
	if dir == "" {
		dir = "state"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.Dir, dir)
	}
	return dir
}
