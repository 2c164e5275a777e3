package text

import (
	"encoding/binary"
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// address is what an IPAddress holds: four bytes or sixteen.
type address struct {
	b     [16]byte
	six   bool
	scope uint32
}

// Address is a System.Net.IPAddress.
type Address struct{ a address }

var addressType = clr.Named("System.Net", "IPAddress", 0)

// Type is IPAddress.
func (*Address) Type() *clr.Type { return addressType }

func (a address) text() string {
	if !a.six {
		return string(appendDotted(nil, a.b[:4]))
	}
	var groups [8]uint16
	for i := range groups {
		groups[i] = binary.BigEndian.Uint16(a.b[2*i:])
	}
	b := make([]byte, 0, 48)
	n := 8
	embedded := hasV4(groups)
	if embedded {
		n = 6
	}
	from, to := zeroRun(groups[:n])
	for i := 0; i < n; i++ {
		if i == from {
			b = append(b, "::"...)
			i = to - 1
			continue
		}
		if i > 0 && i != to {
			b = append(b, ':')
		}
		b = strconv.AppendUint(b, uint64(groups[i]), 16)
	}
	if embedded {
		if to != n {
			b = append(b, ':')
		}
		b = appendDotted(b, a.b[12:])
	}
	if a.scope != 0 {
		b = strconv.AppendUint(append(b, '%'), uint64(a.scope), 10)
	}
	return string(b)
}

func appendDotted(b, four []byte) []byte {
	for i, c := range four {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(c), 10)
	}
	return b
}

// hasV4 reports that the last two groups are written as IPv4: compatible,
// mapped, translated and ISATAP addresses.
func hasV4(g [8]uint16) bool {
	if g[0]|g[1]|g[2]|g[3] == 0 && g[6] != 0 {
		if g[4] == 0 && (g[5] == 0 || g[5] == 0xFFFF) || g[4] == 0xFFFF && g[5] == 0 {
			return true
		}
	}
	return g[4] == 0 && g[5] == 0x5EFE
}

// zeroRun is the longest run of zeros that is worth a "::"; -1: there is none.
func zeroRun(groups []uint16) (from, to int) {
	from, to = -1, -1
	for i := 0; i < len(groups); i++ {
		j := i
		for j < len(groups) && groups[j] == 0 {
			j++
		}
		if j-i >= 2 && j-i > to-from {
			from, to = i, j
		}
		i = max(i, j-1)
	}
	return from, to
}

func (a address) loopback() bool {
	if !a.six {
		return a.b[0] == 127
	}
	return a.b == [16]byte{15: 1}
}

var addressHooks = &clr.Hooks{
	Text: func(_ *clr.Thread, v clr.Value) string { return v.O.(*Address).a.text() },
	Equal: func(_ *clr.Thread, v, o clr.Value) bool {
		x, ok := o.O.(*Address)
		return ok && x.a == v.O.(*Address).a
	},
	Hash: func(t *clr.Thread, v clr.Value) uint64 { return t.Hash(clr.Str(v.O.(*Address).a.text())) },
}

// mostAddress is longer than any address; a longer text is none.
const mostAddress = 1 << 12

func readAddress(c *clr.Call, s string) clr.Value {
	c.Allocate(64 + len(s))
	if len(s) > mostAddress {
		return clr.Null
	}
	if a, ok := parseAddress(s); ok {
		return clr.Obj(&Address{a})
	}
	return clr.Null
}

var addressMembers = map[string]clr.Func{
	"System.Net.IPAddress.Parse(string)": func(c *clr.Call) clr.Value {
		v := readAddress(c, c.Text(0, "ipString"))
		if v.IsNull() {
			panic(&clr.Thrown{
				T: clr.FormatException, Message: "An invalid IP address was specified.",
				Inner: &clr.Thrown{T: clr.SocketException, Message: "Invalid arguments"},
			})
		}
		return v
	},
	"System.Net.IPAddress.TryParse(string, out IPAddress)": func(c *clr.Call) clr.Value {
		v := readAddress(c, c.Args[0].S)
		c.Ref(1).Set(v)
		return clr.Bool(!v.IsNull())
	},
	"System.Net.IPAddress.IsLoopback(IPAddress)": func(c *clr.Call) clr.Value {
		return clr.Bool(c.NotNull(0, "address").(*Address).a.loopback())
	},
	"System.Net.IPAddress.AddressFamily": func(c *clr.Call) clr.Value {
		if c.Args[0].O.(*Address).a.six {
			return clr.Number(c.Result, 23)
		}
		return clr.Number(c.Result, 2)
	},
	"System.Net.IPAddress.GetAddressBytes()": func(c *clr.Call) clr.Value {
		a := c.Args[0].O.(*Address).a
		if a.six {
			return c.BytesValue(a.b[:])
		}
		return c.BytesValue(a.b[:4:4])
	},
	"System.Net.IPAddress.Equals(object)": func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
	"System.Net.IPAddress.ToString()":     func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Address).a.text()) },
}
