package gateway

import "bytes"

// wireHead is what framing needs to know of the head being read. Offsets count
// from the beginning of the head, because the buffer moves.
type wireHead struct {
	reading bool // a refusal fell into a head
	http10  bool
	get     bool
	fields  int
	hosts   int
	lengths int
	codings int
	// length is Content-Length; meaningful with lengths > 0.
	length int64
	// host and authority are the Host field and the authority of a target in
	// absolute form.
	host, authority wireSpan
	expects         int
	upgrades        int // Upgrade fields
	webSocket       bool
	connUpgrade     bool // Connection names upgrade
}

type wireSpan struct{ from, to int }

func (g *wireGate) spanOf(line, part []byte) wireSpan {
	// part is a slice of line, and line ends two bytes before g.p.
	end := g.p - 2 - g.v
	from := end - len(line) + (cap(line) - cap(part))
	return wireSpan{from, from + len(part)}
}

func (g *wireGate) at(s wireSpan) []byte { return g.buf[g.v+s.from : g.v+s.to] }

// requestLine reads "method SP target SP version".
func (g *wireGate) requestLine(line []byte) {
	g.head = wireHead{}
	method, rest, ok1 := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	switch {
	case !ok1 || !ok2 || !isToken(method) || len(method) > 32:
		g.refuse(400, RefusedRequestLine, "The request line is malformed.")
		return
	case string(version) == "HTTP/1.0":
		g.head.http10 = true
	case string(version) == "HTTP/1.1":
	case len(version) == 8 && string(version[:5]) == "HTTP/":
		g.refuse(505, RefusedVersion, "Only HTTP/1.1, HTTP/1.0 and HTTP/2 over TLS are spoken.")
		return
	default:
		g.refuse(400, RefusedRequestLine, "The request line is malformed.")
		return
	}
	g.head.get = string(method) == "GET"
	if string(method) == "CONNECT" || string(method) == "TRACE" {
		g.refuse(405, RefusedMethod, "The method is not accepted.")
		return
	}
	g.target(line, target)
	if g.refusal == nil {
		g.state = wireFields
	}
}

// target accepts the origin form, and the absolute form of https.
func (g *wireGate) target(line, target []byte) {
	if len(target) > MaxTargetBytes {
		g.refuse(414, RefusedTargetSize, "The request target is too long.")
		return
	}
	path := target
	if i := bytes.Index(target, []byte("://")); i > 0 && bytes.EqualFold(target[:i], []byte("https")) {
		rest := target[i+3:]
		end := len(rest)
		if j := bytes.IndexAny(rest, "/?#"); j >= 0 {
			end = j
		}
		if _, _, ok := canonicalHost(string(rest[:end])); !ok || !hostText(rest[:end]) {
			g.refuse(400, RefusedTarget, "The authority in the request target is malformed.")
			return
		}
		g.head.authority = g.spanOf(line, rest[:end])
		path = rest[end:]
	} else if len(target) == 0 || target[0] != '/' {
		g.refuse(400, RefusedTarget, "The request target must be a path or an https URL.")
		return
	}
	if !targetText(path) {
		g.refuse(400, RefusedTarget, "The request target holds a character or an escape that it must not.")
	}
}

// targetText reports whether a path and query hold only what a target may, and
// whole escapes in the path. More is asked of it in readTarget; this is what
// net/http would stumble over.
func targetText(s []byte) bool {
	inPath := true
	for i, c := range s {
		switch {
		case c <= ' ' || c >= 0x7f || c == '#':
			return false
		case c == '?':
			inPath = false
		case c == '%' && inPath:
			if i+2 >= len(s) || hexDigit(s[i+1]) < 0 || hexDigit(s[i+2]) < 0 {
				return false
			}
		}
	}
	return true
}

// field reads one field line.
func (g *wireGate) field(line []byte) {
	h := &g.head
	if h.fields++; h.fields > MaxHeadFields {
		g.refuse(431, RefusedHeadSize, "The request has too many header fields.")
		return
	}
	if line[0] == ' ' || line[0] == '\t' {
		g.refuse(400, RefusedField, "Folded header fields are not accepted.")
		return
	}
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok || !isToken(name) {
		g.refuse(400, RefusedField, "A header field name is malformed.")
		return
	}
	if !fieldText(value) {
		g.refuse(400, RefusedField, "A header field value holds a control character.")
		return
	}
	g.known(line, name, trimOWS(value))
}

// known notes the fields that framing, host and upgrade depend on. The length
// of the name is looked at first: most fields are none of these.
func (g *wireGate) known(line, name, value []byte) {
	h := &g.head
	switch len(name) {
	case len("Host"):
		if foldEqual(name, "host") {
			h.hosts++
			h.host = g.spanOf(line, value)
		}
	case len("Expect"):
		if foldEqual(name, "expect") {
			if h.expects++; h.expects > 1 || !foldEqual(value, "100-continue") {
				g.refuse(417, RefusedExpectation, "The expectation is not understood.")
			}
		}
	case len("Upgrade"): // and Trailer
		if foldEqual(name, "upgrade") {
			h.upgrades++
			h.webSocket = h.upgrades == 1 && foldEqual(value, "websocket")
		} else if foldEqual(name, "trailer") {
			g.refuse(400, RefusedFraming, "Trailers are not accepted.")
		}
	case len("Connection"):
		if foldEqual(name, "connection") {
			h.connUpgrade = h.connUpgrade || listHolds(value, "upgrade")
		}
	case len("Content-Length"):
		if foldEqual(name, "content-length") {
			h.lengths++
			g.contentLength(value)
		}
	case len("Transfer-Encoding"):
		if foldEqual(name, "transfer-encoding") {
			if h.codings++; h.codings > 1 || !foldEqual(value, "chunked") {
				g.refuse(400, RefusedFraming, "The only transfer coding is chunked, once.")
			}
		}
	}
}

func (g *wireGate) contentLength(value []byte) {
	n, ok := parseLength(value)
	if !ok {
		g.refuse(400, RefusedFraming, "Content-Length is not a number.")
		return
	}
	g.head.length = n
}

// parseLength reads 1*DIGIT, with room to spare below overflow.
func parseLength[T []byte | string](s T) (int64, bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// endOfHead judges the head as a whole and chooses how its body is read.
func (g *wireGate) endOfHead() {
	h := &g.head
	switch {
	case h.lengths > 1:
		g.refuse(400, RefusedFraming, "Content-Length is given twice.")
	case h.codings > 0 && h.lengths > 0:
		g.refuse(400, RefusedFraming, "Content-Length and Transfer-Encoding exclude each other.")
	case h.codings > 0 && h.http10:
		g.refuse(400, RefusedFraming, "HTTP/1.0 has no transfer codings.")
	case h.hosts != 1:
		g.refuse(400, RefusedHost, "The request needs exactly one Host field.")
	case !hostText(g.at(h.host)):
		g.refuse(400, RefusedHost, "The Host field is malformed.")
	case h.authority.to > 0 && !bytes.EqualFold(g.at(h.authority), g.at(h.host)):
		g.refuse(400, RefusedHost, "The Host field and the request target name different hosts.")
	case h.upgradesToWebSocket() && (h.codings > 0 || h.length > 0):
		g.refuse(400, RefusedFraming, "An upgrade has no body.")
	}
	if g.refusal != nil {
		return
	}
	g.v = g.p
	g.heads++
	g.excess, g.left = 0, 0
	switch {
	case h.upgradesToWebSocket():
		g.messages++
		g.state = wireHold
	case h.codings > 0:
		g.state = wireChunkSize
	case h.lengths > 0 && h.length > 0:
		g.left = h.length
		g.state = wireFixed
	default:
		g.endOfMessage()
	}
}

// upgradesToWebSocket: any other upgrade is ignored, h2c above all, and the
// connection goes on as HTTP/1.1.
func (h *wireHead) upgradesToWebSocket() bool {
	return h.webSocket && h.upgrades == 1 && h.connUpgrade && h.get && !h.http10
}
