package policy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// fixtureChain are the certificates of fixtures: the directive "certificate"
// names how the caller's is: "good" (CN=team, O="Contoso, Inc.", serial number
// 0A1B, team.example, by CN=CA), "untrusted", "early" or "late". A fixture with a
// file "certificates" has a site that holds "ca" and "client".
var fixtureChain = sync.OnceValue(func() (c struct{ ca, leaf *tls.Certificate }) {
	make := func(t, parent *x509.Certificate, by *ecdsa.PrivateKey) *tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		t.NotBefore, t.NotAfter = begun.Add(-time.Hour), begun.Add(time.Hour)
		if parent == nil {
			parent, by = t, key
		}
		der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, by)
		if err != nil {
			panic(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	c.ca = make(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	c.leaf = make(&x509.Certificate{
		SerialNumber: big.NewInt(0x0a1b), DNSNames: []string{"team.example"},
		Subject: pkix.Name{CommonName: "team", Organization: []string{"Contoso, Inc."}},
	}, c.ca.Leaf, c.ca.PrivateKey.(*ecdsa.PrivateKey))
	return c
})

func clientCertificate(kind string) *ClientCertificate {
	c := fixtureChain()
	leaf := *c.leaf.Leaf
	switch kind {
	case "early":
		leaf.NotBefore = begun.Add(time.Second)
	case "late":
		leaf.NotAfter = begun.Add(-time.Second)
	}
	return &ClientCertificate{Chain: []*x509.Certificate{&leaf, c.ca.Leaf}, Trusted: kind != "untrusted"}
}

func fixtureCertificates() []Certificate {
	c := fixtureChain()
	return []Certificate{{ID: "ca", Pair: c.ca}, {ID: "client", Pair: c.leaf}}
}

// fixtureText puts what is made for each run of the tests into a text: the
// thumbprints of the certificates, and the client's as a PKCS #12 file.
func fixtureText(s string) string {
	if !strings.Contains(s, "(certificate ") {
		return s
	}
	c := fixtureChain()
	pfx, err := pkcs12.Modern.Encode(c.leaf.PrivateKey, c.leaf.Leaf, nil, "secret")
	if err != nil {
		panic(err)
	}
	return strings.NewReplacer(
		"(certificate thumbprint)", thumbprint(c.leaf.Leaf),
		"(certificate issuer-thumbprint)", strings.ToLower(thumbprint(c.ca.Leaf)),
		"(certificate pfx)", base64.StdEncoding.EncodeToString(pfx),
	).Replace(s)
}
