package crypto

import (
	"crypto/x509"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func selfRSA(c *clr.Call) *rsaKey { return c.Args[0].O.(*rsaKey) }

func isRSA(o clr.Object) bool {
	_, ok := o.(*rsaKey)
	return ok
}

// hashArg is argument i, the name of a hash function; one that is unknown
// throws.
func hashArg(c *clr.Call, i int) string {
	if c.Args[i].S == "" {
		c.ThrowArgument(noHashName, "hashAlgorithm")
	}
	return c.Args[i].S
}

func paddingArg(c *clr.Call, i int) *padding { return c.NotNull(i, "padding").(*padding) }

// digest hashes data; null is what .NET fails with for a name it does not know.
func digest(c *clr.Call, name string, data []byte) (*algorithm, []byte) {
	a := algorithmNamed(name)
	if a == nil {
		c.ThrowNull()
	}
	if a.name != name {
		unknownHash(c, name)
	}
	cost(c.Thread, len(data))
	h := a.make()
	h.Write(data)
	return a, h.Sum(nil)
}

func unknownHash(c *clr.Call, name string) {
	throw(c.Thread, "'"+name+"' is not a known hash algorithm.")
}

// known is the hash function of a name, exactly.
func known(c *clr.Call, name string) *algorithm {
	a := algorithmNamed(name)
	if a == nil || a.name != name {
		unknownHash(c, name)
	}
	return a
}

// dataPart is the part of data that arguments 2 and 3 give.
func dataPart(c *clr.Call) []byte {
	const beyond = "Specified argument was out of the range of valid values."
	b := bytesArg(c, 1, "data")
	at, n := c.Int(2), c.Int(3)
	if at < 0 || at > len(b) {
		c.ThrowRange("offset", beyond)
	}
	if n < 0 || n > len(b)-at {
		c.ThrowRange("count", beyond)
	}
	return b[at : at+n]
}

func rsaMembers() funcs {
	const key, asymmetric = space + ".RSA", space + ".AsymmetricAlgorithm"
	create := func(c *clr.Call) clr.Value { return newRSA(c.Thread, 1024) }
	text := func(s string) clr.Func { return func(*clr.Call) clr.Value { return clr.Str(s) } }
	dispose := func(c *clr.Call) clr.Value {
		selfRSA(c).disposed = true
		return clr.Null
	}
	out := funcs{
		key + ".Create()":              create,
		asymmetric + ".Create()":       create,
		key + ".Create(string)":        factory(isRSA),
		asymmetric + ".Create(string)": factory(isRSA),
		key + ".Create(int)":           func(c *clr.Call) clr.Value { return newRSA(c.Thread, int(int32(c.Args[0].N))) },
		key + ".Create(RSAParameters)": func(c *clr.Call) clr.Value {
			v := newRSA(c.Thread, 1024)
			v.O.(*rsaKey).use(c.Thread, c.Args[0].O.(*parameters))
			return v
		},
		asymmetric + ".Clear()":   dispose,
		asymmetric + ".Dispose()": dispose,
		asymmetric + ".KeySize": func(c *clr.Call) clr.Value {
			if selfRSA(c).disposed {
				c.Throw(clr.ObjectDisposedException, disposedText)
			}
			return clr.Int(int32(selfRSA(c).bits))
		},
		asymmetric + ".KeySize=": func(c *clr.Call) clr.Value {
			if !rsaSizes.has(int(int32(c.Args[1].N))) {
				throw(c.Thread, badKeySize)
			}
			if k := selfRSA(c); k.pub == nil {
				k.bits = c.Int(1)
			}
			return clr.Null
		},
		key + ".ExportParameters(bool)": func(c *clr.Call) clr.Value {
			return clr.Obj(selfRSA(c).export(c.Thread, c.Args[1].Bool()))
		},
		key + ".ImportParameters(RSAParameters)": func(c *clr.Call) clr.Value {
			selfRSA(c).use(c.Thread, c.Args[1].O.(*parameters))
			return clr.Null
		},
		key + ".ExportRSAPrivateKey()": func(c *clr.Call) clr.Value {
			return c.BytesValue(x509.MarshalPKCS1PrivateKey(selfRSA(c).private(c.Thread, "Missing private key")))
		},
		key + ".ExportRSAPublicKey()": func(c *clr.Call) clr.Value {
			return c.BytesValue(x509.MarshalPKCS1PublicKey(selfRSA(c).ready(c.Thread).pub))
		},
		asymmetric + ".ExportPkcs8PrivateKey()": func(c *clr.Call) clr.Value {
			b, err := x509.MarshalPKCS8PrivateKey(selfRSA(c).private(c.Thread, "Missing private key"))
			return exported(c, b, err)
		},
		asymmetric + ".ExportSubjectPublicKeyInfo()": func(c *clr.Call) clr.Value {
			b, err := x509.MarshalPKIXPublicKey(selfRSA(c).ready(c.Thread).pub)
			return exported(c, b, err)
		},
	}
	for _, k := range []string{key, asymmetric} {
		out[k+".FromXmlString(string)"] = fromXML
		out[k+".ToXmlString(bool)"] = toXML
		out[k+".KeyExchangeAlgorithm"] = text("RSA-PKCS1-KeyEx")
		out[k+".SignatureAlgorithm"] = text("http://www.w3.org/2000/09/xmldsig#rsa-sha1")
	}
	for i, name := range fieldNames {
		out[space+".RSAParameters."+name] = func(c *clr.Call) clr.Value { return c.Args[0].O.(*parameters).fields[i] }
		out[space+".RSAParameters."+name+"="] = func(c *clr.Call) clr.Value {
			c.Args[0].O.(*parameters).fields[i] = c.Args[1]
			return clr.Null
		}
	}
	return out
}

func exported(c *clr.Call, b []byte, err error) clr.Value {
	if err != nil {
		throw(c.Thread, "Missing private key")
	}
	return c.BytesValue(b)
}

// rsaUse are the members that sign, verify, encrypt and decrypt.
func rsaUse() funcs {
	const key = space + ".RSA"
	crypt := func(f func(k *rsaKey, t *clr.Thread, data []byte, p *padding) []byte) clr.Func {
		return func(c *clr.Call) clr.Value {
			data := bytesArg(c, 1, "data")
			p := paddingArg(c, 2)
			return c.BytesValue(f(selfRSA(c), c.Thread, data, p))
		}
	}
	raw := func(decrypt bool) clr.Func {
		return func(c *clr.Call) clr.Value {
			if c.Args[1].O == nil {
				c.ThrowNull()
			}
			return c.BytesValue(selfRSA(c).raw(c.Thread, optional(c.Args[1]), decrypt))
		}
	}
	sign := func(c *clr.Call, data []byte, at int) clr.Value {
		name, p := hashArg(c, at), paddingArg(c, at+1)
		a, d := digest(c, name, data)
		return c.BytesValue(selfRSA(c).sign(c.Thread, a, d, p))
	}
	verify := func(c *clr.Call, data []byte, at int) clr.Value {
		signature := bytesArg(c, at, "signature")
		name, p := hashArg(c, at+1), paddingArg(c, at+2)
		a, d := digest(c, name, data)
		return clr.Bool(selfRSA(c).verify(c.Thread, a, d, signature, p))
	}
	return funcs{
		key + ".Encrypt(byte[], RSAEncryptionPadding)": crypt((*rsaKey).encrypt),
		key + ".Decrypt(byte[], RSAEncryptionPadding)": crypt((*rsaKey).decrypt),
		key + ".EncryptValue(byte[])":                  raw(false),
		key + ".DecryptValue(byte[])":                  raw(true),
		key + ".SignData(byte[], HashAlgorithmName, RSASignaturePadding)": func(c *clr.Call) clr.Value {
			return sign(c, bytesArg(c, 1, "data"), 2)
		},
		key + ".SignData(byte[], int, int, HashAlgorithmName, RSASignaturePadding)": func(c *clr.Call) clr.Value {
			return sign(c, dataPart(c), 4)
		},
		key + ".SignHash(byte[], HashAlgorithmName, RSASignaturePadding)": func(c *clr.Call) clr.Value {
			d := bytesArg(c, 1, "hash")
			name, p := hashArg(c, 2), paddingArg(c, 3)
			return c.BytesValue(selfRSA(c).sign(c.Thread, known(c, name), d, p))
		},
		key + ".VerifyData(byte[], byte[], HashAlgorithmName, RSASignaturePadding)": func(c *clr.Call) clr.Value {
			return verify(c, bytesArg(c, 1, "data"), 2)
		},
		key + ".VerifyData(byte[], int, int, byte[], HashAlgorithmName, RSASignaturePadding)": func(c *clr.Call) clr.Value {
			return verify(c, dataPart(c), 4)
		},
		key + ".VerifyHash(byte[], byte[], HashAlgorithmName, RSASignaturePadding)": func(c *clr.Call) clr.Value {
			d, signature := bytesArg(c, 1, "hash"), bytesArg(c, 2, "signature")
			name, p := hashArg(c, 3), paddingArg(c, 4)
			return clr.Bool(selfRSA(c).verify(c.Thread, known(c, name), d, signature, p))
		},
	}
}
