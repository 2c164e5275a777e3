package issue_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/identity/issue"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func options() issue.Options {
	return issue.Options{
		Name: "Cloister test", PermittedDNS: []string{"Gateway.internal", "localhost"},
		PermittedIPs: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8"), netip.MustParsePrefix("fd00::/8")},
		Now:          at(day),
	}
}

func newCA(t *testing.T, change func(*issue.Options)) *issue.CA {
	t.Helper()
	opt := options()
	if change != nil {
		change(&opt)
	}
	ca, err := issue.NewCA(opt)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func verify(ca *issue.CA, cert *x509.Certificate, name string, usage x509.ExtKeyUsage) error {
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: day, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}

func TestAuthority(t *testing.T) {
	c := newCA(t, nil).Certificate
	if !c.IsCA || !c.MaxPathLenZero || c.MaxPathLen != 0 || !c.PermittedDNSDomainsCritical {
		t.Errorf("basic constraints: %v %v %v critical %v", c.IsCA, c.MaxPathLen, c.MaxPathLenZero, c.PermittedDNSDomainsCritical)
	}
	if diff := cmp.Diff([]string{"gateway.internal", "localhost"}, c.PermittedDNSDomains); diff != "" {
		t.Error(diff)
	}
	if got := fmt.Sprint(c.PermittedIPRanges); got != "[10.0.0.0/8 fd00::/8]" {
		t.Errorf("ranges %s", got)
	}
	if k, isEC := c.PublicKey.(*ecdsa.PublicKey); !isEC || k.Curve != elliptic.P256() {
		t.Errorf("key %T", c.PublicKey)
	}
	if c.SerialNumber.Sign() <= 0 || c.SerialNumber.BitLen() < 64 {
		t.Errorf("serial %v", c.SerialNumber)
	}
	if issue.IsEmulator(c) {
		t.Error("carries the emulator's marker")
	}
}

func TestServerCertificate(t *testing.T) {
	ca := newCA(t, nil)
	cert, err := ca.IssueServer("gateway.internal", "API.gateway.internal", "*.apps.gateway.internal", "10.9.8.7", "fd12::1", "::ffff:10.0.0.1", "gateway.internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gateway.internal", "api.gateway.internal", "x.apps.gateway.internal", "10.9.8.7", "fd12::1", "10.0.0.1"} {
		if err := verify(ca, cert.Leaf, name, x509.ExtKeyUsageServerAuth); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := verify(ca, cert.Leaf, "gateway.internal", x509.ExtKeyUsageClientAuth); err == nil {
		t.Error("it may be used by a client")
	}
	if life := cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore); life != 90*24*time.Hour {
		t.Errorf("it lives %s", life)
	}
	if cert.Leaf.IsCA || len(cert.Leaf.DNSNames) != 3 || issue.IsEmulator(cert.Leaf) {
		t.Errorf("CA %v, names %v", cert.Leaf.IsCA, cert.Leaf.DNSNames)
	}
	if err := issue.SelfTest(cert.TLS()); err != nil {
		t.Error(err)
	}
	if short, err := ca.Issue(issue.Request{Names: []string{"localhost"}, Lifetime: time.Hour}); err != nil || short.Leaf.NotAfter.Sub(short.Leaf.NotBefore) != time.Hour {
		t.Errorf("an hour: %v", err)
	}
	if long, err := ca.Issue(issue.Request{Names: []string{"localhost"}, Lifetime: 91 * 24 * time.Hour}); err != nil || long.Leaf.NotAfter.Sub(long.Leaf.NotBefore) != issue.MaxLifetime {
		t.Errorf("91 days: %v", err)
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newCA(t, nil)
	cert, err := ca.IssueClient("team-a (batch)")
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(ca, cert.Leaf, "", x509.ExtKeyUsageClientAuth); err != nil {
		t.Error(err)
	}
	if err := verify(ca, cert.Leaf, "", x509.ExtKeyUsageServerAuth); err == nil {
		t.Error("it may be used by a server")
	}
	if cert.Leaf.Subject.CommonName != "team-a (batch)" {
		t.Errorf("subject %s", cert.Leaf.Subject)
	}
	for _, name := range []string{strings.Repeat("x", 65), " a", "a\n", "a\x00", "\xff", "host.example.com", "a_b.c"} {
		if _, err := ca.IssueClient(name); err == nil {
			t.Errorf("client %q was signed", name)
		}
	}
	if _, err := ca.IssueClient("app.gateway.internal"); err != nil {
		t.Error(err)
	}
	if _, err := ca.Issue(issue.Request{Client: "a", Names: []string{"localhost"}}); err == nil {
		t.Error("a certificate for both was signed")
	}
}

func TestNamesOutside(t *testing.T) {
	ca := newCA(t, nil)
	for _, name := range []string{
		"example.com", "internal", "evilgateway.internal", "gateway.internal.example.com",
		"*.internal", "11.0.0.1", "fe80::1", "127.0.0.1", "::ffff:11.0.0.1",
	} {
		var outside *issue.OutsideError
		_, err := ca.IssueServer("gateway.internal", name)
		if !errors.As(err, &outside) || !strings.Contains(err.Error(), "gateway.internal, localhost and below and addresses in 10.0.0.0/8") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "a..b", "-a.gateway.internal", "a_b.gateway.internal", "gateway.internal.", "*", "a.*.gateway.internal", "fd00::1%eth0", "bücher.gateway.internal", strings.Repeat("a", 64) + ".localhost"} {
		if _, err := ca.IssueServer(name); err == nil {
			t.Errorf("%q was signed", name)
		}
	}
	if _, err := ca.IssueServer(); err == nil {
		t.Error("a certificate without names was signed")
	}
}

// TestConstraintsHoldWithoutUs signs with the authority's key past every
// check of this package: verifiers have to refuse by the certificate alone.
func TestConstraintsHoldWithoutUs(t *testing.T) {
	for name, change := range map[string]func(*issue.Options){
		"names and addresses": nil,
		"names only":          func(o *issue.Options) { o.PermittedIPs = nil },
		"addresses only":      func(o *issue.Options) { o.PermittedDNS = nil },
		"IPv4 only":           func(o *issue.Options) { o.PermittedIPs = o.PermittedIPs[:1] },
		"neither":             func(o *issue.Options) { o.PermittedDNS, o.PermittedIPs = nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ca")
			opt := options()
			if change != nil {
				change(&opt)
			}
			ca, err := issue.InitCA(dir, opt)
			if err != nil {
				t.Fatal(err)
			}
			uri, err := url.Parse("spiffe://example.com/x")
			if err != nil {
				t.Fatal(err)
			}
			for what, forge := range map[string]func(*x509.Certificate){
				"a DNS name":  func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} },
				"an IPv4":     func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1).To4()} },
				"an IPv6":     func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP("2001:db8::1")} },
				"a mailbox":   func(c *x509.Certificate) { c.EmailAddresses = []string{"a@example.com"} },
				"a URI":       func(c *x509.Certificate) { c.URIs = []*url.URL{uri} },
				"one of each": func(c *x509.Certificate) { c.DNSNames = []string{"gateway.internal", "example.com"} },
			} {
				if err := verify(ca, forged(t, dir, ca, forge), "", x509.ExtKeyUsageServerAuth); err == nil {
					t.Errorf("%s was accepted", what)
				}
			}
			sub, subKey := sign(t, ca.Certificate, caKey(t, dir), func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
			leaf, _ := sign(t, sub, subKey, func(c *x509.Certificate) { c.Subject.CommonName = "below" })
			roots, between := x509.NewCertPool(), x509.NewCertPool()
			roots.AddCert(ca.Certificate)
			between.AddCert(sub)
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: day}); err == nil {
				t.Error("a further authority was accepted")
			}
		})
	}
}

func caKey(t *testing.T, dir string) any {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, issue.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(src)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// forged signs with the key in dir.
func forged(t *testing.T, dir string, ca *issue.CA, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	c, _ := sign(t, ca.Certificate, caKey(t, dir), change)
	return c
}

func sign(t *testing.T, parent *x509.Certificate, parentKey any, change func(*x509.Certificate)) (*x509.Certificate, any) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: day.Add(-time.Hour), NotAfter: day.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}

func TestEmulatorIsMarked(t *testing.T) {
	ca := newCA(t, func(o *issue.Options) { o.Emulator = true })
	server, err := ca.IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.IssueClient("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*x509.Certificate{ca.Certificate, server.Leaf, client.Leaf} {
		if !issue.IsEmulator(c) {
			t.Errorf("%s is not marked", c.Subject)
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*issue.Options){
		"no name":    func(o *issue.Options) { o.Name = "" },
		"long name":  func(o *issue.Options) { o.Name = strings.Repeat("x", 65) },
		"wildcard":   func(o *issue.Options) { o.PermittedDNS = []string{"*.internal"} },
		"address":    func(o *issue.Options) { o.PermittedDNS = []string{"10.0.0.1"} },
		"dot":        func(o *issue.Options) { o.PermittedDNS = []string{".internal"} },
		"no prefix":  func(o *issue.Options) { o.PermittedIPs = []netip.Prefix{{}} },
		"mapped":     func(o *issue.Options) { o.PermittedIPs = []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")} },
		"no entropy": func(o *issue.Options) { o.Rand = strings.NewReader("x") },
		"zeros":      func(o *issue.Options) { o.Rand = bytes.NewReader(make([]byte, 16)) },
	} {
		opt := options()
		change(&opt)
		if _, err := issue.NewCA(opt); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "ca")
	made, err := issue.InitCA(dir, options())
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{".": 0o700, issue.KeyFile: 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if _, err := issue.InitCA(dir, options()); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second init: %v", err)
	}
	ca, err := issue.LoadCA(dir, issue.LoadOptions{Now: at(day)})
	if err != nil {
		t.Fatal(err)
	}
	if !ca.Certificate.Equal(made.Certificate) {
		t.Error("another certificate was loaded")
	}
	der, err := issue.Export(dir, issue.DER)
	if err != nil || !bytes.Equal(der, ca.Certificate.Raw) {
		t.Errorf("DER: %v", err)
	}
	text, err := issue.Export(dir, issue.PEM)
	if err != nil || !bytes.Equal(text, ca.PEM()) || bytes.Contains(text, []byte("PRIVATE")) {
		t.Errorf("PEM: %s %v", text, err)
	}
	if _, err := issue.Export(dir, "p12"); err == nil {
		t.Error("an unknown format was exported")
	}

	cert, err := ca.IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	for range 2 { // the second replaces
		if err := cert.WriteFiles(certFile, keyFile); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := issue.SelfTest(pair); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("server.key: %v %v", info.Mode(), err)
	}
	if err := cert.WriteFiles(filepath.Join(dir, "none", "a"), keyFile+"x"); err == nil {
		t.Error("written to a directory that is not there")
	}
}

func TestLoadRefuses(t *testing.T) {
	other, err := issue.InitCA(filepath.Join(t.TempDir(), "other"), options())
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := other.IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"no key":              {func(d string) error { return os.Remove(filepath.Join(d, issue.KeyFile)) }, "no such file"},
		"no certificate":      {func(d string) error { return os.Remove(filepath.Join(d, issue.CertificateFile)) }, "no such file"},
		"key of the group":    {func(d string) error { return os.Chmod(filepath.Join(d, issue.KeyFile), 0o640) }, "chmod 600"},
		"key of everybody":    {func(d string) error { return os.Chmod(filepath.Join(d, issue.KeyFile), 0o604) }, "chmod 600"},
		"key is text":         {func(d string) error { return os.WriteFile(filepath.Join(d, issue.KeyFile), []byte("x"), 0o600) }, "not a PEM file"},
		"another certificate": {func(d string) error { return os.WriteFile(filepath.Join(d, issue.CertificateFile), other.PEM(), 0o600) }, "not the certificate's"},
		"a server's":          {func(d string) error { return os.WriteFile(filepath.Join(d, issue.CertificateFile), leaf.PEM(), 0o600) }, "not the certificate of an authority"},
		"two certificates": {func(d string) error {
			return os.WriteFile(filepath.Join(d, issue.CertificateFile), append(other.PEM(), other.PEM()...), 0o600)
		}, "one certificate"},
	} {
		dir := filepath.Join(t.TempDir(), "ca")
		if _, err := issue.InitCA(dir, options()); err != nil {
			t.Fatal(err)
		}
		if err := c.damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := issue.LoadCA(dir, issue.LoadOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAnOldAuthoritySignsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	opt := options()
	opt.Lifetime = 40 * 24 * time.Hour
	if _, err := issue.InitCA(dir, opt); err != nil {
		t.Fatal(err)
	}
	for now, wantErr := range map[time.Time]bool{
		day: false, day.Add(-time.Hour): true, day.Add(41 * 24 * time.Hour): true,
	} {
		ca, err := issue.LoadCA(dir, issue.LoadOptions{Now: at(now)})
		if err != nil {
			t.Fatal(err)
		}
		cert, err := ca.IssueServer("localhost")
		if (err != nil) != wantErr {
			t.Errorf("at %s: %v", now, err)
		}
		if err == nil && cert.Leaf.NotAfter.After(ca.Certificate.NotAfter) {
			t.Error("the certificate outlives the authority")
		}
	}
}

func TestKeysAreSecret(t *testing.T) {
	cert, err := newCA(t, nil).IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	key, err := cert.KeyPEM()
	if err != nil || !strings.Contains(key.Reveal(), "PRIVATE KEY") {
		t.Fatal(err)
	}
	if out := fmt.Sprintf("%v %+v %#v", key, key, key); strings.Contains(out, "PRIVATE") {
		t.Error(out)
	}
}

func TestCheckCertificate(t *testing.T) {
	ca := newCA(t, nil)
	cert, err := ca.IssueServer("gateway.internal", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.IssueClient("a")
	if err != nil {
		t.Fatal(err)
	}
	end := cert.Leaf.NotAfter
	names := []string{"gateway.internal", "10.0.0.1"}
	for _, c := range []struct {
		name  string
		cert  *x509.Certificate
		names []string
		now   time.Time
		want  string
	}{
		{"good", cert.Leaf, names, day, ""},
		{"31 days left", cert.Leaf, names, end.Add(-31 * 24 * time.Hour), ""},
		{"29 days left", cert.Leaf, names, end.Add(-29 * 24 * time.Hour), "warning certificate-expires-soon"},
		{"expired", cert.Leaf, names, end.Add(time.Second), "error certificate-expired"},
		{"not yet valid", cert.Leaf, names, day.Add(-time.Hour), "error certificate-not-yet-valid"},
		{"another name", cert.Leaf, []string{"x.internal"}, day, "error certificate-name-mismatch"},
		{"two other names", cert.Leaf, []string{"x.internal", "10.0.0.2"}, end, "warning certificate-expires-soon, error certificate-name-mismatch, error certificate-name-mismatch"},
		{"an authority's", ca.Certificate, nil, day, "error certificate-of-authority"},
		{"a client's", client.Leaf, nil, day, "error certificate-not-for-servers"},
		{"a weak key", weak(t), []string{"localhost"}, day, "error certificate-weak"},
	} {
		var got []string
		for _, f := range issue.CheckCertificate(c.cert, c.names, c.now) {
			got = append(got, string(f.Severity)+" "+f.Code)
			if f.Message == "" || strings.HasSuffix(f.Message, ".") {
				t.Errorf("%s: message %q", c.name, f.Message)
			}
			if f.Code == "certificate-of-authority" && !strings.Contains(f.Mend, "-addext basicConstraints=critical,CA:FALSE") {
				t.Errorf("%s: mend %q", c.name, f.Mend)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

func weak(t *testing.T) *x509.Certificate {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: day.Add(-time.Hour), NotAfter: day.Add(60 * 24 * time.Hour),
		DNSNames: []string{"localhost"}, Subject: pkix.Name{CommonName: "weak"},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSelfTestFindsMismatches(t *testing.T) {
	ca := newCA(t, nil)
	a, err := ca.IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	b, err := ca.IssueServer("localhost")
	if err != nil {
		t.Fatal(err)
	}
	mixed := a.TLS()
	mixed.PrivateKey = b.TLS().PrivateKey
	for name, pair := range map[string]tls.Certificate{
		"another's key":  mixed,
		"no certificate": {PrivateKey: mixed.PrivateKey},
		"no key":         {Certificate: mixed.Certificate},
		"no DER":         {Certificate: [][]byte{{1, 2}}, PrivateKey: mixed.PrivateKey},
	} {
		if err := issue.SelfTest(pair); err == nil {
			t.Errorf("%s: found nothing", name)
		}
	}
}

// TestHandshake: a TLS client that knows nothing but the exported file.
func TestHandshake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	opt := options()
	opt.Now, opt.PermittedIPs = nil, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	ca, err := issue.InitCA(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.IssueServer("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.IssueClient("app")
	if err != nil {
		t.Fatal(err)
	}
	text, err := issue.Export(dir, issue.PEM)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(far, &tls.Config{
			Certificates: []tls.Certificate{server.TLS()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
		}).Handshake()
	}()
	conn := tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Certificates: []tls.Certificate{client.TLS()}})
	if err := errors.Join(conn.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
}
