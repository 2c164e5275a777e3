package crypto

import (
	"bytes"
	stdcrypto "crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const certSpace = space + ".X509Certificates"

var (
	certType      = clr.Named(certSpace, "X509Certificate", 0)
	cert2Type     = clr.Named(certSpace, "X509Certificate2", 0)
	publicKeyType = clr.Named(certSpace, "PublicKey", 0)
	nameType      = clr.Named(certSpace, "X500DistinguishedName", 0)
	contentType   = clr.Named(certSpace, "X509ContentType", 0)
)

// cert is an X509Certificate or an X509Certificate2. One without c is empty.
type cert struct {
	t    *clr.Type
	c    *x509.Certificate
	spki subjectKey
	key  clr.Value // an RSA with the private key, or null
}

// Type is the class.
func (c *cert) Type() *clr.Type { return c.t }

// subjectKey is how a certificate holds its public key.
type subjectKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// NewCertificate makes an X509Certificate2 of a certificate in DER, for one that
// came with a request or a configuration. key is its private key; nil: it has
// none. Keys other than RSA's are not seen by expressions.
func NewCertificate(der []byte, key stdcrypto.PrivateKey) (clr.Value, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return clr.Null, fmt.Errorf("reading a certificate: %w", err)
	}
	made, err := newCert(cert2Type, c)
	if err != nil {
		return clr.Null, err
	}
	if k, ok := key.(*rsa.PrivateKey); ok {
		made.key = clr.Obj(&rsaKey{bits: k.N.BitLen(), pub: &k.PublicKey, priv: k})
	}
	return clr.Obj(made), nil
}

func newCert(of *clr.Type, c *x509.Certificate) (*cert, error) {
	made := &cert{t: of, c: c}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &made.spki); err != nil {
		return nil, fmt.Errorf("reading the public key of a certificate: %w", err)
	}
	return made, nil
}

const (
	undecodable = "Unable to decode certificate."
	emptyCert   = "Certificate instance is empty."
)

// readCert is a certificate in DER, PEM or, with a password, PKCS #12.
func readCert(t *clr.Thread, of *clr.Type, data []byte, password string) *cert {
	t.Allocate(8*len(data) + 4096)
	t.Work(len(data) + 4096)
	if len(data) == 0 {
		return &cert{t: of}
	}
	der := data
	if block, _ := pem.Decode(data); block != nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		der = block.Bytes
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		throw(t, undecodable)
	}
	if isPFX(outer.Bytes) {
		return readPFX(t, of, outer.FullBytes, password)
	}
	c, err := x509.ParseCertificate(outer.FullBytes)
	if err != nil {
		throw(t, undecodable)
	}
	made, err := newCert(of, c)
	if err != nil {
		throw(t, undecodable)
	}
	return made
}

// isPFX reports the content of a PKCS #12: it begins with version 3.
func isPFX(content []byte) bool { return bytes.HasPrefix(content, []byte{2, 1, 3}) }

// maxIterations is how often the keys in a PKCS #12 may be hashed.
const maxIterations = 1_000_000

func readPFX(t *clr.Thread, of *clr.Type, data []byte, password string) *cert {
	n := iterations(data, 0)
	if n > maxIterations {
		throw(t, undecodable)
	}
	t.Work(4 * n)
	key, c, _, err := pkcs12.DecodeChain(data, password)
	if err != nil || c == nil {
		throw(t, undecodable)
	}
	made, err := newCert(of, c)
	if err != nil {
		throw(t, undecodable)
	}
	if k, ok := key.(*rsa.PrivateKey); ok {
		made.key = privateRSA(t, k)
	}
	return made
}

// iterations adds up the numbers that stand behind a salt in a PKCS #12: how
// often a password is hashed.
func iterations(data []byte, depth int) int {
	total, afterSalt := 0, false
	for len(data) > 0 && depth < 32 && total <= maxIterations {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(data, &v)
		if err != nil {
			return total
		}
		data = rest
		if afterSalt && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger {
			n := 0
			for _, b := range v.Bytes {
				if n = n<<8 | int(b); n > maxIterations {
					return maxIterations + 1
				}
			}
			total += n
		}
		octets := v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
		afterSalt = octets
		if v.IsCompound || octets && len(v.Bytes) > 1 && v.Bytes[0] == 0x30 {
			total += iterations(v.Bytes, depth+1)
		}
	}
	return total
}

// serial is the number as DER has it.
func (c *cert) serial() []byte {
	b := c.c.SerialNumber.Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return b
}

func (c *cert) thumbprint() []byte {
	h := sha1.Sum(c.c.Raw)
	return h[:]
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func (c *cert) subject() string { return nameText(c.c.RawSubject, true) }

func (c *cert) issuer() string { return nameText(c.c.RawIssuer, true) }

// publicKey is a PublicKey.
type publicKey struct{ of *cert }

// Type is PublicKey.
func (*publicKey) Type() *clr.Type { return publicKeyType }

// distinguishedName is an X500DistinguishedName.
type distinguishedName struct{ name string }

// Type is X500DistinguishedName.
func (*distinguishedName) Type() *clr.Type { return nameType }

// Trusting is what a thread's Host may be, to say which authorities it trusts.
type Trusting interface {
	// TrustedRoots are the certificates that a chain may end with; nil: those of
	// the machine.
	TrustedRoots() *x509.CertPool
}

// verify reports whether a chain leads from the certificate to a trusted root.
// Nothing is looked up: neither revocation nor missing certificates.
func verify(t *clr.Thread, c *cert) bool {
	t.Work(100_000)
	options := x509.VerifyOptions{CurrentTime: t.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if host, ok := t.Host.(Trusting); ok {
		options.Roots = host.TrustedRoots()
	}
	_, err := c.c.Verify(options)
	return err == nil
}

// ReadPFX reads the key and the chain, the key's own certificate first, of a PKCS
// #12 file that a document holds. Hashing its password is bounded.
func ReadPFX(data []byte, password string) (key stdcrypto.PrivateKey, chain []*x509.Certificate, err error) {
	if iterations(data, 0) > maxIterations {
		return nil, nil, errors.New("the password of the PKCS #12 file is hashed too often")
	}
	key, c, more, err := pkcs12.DecodeChain(data, password)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading a PKCS #12 file: %w", err)
	case key == nil || c == nil:
		return nil, nil, errors.New("the PKCS #12 file has no certificate with a key")
	}
	return key, append([]*x509.Certificate{c}, more...), nil
}
