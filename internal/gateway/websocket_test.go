package gateway

import (
	"bytes"
	"testing"
)

// TestFrameBoundaries: however the bytes of frames are cut, a boundary is seen
// exactly where a frame ends.
func TestFrameBoundaries(t *testing.T) {
	frame := func(n int, mask byte) []byte {
		b := []byte{0x82}
		switch {
		case n < 126:
			b = append(b, mask|byte(n))
		case n < 1<<16:
			b = append(b, mask|126, byte(n>>8), byte(n))
		default:
			b = append(b, mask|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		}
		if mask != 0 {
			b = append(b, 0x88, 0x88, 0x88, 0x88)
		}
		return append(b, bytes.Repeat([]byte{0x7f}, n)...)
	}
	var all []byte
	ends := map[int]bool{0: true}
	for _, n := range []int{0, 1, 125, 126, 127, 300, 65535, 65536, 70000, 0} {
		for _, mask := range []byte{0, 0x80} {
			all = append(all, frame(n, mask)...)
			ends[len(all)] = true
		}
	}
	for _, step := range []int{1, 2, 3, 7, 1000, 32 << 10} {
		var f wsFrames
		for at := 0; at < len(all); {
			next := min(at+step, len(all))
			f.see(all[at:next])
			at = next
			if f.boundary() != ends[at] {
				t.Fatalf("step %d: at byte %d boundary is %v", step, at, f.boundary())
			}
		}
		if f.closed {
			t.Errorf("step %d: a close frame was seen", step)
		}
		f.see([]byte{0x88})
		if f.see([]byte{0x02, 0x03, 0xe8}); !f.closed || !f.boundary() {
			t.Errorf("step %d: a close frame was not seen", step)
		}
	}
}
