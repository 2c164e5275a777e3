package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// plainMessage is a request as RFC 9112 has it, read by somebody else than the
// gate and net/http.
type plainMessage struct {
	method, target, host string
	body                 string
	whole                bool // the body is there to its end
	upgrade              bool
}

var errNotPlain = errors.New("not a request that has one reading")

// readPlain reads one message off s by the grammar alone: whatever is optional
// or obsolete in it is an error.
func readPlain(s string) (m plainMessage, rest string, err error) {
	head, rest, ok := strings.Cut(s, "\r\n\r\n")
	if !ok || strings.Count(head, "\n") != strings.Count(head, "\r\n") || strings.Count(head, "\r") != strings.Count(head, "\r\n") {
		return m, s, errNotPlain
	}
	lines := strings.Split(head, "\r\n")
	words := strings.Split(lines[0], " ")
	if len(words) != 3 || words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0" {
		return m, s, errNotPlain
	}
	m.method, m.target = words[0], words[1]
	fields := map[string][]string{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\x00\"(),/;<=>?@[\\]{}") || strings.ContainsAny(value, "\x00") {
			return m, s, errNotPlain
		}
		name = strings.ToLower(name)
		fields[name] = append(fields[name], strings.Trim(value, " \t"))
	}
	if len(fields["host"]) != 1 {
		return m, s, errNotPlain
	}
	m.host = fields["host"][0]
	m.upgrade = len(fields["upgrade"]) == 1 && strings.EqualFold(fields["upgrade"][0], "websocket")
	lengths, codings := fields["content-length"], fields["transfer-encoding"]
	switch {
	case len(lengths)+len(codings) > 1, len(codings) == 1 && (words[2] == "HTTP/1.0" || !strings.EqualFold(codings[0], "chunked")):
		return m, s, errNotPlain
	case len(codings) == 1:
		m.body, rest, m.whole, err = readPlainChunks(rest)
		return m, rest, err
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 62)
		if err != nil {
			return m, s, errNotPlain
		}
		if m.whole = n <= uint64(len(rest)); !m.whole {
			n = uint64(len(rest))
		}
		m.body, rest = rest[:n], rest[n:]
		return m, rest, nil
	}
	m.whole = true
	return m, rest, nil
}

func readPlainChunks(s string) (body, rest string, whole bool, err error) {
	for {
		line, after, ok := strings.Cut(s, "\r\n")
		if !ok {
			return body, "", false, nil
		}
		digits, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(digits, 16, 60)
		if err != nil || strings.ContainsAny(line, "\r\n\x00") || strings.Contains(digits, "_") {
			return body, s, false, errNotPlain
		}
		if uint64(len(after)) < n+2 {
			return body + after[:min(n, uint64(len(after)))], "", false, nil
		}
		body += after[:n]
		if after[n:n+2] != "\r\n" {
			return body, s, false, errNotPlain
		}
		if s = after[n+2:]; n == 0 {
			return body, s, true, nil
		}
	}
}

// pieces gives its bytes in pieces of a size.
type pieces struct {
	in   []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in[:min(len(p.in), p.size)])
	p.in = p.in[n:]
	return n, nil
}

// throughGate returns what the gate lets through, without its stand-in.
func throughGate(t *testing.T, in []byte, size int) (string, *wireGate) {
	t.Helper()
	g := new(wireGate)
	src := &pieces{in, size}
	var out []byte
	buf := make([]byte, 512)
	for range 4*len(in) + 16 {
		n, err := g.read(buf, src)
		out = append(out, buf[:n]...)
		if err != nil {
			if g.refusedHead != 0 {
				if !bytes.HasSuffix(out, []byte(wireStandIn)) || g.refusedHead != g.heads {
					t.Fatalf("no stand-in for head %d of %d: %q", g.refusedHead, g.heads, out)
				}
				return string(out[:len(out)-len(wireStandIn)]), g
			}
			return string(out), g
		}
		if n == 0 {
			t.Fatal("read 0 bytes without an error")
		}
	}
	t.Fatal("no end")
	return "", nil
}

// fuzzConn is a connection for gw.test without anything behind it.
func fuzzConn(t testing.TB) (*Front, *Conn) {
	ca := newFrontTestCA(t)
	f, err := NewFront(FrontOptions{Hostnames: []FrontHostname{{Name: frontTestHost, Default: true, Certificate: ca.issue(t, frontTestHost)}}})
	if err != nil {
		t.Fatal(err)
	}
	peer := netip.MustParseAddrPort("10.1.1.1:4096")
	return f, &Conn{
		Peer: peer, Client: peer, Local: netip.MustParseAddrPort("10.2.2.2:443"),
		TLS: &tls.ConnectionState{ServerName: frontTestHost}, ServerName: frontTestHost,
		name: f.names[frontTestHost], wire: new(wireConn),
	}
}

// FuzzRequestGate: what the gate lets through is what came, byte for byte;
// net/http and a reader by the grammar find the same requests in it, with the
// same method, target, host and body; what "read" makes of them is canonical,
// and written down again it reads the same. How the bytes were cut into reads
// makes no difference.
func FuzzRequestGate(f *testing.F) {
	for _, row := range wireRows {
		f.Add([]byte(row.send), uint8(0))
		f.Add([]byte(row.send+"GET /next HTTP/1.1\r\nHost: gw.test\r\n\r\n"), uint8(7))
	}
	for _, row := range pathRows {
		f.Add([]byte("GET "+row.path+"?a=b HTTP/1.1\r\nHost: gw.test\r\n\r\n"), uint8(1))
	}
	front, conn := fuzzConn(f)
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		if len(in) > 64<<10 {
			return
		}
		out, g := throughGate(t, in, int(size)+1)
		if !strings.HasPrefix(string(in), out) {
			t.Fatalf("let through %q", out)
		}
		if other, _ := throughGate(t, in, len(in)+1); other != out {
			t.Fatalf("in pieces %q, at once %q", out, other)
		}
		heads := g.heads
		if g.refusedHead != 0 {
			heads--
		}
		rest, br := out, bufio.NewReader(strings.NewReader(out))
		for i := range heads {
			m, left, err := readPlain(rest)
			if err != nil {
				t.Fatalf("request %d of %q: %v", i, out, err)
			}
			r, err := http.ReadRequest(br)
			if err != nil {
				t.Fatalf("request %d of %q: net/http: %v", i, out, err)
			}
			checkAgreement(t, m, r, i < g.messages)
			checkCall(t, front, conn, r)
			rest = left
		}
		if _, err := br.ReadByte(); heads == g.messages && (rest != "" || err == nil) {
			t.Fatalf("%q is left of %q", rest, out)
		}
	})
}

// checkAgreement compares three readings of one message.
func checkAgreement(t *testing.T, m plainMessage, r *http.Request, whole bool) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if r.Method != m.method || r.RequestURI != m.target || !strings.EqualFold(r.Host, m.host) {
		t.Fatalf("%q %q %q, by the grammar %q %q %q", r.Method, r.RequestURI, r.Host, m.method, m.target, m.host)
	}
	if (err == nil) != whole || m.whole != whole || string(body) != m.body {
		t.Fatalf("body %q (%v), by the grammar %q (whole: %v), by the gate whole: %v", body, err, m.body, m.whole, whole)
	}
	// What the server of net/http asks beyond ReadRequest.
	if !httpguts.ValidHostHeader(m.host) {
		t.Fatalf("net/http refuses host %q", m.host)
	}
	for name, values := range r.Header {
		for _, v := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
				t.Fatalf("net/http refuses field %q: %q", name, v)
			}
		}
	}
	if len(r.Trailer) > 0 {
		t.Fatalf("trailer %v", r.Trailer)
	}
}

// checkCall: a request that "read" accepts has one form and walks nowhere.
func checkCall(t *testing.T, f *Front, c *Conn, r *http.Request) {
	t.Helper()
	call := new(Call)
	if refusal := call.read(f, c, r); refusal != nil {
		return
	}
	walked := "/" + strings.Join(call.Segments, "/")
	clean := path.Clean(walked)
	if clean != "/" && strings.HasSuffix(walked, "/") {
		clean += "/"
	}
	revision := 0
	for _, s := range call.Segments {
		if rest, rev := cutPathRevision(s); rev != "" {
			revision, s = revision+1, rest
		}
		if strings.ContainsAny(s, ";\\\x00\r\n\t") || !utf8.ValidString(s) {
			t.Fatalf("segment %q", s)
		}
	}
	if decoded, err := url.PathUnescape(call.Path); clean != walked || err != nil || decoded != walked || revision > 1 {
		t.Fatalf("path %q decodes to %q (%v), walks to %q, clean %q", call.Path, decoded, err, walked, clean)
	}
	if again, segments, e := canonicalPath(call.Path); e != nil || again != call.Path || !slices.Equal(segments, call.Segments) {
		t.Fatalf("path %q reads again as %q %q, %v", call.Path, again, segments, e)
	}
	if u, err := url.ParseRequestURI(r.RequestURI); err != nil || u.EscapedPath() != call.Path || u.RawQuery != call.RawQuery || r.URL.RequestURI() != r.RequestURI {
		t.Fatalf("target %q parses to %v (%v), URL %q", r.RequestURI, u, err, r.URL)
	}
	wire := call.Method + " " + r.RequestURI + " HTTP/1.1\r\nHost: " + r.Host + "\r\n\r\n"
	out, g := throughGate(t, []byte(wire), 64<<10)
	if out != wire || g.refusal != nil {
		t.Fatalf("written down again: %q: %v", wire, g.refusal)
	}
	second, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	again := new(Call)
	if refusal := again.read(f, c, second); refusal != nil || again.Method != call.Method || again.Host != call.Host || again.Port != call.Port ||
		again.Path != call.Path || again.RawQuery != call.RawQuery || !slices.Equal(again.Segments, call.Segments) {
		t.Fatalf("%+v, written down and read: %+v", call, again)
	}
}
