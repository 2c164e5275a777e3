package policy

import (
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"strings"
)

// Certificate is one that the site holds, under the id by which documents name
// it, as a certificate that was uploaded to API Management.
type Certificate struct {
	ID string
	// Pair is the certificate with its key, which is shown to backends.
	Pair *tls.Certificate
}

// Leaf is the certificate itself; nil: there is none.
func (k *Certificate) Leaf() *x509.Certificate {
	if k.Pair == nil {
		return nil
	}
	return k.Pair.Leaf
}

// certificate finds one by id, or else by thumbprint; nil: there is none.
func (e *Env) certificate(id, thumb string) *Certificate {
	for i := range e.Certificates {
		k := &e.Certificates[i]
		if id != "" && strings.EqualFold(k.ID, id) || id == "" && k.Leaf() != nil && thumbprint(k.Leaf()) == plainThumb(thumb) {
			return k
		}
	}
	return nil
}

// thumbprint is a certificate's SHA-1 in upper-case hex, by which Azure names
// certificates. It tells them apart and proves nothing.
func thumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// plainThumb is a thumbprint without what people put between its digits.
func plainThumb(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" :-\u200e\t", r) {
			return -1
		}
		return r
	}, s))
}

// unknownCertificate reports a certificate that the site does not hold.
func (c *compiler) unknownCertificate(v value, attribute string) {
	var ids []string
	for i := range c.env.Certificates {
		ids = append(ids, c.env.Certificates[i].ID)
	}
	expected := "a certificate of the site"
	if len(ids) > 0 {
		expected = listed(ids)
	}
	mend := nearestName(v.text, ids)
	if mend == "" {
		mend = "give it to the site, in certificates of cloister.yaml"
	}
	c.add(v.pos, "unknown-certificate", expected, mend, "the site holds no certificate with the %s %q", attribute, v.written)
}
