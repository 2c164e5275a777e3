package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wireRows are requests as bytes, and what comes of them. After every row the
// test sends one more request for /smuggled: it may be answered only where the
// row says so, and never after a refusal.
var wireRows = []struct {
	name, send string
	want       []int    // statuses in order, without that of /smuggled
	seen       []string // what reaches the handler
	open       bool     // /smuggled is a request of its own and answered
}{
	// What has to work.
	{name: "plain get", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "host with port", send: "GET /a HTTP/1.1\r\nHost: gw.test:8443\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "host in capitals with dot", send: "GET /a HTTP/1.1\r\nHost: GW.Test.\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "field name in capitals", send: "GET /a HTTP/1.1\r\nHOST:gw.test\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "tab around the value", send: "GET /a HTTP/1.1\r\nHost:\tgw.test\t \r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "length", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\nhello", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "length zero", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "length with leading zeros", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0005\r\n\r\nhello", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "get with body", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\nhello", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "chunked", send: chunkedHead + "5\r\nhello\r\n0\r\n\r\n", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "chunked in capitals", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\ntransfer-encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "chunk extension", send: chunkedHead + "5;name=value\r\nhello\r\n0;x\r\n\r\n", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "chunk size with zeros, in capitals", send: chunkedHead + "00A\r\nhellohello\r\n000\r\n\r\n", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "empty chunked body", send: chunkedHead + "0\r\n\r\n", want: []int{200}, seen: []string{"POST /a"}, open: true},
	{name: "absolute form", send: "GET https://gw.test/a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "absolute form without path", send: "GET https://gw.test HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200}, seen: []string{"GET /"}, open: true},
	{name: "absolute form with query only", send: "GET HTTPS://GW.test?a=b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200}, seen: []string{"GET /"}, open: true},
	{name: "http/1.0", send: "GET /a HTTP/1.0\r\nHost: gw.test\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}},
	{name: "http/1.0 kept alive", send: "GET /a HTTP/1.0\r\nHost: gw.test\r\nConnection: keep-alive\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "close", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}},
	{name: "two in one packet", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200, 200}, seen: []string{"GET /a", "GET /b"}, open: true},
	{name: "post then get in one packet", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200, 200}, seen: []string{"POST /a", "GET /b"}, open: true},
	{name: "chunked then get in one packet", send: chunkedHead + "5\r\nhello\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200, 200}, seen: []string{"POST /a", "GET /b"}, open: true},
	{name: "continue", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello", want: []int{100, 200}, seen: []string{"POST /a"}, open: true},
	{name: "opaque bytes in a value", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX: caf\xc3\xa9\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "h2c upgrade is ignored", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "a hundred fields", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n" + strings.Repeat("X-F: 1\r\n", 99) + "\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},
	{name: "a head of 15 KiB", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Big: " + strings.Repeat("a", 15<<10) + "\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}, open: true},

	// Two lengths.
	{name: "length and chunked", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: []int{400}},
	{name: "chunked and length", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", want: []int{400}},
	{name: "chunked and length zero", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", want: []int{400}},
	{name: "two lengths", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", want: []int{400}},
	{name: "two equal lengths", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", want: []int{400}},
	{name: "two lengths in two cases", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\ncontent-length: 5\r\nCONTENT-LENGTH: 5\r\n\r\nhello", want: []int{400}},
	{name: "list of lengths", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5, 5\r\n\r\nhello", want: []int{400}},
	{name: "length with sign", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: +5\r\n\r\nhello", want: []int{400}},
	{name: "negative length", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: -5\r\n\r\nhello", want: []int{400}},
	{name: "length in hex", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0x5\r\n\r\nhello", want: []int{400}},
	{name: "length with space inside", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1 5\r\n\r\nhello", want: []int{400}},
	{name: "empty length", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length:\r\n\r\nhello", want: []int{400}},
	{name: "length beyond int64", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 18446744073709551621\r\n\r\nhello", want: []int{400}},
	{name: "fractional length", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5.0\r\n\r\nhello", want: []int{400}},
	{name: "length over the limit", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 33554433\r\n\r\nhello", want: []int{413}},

	// Transfer codings.
	{name: "gzip, chunked", send: teHead("gzip, chunked"), want: []int{400}},
	{name: "chunked, chunked", send: teHead("chunked, chunked"), want: []int{400}},
	{name: "chunked, identity", send: teHead("chunked, identity"), want: []int{400}},
	{name: "identity", send: teHead("identity"), want: []int{400}},
	{name: "xchunked", send: teHead("xchunked"), want: []int{400}},
	{name: "chunked with parameter", send: teHead("chunked;q=1"), want: []int{400}},
	{name: "chunked in quotes", send: teHead(`"chunked"`), want: []int{400}},
	{name: "empty coding", send: teHead(""), want: []int{400}},
	{name: "vertical tab", send: teHead("\vchunked"), want: []int{400}},
	{name: "long s", send: teHead("chun\u212aed"), want: []int{400}},
	{name: "two codings fields", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: []int{400}},
	{name: "coding on http/1.0", send: "POST /a HTTP/1.0\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: []int{400}},
	{name: "space before the colon", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", want: []int{400}},
	{name: "coding hidden by a fold", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: []int{400}},

	// Lines.
	{name: "bare lf after the request line", send: "GET /a HTTP/1.1\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "bare lf after a field", send: "GET /a HTTP/1.1\r\nHost: gw.test\nX: y\r\n\r\n", want: []int{400}},
	{name: "bare lf at the end of the head", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n\n", want: []int{400}},
	{name: "only bare lf", send: "GET /a HTTP/1.1\nHost: gw.test\n\n", want: []int{400}},
	{name: "bare cr in a value", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX: a\rY: b\r\n\r\n", want: []int{400}},
	{name: "bare cr in the request line", send: "GET /a\r HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "cr cr lf", send: "GET /a HTTP/1.1\r\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "cr cr lf after a field", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\r\n\r\n", want: []int{400}},
	{name: "fold with space", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX: a\r\n b\r\n\r\n", want: []int{400}},
	{name: "fold with tab", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX: a\r\n\tb\r\n\r\n", want: []int{400}},
	{name: "fold at the first field", send: "GET /a HTTP/1.1\r\n Host: gw.test\r\n\r\n", want: []int{400}},
	{name: "empty line first", send: "\r\nGET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "nul in a value", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX: a\x00b\r\n\r\n", want: []int{400}},
	{name: "delete in a value", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX: a\x7fb\r\n\r\n", want: []int{400}},

	// Field names.
	{name: "no colon", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nXY\r\n\r\n", want: []int{400}},
	{name: "empty name", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n: y\r\n\r\n", want: []int{400}},
	{name: "space in a name", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX Y: z\r\n\r\n", want: []int{400}},
	{name: "nul in a name", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX\x00: z\r\n\r\n", want: []int{400}},
	{name: "bracket in a name", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX[]: z\r\n\r\n", want: []int{400}},
	{name: "byte from 0x80 in a name", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX\xa0: z\r\n\r\n", want: []int{400}},
	{name: "a hundred and one fields", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n" + strings.Repeat("X-F: 1\r\n", 100) + "\r\n", want: []int{431}},
	{name: "a head of 17 KiB", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Big: " + strings.Repeat("a", 17<<10) + "\r\n\r\n", want: []int{431}},
	{name: "a head of 17 KiB in many fields", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n" + strings.Repeat("X-Big: "+strings.Repeat("a", 500)+"\r\n", 34) + "\r\n", want: []int{431}},

	// Request lines.
	{name: "no version", send: "GET /a\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "http/1.2", send: "GET /a HTTP/1.2\r\nHost: gw.test\r\n\r\n", want: []int{505}},
	{name: "http/2.0 preface", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: []int{505}},
	{name: "http/0.9", send: "GET /a HTTP/0.9\r\nHost: gw.test\r\n\r\n", want: []int{505}},
	{name: "version in small letters", send: "GET /a http/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "version with more", send: "GET /a HTTP/1.1x\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "two spaces before the target", send: "GET  /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "two spaces before the version", send: "GET /a  HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "space in the target", send: "GET /a b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "tab as separator", send: "GET\t/a\tHTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "space first", send: " GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "method that is no token", send: "G\"T /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "method without end", send: strings.Repeat("G", 40) + " /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "connect", send: "CONNECT gw.test:443 HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{405}},
	{name: "trace", send: "TRACE /a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{405}},
	{name: "asterisk", send: "OPTIONS * HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "authority form", send: "GET gw.test:443 HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "absolute form of http", send: "GET http://gw.test/a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "absolute form with user", send: "GET https://u@gw.test/a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "absolute form of another host", send: "GET https://other.test/a HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "absolute form of the host, host of another", send: "GET https://gw.test/a HTTP/1.1\r\nHost: other.test\r\n\r\n", want: []int{400}},
	{name: "fragment", send: "GET /a#b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "broken escape", send: "GET /a%zz HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "nul in the target", send: "GET /a\x00 HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "byte from 0x80 in the target", send: "GET /\xc3\xa9 HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{400}},
	{name: "target of 9 KiB", send: "GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{414}},
	{name: "target without end", send: "GET /" + strings.Repeat("a", 20<<10), want: []int{414}},

	// Host.
	{name: "no host", send: "GET /a HTTP/1.1\r\nX: y\r\n\r\n", want: []int{400}},
	{name: "no host on http/1.0", send: "GET /a HTTP/1.0\r\n\r\n", want: []int{400}},
	{name: "two hosts", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nHost: other.test\r\n\r\n", want: []int{400}},
	{name: "two equal hosts", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nhost: gw.test\r\n\r\n", want: []int{400}},
	{name: "empty host", send: "GET /a HTTP/1.1\r\nHost:\r\n\r\n", want: []int{400}},
	{name: "host with path", send: "GET /a HTTP/1.1\r\nHost: gw.test/x\r\n\r\n", want: []int{400}},
	{name: "host with user", send: "GET /a HTTP/1.1\r\nHost: a@gw.test\r\n\r\n", want: []int{400}},
	{name: "list of hosts", send: "GET /a HTTP/1.1\r\nHost: gw.test, other.test\r\n\r\n", want: []int{400}},
	{name: "host with a port that is none", send: "GET /a HTTP/1.1\r\nHost: gw.test:x\r\n\r\n", want: []int{400}},
	{name: "host of another name", send: "GET /a HTTP/1.1\r\nHost: other.test\r\n\r\n", want: []int{421}},
	{name: "host that nobody knows", send: "GET /a HTTP/1.1\r\nHost: evil.test\r\n\r\n", want: []int{421}},

	// Expectations, trailers, upgrades.
	{name: "other expectation", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\nhello", want: []int{417}},
	{name: "two expectations", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", want: []int{417}},
	{name: "announced trailer", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX: y\r\n\r\n", want: []int{400}},
	{name: "upgrade with a body", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", want: []int{400}},
	{name: "upgrade not made", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", want: []int{200}, seen: []string{"GET /a"}},

	// Bodies: the head is good and reaches the handler, the body does not.
	{name: "bare lf in a chunk line", send: chunkedHead + "5\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "bare cr in a chunk line", send: chunkedHead + "5;a\rb\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk longer than its size", send: chunkedHead + "4\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk shorter than its size", send: chunkedHead + "6\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk ends in bare lf", send: chunkedHead + "5\r\nhello\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size with prefix", send: chunkedHead + "0x5\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size with sign", send: chunkedHead + "+5\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "negative chunk size", send: chunkedHead + "-5\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size after space", send: chunkedHead + " 5\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size before space", send: chunkedHead + "5 \r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size with underscore", send: chunkedHead + "0_5\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "no chunk size", send: chunkedHead + "\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "only an extension", send: chunkedHead + ";a=b\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size that wraps around", send: chunkedHead + "10000000000000005\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "chunk size of sixteen digits", send: chunkedHead + "7fffffffffffffff\r\nhello", want: []int{400}, seen: []string{"POST /a"}},
	{name: "endless extension", send: chunkedHead + "5;" + strings.Repeat("a", 300) + "\r\nhello\r\n0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "extensions beyond measure", send: chunkedHead + strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\nx\r\n", 100) + "0\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "trailer", send: chunkedHead + "0\r\nX: y\r\n\r\n", want: []int{400}, seen: []string{"POST /a"}},
	{name: "end in bare lf", send: chunkedHead + "0\r\n\n", want: []int{400}, seen: []string{"POST /a"}},

	// Refusals wait for their turn.
	{name: "good, then bad", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /b HTTP/1.1\nHost: gw.test\r\n\r\n", want: []int{200, 400}, seen: []string{"GET /a"}},
	{name: "good body, then bad head", send: "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\nhello GET /b HTTP/1.1\r\nHost: gw.test\r\n\r\n", want: []int{200, 400}, seen: []string{"POST /a"}},
	{name: "two good, then no host", send: "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /b HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /c HTTP/1.1\r\n\r\n", want: []int{200, 200, 400}, seen: []string{"GET /a", "GET /b"}},
}

const chunkedHead = "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n"

func teHead(coding string) string {
	return "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: " + coding + "\r\n\r\n0\r\n\r\n"
}

// TestWire sends every row twice: at once, and in pieces with a pause of the
// TLS record between them.
func TestWire(t *testing.T) {
	ft := startFront(t)
	for _, row := range wireRows {
		for _, pieces := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", row.name, pieces), func(t *testing.T) {
				ft.takeRefusals()
				conn := ft.dial(t, ft.clientTLS())
				all := row.send + "GET /smuggled HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"
				for part := range slices.Chunk([]byte(all), len(all)/pieces+1) {
					conn.Write(part)
				}
				conn.CloseWrite()
				statuses, bodies := readAnswers(t, conn)
				want, seen := slices.Clone(row.want), slices.Clone(row.seen)
				if row.open {
					want, seen = append(want, 200), append(seen, "GET /smuggled")
				}
				if !slices.Equal(statuses, want) {
					t.Errorf("statuses %v, want %v", statuses, want)
				}
				if got := ft.takeSeen(); !slices.Equal(got, seen) {
					t.Errorf("the handler saw %q, want %q", got, seen)
				}
				if len(row.want) > len(row.seen)+count(row.want, 100) {
					checkRefusal(t, ft.takeRefusals(), statuses, bodies)
				}
			})
		}
	}
}

func count(list []int, v int) (n int) {
	for _, x := range list {
		if x == v {
			n++
		}
	}
	return n
}

// checkRefusal: a refused head has one refusal and a body in the known form.
func checkRefusal(t *testing.T, refusals []Refusal, statuses []int, bodies []string) {
	t.Helper()
	if len(statuses) == 0 {
		return
	}
	last := statuses[len(statuses)-1]
	if len(refusals) != 1 || refusals[0].Status != last || refusals[0].Peer.String() != "127.0.0.1" {
		t.Errorf("refusals %+v, want one with status %d", refusals, last)
	}
	var answer struct {
		StatusCode int    `json:"statusCode"`
		Message    string `json:"message"`
	}
	body := bodies[len(bodies)-1]
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.StatusCode != last || answer.Message == "" {
		t.Errorf("body %q: %v", body, err)
	}
}
