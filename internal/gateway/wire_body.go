package gateway

// chunkSize reads the line that begins a chunk: hexadecimal digits, then
// nothing or an extension, which nobody reads.
func (g *wireGate) chunkSize(line []byte) {
	var size int64
	digits := 0
	for digits < len(line) {
		d := hexDigit(line[digits])
		if d < 0 {
			break
		}
		if digits++; digits > 15 {
			g.refuse(400, RefusedFraming, "A chunk size is too large.")
			return
		}
		size = size<<4 | int64(d)
	}
	if digits == 0 || digits < len(line) && line[digits] != ';' || !fieldText(line[digits:]) {
		g.refuse(400, RefusedFraming, "A chunk-size line is malformed.")
		return
	}
	// Chunks of one byte are somebody's way to stream; extensions without end
	// and sizes of zero data are an attack on whoever reads them.
	g.excess = max(0, g.excess+int64(len(line))+2-16-2*size)
	if g.excess > wireExcess {
		g.refuse(400, RefusedFraming, "The body holds more framing than data.")
		return
	}
	g.v = g.p
	g.left = size
	g.state = wireChunkData
	if size == 0 {
		g.state = wireLastChunk
	}
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
