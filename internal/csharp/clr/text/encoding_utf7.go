package text

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// utf7Codec is UTF-7: text in ASCII, with runs of UTF-16 in base64 between +
// and -. It keeps halves of characters.
type utf7Codec struct{}

func (utf7Codec) maxChars(n int) int { return max(n, 1) }

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

var base64Values = func() (out [256]int8) {
	for i := range out {
		out[i] = -1
	}
	for i := range len(base64Alphabet) {
		out[base64Alphabet[i]] = int8(i)
	}
	return out
}()

// direct are the characters that stand for themselves.
var direct = func() (out [128]bool) {
	for _, c := range base64Alphabet[:62] + "'(),-./:? \t\r\n" {
		out[c] = true
	}
	return out
}()

func (utf7Codec) encode(s string) []byte {
	b := make([]byte, 0, len(s))
	bits, n := uint32(0), -1 // n bits wait; -1: it stands outside of a run
	end := func() {
		if n > 0 {
			b = append(b, base64Alphabet[bits<<(6-n)&0x3F])
		}
		if n >= 0 {
			b = append(b, '-')
		}
		n = -1
	}
	eachUnit(s, func(_ int, c uint16) bool {
		switch {
		case c < 0x80 && direct[c]:
			end()
			b = append(b, byte(c))
			return true
		case n < 0 && c == '+':
			b = append(b, "+-"...)
			return true
		case n < 0:
			b, n = append(b, '+'), 0
		}
		bits, n = bits<<16|uint32(c), n+16
		for n >= 6 {
			n -= 6
			b = append(b, base64Alphabet[bits>>n&0x3F])
		}
		return true
	})
	end()
	return b
}

func (utf7Codec) decode(b []byte) string {
	out := make([]byte, 0, len(b))
	bits, n := uint32(0), -1
	first := false
	for _, c := range b {
		v := base64Values[c]
		switch {
		case n >= 0 && v >= 0:
			first = false
			bits, n = bits<<6|uint32(v), n+6
			if n >= 16 {
				n -= 16
				out = clr.AppendChar(out, uint16(bits>>n))
			}
		case n >= 0:
			n = -1
			switch {
			case c != '-' && c != 0:
				out = clr.AppendChar(out, uint16(c))
			case c == '-' && first:
				out = append(out, '+')
			}
		case c == '+':
			bits, n, first = 0, 0, true
		default:
			out = clr.AppendChar(out, uint16(c))
		}
	}
	return string(out)
}
