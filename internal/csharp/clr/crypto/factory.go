package crypto

import (
	"io"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// class is a class of hashes.
type class struct {
	t     *clr.Type
	alg   *algorithm
	keyed bool
	names string
}

// classes with the names that they are asked for by.
var classes = []class{
	{md5Type, algMD5, false, "MD5,System.Security.Cryptography.MD5,System.Security.Cryptography.MD5CryptoServiceProvider,http://www.w3.org/2001/04/xmldsig-more#md5"},
	{sha1Type, algSHA1, false, "SHA,SHA1,System.Security.Cryptography.SHA1,System.Security.Cryptography.SHA1CryptoServiceProvider,System.Security.Cryptography.HashAlgorithm,http://www.w3.org/2000/09/xmldsig#sha1"},
	{sha1Managed, algSHA1, false, "System.Security.Cryptography.SHA1Managed"},
	{sha256Type, algSHA256, false, "SHA256,SHA-256,System.Security.Cryptography.SHA256,System.Security.Cryptography.SHA256Managed,http://www.w3.org/2001/04/xmlenc#sha256"},
	{sha384Type, algSHA384, false, "SHA384,SHA-384,System.Security.Cryptography.SHA384,System.Security.Cryptography.SHA384Managed,http://www.w3.org/2001/04/xmldsig-more#sha384"},
	{sha512Type, algSHA512, false, "SHA512,SHA-512,System.Security.Cryptography.SHA512,System.Security.Cryptography.SHA512Managed,http://www.w3.org/2001/04/xmlenc#sha512"},
	{hmacMD5, algMD5, true, "HMACMD5,System.Security.Cryptography.HMACMD5,http://www.w3.org/2001/04/xmldsig-more#hmac-md5"},
	{hmacSHA1, algSHA1, true, "HMACSHA1,System.Security.Cryptography.HMACSHA1,System.Security.Cryptography.HMAC,System.Security.Cryptography.KeyedHashAlgorithm,http://www.w3.org/2000/09/xmldsig#hmac-sha1"},
	{hmacSHA256, algSHA256, true, "HMACSHA256,System.Security.Cryptography.HMACSHA256,http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"},
	{hmacSHA384, algSHA384, true, "HMACSHA384,System.Security.Cryptography.HMACSHA384,http://www.w3.org/2001/04/xmldsig-more#hmac-sha384"},
	{hmacSHA512, algSHA512, true, "HMACSHA512,System.Security.Cryptography.HMACSHA512,http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"},
}

func findClass(name string) *class {
	for i := range classes {
		for n := range strings.SplitSeq(classes[i].names, ",") {
			if strings.EqualFold(n, name) {
				return &classes[i]
			}
		}
	}
	return nil
}

func (k *class) create(t *clr.Thread) *hasher {
	if !k.keyed {
		return newHasher(t, k.t, k.alg)
	}
	return newMAC(t, k.t, k.alg, random(t, k.alg.block))
}

// random are n bytes of the thread's randomness.
func random(t *clr.Thread, n int) []byte {
	t.Allocate(n)
	t.Work(n / 16)
	b := make([]byte, n)
	if _, err := io.ReadFull(t.Random, b); err != nil {
		throw(t, "The random numbers have run out.")
	}
	return b
}

// lookup is CryptoConfig.CreateFromName: null where the name is not known.
func lookup(t *clr.Thread, name string) clr.Value {
	t.Work(256)
	if k := findClass(name); k != nil {
		return clr.Obj(k.create(t))
	}
	if s := findCipher(name); s != nil {
		return clr.Obj(s.create(t))
	}
	if isRSAName(name) {
		return newRSA(t, 1024)
	}
	return clr.Null
}

// factory is Create(name) of a class: what is no heir of it fails as a cast.
func factory(is func(o clr.Object) bool) clr.Func {
	return func(c *clr.Call) clr.Value {
		v := lookup(c.Thread, c.Text(0, "name"))
		if v.O != nil && !is(v.O) {
			c.Throw(clr.InvalidCastException, "Specified cast is not valid.")
		}
		return v
	}
}

func hashFactories() funcs {
	create := func(of *clr.Type, a *algorithm) clr.Func {
		return func(c *clr.Call) clr.Value { return clr.Obj(newHasher(c.Thread, of, a)) }
	}
	mac := func(c *clr.Call) clr.Value {
		return clr.Obj(newMAC(c.Thread, hmacSHA1, algSHA1, random(c.Thread, algSHA1.block)))
	}
	keyed := func(o clr.Object) bool {
		h, ok := o.(*hasher)
		return ok && h.keyed
	}
	out := funcs{
		space + ".HashAlgorithm.Create()":      create(sha1Type, algSHA1),
		space + ".KeyedHashAlgorithm.Create()": mac,
		space + ".HMAC.Create()":               mac,
		space + ".HashAlgorithm.Create(string)": factory(func(o clr.Object) bool {
			_, ok := o.(*hasher)
			return ok
		}),
		space + ".KeyedHashAlgorithm.Create(string)": factory(keyed),
		space + ".HMAC.Create(string)":               factory(keyed),
		"new " + space + ".SHA1Managed()":            create(sha1Managed, algSHA1),
		"new " + space + ".SHA256Managed()":          create(sha256Type, algSHA256),
		"new " + space + ".SHA384Managed()":          create(sha384Type, algSHA384),
		"new " + space + ".SHA512Managed()":          create(sha512Type, algSHA512),
	}
	for name, k := range map[string]struct {
		t   *clr.Type
		alg *algorithm
	}{"MD5": {md5Type, algMD5}, "SHA1": {sha1Type, algSHA1}, "SHA256": {sha256Type, algSHA256}, "SHA384": {sha384Type, algSHA384}, "SHA512": {sha512Type, algSHA512}} {
		out[space+"."+name+".Create()"] = create(k.t, k.alg)
		out[space+"."+name+".Create(string)"] = factory(func(o clr.Object) bool {
			h, ok := o.(*hasher)
			return ok && !h.keyed && h.alg == k.alg
		})
	}
	return out
}

func macMembers() funcs {
	const key = space + ".HMAC"
	out := funcs{}
	for name, k := range map[string]struct {
		t   *clr.Type
		alg *algorithm
	}{"HMACMD5": {hmacMD5, algMD5}, "HMACSHA1": {hmacSHA1, algSHA1}, "HMACSHA256": {hmacSHA256, algSHA256}, "HMACSHA384": {hmacSHA384, algSHA384}, "HMACSHA512": {hmacSHA512, algSHA512}} {
		out["new "+space+"."+name+"()"] = func(c *clr.Call) clr.Value {
			return clr.Obj(newMAC(c.Thread, k.t, k.alg, random(c.Thread, k.alg.block)))
		}
		withKey := func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				c.ThrowNull()
			}
			return clr.Obj(newMAC(c.Thread, k.t, k.alg, bytesArg(c, 0, "key")))
		}
		out["new "+space+"."+name+"(byte[])"] = withKey
		if name == "HMACSHA1" {
			out["new "+space+".HMACSHA1(byte[], bool)"] = withKey
		}
	}
	readKey := func(c *clr.Call) clr.Value {
		if self(c).key == nil {
			c.ThrowNull()
		}
		return output(c.Thread, self(c).key)
	}
	writeKey := func(c *clr.Call) clr.Value {
		h := self(c)
		if h.begun {
			throw(c.Thread, "Hash key cannot be changed after the first write to the stream.")
		}
		if c.Args[1].O == nil {
			c.ThrowNull()
		}
		h.setKey(c.Thread, bytesArg(c, 1, "value"))
		return clr.Null
	}
	for _, name := range []string{"HMAC", "KeyedHashAlgorithm"} {
		out[space+"."+name+".Key"], out[space+"."+name+".Key="] = readKey, writeKey
	}
	out[key+".HashName"] = func(c *clr.Call) clr.Value {
		if a := self(c).alg; a != nil {
			return clr.Str(a.name)
		}
		return clr.Null
	}
	out[key+".HashName="] = func(c *clr.Call) clr.Value {
		h := self(c)
		if h.begun {
			throw(c.Thread, "Hash name cannot be changed after the first write to the stream.")
		}
		h.alg, h.running = algorithmNamed(c.Text(1, "name")), nil
		return clr.Null
	}
	for _, name := range []string{"HMACSHA384", "HMACSHA512"} {
		out[space+"."+name+".ProduceLegacyHmacValues"] = func(c *clr.Call) clr.Value { return clr.Bool(self(c).legacy) }
		out[space+"."+name+".ProduceLegacyHmacValues="] = func(c *clr.Call) clr.Value {
			h := self(c)
			h.legacy, h.block = c.Args[1].Bool(), 128
			if h.legacy {
				h.block = 64
			}
			h.setKey(c.Thread, h.key)
			return clr.Null
		}
	}
	return out
}
