package number

import (
	"encoding/binary"
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages that members for arrays share.
const (
	indexMessage    = "Index was out of range. Must be non-negative and less than the size of the collection."
	positiveMessage = "Value must be positive."
	tooShortMessage = "Destination array is not long enough to copy all the items in the collection. Check array index and length."
)

// bytesOf are the bytes of a byte[] in argument i.
func bytesOf(c *clr.Call, i int, name string) []byte {
	return c.NotNull(i, name).(*clr.ArrayObject).Bytes
}

// bitMembers are System.BitConverter's, little endian as on every machine that
// .NET runs on.
func bitMembers() funcs {
	const prefix = "System.BitConverter."
	out := funcs{
		prefix + "IsLittleEndian":             func(*clr.Call) clr.Value { return clr.Bool(true) },
		prefix + "DoubleToInt64Bits(double)":  func(c *clr.Call) clr.Value { return clr.Long(c.Args[0].Int()) },
		prefix + "Int64BitsToDouble(long)":    func(c *clr.Call) clr.Value { return clr.Value{N: c.Args[0].N, O: clr.Double} },
		prefix + "SingleToInt32Bits(float)":   func(c *clr.Call) clr.Value { return clr.Int(int32(singleBits(c.Args[0]))) },
		prefix + "Int32BitsToSingle(int)":     func(c *clr.Call) clr.Value { return singleOf(uint32(c.Args[0].N)) },
		prefix + "ToBoolean(byte[], int)":     func(c *clr.Call) clr.Value { return clr.Bool(readBits(c, 1) != 0) },
		prefix + "ToString(byte[])":           func(c *clr.Call) clr.Value { return hexText(c, 0, -1) },
		prefix + "ToString(byte[], int)":      func(c *clr.Call) clr.Value { return hexText(c, c.Int(1), -1) },
		prefix + "ToString(byte[], int, int)": func(c *clr.Call) clr.Value { return hexText(c, c.Int(1), c.Int(2)) },
	}
	for _, t := range []*clr.Type{clr.Boolean, clr.Char, clr.Int16, clr.UInt16, clr.Int32, clr.UInt32, clr.Int64, clr.UInt64, clr.Single, clr.Double} {
		size := sizeOf(t)
		out[prefix+"GetBytes("+word(t)+")"] = func(c *clr.Call) clr.Value {
			n := c.Args[0].N
			if t == clr.Single {
				n = uint64(singleBits(c.Args[0]))
			}
			var buf [8]byte
			binary.LittleEndian.PutUint64(buf[:], n)
			return c.BytesValue(append([]byte(nil), buf[:size]...))
		}
		if t == clr.Boolean {
			continue
		}
		out[prefix+"To"+t.Name+"(byte[], int)"] = func(c *clr.Call) clr.Value {
			n := readBits(c, size)
			if t == clr.Single {
				return singleOf(uint32(n))
			}
			if w, ok := widthOf(t); ok {
				n = w.wrap(n)
			}
			return clr.Value{N: n, O: t}
		}
	}
	return out
}

// sizeOf is how many bytes a value has.
func sizeOf(t *clr.Type) int {
	switch t {
	case clr.Boolean:
		return 1
	case clr.Single:
		return 4
	case clr.Double:
		return 8
	}
	w, _ := widthOf(t)
	return w.size / 8
}

func singleBits(v clr.Value) uint32 { return math.Float32bits(float32(v.Float())) }

func singleOf(bits uint32) clr.Value { return clr.Single32(math.Float32frombits(bits)) }

// readBits reads size bytes at the index in argument 1.
func readBits(c *clr.Call, size int) uint64 {
	b := bytesOf(c, 0, "value")
	i := c.Int(1)
	if i < 0 || i >= len(b) {
		c.ThrowRange("startIndex", indexMessage)
	}
	if i > len(b)-size {
		c.ThrowArgument(tooShortMessage, "value")
	}
	var buf [8]byte
	copy(buf[:], b[i:i+size])
	return binary.LittleEndian.Uint64(buf[:])
}

// hexText is BitConverter.ToString; a count below zero is given by nobody but
// the shorter forms, which mean the rest.
func hexText(c *clr.Call, from, count int) clr.Value {
	b := bytesOf(c, 0, "value")
	if len(c.Args) < 3 {
		count = len(b) - from
	}
	if from < 0 || from >= len(b) && from > 0 {
		c.ThrowRange("startIndex", indexMessage)
	}
	if count < 0 {
		c.ThrowRange("length", positiveMessage)
	}
	if from > len(b)-count {
		c.ThrowArgument(tooShortMessage, "value")
	}
	c.Work(count)
	c.Allocate(3 * count)
	text := make([]byte, 0, 3*count)
	for i, x := range b[from : from+count] {
		if i > 0 {
			text = append(text, '-')
		}
		text = append(text, upperHex[x>>4], upperHex[x&15])
	}
	return clr.Str(string(text))
}

const upperHex = "0123456789ABCDEF"
