package app

import (
	"crypto/x509"
	"encoding/pem"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// carriesMarker reports whether a name or key says of itself that the emulator
// made it.
func carriesMarker(s string) bool { return strings.Contains(s, issue.EmulatorMarker) }

// refuseEmulator finds what a site in production must not trust: issuers, CAs
// and keys of the emulator, which anybody can have.
func refuseEmulator(s *site.Site, at surroundings) site.Problems {
	var problems site.Problems
	if at.development {
		return nil
	}
	refuse := func(pos site.Pos, what string) {
		problems.Add(pos, "emulator-in-production", "what belongs to you", `use "cloister up" for development, or replace it`,
			"%s belongs to the emulator (%s), for which anybody can have credentials", what, issue.EmulatorMarker)
	}
	cfg := s.Config
	for _, i := range cfg.Tokens.Issuers {
		if carriesMarker(i.Issuer + i.Metadata + i.JWKSURI) {
			refuse(i.Pos, "issuer "+i.Issuer)
		}
		if emulatorBundle(s, i.CAFile) {
			refuse(i.Pos, "the CA of issuer "+i.Issuer)
		}
	}
	for _, h := range cfg.Hostnames {
		if emulatorBundle(s, h.ClientCA) {
			refuse(h.Pos, "clientCA of "+h.Name)
		}
	}
	for id, b := range cfg.Backends {
		if emulatorBundle(s, b.CAFile) {
			refuse(b.Pos, "the CA of backend "+id)
		}
		credential := &b.Credential
		if c := credential.ClientSecret; c != nil && (carriesMarker(c.Authority+c.TenantID+c.ClientID) || emulatorBundle(s, c.CAFile) || emulatorSecret(c.Secret, at)) {
			refuse(c.Pos, "the client secret of backend "+id)
		}
		if k := credential.APIKey; k != nil && emulatorSecret(k.Key, at) {
			refuse(k.Pos, "the API key of backend "+id)
		}
	}
	if emulatorBundle(s, cfg.Telemetry.OTLP.CAFile) {
		refuse(cfg.Telemetry.OTLP.Pos, "the CA of the collector")
	}
	for _, stored := range at.stored {
		if carriesMarker(stored.ID) || carriesMarker(stored.Name) {
			refuse(site.Pos{File: "cloister.yaml"}, "subscription "+stored.ID+" of the state directory")
		}
	}
	return problems
}

// emulatorSecret looks at a key; one that cannot be read is reported where it
// is used.
func emulatorSecret(ref *site.SecretRef, at surroundings) bool {
	if ref == nil {
		return false
	}
	v, err := secret.Resolve(ref, at.secrets)
	return err == nil && carriesMarker(v.Reveal())
}

// emulatorBundle reports whether a PEM bundle of the site holds a certificate
// of the emulator.
func emulatorBundle(s *site.Site, file string) bool {
	rest := s.Files[file]
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && issue.IsEmulator(cert) {
			return true
		}
	}
}
