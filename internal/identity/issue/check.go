package issue

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// WarnBefore is how long before its end a certificate is warned about.
const WarnBefore = 30 * 24 * time.Hour

// Finding is one thing that is wrong with a certificate.
type Finding struct {
	Severity site.Severity
	// Code is stable and kebab-case.
	Code    string
	Message string
	// Mend says what to do; may be empty.
	Mend string
}

// CheckCertificate is all that is wrong with a server's certificate at now,
// for a server that answers to names (DNS names and addresses).
func CheckCertificate(cert *x509.Certificate, names []string, now time.Time) []Finding {
	var out []Finding
	add := func(severity site.Severity, code, mend, format string, args ...any) {
		out = append(out, Finding{severity, code, fmt.Sprintf(format, args...), mend})
	}
	end := cert.NotAfter.UTC().Format(time.RFC3339)
	switch left := cert.NotAfter.Sub(now); {
	case left < 0:
		add(site.Error, "certificate-expired", "renew it", "the certificate expired at %s", end)
	case left < WarnBefore:
		add(site.Warning, "certificate-expires-soon", "renew it", "the certificate expires in %d days, at %s", int(left.Hours()/24), end)
	}
	if now.Before(cert.NotBefore) {
		add(site.Error, "certificate-not-yet-valid", "check the clock of this machine",
			"the certificate is valid from %s on", cert.NotBefore.UTC().Format(time.RFC3339))
	}
	for _, name := range names {
		if err := cert.VerifyHostname(name); err != nil {
			add(site.Error, "certificate-name-mismatch", "have a certificate signed for "+name, "%v", err)
		}
	}
	if cert.IsCA {
		mend := "have a certificate signed for the server itself"
		if bytes.Equal(cert.RawSubject, cert.RawIssuer) {
			mend += ", or, where it is its own root, make it with: openssl req -x509 -addext basicConstraints=critical,CA:FALSE …"
		}
		add(site.Error, "certificate-of-authority", mend, "the certificate is that of an authority")
	}
	if use := cert.ExtKeyUsage; len(use)+len(cert.UnknownExtKeyUsage) > 0 &&
		!slices.Contains(use, x509.ExtKeyUsageServerAuth) && !slices.Contains(use, x509.ExtKeyUsageAny) {
		add(site.Error, "certificate-not-for-servers", "have it signed with the extended key usage serverAuth", "the certificate is not for servers")
	}
	if weak := weakness(cert); weak != "" {
		add(site.Error, "certificate-weak", "have it signed with an ECDSA P-256 key", "the certificate has %s", weak)
	}
	return out
}

// weakness is why clients refuse a key or signature, or empty.
func weakness(cert *x509.Certificate) string {
	switch cert.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1:
		return "a signature by " + cert.SignatureAlgorithm.String()
	}
	switch k := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return fmt.Sprintf("an RSA key of %d bits", k.N.BitLen())
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return "a key of unknown kind"
	}
	return ""
}

// SelfTest signs with the private key and verifies with the certificate's
// public key: that the two belong together is tried, not read.
func SelfTest(pair tls.Certificate) error {
	if len(pair.Certificate) == 0 {
		return errors.New("there is no certificate")
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	signer, isSigner := pair.PrivateKey.(crypto.Signer)
	if !isSigner {
		return errors.New("the private key cannot sign")
	}
	if !sameKey(signer, cert) {
		return errors.New("the private key is not the certificate's; mend: put the two files together that were made together: " +
			"openssl x509 -in CERTIFICATE -noout -pubkey, and openssl pkey -in KEY -pubout, print the same")
	}
	return nil
}

func sameKey(signer crypto.Signer, cert *x509.Certificate) bool {
	message := []byte("cloister self test")
	digest := sha256.Sum256(message)
	switch public := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		sig, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		return err == nil && ecdsa.VerifyASN1(public, digest[:], sig)
	case *rsa.PublicKey:
		sig, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig) == nil
	case ed25519.PublicKey:
		if _, isEd := signer.Public().(ed25519.PublicKey); !isEd {
			return false
		}
		sig, err := signer.Sign(rand.Reader, message, crypto.Hash(0))
		return err == nil && ed25519.Verify(public, message, sig)
	}
	return false
}
