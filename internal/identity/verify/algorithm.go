package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
)

// Algorithms are the signature algorithms that an issuer may be allowed (RFC
// 7518, section 3.1; EdDSA: RFC 8037, Ed25519 only). none and HS* are not
// among them and cannot be: the keys of an issuer are public.
func Algorithms() []string {
	return []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "EdDSA",
	}
}

type family uint8

const (
	familyPKCS1 family = iota
	familyPSS
	familyECDSA
	familyEdDSA
)

type algorithm struct {
	family family
	hash   crypto.Hash
	// curve of ECDSA; nil otherwise.
	curve elliptic.Curve
}

func lookupAlgorithm(name string) (algorithm, bool) {
	switch name {
	case "RS256":
		return algorithm{familyPKCS1, crypto.SHA256, nil}, true
	case "RS384":
		return algorithm{familyPKCS1, crypto.SHA384, nil}, true
	case "RS512":
		return algorithm{familyPKCS1, crypto.SHA512, nil}, true
	case "PS256":
		return algorithm{familyPSS, crypto.SHA256, nil}, true
	case "PS384":
		return algorithm{familyPSS, crypto.SHA384, nil}, true
	case "PS512":
		return algorithm{familyPSS, crypto.SHA512, nil}, true
	case "ES256":
		return algorithm{familyECDSA, crypto.SHA256, elliptic.P256()}, true
	case "ES384":
		return algorithm{familyECDSA, crypto.SHA384, elliptic.P384()}, true
	case "ES512":
		return algorithm{familyECDSA, crypto.SHA512, elliptic.P521()}, true
	case "EdDSA":
		return algorithm{family: familyEdDSA}, true
	}
	return algorithm{}, false
}

// fits reports whether a key is of the algorithm's kind and curve.
func (a algorithm) fits(public crypto.PublicKey) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return a.family == familyPKCS1 || a.family == familyPSS
	case *ecdsa.PublicKey:
		return a.family == familyECDSA && k.Curve == a.curve
	case ed25519.PublicKey:
		return a.family == familyEdDSA
	}
	return false
}

func (a algorithm) digest(message []byte) []byte {
	switch a.hash {
	case crypto.SHA384:
		d := sha512.Sum384(message)
		return d[:]
	case crypto.SHA512:
		d := sha512.Sum512(message)
		return d[:]
	default:
		d := sha256.Sum256(message)
		return d[:]
	}
}

// verify reports whether signature is the key's over message.
func (a algorithm) verify(public crypto.PublicKey, message, signature []byte) bool {
	if !a.fits(public) {
		return false
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
		if a.family == familyPSS {
			// RFC 7518, 3.5: the salt is as long as the hash, not merely found.
			opt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: a.hash}
			return rsa.VerifyPSS(k, a.hash, a.digest(message), signature, opt) == nil
		}
		return rsa.VerifyPKCS1v15(k, a.hash, a.digest(message), signature) == nil
	case *ecdsa.PublicKey:
		// RFC 7518, 3.4: r and s at the width of the curve, never ASN.1.
		size := (a.curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(k, a.digest(message), r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(k, message, signature)
	}
	return false
}
