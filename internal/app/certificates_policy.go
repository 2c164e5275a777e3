package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// policyCertificates are the certificates that policies may name. They are read
// with the site; a reload takes renewed ones.
func (b *built) policyCertificates() []policy.Certificate {
	var out []policy.Certificate
	configs := b.site.Config.Certificates
	for _, id := range slices.Sorted(maps.Keys(configs)) {
		pair, err := b.policyPair(configs[id])
		if err != nil {
			b.problems.Add(configs[id].Pos, "certificate-unreadable", "a certificate, and its key where it has one", "correct certificate and key",
				"the certificate %q: %v", id, err)
			continue
		}
		out = append(out, policy.Certificate{ID: id, Pair: pair})
	}
	return out
}

func (b *built) policyPair(k site.CertificateConfig) (*tls.Certificate, error) {
	text, err := os.ReadFile(b.path(k.Certificate))
	if err != nil {
		return nil, err
	}
	if k.Key == "" {
		return certificateAlone(text)
	}
	// Nobody else may read the key.
	if _, err := secret.Resolve(&site.SecretRef{File: k.Key}, secret.Env{SiteDir: b.site.Dir}); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(b.path(k.Key))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(text, key)
	if err != nil {
		return nil, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &pair, nil
}

// certificateAlone is the first certificate of a PEM file, without a key.
func certificateAlone(text []byte) (*tls.Certificate, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return &tls.Certificate{Certificate: [][]byte{block.Bytes}, Leaf: leaf}, nil
	}
	return nil, errors.New("there is no certificate in the file")
}
