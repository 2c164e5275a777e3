package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// NewKey makes the key of a log: signer is secret, verifier is what
// audit.pub holds. The origin names the log, as a URL without its scheme:
// "gateway.example.com/audit". Both have the form of c2sp.org/signed-note.
func NewKey(origin string, rand io.Reader) (signer, verifier string, err error) {
	if origin == "" || strings.ContainsAny(origin, " +\n\t\r") {
		return "", "", fmt.Errorf("the origin %q of an audit log has to be a name without spaces and plus signs", origin)
	}
	return note.GenerateKey(rand, origin)
}

// readSigner reads a signer key and derives the verifier's. What is wrong with
// it is not said: it is a secret.
func readSigner(key string) (note.Signer, string, error) {
	wrong := errors.New("the signer key of the audit log is not one of a signed note (PRIVATE+KEY+…)")
	signer, err := note.NewSigner(key)
	if err != nil {
		return nil, "", wrong
	}
	// PRIVATE+KEY+NAME+HASH+DATA, with one byte of algorithm before the seed.
	parts := strings.SplitN(key, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return nil, "", wrong
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, "", wrong
	}
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), public)
	return signer, verifier, err
}

// newVerifier reads the content of audit.pub.
func newVerifier(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return nil, errors.New("the verifier key is not one of a signed note (NAME+HASH+KEY); mend: give the content of audit.pub")
	}
	return v, nil
}
