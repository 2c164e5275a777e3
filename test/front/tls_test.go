package front

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

// TestHybridKeyExchange: the post-quantum hybrid is what two sides of today
// agree on, offered first or not.
func TestHybridKeyExchange(t *testing.T) {
	u := start(t)
	for _, row := range []struct {
		offer []tls.CurveID
		want  tls.CurveID
	}{
		{nil, tls.X25519MLKEM768},
		{[]tls.CurveID{tls.X25519MLKEM768}, tls.X25519MLKEM768},
		{[]tls.CurveID{tls.X25519, tls.X25519MLKEM768}, tls.X25519MLKEM768},
		{[]tls.CurveID{tls.SecP256r1MLKEM768}, tls.SecP256r1MLKEM768},
		{[]tls.CurveID{tls.SecP384r1MLKEM1024}, tls.SecP384r1MLKEM1024},
		{[]tls.CurveID{tls.X25519}, tls.X25519},
		{[]tls.CurveID{tls.CurveP256}, tls.CurveP256},
	} {
		conn, err := u.dial(t, &tls.Config{CurvePreferences: row.offer})
		if err != nil {
			t.Errorf("%v: %v", row.offer, err)
			continue
		}
		if got := conn.ConnectionState().CurveID; got != row.want {
			t.Errorf("%v: agreed on %v, want %v", row.offer, got, row.want)
		}
	}
	if _, err := u.dial(t, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}); err == nil {
		t.Error("P-521 was accepted")
	}
}

func TestVersionsAndSuites(t *testing.T) {
	u := start(t)
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if _, err := u.dial(t, &tls.Config{MinVersion: v, MaxVersion: v}); err == nil {
			t.Errorf("%s was accepted", tls.VersionName(v))
		}
	}
	good := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
	accepted := 0
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if len(suite.SupportedVersions) == 1 && suite.SupportedVersions[0] == tls.VersionTLS13 {
			continue
		}
		conn, err := u.dial(t, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
		if err != nil {
			continue
		}
		accepted++
		if got := conn.ConnectionState().CipherSuite; got != good[0] && got != good[1] && got != good[2] {
			t.Errorf("%s was accepted", tls.CipherSuiteName(got))
		}
	}
	if accepted != len(good) {
		t.Errorf("%d suites of TLS 1.2 were accepted, want %d", accepted, len(good))
	}
}

func TestUnknownName(t *testing.T) {
	u := start(t)
	for _, n := range []string{"evil.test", "gw.test.evil.test", "a.gw.test", "test", "gw.tes"} {
		_, err := u.dial(t, &tls.Config{ServerName: n})
		var alert *net.OpError // crypto/tls does not export the type of alerts
		if !errors.As(err, &alert) || alert.Op != "remote error" || alert.Err.Error() != "tls: unrecognized name" {
			t.Errorf("SNI %q: %v, want the alert unrecognized_name", n, err)
		}
	}
	if _, err := u.dial(t, &tls.Config{ServerName: "GW.test"}); err != nil {
		t.Errorf("SNI in capitals: %v", err)
	}
}

// get makes one request and returns the answer.
func get(t *testing.T, conn *tls.Conn, target string) *http.Response {
	t.Helper()
	io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: "+name+"\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	return resp
}

// TestHSTS: on what is answered and on what is refused.
func TestHSTS(t *testing.T) {
	u := start(t)
	for target, want := range map[string]int{"/": 200, "/a/../b": 400} {
		conn, err := u.dial(t, &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		resp := get(t, conn, target)
		if got := resp.Header.Get("Strict-Transport-Security"); resp.StatusCode != want || got != "max-age=31536000" {
			t.Errorf("%s: %d, Strict-Transport-Security %q", target, resp.StatusCode, got)
		}
	}
}

// TestRenewedCertificate: new connections get it, open ones go on, and sessions
// are resumed: the key of their tickets outlives a reload.
func TestRenewedCertificate(t *testing.T) {
	u := start(t)
	cache := tls.NewLRUClientSessionCache(4)
	cfg := &tls.Config{ClientSessionCache: cache}
	open, err := u.dial(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if resp := get(t, open, "/"); resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	was := open.ConnectionState().PeerCertificates[0]
	u.renew(t)
	fresh, err := u.dial(t, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if fresh.ConnectionState().PeerCertificates[0].Equal(was) {
		t.Error("a new connection got the old certificate")
	}
	if resp := get(t, open, "/"); resp.StatusCode != 200 {
		t.Errorf("an open connection: %d", resp.StatusCode)
	}
	resumed, err := u.dial(t, cfg)
	if err != nil || !resumed.ConnectionState().DidResume {
		t.Errorf("a session from before the renewal: %v, want it resumed", err)
	}
}
