// Package egress is the one dialer: every connection that the process opens,
// whoever asks for it, is opened here.
//
// It guarantees that nothing is connected to but what cloister.yaml lists, by
// exact host, exact port and class; that the judgement is made on the address
// that is connected to, after its embedded forms have been unwrapped; that
// class "model" reaches private prefixes only; and that the gateway's own
// listeners, unspecified, multicast and link-local addresses, broadcast, and
// the clouds' platform and metadata addresses are never reached; and that a host
// with a private endpoint is reached at that endpoint's address, while its
// connection is approved, see package endpoint. Redirects,
// proxies from the environment and names whose answers change between check
// and connect make no difference, because the checked address itself is
// dialed and the name is not asked again.
//
// Where the gateway stands in a network with security rules, what they deny is not
// connected to either.
//
// It does not judge what is said on a connection, and it does not encrypt by
// itself: [Dialer.Transport] does, with TLS 1.2 or later. Names are asked at
// the site's DNS servers through this same dialer; /etc/hosts counts, search
// domains do not. docs/egress.md is the operator's page.
//
// It fails closed, with a [*RefusedError] before the first packet. Every
// refusal is counted and reported through [Options.OnUse].
package egress

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/site"
)

// Class is the purpose of a connection. A destination is listed for a class,
// so that what is open for one purpose is not open for another.
type Class string

// The classes of "destinations" in cloister.yaml.
const (
	Model     Class = "model"     // backends
	Call      Class = "call"      // policies that call out
	Identity  Class = "identity"  // issuers, key sets, tokens, instance metadata
	Secret    Class = "secret"    // stores of secrets
	Telemetry Class = "telemetry" // collectors
	State     Class = "state"     // the shared database, the audit log's witness
	Name      Class = "name"      // DNS servers
)

// Classes are all classes, in the order of the documentation.
func Classes() []Class { return []Class{Model, Call, Identity, Secret, Telemetry, State, Name} }

// Options are what the dialer takes from its surroundings. The zero value is
// the real network.
type Options struct {
	// OwnListeners are the addresses on which the process accepts connections
	// now. It is asked at every connection. Nil: none.
	OwnListeners func() []netip.AddrPort
	// LocalAddrs are the addresses of this machine; a listener on a wildcard
	// address stands on all of them. Nil: those of the interfaces.
	LocalAddrs func() ([]netip.Addr, error)
	// Permits says whether the network's rules let a connection out, by its
	// address, and which rule says no. Network is as for Connect. Nil: there are
	// no rules.
	Permits func(network string, ap netip.AddrPort) (rule string, ok bool)
	// Connect opens one connection to a checked address. Network is tcp4,
	// tcp6, udp4 or udp6. Nil: the kernel.
	Connect func(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error)
	// Resolve asks for the addresses of a name that has no trailing dot. Nil:
	// DNS at the site's servers, through this dialer.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Zones are the site's private zones, which are asked before Resolve. Nil:
	// there are none.
	Zones Zones
	// Endpoints are the private endpoints of the site. Nil: there are none.
	Endpoints *endpoint.View
	// OnUse hears of every connection that was opened, failed or refused. It
	// must not block. Nil: nobody.
	OnUse func(Use)
	// Log gets refusals, thinned out. Nil: nothing is logged.
	Log *slog.Logger
	// Needs are explained by [Dialer.Destinations] beside what cloister.yaml
	// itself needs: the backends of apim/, for one.
	Needs []Need
	// ResolvConf is the text of /etc/resolv.conf. Nil: the file, read once.
	ResolvConf func() ([]byte, error)
	// ConnectTimeout bounds one attempt at one address. Default 5s.
	ConnectTimeout time.Duration
}

// Dialer opens connections to the destinations of one site. It is immutable
// but for its counters and safe for concurrent use.
type Dialer struct {
	opt      Options
	private  []netip.Prefix
	listed   map[key]*destination
	order    []*destination
	servers  []server
	metadata bool // 169.254.169.254 is open to the managed-identity client
	counts   counters
}

// key finds a destination. Host is as normalHost makes it.
type key struct {
	class Class
	host  string
	port  uint16
}

// New compiles cfg's destinations. The problems say what is wrong with them;
// with errors the dialer is nil.
func New(cfg *site.Config, opt Options) (*Dialer, site.Problems) {
	if opt.LocalAddrs == nil {
		opt.LocalAddrs = interfaceAddrs
	}
	if opt.Connect == nil {
		opt.Connect = kernelConnect
	}
	if opt.ResolvConf == nil {
		opt.ResolvConf = func() ([]byte, error) { return os.ReadFile("/etc/resolv.conf") }
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.ConnectTimeout <= 0 {
		opt.ConnectTimeout = 5 * time.Second
	}
	d := &Dialer{opt: opt, listed: map[key]*destination{}}
	var ps site.Problems
	d.compilePrefixes(cfg, &ps)
	d.compileDestinations(cfg, &ps)
	d.compileMetadata(cfg)
	d.compileServers(cfg, &ps)
	d.explain(cfg, &ps)
	d.checkEndpoints(&ps)
	if d.opt.Resolve == nil {
		d.opt.Resolve = d.resolve
	}
	if ps.HasErrors() {
		return nil, ps
	}
	return d, ps
}

// interfaceAddrs lists the addresses of this machine.
func interfaceAddrs() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			addrs = append(addrs, p.Addr().Unmap())
		}
	}
	return addrs, nil
}
