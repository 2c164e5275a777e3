package crypto

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// algorithm is a hash function.
type algorithm struct {
	name string
	make func() hash.Hash
	size int // in bytes
	// block is how many bytes it takes at once, which is HMAC's key at most.
	block int
}

var (
	algMD5    = &algorithm{"MD5", md5.New, md5.Size, md5.BlockSize}
	algSHA1   = &algorithm{"SHA1", sha1.New, sha1.Size, sha1.BlockSize}
	algSHA256 = &algorithm{"SHA256", sha256.New, sha256.Size, sha256.BlockSize}
	algSHA384 = &algorithm{"SHA384", sha512.New384, sha512.Size384, sha512.BlockSize}
	algSHA512 = &algorithm{"SHA512", sha512.New, sha512.Size, sha512.BlockSize}
)

// algorithmNamed is the hash function of a HashAlgorithmName; nil: none.
func algorithmNamed(name string) *algorithm {
	for _, a := range []*algorithm{algSHA256, algSHA1, algMD5, algSHA384, algSHA512} {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	return nil
}

// hasher is a HashAlgorithm, with a key also a KeyedHashAlgorithm.
type hasher struct {
	t   *clr.Type
	alg *algorithm // nil: a name that means nothing was set
	// size is HashSize in bytes, which stays when the name is changed.
	size  int
	block int

	keyed bool
	key   []byte
	// legacy is ProduceLegacyHmacValues.
	legacy bool

	running hash.Hash // nil: nothing was hashed since the beginning
	// begun: blocks were transformed and the last one not.
	begun    bool
	value    []byte
	disposed bool
}

// Type is the class.
func (h *hasher) Type() *clr.Type { return h.t }

const hasherSize = 512

func newHasher(t *clr.Thread, of *clr.Type, a *algorithm) *hasher {
	t.Allocate(hasherSize)
	t.Work(16)
	return &hasher{t: of, alg: a, size: a.size, block: a.block}
}

func newMAC(t *clr.Thread, of *clr.Type, a *algorithm, key []byte) *hasher {
	h := newHasher(t, of, a)
	h.keyed = true
	h.setKey(t, key)
	return h
}

// setKey takes a key; one that is longer than a block is hashed.
func (h *hasher) setKey(t *clr.Thread, key []byte) {
	cost(t, len(key))
	if len(key) > h.block {
		d := h.alg.make()
		d.Write(key)
		key = d.Sum(nil)
	}
	t.Allocate(len(key))
	h.key = append([]byte{}, key...)
	h.running = nil
}

// cost is what hashing so many bytes takes.
func cost(t *clr.Thread, n int) { t.Work(n/32 + 32) }

// wideBlock is a hash whose block HMAC takes for another size, as .NET did once.
type wideBlock struct {
	hash.Hash
	block int
}

func (w wideBlock) BlockSize() int { return w.block }

// state is the hash that is under way.
func (h *hasher) state(t *clr.Thread) hash.Hash {
	if h.running == nil {
		t.Allocate(hasherSize)
		switch {
		case h.alg == nil:
			t.ThrowNull()
		case h.keyed:
			h.running = hmac.New(func() hash.Hash { return wideBlock{h.alg.make(), h.block} }, h.key)
		default:
			h.running = h.alg.make()
		}
	}
	return h.running
}

func (h *hasher) write(t *clr.Thread, b []byte) {
	s := h.state(t)
	cost(t, len(b))
	s.Write(b)
}

// finish is the hash of all that was written; the next one begins anew.
func (h *hasher) finish(t *clr.Thread) []byte {
	h.value = h.state(t).Sum(nil)
	t.Allocate(len(h.value))
	h.reset()
	h.begun = false
	return h.value
}

func (h *hasher) reset() {
	if h.running != nil {
		h.running.Reset()
	}
}

func (h *hasher) check(t *clr.Thread) {
	if h.disposed {
		t.Throw(clr.ObjectDisposedException, "Cannot access a disposed object.")
	}
}

func self(c *clr.Call) *hasher { return c.Args[0].O.(*hasher) }

// part is the part of a byte[] that two integers behind it give.
func part(c *clr.Call, i int, array, offset string) []byte {
	b := bytesArg(c, i, array)
	at, n := c.Int(i+1), c.Int(i+2)
	switch {
	case at < 0:
		c.ThrowRange(offset, notNegative)
	case n < 0 || n > len(b):
		c.ThrowArgument("Argument {0} should be larger than {1}.", "")
	case len(b)-n < at:
		c.ThrowArgument(outside, "")
	}
	return b[at : at+n]
}

func hashMembers() funcs {
	const key = space + ".HashAlgorithm"
	yes := func(*clr.Call) clr.Value { return clr.Bool(true) }
	one := func(*clr.Call) clr.Value { return clr.Int(1) }
	dispose := func(c *clr.Call) clr.Value {
		h := self(c)
		h.disposed, h.value, h.key = true, nil, nil
		return clr.Null
	}
	initialize := func(c *clr.Call) clr.Value {
		self(c).reset()
		return clr.Null
	}
	out := funcs{
		key + ".CanReuseTransform":          yes,
		key + ".CanTransformMultipleBlocks": yes,
		key + ".InputBlockSize":             one,
		key + ".OutputBlockSize":            one,
		key + ".Clear()":                    dispose,
		key + ".Dispose()":                  dispose,
		key + ".ComputeHash(byte[])": func(c *clr.Call) clr.Value {
			h := self(c)
			h.check(c.Thread)
			h.write(c.Thread, bytesArg(c, 1, "buffer"))
			return output(c.Thread, h.finish(c.Thread))
		},
		key + ".ComputeHash(byte[], int, int)": func(c *clr.Call) clr.Value {
			h := self(c)
			b := part(c, 1, "buffer", "offset")
			h.check(c.Thread)
			h.write(c.Thread, b)
			return output(c.Thread, h.finish(c.Thread))
		},
		key + ".Hash": func(c *clr.Call) clr.Value {
			h := self(c)
			h.check(c.Thread)
			if h.begun {
				c.Throw(unexpectedError, "Hash must be finalized before the hash value is retrieved.")
			}
			if h.value == nil {
				return clr.Null
			}
			return output(c.Thread, h.value)
		},
		key + ".HashSize": func(c *clr.Call) clr.Value { return clr.Int(int32(self(c).size * 8)) },
		key + ".TransformBlock(byte[], int, int, byte[], int)": transformBlock,
		key + ".TransformFinalBlock(byte[], int, int)": func(c *clr.Call) clr.Value {
			h := self(c)
			b := part(c, 1, "inputBuffer", "inputOffset")
			h.check(c.Thread)
			h.write(c.Thread, b)
			h.finish(c.Thread)
			return output(c.Thread, b)
		},
	}
	for _, name := range []string{"HashAlgorithm", "HMAC", "SHA1Managed", "SHA256Managed", "SHA384Managed", "SHA512Managed"} {
		out[space+"."+name+".Initialize()"] = initialize
	}
	return out
}

func transformBlock(c *clr.Call) clr.Value {
	h := self(c)
	b := part(c, 1, "inputBuffer", "inputOffset")
	h.check(c.Thread)
	h.begun = true
	h.write(c.Thread, b)
	if to, ok := c.Args[4].O.(*clr.ArrayObject); ok {
		at := c.Int(5)
		switch {
		case at < 0:
			c.ThrowRange("dstOffset", notNegative)
		case len(to.Bytes)-at < len(b):
			c.ThrowArgument(outside, "")
		}
		copy(to.Bytes[at:], b)
	}
	return clr.Int(int32(len(b)))
}
