//go:build unix

package app

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const listenStream = `mend: write "ListenStream=ADDRESS:PORT" in the socket unit, and leave Accept= at no`

// takeSocket makes a listener of a descriptor, which it closes: the listener
// has one of its own.
func takeSocket(fd int, name string) (Socket, error) {
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), name)
	if f == nil {
		return Socket{}, fmt.Errorf("descriptor %d: %w", fd, os.ErrInvalid)
	}
	defer f.Close()
	domain, err := listening(fd)
	if err != nil {
		return Socket{}, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	s := Socket{Name: name}
	if domain == unix.AF_INET6 {
		only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		if err != nil {
			return Socket{}, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		s.both = only == 0
	}
	if s.Listener, err = net.FileListener(f); err != nil {
		return Socket{}, fmt.Errorf("descriptor %d: %w; %s", fd, err, listenStream)
	}
	s.both = s.both && s.addr().Addr().IsUnspecified()
	return s, nil
}

// listening is the socket's address family, or why the gateway cannot accept
// on it.
func listening(fd int) (domain int, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case errors.Is(err, unix.EBADF):
		return 0, errors.New("LISTEN_FDS counts it and it is not open; mend: let the service manager set LISTEN_FDS")
	case err != nil:
		return 0, fmt.Errorf("it is not a socket; %s", listenStream)
	case kind != unix.SOCK_STREAM:
		return 0, fmt.Errorf("it is not a stream socket; %s", listenStream)
	}
	accepts, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch {
	case err != nil:
		return 0, err
	case accepts == 0:
		return 0, fmt.Errorf("it does not listen; %s", listenStream)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	switch at.(type) {
	case *unix.SockaddrInet4:
		return unix.AF_INET, nil
	case *unix.SockaddrInet6:
		return unix.AF_INET6, nil
	}
	return 0, fmt.Errorf("it is not a TCP socket; %s", listenStream)
}
