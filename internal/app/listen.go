package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// checkListeners reports listeners that this machine cannot have: an error for
// who serves here, a warning for who only checks.
func (b *built) checkListeners(at surroundings) {
	for _, l := range b.site.Config.Listeners {
		_, err := listenerAddrs(b.site.Config, l)
		switch {
		case err == nil:
		case at.elsewhere:
			b.problems.Warn(l.Pos, "listener", "", "on this machine: %v", err)
		default:
			b.problems.Add(l.Pos, "listener", "an address that this machine has", "name an address, another interface, or \"private\"", "%v", err)
		}
	}
}

// endpoints are the addresses that the site's listeners stand for on this
// machine. Interfaces and "private" are looked up now: an address that the
// host gets later is listened on after a restart.
func endpoints(cfg *site.Config) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	var errs []error
	for _, l := range cfg.Listeners {
		addrs, err := listenerAddrs(cfg, l)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Pos, err))
			continue
		}
		for _, a := range addrs {
			if ap := netip.AddrPortFrom(a, uint16(l.Port)); l.Port == 0 || !slices.Contains(out, ap) {
				out = append(out, ap)
			}
		}
	}
	return out, errors.Join(errs...)
}

func listenerAddrs(cfg *site.Config, l site.Listener) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(l.Address); err == nil {
		return []netip.Addr{addr}, nil // judged by the site's check
	}
	if l.Address == "private" {
		return privateAddrs(cfg)
	}
	iface, err := net.InterfaceByName(l.Address)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; the host has %s", l.Address, err, interfaceNames())
	}
	addrs, err := iface.Addrs()
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w", l.Address, err)
	}
	var out []netip.Addr
	for _, a := range usable(addrs) {
		if cfg.PublicNetworkAccess != "Enabled" && !isPrivate(cfg, a) {
			return nil, fmt.Errorf("interface %q has the public address %s; name the private addresses instead, or set publicNetworkAccess: Enabled", l.Address, a)
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("interface %q has no address", l.Address)
	}
	return out, nil
}

// privateAddrs are all private addresses of the host, loopback included.
func privateAddrs(cfg *site.Config) ([]netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("listing the host's addresses: %w", err)
	}
	var out []netip.Addr
	for _, a := range usable(addrs) {
		if isPrivate(cfg, a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the host has no private address")
	}
	return out, nil
}

// usable leaves out link-local addresses, which mean nothing without a zone.
func usable(addrs []net.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if addr := prefix.Addr().Unmap(); !addr.IsLinkLocalUnicast() {
			out = append(out, addr.WithZone(""))
		}
	}
	return out
}

func isPrivate(cfg *site.Config, a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	for _, p := range cfg.PrivatePrefixes {
		if p.Prefix.Contains(a) {
			return true
		}
	}
	return slices.ContainsFunc(site.DefaultPrivatePrefixes(), func(p netip.Prefix) bool { return p.Contains(a) })
}

func interfaceNames() string {
	ifaces, err := net.Interfaces()
	if err != nil || len(ifaces) == 0 {
		return "none"
	}
	var names []string
	for _, i := range ifaces {
		names = append(names, i.Name)
	}
	return strings.Join(names, ", ")
}

// listenAll opens every endpoint, or none.
func listenAll(ctx context.Context, at []netip.AddrPort) ([]net.Listener, error) {
	var lns []net.Listener
	var errs []error
	for _, ap := range at {
		ln, err := listen(ctx, ap)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		lns = append(lns, ln)
	}
	if err := errors.Join(errs...); err != nil {
		closeAll(lns)
		return nil, err
	}
	return lns, nil
}

// listen opens one endpoint: an IPv6 wildcard does not take IPv4 along, so that
// what is listened on is what the site says.
func listen(ctx context.Context, ap netip.AddrPort) (net.Listener, error) {
	network := "tcp4"
	if ap.Addr().Is6() {
		network = "tcp6"
	}
	ln, err := new(net.ListenConfig).Listen(ctx, network, ap.String())
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", ap, err)
	}
	return ln, nil
}

func closeAll(lns []net.Listener) {
	for _, ln := range lns {
		ln.Close()
	}
}

func addrOf(ln net.Listener) netip.AddrPort {
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
