package crypto

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// verbose is X509Certificate2.ToString(true).
func (c *cert) verbose(t *clr.Thread) string {
	var b strings.Builder
	t.Allocate(8 * len(c.c.Raw))
	names := func(issuer bool) {
		for _, k := range []struct {
			kind  int
			label string
		}{{nameSimple, "Simple Name"}, {nameEmail, "Email Name"}, {nameUPN, "UPN Name"}, {nameDNS, "DNS Name"}} {
			if s := c.nameInfo(k.kind, issuer); s != "" {
				b.WriteString("\n  " + k.label + ": " + s)
			}
		}
	}
	fmt.Fprintf(&b, "[Version]\n  V%d\n\n[Subject]\n  %s", c.c.Version, c.subject())
	names(false)
	b.WriteString("\n\n[Issuer]\n  " + c.issuer())
	names(true)
	fmt.Fprintf(&b, "\n\n[Serial Number]\n  %s\n\n[Not Before]\n  %s\n\n[Not After]\n  %s\n\n[Thumbprint]\n  %s\n", upperHex(c.serial()),
		t.Text(moment(t, c.c.NotBefore)), t.Text(moment(t, c.c.NotAfter)), upperHex(c.thumbprint()))
	signature := signatureOID(c.c)
	fmt.Fprintf(&b, "\n[Signature Algorithm]\n  %s(%s)\n", friendlyOf(signature).S, signature)
	fmt.Fprintf(&b, "\n[Public Key]\n  Algorithm: %s", friendlyOf(c.spki.Algorithm.Algorithm.String()).S)
	if k, ok := c.c.PublicKey.(*rsa.PublicKey); ok {
		fmt.Fprintf(&b, "\n  Length: %d", k.N.BitLen())
	}
	fmt.Fprintf(&b, "\n  Key Blob: %s\n  Parameters: %s\n", spacedHex(c.spki.Key.Bytes), spacedHex(c.spki.Algorithm.Parameters.FullBytes))
	if len(c.c.Extensions) > 0 {
		b.WriteString("\n[Extensions]")
		for _, e := range c.c.Extensions {
			id := e.Id.String()
			fmt.Fprintf(&b, "\n* %s(%s):\n  %s", friendlyOf(id).S, id, extensionText(c.c, id, e.Value))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// signatureOID is the number of the algorithm that signed the certificate.
func signatureOID(c *x509.Certificate) string {
	var outer struct {
		TBS       asn1.RawValue
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.Raw, &outer); err != nil {
		return ""
	}
	return outer.Algorithm.ID.String()
}

func spacedHex(b []byte) string {
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.Join(parts, " ")
}

// extensionText is how Mono's class library shows an extension.
func extensionText(c *x509.Certificate, id string, value []byte) string {
	switch id {
	case "2.5.29.14":
		return spacedHex(c.SubjectKeyId) + "\n"
	case "2.5.29.19":
		subject, length := "End Entity", "None"
		if c.IsCA {
			subject = "CA"
		}
		if c.MaxPathLen > 0 || c.MaxPathLenZero {
			length = itoa(c.MaxPathLen)
		}
		return "Subject Type=" + subject + "\nPath Length Constraint=" + length + "\n"
	case "2.5.29.15":
		return keyUsageText(c.KeyUsage, value) + "\n"
	case "2.5.29.37":
		return extendedUsageText(value)
	case "2.5.29.17":
		return alternativesText(value)
	}
	return spacedHex(value)
}

// keyUsages in the order in which they are named.
var keyUsages = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageDigitalSignature, "Digital Signature"}, {x509.KeyUsageContentCommitment, "Non-Repudiation"},
	{x509.KeyUsageKeyEncipherment, "Key Encipherment"}, {x509.KeyUsageDataEncipherment, "Data Encipherment"},
	{x509.KeyUsageKeyAgreement, "Key Agreement"}, {x509.KeyUsageCertSign, "Certificate Signing"},
	{x509.KeyUsageCRLSign, "Off-line CRL Signing, CRL Signing"}, {x509.KeyUsageEncipherOnly, "Encipher Only"},
	{x509.KeyUsageDecipherOnly, "Decipher Only"},
}

func keyUsageText(usage x509.KeyUsage, value []byte) string {
	var names []string
	for _, k := range keyUsages {
		if usage&k.bit != 0 {
			names = append(names, k.name)
		}
	}
	var bits asn1.BitString
	_, _ = asn1.Unmarshal(value, &bits) // a wrong one has no bits
	return strings.Join(names, ", ") + " (" + hex.EncodeToString(bits.Bytes) + ")"
}

func extendedUsageText(value []byte) string {
	var ids []asn1.ObjectIdentifier
	_, _ = asn1.Unmarshal(value, &ids) // a wrong one has no purposes
	var b strings.Builder
	for _, id := range ids {
		name := friendlyOf(id.String()).S
		if name == "" {
			name = "Unknown Key Usage"
		}
		b.WriteString(name + " (" + id.String() + ")\n")
	}
	return b.String()
}

func alternativesText(value []byte) string {
	var seq asn1.RawValue
	_, _ = asn1.Unmarshal(value, &seq) // a wrong one has no names
	var b strings.Builder
	for rest := seq.Bytes; len(rest) > 0; {
		var v asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			break
		}
		switch v.Tag {
		case generalDNS:
			b.WriteString("DNS Name=" + string(v.Bytes) + "\n")
		case generalEmail:
			b.WriteString("RFC822 Name=" + string(v.Bytes) + "\n")
		default:
			fmt.Fprintf(&b, "Unknown (%d)=%s\n", v.FullBytes[0], upperHex(v.Bytes))
		}
	}
	return b.String()
}
