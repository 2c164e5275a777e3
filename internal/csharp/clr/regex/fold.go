package regex

import (
	"sync"
	"unicode"
)

// lower is char.ToLower in the invariant culture. It leaves out what has no way
// back, as Windows' tables do: the dotted I, the signs of Ohm, Kelvin and
// Ångström, title case, and capitals whose small letter has another capital.
func lower(c uint16) uint16 {
	if c < 0x80 {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	switch c {
	case 0x0130, 0x01C5, 0x01C8, 0x01CB, 0x01F2, 0x03F4, 0x1E9E, 0x2126, 0x212A, 0x212B:
		return c
	}
	if l := unicode.ToLower(rune(c)); l <= 0xFFFF {
		return uint16(l)
	}
	return c
}

type pair struct{ upper, lower uint16 }

type folds struct {
	pairs  []pair
	uppers map[uint16][]uint16
}

// folding are all characters that have a lower case.
var folding = sync.OnceValue(func() *folds {
	f := &folds{uppers: map[uint16][]uint16{}}
	for c := range 1 << 16 {
		if l := lower(uint16(c)); l != uint16(c) {
			f.pairs = append(f.pairs, pair{uint16(c), l})
			f.uppers[l] = append(f.uppers[l], uint16(c))
		}
	}
	return f
})

// variants are the characters whose lower case is c's.
func variants(c uint16) []uint16 {
	l := lower(c)
	if l < 0x80 {
		if l < 'a' || l > 'z' {
			return nil
		}
		return []uint16{l, l - ('a' - 'A')}
	}
	if ups := folding().uppers[l]; len(ups) > 0 {
		return append([]uint16{l}, ups...)
	}
	return nil
}
