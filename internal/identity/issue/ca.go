// Package issue is the site's own certificate authority: for hostnames that
// have no certificate from elsewhere, and for clients.
//
// It guarantees that the authority can only sign what its certificate says:
// the DNS names and addresses it was made for stand in critical name
// constraints, so that even a stolen key is worth nothing outside the site;
// that it makes no further authorities; that private keys rest in files that
// only their owner reads, and are never exported; that the authority's own is
// sealed there where a key-encryption key is given, and bound to the
// authority's certificate; and that an authority made for development is
// marked in its own certificate and in every one it signs. It keeps no list of
// what it signed and revokes nothing: certificates live 90 days at most.
//
// It fails with an error that names the file or the name, and what to do.
package issue

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"strings"
	"time"
)

// EmulatorMarker stands in the organization of authorities that are for
// development, and of what they sign. Production refuses it.
const EmulatorMarker = "cloister-emulator"

const (
	organization = "Cloister"
	caLifetime   = 10 * 365 * 24 * time.Hour
	// backdate covers clocks that are a little behind.
	backdate = 5 * time.Minute
)

// Options of [NewCA] and [InitCA].
type Options struct {
	// Name is the common name of the authority; at most 64 bytes.
	Name string
	// PermittedDNS are the names that it may sign: each with all names below
	// it. Empty: no DNS names at all.
	PermittedDNS []string
	// PermittedIPs are the addresses that it may sign. Empty: none.
	PermittedIPs []netip.Prefix
	// Lifetime; 0: ten years.
	Lifetime time.Duration
	// Emulator marks it as not for production.
	Emulator bool
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Rand gives serial numbers; nil: crypto/rand. Keys and signatures always
	// draw on the operating system's, as crypto/ecdsa does.
	Rand io.Reader
}

// CA is a certificate authority. Its methods may be called from any goroutine.
type CA struct {
	// Certificate is its own, self-signed.
	Certificate *x509.Certificate
	key         crypto.Signer
	now         func() time.Time
	rand        io.Reader
}

// NewCA makes an authority in memory: an ECDSA P-256 key and a certificate
// with critical name constraints and path length 0.
func NewCA(opt Options) (*CA, error) {
	if opt.Name == "" || len(opt.Name) > 64 {
		return nil, fmt.Errorf("the name of an authority has 1 to 64 bytes, not %d", len(opt.Name))
	}
	if opt.Lifetime == 0 {
		opt.Lifetime = caLifetime
	}
	ca := &CA{}
	ca.inject(opt.Now, opt.Rand)
	template, err := caTemplate(opt, ca.now())
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = ca.serial(); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the authority's certificate: %w", err)
	}
	ca.key = key
	if ca.Certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("reading the authority's new certificate: %w", err)
	}
	return ca, nil
}

func (ca *CA) inject(now func() time.Time, random io.Reader) {
	ca.now, ca.rand = now, random
	if ca.now == nil {
		ca.now = time.Now
	}
	if ca.rand == nil {
		ca.rand = rand.Reader
	}
}

func caTemplate(opt Options, now time.Time) (*x509.Certificate, error) {
	t := &x509.Certificate{
		Subject:                     pkix.Name{CommonName: opt.Name, Organization: []string{organization}},
		NotBefore:                   now.Add(-backdate),
		NotAfter:                    now.Add(opt.Lifetime),
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLen:                  0,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
	}
	if opt.Emulator {
		t.Subject.Organization = []string{EmulatorMarker}
	}
	for _, name := range opt.PermittedDNS {
		if err := checkDNSName(name, false); err != nil {
			return nil, fmt.Errorf("permitted name %q: %w", name, err)
		}
		t.PermittedDNSDomains = append(t.PermittedDNSDomains, strings.ToLower(name))
	}
	for _, p := range opt.PermittedIPs {
		if !p.IsValid() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			return nil, fmt.Errorf("permitted prefix %q is not an IPv4 or IPv6 prefix", p)
		}
		t.PermittedIPRanges = append(t.PermittedIPRanges, ipNet(p.Masked()))
	}
	// A kind of name without any constraint is permitted in full, so each
	// kind that is not wanted is excluded in full.
	if len(opt.PermittedDNS) == 0 {
		t.ExcludedDNSDomains = []string{""}
	}
	if len(opt.PermittedIPs) == 0 {
		t.ExcludedIPRanges = append(t.ExcludedIPRanges,
			ipNet(netip.MustParsePrefix("0.0.0.0/0")), ipNet(netip.MustParsePrefix("::/0")))
	}
	t.ExcludedEmailAddresses = []string{""}
	t.ExcludedURIDomains = []string{""}
	return t, nil
}

// serial is a positive number of 127 random bits.
func (ca *CA) serial() (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(ca.rand, b[:]); err != nil {
		return nil, fmt.Errorf("no randomness for a serial number: %w", err)
	}
	b[0] &= 0x7f
	n := new(big.Int).SetBytes(b[:])
	if n.Sign() == 0 {
		return nil, errors.New("the serial number is zero: the randomness is broken")
	}
	return n, nil
}

// IsEmulator reports whether a certificate belongs to an authority for
// development, or was signed by one.
func IsEmulator(cert *x509.Certificate) bool {
	for _, name := range []pkix.Name{cert.Subject, cert.Issuer} {
		for _, o := range name.Organization {
			if o == EmulatorMarker {
				return true
			}
		}
	}
	return false
}
