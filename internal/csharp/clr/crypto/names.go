package crypto

import (
	"math/big"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// hashName is a HashAlgorithmName: its name in S; N is 1 where it has one.
func hashName(name string) clr.Value { return clr.Value{N: 1, S: name, O: hashNameType} }

func hashNameMembers() funcs {
	const key = space + ".HashAlgorithmName"
	out := funcs{
		"new " + key + "(string)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Value{O: hashNameType}
			}
			return hashName(c.Args[0].S)
		},
		key + ".Equals(HashAlgorithmName)": equals,
		key + ".Equals(object)":            equals,
		key + ".GetHashCode()": func(c *clr.Call) clr.Value {
			if c.Args[0].N == 0 {
				return clr.Int(0)
			}
			return hashCode(c)
		},
		key + ".Name": func(c *clr.Call) clr.Value {
			if c.Args[0].N == 0 {
				return clr.Null
			}
			return clr.Str(c.Args[0].S)
		},
		key + ".ToString()": toString,
		key + ".operator !=(HashAlgorithmName, HashAlgorithmName)": notEquals,
		key + ".operator ==(HashAlgorithmName, HashAlgorithmName)": equals,
	}
	for _, a := range []*algorithm{algMD5, algSHA1, algSHA256, algSHA384, algSHA512} {
		out[key+"."+a.name] = func(*clr.Call) clr.Value { return hashName(a.name) }
	}
	return out
}

// oid is an Oid; both may be null.
type oid struct{ value, friendly clr.Value }

// Type is Oid.
func (*oid) Type() *clr.Type { return oidType }

func friendlyOf(value string) clr.Value {
	for _, o := range oids {
		if o[0] == value {
			return clr.Str(o[1])
		}
	}
	return clr.Null
}

func valueOf(friendly string) clr.Value {
	for _, o := range oids {
		if strings.EqualFold(o[1], friendly) {
			return clr.Str(o[0])
		}
	}
	return clr.Null
}

// newOid is an Oid of a number.
func newOid(t *clr.Thread, value string) clr.Value {
	t.Allocate(96)
	return clr.Obj(&oid{clr.Str(value), friendlyOf(value)})
}

func oidMembers() funcs {
	const key = space + ".Oid"
	self := func(c *clr.Call) *oid { return c.Args[0].O.(*oid) }
	return funcs{
		"new " + key + "()": func(c *clr.Call) clr.Value {
			c.Allocate(96)
			return clr.Obj(&oid{})
		},
		"new " + key + "(Oid)": func(c *clr.Call) clr.Value {
			o := *c.NotNull(0, "oid").(*oid)
			c.Allocate(96)
			return clr.Obj(&o)
		},
		"new " + key + "(string)": func(c *clr.Call) clr.Value {
			s := c.Text(0, "friendlyName")
			v := valueOf(s)
			if v.O == nil {
				v = clr.Str(s)
			}
			c.Allocate(96)
			return clr.Obj(&oid{value: v})
		},
		"new " + key + "(string, string)": func(c *clr.Call) clr.Value {
			c.Allocate(96)
			return clr.Obj(&oid{c.Args[0], c.Args[1]})
		},
		key + ".FriendlyName": func(c *clr.Call) clr.Value {
			o := self(c)
			if o.friendly.O == nil && o.value.O != nil {
				o.friendly = friendlyOf(o.value.S)
			}
			return o.friendly
		},
		key + ".FriendlyName=": func(c *clr.Call) clr.Value {
			o := self(c)
			o.friendly = c.Args[1]
			if o.friendly.O != nil {
				if v := valueOf(o.friendly.S); v.O != nil {
					o.value = v
				}
			}
			return clr.Null
		},
		key + ".Value": func(c *clr.Call) clr.Value { return self(c).value },
		key + ".Value=": func(c *clr.Call) clr.Value {
			self(c).value = c.Args[1]
			return clr.Null
		},
	}
}

// rng is an RNGCryptoServiceProvider.
type rng struct{}

// Type is RNGCryptoServiceProvider.
func (*rng) Type() *clr.Type { return randomType }

func randomMembers() funcs {
	const key = space + ".RNGCryptoServiceProvider"
	build := func(c *clr.Call) clr.Value { return clr.Obj(&rng{}) }
	return funcs{
		"new " + key + "()":       build,
		"new " + key + "(byte[])": build,
		"new " + key + "(string)": build,
		key + ".Dispose()":        func(*clr.Call) clr.Value { return clr.Null },
		key + ".GetBytes(byte[])": func(c *clr.Call) clr.Value {
			b := bytesArg(c, 1, "data")
			copy(b, random(c.Thread, len(b)))
			return clr.Null
		},
		key + ".GetBytes(byte[], int, int)": func(c *clr.Call) clr.Value {
			b := bytesArg(c, 1, "data")
			at, n := c.Int(2), c.Int(3)
			switch {
			case at < 0:
				c.ThrowRange("offset", notNegative)
			case n < 0:
				c.ThrowRange("count", notNegative)
			case n > len(b)-at:
				c.ThrowArgument(outside, "")
			}
			copy(b[at:at+n], random(c.Thread, n))
			return clr.Null
		},
		key + ".GetNonZeroBytes(byte[])": func(c *clr.Call) clr.Value {
			b := bytesArg(c, 1, "data")
			for i := 0; i < len(b); {
				for _, r := range random(c.Thread, len(b)-i) {
					if r != 0 {
						b[i] = r
						i++
					}
				}
			}
			return clr.Null
		},
		key + ".GetInt32(int)": func(c *clr.Call) clr.Value {
			if c.Args[0].Int() <= 0 {
				c.ThrowRange("toExclusive", "Positive number required.")
			}
			return between(c, 0, c.Args[0].Int())
		},
		key + ".GetInt32(int, int)": func(c *clr.Call) clr.Value {
			if c.Args[0].Int() >= c.Args[1].Int() {
				c.ThrowArgument("Range of random number does not contain at least one possibility.", "")
			}
			return between(c, c.Args[0].Int(), c.Args[1].Int())
		},
	}
}

// between is a random number of [from, to), each as likely as another.
func between(c *clr.Call, from, to int64) clr.Value {
	n := new(big.Int).SetBytes(random(c.Thread, 16)) // the bias is below 2^-96
	n.Mod(n, big.NewInt(to-from))
	return clr.Int(int32(from + n.Int64()))
}
