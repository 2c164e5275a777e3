package text

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const upperHex = "0123456789ABCDEF"

// urlSafe are the bytes that WebUtility.UrlEncode leaves; a space becomes +.
var urlSafe = func() (out [256]bool) {
	for _, c := range base64Alphabet[:62] + "-_.!*()" {
		out[c] = true
	}
	return out
}()

// urlEncode encodes bytes.
func urlEncode(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, c := range b {
		switch {
		case urlSafe[c]:
			out = append(out, c)
		case c == ' ':
			out = append(out, '+')
		default:
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return out
}

// UrlEncode is WebUtility.UrlEncode(s).
func UrlEncode(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = urlSafe[s[i]]
	}
	if plain {
		return s
	}
	return string(urlEncode(utf8Codec{}.encode(s)))
}

func hexValue(c byte) (v byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// hexByte is the byte that %XX at the beginning of s stands for.
func hexByte[T string | []byte](s T) (c byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok1 := hexValue(s[1])
	low, ok2 := hexValue(s[2])
	return high<<4 | low, ok1 && ok2
}

// UrlDecode is WebUtility.UrlDecode(s). Encoded bytes that stand together are
// UTF-8; characters beyond ASCII stay as they are.
func UrlDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	from := 0 // where bytes begin that may be wrong
	flush := func() {
		if !utf8.Valid(out[from:]) {
			out = append(out[:from], utf8Codec{}.decode(append([]byte(nil), out[from:]...))...)
		}
		from = len(out)
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if b, ok := hexByte(s[i:]); ok {
			out = append(out, b)
			i += 2
			continue
		}
		switch {
		case c == '+':
			out = append(out, ' ')
		case c < utf8.RuneSelf:
			out = append(out, c)
		default:
			flush()
			for i < len(s) && s[i] >= utf8.RuneSelf {
				out = append(out, s[i])
				i++
			}
			i--
			from = len(out)
		}
	}
	flush()
	return string(out)
}

func urlDecodeBytes(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '+' {
			c = ' '
		} else if v, ok := hexByte(b[i:]); ok {
			c = v
			i += 2
		}
		out = append(out, c)
	}
	return out
}

// HtmlEncode is WebUtility.HtmlEncode(s). From U+00A0 on every character becomes
// a number.
func HtmlEncode(s string) string {
	out := make([]byte, 0, len(s)+len(s)/4)
	for len(s) > 0 {
		r, n := clr.Decode(s)
		s = s[n:]
		switch {
		case r == '<':
			out = append(out, "&lt;"...)
		case r == '>':
			out = append(out, "&gt;"...)
		case r == '"':
			out = append(out, "&quot;"...)
		case r == '\'':
			out = append(out, "&#39;"...)
		case r == '&':
			out = append(out, "&amp;"...)
		case r >= 0xD800 && r <= 0xDFFF:
			out = append(out, "\uFFFD"...)
		case r >= 0xA0:
			out = append(strconv.AppendInt(append(out, "&#"...), int64(r), 10), ';')
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

// HtmlDecode is WebUtility.HtmlDecode(s).
func HtmlDecode(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		if c != '&' {
			out = append(out, c)
			i++
			continue
		}
		end := strings.IndexAny(s[i+1:], ";&")
		if end >= 0 && s[i+1+end] == ';' {
			if r, ok := entity(s[i+1 : i+1+end]); ok {
				out = utf8.AppendRune(out, r)
				i += end + 2
				continue
			}
		}
		out = append(out, c)
		i++
	}
	return string(out)
}

// entity is the character that a name or #number stands for.
func entity(name string) (rune, bool) {
	if len(name) < 2 || name[0] != '#' {
		r, ok := htmlEntities[name]
		return r, ok
	}
	digits, base := strings.Trim(name[1:], " \t\n\v\f\r"), 10
	if name[1] == 'x' || name[1] == 'X' {
		digits, base = name[2:], 16
	} else {
		digits = strings.TrimPrefix(digits, "+")
	}
	if digits == "" || digits[0] == '+' || digits[0] == '-' || strings.IndexByte(digits, '_') >= 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && (n < 0xD800 || n > 0xDFFF && n <= utf8.MaxRune)
}

// webText makes a member of a function of texts that makes at most most bytes
// of one; null stays null.
func webText(most int, f func(string) string) clr.Func {
	return func(c *clr.Call) clr.Value {
		if c.Args[0].O == nil {
			return clr.Null
		}
		s := c.Args[0].S
		c.Allocate(most * len(s))
		c.Work(len(s) / 8)
		return clr.Str(f(s))
	}
}

func webBytes(most int, f func([]byte) []byte) clr.Func {
	return func(c *clr.Call) clr.Value {
		from, n := c.Int(1), c.Int(2)
		if c.Args[0].O == nil {
			if n == 0 {
				return clr.Null
			}
			c.ThrowArgumentNull("bytes")
		}
		b := c.Args[0].O.(*clr.ArrayObject).Bytes
		if from < 0 || from > len(b) {
			c.ThrowRange("offset", rangeMessage)
		}
		if n < 0 || n > len(b)-from {
			c.ThrowRange("count", rangeMessage)
		}
		c.Allocate(most * n)
		c.Work(n / 8)
		return c.BytesValue(f(b[from : from+n]))
	}
}

var webMembers = map[string]clr.Func{
	"System.Net.WebUtility.UrlEncode(string)":                  webText(3, UrlEncode),
	"System.Net.WebUtility.UrlDecode(string)":                  webText(1, UrlDecode),
	"System.Net.WebUtility.HtmlEncode(string)":                 webText(6, HtmlEncode),
	"System.Net.WebUtility.HtmlDecode(string)":                 webText(1, HtmlDecode),
	"System.Net.WebUtility.UrlEncodeToBytes(byte[], int, int)": webBytes(3, urlEncode),
	"System.Net.WebUtility.UrlDecodeToBytes(byte[], int, int)": webBytes(1, urlDecodeBytes),
}
