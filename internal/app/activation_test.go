package app

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

func TestPassedNames(t *testing.T) {
	for _, c := range []struct {
		name, owner, count, names string
		want                      []string
		err                       string
	}{
		{name: "one", owner: "7", count: "1", names: "cloister.socket", want: []string{"cloister.socket"}},
		{name: "two", owner: "7", count: "2", names: "gateway:health", want: []string{"gateway", "health"}},
		{name: "empty names are names", owner: "7", count: "2", names: ":", want: []string{"", ""}},
		{name: "none", owner: "7", count: "0"},
		{name: "another process's", owner: "8", count: "1", names: "x"},
		{name: "another process's, and wrong", owner: "8", count: "many"},
		{name: "no process", owner: "0", count: "1", err: "LISTEN_PID"},
		{name: "not a number", owner: "-1", count: "1", err: "LISTEN_PID"},
		{name: "no count", owner: "7", count: "", err: "LISTEN_FDS"},
		{name: "negative", owner: "7", count: "-1", err: "LISTEN_FDS"},
		{name: "too many", owner: "7", count: "257", err: "LISTEN_FDS"},
		{name: "fewer names", owner: "7", count: "2", names: "x", err: "LISTEN_FDNAMES"},
		{name: "more names", owner: "7", count: "1", names: "x:y", err: "LISTEN_FDNAMES"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := passedNames(lookup(map[string]string{"LISTEN_PID": c.owner, "LISTEN_FDS": c.count, "LISTEN_FDNAMES": c.names}), 7)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
	if got, err := passedNames(lookup(map[string]string{"LISTEN_PID": "7", "LISTEN_FDS": "2"}), 7); err != nil || !slices.Equal(got, []string{"unknown", "unknown"}) {
		t.Errorf("without names: %q, %v", got, err)
	}
	if got, err := passedNames(lookup(nil), 7); got != nil || err != nil {
		t.Errorf("without a manager: %q, %v", got, err)
	}
}

// FuzzPassedNames: whatever the environment says, the descriptors that are
// touched are bounded, and are ours.
func FuzzPassedNames(f *testing.F) {
	f.Add("7", "2", "a:b")
	f.Add("7", "999999999999", "a")
	f.Add("+7", "0x1", "::")
	f.Fuzz(func(t *testing.T, owner, count, names string) {
		got, err := passedNames(lookup(map[string]string{"LISTEN_PID": owner, "LISTEN_FDS": count, "LISTEN_FDNAMES": names}), 7)
		switch {
		case len(got) > maxSockets:
			t.Errorf("%d sockets", len(got))
		case err != nil && got != nil:
			t.Errorf("%q beside the error %v", got, err)
		case len(got) > 0 && strings.TrimLeft(owner, "0") != "7":
			t.Errorf("took the sockets of process %q", owner)
		case len(got) > 0 && strings.Join(got, ":") != names:
			t.Errorf("%q out of %q", got, names)
		}
	})
}

// standing is a listener of which only the place counts.
type standing struct {
	at     string
	closed bool
}

func (s *standing) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (s *standing) Close() error              { s.closed = true; return nil }
func (s *standing) Addr() net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", s.at)
	if err != nil {
		panic(err)
	}
	return addr
}

// passed are sockets from "NAME=ADDRESS:PORT"; a trailing "+4" is an IPv6
// wildcard that takes IPv4 along.
func passed(specs ...string) Sockets {
	var out Sockets
	for _, spec := range specs {
		name, at, _ := strings.Cut(spec, "=")
		at, both := strings.CutSuffix(at, "+4")
		out = append(out, Socket{Name: name, Listener: &standing{at: at}, both: both})
	}
	return out
}

func at(lns ...net.Listener) string {
	var out []string
	for _, ln := range lns {
		if ln != nil {
			out = append(out, ln.Addr().String())
		}
	}
	return strings.Join(out, " ")
}

func TestFit(t *testing.T) {
	loopback := []site.Listener{{Address: "127.0.0.1", Port: 8443}, {Address: "::1", Port: 8443}}
	for _, c := range []struct {
		name      string
		access    string
		listeners []site.Listener
		health    string
		passed    Sockets
		gateway   string
		probes    string
		errs      []string
	}{
		{name: "by address", listeners: loopback, health: "127.0.0.1:9443",
			passed:  passed("cloister.socket=127.0.0.1:9443", "cloister.socket=[::1]:8443", "cloister.socket=127.0.0.1:8443"),
			gateway: "[::1]:8443 127.0.0.1:8443", probes: "127.0.0.1:9443"},
		{name: "by name", listeners: loopback[:1], health: "127.0.0.1:9443",
			passed:  passed("health=127.0.0.1:9443", "gateway=127.0.0.1:8443"),
			gateway: "127.0.0.1:8443", probes: "127.0.0.1:9443"},
		{name: "the health address may be missing", listeners: loopback[:1], health: "127.0.0.1:9443",
			passed: passed("x=127.0.0.1:8443"), gateway: "127.0.0.1:8443"},
		{name: "any port takes a socket by name", listeners: []site.Listener{{Address: "127.0.0.1", Port: 0}}, health: "127.0.0.1:9443",
			passed: passed("gateway=127.0.0.1:4711", "x=127.0.0.1:9443"), gateway: "127.0.0.1:4711", probes: "127.0.0.1:9443"},
		{name: "any port takes no other", listeners: []site.Listener{{Address: "127.0.0.1", Port: 0}},
			passed: passed("x=127.0.0.1:4711"), errs: []string{`"x" on 127.0.0.1:4711 is none`, "listener 127.0.0.1 port 0 has no socket"}},
		{name: "private is content with one", listeners: []site.Listener{{Address: "private", Port: 443}},
			passed: passed("x=127.0.0.1:443"), gateway: "127.0.0.1:443"},
		{name: "wrong port", listeners: loopback[:1],
			passed: passed("x=127.0.0.1:8443", "x=127.0.0.1:8444"), errs: []string{"on 127.0.0.1:8444 is none that the site asks for (listener 127.0.0.1 port 8443); mend: "}},
		{name: "a name for another role", listeners: loopback[:1],
			passed: passed("health=127.0.0.1:8443"), errs: []string{`"health" on 127.0.0.1:8443 is none`, "listener 127.0.0.1 port 8443 has no socket"}},
		{name: "all at once", listeners: loopback,
			passed: passed("x=127.0.0.1:1", "y=10.0.0.1:2"), errs: []string{"127.0.0.1:1 is none", "10.0.0.1:2 is none", "listener 127.0.0.1 port 8443 has no", "listener ::1 port 8443 has no"}},
		{name: "two for the probes", listeners: loopback[:1], health: "127.0.0.1:9443",
			passed: passed("x=127.0.0.1:8443", "x=127.0.0.1:9443", "y=127.0.0.1:9443"), errs: []string{`"y" on 127.0.0.1:9443 is a second one for health.address`}},
		{name: "wildcard", listeners: loopback[:1],
			passed: passed("x=127.0.0.1:8443", "x=0.0.0.0:443"), errs: []string{"on 0.0.0.0:443 stands on every address"}},
		{name: "public", listeners: loopback[:1],
			passed: passed("x=127.0.0.1:8443", "x=203.0.113.7:443"), errs: []string{"on 203.0.113.7:443 stands on a public address; mend: "}},
		{name: "public and listed, while disabled", listeners: []site.Listener{{Address: "203.0.113.7", Port: 443}},
			passed: passed("gateway=203.0.113.7:443"), errs: []string{"stands on a public address", "has no socket"}},
		{name: "public and enabled", access: "Enabled", listeners: []site.Listener{{Address: "203.0.113.7", Port: 443}},
			passed: passed("x=203.0.113.7:443"), gateway: "203.0.113.7:443"},
		{name: "a wildcard is not private", access: "Enabled", listeners: []site.Listener{{Address: "private", Port: 443}},
			passed: passed("x=0.0.0.0:443"), errs: []string{"on 0.0.0.0:443 is none"}},
		{name: "IPv4 along", access: "Enabled", listeners: []site.Listener{{Address: "::", Port: 443}},
			passed: passed("x=[::]:443+4"), errs: []string{"BindIPv6Only=ipv6-only"}},
		{name: "IPv6 only", access: "Enabled", listeners: []site.Listener{{Address: "::", Port: 443}},
			passed: passed("x=[::]:443"), gateway: "[::]:443"},
		{name: "IPv4-mapped", listeners: loopback[:1], passed: passed("x=[::ffff:127.0.0.1]:8443"), gateway: "127.0.0.1:8443"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := &site.Config{PublicNetworkAccess: c.access, Listeners: c.listeners, Health: site.Health{Address: c.health}}
			got, err := c.passed.fit(cfg)
			if len(c.errs) == 0 {
				if err != nil || at(got.gateway...) != c.gateway || at(got.health) != c.probes {
					t.Errorf("got %s, health %s, %v; want %s, %s", at(got.gateway...), at(got.health), err, c.gateway, c.probes)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.errs {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
		})
	}
}

// TestOpenAll: with sockets nothing of listeners is bound, and when one is
// refused all are let go.
func TestOpenAll(t *testing.T) {
	cfg := &site.Config{Listeners: []site.Listener{{Address: "127.0.0.1", Port: 1}}, Health: site.Health{Address: "127.0.0.1:0"}}
	good := passed("x=127.0.0.1:1")
	d, err := openAll(t.Context(), cfg, good)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(d.all())
	if at(d.gateway...) != "127.0.0.1:1" || d.health == nil || len(d.all()) != 2 {
		t.Errorf("gateway %s, health %v", at(d.gateway...), d.health)
	}
	bad := passed("x=127.0.0.1:1", "x=127.0.0.1:2")
	if _, err := openAll(t.Context(), cfg, bad); err == nil {
		t.Fatal("accepted a socket too many")
	}
	for _, s := range bad {
		if !s.Listener.(*standing).closed {
			t.Errorf("%s was left open", s)
		}
	}
}
