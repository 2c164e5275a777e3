package gateway

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
)

// Bounds on a request head. They are not settings: a site that needs more is
// a site whose callers send something that no hop behind the gateway takes.
const (
	// MaxHeadBytes bounds request line and fields together.
	MaxHeadBytes = 16 << 10
	// MaxHeadFields bounds the number of field lines.
	MaxHeadFields = 100
	// MaxTargetBytes bounds the request target (path and query).
	MaxTargetBytes = 8 << 10
)

// Front is the part of a site that the listeners need: names, certificates,
// trusted proxies and limits. It is immutable; a reload makes a new one.
type Front struct {
	// names by lower-case hostname.
	names map[string]*frontName
	// fallback answers clients that send no SNI; nil: they are refused.
	fallback *frontName
	proxies  []site.TrustedProxy
	limits   site.Limits
	bounds   limit.Bounds // of limits
	admits   func(local, peer netip.AddrPort) bool
	private  func(netip.Addr) bool
}

// frontName is one name that the gateway answers to.
type frontName struct {
	name string
	cert *tls.Certificate
	// clientCAs is nil where no client certificate is asked for.
	clientCAs *x509.CertPool
	tls       *tls.Config
}

// FrontOptions are what a [Front] is made of.
type FrontOptions struct {
	// Hostnames has at least one entry.
	Hostnames []FrontHostname
	// TrustedProxies and Limits are those of the site; limits that are zero
	// get their documented defaults.
	TrustedProxies []site.TrustedProxy
	Limits         site.Limits
	// Admits says whether the network's rules let a peer in, before a byte is
	// read. Nil: there are no rules.
	Admits func(local, peer netip.AddrPort) bool
	// Private says which addresses are private, where public network access is
	// disabled: requests of others, and those that came in by another address,
	// are answered with 403. Nil: it is enabled.
	Private func(netip.Addr) bool
}

// FrontHostname is one name with its certificate.
type FrontHostname struct {
	// Name is a DNS name or an IP address. Case and a trailing dot do not
	// matter.
	Name string
	// Default makes this the name of connections without SNI.
	Default bool
	// Certificate has its private key and must be valid for Name. Whether it
	// has expired is for whoever loads the site to say.
	Certificate *tls.Certificate
	// ClientCAs: clients are asked for a certificate of these, and may go on
	// without one. Nil: they are not asked.
	ClientCAs *x509.CertPool
}

// NewFront checks and compiles. Its error names every problem.
func NewFront(opt FrontOptions) (*Front, error) {
	f := &Front{
		names:   make(map[string]*frontName, len(opt.Hostnames)),
		proxies: slices.Clone(opt.TrustedProxies),
		limits:  frontLimits(opt.Limits),
		admits:  opt.Admits,
		private: opt.Private,
	}
	f.bounds = frontBounds(f.limits)
	var errs []error
	if len(opt.Hostnames) == 0 {
		errs = append(errs, errors.New("no hostname: nobody could connect"))
	}
	for _, h := range opt.Hostnames {
		if err := f.addName(h); err != nil {
			errs = append(errs, fmt.Errorf("hostname %q: %w", h.Name, err))
		}
	}
	for i, p := range f.proxies {
		if err := frontProxyErr(p); err != nil {
			errs = append(errs, fmt.Errorf("trusted proxy %d: %w", i+1, err))
		}
		f.proxies[i].Prefix = p.Prefix.Masked()
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Front) addName(h FrontHostname) error {
	host, ok := canonicalName(h.Name)
	if !ok {
		return errors.New("not a DNS name or an IP address")
	}
	if f.names[host] != nil {
		return errors.New("given twice")
	}
	if h.Certificate == nil || len(h.Certificate.Certificate) == 0 || h.Certificate.PrivateKey == nil {
		return errors.New("no certificate with a private key")
	}
	leaf := h.Certificate.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(h.Certificate.Certificate[0]); err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	n := &frontName{name: host, cert: h.Certificate, clientCAs: h.ClientCAs}
	n.tls = frontNameConfig(n)
	f.names[host] = n
	if h.Default {
		if f.fallback != nil {
			return fmt.Errorf("default, and so is %q", f.fallback.name)
		}
		f.fallback = n
	}
	return nil
}

func frontProxyErr(p site.TrustedProxy) error {
	switch {
	case !p.Prefix.IsValid():
		return errors.New("no prefix")
	case p.ProxyProtocol != "" && p.ProxyProtocol != "v2":
		return fmt.Errorf("proxyProtocol %q: only v2 is spoken", p.ProxyProtocol)
	case p.ForwardedFor < 0:
		return errors.New("forwardedFor is negative")
	case p.ProxyProtocol != "" && p.ForwardedFor > 0:
		// Two sources for one address are one too many: which one counts?
		return errors.New("proxyProtocol and forwardedFor exclude each other")
	}
	return nil
}

// frontLimits fills in the documented defaults. A negative BanFor stays: then
// nobody is banned.
func frontLimits(l site.Limits) site.Limits {
	l.MaxBodyBytes = cmp.Or(max(l.MaxBodyBytes, 0), 32<<20)
	l.HeaderTimeout = cmp.Or(max(l.HeaderTimeout, 0), site.Duration(5*time.Second))
	l.IdleTimeout = cmp.Or(max(l.IdleTimeout, 0), site.Duration(60*time.Second))
	l.StreamIdleTimeout = cmp.Or(max(l.StreamIdleTimeout, 0), site.Duration(300*time.Second))
	l.RequestTimeout = cmp.Or(max(l.RequestTimeout, 0), site.Duration(3600*time.Second))
	l.RequestReadTimeout = cmp.Or(max(l.RequestReadTimeout, 0), site.Duration(300*time.Second))
	l.MaxConnections = cmp.Or(max(l.MaxConnections, 0), 10000)
	l.MaxConnectionsPerClient = cmp.Or(max(l.MaxConnectionsPerClient, 0), 2500)
	l.MaxConnectionsPerPrefix = cmp.Or(max(l.MaxConnectionsPerPrefix, 0), 5000)
	l.MaxRequestsPerClient = cmp.Or(max(l.MaxRequestsPerClient, 0), 5000)
	l.BanFor = cmp.Or(l.BanFor, site.Duration(60*time.Second))
	return l
}

// Limits are the limits with their defaults filled in.
func (f *Front) Limits() site.Limits { return f.limits }

// Hostnames are the names answered to, sorted.
func (f *Front) Hostnames() []string {
	names := make([]string, 0, len(f.names))
	for name := range f.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// nameFor chooses by SNI; without SNI by the address that was connected to,
// where that is a configured name, else the default. Nil: to be refused.
func (f *Front) nameFor(sni string, local netip.Addr) *frontName {
	if sni != "" {
		return f.names[strings.ToLower(sni)]
	}
	if n := f.names[local.Unmap().String()]; n != nil {
		return n
	}
	return f.fallback
}

// proxyFor is the entry with the longest prefix that holds the peer; the zero
// value for peers that are not trusted.
func (f *Front) proxyFor(peer netip.Addr) site.TrustedProxy {
	var best site.TrustedProxy
	for _, p := range f.proxies {
		if p.Prefix.Contains(peer) && (!best.Prefix.IsValid() || p.Prefix.Bits() > best.Prefix.Bits()) {
			best = p
		}
	}
	return best
}

// trusts reports whether a peer is a trusted proxy.
func (f *Front) trusts(peer netip.Addr) bool { return f.proxyFor(peer).Prefix.IsValid() }

// stall is how long a client may take no byte that is owed to it, bodyStall how
// long it may owe one. Both are far below StreamIdleTimeout, which also has to
// cover a model that thinks: here only the client is waited for. A body gets
// longer, because kernels hold nothing of it in reserve: buffers on the way to
// the client ride out a line that stutters, on the way from it nobody's do.
func (f *Front) stall() time.Duration {
	return min(frontStall, time.Duration(f.limits.StreamIdleTimeout))
}

func (f *Front) bodyStall() time.Duration {
	return min(frontBodyStall, time.Duration(f.limits.StreamIdleTimeout))
}

const (
	frontStall     = 10 * time.Second
	frontBodyStall = 20 * time.Second
)
