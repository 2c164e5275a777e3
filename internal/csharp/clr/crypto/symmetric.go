package crypto

import "github.com/cloister-ai/cloister/internal/csharp/clr"

const (
	badKeySize  = "Specified key is not a valid size for this algorithm."
	badBlock    = "Specified block size is not valid for this algorithm."
	badFeedback = "Specified feedback size is invalid."
	badIV       = "Specified initialization vector (IV) does not match the block size for this algorithm."
)

// symmetric is a SymmetricAlgorithm; its sizes are in bits.
type symmetric struct {
	class                    *cipherClass
	keySize, block, feedback int
	mode, padding            int
	key, iv                  []byte
}

// Type is the class.
func (s *symmetric) Type() *clr.Type { return s.class.t }

func (k *cipherClass) create(t *clr.Thread) *symmetric {
	t.Allocate(256)
	return &symmetric{class: k, keySize: k.keySize, block: k.block, feedback: k.feedback, mode: modeCBC, padding: padPKCS7}
}

// needKey makes a key where there is none.
func (s *symmetric) needKey(t *clr.Thread) []byte {
	for s.key == nil {
		if k := random(t, s.keySize/8); s.class.weak == nil || !s.class.weak(k) {
			s.key = k
		}
	}
	return s.key
}

func (s *symmetric) needIV(t *clr.Thread) []byte {
	if s.iv == nil {
		s.iv = random(t, s.block/8)
	}
	return s.iv
}

// transformer is CreateEncryptor(key, iv), or CreateDecryptor.
func (s *symmetric) transformer(t *clr.Thread, key, iv []byte) *transformer {
	t.Allocate(1024)
	t.Work(64)
	if !s.class.keys.has(len(key) * 8) {
		if s.class.weak == nil {
			tooSmall := "Key is too small ("
			if len(key)*8 > s.class.keys.min {
				tooSmall = "Key is too big ("
			}
			throw(t, tooSmall+itoa(len(key))+" bytes), it should be 16, 24 or 32 bytes long.")
		}
		throw(t, badKeySize)
	}
	s.strong(t, key)
	size := s.block / 8
	switch {
	case s.mode == modeECB:
	case iv == nil:
		iv = random(t, size)
	case len(iv) < size:
		throw(t, "IV is too small ("+itoa(len(iv))+" bytes), it should be "+itoa(size)+" bytes long.")
	}
	if len(iv) > size {
		iv = iv[:size]
	}
	if s.block != s.class.blocks.min {
		throw(t, badBlock) // Rijndael with more than AES has
	}
	b, err := s.class.make(key)
	if err != nil {
		throw(t, badKeySize)
	}
	return &transformer{t: t, block: b, iv: iv, mode: s.mode, padding: s.padding, feedback: s.feedback / 8}
}

func (s *symmetric) strong(t *clr.Thread, key []byte) {
	if s.class.weak != nil && s.class.weak(key) {
		throw(t, "Specified key is a known weak key for '"+s.class.name+"' and cannot be used.")
	}
}

func symmetricMembers() funcs {
	const key = space + ".SymmetricAlgorithm"
	self := func(c *clr.Call) *symmetric { return c.Args[0].O.(*symmetric) }
	nothing := func(*clr.Call) clr.Value { return clr.Null }
	return funcs{
		key + ".Create(string)": factory(func(o clr.Object) bool {
			_, ok := o.(*symmetric)
			return ok
		}),
		key + ".Clear()":   nothing,
		key + ".Dispose()": nothing,
		key + ".BlockSize": func(c *clr.Call) clr.Value { return clr.Int(int32(self(c).block)) },
		key + ".BlockSize=": func(c *clr.Call) clr.Value {
			s, n := self(c), c.Int(1)
			if !s.class.blocks.has(n) {
				throw(c.Thread, badBlock)
			}
			if n != s.block {
				s.block, s.iv = n, nil
			}
			return clr.Null
		},
		key + ".FeedbackSize": func(c *clr.Call) clr.Value { return clr.Int(int32(self(c).feedback)) },
		key + ".FeedbackSize=": func(c *clr.Call) clr.Value {
			n := int(int32(c.Args[1].N))
			if n <= 0 || n > self(c).block || n%8 != 0 {
				throw(c.Thread, badFeedback)
			}
			self(c).feedback = n
			return clr.Null
		},
		key + ".GenerateIV()": func(c *clr.Call) clr.Value {
			self(c).iv = random(c.Thread, self(c).block/8)
			return clr.Null
		},
		key + ".GenerateKey()": func(c *clr.Call) clr.Value {
			self(c).key = nil
			self(c).needKey(c.Thread)
			return clr.Null
		},
		key + ".IV": func(c *clr.Call) clr.Value { return output(c.Thread, self(c).needIV(c.Thread)) },
		key + ".IV=": func(c *clr.Call) clr.Value {
			b := bytesArg(c, 1, "value")
			if len(b) != self(c).block/8 {
				throw(c.Thread, badIV)
			}
			self(c).iv = append([]byte{}, b...)
			return clr.Null
		},
		key + ".Key": func(c *clr.Call) clr.Value { return output(c.Thread, self(c).needKey(c.Thread)) },
		key + ".Key=": func(c *clr.Call) clr.Value {
			s, b := self(c), bytesArg(c, 1, "value")
			if !s.class.keys.has(len(b) * 8) {
				if s.class.t == desType {
					c.ThrowArgument(badKeySize, "")
				}
				throw(c.Thread, badKeySize)
			}
			s.strong(c.Thread, b)
			s.key, s.keySize = append([]byte{}, b...), len(b)*8
			return clr.Null
		},
		key + ".KeySize": func(c *clr.Call) clr.Value { return clr.Int(int32(self(c).keySize)) },
		key + ".KeySize=": func(c *clr.Call) clr.Value {
			if !self(c).class.keys.has(c.Int(1)) {
				throw(c.Thread, badKeySize)
			}
			self(c).keySize, self(c).key = c.Int(1), nil
			return clr.Null
		},
		key + ".Mode":     func(c *clr.Call) clr.Value { return clr.Number(cipherModeType, int64(self(c).mode)) },
		key + ".Mode=":    setMode,
		key + ".Padding":  func(c *clr.Call) clr.Value { return clr.Number(paddingType, int64(self(c).padding)) },
		key + ".Padding=": setPadding,
		key + ".ValidKeySize(int)": func(c *clr.Call) clr.Value {
			return clr.Bool(self(c).class.keys.has(c.Int(1)))
		},
	}
}

func setMode(c *clr.Call) clr.Value {
	s, n := c.Args[0].O.(*symmetric), c.Int(1)
	switch {
	case n == modeCTS && s.class.t == aesType:
		throw(c.Thread, "CTS is not supported")
	case n < modeCBC || n >= modeCTS, s.class.t == aesManagedType && n > modeECB:
		throw(c.Thread, "Specified cipher mode is not valid for this algorithm.")
	}
	s.mode = n
	return clr.Null
}

func setPadding(c *clr.Call) clr.Value {
	n := c.Int(1)
	if n < padNone || n > padISO10126 {
		throw(c.Thread, "Specified padding mode is not valid for this algorithm.")
	}
	c.Args[0].O.(*symmetric).padding = n
	return clr.Null
}

// contextMembers are the methods of byte[] and of certificates that Azure adds.
func contextMembers() funcs {
	const key = "ContextExtensions."
	named := func(c *clr.Call) *symmetric {
		v := lookup(c.Thread, c.Text(1, "name"))
		if v.O == nil {
			c.ThrowNull()
		}
		s, ok := v.O.(*symmetric)
		if !ok {
			c.Throw(clr.InvalidCastException, "Specified cast is not valid.")
		}
		return s
	}
	given := func(c *clr.Call) *symmetric {
		s, ok := c.Args[1].O.(*symmetric)
		if !ok {
			c.ThrowNull()
		}
		return s
	}
	run := func(find func(c *clr.Call) *symmetric, x func(x *transformer, data []byte) []byte) clr.Func {
		return func(c *clr.Call) clr.Value {
			s := find(c)
			var k, iv []byte
			if len(c.Args) > 2 {
				if k = optional(c.Args[2]); k == nil {
					throw(c.Thread, "key is null")
				}
				iv = optional(c.Args[3])
			} else {
				k, iv = s.needKey(c.Thread), s.needIV(c.Thread)
			}
			t := s.transformer(c.Thread, k, iv)
			if c.Args[0].O == nil {
				c.ThrowNull()
			}
			return c.BytesValue(x(t, optional(c.Args[0])))
		}
	}
	encrypt, decrypt := (*transformer).encrypt, (*transformer).decrypt
	return funcs{
		key + "Encrypt(byte[], string, byte[], byte[])":             run(named, encrypt),
		key + "Encrypt(byte[], SymmetricAlgorithm)":                 run(given, encrypt),
		key + "Encrypt(byte[], SymmetricAlgorithm, byte[], byte[])": run(given, encrypt),
		key + "Decrypt(byte[], string, byte[], byte[])":             run(named, decrypt),
		key + "Decrypt(byte[], SymmetricAlgorithm)":                 run(given, decrypt),
		key + "Decrypt(byte[], SymmetricAlgorithm, byte[], byte[])": run(given, decrypt),
	}
}

// optional is a byte[], nil for null.
func optional(v clr.Value) []byte {
	a, ok := v.O.(*clr.ArrayObject)
	if !ok {
		return nil
	}
	if a.Bytes == nil {
		return []byte{}
	}
	return a.Bytes
}
