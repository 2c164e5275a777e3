package app

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// descriptors puts copies of files at consecutive numbers, as a manager does.
func descriptors(t *testing.T, files ...interface{ File() (*os.File, error) }) (first int) {
	t.Helper()
	first = 300
	for i, have := range files {
		f, err := have.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := unix.Dup3(int(f.Fd()), first+i, 0); err != nil {
			t.Fatal(err)
		}
	}
	return first
}

func activation(first int, names ...string) (Activation, map[string]string) {
	env := map[string]string{
		"LISTEN_PID": "7", "LISTEN_FDS": strconv.Itoa(len(names)), "LISTEN_FDNAMES": strings.Join(names, ":"),
		"LISTEN_PIDFDID": "1", "PATH": "/bin",
	}
	return Activation{LookupEnv: lookup(env), PID: 7, First: first, Unsetenv: func(name string) error {
		delete(env, name)
		return nil
	}}, env
}

func tcp(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.(*net.TCPListener)
}

func TestTakeSockets(t *testing.T) {
	a, b := tcp(t), tcp(t)
	from, env := activation(descriptors(t, a, b), "gateway", "health")
	got, err := TakeSockets(from)
	if err != nil {
		t.Fatal(err)
	}
	defer got.close()
	if len(env) != 1 {
		t.Errorf("children would see %v", env)
	}
	for i, want := range []*net.TCPListener{a, b} {
		if got[i].Addr().String() != want.Addr().String() || got[i].both {
			t.Errorf("socket %d: %s", i, got[i])
		}
		want.Close() // the manager's copy is not ours
		conn, err := net.Dial("tcp", got[i].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, err := got[i].Accept(); err != nil {
			t.Error(err)
		}
		if _, err := unix.FcntlInt(uintptr(from.First+i), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("descriptor %d is still open: %v", from.First+i, err)
		}
		onExec(t, got[i].Listener.(*net.TCPListener))
	}
}

// onExec requires that no child gets the socket.
func onExec(t *testing.T, ln *net.TCPListener) {
	t.Helper()
	raw, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d stays open on exec: flags %d, %v", fd, flags, err)
		}
	})
}

func TestTakeSocketsBothFamilies(t *testing.T) {
	ln, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	defer ln.Close()
	from, _ := activation(descriptors(t, ln.(*net.TCPListener)), "x")
	got, err := TakeSockets(from)
	if err != nil {
		t.Fatal(err)
	}
	defer got.close()
	if !got[0].both {
		t.Error("an IPv6 wildcard that takes IPv4 along passes for one that does not")
	}
}

func TestTakeSocketsRefuses(t *testing.T) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	dir, err := os.MkdirTemp("", "s") // short enough for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	local, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	ln := tcp(t)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := ln.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	file, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		name string
		what interface{ File() (*os.File, error) }
		want string
	}{
		{"datagrams", udp, "not a stream socket; mend"},
		{"a Unix socket", local, "not a TCP socket; mend"},
		{"Accept=yes", conn, "does not listen; mend"},
		{"a directory", itself{file}, "not a socket; mend"},
		{"nothing", nil, "is not open; mend"},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := descriptors(t, ln)
			if c.what != nil {
				first = descriptors(t, ln, c.what)
			}
			from, env := activation(first, "good", "bad")
			got, err := TakeSockets(from)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `passed socket 2, "bad"`) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if got != nil || len(env) != 1 {
				t.Errorf("sockets %v, environment %v", got, env)
			}
		})
	}
}

// itself is a file that is its own.
type itself struct{ f *os.File }

func (i itself) File() (*os.File, error) { return os.Open(i.f.Name()) }
