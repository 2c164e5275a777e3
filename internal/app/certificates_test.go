package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

// TestRenewedCertificate: what is renewed on disk is used for new connections
// without a reload; half a renewal, and one that nobody would accept, are not.
func TestRenewedCertificate(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	ca, err := issue.LoadCA(filepath.Join(s.dir, "state", "ca"), issue.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(req issue.Request) (*x509.Certificate, string, string) {
		t.Helper()
		cert, err := ca.Issue(req)
		if err != nil {
			t.Fatal(err)
		}
		key, err := cert.KeyPEM()
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf, string(cert.PEM()), key.Reveal()
	}
	first, pem, key := sign(issue.Request{Names: []string{"localhost"}})
	s.write(t, "tls/gw.pem", pem)
	s.write(t, "tls/gw.key", key)
	config := bytes.Replace([]byte(s.config("")), []byte("{name: localhost, default: true}"),
		[]byte("{name: localhost, default: true, certificate: tls/gw.pem, key: tls/gw.key}"), 1)
	s.write(t, "cloister.yaml", string(config))
	r := s.start(t)
	r.do(t, "GET", "/openai/x", "", nil) // a connection that stays open
	shown := func() *x509.Certificate {
		t.Helper()
		roots := x509.NewCertPool()
		roots.AddCert(ca.Certificate)
		conn, err := tls.Dial("tcp", r.Addrs()[0].String(), &tls.Config{ServerName: "localhost", RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0]
	}
	if !shown().Equal(first) {
		t.Fatal("the certificate of the site is not the one that is shown")
	}
	second, pem, key := sign(issue.Request{Names: []string{"localhost"}})
	for _, step := range []struct {
		name, file, content string
		want                *x509.Certificate
	}{
		{"the certificate without its key", "tls/gw.pem", pem, first},
		{"the key as well", "tls/gw.key", key, second},
		{"a file that is cut off", "tls/gw.pem", pem[:len(pem)/2], second},
		{"whole again", "tls/gw.pem", pem, second},
	} {
		s.write(t, step.file, step.content)
		r.renewCertificates()
		if !shown().Equal(step.want) {
			t.Errorf("%s: another certificate is shown", step.name)
		}
	}
	_, pem, key = sign(issue.Request{Client: "a client"})
	s.write(t, "tls/gw.key", key)
	s.write(t, "tls/gw.pem", pem)
	r.renewCertificates()
	if !shown().Equal(second) {
		t.Error("a certificate that is not for servers is shown")
	}
	if resp, _ := r.do(t, "GET", "/openai/x", "", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the open connection: %d", resp.StatusCode)
	}
}

// TestCertificateOfTheSitesCAIsDue: the gateway signs itself another one.
func TestCertificateOfTheSitesCAIsDue(t *testing.T) {
	c := certificates{renewAt: time.Unix(1000, 0)}
	if c.changed(time.Unix(999, 0)) || !c.changed(time.Unix(1001, 0)) {
		t.Error("not renewed at two thirds of its life")
	}
}
