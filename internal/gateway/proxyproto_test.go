package gateway

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// proxyBytes writes a header from its parts; length is that of rest unless
// given.
func proxyBytes(versionCommand, family byte, rest string, length ...int) string {
	n := len(rest)
	if len(length) > 0 {
		n = length[0]
	}
	b := append([]byte(proxySignature), versionCommand, family)
	return string(binary.BigEndian.AppendUint16(b, uint16(n))) + rest
}

const (
	proxyIPv4 = "\x0a\x01\x01\x01\x0a\x02\x02\x02\x10\x00\x01\xbb" // 10.1.1.1:4096 → 10.2.2.2:443
	proxyIPv6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x10\x00\x01\xbb"
	proxyMapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x01\x01\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x02\x02\x02\x10\x00\x01\xbb"
	proxyTLV = "\x04\x00\x02ab" // a vector of type NOOP
)

// proxyRows are headers, and the source that they name: "" a refusal, "local"
// the LOCAL command.
var proxyRows = []struct{ name, send, want string }{
	{"ipv4", proxyBytes(0x21, 0x11, proxyIPv4), "10.1.1.1:4096"},
	{"ipv6", proxyBytes(0x21, 0x21, proxyIPv6), "[2001:db8::1]:4096"},
	{"ipv4 in ipv6", proxyBytes(0x21, 0x21, proxyMapped), "10.1.1.1:4096"},
	{"vectors", proxyBytes(0x21, 0x11, proxyIPv4+proxyTLV+proxyTLV), "10.1.1.1:4096"},
	{"empty vector", proxyBytes(0x21, 0x11, proxyIPv4+"\x04\x00\x00"), "10.1.1.1:4096"},
	{"the longest", proxyBytes(0x21, 0x11, proxyIPv4+"\x04\x01\xf9"+strings.Repeat("x", 505)), "10.1.1.1:4096"},
	{"local", proxyBytes(0x20, 0x00, ""), "local"},
	{"local with addresses", proxyBytes(0x20, 0x11, proxyIPv4), "local"},

	{"nothing", "", ""},
	{"half a signature", proxySignature[:6], ""},
	{"signature alone", proxySignature, ""},
	{"cut before the addresses", proxyBytes(0x21, 0x11, "", 12), ""},
	{"cut in the addresses", proxyBytes(0x21, 0x11, proxyIPv4[:7], 12), ""},
	{"cut in a vector", proxyBytes(0x21, 0x11, proxyIPv4+proxyTLV[:4], 17), ""},
	{"addresses too short", proxyBytes(0x21, 0x11, proxyIPv4[:11]), ""},
	{"ipv6 with the length of ipv4", proxyBytes(0x21, 0x21, proxyIPv4), ""},
	{"no addresses", proxyBytes(0x21, 0x11, ""), ""},
	{"vector beyond the header", proxyBytes(0x21, 0x11, proxyIPv4+"\x04\x00\x09ab"), ""},
	{"vector of two bytes", proxyBytes(0x21, 0x11, proxyIPv4+"\x04\x00"), ""},
	{"too long", proxyBytes(0x21, 0x11, proxyIPv4+"\x04\x01\xfa"+strings.Repeat("x", 506)), ""},
	{"as long as it can say", proxyBytes(0x21, 0x11, proxyIPv4, 0xffff), ""},
	{"version 1", "PROXY TCP4 10.1.1.1 10.2.2.2 4096 443\r\n", ""},
	{"version 1 unknown", "PROXY UNKNOWN\r\n", ""},
	{"version 3", proxyBytes(0x31, 0x11, proxyIPv4), ""},
	{"command 2", proxyBytes(0x22, 0x11, proxyIPv4), ""},
	{"unspecified family", proxyBytes(0x21, 0x00, ""), ""},
	{"udp", proxyBytes(0x21, 0x12, proxyIPv4), ""},
	{"unix socket", proxyBytes(0x21, 0x31, strings.Repeat("\x00", 216)), ""},
	{"signature with one other byte", "\r\n\r\n\x00\r\nQUIT\r" + "\x21\x11\x00\x0c" + proxyIPv4, ""},
	{"http", "GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n", ""},
}

func TestReadProxyHeader(t *testing.T) {
	for _, row := range proxyRows {
		const after = "the next protocol"
		in := strings.NewReader(row.send)
		if row.want != "" {
			in = strings.NewReader(row.send + after)
		}
		h, err := readProxyHeader(in)
		switch {
		case row.want == "":
			if err == nil {
				t.Errorf("%s: accepted as %+v", row.name, h)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", row.name, err)
			continue
		case row.want == "local" && !h.Local, row.want != "local" && h.Source.String() != row.want:
			t.Errorf("%s: %+v, want %s", row.name, h, row.want)
		}
		if rest, _ := io.ReadAll(in); string(rest) != after {
			t.Errorf("%s: left %q for the next reader", row.name, rest)
		}
	}
}

// TestProxyHeaderOnTheWire: what the front makes of the rows, from a trusted
// proxy and from anybody else.
func TestProxyHeaderOnTheWire(t *testing.T) {
	trusting := startFront(t, withProxies(loopbackProxy(site.TrustedProxy{ProxyProtocol: "v2"})))
	plain := startFront(t)
	for _, row := range proxyRows {
		if row.send == "" {
			continue // a connection that says nothing is a probe of the port
		}
		client, err := throughProxy(t, trusting, row.send, row.want == "")
		switch {
		case row.want == "":
			if err == nil {
				t.Errorf("%s: a connection came of it", row.name)
			}
			trusting.awaitRefusal(t, RefusedProxyHeader)
		case err != nil:
			t.Errorf("%s: %v", row.name, err)
		default:
			want := netip.MustParseAddr("127.0.0.1")
			if row.want != "local" {
				want = netip.MustParseAddrPort(row.want).Addr()
			}
			if client != want {
				t.Errorf("%s: client %s, want %s", row.name, client, want)
			}
		}
		if len(row.send) < 5 || row.name == "http" {
			continue
		}
		if _, err := throughProxy(t, plain, row.send, false); err == nil {
			t.Errorf("%s: accepted from a peer that is not trusted", row.name)
		}
		plain.awaitRefusal(t, RefusedProxyHeader)
	}
}

// throughProxy sends header, then makes TLS and one request; it returns the
// client that the handler saw. With ends the connection ends after the header.
func throughProxy(t *testing.T, ft *frontTest, header string, ends bool) (netip.Addr, error) {
	t.Helper()
	raw, err := net.Dial("tcp", ft.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(5 * time.Second))
	raw.Write([]byte(header))
	if ends {
		raw.(*net.TCPConn).CloseWrite()
	}
	conn := tls.Client(raw, ft.clientTLS())
	if err := conn.Handshake(); err != nil {
		return netip.Addr{}, err
	}
	conn.Write([]byte("GET / HTTP/1.1\r\nHost: gw.test\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n"))
	statuses, _ := readAnswers(t, conn)
	if len(statuses) != 1 || statuses[0] != 200 {
		return netip.Addr{}, fmt.Errorf("statuses %v", statuses)
	}
	call, _ := ft.lastCall(t)
	return call.Client, nil
}

// formatProxyHeader is the writer that the reader is checked against.
func formatProxyHeader(h proxyHeader, family byte) []byte {
	if h.Local {
		return []byte(proxyBytes(0x20, 0x00, ""))
	}
	source, dest := h.Source.Addr(), h.Dest.Addr()
	var b []byte
	if family == 0x21 {
		s, d := source.As16(), dest.As16()
		b = append(append(b, s[:]...), d[:]...)
	} else {
		s, d := source.As4(), dest.As4()
		b = append(append(b, s[:]...), d[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, h.Source.Port())
	b = binary.BigEndian.AppendUint16(b, h.Dest.Port())
	return []byte(proxyBytes(0x21, family, string(b)))
}

// countingReader gives one byte at a time and counts them.
type countingReader struct {
	in []byte
	n  int
}

func (r *countingReader) Read(p []byte) (int, error) {
	if r.n == len(r.in) {
		return 0, io.EOF
	}
	p[0] = r.in[r.n]
	r.n++
	return 1, nil
}

// FuzzProxyHeader: not a byte beyond the header's own length is read, however
// it ends; what was read, written down and read again is the same; and no
// header without signature, version and a TCP address is accepted.
func FuzzProxyHeader(f *testing.F) {
	for _, row := range proxyRows {
		f.Add([]byte(row.send))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		src := &countingReader{in: in}
		h, err := readProxyHeader(src)
		bound := proxyFixed
		if len(in) >= proxyFixed {
			bound += int(binary.BigEndian.Uint16(in[14:16]))
		}
		if src.n > bound || src.n > proxyMax {
			t.Fatalf("read %d bytes of a header of %d", src.n, bound)
		}
		if err != nil {
			if errors.Is(err, io.EOF) && src.n != len(in) {
				t.Fatalf("claims an end at %d of %d bytes", src.n, len(in))
			}
			return
		}
		if src.n != bound || !bytes.HasPrefix(in, []byte(proxySignature)) || in[12]>>4 != 2 {
			t.Fatalf("accepted %q after %d bytes", in, src.n)
		}
		if !h.Local && (!h.Source.IsValid() || h.Source.Addr().Is4In6() || h.Source.Addr().Zone() != "") {
			t.Fatalf("source %v", h.Source)
		}
		again, err := readProxyHeader(bytes.NewReader(formatProxyHeader(h, in[13])))
		if err != nil || again != h {
			t.Fatalf("%+v, written down and read: %+v, %v", h, again, err)
		}
	})
}
