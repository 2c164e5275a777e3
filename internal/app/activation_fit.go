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

// doors are what a process accepts connections on.
type doors struct {
	gateway []net.Listener
	// health is where the probes stand; nil: the site wants none.
	health net.Listener
	// admin is the operator's door over TLS; nil: the site wants none.
	admin net.Listener
}

func (d doors) all() []net.Listener {
	all := slices.Clone(d.gateway)
	for _, ln := range []net.Listener{d.health, d.admin} {
		if ln != nil {
			all = append(all, ln)
		}
	}
	return all
}

// door is one place where the site says that connections are accepted.
type door struct {
	// role is the name of sockets that are meant for it.
	role string
	// text is what the site says, for errors.
	text  string
	addrs []netip.Addr
	// port 0 is no port that a socket could be known by: only one that has the
	// role's name fits.
	port uint16
}

const (
	gatewayRole = "gateway"
	healthRole  = "health"
	adminRole   = "admin"
)

// openAll opens what the site says, or none. Where a service manager passed
// sockets they take the place of every listener, so that what is listened on
// is written in one place only; the health address may be among them, and is
// bound here where it is not. It owns the passed sockets.
func openAll(ctx context.Context, cfg *site.Config, passed Sockets) (doors, error) {
	var d doors
	var err error
	if len(passed) > 0 {
		d, err = passed.fit(cfg)
	} else {
		d.gateway, err = bindAll(ctx, cfg)
	}
	if err != nil {
		passed.close()
		return doors{}, err
	}
	if d.health == nil && cfg.Health.Address != "" {
		d.health, err = bindHealth(ctx, cfg)
	}
	if d.admin == nil && err == nil {
		d.admin, err = bindAdmin(ctx, cfg)
	}
	if err != nil {
		closeAll(d.all())
		return doors{}, err
	}
	return d, nil
}

func bindAll(ctx context.Context, cfg *site.Config) ([]net.Listener, error) {
	at, err := endpoints(cfg)
	if err != nil {
		return nil, err
	}
	return listenAll(ctx, at)
}

func bindHealth(ctx context.Context, cfg *site.Config) (net.Listener, error) {
	ap, err := netip.ParseAddrPort(cfg.Health.Address)
	if err != nil {
		return nil, fmt.Errorf("health.address: %w", err)
	}
	ln, err := listen(ctx, ap)
	if err != nil {
		return nil, fmt.Errorf("health: %w", err)
	}
	return ln, nil
}

// siteDoors are the site's listeners, then the health address and the
// operator's door.
func siteDoors(cfg *site.Config) ([]door, error) {
	var out []door
	var errs []error
	for _, l := range cfg.Listeners {
		addrs, err := listenerAddrs(cfg, l)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Pos, err))
			continue
		}
		text := fmt.Sprintf("listener %s port %d", l.Address, l.Port)
		out = append(out, door{gatewayRole, text, addrs, uint16(l.Port)})
	}
	if cfg.Health.Address != "" {
		ap, err := netip.ParseAddrPort(cfg.Health.Address)
		if err != nil {
			errs = append(errs, fmt.Errorf("health.address: %w", err))
		}
		out = append(out, door{healthRole, "health.address " + cfg.Health.Address, []netip.Addr{ap.Addr()}, ap.Port()})
	}
	if l := cfg.Admin.Listener; l != nil {
		addr, err := netip.ParseAddr(l.Address)
		if err != nil {
			errs = append(errs, fmt.Errorf("admin.listener: %w", err))
		}
		out = append(out, door{adminRole, fmt.Sprintf("admin.listener %s port %d", l.Address, l.Port), []netip.Addr{addr}, uint16(l.Port)})
	}
	return out, errors.Join(errs...)
}

// fits reports whether a socket is one that the door asks for.
func (d door) fits(s Socket) bool {
	switch at := s.addr(); {
	case s.Name != d.role && (isRole(s.Name) || d.port == 0):
		return false
	case d.port != 0 && d.port != at.Port():
		return false
	default:
		return slices.Contains(d.addrs, at.Addr())
	}
}

func isRole(name string) bool { return name == gatewayRole || name == healthRole || name == adminRole }

// fit gives every socket its door. A socket without a door and a listener
// without a socket are errors, and so is a socket that the site's word on
// public networks forbids; all are found together. A listener that names no
// address ("private", an interface) is content with one.
func (s Sockets) fit(cfg *site.Config) (doors, error) {
	wanted, err := siteDoors(cfg)
	if err != nil {
		return doors{}, err
	}
	var out doors
	var errs []error
	served := make([]bool, len(wanted))
	for _, one := range s {
		if err := one.allowed(cfg); err != nil {
			errs = append(errs, err)
			continue
		}
		i := slices.IndexFunc(wanted, func(d door) bool { return d.fits(one) })
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("the passed socket %s is none that the site asks for (%s); mend: the same address and port in the socket unit's ListenStream= and in listeners, health.address or admin.listener", one, texts(wanted)))
		case wanted[i].role == gatewayRole:
			out.gateway = append(out.gateway, one.Listener)
		case served[i]:
			errs = append(errs, fmt.Errorf("the passed socket %s is a second one for %s; mend: take one out of the socket unit", one, wanted[i].text))
		case wanted[i].role == adminRole:
			out.admin = one.Listener
		default:
			out.health = one.Listener
		}
		if i >= 0 {
			served[i] = true
		}
	}
	for i, d := range wanted {
		if d.role == gatewayRole && !served[i] {
			errs = append(errs, fmt.Errorf("%s has no socket among those that were passed (%s); mend: add its ListenStream= to the socket unit, or stop that unit", d.text, s))
		}
	}
	return out, errors.Join(errs...)
}

// allowed judges a socket by publicNetworkAccess, whatever the listeners say.
func (s Socket) allowed(cfg *site.Config) error {
	const mend = "mend: write a private address in the socket unit's ListenStream=, or set publicNetworkAccess: Enabled if callers from public networks are meant to get in"
	at := s.addr().Addr()
	switch {
	case s.both && cfg.PublicNetworkAccess == "Enabled":
		return fmt.Errorf("the passed socket %s takes IPv4 along, which no listener says; mend: BindIPv6Only=ipv6-only in the socket unit", s)
	case cfg.PublicNetworkAccess == "Enabled":
		return nil
	case at.IsUnspecified():
		return fmt.Errorf("the passed socket %s stands on every address of the host, public ones included; %s", s, mend)
	case !isPrivate(cfg, at):
		return fmt.Errorf("the passed socket %s stands on a public address; %s", s, mend)
	}
	return nil
}

func texts(wanted []door) string {
	var out []string
	for _, d := range wanted {
		out = append(out, d.text)
	}
	return strings.Join(out, ", ")
}

// String lists the sockets for an error.
func (s Sockets) String() string {
	var out []string
	for _, one := range s {
		out = append(out, one.String())
	}
	return strings.Join(out, ", ")
}
