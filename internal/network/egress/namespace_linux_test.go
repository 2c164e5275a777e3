package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// namespaceEnv tells a test that it runs in a network namespace of its own; it
// holds the name of the namespace outside.
const namespaceEnv = "CLOISTER_EGRESS_NAMESPACE"

// TestNamespace runs the real dialer in a network namespace that has no way
// out: what should be refused could do no harm there if it were not, and what
// is let through is seen by the kernel's own error.
func TestNamespace(t *testing.T) {
	outside, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		testenv.Missing(t, "no network namespaces here: %v", err)
	}
	if was := os.Getenv(namespaceEnv); was != "" {
		if was == outside {
			t.Fatal("this is not a namespace of its own")
		}
		inNamespace(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNamespace$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), namespaceEnv+"="+outside)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		testenv.Missing(t, "this user may not make network namespaces: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNamespace") {
		t.Errorf("in the namespace: %v\n%s", err, out)
	}
}

func inNamespace(t *testing.T) {
	loopbackUp(t)
	t.Run("refused", refusedInNamespace)
	t.Run("let through", throughInNamespace)
	t.Run("own listeners", ownInNamespace)
}

// loopbackUp sets up the interface lo, which is down in a new namespace.
func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatalf("setting up lo: %v", err)
	}
}

// real is a dialer with everything real but the answers to names.
func real(t *testing.T, cfg *site.Config, resolve func(context.Context, string) ([]netip.Addr, error), own *[]netip.AddrPort) *Dialer {
	t.Helper()
	d, ps := New(cfg, Options{Resolve: resolve, OwnListeners: func() []netip.AddrPort { return *own }})
	if ps.HasErrors() {
		t.Fatal(ps.Err())
	}
	return d
}

func refusedInNamespace(t *testing.T) {
	var answer netip.Addr
	resolve := func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{answer}, nil }
	d := real(t, everywhere(site.Destination{Host: "name.example", Port: 443, Public: true}), resolve, new([]netip.AddrPort))
	list := append([]attack{{"8.8.8.8", CodePublic}, {"2606:4700::1", CodePublic}}, nowhere...)
	for _, c := range Classes() {
		for _, a := range list {
			if a.code == CodePublic && c != Model {
				continue
			}
			answer = netip.MustParseAddr(a.addr)
			conn, err := d.DialContext(c)(t.Context(), "tcp", "name.example:443")
			if conn != nil {
				conn.Close()
			}
			if !errors.As(err, new(*RefusedError)) {
				t.Errorf("%s to %s: %v", c, a.addr, err)
			}
		}
	}
	for _, a := range []string{"169.254.169.254:80", "168.63.129.16:80", "8.8.8.8:53", "[fe80::1%lo]:443", "2130706433:80", "0x7f.1:80", "localhost:80"} {
		for _, c := range Classes() {
			if _, err := d.DialContext(c)(t.Context(), "tcp", a); !errors.As(err, new(*RefusedError)) {
				t.Errorf("%s to %s: %v", c, a, err)
			}
		}
	}
}

func throughInNamespace(t *testing.T) {
	resolve := func(context.Context, string) ([]netip.Addr, error) {
		return addresses("10.0.0.1", "fd00::1", "8.8.8.8"), nil
	}
	d := real(t, everywhere(site.Destination{Host: "name.example", Port: 443}), resolve, new([]netip.AddrPort))
	_, err := d.DialContext(Model)(t.Context(), "tcp", "name.example:443")
	if !errors.Is(err, syscall.ENETUNREACH) || errors.As(err, new(*RefusedError)) {
		t.Errorf("the kernel was not asked: %v", err)
	}
	if strings.Contains(err.Error(), "8.8.8.8") || !strings.Contains(err.Error(), "10.0.0.1:443") {
		t.Errorf("asked for %v", err)
	}
	// Names: the site's server is where the question would have gone.
	cfg := everywhere(site.Destination{Host: "name.example", Port: 443})
	cfg.Destinations.Name = []site.Destination{{Host: "10.0.0.53"}}
	cfg.Names.Servers = []string{"10.0.0.53:53"}
	d = real(t, cfg, nil, new([]netip.AddrPort))
	if _, err := d.DialContext(Model)(t.Context(), "tcp", "name.example:443"); err == nil || !strings.Contains(err.Error(), "10.0.0.53:53") {
		t.Errorf("resolving: %v", err)
	}
}

func ownInNamespace(t *testing.T) {
	for _, at := range []struct{ listen, host string }{
		{"0.0.0.0:0", "127.0.0.1"}, {"127.0.0.1:0", "127.0.0.1"}, {"[::]:0", "::1"}, {"[::]:0", "127.0.0.1"},
	} {
		l, err := net.Listen("tcp", at.listen)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ap := l.Addr().(*net.TCPAddr).AddrPort()
		cfg := everywhere(site.Destination{Host: at.host, Port: int(ap.Port())})
		to := net.JoinHostPort(at.host, l.Addr().String()[strings.LastIndex(l.Addr().String(), ":")+1:])
		var own []netip.AddrPort
		dial := real(t, cfg, nil, &own).DialContext(Model)
		conn, err := dial(t.Context(), "tcp", to)
		if err != nil {
			t.Fatalf("before it is the gateway's own: %v", err)
		}
		conn.Close()
		var refused *RefusedError
		own = []netip.AddrPort{ap}
		if _, err := dial(t.Context(), "tcp", to); !errors.As(err, &refused) || refused.Code != CodeOwnListener {
			t.Errorf("%s by %s: %v", at.listen, to, err)
		}
	}
}
