package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"fmt"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The numbers of CipherMode and PaddingMode.
const (
	modeCBC = 1
	modeECB = 2
	modeOFB = 3
	modeCFB = 4
	modeCTS = 5

	padNone     = 1
	padPKCS7    = 2
	padZeros    = 3
	padANSIX923 = 4
	padISO10126 = 5
)

// sizes are the sizes of keys that a cipher takes, in bits.
type sizes struct{ min, max, step int }

func (s sizes) has(bits int) bool {
	if s.step == 0 {
		return bits == s.min
	}
	return bits >= s.min && bits <= s.max && (bits-s.min)%s.step == 0
}

// cipherClass is a class of ciphers of blocks.
type cipherClass struct {
	t        *clr.Type
	names    string
	keys     sizes
	blocks   sizes
	keySize  int // at first, in bits
	block    int
	feedback int
	make     func(key []byte) (cipher.Block, error)
	// weak reports keys that are refused, which the name is for.
	weak func(key []byte) bool
	name string
}

var cipherClasses = []cipherClass{
	{t: aesType, names: "AES,System.Security.Cryptography.AesCryptoServiceProvider", keys: sizes{128, 256, 64}, blocks: sizes{min: 128}, keySize: 256, block: 128, feedback: 8, make: aes.NewCipher},
	{t: aesManagedType, names: "AesManaged,System.Security.Cryptography.AesManaged", keys: sizes{128, 256, 64}, blocks: sizes{min: 128}, keySize: 256, block: 128, feedback: 128, make: aes.NewCipher},
	{t: rijndaelType, names: "Rijndael,System.Security.Cryptography.Rijndael,System.Security.Cryptography.SymmetricAlgorithm", keys: sizes{128, 256, 64}, blocks: sizes{128, 256, 64}, keySize: 256, block: 128, feedback: 128, make: aes.NewCipher},
	{t: desType, names: "DES,System.Security.Cryptography.DES", keys: sizes{min: 64}, blocks: sizes{min: 64}, keySize: 64, block: 64, feedback: 8, make: des.NewCipher, weak: weakDES, name: "DES"},
	{t: tripleType, names: "3DES,TripleDES,Triple DES,System.Security.Cryptography.TripleDES", keys: sizes{128, 192, 64}, blocks: sizes{min: 64}, keySize: 192, block: 64, feedback: 8, make: newTriple, weak: weakTriple, name: "TripleDES"},
}

func findCipher(name string) *cipherClass {
	for i := range cipherClasses {
		for n := range strings.SplitSeq(cipherClasses[i].names, ",") {
			if strings.EqualFold(n, name) {
				return &cipherClasses[i]
			}
		}
	}
	return nil
}

// newTriple takes keys of two parts, too: the first is the third then.
func newTriple(key []byte) (cipher.Block, error) {
	if len(key) == 16 {
		key = append(key[:16:16], key[:8]...)
	}
	return des.NewTripleDESCipher(key)
}

// weakKeys are DES's weak and half weak keys, without their parity bits.
var weakKeys = []string{
	"\x00\x00\x00\x00\x00\x00\x00\x00", "\xFE\xFE\xFE\xFE\xFE\xFE\xFE\xFE", "\x1E\x1E\x1E\x1E\x0E\x0E\x0E\x0E", "\xE0\xE0\xE0\xE0\xF0\xF0\xF0\xF0",
	"\x00\x1E\x00\x1E\x00\x0E\x00\x0E", "\x1E\x00\x1E\x00\x0E\x00\x0E\x00", "\x00\xE0\x00\xE0\x00\xF0\x00\xF0", "\xE0\x00\xE0\x00\xF0\x00\xF0\x00",
	"\x00\xFE\x00\xFE\x00\xFE\x00\xFE", "\xFE\x00\xFE\x00\xFE\x00\xFE\x00", "\x1E\xE0\x1E\xE0\x0E\xF0\x0E\xF0", "\xE0\x1E\xE0\x1E\xF0\x0E\xF0\x0E",
	"\x1E\xFE\x1E\xFE\x0E\xFE\x0E\xFE", "\xFE\x1E\xFE\x1E\xFE\x0E\xFE\x0E", "\xE0\xFE\xE0\xFE\xF0\xFE\xF0\xFE", "\xFE\xE0\xFE\xE0\xFE\xF0\xFE\xF0",
}

func weakDES(key []byte) bool {
	plain := make([]byte, len(key))
	for i, b := range key {
		plain[i] = b &^ 1
	}
	for _, w := range weakKeys {
		if string(plain) == w {
			return true
		}
	}
	return false
}

// weakTriple: two parts in a row are the same.
func weakTriple(key []byte) bool {
	same := func(a, b []byte) bool {
		for i := range a {
			if a[i]&^1 != b[i]&^1 {
				return false
			}
		}
		return true
	}
	return same(key[:8], key[8:16]) || len(key) == 24 && same(key[8:16], key[16:])
}

// transformer is what encrypts or decrypts one text.
type transformer struct {
	t        *clr.Thread
	block    cipher.Block
	iv       []byte
	mode     int
	padding  int
	feedback int // in bytes, of CFB
}

// encrypt is CreateEncryptor().TransformFinalBlock(data).
func (x *transformer) encrypt(data []byte) []byte {
	size := x.block.BlockSize()
	x.t.Work(len(data)/4 + 64)
	x.t.Allocate(len(data) + 2*size)
	rest := len(data) % size
	if x.padding == padNone && rest != 0 {
		throw(x.t, "invalid block length")
	}
	x.supported()
	out := append(make([]byte, 0, len(data)+size), data...)
	out = append(out, x.pad(size-rest, rest)...)
	x.blocks(out, true)
	return out
}

// pad are the bytes behind a text whose last block lacks n.
func (x *transformer) pad(n, rest int) []byte {
	p := make([]byte, n)
	switch x.padding {
	case padPKCS7:
		for i := range p {
			p[i] = byte(n)
		}
	case padANSIX923:
		p[n-1] = byte(n)
	case padISO10126:
		copy(p, random(x.t, n))
		p[n-1] = byte(n)
	default:
		if rest == 0 {
			return nil
		}
		if x.padding == padNone {
			return nil
		}
	}
	return p
}

func (x *transformer) supported() {
	switch x.mode {
	case modeOFB:
		throw(x.t, "OFB isn't supported by the framework")
	case modeCTS:
		throw(x.t, "CTS isn't supported by the framework")
	}
}

// decrypt is CreateDecryptor().TransformFinalBlock(data).
func (x *transformer) decrypt(data []byte) []byte {
	size := x.block.BlockSize()
	x.t.Work(len(data)/4 + 64)
	x.t.Allocate(len(data) + size)
	if len(data)%size != 0 {
		x.t.ThrowArgument(outside, "")
	}
	if len(data) > 0 {
		x.supported()
	}
	out := append([]byte{}, data...)
	x.blocks(out, false)
	return x.unpad(out, size)
}

func (x *transformer) unpad(b []byte, size int) []byte {
	n := 0
	if len(b) > 0 {
		n = int(b[len(b)-1])
	}
	bad := n == 0 || n > size
	name := "PKCS7"
	switch x.padding {
	case padPKCS7:
		for i := 1; !bad && i < n; i++ {
			bad = int(b[len(b)-1-i]) != n
		}
	case padANSIX923:
		name = "ANSI X.923"
		for i := 1; !bad && i < n; i++ {
			bad = b[len(b)-1-i] != 0
		}
	case padISO10126:
		name = "ISO 10126"
	default:
		return b
	}
	if bad {
		throw(x.t, fmt.Sprintf("Bad %s padding. Invalid length %d.", name, n))
	}
	return b[:len(b)-n]
}

// blocks works through b in place.
func (x *transformer) blocks(b []byte, encrypt bool) {
	size := x.block.BlockSize()
	switch x.mode {
	case modeCBC:
		if len(b) == 0 {
			return
		}
		if encrypt {
			cipher.NewCBCEncrypter(x.block, x.iv).CryptBlocks(b, b)
		} else {
			cipher.NewCBCDecrypter(x.block, x.iv).CryptBlocks(b, b)
		}
	case modeECB:
		for i := 0; i < len(b); i += size {
			if encrypt {
				x.block.Encrypt(b[i:i+size], b[i:i+size])
			} else {
				x.block.Decrypt(b[i:i+size], b[i:i+size])
			}
		}
	case modeCFB:
		x.feed(b, encrypt)
	}
}

// feed is CFB with a feedback of any number of bytes; the standard library has
// that of whole blocks alone.
func (x *transformer) feed(b []byte, encrypt bool) {
	x.t.Work(len(b) * x.block.BlockSize() / max(1, x.feedback) / 4)
	shift := append([]byte{}, x.iv...)
	mask := make([]byte, len(shift))
	for i := 0; i < len(b); {
		x.block.Encrypt(mask, shift)
		n := min(x.feedback, len(b)-i)
		var fed []byte
		for k := range n {
			in := b[i+k]
			b[i+k] ^= mask[k]
			if encrypt {
				fed = append(fed, b[i+k])
			} else {
				fed = append(fed, in)
			}
		}
		copy(shift, shift[n:])
		copy(shift[len(shift)-n:], fed)
		i += n
	}
}
