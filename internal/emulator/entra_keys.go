package emulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"sync"

	"github.com/cloister-ai/cloister/internal/identity/verify"
)

const keyBits = 2048

// signingKeys are the keys that are published; the first one signs.
type signingKeys struct {
	mu   sync.Mutex // guards the rest
	list []signingKey
	// verifying is list as those who verify read it.
	verifying *verify.KeySet
}

type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

// publicKey is a key of a JWK set.
type publicKey struct {
	Type     string `json:"kty"`
	Use      string `json:"use"`
	ID       string `json:"kid"`
	Modulus  string `json:"n"`
	Exponent string `json:"e"`
	Issuer   string `json:"issuer,omitempty"`
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// add makes a key the signing one; nil: a new key.
func (k *signingKeys) add(key *rsa.PrivateKey) error {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
			return fmt.Errorf("emulator: making a signing key: %w", err)
		}
	}
	thumb := sha256.Sum256(key.N.Bytes())
	next := []signingKey{{Marker + "-" + hex.EncodeToString(thumb[:8]), key}}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.list) > 0 {
		next = append(next, k.list[0])
	}
	doc, err := json.Marshal(keySetOf(next, ""))
	if err != nil {
		return fmt.Errorf("emulator: writing the key set: %w", err)
	}
	set, problems, err := verify.ParseKeySet(doc)
	if err == nil && len(problems) > 0 {
		err = errors.New(problems[0].Reason)
	}
	if err != nil {
		return fmt.Errorf("emulator: the signing key is not fit: %w", err)
	}
	k.list, k.verifying = next, set
	return nil
}

// verifier returns the published keys, to verify with.
func (k *signingKeys) verifier() *verify.KeySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.verifying
}

// published returns the keys; the slice is never written to again.
func (k *signingKeys) published() []signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list
}

// keySetOf is the JWK set of keys; issuer is theirs, or empty.
func keySetOf(list []signingKey, issuer string) any {
	var keys []publicKey
	for _, s := range list {
		keys = append(keys, publicKey{
			Type: "RSA", Use: "sig", ID: s.id, Issuer: issuer,
			Modulus: encode(s.key.N.Bytes()), Exponent: encode(big.NewInt(int64(s.key.E)).Bytes()),
		})
	}
	return struct {
		Keys []publicKey `json:"keys"`
	}{keys}
}

// keySet answers with the JWK set of a version.
func (e *Entra) keySet(t *tokenCall, version int) {
	e.keyFetches.Add(1)
	issuer := ""
	if version == 2 {
		issuer = e.Issuer(2)
	}
	writeJSON(t.w, http.StatusOK, keySetOf(e.keys.published(), issuer))
}

// Sign makes a token of any claims with the current key, for tests of those
// who verify. The type is JWT and the algorithm RS256, as Entra ID has it.
func (e *Entra) Sign(claims any) (string, error) {
	k := e.keys.published()[0]
	header, err := json.Marshal(struct {
		Type      string `json:"typ"`
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
	}{"JWT", "RS256", k.id})
	if err != nil {
		return "", fmt.Errorf("emulator: writing a token's header: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("emulator: writing a token's claims: %w", err)
	}
	signed := encode(header) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("emulator: signing a token: %w", err)
	}
	return signed + "." + encode(signature), nil
}
