package app

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// openIdentity makes what policies verify and log in with. It outlives reloads
// and goes out through the dialer in force.
func (p *Process) openIdentity() {
	p.keySets = verify.NewKeySets(verify.KeySetOptions{
		Client: func(configuration string) *http.Client { return p.inForce().keySetClient(configuration) },
		Now:    p.opt.Now, Log: p.opt.Log,
	})
	p.identities = &identities{now: p.opt.Now, known: map[identityKey]*knownIdentity{}, opt: acquire.Options{
		Client: &http.Client{Transport: &following{dialer: p.dialer.Load, open: func(d *egress.Dialer) http.RoundTripper {
			return d.Transport(egress.Identity, egress.TransportOptions{MaxConns: 4})
		}}},
		InstanceMetadata: &following{dialer: p.dialer.Load, open: (*egress.Dialer).InstanceMetadata},
		Now:              p.opt.Now, Log: p.opt.Log,
	}}
}

// following goes out through the dialer in force.
type following struct {
	dialer func() *egress.Dialer
	open   func(*egress.Dialer) http.RoundTripper
	made   atomic.Pointer[openedWay]
}

type openedWay struct {
	dialer *egress.Dialer
	way    http.RoundTripper
}

func (f *following) RoundTrip(r *http.Request) (*http.Response, error) {
	d := f.dialer()
	m := f.made.Load()
	if m == nil || m.dialer != d {
		m = &openedWay{d, f.open(d)}
		f.made.Store(m)
	}
	return m.way.RoundTrip(r)
}

// identities are the managed identities by which policies log in.
type identities struct {
	opt acquire.Options
	now func() time.Time

	mu    sync.Mutex // guards known
	known map[identityKey]*knownIdentity
}

type identityKey struct{ resource, clientID string }

type knownIdentity struct {
	tokens *acquire.Cache
	used   time.Time
}

const (
	// mostIdentities bounds the tokens that are kept: documents may compute what
	// they ask for.
	mostIdentities = 128
	// keptIdentity is how long one is safe from those that need its place.
	keptIdentity = time.Minute
	// longestResource bounds the name of a resource, in bytes.
	longestResource = 1024
)

// ManagedIdentity is [policy.Identities].
func (i *identities) ManagedIdentity(ctx context.Context, resource, clientID string) (secret.Value, time.Time, error) {
	source, err := i.source(identityKey{resource, clientID})
	if err != nil {
		return secret.Value{}, time.Time{}, err
	}
	return source.Token(ctx)
}

func (i *identities) source(key identityKey) (*acquire.Cache, error) {
	if key.resource == "" || len(key.resource) > longestResource {
		return nil, errors.New("the resource has no name, or too long a one")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if k := i.known[key]; k != nil {
		k.used = now
		return k.tokens, nil
	}
	if len(i.known) >= mostIdentities && !i.makeRoom(now) {
		return nil, errors.New("tokens for too many resources are in use")
	}
	made, err := acquire.ManagedIdentity(&site.ManagedIdentity{Resource: key.resource, ClientID: key.clientID}, i.opt)
	if err != nil {
		return nil, err
	}
	i.known[key] = &knownIdentity{made, now}
	return made, nil
}

// makeRoom forgets the one that was not used for longest.
func (i *identities) makeRoom(now time.Time) bool {
	var oldest identityKey
	var at *knownIdentity
	for key, k := range i.known {
		if at == nil || k.used.Before(at.used) {
			oldest, at = key, k
		}
	}
	if now.Sub(at.used) < keptIdentity {
		return false
	}
	delete(i.known, oldest)
	return true
}

// keySetClient fetches the OpenID configuration and the keys of an issuer that a
// policy names. The CAs are those of the destination, or of the issuer of the
// site that publishes there.
func (b *built) keySetClient(configuration string) *http.Client {
	return b.dialer.Client(egress.Identity, egress.TransportOptions{RootCAs: b.identityRoots(configuration), MaxConns: 2}, issuerTimeout)
}

func (b *built) identityRoots(raw string) *x509.CertPool {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	at, file := hostPort(u), ""
	for i := range b.site.Config.Tokens.Issuers {
		issuer := &b.site.Config.Tokens.Issuers[i]
		for _, s := range []string{issuer.Issuer, issuer.Metadata, issuer.JWKSURI} {
			if known, err := url.Parse(s); err == nil && s != "" && issuer.CAFile != "" && hostPort(known) == at {
				file = issuer.CAFile
			}
		}
	}
	for _, d := range b.site.Config.Destinations.Identity {
		if d.CAFile != "" && net.JoinHostPort(d.Host, strconv.Itoa(d.Port)) == at {
			file = d.CAFile
		}
	}
	roots, err := b.pool(file)
	if err != nil {
		roots = x509.NewCertPool() // trusts nobody
	}
	return roots
}

// checkIdentityFiles reports CA files that cannot be used.
func (b *built) checkIdentityFiles() {
	for i, d := range b.site.Config.Destinations.Identity {
		if _, err := b.pool(d.CAFile); err != nil {
			b.problems.Add(placeOf(b.site, "destinations.identity["+strconv.Itoa(i)+"].caFile"), "ca-file", "a PEM bundle of CA certificates", "", "%v", err)
		}
	}
}

// mayFetch says why an OpenID configuration cannot be fetched; nil: its host is
// listed.
func (b *built) mayFetch(u *url.URL) error {
	host, p, _ := net.SplitHostPort(hostPort(u))
	port, err := strconv.ParseUint(p, 10, 16)
	switch {
	case u.Scheme != "https" || u.User != nil || u.Hostname() == "":
		return errors.New("its URL is not an https URL")
	case err != nil || !b.dialer.Listed(egress.Identity, host, uint16(port)):
		return errors.New("destinations.identity does not list port " + p + " of " + host)
	}
	return nil
}

// mayUseManagedIdentity reports whether a document of the site names the policy
// that logs in as the managed identity.
func (b *built) mayUseManagedIdentity() bool {
	names := func(f *site.PolicyFile) bool {
		return f != nil && bytes.Contains(f.Source, []byte("authentication-managed-identity"))
	}
	s := b.site.Service
	if names(s.Policy) {
		return true
	}
	for _, f := range s.Fragments {
		if names(f.Policy) {
			return true
		}
	}
	for _, p := range s.Products {
		if names(p.Policy) {
			return true
		}
	}
	for _, api := range s.APIs {
		if names(api.Policy) {
			return true
		}
		for _, op := range api.Operations {
			if names(op.Policy) {
				return true
			}
		}
	}
	return false
}
