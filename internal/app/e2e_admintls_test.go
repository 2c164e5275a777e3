package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/emulator"
)

// operatorCA signs certificates of operators.
type operatorCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func certificate(t *testing.T, name string, by *operatorCA) *operatorCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if by == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	} else {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &operatorCA{cert, key}
}

func (c *operatorCA) pem(t *testing.T) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func (c *operatorCA) fingerprint() string {
	sum := sha256.Sum256(c.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// TestDoorOverTLS: operators by certificate and by token, each with the roles
// that the site gives and no others; strangers get nothing.
func TestDoorOverTLS(t *testing.T) {
	ca := certificate(t, "operators", nil)
	operator, reader, unknown := certificate(t, "op", ca), certificate(t, "reader", ca), certificate(t, "unknown", ca)
	foreign := certificate(t, "foreign", certificate(t, "other CA", nil))
	const operators = "99999999-9999-4999-8999-999999999999"
	var entra *emulator.Entra
	issuer, port := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { entra.ServeHTTP(w, r) }))
	var err error
	if entra, err = emulator.NewEntra(emulator.EntraOptions{
		BaseURL: issuer.URL, TenantID: tenant,
		Clients: []emulator.EntraClient{
			{ID: mapped, Roles: map[string][]string{operators: {"Audit"}, audience: {"Use"}}},
			{ID: unmapped, Roles: map[string][]string{operators: {"Other"}}},
		},
		Resources: []emulator.EntraResource{{ID: audience, Version: 2}, {ID: operators, Version: 2}},
	}); err != nil {
		t.Fatal(err)
	}
	pemCA, _ := ca.pem(t)
	s := newSite(t, http.HandlerFunc(echo), map[string]string{"tls/operators.pem": pemCA})
	config := strings.Replace(s.config(fmt.Sprintf(`tokens:
  audiences: [%q]
  issuers: [{issuer: %q, caFile: tls/backend.pem}]
admin:
  listener: {address: 127.0.0.1, port: 0}
  hostname: 127.0.0.1
  clientCA: tls/operators.pem
  audiences: [%q]
  roles:
  - {role: operator, certificates: [%s]}
  - {role: reader, certificates: [%s, %s]}
  - {role: auditor, issuer: %q, roles: [Audit]}
`, audience, entra.Issuer(2), operators, operator.fingerprint(), operator.fingerprint(), reader.fingerprint(), entra.Issuer(2))), "default: true}]", "default: true}, {name: 127.0.0.1}]", 1)
	s.write(t, "cloister.yaml", with(config, [2]string{"destinations", "  identity: [{host: 127.0.0.1, port: " + port + "}]"}))
	g := s.startWith(t, func(o *Options) { o.Development = true })
	if err := g.AwaitIssuers(t.Context()); err != nil {
		t.Fatal(err)
	}
	url := "https://" + g.Admin().String()
	site := filepath.Join(s.dir, "state", "ca", "ca.pem")
	client := func(who *operatorCA, token string) *admin.Client {
		t.Helper()
		opt := RemoteOptions{Server: url, CAFile: site}
		if who != nil {
			cert, key := who.pem(t)
			name := filepath.Join("clients", who.cert.Subject.CommonName)
			s.write(t, name+".pem", cert)
			s.write(t, name+".key", key)
			opt.CertFile, opt.KeyFile = filepath.Join(s.dir, name+".pem"), filepath.Join(s.dir, name+".key")
		}
		if token != "" {
			s.write(t, "clients/token", token+"\n")
			opt.TokenFile = filepath.Join(s.dir, "clients", "token")
		}
		c, err := OpenRemote(opt)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	token := func(app, resource string) string {
		t.Helper()
		claims, err := entra.Claims(app, resource)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := entra.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	status := func(c *admin.Client) error { _, err := c.Status(t.Context()); return err }
	create := func(c *admin.Client) error {
		_, err := c.CreateSubscription(t.Context(), admin.CreateSubscription{Name: fmt.Sprint("s", time.Now().UnixNano())})
		return err
	}
	read := func(c *admin.Client) error { _, err := c.Audit(t.Context(), 0, 10); return err }
	for _, c := range []struct {
		name                 string
		who                  *operatorCA
		token                string
		status, create, read bool
	}{
		{"an operator by certificate", operator, "", true, true, false},
		{"a reader by certificate", reader, "", true, false, false},
		{"a certificate without a role", unknown, "", false, false, false},
		{"nobody", nil, "", false, false, false},
		{"an auditor by token", nil, token(mapped, operators), false, false, true},
		{"a token without a role", nil, token(unmapped, operators), false, false, false},
		{"a caller's token", nil, token(mapped, audience), false, false, false},
		{"no token at all", nil, "not.a.token", false, false, false},
		{"a certificate and a token", operator, token(mapped, operators), false, false, false},
	} {
		door := client(c.who, c.token)
		for act, want := range map[string]struct {
			may bool
			do  func(*admin.Client) error
		}{"status": {c.status, status}, "create": {c.create, create}, "read": {c.read, read}} {
			err := want.do(door)
			var e *admin.Error
			if want.may && err != nil || !want.may && (!errors.As(err, &e) || e.Status != http.StatusForbidden) {
				t.Errorf("%s, %s: %v", c.name, act, err)
			}
		}
	}
	// What a page of somebody else has an operator's browser send does nothing.
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, "clients", "op.pem"), filepath.Join(s.dir, "clients", "op.key"))
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}}}
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://elsewhere.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := browser.Do(req)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another site's page: %v %v", resp, err)
	}
	browser.CloseIdleConnections()
	// A certificate of another CA is not even shown by a client that asks which
	// count.
	if err := status(client(foreign, "")); err == nil {
		t.Error("a foreign certificate operates the gateway")
	}
	// The door takes no part in the gateway's own listener, and TLS 1.1 none in
	// the door's.
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}).DialContext(t.Context(), "tcp", g.Admin().String())
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if resp, _ := g.do(t, "GET", "/v1/status", "", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the gateway's listener answers the door's path with %d", resp.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, r := range g.auditRecords(t) {
		if r.Action == "subscription.create" {
			found[strings.SplitN(r.Actor, ":", 2)[0]+" "+r.Phase+r.Outcome] = true
			if !r.Client.IsLoopback() {
				t.Errorf("%+v", r)
			}
		}
	}
	for _, want := range []string{"certificate begin", "certificate donedone", "certificate deny", "token deny"} {
		if !found[want] {
			t.Errorf("no record of %q: %v", want, found)
		}
	}
}
