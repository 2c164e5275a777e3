package crypto

import (
	"crypto/rsa"
	"strings"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
)

// moment is a time of a certificate: .NET gives it in the local zone.
func moment(t *clr.Thread, at time.Time) clr.Value {
	zone := t.Zone
	if zone == nil {
		zone = time.UTC
	}
	_, offset := at.In(zone).Zone()
	return clock.DateTimeOf(clock.TicksOf(at.UTC())+int64(offset)*10_000_000, clock.Local)
}

// full is the receiver, which is not empty.
func full(c *clr.Call) *cert {
	k := c.Args[0].O.(*cert)
	if k.c == nil {
		throw(c.Thread, emptyCert)
	}
	return k
}

// on is a member of a certificate that is not empty.
func on(f func(c *clr.Call, k *cert) clr.Value) clr.Func {
	return func(c *clr.Call) clr.Value { return f(c, full(c)) }
}

// noFile is a member that takes the name of a file, of which there are none.
func noFile(at int) clr.Func {
	return func(c *clr.Call) clr.Value {
		name := c.Text(at, "fileName")
		if name == "" {
			c.Throw(clr.ArgumentException, "Path is empty")
		}
		if strings.LastIndexByte(name, '/') > 0 {
			c.Throw(clr.DirectoryNotFoundException, "Could not find a part of the path \""+name+"\".")
		}
		c.Throw(clr.FileNotFoundException, "Could not find file \""+name+"\"")
		return clr.Null
	}
}

func immutable(c *clr.Call) clr.Value {
	c.Throw(clr.PlatformNotSupportedException, "X509Certificate is immutable on this platform. Use the equivalent constructor instead.")
	return clr.Null
}

func refuse(message string) clr.Func {
	return func(c *clr.Call) clr.Value {
		full(c)
		c.Throw(clr.PlatformNotSupportedException, message)
		return clr.Null
	}
}

// certConstructors are those of both classes.
func certConstructors() funcs {
	out := funcs{}
	for name, of := range map[string]*clr.Type{"X509Certificate": certType, "X509Certificate2": cert2Type} {
		key := "new " + certSpace + "." + name
		out[key+"()"] = func(c *clr.Call) clr.Value {
			c.Allocate(128)
			return clr.Obj(&cert{t: of})
		}
		out[key+"(byte[])"] = func(c *clr.Call) clr.Value {
			return clr.Obj(readCert(c.Thread, of, optional(c.Args[0]), ""))
		}
		out[key+"(byte[], string)"] = func(c *clr.Call) clr.Value {
			password, _ := c.Str(1)
			return clr.Obj(readCert(c.Thread, of, optional(c.Args[0]), password))
		}
		out[key+"(string)"] = noFile(0)
		out[key+"(string, string)"] = noFile(0)
		out[key+"(X509Certificate)"] = func(c *clr.Call) clr.Value {
			from := *c.NotNull(0, "cert").(*cert)
			c.Allocate(128)
			from.t = of
			return clr.Obj(&from)
		}
		for _, member := range []string{".Import(byte[])", ".Import(string)"} {
			out[certSpace+"."+name+member] = immutable
		}
		out[certSpace+"."+name+".Reset()"] = clearCert
	}
	return out
}

// clearCert is Reset and Dispose.
func clearCert(c *clr.Call) clr.Value {
	k := c.Args[0].O.(*cert)
	k.c, k.key = nil, clr.Null
	return clr.Null
}

// certMembers are those of X509Certificate.
func certMembers() funcs {
	const key = certSpace + ".X509Certificate"
	text := func(f func(c *clr.Call, k *cert) string) clr.Func {
		return on(func(c *clr.Call, k *cert) clr.Value { return c.New(f(c, k)) })
	}
	data := func(f func(k *cert) []byte) clr.Func {
		return on(func(c *clr.Call, k *cert) clr.Value { return output(c.Thread, f(k)) })
	}
	sameCert := func(c *clr.Call) clr.Value {
		a := c.Args[0].O.(*cert)
		b, ok := c.Args[1].O.(*cert)
		return clr.Bool(ok && a.equal(b))
	}
	return funcs{
		key + ".CreateFromCertFile(string)":      noFile(0),
		key + ".CreateFromSignedFile(string)":    noFile(0),
		key + ".Dispose()":                       clearCert,
		key + ".Equals(X509Certificate)":         sameCert,
		key + ".Equals(object)":                  sameCert,
		key + ".Export(X509ContentType)":         on(export),
		key + ".Export(X509ContentType, string)": on(export),
		key + ".GetCertHash()":                   data((*cert).thumbprint),
		key + ".GetCertHash(HashAlgorithmName)": on(func(c *clr.Call, k *cert) clr.Value {
			return c.BytesValue(k.hash(c))
		}),
		key + ".GetCertHashString()":                  text(func(_ *clr.Call, k *cert) string { return upperHex(k.thumbprint()) }),
		key + ".GetCertHashString(HashAlgorithmName)": text(func(c *clr.Call, k *cert) string { return upperHex(k.hash(c)) }),
		key + ".GetEffectiveDateString()":             text(func(c *clr.Call, k *cert) string { return c.Thread.Text(moment(c.Thread, k.c.NotBefore)) }),
		key + ".GetExpirationDateString()":            text(func(c *clr.Call, k *cert) string { return c.Thread.Text(moment(c.Thread, k.c.NotAfter)) }),
		key + ".GetFormat()":                          func(*clr.Call) clr.Value { return clr.Str("X509") },
		key + ".GetHashCode()": func(c *clr.Call) clr.Value {
			if c.Args[0].O.(*cert).c == nil {
				return clr.Int(0)
			}
			return hashCode(c)
		},
		key + ".GetIssuerName()":             text(func(_ *clr.Call, k *cert) string { return nameText(k.c.RawIssuer, false) }),
		key + ".GetName()":                   text(func(_ *clr.Call, k *cert) string { return nameText(k.c.RawSubject, false) }),
		key + ".GetKeyAlgorithm()":           text(func(_ *clr.Call, k *cert) string { return k.spki.Algorithm.Algorithm.String() }),
		key + ".GetKeyAlgorithmParameters()": data(func(k *cert) []byte { return k.spki.Algorithm.Parameters.FullBytes }),
		key + ".GetKeyAlgorithmParametersString()": text(func(_ *clr.Call, k *cert) string {
			return upperHex(k.spki.Algorithm.Parameters.FullBytes)
		}),
		key + ".GetPublicKey()":         data(func(k *cert) []byte { return k.spki.Key.Bytes }),
		key + ".GetPublicKeyString()":   text(func(_ *clr.Call, k *cert) string { return upperHex(k.spki.Key.Bytes) }),
		key + ".GetRawCertData()":       data(func(k *cert) []byte { return k.c.Raw }),
		key + ".GetRawCertDataString()": text(func(_ *clr.Call, k *cert) string { return upperHex(k.c.Raw) }),
		key + ".GetSerialNumber()": data(func(k *cert) []byte {
			b := append([]byte{}, k.serial()...)
			for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
				b[i], b[j] = b[j], b[i]
			}
			return b
		}),
		key + ".GetSerialNumberString()": text(func(_ *clr.Call, k *cert) string { return upperHex(k.serial()) }),
		key + ".Issuer":                  text(func(_ *clr.Call, k *cert) string { return k.issuer() }),
		key + ".Subject":                 text(func(_ *clr.Call, k *cert) string { return k.subject() }),
		key + ".ToString()":              toString,
		key + ".ToString(bool)": func(c *clr.Call) clr.Value {
			k := c.Args[0].O.(*cert)
			switch {
			case k.c == nil || k.t == certType && !c.Args[1].Bool():
				return clr.Str(k.t.FullName())
			case k.t == cert2Type && c.Args[1].Bool():
				return c.New(k.verbose(c.Thread))
			}
			return c.New(k.certText(c.Thread))
		},
	}
}

// equal: the same issuer and serial number.
func (c *cert) equal(o *cert) bool {
	if c.c == nil || o.c == nil {
		return c.c == nil && o.c == nil
	}
	return string(c.c.RawIssuer) == string(o.c.RawIssuer) && c.c.SerialNumber.Cmp(o.c.SerialNumber) == 0
}

func certHooks() *clr.Hooks {
	return &clr.Hooks{
		Text: func(t *clr.Thread, v clr.Value) string {
			k := v.O.(*cert)
			if k.c == nil || k.t == certType {
				return k.t.FullName()
			}
			return k.certText(t)
		},
		Equal: func(_ *clr.Thread, v, o clr.Value) bool {
			k, ok := o.O.(*cert)
			return ok && v.O.(*cert).equal(k)
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 {
			if c := v.O.(*cert).c; c != nil {
				return t.Hash(clr.Str(string(c.RawIssuer))) + t.Hash(clr.Str(c.SerialNumber.String()))
			}
			return 0
		},
	}
}

// hash is the hash of the certificate by the function in argument 1.
func (c *cert) hash(k *clr.Call) []byte {
	a := known(k, hashArg(k, 1))
	cost(k.Thread, len(c.c.Raw))
	h := a.make()
	h.Write(c.c.Raw)
	return h.Sum(nil)
}

// export is Export(contentType, password).
func export(c *clr.Call, k *cert) clr.Value {
	switch c.Int(1) {
	case 1:
		return output(c.Thread, k.c.Raw)
	case 2:
		c.Throw(clr.PlatformNotSupportedException, "X509ContentType.SerializedCert and X509ContentType.SerializedStore are not supported on Unix.")
	case 3:
		c.Work(50_000)
		password := c.Get(2).S
		if key, ok := k.key.O.(*rsaKey); ok && key.priv != nil {
			b, err := pkcs12.LegacyDES.Encode(key.priv, k.c, nil, password)
			return exported(c, b, err)
		}
		b, err := pkcs12.LegacyDES.EncodeTrustStoreEntries([]pkcs12.TrustStoreEntry{{Cert: k.c}}, password)
		return exported(c, b, err)
	}
	throw(c.Thread, "Invalid content type.")
	return clr.Null
}

// publicOf is the RSA key of a certificate; null: it has another.
func publicOf(c *clr.Call, k *cert) clr.Value {
	if p, ok := k.c.PublicKey.(*rsa.PublicKey); ok {
		return publicRSA(c.Thread, p)
	}
	return clr.Null
}
