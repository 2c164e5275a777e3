package emulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"time"
)

// VaultKeyType is "kty" of a key.
type VaultKeyType string

// The types of keys that the emulator makes.
const (
	VaultRSA VaultKeyType = "RSA"
	VaultEC  VaultKeyType = "EC"
)

// maxVaultBody bounds the body of a key operation, in bytes.
const maxVaultBody = 16 << 10

// vaultKey is all versions of one name; the last one is current.
type vaultKey struct {
	versions []keyVersion
	deleted  bool
}

type keyVersion struct {
	id         string
	rsa        *rsa.PrivateKey // nil where ec is set
	ec         *ecdsa.PrivateKey
	operations []string
	attributes VaultAttributes
	created    time.Time
}

// keyBundle is KeyBundle of the description.
type keyBundle struct {
	Key        vaultJWK        `json:"key"`
	Attributes vaultAttributes `json:"attributes"`
}

type vaultJWK struct {
	ID         string       `json:"kid"`
	Type       VaultKeyType `json:"kty"`
	Operations []string     `json:"key_ops"`
	Modulus    string       `json:"n,omitempty"`
	Exponent   string       `json:"e,omitempty"`
	Curve      string       `json:"crv,omitempty"`
	X          string       `json:"x,omitempty"`
	Y          string       `json:"y,omitempty"`
}

// keyOperation is KeyOperationsParameters of the description.
type keyOperation struct {
	Algorithm string `json:"alg"`
	Value     string `json:"value"`
}

// keyOperationResult is KeyOperationResult of the description.
type keyOperationResult struct {
	ID    string `json:"kid"`
	Value string `json:"value"`
}

// SetKey makes a new version of a key the current one, as creating and rotating
// do, and returns its identifier, version included. Without operations it has
// all that its type has.
func (v *KeyVault) SetKey(name string, kind VaultKeyType, a VaultAttributes, operations ...string) (string, error) {
	k := keyVersion{id: v.newVersion(), operations: operations, attributes: a, created: v.opt.Now()}
	var err error
	all := []string{"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"}
	switch kind {
	case VaultRSA:
		k.rsa, err = rsa.GenerateKey(rand.Reader, keyBits)
	case VaultEC:
		all = []string{"sign", "verify"}
		k.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		return "", fmt.Errorf("emulator: there are no keys of type %q", kind)
	}
	if err != nil {
		return "", fmt.Errorf("emulator: making a key: %w", err)
	}
	if len(operations) == 0 {
		k.operations = all
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys[name] == nil {
		v.keys[name] = &vaultKey{}
	}
	v.keys[name].versions = append(v.keys[name].versions, k)
	return v.keyID(name, k.id), nil
}

// SetKeyAttributes changes those of a version; empty: the current one.
func (v *KeyVault) SetKeyAttributes(name, version string, a VaultAttributes) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.findKey(name, version)
	if k == nil {
		return fmt.Errorf("emulator: there is no key %q of version %q", name, version)
	}
	k.attributes = a
	return nil
}

// DeleteKey deletes a key softly, or recovers it.
func (v *KeyVault) DeleteKey(name string, deleted bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.keys[name]
	if k == nil {
		return fmt.Errorf("emulator: there is no key %q", name)
	}
	k.deleted = deleted
	return nil
}

func (v *KeyVault) keyID(name, version string) string {
	return v.opt.BaseURL + "/keys/" + name + "/" + version
}

// findKey is a version of a key; v.mu is held.
func (v *KeyVault) findKey(name, version string) *keyVersion {
	k := v.keys[name]
	if k == nil {
		return nil
	}
	for i := len(k.versions) - 1; i >= 0; i-- {
		if version == "" || k.versions[i].id == version {
			return &k.versions[i]
		}
	}
	return nil
}

// getKey is GET /keys/NAME/VERSION: the public part, of disabled keys too.
func (v *KeyVault) getKey(name, version string) (any, *vaultError) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.findKey(name, version)
	if k == nil || v.keys[name].deleted {
		return nil, errVaultNotFound("keys", name, version)
	}
	jwk := vaultJWK{ID: v.keyID(name, k.id), Operations: k.operations}
	if k.rsa != nil {
		jwk.Type, jwk.Modulus, jwk.Exponent = VaultRSA, encode(k.rsa.N.Bytes()), encode(big.NewInt(int64(k.rsa.E)).Bytes())
	} else if point, err := k.ec.PublicKey.Bytes(); err == nil { // 4, X, Y
		jwk.Type, jwk.Curve, jwk.X, jwk.Y = VaultEC, "P-256", encode(point[1:33]), encode(point[33:])
	}
	return keyBundle{jwk, k.attributes.wire(k.created)}, nil
}

// operate is POST /keys/NAME/VERSION/wrapkey and unwrapkey.
func (c *vaultCall) operate() (any, *vaultError) {
	var op keyOperation
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxVaultBody))
	if err != nil || json.Unmarshal(body, &op) != nil {
		return nil, errVaultParameter("Property  has invalid value")
	}
	value, err := base64.RawURLEncoding.DecodeString(op.Value)
	if err != nil || len(value) == 0 {
		return nil, errVaultParameter("Property value has invalid value")
	}
	k, refused := c.operable(op.Algorithm)
	if refused != nil {
		return nil, refused
	}
	if c.operation == "wrapkey" {
		value, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &k.rsa.PublicKey, value, nil)
	} else {
		value, err = rsa.DecryptOAEP(sha256.New(), nil, k.rsa, value, nil)
	}
	if err != nil {
		return nil, errVaultParameter("The parameter is incorrect.")
	}
	return keyOperationResult{c.v.keyID(c.name, k.id), encode(value)}, nil
}

// operable is the key if it may be used so. As in the service, a key that has
// ended still unwraps, and one that is disabled does not.
func (c *vaultCall) operable(algorithm string) (keyVersion, *vaultError) {
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	k := c.v.findKey(c.name, c.version)
	if k == nil || c.v.keys[c.name].deleted {
		return keyVersion{}, errVaultNotFound("keys", c.name, c.version)
	}
	operation, now := "unwrapKey", c.v.opt.Now()
	if c.operation == "wrapkey" {
		operation = "wrapKey"
		if e := k.attributes.Expires; !e.IsZero() && !now.Before(e) {
			return *k, &vaultError{status: http.StatusForbidden, code: "Forbidden", inner: "KeyExpired", message: "Operation wrapKey is not allowed on an expired key."}
		}
	}
	switch {
	case k.attributes.Disabled:
		return *k, errVaultDisabled(operation, "key", "KeyDisabled")
	case !slices.Contains(k.operations, operation):
		return *k, &vaultError{status: http.StatusForbidden, code: "Forbidden", message: "Operation " + operation + " is not permitted on this key."}
	case k.rsa == nil || algorithm != "RSA-OAEP-256":
		return *k, errVaultParameter("Key and signing key length mismatch or algorithm not supported: " + algorithm)
	}
	return *k, nil
}
