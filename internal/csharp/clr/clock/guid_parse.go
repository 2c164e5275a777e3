package clock

import (
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Messages of Guids that cannot be read.
const (
	guidUnknown = "Unrecognized Guid format."
	guidLength  = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
	guidDigits  = "Guid string should only contain hexadecimal characters."
	guidDashes  = "Dashes are in the wrong position for GUID parsing."
	guidComma   = "Could not find a comma, or the length between the previous token and the comma was zero (i.e., '0x,'etc.)."
	guidBrace   = "Expected {0xdddddddd, etc}."
	guidPrefix  = "Expected hex 0x in '{0}'."
	guidInner   = "Could not find a brace, or the length between the previous token and the brace was zero (i.e., '0x,'etc.)."
	guidEnd     = "Could not find the ending brace."
	guidJunk    = "Additional non-parsable characters are at the end of the string."
	guidByte    = "Value was either too large or too small for an unsigned byte."
	noDigits    = "Could not find any recognizable digits."
	largeNumber = "Value was either too large or too small for a UInt32."
)

// ParseGuid is Guid.Parse(s).
func ParseGuid(s string) ([16]byte, *Problem) {
	s = trim(s)
	switch {
	case s == "":
		return [16]byte{}, badFormat(guidUnknown)
	case strings.Contains(s, "-"):
		return dashedGuid(s)
	case strings.Contains(s, "{"):
		return hexGuid(s)
	}
	return plainGuid(s)
}

// ParseGuidExact is Guid.ParseExact(s, format).
func ParseGuidExact(s, format string) ([16]byte, *Problem) {
	if len(format) != 1 || !strings.Contains("DdNnBbPpXx", format) {
		return [16]byte{}, badFormat(badGuidFormat)
	}
	s = trim(s)
	// Which of dashes, braces and parentheses stand in a Guid is looked at first.
	has := ""
	for _, c := range [...]string{"-", "{", "("} {
		if strings.Contains(s, c) {
			has += c
		}
	}
	switch {
	case strings.Contains("Dd", format) && has == "-",
		strings.Contains("Bb", format) && has == "-{",
		strings.Contains("Pp", format) && has == "-(":
		return dashedGuid(s)
	case s != "" && strings.Contains("Nn", format) && has == "":
		return plainGuid(s)
	case strings.Contains("Xx", format) && has == "{":
		return hexGuid(s)
	}
	return [16]byte{}, badFormat(guidUnknown)
}

func plainGuid(s string) (g [16]byte, p *Problem) {
	if clr.Length(s) != 32 {
		return g, badFormat(guidLength)
	}
	p = hexBytes(&g, s)
	return g, p
}

func hexBytes(g *[16]byte, s string) *Problem {
	for i, at := range guidOrder {
		high, low := hexValue(s[2*i]), hexValue(s[2*i+1])
		if high < 0 || low < 0 {
			return badFormat(guidDigits)
		}
		g[at] = byte(high<<4 | low)
	}
	return nil
}

func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// dashedGuid reads D, B and P. Each number may have a sign or 0x for some of
// its digits, as .NET's reader of numbers has it.
func dashedGuid(s string) (g [16]byte, p *Problem) {
	body, length := s, clr.Length(s)
	switch {
	case s[0] == '{':
		if length != 38 || s[len(s)-1] != '}' {
			return g, badFormat(guidLength)
		}
		body = s[1 : len(s)-1]
	case s[0] == '(':
		if length != 38 || s[len(s)-1] != ')' {
			return g, badFormat(guidLength)
		}
		body = s[1 : len(s)-1]
	case length != 36:
		return g, badFormat(guidLength)
	}
	for _, at := range [...]int{8, 13, 18, 23} {
		if clr.CharAt(body, at) != '-' {
			return g, badFormat(guidDashes)
		}
	}
	at := 0
	for _, digits := range [...]int{8, 4, 4, 4} {
		n, end, p := guidNumber(body[at:])
		if p != nil {
			return g, p
		}
		if end != digits {
			return g, badFormat(guidDigits)
		}
		putGuid(&g, at-dashesBefore(at), digits/2, n)
		at += digits + 1
	}
	n, end, p := guidNumber(body[at:])
	if p != nil {
		return g, p
	}
	if end != 12 {
		return g, badFormat(guidLength)
	}
	putGuid(&g, 20, 6, n)
	return g, nil
}

// dashesBefore are the dashes of a Guid's text before a place where a number
// begins.
func dashesBefore(at int) int { return max(0, (at-4)/5) }

// putGuid sets size bytes from the hex digit at on.
func putGuid(g *[16]byte, at, size int, n uint64) {
	for i := size - 1; i >= 0; i-- {
		g[guidOrder[at/2+i]] = byte(n)
		n >>= 8
	}
}

// guidNumber reads a hexadecimal number at the beginning of s, and says how
// long it is.
func guidNumber(s string) (n uint64, end int, p *Problem) {
	i := 0
	if i < len(s) && s[i] == '-' {
		return 0, 0, badFormat(guidUnknown)
	}
	if i < len(s) && s[i] == '+' {
		i++
	}
	if i+1 < len(s) && s[i] == '0' && (s[i+1] == 'x' || s[i+1] == 'X') {
		i += 2
	}
	start := i
	for i < len(s) && hexValue(s[i]) >= 0 {
		if n>>60 != 0 {
			return 0, 0, overflow(largeNumber)
		}
		n = n<<4 | uint64(hexValue(s[i]))
		i++
	}
	if i == start {
		return 0, 0, badFormat(noDigits)
	}
	return n, i, nil
}

// hexGuid reads X. White space may stand anywhere.
func hexGuid(s string) (g [16]byte, p *Problem) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	if s == "" || s[0] != '{' {
		return g, badFormat(guidBrace)
	}
	s = s[1:]
	at := 0
	for _, size := range [...]int{4, 2, 2} {
		var n uint64
		if n, s, p = hexPart(s, ",", guidComma); p != nil {
			return g, p
		}
		putGuid(&g, at, size, n)
		at += 2 * size
	}
	if s == "" || s[0] != '{' {
		return g, badFormat(guidBrace)
	}
	s = s[1:]
	for i := range 8 {
		var n uint64
		if i < 7 {
			n, s, p = hexPart(s, ",", guidComma)
		} else {
			n, s, p = hexPart(s, "}", guidInner)
		}
		if p == nil && n > 255 {
			p = badFormat(guidByte)
		}
		if p != nil {
			return g, p
		}
		putGuid(&g, at, 1, n)
		at += 2
	}
	switch {
	case s == "" || s[0] != '}':
		return g, badFormat(guidEnd)
	case len(s) > 1:
		return g, badFormat(guidJunk)
	}
	return g, nil
}

// hexPart reads "0x", a number and what ends it.
func hexPart(s, end, missing string) (n uint64, rest string, p *Problem) {
	if len(s) < 2 || s[0] != '0' || s[1] != 'x' && s[1] != 'X' {
		return 0, "", badFormat(guidPrefix)
	}
	s = s[2:]
	i := strings.Index(s, end)
	if i <= 0 {
		return 0, "", badFormat(missing)
	}
	n, size, p := guidNumber(s[:i])
	switch {
	case p != nil:
		return 0, "", p
	case n>>32 != 0:
		return 0, "", overflow(largeNumber)
	case size != i:
		return 0, "", badFormat(guidJunk)
	}
	return n, s[i+1:], nil
}
