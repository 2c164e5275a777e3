package app

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// proxyV2 is a PROXY header, version 2, for a TCP connection from client.
func proxyV2(client netip.AddrPort) []byte {
	b := []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c")
	a := client.Addr().As4()
	b = append(b, a[:]...)
	b = append(b, 127, 0, 0, 1)
	b = binary.BigEndian.AppendUint16(b, client.Port())
	return binary.BigEndian.AppendUint16(b, 443)
}

// from is a client that connects from an address of loopback, and sends header
// before TLS.
func (s *testSite) from(t *testing.T, p *Process, local string, header []byte) *http.Client {
	t.Helper()
	c := s.clientFor(t, p, false)
	tr := c.Transport.(*http.Transport)
	addr := p.Addrs()[0].String()
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
		conn, err := d.DialContext(ctx, network, addr)
		if err == nil && header != nil {
			_, err = conn.Write(header)
		}
		return conn, err
	}
	return c
}

// TestTrustedProxies: who the client is, for ip-filter and for the record, says
// a trusted proxy in the way that the site names, and nobody else.
func TestTrustedProxies(t *testing.T) {
	const (
		v2, hops1, hops2, untrusted = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"
		inside, outside             = "203.0.113.9", "198.51.100.7"
	)
	s := newSite(t, http.HandlerFunc(echo), map[string]string{
		"apim/apis/openai/policy.xml": onlyInbound(`<ip-filter action="allow"><address-range from="203.0.113.0" to="203.0.113.255" /></ip-filter>`),
	})
	s.write(t, "cloister.yaml", s.config(`publicNetworkAccess: Enabled
trustedProxies:
- {prefix: 127.0.0.2/32, proxyProtocol: v2}
- {prefix: 127.0.0.3/32, forwardedFor: 1}
- {prefix: 127.0.0.4/32, forwardedFor: 2}
`))
	g := s.start(t)
	named := func(client string) []byte { return proxyV2(netip.MustParseAddrPort(client + ":4096")) }
	forwarded := func(values ...string) http.Header { return http.Header{"X-Forwarded-For": values} }
	for _, tt := range []struct {
		name, peer string
		proxy      []byte
		header     http.Header
		// status 0: no answer.
		status int
		client string
	}{
		{"PROXY names one inside", v2, named(inside), nil, 200, inside},
		{"PROXY names one outside", v2, named(outside), nil, 403, outside},
		{"PROXY, and a header that lies", v2, named(outside), forwarded(inside), 403, outside},
		{"PROXY missing", v2, nil, nil, 0, ""},
		{"PROXY from one who is not trusted", untrusted, named(inside), nil, 0, ""},
		{"PROXY from a proxy of the other kind", hops1, named(inside), nil, 0, ""},
		{"one hop", hops1, nil, forwarded(inside), 200, inside},
		{"one hop, spoofed left of it", hops1, nil, forwarded(inside + ", " + outside), 403, outside},
		{"one hop, on two lines", hops1, nil, forwarded(inside, outside), 403, outside},
		{"one hop, with a port", hops1, nil, forwarded(outside + ", " + inside + ":55"), 200, inside},
		{"one hop, missing", hops1, nil, nil, 400, ""},
		{"one hop, not an address", hops1, nil, forwarded("unknown"), 400, ""},
		{"two hops", hops2, nil, forwarded(inside + ", 10.0.0.1"), 200, inside},
		{"two hops, spoofed left of it", hops2, nil, forwarded(inside + ", " + outside + ", 10.0.0.1"), 403, outside},
		{"two hops, one missing", hops2, nil, forwarded(inside), 400, ""},
		{"header from one who is not trusted", untrusted, nil, forwarded(inside), 403, untrusted},
		{"every other header", untrusted, nil, http.Header{
			"Forwarded": {"for=" + inside}, "X-Real-Ip": {inside}, "X-Forwarded-Host": {"x"}, "True-Client-Ip": {inside},
			"Client-Ip": {inside}, "X_forwarded_for": {inside}, "X-Client-Ip": {inside}, "X-Azure-Clientip": {inside}, "Cf-Connecting-Ip": {inside},
		}, 403, untrusted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := s.from(t, g.Process, tt.peer, tt.proxy)
			resp, err := g.send(t, client, "GET", "/openai/x", nil, tt.header)
			if tt.status == 0 {
				if err == nil {
					t.Errorf("answered %s", resp.Status)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != tt.status {
				t.Fatalf("%s %s, want %d", resp.Status, body, tt.status)
			}
			if tt.client == "" {
				return // refused before route
			}
			id := resp.Header.Get("Cloister-Request-Id")
			rec := wantRecord(t, g, func(r map[string]any) bool { return r["request_id"] == id })
			if rec["client"] != tt.client {
				t.Errorf("client %v, want %s", rec["client"], tt.client)
			}
			if peer, _ := rec["peer"].(string); !strings.HasPrefix(peer, tt.peer+":") {
				t.Errorf("peer %v, want %s", peer, tt.peer)
			}
		})
	}
}

// TestProxysWordsGoNoFurther: what an untrusted peer says of proxies does not
// reach the backend.
func TestProxysWordsGoNoFurther(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), nil).start(t)
	_, body := g.do(t, "GET", "/openai/x", "", http.Header{
		"Forwarded": {"for=canary"}, "X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Proto": {"http"}, "X-Real-Ip": {"10.0.0.1"}, "X_mine": {"canary"},
	})
	for name := range decodeEcho(t, body).Header {
		if strings.Contains(name, "Forwarded") || strings.Contains(name, "_") || name == "X-Real-Ip" {
			t.Errorf("%s reached the backend", name)
		}
	}
}
