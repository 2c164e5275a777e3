package crypto

import (
	stdcrypto "crypto"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func itoa(n int) string { return strconv.Itoa(n) }

// rsaKey is an RSA: one that was made without a key gets one when it is used.
type rsaKey struct {
	bits     int
	pub      *rsa.PublicKey
	priv     *rsa.PrivateKey
	disposed bool
}

// Type is RSACryptoServiceProvider.
func (*rsaKey) Type() *clr.Type { return rsaType }

var (
	rsaType       = named("RSACryptoServiceProvider")
	rsaParameters = named("RSAParameters")
	rsaSizes      = sizes{384, 16384, 8}
)

const (
	maxModulus   = 16384 / 8
	noPrivate    = "Missing private key to decrypt value."
	badRSAMode   = "Specified padding mode is not valid for this algorithm."
	noHashName   = "The hash algorithm name cannot be null or empty."
	unsupported  = "Operation is not supported on this platform."
	disposedText = "Cannot access a disposed object.\nObject name: 'Keypair was disposed'."
)

func isRSAName(name string) bool {
	return foldsTo(name, "RSA", space+".RSA", space+".AsymmetricAlgorithm")
}

func newRSA(t *clr.Thread, bits int) clr.Value {
	t.Allocate(512)
	if !rsaSizes.has(bits) {
		throw(t, badKeySize)
	}
	return clr.Obj(&rsaKey{bits: bits})
}

// publicRSA is a key of a certificate.
func publicRSA(t *clr.Thread, k *rsa.PublicKey) clr.Value {
	t.Allocate(1024)
	return clr.Obj(&rsaKey{bits: k.N.BitLen(), pub: k})
}

func privateRSA(t *clr.Thread, k *rsa.PrivateKey) clr.Value {
	t.Allocate(2048)
	return clr.Obj(&rsaKey{bits: k.N.BitLen(), pub: &k.PublicKey, priv: k})
}

// privateCost is what one use of a private key takes, about its time.
func privateCost(bits int) int { return bits * bits / 1024 * bits / 64 }

// ready makes a key where there is none.
func (k *rsaKey) ready(t *clr.Thread) *rsaKey {
	if k.disposed {
		t.Throw(clr.ObjectDisposedException, disposedText)
	}
	if k.pub != nil {
		return k
	}
	if k.bits < 1024 {
		throw(t, badKeySize) // the library makes none that small
	}
	t.Work(20 * privateCost(k.bits))
	t.Allocate(2048)
	made, err := rsa.GenerateKey(rand.Reader, k.bits)
	if err != nil {
		throw(t, badKeySize)
	}
	k.priv, k.pub = made, &made.PublicKey
	return k
}

// private is the private key, or throws.
func (k *rsaKey) private(t *clr.Thread, missing string) *rsa.PrivateKey {
	if k.ready(t).priv == nil {
		throw(t, missing)
	}
	t.Work(privateCost(k.bits))
	return k.priv
}

func (k *rsaKey) public(t *clr.Thread) *rsa.PublicKey {
	t.Work(privateCost(k.bits) / 16)
	return k.ready(t).pub
}

func (k *rsaKey) size() int { return (k.bits + 7) / 8 }

// hashes are the hash functions as the library names them, and the classes that
// messages name.
var hashes = map[*algorithm]struct {
	hash  stdcrypto.Hash
	class *clr.Type
}{
	algMD5: {stdcrypto.MD5, md5Type}, algSHA1: {stdcrypto.SHA1, sha1Type}, algSHA256: {stdcrypto.SHA256, sha256Type},
	algSHA384: {stdcrypto.SHA384, sha384Type}, algSHA512: {stdcrypto.SHA512, sha512Type},
}

// sign signs a hash.
func (k *rsaKey) sign(t *clr.Thread, a *algorithm, digest []byte, p *padding) []byte {
	h := hashes[a]
	if len(digest) != a.size {
		throw(t, "bad hash length for "+h.class.FullName())
	}
	priv := k.private(t, "Incomplete private key - missing CRT.")
	t.Allocate(k.size())
	var out []byte
	var err error
	if p.mode == 1 {
		out, err = rsa.SignPSS(rand.Reader, priv, h.hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		out, err = rsa.SignPKCS1v15(nil, priv, h.hash, digest)
	}
	if err != nil {
		throw(t, badKeySize)
	}
	return out
}

func (k *rsaKey) verify(t *clr.Thread, a *algorithm, digest, signature []byte, p *padding) bool {
	h := hashes[a]
	if len(digest) != a.size {
		throw(t, "bad hash length for "+h.class.FullName())
	}
	pub := k.public(t)
	if p.mode == 1 {
		return rsa.VerifyPSS(pub, h.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(pub, h.hash, digest, signature) == nil
}

func (k *rsaKey) encrypt(t *clr.Thread, data []byte, p *padding) []byte {
	pub := k.public(t)
	t.Allocate(k.size())
	if p.mode == 0 {
		most := k.size() - 11
		if len(data) > most {
			throw(t, "The data to be encrypted exceeds the maximum for this modulus of "+itoa(most)+" bytes.")
		}
		//lint:ignore SA1019 .NET has the padding, and so policies may ask for it
		out, err := rsa.EncryptPKCS1v15(rand.Reader, pub, data)
		if err != nil {
			throw(t, badKeySize)
		}
		return out
	}
	a := p.oaep(t)
	out, err := rsa.EncryptOAEP(a.make(), rand.Reader, pub, data, nil)
	if err != nil {
		throw(t, "message too long")
	}
	return out
}

func (k *rsaKey) decrypt(t *clr.Thread, data []byte, p *padding) []byte {
	priv := k.private(t, noPrivate)
	if p.mode == 0 {
		//lint:ignore SA1019 .NET has the padding, and so policies may ask for it
		out, err := rsa.DecryptPKCS1v15(nil, priv, data)
		if err != nil {
			t.Throw(unexpectedError, "Error occurred while decoding PKCS1 padding.")
		}
		return out
	}
	a := p.oaep(t)
	if len(data) != k.size() {
		throw(t, "decryption error")
	}
	out, err := rsa.DecryptOAEP(a.make(), nil, priv, data, nil)
	if err != nil {
		throw(t, "Error occurred while decoding OAEP padding.")
	}
	return out
}

// raw is EncryptValue and DecryptValue: the power alone, without padding.
func (k *rsaKey) raw(t *clr.Thread, data []byte, decrypt bool) []byte {
	exponent := big.NewInt(int64(k.public(t).E))
	if decrypt {
		exponent = k.private(t, noPrivate).D
	}
	if len(data) > k.size() {
		throw(t, "The data to be encrypted exceeds the maximum for this modulus of "+itoa(k.size())+" bytes.")
	}
	t.Allocate(2 * k.size())
	return new(big.Int).Exp(new(big.Int).SetBytes(data), exponent, k.pub.N).FillBytes(make([]byte, k.size()))
}

// parameters is an RSAParameters.
type parameters struct {
	fields [8]clr.Value
}

// Type is RSAParameters.
func (*parameters) Type() *clr.Type { return rsaParameters }

// The fields of RSAParameters.
const (
	fieldD = iota
	fieldDP
	fieldDQ
	fieldExponent
	fieldInverseQ
	fieldModulus
	fieldP
	fieldQ
)

var fieldNames = [8]string{"D", "DP", "DQ", "Exponent", "InverseQ", "Modulus", "P", "Q"}

// export are the numbers of a key; with those of the private one.
func (k *rsaKey) export(t *clr.Thread, private bool) *parameters {
	k.ready(t)
	p := &parameters{}
	put := func(field int, n *big.Int, size int) {
		p.fields[field] = t.BytesValue(n.FillBytes(make([]byte, size)))
	}
	e := big.NewInt(int64(k.pub.E))
	put(fieldModulus, k.pub.N, k.size())
	put(fieldExponent, e, (e.BitLen()+7)/8)
	if !private {
		return p
	}
	if k.priv == nil || len(k.priv.Primes) != 2 {
		throw(t, "Missing private key")
	}
	half := (k.size() + 1) / 2
	k.priv.Precompute()
	put(fieldD, k.priv.D, k.size())
	put(fieldP, k.priv.Primes[0], half)
	put(fieldQ, k.priv.Primes[1], half)
	put(fieldDP, k.priv.Precomputed.Dp, half)
	put(fieldDQ, k.priv.Precomputed.Dq, half)
	put(fieldInverseQ, k.priv.Precomputed.Qinv, half)
	return p
}

// use takes the numbers of p as the key.
func (k *rsaKey) use(t *clr.Thread, p *parameters) {
	number := func(field int) *big.Int {
		b := optional(p.fields[field])
		if b == nil {
			return nil
		}
		if len(b) > maxModulus {
			throw(t, badKeySize)
		}
		return new(big.Int).SetBytes(b)
	}
	e, n := number(fieldExponent), number(fieldModulus)
	switch {
	case e == nil:
		throw(t, "Missing Exponent")
	case n == nil:
		throw(t, "Missing Modulus")
	case e.BitLen() > 31 || e.Sign() == 0 || n.Bit(0) == 0:
		throw(t, badKeySize)
	}
	t.Allocate(2048)
	pub := &rsa.PublicKey{N: n, E: int(e.Int64())}
	k.bits, k.pub, k.priv, k.disposed = n.BitLen(), pub, nil, false
	d, prime1, prime2 := number(fieldD), number(fieldP), number(fieldQ)
	if d == nil {
		return
	}
	t.Work(4 * privateCost(k.bits))
	priv := &rsa.PrivateKey{PublicKey: *pub, D: d}
	if prime1 != nil && prime2 != nil {
		priv.Primes = []*big.Int{prime1, prime2}
	}
	if priv.Validate() != nil {
		throw(t, "Bad key parameters.")
	}
	priv.Precompute()
	k.priv, k.pub = priv, &priv.PublicKey
}
