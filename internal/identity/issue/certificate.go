package issue

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/secret"
)

// MaxLifetime is how long a certificate lives at most, and unless a shorter
// time is asked for.
const MaxLifetime = 90 * 24 * time.Hour

// Request asks for a certificate.
type Request struct {
	// Names are DNS names and IP addresses of a server; "*.name" is a
	// wildcard. At least one.
	Names []string
	// Client, instead of Names, is the common name of a client.
	Client string
	// Lifetime; 0, and everything above it: [MaxLifetime].
	Lifetime time.Duration
}

// Certificate is a certificate with its private key.
type Certificate struct {
	Leaf *x509.Certificate
	key  *ecdsa.PrivateKey
}

// IssueServer signs a certificate for a server of these names.
func (ca *CA) IssueServer(names ...string) (*Certificate, error) {
	return ca.Issue(Request{Names: names})
}

// IssueClient signs a certificate for a client of this name.
func (ca *CA) IssueClient(name string) (*Certificate, error) {
	return ca.Issue(Request{Client: name})
}

// Issue makes a key and signs a certificate for it. A name outside the
// constraints is an [*OutsideError].
func (ca *CA) Issue(req Request) (*Certificate, error) {
	template, err := ca.leafTemplate(req)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Certificate, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the new certificate: %w", err)
	}
	// What clients would refuse is found here, whatever the checks above
	// overlooked.
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: ca.now(), KeyUsages: template.ExtKeyUsage}); err != nil {
		return nil, fmt.Errorf("the new certificate does not verify: %w", err)
	}
	return &Certificate{Leaf: leaf, key: key}, nil
}

func (ca *CA) leafTemplate(req Request) (*x509.Certificate, error) {
	now := ca.now()
	if now.Before(ca.Certificate.NotBefore) || !now.Before(ca.Certificate.NotAfter) {
		return nil, fmt.Errorf("the authority's own certificate is valid from %s to %s only",
			ca.Certificate.NotBefore.Format(time.RFC3339), ca.Certificate.NotAfter.Format(time.RFC3339))
	}
	serial, err := ca.serial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: ca.Certificate.Subject.Organization},
		NotBefore:    now.Add(-backdate),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		// Not a CA, and says so.
		BasicConstraintsValid: true,
	}
	lifetime := req.Lifetime
	if lifetime <= 0 || lifetime > MaxLifetime {
		lifetime = MaxLifetime
	}
	if t.NotAfter = t.NotBefore.Add(lifetime); t.NotAfter.After(ca.Certificate.NotAfter) {
		t.NotAfter = ca.Certificate.NotAfter
	}
	if req.Client != "" {
		return t, ca.clientTemplate(req, t)
	}
	return t, ca.serverTemplate(req, t)
}

func (ca *CA) serverTemplate(req Request, t *x509.Certificate) error {
	if len(req.Names) == 0 {
		return errors.New("a server's certificate needs at least one DNS name or address")
	}
	var err error
	if t.DNSNames, t.IPAddresses, err = sortNames(req.Names); err != nil {
		return err
	}
	// No common name: clients read the alternative names alone, and some
	// would hold a common name against the constraints too.
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return ca.permits(t.DNSNames, t.IPAddresses)
}

func (ca *CA) clientTemplate(req Request, t *x509.Certificate) error {
	if len(req.Names) > 0 {
		return errors.New("a certificate is for a server or for a client, not both")
	}
	name := req.Client
	if len(name) > 64 || !utf8.ValidString(name) || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("client name %.70q: 1 to 64 printable bytes, without spaces at its ends", name)
	}
	// Some verifiers take a common name that looks like a host name for one,
	// and hold it against the constraints.
	if looksLikeHost(name) {
		if err := ca.permits([]string{strings.ToLower(name)}, nil); err != nil {
			return fmt.Errorf("client name %q looks like a host name: %w", name, err)
		}
	}
	t.Subject.CommonName = name
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return nil
}

// PEM is the certificate. The authority's own is not in it: clients have to
// know that already.
func (c *Certificate) PEM() []byte { return certificatePEM(c.Leaf) }

// KeyPEM is the private key in PKCS #8.
func (c *Certificate) KeyPEM() (secret.Value, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return secret.Value{}, fmt.Errorf("encoding a private key: %w", err)
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}))), nil
}

// TLS is the certificate for crypto/tls.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Leaf.Raw}, PrivateKey: c.key, Leaf: c.Leaf}
}

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
)

func certificatePEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: cert.Raw})
}
