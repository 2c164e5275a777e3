package crypto

import (
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

type funcs = map[string]clr.Func

const space = "System.Security.Cryptography"

func named(name string) *clr.Type { return clr.Named(space, name, 0) }

// The types of values.
var (
	md5Type     = named("MD5CryptoServiceProvider")
	sha1Type    = named("SHA1CryptoServiceProvider")
	sha1Managed = named("SHA1Managed")
	sha256Type  = named("SHA256Managed")
	sha384Type  = named("SHA384Managed")
	sha512Type  = named("SHA512Managed")
	hmacMD5     = named("HMACMD5")
	hmacSHA1    = named("HMACSHA1")
	hmacSHA256  = named("HMACSHA256")
	hmacSHA384  = named("HMACSHA384")
	hmacSHA512  = named("HMACSHA512")

	hashNameType   = named("HashAlgorithmName")
	oidType        = named("Oid")
	randomType     = named("RNGCryptoServiceProvider")
	cipherModeType = named("CipherMode")
	paddingType    = named("PaddingMode")

	aesType         = named("AesCryptoServiceProvider")
	aesManagedType  = named("AesManaged")
	rijndaelType    = named("RijndaelManaged")
	desType         = named("DESCryptoServiceProvider")
	tripleType      = named("TripleDESCryptoServiceProvider")
	unexpectedError = clr.UnexpectedCryptographicException
)

func types() []*clr.Type {
	return []*clr.Type{
		md5Type, sha1Type, sha1Managed, sha256Type, sha384Type, sha512Type, hmacMD5, hmacSHA1, hmacSHA256, hmacSHA384, hmacSHA512,
		hashNameType, oidType, randomType, cipherModeType, paddingType, aesType, aesManagedType, rijndaelType, desType, tripleType,
		rsaType, rsaParameters, encryptionPadding, signaturePadding, encryptionPaddingMode, signaturePaddingMode,
		certType, cert2Type, publicKeyType, nameType, contentType,
	}
}

// Family is the code of System.Security.Cryptography.
func Family() clr.Family {
	f := clr.Family{Name: "crypto", Do: funcs{}, Hooks: hooks(), Types: types()}
	for _, part := range []funcs{
		hashMembers(), hashFactories(), macMembers(), hashNameMembers(), oidMembers(), randomMembers(), symmetricMembers(),
		contextMembers(), paddingMembers(), rsaMembers(), rsaUse(), certConstructors(), certMembers(), cert2Members(), certExtensions(),
	} {
		maps.Copy(f.Do, part)
	}
	return f
}

func hooks() map[string]*clr.Hooks {
	return map[string]*clr.Hooks{
		space + ".HashAlgorithmName": {
			Text: func(_ *clr.Thread, v clr.Value) string { return v.S },
		},
		space + ".RSAEncryptionPadding": paddingHooks(),
		space + ".RSASignaturePadding":  paddingHooks(),
		certSpace + ".X509Certificate":  certHooks(),
		space + ".RSAParameters": {
			Zero: func(*clr.Type) clr.Value { return clr.Obj(&parameters{}) },
		},
	}
}

// toString is ToString() where a type declares it.
func toString(c *clr.Call) clr.Value { return c.New(c.Thread.Text(c.Args[0])) }

func hashCode(c *clr.Call) clr.Value {
	h := c.Hash(c.Args[0])
	return clr.Int(int32(h ^ h>>32))
}

func equals(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) }

func notEquals(c *clr.Call) clr.Value { return clr.Bool(!c.Equal(c.Args[0], c.Args[1])) }

// bytesArg is argument i, a byte[]; null throws ArgumentNullException(name).
func bytesArg(c *clr.Call, i int, name string) []byte {
	return c.NotNull(i, name).(*clr.ArrayObject).Bytes
}

// output is a byte[] of b, which is copied.
func output(t *clr.Thread, b []byte) clr.Value {
	t.Allocate(len(b))
	return t.BytesValue(append([]byte{}, b...))
}

const (
	notNegative = "Non-negative number required."
	outside     = "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection."
)

func throw(t *clr.Thread, message string) { t.Throw(clr.CryptographicException, message) }
