package gateway

import (
	"bytes"
	"io"
	"sync"
)

// wireGate reads HTTP/1.1 requests off a connection before net/http does, byte
// by byte, and lets through only what two parsers could not read differently.
// net/http accepts Content-Length beside Transfer-Encoding, bare LF and folded
// fields, and by the time a handler runs nobody can tell any more.
//
//	state         reads                      goes on to
//	requestLine   method target version      fields
//	fields        field lines, empty line    fixed, chunkSize, hold, requestLine
//	fixed         Content-Length bytes       requestLine
//	chunkSize     size [;extension] CRLF     chunkData, lastChunk
//	chunkData     size bytes                 chunkEnd
//	chunkEnd      CRLF                       chunkSize
//	lastChunk     CRLF (no trailers)         requestLine
//	hold          nothing: an upgrade waits  open (by passthrough)
//	open          everything, unread
//	refused       nothing, for ever
//
// A head is let through as a whole once it is found good, so nothing of a bad
// one is ever seen. In its place net/http gets a stand-in request, which the
// server recognises by its number and answers with the refusal: so the refusal
// takes its turn behind the answers to earlier, pipelined requests. A body
// that turns bad in the middle is a read error.
//
// It belongs to the goroutine that reads the connection; net/http has one at a
// time.
type wireGate struct {
	buf []byte // what was read and not yet let through, from r on
	r   int    // let through so far
	v   int    // found good so far; in a head, where the head begins
	p   int    // read so far, p >= v
	nl  int    // searched for the next line feed so far, nl >= p

	state wireState
	left  int64 // bytes to come in fixed and chunkData
	// excess grows with chunk framing and shrinks with data; see chunkSize.
	excess int64
	head   wireHead

	// heads counts the heads let through, messages the requests read to their
	// end.
	heads, messages uint64
	// refusal is why the state is refused. refusedHead is the number of the
	// stand-in; 0 where the refusal fell into a body.
	refusal     *frontError
	refusedHead uint64

	// small is the first buffer. It is given back while nothing is held, so
	// that an idle connection holds none.
	small *[wireBufSmall]byte
	pools *wirePools // nil: make, and keep
}

// wirePools lend buffers to the gates of all connections.
type wirePools struct {
	small sync.Pool // of *[wireBufSmall]byte
	large sync.Pool // of *[]byte, for heads beyond it
}

type wireState uint8

const (
	wireRequestLine wireState = iota
	wireFields
	wireFixed
	wireChunkSize
	wireChunkData
	wireChunkEnd
	wireLastChunk
	wireHold
	wireOpen
	wireRefused
)

const (
	wireBufSmall = 4 << 10
	wireBufLarge = MaxHeadBytes + 512
	// wireChunkLine bounds a chunk-size line with its extension.
	wireChunkLine = 256
	// wireExcess is how much more framing than data a chunked body may have:
	// the bound that net/http has too, so that it never refuses after us.
	wireExcess = 16 << 10
)

// wireStandIn is what net/http reads in place of a refused head.
const wireStandIn = "GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n"

// read fills p with bytes that are found good, reading from src as needed. It
// never returns 0 and nil for a p with room.
func (g *wireGate) read(p []byte, src io.Reader) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if g.r < g.v {
			n := copy(p, g.buf[g.r:g.v])
			g.r += n
			g.tidy()
			return n, nil
		}
		switch {
		case g.state == wireRefused:
			if err := g.standIn(); err != nil {
				return 0, err
			}
			continue
		case g.state == wireOpen:
			return src.Read(p)
		case g.left > 0 && g.p == len(g.buf):
			// Nothing is held back and only data is due: no copy.
			n, err := src.Read(p[:min(int64(len(p)), g.left)])
			g.took(int64(n))
			return n, err
		}
		n, err := g.fill(p, src)
		if n > 0 {
			g.advance()
			continue
		}
		if err != nil {
			return 0, err
		}
	}
}

// standIn puts the stand-in into the buffer, once; after that, and in place of
// the rest of a bad body, it returns the error of the read.
func (g *wireGate) standIn() error {
	switch {
	case g.refusedHead != 0:
		return io.EOF
	case g.refusal == nil:
		return io.ErrNoProgress
	case g.head.reading:
		g.heads++
		g.refusedHead = g.heads
		g.buf = append(g.buf[:0], wireStandIn...)
		g.r, g.v = 0, len(g.buf)
		g.p, g.nl = g.v, g.v
		return nil
	}
	return g.refusal
}

// partial reports whether a head has begun and is not complete.
func (g *wireGate) partial() bool {
	return g.state == wireFields || g.state == wireRequestLine && len(g.buf) > g.v
}

// passthrough stops reading: everything from here on belongs to the protocol
// that the connection was upgraded to. Only an accepted upgrade opens the gate.
func (g *wireGate) passthrough() {
	if g.state != wireHold {
		return
	}
	g.state = wireOpen
	g.v, g.p = len(g.buf), len(g.buf)
}

// wireWait is how large the reader's buffer has to be for waiting in it.
const wireWait = 512

// fill reads once from src into the free space, making some first. A buffer
// that is full and not understood was refused before it came to that, but for
// bytes after an upgrade that nobody has answered yet.
//
// While nothing is held it waits in the reader's buffer p, which the reader
// holds anyway, and copies what came; p is scratch space until read fills it.
func (g *wireGate) fill(p []byte, src io.Reader) (int, error) {
	if g.buf == nil && len(p) >= wireWait {
		n, err := src.Read(p[:min(len(p), wireBufSmall)])
		if n > 0 {
			g.buf = append(g.takeSmall(), p[:n]...)
		}
		return n, err
	}
	if g.buf == nil {
		g.buf = g.takeSmall()
	}
	if len(g.buf) == cap(g.buf) {
		g.makeRoom()
	}
	if len(g.buf) == cap(g.buf) {
		return 0, io.ErrShortBuffer
	}
	n, err := src.Read(g.buf[len(g.buf):cap(g.buf)])
	g.buf = g.buf[:len(g.buf)+n]
	if len(g.buf) == 0 { // a wait that was broken off
		g.tidy()
	}
	return n, err
}

func (g *wireGate) makeRoom() {
	rest := g.buf[g.r:]
	to := g.buf[:0]
	if g.r == 0 && cap(g.buf) < wireBufLarge {
		to = g.takeLarge()
	}
	g.buf = append(to, rest...)
	g.v, g.p, g.nl = g.v-g.r, g.p-g.r, g.nl-g.r
	g.r = 0
}

// tidy gives the buffers back once everything is let through.
func (g *wireGate) tidy() {
	if g.r < len(g.buf) {
		return
	}
	if g.pools != nil {
		if cap(g.buf) > wireBufSmall {
			large := g.buf[:0]
			g.pools.large.Put(&large)
		}
		if g.small != nil {
			g.pools.small.Put(g.small)
			g.small = nil
		}
	}
	g.buf = nil
	g.r, g.v, g.p, g.nl = 0, 0, 0, 0
}

func (g *wireGate) takeSmall() []byte {
	if g.small == nil && g.pools != nil {
		g.small, _ = g.pools.small.Get().(*[wireBufSmall]byte)
	}
	if g.small == nil {
		g.small = new([wireBufSmall]byte)
	}
	return g.small[:0]
}

func (g *wireGate) takeLarge() []byte {
	if g.pools != nil {
		if b, ok := g.pools.large.Get().(*[]byte); ok {
			return (*b)[:0]
		}
	}
	return make([]byte, 0, wireBufLarge)
}

// advance reads as much of the buffer as can be understood.
func (g *wireGate) advance() {
	for g.p < len(g.buf) && g.refusal == nil {
		switch g.state {
		case wireFixed, wireChunkData:
			n := min(g.left, int64(len(g.buf)-g.p))
			g.p += int(n)
			g.v, g.nl = g.p, g.p
			g.took(n)
			continue
		case wireHold, wireOpen, wireRefused:
			return
		}
		line, ok := g.line()
		if !ok {
			return
		}
		g.readLine(line)
	}
}

func (g *wireGate) readLine(line []byte) {
	switch g.state {
	case wireRequestLine:
		g.requestLine(line)
	case wireFields:
		if len(line) == 0 {
			g.endOfHead()
			return
		}
		g.field(line)
	case wireChunkSize:
		g.chunkSize(line)
	case wireChunkEnd:
		if len(line) != 0 {
			g.refuse(400, RefusedFraming, "A chunk does not end where its size says.")
			return
		}
		g.state = wireChunkSize
		g.v = g.p
	case wireLastChunk:
		if len(line) != 0 {
			g.refuse(400, RefusedFraming, "Trailers are not accepted.")
			return
		}
		g.v = g.p
		g.endOfMessage()
	}
}

// line takes the next line without its CRLF; not ok: there is none yet, or the
// request is refused.
func (g *wireGate) line() ([]byte, bool) {
	i := bytes.IndexByte(g.buf[g.nl:], '\n')
	if i < 0 {
		g.nl = len(g.buf)
		g.tooLong(g.nl)
		return nil, false
	}
	end := g.nl + i
	if g.tooLong(end + 1) {
		return nil, false
	}
	if end == g.p || g.buf[end-1] != '\r' {
		g.refuse(400, RefusedFraming, "A line ends with a bare line feed.")
		return nil, false
	}
	line := g.buf[g.p : end-1]
	g.p, g.nl = end+1, end+1
	return line, true
}

// tooLong refuses a line, complete or not, that reaches beyond its bound.
func (g *wireGate) tooLong(end int) bool {
	switch g.state {
	case wireRequestLine:
		if end-g.p > MaxTargetBytes+64 {
			g.refuse(414, RefusedTargetSize, "The request target is too long.")
		}
	case wireFields:
		if end-g.v > MaxHeadBytes {
			g.refuse(431, RefusedHeadSize, "The request head is too large.")
		}
	default:
		if end-g.p > wireChunkLine {
			g.refuse(400, RefusedFraming, "A chunk-size line is too long.")
		}
	}
	return g.refusal != nil
}

func (g *wireGate) refuse(status int, cause RefusalCause, detail string) {
	g.head.reading = g.state == wireRequestLine || g.state == wireFields
	g.refusal = &frontError{status: status, cause: cause, detail: detail}
	g.state = wireRefused
	g.left = 0
}

// took notes n bytes of data let through.
func (g *wireGate) took(n int64) {
	g.left -= n
	if g.left > 0 || n == 0 {
		return
	}
	if g.state == wireChunkData {
		g.state = wireChunkEnd
		return
	}
	g.endOfMessage()
}

func (g *wireGate) endOfMessage() {
	g.messages++
	g.state = wireRequestLine
}
