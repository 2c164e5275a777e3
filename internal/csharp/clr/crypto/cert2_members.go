package crypto

import (
	"encoding/asn1"
	"encoding/pem"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// cert2Members are those of X509Certificate2 and its parts.
func cert2Members() funcs {
	const key = certSpace + ".X509Certificate2"
	name := func(raw func(k *cert) []byte) clr.Func {
		return on(func(c *clr.Call, k *cert) clr.Value {
			s := nameText(raw(k), true)
			c.Allocate(len(s) + 32)
			return clr.Obj(&distinguishedName{s})
		})
	}
	return funcs{
		key + ".Archived":      on(func(*clr.Call, *cert) clr.Value { return clr.Bool(false) }),
		key + ".Archived=":     refuse("The Archived value cannot be set on Unix."),
		key + ".FriendlyName":  on(func(*clr.Call, *cert) clr.Value { return clr.Str("") }),
		key + ".FriendlyName=": refuse("The FriendlyName value cannot be set on Unix."),
		key + ".GetCertContentType(byte[])": func(c *clr.Call) clr.Value {
			data := optional(c.Args[0])
			if len(data) == 0 {
				c.ThrowArgument("Array cannot be empty or null.", "rawData")
			}
			return clr.Number(contentType, int64(contentOf(c.Thread, data)))
		},
		key + ".GetCertContentType(string)": noFile(0),
		key + ".GetNameInfo(X509NameType, bool)": on(func(c *clr.Call, k *cert) clr.Value {
			return c.New(k.nameInfo(c.Int(1), c.Args[2].Bool()))
		}),
		key + ".HasPrivateKey": on(func(_ *clr.Call, k *cert) clr.Value { return clr.Bool(k.key.O != nil) }),
		key + ".IssuerName":    name(func(k *cert) []byte { return k.c.RawIssuer }),
		key + ".SubjectName":   name(func(k *cert) []byte { return k.c.RawSubject }),
		key + ".NotAfter":      on(func(c *clr.Call, k *cert) clr.Value { return moment(c.Thread, k.c.NotAfter) }),
		key + ".NotBefore":     on(func(c *clr.Call, k *cert) clr.Value { return moment(c.Thread, k.c.NotBefore) }),
		key + ".PrivateKey":    on(func(_ *clr.Call, k *cert) clr.Value { return k.key }),
		key + ".PrivateKey=":   refuse(unsupported),
		key + ".PublicKey": on(func(c *clr.Call, k *cert) clr.Value {
			c.Allocate(32)
			return clr.Obj(&publicKey{k})
		}),
		key + ".RawData":      on(func(c *clr.Call, k *cert) clr.Value { return output(c.Thread, k.c.Raw) }),
		key + ".SerialNumber": on(func(c *clr.Call, k *cert) clr.Value { return c.New(upperHex(k.serial())) }),
		key + ".SignatureAlgorithm": on(func(c *clr.Call, k *cert) clr.Value {
			return newOid(c.Thread, signatureOID(k.c))
		}),
		key + ".Thumbprint": on(func(c *clr.Call, k *cert) clr.Value {
			cost(c.Thread, len(k.c.Raw))
			return c.New(upperHex(k.thumbprint()))
		}),
		key + ".ToString()":          toString,
		key + ".ToString(bool)":      certMembers()[certSpace+".X509Certificate.ToString(bool)"],
		key + ".Verify()":            on(func(c *clr.Call, k *cert) clr.Value { return clr.Bool(verify(c.Thread, k)) }),
		key + ".Version":             on(func(_ *clr.Call, k *cert) clr.Value { return clr.Int(int32(k.c.Version)) }),
		certSpace + ".PublicKey.Oid": publicKeyOid,
		certSpace + ".PublicKey.Key": publicKeyKey,
		certSpace + ".X500DistinguishedName.Name": func(c *clr.Call) clr.Value {
			return clr.Str(c.Args[0].O.(*distinguishedName).name)
		},
		"ContextExtensions.VerifyNoRevocation(X509Certificate2)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				c.ThrowNull()
			}
			return clr.Bool(verify(c.Thread, full(c)))
		},
	}
}

func publicKeyOid(c *clr.Call) clr.Value {
	return newOid(c.Thread, c.Args[0].O.(*publicKey).of.spki.Algorithm.Algorithm.String())
}

func publicKeyKey(c *clr.Call) clr.Value {
	v := publicOf(c, c.Args[0].O.(*publicKey).of)
	if v.O == nil {
		c.Throw(clr.NotSupportedException, "The certificate key algorithm is not supported.")
	}
	return v
}

// contentOf is the X509ContentType of data. What is nothing else is taken for a
// signed file.
func contentOf(t *clr.Thread, data []byte) int {
	t.Work(len(data))
	t.Allocate(4 * len(data))
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(data, &outer); err != nil || outer.Tag != asn1.TagSequence {
		return 6
	}
	switch {
	case isPFX(outer.Bytes):
		return 3
	case len(outer.Bytes) > 0 && outer.Bytes[0] == 6: // an object identifier: PKCS #7
		return 5
	case len(outer.Bytes) > 0 && outer.Bytes[0] == 0x30:
		return 1
	}
	return 6
}

// certExtensions are the methods of RSACertificateExtensions.
func certExtensions() funcs {
	const key = certSpace + ".RSACertificateExtensions"
	of := func(c *clr.Call) *cert {
		c.NotNull(0, "certificate")
		return full(c)
	}
	return funcs{
		key + ".CopyWithPrivateKey(X509Certificate2, RSA)": func(c *clr.Call) clr.Value {
			made := *of(c)
			c.NotNull(1, "privateKey")
			c.Allocate(128)
			made.key = c.Args[1]
			return clr.Obj(&made)
		},
		key + ".GetRSAPrivateKey(X509Certificate2)": func(c *clr.Call) clr.Value { return of(c).key },
		key + ".GetRSAPublicKey(X509Certificate2)":  func(c *clr.Call) clr.Value { return publicOf(c, of(c)) },
	}
}
