package verify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Key is one public key of an issuer.
type Key struct {
	// ID is its kid, unique in its set.
	ID string
	// Algorithm is its alg; empty: any of its kind that the issuer may use.
	Algorithm string
	// Issuer is the issuer that it signs for, where the set says so, as Entra
	// ID's shared sets do; it may hold "{tenantid}".
	Issuer string

	public crypto.PublicKey
	// thumb is the digest of all of the above: equal thumbs are one key.
	thumb [sha256.Size]byte
}

// accepts is row 4 for the key: its own alg and no other.
func (k *Key) accepts(name string) bool {
	alg, known := lookupAlgorithm(name)
	return known && alg.fits(k.public) && (k.Algorithm == "" || k.Algorithm == name)
}

// KeySet is an issuer's keys; immutable.
type KeySet struct {
	byID map[string]*Key
	// issuer is the one of the metadata that named the set; empty: none did.
	issuer string
}

func (s *KeySet) find(id string) *Key { return s.byID[id] }

// Len is the number of usable keys.
func (s *KeySet) Len() int { return len(s.byID) }

// KeyProblem is a key of a set that is not used.
type KeyProblem struct {
	// KeyID is its kid, as far as it has one.
	KeyID  string
	Reason string
	// Alarm: the issuer published something that it should not have. Keys for
	// encryption and of kinds that are not known here are left out quietly.
	Alarm bool
}

// errNotForUs marks keys that are in order but not for verifying signatures.
var errNotForUs = errors.New("not a key for signatures that is known here")

// ParseKeySet reads a JWK set (RFC 7517). It fails where the document is not
// a set; a key that is not fit is left out and named (row 6).
func ParseKeySet(src []byte) (*KeySet, []KeyProblem, error) {
	doc, err := parseObject(src)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key set: %w", err)
	}
	list := doc.get("keys")
	if list == nil || list.kind != jsonArray {
		return nil, nil, errors.New("reading the key set: it has no array \"keys\"")
	}
	set := &KeySet{byID: make(map[string]*Key)}
	var problems []KeyProblem
	seen := make(map[string]int)
	for i := range list.items {
		k, err := parseKey(&list.items[i])
		id := k.ID
		if err != nil {
			problems = append(problems, KeyProblem{id, err.Error(), !errors.Is(err, errNotForUs)})
			if errors.Is(err, errNotForUs) {
				continue
			}
		}
		// Of two keys with one id nobody can say which is meant: none is used.
		if seen[id]++; seen[id] > 1 {
			delete(set.byID, id)
			problems = append(problems, KeyProblem{id, "another key of the set has the same kid", true})
			continue
		}
		if err == nil {
			set.byID[id] = k
		}
	}
	return set, problems, nil
}

// parseKey always returns a Key, so that its id can be told.
func parseKey(v *jsonValue) (*Key, error) {
	k := &Key{}
	if v.kind != jsonObject {
		return k, errors.New("not an object")
	}
	fields := make(map[string]string)
	for _, name := range []string{"kid", "kty", "alg", "use", "crv", "issuer"} {
		f := v.get(name)
		if f == nil {
			continue
		}
		if f.kind != jsonText {
			return k, fmt.Errorf("%q is not a string", name)
		}
		fields[name] = f.text
	}
	k.ID, k.Algorithm, k.Issuer = fields["kid"], fields["alg"], fields["issuer"]
	if err := checkUse(v, fields); err != nil {
		return k, err
	}
	switch {
	case k.ID == "":
		return k, errors.New("it has no kid")
	case len(k.ID) > maxKeyID:
		return k, fmt.Errorf("its kid has more than %d bytes", maxKeyID)
	case v.get("d") != nil:
		return k, errors.New("its private part is published")
	}
	var err error
	switch fields["kty"] {
	case "RSA":
		k.public, err = parseRSA(v)
	case "EC":
		k.public, err = parseEC(v, fields["crv"])
	case "OKP":
		k.public, err = parseOKP(v, fields["crv"])
	case "oct":
		err = errors.New("a symmetric key in a public set")
	default:
		err = errNotForUs
	}
	if err != nil {
		return k, err
	}
	return k, k.seal()
}

// checkUse is use and key_ops: signatures or not said.
func checkUse(v *jsonValue, fields map[string]string) error {
	if use, ok := fields["use"]; ok && use != "sig" {
		return errNotForUs
	}
	ops := v.get("key_ops")
	if ops == nil {
		return nil
	}
	if ops.kind != jsonArray {
		return errors.New("\"key_ops\" is not an array")
	}
	if !slices.ContainsFunc(ops.items, func(op jsonValue) bool { return op.kind == jsonText && op.text == "verify" }) {
		return errNotForUs
	}
	return nil
}

// seal checks that alg fits the key and takes the thumb.
func (k *Key) seal() error {
	if k.Algorithm != "" && !k.accepts(k.Algorithm) {
		return fmt.Errorf("its alg %.32q is not one of its kind and curve", k.Algorithm)
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return fmt.Errorf("it cannot be encoded: %w", err)
	}
	k.thumb = sha256.Sum256(bytes.Join([][]byte{[]byte(k.ID), []byte(k.Algorithm), []byte(k.Issuer), der}, []byte{0}))
	return nil
}

func keyBytes(v *jsonValue, name string) ([]byte, error) {
	f := v.get(name)
	if f == nil || f.kind != jsonText || f.text == "" {
		return nil, fmt.Errorf("%q is missing", name)
	}
	b, err := decodeBase64(f.text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return b, nil
}

func parseRSA(v *jsonValue) (crypto.PublicKey, error) {
	n, err := keyBytes(v, "n")
	if err != nil {
		return nil, err
	}
	e, err := keyBytes(v, "e")
	if err != nil {
		return nil, err
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	// FIPS 186-5 asks for an odd exponent above 2^16, and crypto/rsa for one
	// of 31 bits; every issuer that is known uses 65537.
	if exponent.Bit(0) == 0 || exponent.BitLen() < 17 || exponent.BitLen() > 31 {
		return nil, errors.New("its exponent is not an odd number from 65537 to 2^31-1")
	}
	if err := checkModulus(modulus); err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

func parseEC(v *jsonValue, name string) (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch name {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, errNotForUs
	}
	x, err := keyBytes(v, "x")
	if err != nil {
		return nil, err
	}
	y, err := keyBytes(v, "y")
	if err != nil {
		return nil, err
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size {
		return nil, fmt.Errorf("its coordinates do not have %d bytes", size)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, fmt.Errorf("its point: %w", err)
	}
	return public, nil
}

func parseOKP(v *jsonValue, curve string) (crypto.PublicKey, error) {
	if curve != "Ed25519" {
		return nil, errNotForUs
	}
	x, err := keyBytes(v, "x")
	if err != nil {
		return nil, err
	}
	if len(x) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("its point does not have %d bytes", ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(x), nil
}
