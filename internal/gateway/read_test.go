package gateway

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
	"github.com/google/go-cmp/cmp"
)

func TestCanonicalHost(t *testing.T) {
	for in, want := range map[string][2]string{
		"gw.test":                       {"gw.test", ""},
		"GW.Test.":                      {"gw.test", ""},
		"gw.test:443":                   {"gw.test", "443"},
		"gw.test.:1":                    {"gw.test", "1"},
		"a_b.test":                      {"a_b.test", ""},
		"10.0.0.1:8443":                 {"10.0.0.1", "8443"},
		"[::1]":                         {"::1", ""},
		"[::1]:8443":                    {"::1", "8443"},
		"[2001:DB8:0:0:0:0:0:1]":        {"2001:db8::1", ""},
		"[::ffff:10.0.0.1]:65535":       {"10.0.0.1", "65535"},
		strings.Repeat("a", 63) + ".x":  {strings.Repeat("a", 63) + ".x", ""},
		"":                              {},
		".":                             {},
		"..":                            {},
		"gw..test":                      {},
		".gw.test":                      {},
		"gw.test:":                      {},
		"gw.test:0":                     {},
		"gw.test:65536":                 {},
		"gw.test:+1":                    {},
		"gw.test:80:80":                 {},
		"gw.test:x":                     {},
		"gw test":                       {},
		"gw.test/":                      {},
		"u@gw.test":                     {},
		"gw.test,other.test":            {},
		"-a.test":                       {},
		"a-.test":                       {},
		strings.Repeat("a", 64) + ".x":  {},
		strings.Repeat("a.", 127) + "a": {},
		"gw.tést":                       {},
		"gw%2etest":                     {},
		"::1":                           {},
		"[::1":                          {},
		"[::1]x":                        {},
		"[::1]:":                        {},
		"[::1]8443":                     {},
		"[fe80::1%25eth0]":              {},
		"[fe80::1%eth0]":                {},
		"[10.0.0.1]":                    {},
		"[]":                            {},
		"127.1":                         {},
		"0x7f.0.0.1":                    {},
		"010.0.0.1":                     {},
		"256.0.0.1":                     {},
		"1.2.3.4.5":                     {},
		"2130706433":                    {},
	} {
		host, port, ok := canonicalHost(in)
		if !ok {
			host, port = "", ""
		}
		if host != want[0] || port != want[1] || ok != (want[0] != "") {
			t.Errorf("%q = %q %q %v, want %q", in, host, port, ok, want)
		}
	}
}

// TestHostIsTheNameOfTLS: who connected for one name asks for no other, over
// either protocol, with the name's port or without.
func TestHostIsTheNameOfTLS(t *testing.T) {
	ft := startFront(t)
	for _, row := range []struct {
		sni, host string
		want      int
	}{
		{"gw.test", "gw.test", 200},
		{"gw.test", "GW.TEST:9999", 200},
		{"gw.test", "other.test", 421},
		{"other.test", "gw.test", 421},
		{"other.test", "other.test", 200},
		{"gw.test", "127.0.0.1", 421},
		{"gw.test", "unknown.test", 421},
		// Without SNI the default name counts, and the address itself.
		{"", "gw.test", 200},
		{"", "127.0.0.1", 200},
		{"", "127.0.0.1:8443", 200},
		{"", "127.0.0.2", 421},
		{"", "[::1]", 421},
		{"", "[::ffff:127.0.0.1]", 200}, // the same address
		{"", "other.test", 421},
	} {
		for _, proto := range []string{"http/1.1", "h2"} {
			cfg := ft.clientTLS(proto)
			if cfg.ServerName = row.sni; row.sni == "" {
				cfg = &tls.Config{RootCAs: ft.ca.pool, InsecureSkipVerify: true, NextProtos: []string{proto}} // no SNI, so no name to verify
			}
			got := 0
			if proto == "h2" {
				got = ft.h2With(t, cfg).get(t, ":authority", row.host)
			} else {
				conn := ft.dial(t, cfg)
				conn.Write([]byte("GET / HTTP/1.1\r\nHost: " + row.host + "\r\nConnection: close\r\n\r\n"))
				if statuses, _ := readAnswers(t, conn); len(statuses) == 1 {
					got = statuses[0]
				}
			}
			if got != row.want {
				t.Errorf("%s: SNI %q, host %q: %d, want %d", proto, row.sni, row.host, got, row.want)
			}
		}
	}
}

func TestIPv6Hostname(t *testing.T) {
	ft := startFront(t)
	ft.opt.Hostnames = []FrontHostname{{Name: "2001:db8::1", Default: true, Certificate: ft.ca.issue(t, "2001:db8::1")}}
	ft.swap(t)
	cfg := &tls.Config{RootCAs: ft.ca.pool, ServerName: "2001:db8::1"} // addresses are not sent as SNI
	conn := ft.dial(t, cfg)
	conn.Write([]byte("GET /a HTTP/1.1\r\nHost: [2001:DB8:0::1]:8443\r\nConnection: close\r\n\r\n"))
	if statuses, _ := readAnswers(t, conn); len(statuses) != 1 || statuses[0] != 200 {
		t.Fatalf("statuses %v", statuses)
	}
	call, _ := ft.lastCall(t)
	if call.Host != "2001:db8::1" || call.Port != "8443" {
		t.Errorf("host %q, port %q", call.Host, call.Port)
	}
}

// TestCallAgreesWithRequest: code that looks at the request sees what the
// call says.
func TestCallAgreesWithRequest(t *testing.T) {
	var r *http.Request
	ft := startFront(t, withHandler(func(w http.ResponseWriter, req *http.Request, _ *Conn, _ *Call) { r = req }))
	for target, want := range map[string]string{
		"/%61/b?x=%20":              "/a/b?x=%20",
		"https://gw.test/a%2db":     "/a-b",
		"https://gw.test?x":         "/?x",
		"HTTPS://GW.TEST/?":         "/",
		"/openai;rev=2/a?b=c":       "/openai;rev=2/a?b=c",
		"/openai/deployments/a%2fb": "/openai/deployments/a%2Fb",
	} {
		conn := ft.dial(t, ft.clientTLS())
		conn.Write([]byte("GET " + target + " HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"))
		readAnswers(t, conn)
		call, _ := ft.lastCall(t)
		got := call.Path
		if call.RawQuery != "" {
			got += "?" + call.RawQuery
		}
		if got != want || r.RequestURI != want || r.URL.RequestURI() != want || r.URL.Host != "" || r.Host != "gw.test" {
			t.Errorf("%q: call %q, RequestURI %q, URL %q, host %q; want %q", target, got, r.RequestURI, r.URL, r.Host, want)
		}
		if decoded := "/" + strings.Join(call.Segments, "/"); decoded != r.URL.Path {
			t.Errorf("%q: segments %q, URL.Path %q", target, call.Segments, r.URL.Path)
		}
	}
}

// sendFields makes one request with these field lines over HTTP/1.1.
func sendFields(t *testing.T, ft *frontTest, fields string) int {
	t.Helper()
	conn := ft.dial(t, ft.clientTLS())
	defer conn.Close()
	conn.Write([]byte("GET /a HTTP/1.1\r\nHost: gw.test\r\n" + fields + "\r\n"))
	conn.CloseWrite()
	statuses, _ := readAnswers(t, conn)
	if len(statuses) != 1 {
		t.Fatalf("statuses %v", statuses)
	}
	return statuses[0]
}

func TestFieldsThatGoNoFurther(t *testing.T) {
	const sent = "Forwarded: for=10.9.9.9\r\nX-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Host: evil.test\r\n" +
		"X-Forwarded-Proto: http\r\nX-Forwarded-Client-Cert: x\r\nX-Real-IP: 10.9.9.9\r\nX_Forwarded_For: 10.9.9.9\r\n" +
		"Api_Key: k\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n" +
		"TE: trailers\r\nUpgrade: h2c\r\nX-Hop: 1\r\nConnection: X-Hop, Upgrade\r\nX-Kept: 1\r\nAuthorization: Bearer x\r\n"
	for _, trusted := range []bool{false, true} {
		want := http.Header{"X-Kept": {"1"}, "Authorization": {"Bearer x"}}
		opts := []frontTestOption{}
		if trusted {
			opts = append(opts, withProxies(loopbackProxy(site.TrustedProxy{ForwardedFor: 1})))
			for name, v := range map[string]string{
				"Forwarded": "for=10.9.9.9", "X-Forwarded-For": "10.9.9.9", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http",
				"X-Forwarded-Client-Cert": "x", "X-Real-Ip": "10.9.9.9", "X_forwarded_for": "10.9.9.9", "Api_key": "k",
			} {
				want.Set(name, v)
			}
		}
		ft := startFront(t, opts...)
		if got := sendFields(t, ft, sent); got != 200 {
			t.Fatalf("trusted %v: status %d", trusted, got)
		}
		call, got := ft.lastCall(t)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("trusted %v, fields (-want +got):\n%s", trusted, diff)
		}
		client := map[bool]string{false: "127.0.0.1", true: "10.9.9.9"}[trusted]
		if call.Client.String() != client {
			t.Errorf("trusted %v: client %s, want %s", trusted, call.Client, client)
		}
	}
}

func TestFieldsOverHTTP2(t *testing.T) {
	ft := startFront(t)
	c := ft.h2(t)
	if got := c.get(t, "x_forwarded_for", "10.9.9.9", "x-forwarded-for", "10.9.9.9", "forwarded", "for=x", "te", "trailers", "x-kept", "1"); got != 200 {
		t.Fatalf("status %d", got)
	}
	_, got := ft.lastCall(t)
	if diff := cmp.Diff(http.Header{"X-Kept": {"1"}}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// TestConnectionNamesAField: nobody may take a credential off the road by
// calling it a matter of the hop.
func TestConnectionNamesAField(t *testing.T) {
	ft := startFront(t)
	for _, name := range []string{"Authorization", "api-key", "HOST", "Content-Type", "ocp-apim-subscription-key", "X-Forwarded-For", "close, authorization", "Cookie", "a_b"} {
		if got := sendFields(t, ft, "Connection: "+name+"\r\n"); got != 400 {
			t.Errorf("Connection: %s: %d, want 400", name, got)
		}
	}
	for _, name := range []string{"close", "keep-alive", "", ",,", "TE, X-Own"} {
		if got := sendFields(t, ft, "Connection: "+name+"\r\n"); got != 200 {
			t.Errorf("Connection: %q: %d, want 200", name, got)
		}
	}
}

func TestClientIsReadRightToLeft(t *testing.T) {
	for _, row := range []struct {
		hops   int
		fields string
		want   string // empty: 400
	}{
		{0, "X-Forwarded-For: 10.1.1.1\r\n", "127.0.0.1"},
		{1, "X-Forwarded-For: 10.1.1.1\r\n", "10.1.1.1"},
		{1, "X-Forwarded-For: 6.6.6.6, 10.1.1.1\r\n", "10.1.1.1"},
		{2, "X-Forwarded-For: 6.6.6.6, 10.2.2.2, 10.1.1.1\r\n", "10.2.2.2"},
		{2, "X-Forwarded-For: 10.2.2.2\r\nX-Forwarded-For: 10.1.1.1\r\n", "10.2.2.2"},
		{1, "X-Forwarded-For: 10.2.2.2\r\nX-Forwarded-For: 10.1.1.1\r\n", "10.1.1.1"},
		{1, "X-Forwarded-For: 10.1.1.1:4711\r\n", "10.1.1.1"},
		{1, "X-Forwarded-For: [2001:db8::1]:4711\r\n", "2001:db8::1"},
		{1, "X-Forwarded-For: 2001:DB8::1\r\n", "2001:db8::1"},
		{1, "X-Forwarded-For: ::ffff:10.1.1.1\r\n", "10.1.1.1"},
		{1, "X-Forwarded-For: not an address, 10.1.1.1\r\n", "10.1.1.1"},
		{2, "X-Forwarded-For: not an address, 10.1.1.1\r\n", ""},
		{1, "", ""},
		{1, "X-Forwarded-For:\r\n", ""},
		{2, "X-Forwarded-For: 10.1.1.1\r\n", ""},
		{1, "X-Forwarded-For: 10.1.1.1,\r\n", ""},
		{1, "X-Forwarded-For: unknown\r\n", ""},
		{1, "X-Forwarded-For: fe80::1%eth0\r\n", ""},
		{1, "X-Forwarded-For: 10.1\r\n", ""},
		{1, "X-Real-IP: 10.1.1.1\r\n", ""},
		{1, "Forwarded: for=10.1.1.1\r\n", ""},
	} {
		var opts []frontTestOption
		if row.hops > 0 {
			opts = append(opts, withProxies(loopbackProxy(site.TrustedProxy{ForwardedFor: row.hops})))
		}
		ft := startFront(t, opts...)
		status := sendFields(t, ft, row.fields)
		if row.want == "" {
			if status != 400 {
				t.Errorf("%d hops, %q: %d, want 400", row.hops, row.fields, status)
			}
			continue
		}
		call, _ := ft.lastCall(t)
		if status != 200 || call.Client != netip.MustParseAddr(row.want) {
			t.Errorf("%d hops, %q: %d, client %s, want %s", row.hops, row.fields, status, call.Client, row.want)
		}
	}
}

// TestTrustedProxyByLongestPrefix: an entry for one machine stands above the
// entry for its network.
func TestTrustedProxyByLongestPrefix(t *testing.T) {
	ft := &frontTest{ca: newFrontTestCA(t)}
	f, err := NewFront(FrontOptions{
		Hostnames: []FrontHostname{{Name: frontTestHost, Certificate: ft.ca.issue(t, frontTestHost)}},
		TrustedProxies: []site.TrustedProxy{
			{Prefix: netip.MustParsePrefix("10.0.0.0/8"), ForwardedFor: 2},
			{Prefix: netip.MustParsePrefix("10.1.2.3/32"), ProxyProtocol: "v2"},
			{Prefix: netip.MustParsePrefix("10.1.0.0/16"), ForwardedFor: 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for peer, want := range map[string]site.TrustedProxy{
		"10.9.9.9": {ForwardedFor: 2}, "10.1.9.9": {ForwardedFor: 1}, "10.1.2.3": {ProxyProtocol: "v2"}, "11.0.0.1": {}, "::1": {},
	} {
		got := f.proxyFor(netip.MustParseAddr(peer))
		if got.ForwardedFor != want.ForwardedFor || got.ProxyProtocol != want.ProxyProtocol {
			t.Errorf("%s: %+v, want %+v", peer, got, want)
		}
	}
}

func TestHeadBoundsOverHTTP2(t *testing.T) {
	ft := startFront(t)
	many := make([]string, 0, 2*MaxHeadFields+2)
	for range MaxHeadFields + 1 {
		many = append(many, "x-f", "1")
	}
	for name, row := range map[string]struct {
		fields []string
		want   int
	}{
		"a hundred fields": {many[:2*MaxHeadFields], 200},
		"one more":         {many, 431},
		"15 KiB":           {[]string{"x-big", strings.Repeat("a", 15<<10)}, 200},
		"18 KiB":           {[]string{"x-big", strings.Repeat("a", 18<<10)}, 431},
		"40 KiB":           {[]string{"x-big", strings.Repeat("a", 40<<10)}, h2Gone},
		"target of 9 KiB":  {[]string{":path", "/" + strings.Repeat("a", 9<<10)}, 414},
		// A client may write any scheme; nobody reads it, the connection is TLS.
		"scheme http":                 {[]string{":scheme", "http"}, 200},
		"connect":                     {[]string{":method", "TRACE"}, 405},
		"two hosts":                   {[]string{"host", "other.test"}, 400},
		"the same host twice":         {[]string{"host", "gw.test"}, 200},
		"host of another":             {[]string{":authority", "other.test"}, 421},
		"two lengths":                 {[]string{"content-length", "0", "content-length", "1"}, 400},
		"a length of a body not sent": {[]string{"content-length", "5"}, 400},
		"a length that is none":       {[]string{"content-length", "+0"}, 400},
		"a transfer coding":           {[]string{"transfer-encoding", "chunked"}, 400},
		"asterisk":                    {[]string{":method", "OPTIONS", ":path", "*"}, 400},
		"other expectation":           {[]string{"expect", "200-ok"}, 417},
		"underscore":                  {[]string{"x_y", "1"}, 200},
	} {
		if got := ft.h2(t).get(t, row.fields...); got != row.want && !(got == h2Reset && row.want == 400) {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}
