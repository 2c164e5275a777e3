package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Seen is what a host sees of another.
type Seen string

// What is seen.
const (
	// Open: somebody answers.
	Open Seen = "open"
	// Closed: the packet arrived, and nobody listens.
	Closed Seen = "closed"
	// Silent: no answer, as when a rule drops.
	Silent Seen = "silent"
	// Sent: the protocol gives no answer by itself, and the rules let it pass.
	Sent Seen = "sent"
)

// Reached reports whether packets arrived.
func (s Seen) Reached() bool { return s == Open || s == Closed || s == Sent }

// How long the kernel's word on a packet may take to get here: toldLate where
// there was no answer, and all the time until then.
const (
	told     = 250 * time.Millisecond
	toldLate = 30 * time.Millisecond
)

// Dial sends real packets from a host to an address, over "tcp" or "udp", and
// says what came of it, and which rule decided: the one that denied, or the last
// that let through. Rule is empty where no rule was asked.
func (l *Lab) Dial(ctx context.Context, from string, to netip.AddrPort, protocol string, timeout time.Duration) (Seen, string, error) {
	return l.attempt(ctx, from, netip.Addr{}, to, protocol, timeout)
}

// DialAs is [Lab.Dial] with an address as sender that the host does not have.
func (l *Lab) DialAs(ctx context.Context, from string, sender netip.Addr, to netip.AddrPort, protocol string, timeout time.Duration) (Seen, string, error) {
	return l.attempt(ctx, from, sender, to, protocol, timeout)
}

func (l *Lab) attempt(ctx context.Context, from string, sender netip.Addr, to netip.AddrPort, protocol string, timeout time.Duration) (Seen, string, error) {
	if err := l.flows.begin(l); err != nil {
		return "", "", err
	}
	s, err := l.socket(from, sender, to, protocol)
	if err != nil {
		return "", "", err
	}
	defer s.file.Close()
	seen, err := s.attempt(ctx, timeout)
	if err != nil {
		return "", "", err
	}
	rule, allowed := l.decided(ctx, s, seen)
	if seen == Silent && protocol == "udp" && allowed {
		seen = Sent
	}
	return seen, rule, nil
}

// decided is which rule did, and whether none denied. What leaves a host and what
// comes to one are decided one after the other.
func (l *Lab) decided(ctx context.Context, s *farSocket, seen Seen) (rule string, allowed bool) {
	wait := told
	if seen == Silent {
		wait = toldLate
	}
	deadline := time.After(wait)
	from, to := l.plan.Holder(s.local.Addr()), l.plan.Holder(s.to.Addr())
	asked := 0
	for _, h := range []*Host{from, to} {
		if h != nil && h.Inside() {
			asked++
		}
	}
	for {
		found, more := l.flows.of(s.is)
		for _, f := range found {
			if rule = f.Rule; !f.Allow {
				return rule, false
			}
		}
		if len(found) >= asked {
			return rule, true
		}
		select {
		case <-more:
		case <-deadline:
			return rule, len(found) > 0
		case <-ctx.Done():
			return rule, false
		}
	}
}

// farSocket is a socket in a host's namespace.
type farSocket struct {
	file      *os.File
	protocol  string
	local, to netip.AddrPort
}

func (s *farSocket) is(f Flow) bool {
	return f.Protocol == s.protocol && f.From == s.local && f.To == s.to
}

// socket has the lab make a socket, and binds it to the host's address.
func (l *Lab) socket(from string, sender netip.Addr, to netip.AddrPort, protocol string) (*farSocket, error) {
	if protocol != "tcp" && protocol != "udp" {
		return nil, fmt.Errorf("packets of protocol %q are not sent; there are tcp and udp", protocol)
	}
	h, err := l.plan.Find(from)
	if err != nil {
		return nil, err
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	local := sender.Unmap()
	if !local.IsValid() {
		if local = h.Addr(to.Addr()); !local.IsValid() {
			return nil, fmt.Errorf("the host %s has no address of the family of %s", h.Name, to.Addr())
		}
	}
	f, err := l.openSocket(socketRequest{Host: h.Name, Datagram: protocol == "udp", Six: to.Addr().Is6(), Spoof: sender.IsValid()})
	if err != nil {
		return nil, err
	}
	s := &farSocket{file: f, protocol: protocol, to: to}
	if s.local, err = bind(f, local); err != nil {
		f.Close()
		return nil, fmt.Errorf("binding to %s in %s: %w", local, h.Name, err)
	}
	return s, nil
}

func (l *Lab) openSocket(req socketRequest) (*os.File, error) {
	w, err := l.connect()
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.ask(request{Socket: &req}, &reply{}); err != nil {
		return nil, err
	}
	files, err := w.take(1)
	if err != nil {
		return nil, err
	}
	return files[0], nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// control runs f with the descriptor, which stays what it is: not blocking.
func control(file *os.File, f func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// bind takes a free port of an address.
func bind(file *os.File, a netip.Addr) (local netip.AddrPort, err error) {
	err = control(file, func(fd int) error {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(a, 0))); err != nil {
			return os.NewSyscallError("bind", err)
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			return os.NewSyscallError("getsockname", err)
		}
		switch name := name.(type) {
		case *unix.SockaddrInet4:
			local = netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port))
		case *unix.SockaddrInet6:
			local = netip.AddrPortFrom(netip.AddrFrom16(name.Addr), uint16(name.Port))
		}
		return nil
	})
	return local, err
}

// attempt connects, and over UDP sends a byte.
func (s *farSocket) attempt(ctx context.Context, timeout time.Duration) (Seen, error) {
	err := control(s.file, func(fd int) error { return unix.Connect(fd, sockaddr(s.to)) })
	if err == nil && s.protocol == "udp" {
		if _, err = s.file.Write([]byte{0}); err == nil {
			err = unix.EINPROGRESS
		}
	}
	if errors.Is(err, unix.EINPROGRESS) {
		err = s.wait(ctx, timeout)
	}
	switch {
	case err == nil:
		return Open, nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, unix.ETIMEDOUT), errors.Is(err, unix.EPERM):
		return Silent, nil
	case errors.Is(err, unix.ECONNREFUSED):
		return Closed, nil
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return Silent, nil
	}
	return "", fmt.Errorf("connecting to %s: %w", s.to, err)
}

// wait waits until the socket has connected, or over UDP for an answer. The
// error is the socket's.
func (s *farSocket) wait(ctx context.Context, timeout time.Duration) error {
	s.file.SetDeadline(time.Now().Add(timeout))
	stop := context.AfterFunc(ctx, func() { s.file.SetDeadline(time.Now()) })
	defer stop()
	if s.protocol == "udp" {
		_, err := s.file.Read(make([]byte, 1))
		return err
	}
	raw, err := s.file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	asked := false
	err = raw.Write(func(fd uintptr) bool {
		if !asked { // only when it is ready is there something to ask for
			asked = true
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			if n, _ := unix.Poll(p, 0); n == 0 {
				return false
			}
		}
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && n != 0 {
			err = unix.Errno(n)
		}
		if err == nil {
			if _, err = unix.Getpeername(int(fd)); err == unix.ENOTCONN {
				return false
			}
		}
		result = err
		return true
	})
	return errors.Join(err, result)
}

// DialContext is a dialer for connections from a host: to literal addresses
// over "tcp".
func (l *Lab) DialContext(from string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, fmt.Errorf("%q is no address and port: names are asked for with Ask", address)
		}
		s, err := l.socket(from, netip.Addr{}, to, "tcp")
		if err != nil {
			return nil, err
		}
		defer s.file.Close()
		timeout := 30 * time.Second
		if end, ok := ctx.Deadline(); ok {
			timeout = time.Until(end)
		}
		err = control(s.file, func(fd int) error { return unix.Connect(fd, sockaddr(s.to)) })
		if errors.Is(err, unix.EINPROGRESS) {
			err = s.wait(ctx, timeout)
		}
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Source: net.TCPAddrFromAddrPort(s.local), Addr: net.TCPAddrFromAddrPort(to), Err: err}
		}
		return net.FileConn(s.file)
	}
}

// Listen listens at an address of a host, over "tcp".
func (l *Lab) Listen(host string, at netip.AddrPort) (net.Listener, error) {
	f, err := l.openSocket(socketRequest{Host: host, Six: at.Addr().Is6()})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := control(f, func(fd int) error {
		if err := unix.Bind(fd, sockaddr(at)); err != nil {
			return os.NewSyscallError("bind", err)
		}
		return os.NewSyscallError("listen", unix.Listen(fd, unix.SOMAXCONN))
	}); err != nil {
		return nil, fmt.Errorf("listening at %s in %s: %w", at, host, err)
	}
	return net.FileListener(f)
}

// OutsidePackets is how many packets hosts inside have sent outside, answers
// included: what the rules let pass.
func (l *Lab) OutsidePackets() (uint64, error) {
	w, err := l.connect()
	if err != nil {
		return 0, err
	}
	defer w.close()
	var r reply
	err = w.ask(request{Counter: true}, &r)
	return r.Packets, err
}
