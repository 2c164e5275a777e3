package crypto

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// padding is an RSAEncryptionPadding or an RSASignaturePadding.
type padding struct {
	t *clr.Type
	// mode is the number of RSAEncryptionPaddingMode or RSASignaturePaddingMode.
	mode int
	hash clr.Value // the HashAlgorithmName of OAEP
}

// Type is the class.
func (p *padding) Type() *clr.Type { return p.t }

var (
	encryptionPadding     = named("RSAEncryptionPadding")
	signaturePadding      = named("RSASignaturePadding")
	encryptionPaddingMode = named("RSAEncryptionPaddingMode")
	signaturePaddingMode  = named("RSASignaturePaddingMode")
)

func (p *padding) String() string {
	switch {
	case p.t == signaturePadding && p.mode == 1:
		return "Pss"
	case p.mode == 1:
		return "Oaep" + p.hash.S
	}
	return "Pkcs1"
}

// oaep is the hash function of OAEP.
func (p *padding) oaep(t *clr.Thread) *algorithm {
	a := algorithmNamed(p.hash.S)
	if a == nil {
		throw(t, badRSAMode)
	}
	return a
}

func foldsTo(s string, any ...string) bool {
	for _, a := range any {
		if strings.EqualFold(s, a) {
			return true
		}
	}
	return false
}

func paddingHooks() *clr.Hooks {
	return &clr.Hooks{
		Text: func(_ *clr.Thread, v clr.Value) string { return v.O.(*padding).String() },
		Equal: func(_ *clr.Thread, v, o clr.Value) bool {
			a, b := v.O.(*padding), o.O
			p, ok := b.(*padding)
			return ok && *a == *p
		},
		Hash: func(t *clr.Thread, v clr.Value) uint64 {
			p := v.O.(*padding)
			return uint64(p.mode) + t.Hash(clr.Str(p.hash.S))
		},
	}
}

func paddingMembers() funcs {
	const encryption, signature = space + ".RSAEncryptionPadding", space + ".RSASignaturePadding"
	self := func(c *clr.Call) *padding { return c.Args[0].O.(*padding) }
	fixed := func(p *padding) clr.Func {
		v := clr.Obj(p)
		return func(*clr.Call) clr.Value { return v }
	}
	noHash := clr.Value{O: hashNameType}
	out := funcs{
		encryption + ".CreateOaep(HashAlgorithmName)": func(c *clr.Call) clr.Value {
			if c.Args[0].S == "" {
				c.ThrowArgument(noHashName, "hashAlgorithm")
			}
			c.Allocate(64)
			return clr.Obj(&padding{encryptionPadding, 1, c.Args[0]})
		},
		encryption + ".Mode":              func(c *clr.Call) clr.Value { return clr.Number(encryptionPaddingMode, int64(self(c).mode)) },
		encryption + ".OaepHashAlgorithm": func(c *clr.Call) clr.Value { return self(c).hash },
		encryption + ".Pkcs1":             fixed(&padding{encryptionPadding, 0, noHash}),
		signature + ".Mode":               func(c *clr.Call) clr.Value { return clr.Number(signaturePaddingMode, int64(self(c).mode)) },
		signature + ".Pkcs1":              fixed(&padding{signaturePadding, 0, noHash}),
		signature + ".Pss":                fixed(&padding{signaturePadding, 1, noHash}),
	}
	for _, name := range []string{"SHA1", "SHA256", "SHA384", "SHA512"} {
		out[encryption+".Oaep"+name] = fixed(&padding{encryptionPadding, 1, hashName(name)})
	}
	for _, name := range []string{"RSAEncryptionPadding", "RSASignaturePadding"} {
		key := space + "." + name
		out[key+".Equals("+name+")"] = equals
		out[key+".Equals(object)"] = equals
		out[key+".GetHashCode()"] = hashCode
		out[key+".ToString()"] = toString
		out[key+".operator !=("+name+", "+name+")"] = notEquals
		out[key+".operator ==("+name+", "+name+")"] = equals
	}
	return out
}
