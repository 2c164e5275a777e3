package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// schemeNames are the fields Uri.UriScheme….
func schemeNames() map[string]clr.Func {
	out := map[string]clr.Func{"System.Uri.SchemeDelimiter": func(*clr.Call) clr.Value { return clr.Str("://") }}
	for field, name := range map[string]string{
		"File": "file", "Ftp": "ftp", "Gopher": "gopher", "Http": "http", "Https": "https", "Mailto": "mailto",
		"NetPipe": "net.pipe", "NetTcp": "net.tcp", "News": "news", "Nntp": "nntp",
	} {
		out["System.Uri.UriScheme"+field] = func(*clr.Call) clr.Value { return clr.Str(name) }
	}
	return out
}

// escaping makes EscapeDataString or EscapeUriString.
func escaping(plain *[128]bool) clr.Func {
	return func(c *clr.Call) clr.Value {
		s := c.Text(0, "stringToEscape")
		c.Allocate(3 * len(s))
		c.Work(len(s) / 8)
		if length(c.Thread, s) >= mostURI {
			c.Throw(clr.UriFormatException, string(uriTooLong))
		}
		out, ok := EscapeData(s, plain)
		if !ok {
			c.Throw(clr.UriFormatException, string(uriBadSequence))
		}
		return clr.Str(out)
	}
}

// equalOperator is operator ==.
func equalOperator(c *clr.Call) bool {
	u, ok := c.Args[0].O.(*Uri)
	v, ok2 := c.Args[1].O.(*Uri)
	if !ok || !ok2 {
		return !ok && !ok2
	}
	charge(c.Thread, u.original)
	return u.same(v)
}

func hexDigit(u uint64) bool { return u < 0x80 && isHex(byte(u)) }

var uriStaticMembers = join(schemeNames(), map[string]clr.Func{
	"System.Uri.EscapeDataString(string)": escaping(&dataPlain),
	"System.Uri.EscapeUriString(string)":  escaping(&uriPlain),
	"System.Uri.UnescapeDataString(string)": func(c *clr.Call) clr.Value {
		s := c.Text(0, "stringToUnescape")
		if strings.IndexByte(s, '%') < 0 {
			c.Work(len(s) / 64)
			return c.Args[0]
		}
		c.Allocate(len(s))
		c.Work(len(s) / 8)
		return clr.Str(unescapeAll(s))
	},
	"System.Uri.CheckHostName(string)": func(c *clr.Call) clr.Value {
		c.Work(len(c.Args[0].S))
		c.Allocate(4 * len(c.Args[0].S))
		return clr.Number(c.Result, int64(checkHostName(c.Args[0].S)))
	},
	"System.Uri.CheckSchemeName(string)": func(c *clr.Call) clr.Value { return clr.Bool(isScheme(c.Args[0].S)) },
	"System.Uri.IsWellFormedUriString(string, UriKind)": func(c *clr.Call) clr.Value {
		if c.Args[0].O == nil {
			return clr.Bool(false)
		}
		kind := kindOf(c, 1)
		charge(c.Thread, c.Args[0].S)
		u, err := parseURI(c.Args[0].S, kind, false)
		return clr.Bool(err == uriFine && u.wellFormed())
	},
	"System.Uri.operator ==(Uri, Uri)": func(c *clr.Call) clr.Value { return clr.Bool(equalOperator(c)) },
	"System.Uri.operator !=(Uri, Uri)": func(c *clr.Call) clr.Value { return clr.Bool(!equalOperator(c)) },
	"System.Uri.Compare(Uri, Uri, UriComponents, UriFormat, StringComparison)": func(c *clr.Call) clr.Value {
		u, _ := c.Args[0].O.(*Uri)
		v, _ := c.Args[1].O.(*Uri)
		switch {
		case u == nil && v == nil:
			return clr.Int(0)
		case u == nil:
			return clr.Int(-1)
		case v == nil:
			return clr.Int(1)
		case !u.absolute() || !v.absolute():
			if u.absolute() {
				return clr.Int(1)
			}
			if v.absolute() {
				return clr.Int(-1)
			}
			return clr.Int(int32(partComparison(c).compare(c.Thread, u.original, v.original)))
		}
		a, b := components(c, u, c.Args[2].Int(), c.Int(3)), components(c, v, c.Args[2].Int(), c.Int(3))
		return clr.Int(int32(partComparison(c).compare(c.Thread, a, b)))
	},

	"System.Uri.IsHexDigit(char)": func(c *clr.Call) clr.Value { return clr.Bool(hexDigit(c.Args[0].N)) },
	"System.Uri.FromHex(char)": func(c *clr.Call) clr.Value {
		if !hexDigit(c.Args[0].N) {
			c.ThrowArgument("digit", "")
		}
		n, _ := hexValue(byte(c.Args[0].N))
		return clr.Int(int32(n))
	},
	"System.Uri.HexEscape(char)": func(c *clr.Call) clr.Value {
		n := c.Args[0].N
		if n > 0xFF {
			c.ThrowRange("character", rangeMessage)
		}
		return clr.Str("%" + upperHex[n>>4:n>>4+1] + upperHex[n&15:n&15+1])
	},
	"System.Uri.IsHexEncoding(string, int)": func(c *clr.Call) clr.Value {
		_, ok := encodedAt(c, c.Int(1))
		return clr.Bool(ok)
	},
	"System.Uri.HexUnescape(string, ref int)": func(c *clr.Call) clr.Value {
		i := int(c.Ref(1).Get().Int())
		if c.Args[0].O == nil {
			c.ThrowNull()
		}
		s := c.Args[0].S
		if i < 0 || i >= length(c.Thread, s) {
			c.ThrowRange("index", rangeMessage)
		}
		if v, ok := encodedAt(c, i); ok {
			c.Ref(1).Set(clr.Int(int32(i + 3)))
			return clr.CharOf(uint16(v))
		}
		c.Ref(1).Set(clr.Int(int32(i + 1)))
		return clr.CharOf(clr.CharAt(s, i))
	},
})

// partComparison is the comparison of Compare.
func partComparison(c *clr.Call) comparison {
	bareComparison(c, 4)
	return comparisonOf(c, 4)
}

// encodedAt is the %XX at a place of the first argument.
func encodedAt(c *clr.Call, i int) (byte, bool) {
	if c.Args[0].O == nil {
		c.ThrowNull()
	}
	s := c.Args[0].S
	if i < 0 || length(c.Thread, s)-i < 3 {
		return 0, false
	}
	return hexByte(slice(s, i, i+3))
}
