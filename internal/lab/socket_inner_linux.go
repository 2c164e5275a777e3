package lab

import (
	"os"

	"golang.org/x/sys/unix"
)

// socket makes a socket in a host's namespace and hands it over. It stays in
// that namespace, whoever uses it.
func (n *inner) socket(w *wire, req *socketRequest) {
	f, err := n.makeSocket(req)
	if err != nil {
		w.send(reply{Err: err.Error()})
		return
	}
	defer f.Close()
	w.send(reply{}, f)
}

func (n *inner) makeSocket(req *socketRequest) (*os.File, error) {
	h, err := n.plan.Find(req.Host)
	if err != nil {
		return nil, err
	}
	domain, kind := unix.AF_INET, unix.SOCK_STREAM
	if req.Six {
		domain = unix.AF_INET6
	}
	if req.Datagram {
		kind = unix.SOCK_DGRAM
	}
	var fd int
	if err := in(n.fabric.hosts[h.Name], func() (err error) {
		fd, err = unix.Socket(domain, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return os.NewSyscallError("socket", err)
	}); err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "socket")
	if req.Spoof {
		level, option := unix.SOL_IP, unix.IP_TRANSPARENT
		if req.Six {
			level, option = unix.SOL_IPV6, unix.IPV6_TRANSPARENT
		}
		if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
			f.Close()
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	return f, nil
}
