package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
	"golang.org/x/net/http2"
)

// dialFrom connects from one of the addresses of loopback, which stand for as
// many clients; nil: it was refused.
func (ft *frontTest) dialFrom(t testing.TB, from string, protos ...string) *tls.Conn {
	t.Helper()
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	conn, err := tls.DialWithDialer(d, "tcp", ft.addr, ft.clientTLS(protos...))
	if err != nil {
		return nil
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends one request on a connection; the status is 0 where it got no
// answer.
func ask(conn net.Conn, fields ...string) (status int, h http.Header) {
	io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: gw.test\r\n"+strings.Join(fields, "")+"\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil
	}
	io.Copy(io.Discard, resp.Body)
	if resp.Close { // net/http takes the field away
		resp.Header.Set("Connection", "close")
	}
	return resp.StatusCode, resp.Header
}

func TestClientAndPrefixCaps(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{MaxConnectionsPerClient: 2, MaxConnectionsPerPrefix: 3}))
	first := ft.dialFrom(t, "127.0.0.2")
	if first == nil || ft.dialFrom(t, "127.0.0.2") == nil {
		t.Fatal("not even two")
	}
	if ft.dialFrom(t, "127.0.0.2") != nil {
		t.Error("a third connection of one client")
	}
	if r := ft.awaitRefusal(t, RefusedClientCap); r.Status != 0 || r.Peer.String() != "127.0.0.2" {
		t.Errorf("refusal %+v", r)
	}
	if ft.dialFrom(t, "127.0.0.3") == nil {
		t.Error("another client was refused")
	}
	if ft.dialFrom(t, "127.0.0.4") != nil {
		t.Error("a fourth connection of the network")
	}
	ft.awaitRefusal(t, RefusedPrefixCap)
	if ft.dialFrom(t, "127.0.1.4") == nil {
		t.Error("another network was refused")
	}
	first.Close()
	ft.awaitConnections(t, 3)
	if ft.dialFrom(t, "127.0.0.2") == nil {
		t.Error("refused after one has closed")
	}
	ft.Close()
	if client, prefix := held(ft, "127.0.0.2"); client != 0 || prefix != 0 {
		t.Errorf("after the end %d and %d are counted", client, prefix)
	}
}

// held asks the guard by trying: it has no way to show its counts but Begin.
func held(ft *frontTest, client string) (perClient, perPrefix int) {
	a := netip.MustParseAddr(client)
	for most := 1; ft.guard.Open(a, &limit.Bounds{ConnectionsPerClient: most}) != limit.Pass; most++ {
		perClient++
	}
	ft.guard.Closed(a)
	for most := 1; ft.guard.Open(a, &limit.Bounds{ConnectionsPerPrefix: most}) != limit.Pass; most++ {
		perPrefix++
	}
	ft.guard.Closed(a)
	return perClient, perPrefix
}

// TestTrustedProxySpeaksForMany: its connections are not capped, its clients'
// requests are; with a PROXY header the client's connections are.
func TestTrustedProxySpeaksForMany(t *testing.T) {
	release := make(chan struct{})
	ft := startFront(t, withLimits(site.Limits{MaxConnectionsPerClient: 1, MaxRequestsPerClient: 1}),
		withProxies(loopbackProxy(site.TrustedProxy{ForwardedFor: 1})),
		withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, call *Call) {
			if call.Client.String() == "10.1.1.1" {
				<-release
			}
		}))
	conns := []*tls.Conn{ft.dial(t, ft.clientTLS()), ft.dial(t, ft.clientTLS()), ft.dial(t, ft.clientTLS())}
	first := make(chan int)
	go func() {
		status, _ := ask(conns[0], "X-Forwarded-For: 10.1.1.1\r\n")
		first <- status
	}()
	awaitTrue(t, "the first request is handled", func() bool { return ft.InFlight() == 1 })
	status, h := ask(conns[1], "X-Forwarded-For: 10.1.1.1\r\n")
	if status != 429 || h.Get("Retry-After") == "" {
		t.Errorf("a second request at once: %d, Retry-After %q", status, h.Get("Retry-After"))
	}
	if r := ft.awaitRefusal(t, RefusedClientCap); r.Client.String() != "10.1.1.1" || r.Status != 429 {
		t.Errorf("refusal %+v", r)
	}
	if status, _ := ask(conns[2], "X-Forwarded-For: 10.1.1.2\r\n"); status != 200 {
		t.Errorf("another client: %d", status)
	}
	close(release)
	if status := <-first; status != 200 {
		t.Errorf("the first: %d", status)
	}
}

func TestClientCapBehindPROXY(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{MaxConnectionsPerClient: 1}),
		withProxies(loopbackProxy(site.TrustedProxy{ProxyProtocol: "v2"})))
	open := func(client byte) error {
		conn := ft.rawDial(t)
		conn.Write([]byte(proxySignature + "\x21\x11\x00\x0c\x0a\x00\x00" + string(client) + "\x0a\x00\x00\xff\x30\x39\x01\xbb"))
		return tls.Client(conn, ft.clientTLS()).Handshake()
	}
	if err := open(1); err != nil {
		t.Fatal(err)
	}
	if err := open(1); err == nil {
		t.Error("a second connection of the client")
	}
	if r := ft.awaitRefusal(t, RefusedClientCap); r.Client.String() != "10.0.0.1" {
		t.Errorf("refusal %+v", r)
	}
	if err := open(2); err != nil {
		t.Errorf("another client: %v", err)
	}
}

// TestBan: who sends malformed requests again and again is reset at accept,
// for as long as the ban lasts; others do not notice.
func TestBan(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{BanFor: site.Duration(700 * time.Millisecond)}))
	kept := ft.dialFrom(t, "127.0.0.2")
	if status, _ := ask(kept); status != 200 {
		t.Fatalf("status %d", status)
	}
	sent := 0
	for ; sent < 100; sent++ {
		conn := ft.dialFrom(t, "127.0.0.2")
		if conn == nil {
			break
		}
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	if sent < 20 || sent > 21 {
		t.Errorf("banned after %d malformed requests, want 20", sent)
	}
	if r := ft.awaitRefusal(t, RefusedBanned); r.Peer.String() != "127.0.0.2" || r.Status != 0 {
		t.Errorf("refusal %+v", r)
	}
	if status, h := ask(kept); status != 429 || h.Get("Retry-After") != "1" || h.Get("Connection") != "close" {
		t.Errorf("on an open connection: %d %v", status, h)
	}
	if conn := ft.dialFrom(t, "127.0.0.3"); conn == nil {
		t.Error("the neighbour is banned too")
	}
	if s := ft.Guard().Status(); s.Banned != 1 || s.Bans[0].Client != "127.0.0.2/32" || s.Bans[0].Cause != "framing" {
		t.Errorf("status %+v", s)
	}
	awaitTrue(t, "the ban ends", func() bool { return ft.dialFrom(t, "127.0.0.2") != nil })
}

// TestBanBehindATrustedProxy: the client's requests are refused, the proxy's
// connections are not.
func TestBanBehindATrustedProxy(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{BanFor: site.Duration(time.Minute)}),
		withProxies(loopbackProxy(site.TrustedProxy{ForwardedFor: 1})))
	ft.guard.Bans().Blame(netip.MustParseAddr("10.1.1.1"), "framing", limit.BanPoints, time.Minute)
	for _, h2 := range []bool{false, true} {
		client := ft.client(t, h2)
		for who, want := range map[string]int{"10.1.1.1": 429, "10.1.1.2": 200} {
			req, _ := http.NewRequest("GET", "https://gw.test/a", nil)
			req.Header.Set("X-Forwarded-For", who)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatalf("h2 %v: %v", h2, err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("h2 %v, %s: %d, want %d", h2, who, resp.StatusCode, want)
			}
			if after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); want == 429 && (after < 55 || after > 60) {
				t.Errorf("Retry-After %d", after)
			}
		}
	}
	// What the proxy's own connections do wrong is nobody's of whom it says.
	for range 30 {
		conn := ft.dial(t, ft.clientTLS())
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw.test\r\nX: \x00\r\n\r\n")
		io.Copy(io.Discard, conn)
	}
	if n, bans := ft.guard.Bans().List(10); n != 1 {
		t.Errorf("banned: %+v", bans)
	}
}

// TestRapidResetBans: it takes two connections that were ended for it soon
// after each other.
func TestRapidResetBans(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{BanFor: site.Duration(time.Minute)}))
	c := &Conn{Peer: addrPortOf(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}), server: ft.Server}
	c.Client = c.Peer
	ft.refuseConn(c, RefusedResets, "streams opened to be cancelled")
	if n, _ := ft.guard.Bans().List(1); n != 0 {
		t.Error("banned after one")
	}
	ft.refuseConn(c, RefusedResets, "streams opened to be cancelled")
	if n, _ := ft.guard.Bans().List(1); n != 1 {
		t.Error("not banned after two")
	}
}

// TestHeaderBombsBan: net/http ends such connections itself, and does not say.
func TestHeaderBombsBan(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{BanFor: site.Duration(time.Minute)}))
	bomb := func() bool {
		conn := ft.dialFrom(t, "127.0.0.2", "h2")
		if conn == nil {
			return false
		}
		defer conn.Close()
		c := newH2Conn(conn)
		c.WriteSettings()
		block := c.block("x-large", strings.Repeat("x", 4000))
		for range 15 { // indexed by now, at a byte each
			block = append(block, bytes.Repeat([]byte{0xbe}, 4000)...)
		}
		c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:16<<10], EndStream: true})
		for block = block[16<<10:]; len(block) > 0; {
			n := min(len(block), 16<<10)
			if c.WriteContinuation(1, n == len(block), block[:n]) != nil {
				break
			}
			block = block[n:]
		}
		for { // net/http says goodbye and lingers for a second
			frame, err := c.ReadFrame()
			if _, goAway := frame.(*http2.GoAwayFrame); goAway {
				return true
			}
			if err != nil {
				return false
			}
		}
	}
	for range 11 { // ten, and what fades meanwhile
		if !bomb() {
			t.Fatal("a bomb brought no goodbye")
		}
	}
	ft.awaitConnections(t, 0)
	ft.awaitRefusal(t, RefusedHeadSize)
	if bomb() {
		t.Error("not banned after eleven")
	}
	if n := len(ft.takeSeen()); n > 0 {
		t.Errorf("%d reached the handler", n)
	}
	// One that shakes hands and goes has sent little.
	for range 20 {
		ft.dialFrom(t, "127.0.0.3", "h2").Close()
	}
	ft.awaitConnections(t, 0)
	if n, bans := ft.guard.Bans().List(9); n != 1 {
		t.Errorf("banned: %+v", bans)
	}
}

// TestBadConfigurationIsNoAttack: what clients do wrong for want of knowing
// better never bans, however often.
func TestBadConfigurationIsNoAttack(t *testing.T) {
	for _, cause := range []RefusalCause{
		RefusedConnections, RefusedClientCap, RefusedPrefixCap, RefusedBanned, RefusedOverloaded, RefusedByRule, RefusedPublic,
		RefusedTarget, RefusedMethod, RefusedHost, RefusedMisdirected, RefusedForwarded, RefusedExpectation, RefusedBodySize,
	} {
		if points := blameFor(cause); points != 0 {
			t.Errorf("%s weighs %d", cause, points)
		}
	}
}

// TestGuardOfManyConnections: whatever way connections end, the guard's books
// are even at the end.
func TestGuardOfManyConnections(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{MaxConnectionsPerClient: 20, MaxConnections: 15}))
	for i := range 40 {
		switch conn := ft.rawDial(t); i % 4 {
		case 0:
			conn.Close()
		case 1:
			conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		case 2:
			tls.Client(conn, ft.clientTLS()).Handshake()
			conn.Close()
		case 3:
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}
	ft.Close() // does not wait for a connection that is just being accepted
	awaitTrue(t, "no connection is counted any more", func() bool {
		client, prefix := held(ft, "127.0.0.1")
		return client == 0 && prefix == 0
	})
}

// awaitTrue waits for what has to become true in a few seconds.
func awaitTrue(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Errorf("never: %s", what)
}
