package clock

import (
	"encoding/binary"
	"io"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages of Guids that are made of bytes.
const (
	guidOf16 = "Byte array for GUID must be exactly 16 bytes long."
	guidOf8  = "Byte array for GUID must be exactly 8 bytes long."
)

func guids() map[string]clr.Func {
	return map[string]clr.Func{
		"new System.Guid(string)": func(c *clr.Call) clr.Value { return parseGuid(c, 0, "g", ParseGuid) },
		"new System.Guid(byte[])": func(c *clr.Call) clr.Value { return newGuid(c, 0, "b", guidOf16, 0) },
		"new System.Guid(int, short, short, byte[])": func(c *clr.Call) clr.Value {
			return newGuid(c, 3, "d", guidOf8, 8)
		},
		"new System.Guid(int, short, short, byte, byte, byte, byte, byte, byte, byte, byte)":    newGuidOfParts,
		"new System.Guid(uint, ushort, ushort, byte, byte, byte, byte, byte, byte, byte, byte)": newGuidOfParts,

		"System.Guid.Empty":     func(*clr.Call) clr.Value { return GuidOf([16]byte{}) },
		"System.Guid.NewGuid()": func(c *clr.Call) clr.Value { return NewGuid(c.Thread) },
		"System.Guid.Parse(string)": func(c *clr.Call) clr.Value {
			return parseGuid(c, 0, "input", readGuid)
		},
		"System.Guid.ParseExact(string, string)": func(c *clr.Call) clr.Value {
			c.NotNull(0, "input")
			format := c.Text(1, "format")
			return parseGuid(c, 0, "input", func(s string) ([16]byte, *Problem) { return readGuidExact(s, format) })
		},
		"System.Guid.TryParse(string, out Guid)": func(c *clr.Call) clr.Value {
			return tryGuid(c, 1, c.Args[0].IsNull(), readGuid)
		},
		"System.Guid.TryParseExact(string, string, out Guid)": func(c *clr.Call) clr.Value {
			null := c.Args[0].IsNull() || c.Args[1].IsNull()
			return tryGuid(c, 2, null, func(s string) ([16]byte, *Problem) { return readGuidExact(s, c.Args[1].S) })
		},
		"System.Guid.ToByteArray()": func(c *clr.Call) clr.Value {
			b := GuidBytes(c.Args[0])
			return c.BytesValue(append([]byte(nil), b[:]...))
		},
		"System.Guid.ToString()":       func(c *clr.Call) clr.Value { return c.New(guidText(c.Thread, c.Args[0], "")) },
		"System.Guid.ToString(string)": func(c *clr.Call) clr.Value { return c.New(guidText(c.Thread, c.Args[0], c.Args[1].S)) },

		"System.Guid.CompareTo(Guid)":         func(c *clr.Call) clr.Value { return clr.Int(int32(compareGuids(c.Args[0], c.Args[1]))) },
		"System.Guid.CompareTo(object)":       compareObject("GUID", "value"),
		"System.Guid.Equals(Guid)":            func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].S == c.Args[1].S) },
		"System.Guid.Equals(object)":          equalObject,
		"System.Guid.GetHashCode()":           hashValue,
		"System.Guid.operator ==(Guid, Guid)": func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].S == c.Args[1].S) },
		"System.Guid.operator !=(Guid, Guid)": func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].S != c.Args[1].S) },
	}
}

func guidHooks() *clr.Hooks {
	return &clr.Hooks{
		Text:    func(t *clr.Thread, v clr.Value) string { return guidText(t, v, "") },
		Format:  guidText,
		Equal:   func(_ *clr.Thread, v, o clr.Value) bool { return o.Is(clr.Guid) && v.S == o.S },
		Hash:    func(_ *clr.Thread, v clr.Value) uint64 { return uint64(int64(guidHash(GuidBytes(v)))) },
		Compare: func(_ *clr.Thread, v, o clr.Value) int { return compareGuids(v, o) },
	}
}

// NewGuid is Guid.NewGuid(): random, version 4.
func NewGuid(t *clr.Thread) clr.Value {
	var b [16]byte
	if _, err := io.ReadFull(t.Random, b[:]); err != nil {
		panic("clock: the source of randomness failed: " + err.Error())
	}
	b[7] = b[7]&0x0F | 0x40
	b[8] = b[8]&0x3F | 0x80
	return GuidOf(b)
}

// guidText is v.ToString(format).
func guidText(t *clr.Thread, v clr.Value, format string) string {
	s, p := FormatGuid(GuidBytes(v), format)
	if p != nil {
		Throw(t, p)
	}
	return s
}

// readGuid and readGuidExact are what Parse does: there numbers that are too
// large are only a wrong format.
func readGuid(s string) ([16]byte, *Problem) {
	g, p := ParseGuid(s)
	return g, onlyFormat(p)
}

func readGuidExact(s, format string) ([16]byte, *Problem) {
	g, p := ParseGuidExact(s, format)
	return g, onlyFormat(p)
}

func onlyFormat(p *Problem) *Problem {
	if p != nil && p.Type == clr.OverflowException {
		return badFormat(guidUnknown)
	}
	return p
}

func parseGuid(c *clr.Call, i int, name string, read func(string) ([16]byte, *Problem)) clr.Value {
	s := c.Text(i, name)
	c.Work(len(s))
	c.Allocate(len(s))
	g, p := read(s)
	check(c, p)
	return GuidOf(g)
}

func tryGuid(c *clr.Call, out int, null bool, read func(string) ([16]byte, *Problem)) clr.Value {
	v, ok := GuidOf([16]byte{}), false
	if !null {
		c.Work(len(c.Args[0].S))
		c.Allocate(len(c.Args[0].S))
		if g, p := read(c.Args[0].S); p == nil {
			v, ok = GuidOf(g), true
		}
	}
	c.Ref(out).Set(v)
	return clr.Bool(ok)
}

// newGuid is the Guid of numbers before argument i and of the bytes in it,
// which lie from so many bytes on.
func newGuid(c *clr.Call, i int, name, length string, from int) clr.Value {
	given := c.NotNull(i, name).(*clr.ArrayObject)
	if given.Len() != 16-from {
		c.ThrowArgument(length, name)
	}
	var b [16]byte
	if from > 0 {
		putNumbers(&b, c)
	}
	for j := range given.Len() {
		b[from+j] = byte(given.At(j).N)
	}
	return GuidOf(b)
}

func newGuidOfParts(c *clr.Call) clr.Value {
	var b [16]byte
	putNumbers(&b, c)
	for j := range 8 {
		b[8+j] = byte(c.Args[3+j].N)
	}
	return GuidOf(b)
}

// putNumbers sets the first half from the first three arguments.
func putNumbers(b *[16]byte, c *clr.Call) {
	binary.LittleEndian.PutUint32(b[0:], uint32(c.Args[0].N))
	binary.LittleEndian.PutUint16(b[4:], uint16(c.Args[1].N))
	binary.LittleEndian.PutUint16(b[6:], uint16(c.Args[2].N))
}

// compareGuids compares the numbers that Guids are made of, in their order.
func compareGuids(v, o clr.Value) int {
	a, b := GuidBytes(v), GuidBytes(o)
	for _, at := range guidOrder {
		if n := compare(int(a[at]), int(b[at])); n != 0 {
			return n
		}
	}
	return 0
}

// guidHash is .NET's hash code.
func guidHash(b [16]byte) int32 {
	n := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	return int32(n(0) ^ n(4) ^ n(8) ^ n(12))
}
