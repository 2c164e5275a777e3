package deploy

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestSocketActivation: who connects while nothing runs waits, and is answered
// when the gateway has started.
func TestSocketActivation(t *testing.T) {
	m := newMachine(t)
	var answered atomic.Int64
	var waiting sync.WaitGroup
	for i := range 5 {
		waiting.Go(func() {
			answer, err := call(t.Context(), m.client(false, false), "GET", "/models", "")
			answered.Add(1)
			if err != nil || answer != "ok" {
				t.Errorf("client %d: %q, %v", i, answer, err)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	if n := answered.Load(); n != 0 {
		t.Fatalf("%d clients were answered by nobody", n)
	}
	p := m.serve(t, m.sockets(t)...)
	waiting.Wait()
	if !strings.Contains(p.Output(), m.gateway.Addr().String()) || !strings.Contains(p.Output(), m.health.Addr().String()) {
		t.Errorf("it does not say where it serves:\n%s", p.Output())
	}
	end(t, p)
}

// end stops a gateway.
func end(t *testing.T, p *testenv.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t, 60*time.Second); code != 0 {
		t.Errorf("ended with %d:\n%s", code, p.Output())
	}
}

// TestSocketsThatDoNotFit: the start fails and says why and what to write.
func TestSocketsThatDoNotFit(t *testing.T) {
	m := newMachine(t)
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	other := listen(t)
	for _, c := range []struct {
		name    string
		sockets []*os.File
		want    string
	}{
		{"missing", []*os.File{file(t, m.health)}, fmt.Sprintf("listener 127.0.0.1 port %d has no socket", port(m.gateway))},
		{"one too many", append(m.sockets(t), file(t, other)), fmt.Sprintf("127.0.0.1:%d is none that the site asks for", port(other))},
		{"datagrams", append(m.sockets(t), file(t, udp)), "is not a stream socket"},
		{"public", append(m.sockets(t), file(t, public(t))), "stands on a public address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := m.serve(t, c.sockets...)
			if code := p.Wait(t, 60*time.Second); code != 1 || !strings.Contains(p.Output(), c.want) || !strings.Contains(p.Output(), "mend: ") {
				t.Errorf("ended with %d, want %q in:\n%s", code, c.want, p.Output())
			}
		})
	}
}

// public listens on an address for documentation (RFC 5737), which no machine
// has: nobody can connect to it.
func public(t *testing.T) *net.TCPListener {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1) })
		return err
	}}
	ln, err := lc.Listen(t.Context(), "tcp4", "203.0.113.7:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.(*net.TCPListener)
}
