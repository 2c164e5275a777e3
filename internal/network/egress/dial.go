package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// DialContext is the dial function of class c, for clients that take one. Its
// errors are a [*RefusedError], a *net.DNSError or the kernel's, wrapped.
func (d *Dialer) DialContext(c Class) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return d.dial(ctx, c, network, addr)
	}
}

// Listed reports whether host and port are a destination of class c. It says
// nothing about addresses.
func (d *Dialer) Listed(c Class, host string, port uint16) bool {
	h, _, code, _ := normalHost(host)
	return code == "" && d.listed[key{c, h, port}] != nil
}

// LoopbackOnly reports whether host and port are a destination of class c
// that is declared by loopback addresses and by nothing else, so that what is
// said there does not leave the machine.
func (d *Dialer) LoopbackOnly(c Class, host string, port uint16) bool {
	h, _, _, _ := normalHost(host)
	dst := d.listed[key{c, h, port}]
	return dst != nil && len(dst.fixed) > 0 && !slices.ContainsFunc(dst.fixed, func(a netip.Addr) bool { return !a.IsLoopback() })
}

// dial finds the destination, takes its addresses, judges each and connects
// to the first that answers, one after the other.
func (d *Dialer) dial(ctx context.Context, c Class, network, hostport string) (net.Conn, error) {
	dst, refused := d.find(c, network, hostport)
	if refused != nil {
		return nil, d.refuse(refused)
	}
	if refused := d.viaEndpoint(dst); refused != nil {
		return nil, d.refuse(refused)
	}
	addrs, err := d.addresses(ctx, dst)
	if err != nil {
		d.use(Use{Class: c, Host: dst.host, Port: dst.port, Err: err})
		return nil, fmt.Errorf("resolving %s: %w", dst.host, err)
	}
	good, first := d.sift(dst, network, addrs)
	if len(good) == 0 {
		return nil, first
	}
	return d.connect(ctx, dst, network, good)
}

// find is the check that needs no address.
func (d *Dialer) find(c Class, network, hostport string) (*destination, *RefusedError) {
	host, port, code, reason := splitAddr(hostport)
	refused := func(code, reason, mend string) (*destination, *RefusedError) {
		return nil, &RefusedError{Class: c, Host: host, Port: port, Code: code, Reason: reason, Mend: mend}
	}
	if code != "" {
		return refused(code, reason, "")
	}
	switch {
	case network == "tcp", network == "tcp4", network == "tcp6":
	case c == Name && (network == "udp" || network == "udp4" || network == "udp6"):
	default:
		return refused(CodeNetwork, fmt.Sprintf("network %q is not TCP", network), "")
	}
	normal, _, code, reason := normalHost(host)
	if code != "" {
		return refused(code, reason, "")
	}
	dst := d.listed[key{c, normal, port}]
	if dst == nil {
		host = normal
		return refused(CodeNotListed, "the destination is not listed", Mend(c, normal, port))
	}
	return dst, nil
}

// addresses are the candidates: pinned, literal, what the site's private zones
// know, or what the name's servers say now.
func (d *Dialer) addresses(ctx context.Context, dst *destination) ([]netip.Addr, error) {
	if len(dst.fixed) > 0 {
		return dst.fixed, nil
	}
	host := dst.host
	if d.opt.Zones != nil {
		addrs, ask, known := d.opt.Zones(host)
		switch {
		case known && ask == "" && len(addrs) == 0:
			return nil, &net.DNSError{Err: "the site's private zones have no address for it", Name: host, IsNotFound: true}
		case known && ask == "":
			return addrs[:min(len(addrs), maxAnswers)], nil
		case known:
			host = ask
		}
	}
	addrs, err := d.opt.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	return addrs[:min(len(addrs), maxAnswers)], nil
}

// sift keeps the addresses that pass. A refused answer beside a good one is
// counted and skipped: the promise is on what is connected to, and a name with
// one odd answer is still reachable where it is meant to be. Without a good
// one the first refusal is the error.
func (d *Dialer) sift(dst *destination, network string, addrs []netip.Addr) (good []netip.Addr, first *RefusedError) {
	for _, a := range addrs {
		r := d.judge(dst, a)
		if r == nil {
			r = d.ruled(network, netip.AddrPortFrom(a.Unmap(), dst.port))
		}
		if r == nil {
			good = append(good, a.Unmap())
			continue
		}
		e := d.refuse(&RefusedError{Class: dst.class, Host: dst.host, Port: dst.port, Addr: a, Code: r.code, Reason: r.reason, Mend: r.mend})
		if first == nil {
			first = e
		}
	}
	if len(good) == 0 && first == nil {
		first = d.refuse(&RefusedError{Class: dst.class, Host: dst.host, Port: dst.port, Code: CodeNoAddress, Reason: "the name has no address"})
	}
	return good, first
}

// ruled asks the network's rules about an address that is fine otherwise.
func (d *Dialer) ruled(network string, ap netip.AddrPort) *finding {
	if d.opt.Permits == nil {
		return nil
	}
	rule, ok := d.opt.Permits(network, ap)
	if ok {
		return nil
	}
	return &finding{CodeRule, "the security rule " + rule + " denies it", "let it out in the network security group of the gateway's subnet"}
}

// connect tries the checked addresses in order. They are not tried at once
// (RFC 8305): inside a private network a second connection is rarely faster,
// and one attempt at a time leaves a log that can be read.
func (d *Dialer) connect(ctx context.Context, dst *destination, network string, addrs []netip.Addr) (net.Conn, error) {
	var errs []error
	for _, a := range addrs {
		exact, ok := family(network, a)
		if !ok {
			continue
		}
		ap := netip.AddrPortFrom(a, dst.port)
		try, cancel := context.WithTimeout(ctx, d.opt.ConnectTimeout)
		conn, err := d.opt.Connect(try, exact, ap)
		cancel()
		d.use(Use{Class: dst.class, Host: dst.host, Port: dst.port, Addr: a, Public: dst.public && !d.isPrivate(a) && isPublic(a), Err: err})
		if err == nil {
			return d.hold(dst, a, conn)
		}
		errs = append(errs, fmt.Errorf("connecting to %s (%s): %w", dst.host, ap, err))
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 0 {
		return nil, d.refuse(&RefusedError{Class: dst.class, Host: dst.host, Port: dst.port, Code: CodeNoAddress,
			Reason: "the name has no address for network " + network})
	}
	return nil, errors.Join(errs...)
}

// family is the network with the address family in it, and whether a belongs
// to the family that was asked for.
func family(network string, a netip.Addr) (string, bool) {
	proto, digit := network[:3], network[3:]
	own := "6"
	if a.Is4() {
		own = "4"
	}
	return proto + own, digit == "" || digit == own
}

// kernelConnect connects to exactly ap. The control function runs between
// socket and connect and refuses any other address, so that even a change in
// the net package's reading of a literal could not lead elsewhere.
func kernelConnect(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{
		KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			if got, err := netip.ParseAddrPort(address); err != nil || got != ap {
				return fmt.Errorf("about to connect to %s instead of %s", address, ap)
			}
			return nil
		},
	}
	return dialer.DialContext(ctx, network, ap.String())
}
