package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// Bounds of name resolution. A server that says nothing costs serverTimeout;
// every server is asked at most rounds times.
const (
	serverTimeout = 2 * time.Second
	rounds        = 2
	maxAnswers    = 16
)

// server is a DNS server and the resolver that asks it alone.
type server struct {
	addr     netip.AddrPort
	resolver *net.Resolver
}

// compileServers turns names.servers into servers and, for "system", into
// destinations of class name: those of /etc/resolv.conf are what the operator
// of the machine chose. A public one still has to be listed by hand.
func (d *Dialer) compileServers(cfg *site.Config, ps *site.Problems) {
	list := cfg.Names.Servers
	if len(list) == 0 {
		list = []string{"system"}
	}
	for _, s := range list {
		if s == "system" {
			d.compileSystem(cfg, ps)
			continue
		}
		ap, err := parseServer(s)
		if err != nil {
			ps.Add(cfg.Names.Pos, "name-server", `HOST:PORT with an IP address, or "system"`, "", "names.servers: %v", err)
			continue
		}
		dst := d.listed[key{Name, ap.Addr().String(), ap.Port()}]
		if dst == nil {
			ps.Add(cfg.Names.Pos, "destination-missing", "", Mend(Name, ap.Addr().String(), ap.Port()),
				"the DNS server %s is not listed in class name", ap)
			continue
		}
		dst.why = append(dst.why, "DNS server")
		d.addServer(ap)
	}
	if len(d.servers) == 0 && d.opt.Resolve == nil {
		d.warnNames(ps)
	}
}

// compileSystem adds the servers of /etc/resolv.conf. Their trouble is a
// warning, because a site may do without names.
func (d *Dialer) compileSystem(cfg *site.Config, ps *site.Problems) {
	text, err := d.opt.ResolvConf()
	if err != nil {
		ps.Warn(cfg.Names.Pos, "name-system", "name DNS servers under names.servers", "the system's DNS servers are not known: %v", err)
		return
	}
	for _, ap := range parseResolvConf(string(text)) {
		k := key{Name, ap.Addr().String(), ap.Port()}
		dst := d.listed[k]
		if dst == nil {
			dst = &destination{class: Name, host: k.host, port: k.port, fixed: []netip.Addr{ap.Addr()}}
			if r := d.judgeAddress(dst, ap.Addr()); r != nil {
				mend := r.mend
				if r.code == CodePublic {
					mend = "list it under destinations.name with public: true, or name a private one under names.servers"
				}
				ps.Warn(cfg.Names.Pos, "name-system", mend, "the system's DNS server %s is not asked: %s", ap.Addr(), r.reason)
				continue
			}
			d.add(dst)
		}
		dst.why = append(dst.why, "DNS server of the system")
		d.addServer(ap)
	}
}

func (d *Dialer) addServer(ap netip.AddrPort) {
	s := server{addr: ap}
	s.resolver = &net.Resolver{
		PreferGo: true,
		// The address that the resolver would dial comes from the current
		// /etc/resolv.conf and is ignored.
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return d.dial(ctx, Name, network, ap.String())
		},
	}
	d.servers = append(d.servers, s)
}

func (d *Dialer) warnNames(ps *site.Problems) {
	for _, dst := range d.order {
		if len(dst.fixed) == 0 {
			ps.Warn(dst.pos, "name-no-server", "name DNS servers under names.servers, or pin the host with addresses",
				"%s cannot be resolved: there is no DNS server", dst.host)
		}
	}
}

// parseServer reads "10.0.0.10:53", "10.0.0.10" or "[fd00::53]:53".
func parseServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return ap, fmt.Errorf("%q is not an address and a port", s)
	}
	return ap, nil
}

// parseResolvConf reads the "nameserver" lines, at most three as resolv.conf(5)
// says. Other lines have no effect here: names are absolute.
func parseResolvConf(text string) []netip.AddrPort {
	var list []netip.AddrPort
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" || len(list) == 3 {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil {
			list = append(list, netip.AddrPortFrom(a, 53))
		}
	}
	return list
}

// resolve asks the servers one after the other, until one knows. "No such
// name" is an answer: the next server may be another view of the world, and
// trying them all would make the first one's word worthless.
func (d *Dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if len(d.servers) == 0 {
		return nil, &net.DNSError{Err: "there is no DNS server", Name: host}
	}
	var last error
	for range rounds {
		for _, s := range d.servers {
			addrs, err := s.ask(ctx, host)
			var dns *net.DNSError
			if err == nil || errors.As(err, &dns) && dns.IsNotFound || ctx.Err() != nil {
				return addrs, err
			}
			last = err
		}
	}
	return nil, last
}

// ask looks up an absolute name, so that search domains do not count.
func (s server) ask(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	addrs, err := s.resolver.LookupNetIP(ctx, "ip", host+".")
	if err != nil {
		return nil, fmt.Errorf("asking DNS server %s: %w", s.addr, err)
	}
	return addrs, nil
}
