package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/cloister-ai/cloister/internal/network/dns"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

// names are the private zones as the DNS server shows them: those of the site,
// and the gateway's own names at its addresses in its subnet.
func (b *built) names() *dns.Zones {
	opt := dns.Options{
		Gateway: gatewayNetwork(b.site), Status: func(*site.PrivateEndpoint) string { return site.ConnectionApproved },
	}
	if b.placement != nil {
		opt.Addresses = b.placement.addrs
		for _, h := range b.site.Config.Hostnames {
			if _, err := netip.ParseAddr(h.Name); err != nil && h.Name != "localhost" {
				opt.Hostnames = append(opt.Hostnames, h.Name)
			}
		}
	}
	zones, _ := dns.Compile(b.site.Network, opt) // the problems are reported where the site is compiled
	return zones
}

// openNames begins to answer where network.dns says.
func (p *Process) openNames(ctx context.Context, cfg *site.Config) error {
	if len(cfg.Network.DNS.Listeners) == 0 {
		return nil
	}
	server := dns.NewServer(dns.ServerOptions{
		Zones:   p.zones.Load,
		Servers: func() []string { return p.Site().Config.Network.DNS.Forward },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return p.dialer.Load().DialContext(egress.Name)(ctx, network, address)
		},
		Admits: func(network string, local, peer netip.AddrPort) bool {
			protocol := nsg.TCP
			if network == "udp" {
				protocol = nsg.UDP
			}
			now := p.inForce() // nothing is, before the first site is built
			return now != nil && now.placement.admitted(protocol, local, peer)
		},
		Now: p.opt.Now, Log: p.opt.Log,
	})
	for _, l := range cfg.Network.DNS.Listeners {
		addrs, err := listenerAddrs(cfg, l)
		for i := 0; i < len(addrs) && err == nil; i++ {
			err = p.serveNames(ctx, server, netip.AddrPortFrom(addrs[i], uint16(l.Port)))
		}
		if err != nil {
			server.Close()
			return fmt.Errorf("network.dns.listeners: %w", err)
		}
	}
	p.names = server
	p.metrics.Watch("cloister_dns_answers", "Answers of the DNS server for private zones.", func() float64 { return float64(server.Counts().Answered) })
	p.metrics.Watch("cloister_dns_refused", "Answers of the DNS server that refuse.", func() float64 { return float64(server.Counts().Refused) })
	p.metrics.Watch("cloister_dns_limited", "Questions that got no full answer, because too many came from one network.", func() float64 { return float64(server.Counts().Limited) })
	p.metrics.Watch("cloister_dns_dropped", "What was no question, was denied by a rule, or came while too many were being answered.", func() float64 { return float64(server.Counts().Dropped) })
	return nil
}

// serveNames answers at one address, by TCP and UDP at one port.
func (p *Process) serveNames(ctx context.Context, server *dns.Server, at netip.AddrPort) error {
	streams, err := listen(ctx, at)
	if err != nil {
		return err
	}
	at = addrOf(streams) // port 0 has become one
	network := "udp4"
	if at.Addr().Is6() {
		network = "udp6"
	}
	packets, err := new(net.ListenConfig).ListenPacket(ctx, network, at.String())
	if err != nil {
		return errors.Join(fmt.Errorf("listening on %s: %w", at, err), streams.Close())
	}
	p.namesAt = append(p.namesAt, at)
	server.Serve(packets, streams)
	return nil
}

// NamesAt are the addresses of the DNS server; none: it does not run.
func (p *Process) NamesAt() []netip.AddrPort { return p.namesAt }
