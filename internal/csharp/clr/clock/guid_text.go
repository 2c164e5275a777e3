package clock

const hexDigits = "0123456789abcdef"

// guidOrder is where the bytes of a Guid's text lie in memory: its first three
// numbers are little-endian.
var guidOrder = [16]byte{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

const badGuidFormat = "Format String can be only 'D', 'd', 'N', 'n', 'P', 'p', 'B', 'b', 'X' or 'x'."

// FormatGuid is Guid.ToString(format); an empty format is D.
func FormatGuid(g [16]byte, format string) (string, *Problem) {
	var out [70]byte
	b := out[:0]
	switch format {
	case "", "D", "d":
		return string(appendGuid(b, g, true)), nil
	case "N", "n":
		return string(appendGuid(b, g, false)), nil
	case "B", "b":
		return string(append(appendGuid(append(b, '{'), g, true), '}')), nil
	case "P", "p":
		return string(append(appendGuid(append(b, '('), g, true), ')')), nil
	case "X", "x":
		return string(appendHexGuid(b, g)), nil
	}
	return "", badFormat(badGuidFormat)
}

func appendHex(b []byte, c byte) []byte { return append(b, hexDigits[c>>4], hexDigits[c&15]) }

func appendGuid(b []byte, g [16]byte, dashes bool) []byte {
	for i, at := range guidOrder {
		if dashes && (i == 4 || i == 6 || i == 8 || i == 10) {
			b = append(b, '-')
		}
		b = appendHex(b, g[at])
	}
	return b
}

func appendHexGuid(b []byte, g [16]byte) []byte {
	for i, at := range guidOrder {
		switch {
		case i == 0:
			b = append(b, "{0x"...)
		case i == 4, i == 6, i > 8:
			b = append(b, ",0x"...)
		case i == 8:
			b = append(b, ",{0x"...)
		}
		b = appendHex(b, g[at])
	}
	return append(b, "}}"...)
}
