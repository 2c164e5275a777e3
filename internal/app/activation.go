package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Socket is a listening TCP socket that a service manager made and passed on.
type Socket struct {
	// Name is its FileDescriptorName=; systemd's default is the name of the
	// socket unit. "gateway", "health" and "admin" say what it is
	// for.
	Name string
	net.Listener
	// both: it stands on the IPv6 wildcard and takes IPv4 along.
	both bool
}

// Sockets are those of one start, in the manager's order.
type Sockets []Socket

// Activation is where [TakeSockets] looks for what was passed. Source:
// sd_listen_fds(3).
type Activation struct {
	// LookupEnv is os.LookupEnv, or a test's.
	LookupEnv func(string) (string, bool)
	// Unsetenv is os.Unsetenv, or a test's.
	Unsetenv func(string) error
	// PID is the process's own: sockets for another are left alone.
	PID int
	// First is the first descriptor; 0: 3, as systemd has it.
	First int
}

const (
	// firstDescriptor is SD_LISTEN_FDS_START.
	firstDescriptor = 3
	// maxSockets is far beyond any unit, and keeps a wrong number from having
	// us close descriptors that are the runtime's.
	maxSockets = 256
)

// TakeSockets takes over the sockets that a service manager passed; none where
// the environment names none for this process. The variables are unset and the
// descriptors close on exec: no child takes them for its own. A descriptor that
// is not a listening TCP socket is an error, because somebody meant it to be
// one, and all are closed then.
func TakeSockets(from Activation) (Sockets, error) {
	names, err := passedNames(from.LookupEnv, from.PID)
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if _, ok := from.LookupEnv(name); ok {
			err = errors.Join(err, from.Unsetenv(name))
		}
	}
	if err != nil {
		return nil, err
	}
	first := from.First
	if first == 0 {
		first = firstDescriptor
	}
	var out Sockets
	var errs []error
	for i, name := range names {
		s, err := takeSocket(first+i, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("passed socket %d, %q: %w", i+1, name, err))
			continue
		}
		out = append(out, s)
	}
	if err := errors.Join(errs...); err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// passedNames reads the environment: one name for each descriptor, "unknown"
// where the manager gave none, nothing where all of it is another process's.
func passedNames(lookup func(string) (string, bool), pid int) ([]string, error) {
	owner, ok := lookup("LISTEN_PID")
	if !ok {
		return nil, nil
	}
	count, _ := lookup("LISTEN_FDS")
	switch p, err := strconv.ParseUint(owner, 10, 31); {
	case err != nil || p == 0:
		return nil, fmt.Errorf("LISTEN_PID is %q, not a process; mend: unset LISTEN_PID where no service manager sets it", clip(owner))
	case int(p) != pid:
		return nil, nil // inherited from a parent that did not unset it
	}
	n, err := strconv.ParseUint(count, 10, 31)
	if err != nil || n > maxSockets {
		return nil, fmt.Errorf("LISTEN_FDS is %q, not a number up to %d; mend: unset LISTEN_PID where no service manager sets it", clip(count), maxSockets)
	}
	if n == 0 {
		return nil, nil
	}
	text, ok := lookup("LISTEN_FDNAMES")
	if !ok {
		text = strings.TrimSuffix(strings.Repeat("unknown:", int(n)), ":")
	}
	names := strings.Split(text, ":")
	if len(names) != int(n) {
		return nil, fmt.Errorf("LISTEN_FDNAMES has %d names for %d sockets; mend: no \":\" in FileDescriptorName=", len(names), n)
	}
	return names, nil
}

// clip keeps what an error quotes short.
func clip(s string) string {
	if len(s) > 32 {
		return s[:32] + "…"
	}
	return s
}

func (s Sockets) close() {
	for _, one := range s {
		one.Close()
	}
}

// addr is where the socket stands.
func (s Socket) addr() netip.AddrPort { return addrOf(s.Listener) }

// String names the socket for an error.
func (s Socket) String() string { return fmt.Sprintf("%q on %s", s.Name, s.addr()) }
