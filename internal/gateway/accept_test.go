package gateway

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// rawDial opens a TCP connection that is bounded like everything else.
func (ft *frontTest) rawDial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", ft.addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (ft *frontTest) awaitConnections(t testing.TB, want int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ft.Connections() == want {
			return
		}
	}
	t.Fatalf("%d connections, want %d", ft.Connections(), want)
}

func TestConnectionCap(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{MaxConnections: 2}))
	a, b := ft.dial(t, ft.clientTLS()), ft.dial(t, ft.clientTLS())
	if third, err := net.Dial("tcp", ft.addr); err == nil { // or reset at once
		defer third.Close()
		third.SetDeadline(time.Now().Add(5 * time.Second))
		if n, err := third.Read(make([]byte, 1)); err == nil {
			t.Errorf("the third connection got %d bytes", n)
		}
	}
	if r := ft.awaitRefusal(t, RefusedConnections); r.Peer != netip.MustParseAddr("127.0.0.1") || r.Status != 0 {
		t.Errorf("refusal %+v", r)
	}
	// Those inside are served, and who leaves makes room.
	a.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"))
	if statuses, _ := readAnswers(t, a); len(statuses) != 1 || statuses[0] != 200 {
		t.Errorf("statuses %v", statuses)
	}
	a.Close()
	ft.awaitConnections(t, 1)
	ft.dial(t, ft.clientTLS())
	b.Close()
	// A reload that raises the cap needs no restart.
	ft.opt.Limits.MaxConnections = 5
	ft.swap(t)
	for range 3 {
		ft.dial(t, ft.clientTLS())
	}
}

func TestConnectionCapHeedsFileDescriptors(t *testing.T) {
	for _, row := range []struct {
		configured int
		files      uint64
		want       int
	}{
		{10000, 0, 10000}, {10000, 1024, 460}, {100, 1024, 100}, {10000, 1, 1}, {10000, 1 << 63, 10000},
	} {
		if got := connectionCap(row.configured, row.files); got != row.want {
			t.Errorf("cap of %d with %d files: %d, want %d", row.configured, row.files, got, row.want)
		}
	}
}

// TestRules: a connection that the rules deny ends without a byte, and a reload
// changes who is let in.
func TestRules(t *testing.T) {
	ft := startFront(t)
	var asked atomic.Value
	ft.opt.Admits = func(local, peer netip.AddrPort) bool {
		asked.Store([2]netip.AddrPort{local, peer})
		return false
	}
	ft.swap(t)
	// The reset may come before the dial returns.
	conn, err := net.Dial("tcp", ft.addr)
	if err == nil {
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a peer that no rule lets in was answered")
		}
	}
	ft.awaitRefusal(t, RefusedByRule)
	got, _ := asked.Load().([2]netip.AddrPort)
	if got[0].String() != ft.addr || conn != nil && got[1].String() != conn.LocalAddr().String() {
		t.Errorf("asked for %v", got)
	}
	ft.opt.Admits = nil
	ft.swap(t)
	ft.dial(t, ft.clientTLS())
}

// TestPublicAccess: while public network access is disabled, who comes from
// outside, or to an address outside, gets Azure's answer after TLS.
func TestPublicAccess(t *testing.T) {
	const want = `{"error":{"code":"AccessDenied","message":"Public access is disabled. Please configure private endpoint."}}`
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for name, row := range map[string]struct {
		private func(netip.Addr) bool
		forward string
		status  int
	}{
		"enabled":            {nil, "203.0.113.9", 200},
		"all private":        {loopback.Contains, "127.0.0.9", 200},
		"a client outside":   {loopback.Contains, "203.0.113.9", 403},
		"an address outside": {netip.MustParsePrefix("10.0.0.0/8").Contains, "10.0.0.9", 403},
	} {
		t.Run(name, func(t *testing.T) {
			ft := startFront(t)
			ft.opt.Private = row.private
			ft.opt.TrustedProxies = []site.TrustedProxy{{Prefix: loopback, ForwardedFor: 1}}
			ft.swap(t)
			conn := ft.dial(t, ft.clientTLS())
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\n\r\n", frontTestHost, row.forward)
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != row.status || row.status == 403 && string(body) != want {
				t.Errorf("%s %s", resp.Status, body)
			}
			if row.status == 403 {
				ft.awaitRefusal(t, RefusedPublic)
			}
		})
	}
}

func TestBeforeHTTP(t *testing.T) {
	ft := startFront(t)
	for name, row := range map[string]struct {
		send  string
		cause RefusalCause
		want  string // of the answer
	}{
		"plain http":       {"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n", RefusedPlaintext, "HTTP/1.1 400 Bad Request\r\n"},
		"plain post":       {"POST / HTTP/1.1\r\n\r\n", RefusedPlaintext, "HTTP/1.1 400 Bad Request\r\n"},
		"plain http/2":     {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RefusedPlaintext, "HTTP/1.1 400 Bad Request\r\n"},
		"proxy version 1":  {"PROXY TCP4 10.1.1.1 10.2.2.2 1 2\r\n", RefusedProxyHeader, ""},
		"ssh":              {"SSH-2.0-x\r\n", RefusedTLS, ""},
		"a record of junk": {"\x16\x03\x01\x00\x05hello", RefusedTLS, ""},
	} {
		conn := ft.rawDial(t)
		conn.Write([]byte(row.send))
		got, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(got), row.want) || strings.Contains(string(got), "HTTP/1.1 200") {
			t.Errorf("%s: %q", name, got)
		}
		ft.awaitRefusal(t, row.cause)
	}
	if seen := ft.takeSeen(); len(seen) > 0 {
		t.Errorf("the handler saw %q", seen)
	}
}

// TestProbeOfThePort: who connects and goes, or says nothing, is no refusal.
func TestProbeOfThePort(t *testing.T) {
	ft := startFront(t)
	ft.rawDial(t).Close()
	ft.dial(t, ft.clientTLS()).Close()
	ft.awaitConnections(t, 0)
	if r := ft.takeRefusals(); len(r) > 0 {
		t.Errorf("refusals %+v", r)
	}
}

// TestSlowStart: whatever a client is slow at, the first request has to be
// there in time, counted from accept.
func TestSlowStart(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{HeaderTimeout: site.Duration(300 * time.Millisecond)}))
	hello := clientHello(t)
	for name, stall := range map[string]func(net.Conn){
		"nothing":               func(net.Conn) {},
		"half a hello":          func(c net.Conn) { c.Write(hello[:len(hello)/2]) },
		"three bytes":           func(c net.Conn) { c.Write(hello[:3]) },
		"half a handshake":      func(c net.Conn) { c.Write(hello) },
		"tls, nothing":          func(c net.Conn) { tls.Client(c, ft.clientTLS()).Handshake() },
		"tls, h2, nothing":      func(c net.Conn) { tls.Client(c, ft.clientTLS("h2")).Handshake() },
		"tls, half a head":      func(c net.Conn) { tls.Client(c, ft.clientTLS()).Write([]byte("GET / HTTP/1.1\r\nHost:")) },
		"tls, h2, half preface": func(c net.Conn) { tls.Client(c, ft.clientTLS("h2")).Write([]byte("PRI * HT")) },
	} {
		conn := ft.rawDial(t)
		began := time.Now()
		stall(conn)
		io.Copy(io.Discard, conn)
		if took := time.Since(began); took < 100*time.Millisecond || took > 4*time.Second {
			t.Errorf("%s: closed after %v", name, took)
		}
	}
	ft.awaitConnections(t, 0)
}

// TestTrickledHead: a byte now and then does not stretch the time.
func TestTrickledHead(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{HeaderTimeout: site.Duration(300 * time.Millisecond)}))
	conn := ft.dial(t, ft.clientTLS())
	began := time.Now()
	conn.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\n"))
	for time.Since(began) < 5*time.Second {
		if _, err := conn.Write([]byte("X-A: b\r\n")); err != nil {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("held for %v", took)
	}
	ft.awaitRefusal(t, RefusedSlow)

	// The second head of a connection has its own clock, and idleness is
	// not slowness.
	conn = ft.dial(t, ft.clientTLS())
	conn.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"))
	time.Sleep(400 * time.Millisecond)
	conn.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\nGET / HT"))
	began = time.Now()
	if statuses, _ := readAnswers(t, conn); len(statuses) != 2 || time.Since(began) > 3*time.Second {
		t.Errorf("statuses %v after %v, want two answers and an end", statuses, time.Since(began))
	}
	ft.awaitRefusal(t, RefusedSlow)
}

// clientHello records what a client says first.
func clientHello(t *testing.T) []byte {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go tls.Client(here, &tls.Config{ServerName: frontTestHost, InsecureSkipVerify: true}).Handshake()
	buf := make([]byte, 16<<10)
	n, err := there.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}
