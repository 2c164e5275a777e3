package openai

import (
	"encoding/binary"
	"math/bits"
)

// maxUsage is the longest usage object that is kept, in bytes. Real ones have
// about 300.
const maxUsage = 4 << 10

// UsageMeter finds the usage of an answer that is not a stream, while its bytes
// pass. It follows only strings and brackets, keeps the "usage" member of the
// top-level object and nothing else, so its memory is constant however long the
// answer is. The zero value is ready. It belongs to one goroutine.
type UsageMeter struct {
	n     int64
	depth int
	// inString and escaped: inside a string, after a backslash in it.
	inString, escaped bool
	// A member's name at depth 1: naming while one may begin, key how much of
	// "usage" has matched (-1: not it).
	naming bool
	key    int
	// wanted: the next value at depth 1 is the one.
	wanted bool
	// keeping: inside it; kept are its bytes, over when there were too many.
	keeping, over bool
	kept          []byte
	usage         Usage
	found         bool
}

const usageKey = "usage"

// Write looks at the next bytes of the answer. It never fails.
func (m *UsageMeter) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	from := 0 // where what is kept begins in p
	for i := 0; i < len(p); {
		if m.inString {
			i = m.text(p, i)
			continue
		}
		if m.depth > 1 {
			i = skipPlain(p, i)
			if i == len(p) {
				break
			}
		}
		c := p[i]
		i++
		switch c {
		case '"':
			m.inString = true
			m.key = -1
			if m.depth == 1 && m.naming {
				m.key = 0
			}
			m.wanted = false
		case '{', '[':
			if m.wanted && c == '{' {
				m.keeping, m.over, m.kept, from = true, false, m.kept[:0], i-1
			}
			m.wanted = false
			m.depth++
			m.naming = m.depth == 1 && c == '{'
		case '}', ']':
			m.depth--
			if m.depth == 1 && m.keeping {
				m.keep(p[from:i])
				m.end()
			}
		case ',':
			m.naming = m.depth == 1
			m.wanted = false
		case ':':
			if m.depth == 1 {
				m.wanted = m.naming && m.key == len(usageKey)
				m.naming = false
			}
		}
	}
	if m.keeping {
		m.keep(p[from:])
	}
	return len(p), nil
}

// text goes on inside a string and returns where it left off.
func (m *UsageMeter) text(p []byte, i int) int {
	if m.escaped {
		m.escaped = false
		return i + 1
	}
	if m.key < 0 {
		for i+8 <= len(p) {
			if s := stops(binary.LittleEndian.Uint64(p[i:])); s != 0 {
				i += bits.TrailingZeros64(s) >> 3
				break
			}
			i += 8
		}
	}
	for ; i < len(p); i++ {
		switch c := p[i]; {
		case c == '"':
			m.inString = false
			return i + 1
		case c == '\\':
			m.escaped, m.key = true, -1
			return i + 1
		case m.key < 0:
			if c >= 0x20 && i+8 < len(p) {
				return i + 1 // back to the fast loop
			}
		case m.key < len(usageKey) && c == usageKey[m.key]:
			m.key++
		default:
			m.key = -1
		}
	}
	return i
}

// skipPlain returns where the next quote or bracket is. Below the top level
// nothing else matters: a vector of numbers is passed over eight bytes at a
// time.
func skipPlain(p []byte, i int) int {
	for i+8 <= len(p) {
		w := binary.LittleEndian.Uint64(p[i:]) | ones*0x20 // '[' reads as '{'
		q, o, c := w^(ones*'"'), w^(ones*'{'), w^(ones*'}')
		if s := ((q-ones)&^q | (o-ones)&^o | (c-ones)&^c) & highs; s != 0 {
			return i + bits.TrailingZeros64(s)>>3
		}
		i += 8
	}
	for i < len(p) && p[i] != '"' && p[i]|0x20 != '{' && p[i]|0x20 != '}' {
		i++
	}
	return i
}

func (m *UsageMeter) keep(p []byte) {
	if m.over || len(m.kept)+len(p) > maxUsage {
		m.over, m.kept = true, m.kept[:0]
		return
	}
	m.kept = append(m.kept, p...)
}

// end reads the usage object that has just been kept.
func (m *UsageMeter) end() {
	m.keeping = false
	if m.over {
		return
	}
	var sum summary
	s := scanner{b: m.kept}
	sum.usageObject(&s)
	if sum.hasUsage {
		m.usage, m.found = sum.usage, true
	}
}

// Usage returns the usage that was found so far.
func (m *UsageMeter) Usage() (Usage, bool) { return m.usage, m.found }

// Bytes returns how many bytes have passed.
func (m *UsageMeter) Bytes() int64 { return m.n }
