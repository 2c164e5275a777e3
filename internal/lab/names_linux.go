package lab

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cloister-ai/cloister/internal/network/dns"
	"github.com/cloister-ai/cloister/internal/site"
)

// publicTTL is that of the internet's records, in seconds: short, as what is
// tried in a lab changes.
const publicTTL = 10

// names are the site's zones, and an internet in which every name of an endpoint
// leads to the public service.
func (n *inner) names() (*dns.Zones, error) {
	opt := dns.Options{}
	if g := n.plan.Gateway(); g != nil {
		opt.Addresses = g.Addrs
		for _, h := range n.site.Config.Hostnames {
			if _, err := netip.ParseAddr(h.Name); err != nil && h.Name != "localhost" {
				opt.Hostnames = append(opt.Hostnames, h.Name)
			}
		}
		for _, v := range n.site.Network.VirtualNetworks {
			for _, s := range v.Subnets {
				if s.ID() == g.Subnet {
					opt.Gateway = v
				}
			}
		}
	}
	// What the aliases of the endpoints lead to outside is asked of the zones
	// themselves.
	first, problems := dns.Compile(n.site.Network, opt)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	opt.Public = []dns.Record{}
	known := map[string]bool{}
	for _, e := range n.site.Network.PrivateEndpoints {
		for _, name := range e.Names {
			if alias := first.Answer(dns.Question{Name: name, Type: dns.TypeA}, first.Outside()).Ask; alias != "" {
				name = alias
			}
			if known[name] {
				continue
			}
			known[name] = true
			for _, a := range publicAddrs {
				kind := dns.TypeA
				if a.Is6() {
					kind = dns.TypeAAAA
				}
				opt.Public = append(opt.Public, dns.Record{Name: name, Type: kind, TTL: publicTTL, Address: a})
			}
		}
	}
	zones, problems := dns.Compile(n.site.Network, opt)
	return zones, problems.Err()
}

// resolver answers the questions of one view after who asks.
type resolver struct {
	plan    *Plan
	network *site.Network
	zones   *dns.Zones
}

// ServeDNS answers one question.
func (r *resolver) ServeDNS(w mdns.ResponseWriter, q *mdns.Msg) {
	if len(q.Question) != 1 || q.Question[0].Qclass != mdns.ClassINET {
		w.WriteMsg(new(mdns.Msg).SetRcode(q, mdns.RcodeRefused))
		return
	}
	from, err := netip.ParseAddrPort(w.RemoteAddr().String())
	if err != nil {
		return
	}
	a := r.zones.Answer(dns.Question{Name: q.Question[0].Name, Type: dns.Type(q.Question[0].Qtype)}, r.view(from.Addr()))
	m := a.Reply(q)
	m.RecursionAvailable = true
	w.WriteMsg(m)
}

func (r *resolver) view(a netip.Addr) *dns.View {
	h := r.plan.Holder(a)
	if h == nil || !h.Inside() {
		return r.zones.Outside()
	}
	for _, v := range r.network.VirtualNetworks {
		for _, s := range v.Subnets {
			if s.ID() == h.Subnet {
				return r.zones.View(v)
			}
		}
	}
	return nil
}

// serveNames answers at the platform's resolver, and at one outside.
func (n *inner) serveNames() error {
	zones, err := n.names()
	if err != nil {
		return err
	}
	r := &resolver{plan: n.plan, network: n.site.Network, zones: zones}
	for _, a := range []netip.Addr{platformDNS, publicDNS} {
		at := net.JoinHostPort(a.String(), "53")
		packets, err := net.ListenPacket("udp", at)
		if err != nil {
			return fmt.Errorf("the resolver: %w", err)
		}
		streams, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("the resolver: %w", err)
		}
		// For as long as the process lives.
		go (&mdns.Server{PacketConn: packets, Handler: r}).ActivateAndServe()
		go (&mdns.Server{Listener: streams, Handler: r, ReadTimeout: 5 * time.Second}).ActivateAndServe()
	}
	return nil
}
