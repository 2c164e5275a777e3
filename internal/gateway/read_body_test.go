package gateway

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

func TestBodyBound(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{MaxBodyBytes: 1000}))
	for _, h2 := range []bool{false, true} {
		client := ft.client(t, h2)
		for name, row := range map[string]struct {
			size    int
			chunked bool
			want    int
			seen    bool
		}{
			"length at the bound":     {1000, false, 200, true},
			"length beyond it":        {1001, false, 413, false},
			"chunked up to the bound": {1000, true, 200, true},
			"chunked beyond it":       {1001, true, 413, true},
			"chunked far beyond it":   {200 << 10, true, 413, true},
			"length far beyond it":    {200 << 10, false, 413, false},
			"nothing":                 {0, false, 200, true},
			"nothing, but in chunks":  {0, true, 200, true},
		} {
			ft.takeRefusals()
			body := io.Reader(bytes.NewReader(make([]byte, row.size)))
			if row.chunked {
				body = struct{ io.Reader }{body} // hides the length
			}
			resp, err := client.Post("https://"+frontTestHost+"/a", "text/plain", body)
			if err != nil {
				t.Errorf("h2 %v, %s: %v", h2, name, err)
				continue
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if seen := len(ft.takeSeen()) > 0; resp.StatusCode != row.want || seen != row.seen {
				t.Errorf("h2 %v, %s: %d, handler reached: %v; want %d, %v", h2, name, resp.StatusCode, seen, row.want, row.seen)
			}
			if refusals := ft.takeRefusals(); !row.seen && (len(refusals) != 1 || refusals[0].Cause != RefusedBodySize) {
				t.Errorf("h2 %v, %s: refusals %+v", h2, name, refusals)
			}
		}
	}
}

// TestExpectContinue: the client is told to go on when the handler reads, and
// not at all when the request is refused.
func TestExpectContinue(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{MaxBodyBytes: 100}))
	head := func(fields string) string {
		return "POST /a HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\n" + fields + "\r\n"
	}
	for name, row := range map[string]struct {
		head, body string
		want       []int
	}{
		"good":           {head("Content-Length: 5\r\n"), "hello", []int{100, 200}},
		"chunked":        {head("Transfer-Encoding: chunked\r\n"), "5\r\nhello\r\n0\r\n\r\n", []int{100, 200}},
		"without a body": {head("Content-Length: 0\r\n"), "", []int{200}},
		"too large":      {head("Content-Length: 101\r\n"), "", []int{413}},
		"bad path":       {strings.Replace(head("Content-Length: 5\r\n"), "/a", "/a//b", 1), "", []int{400}},
		"bad framing":    {head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "", []int{400}},
	} {
		conn := ft.dial(t, ft.clientTLS())
		conn.Write([]byte(row.head))
		if row.body != "" {
			// Sent only when asked for: the answer is read below in any case.
			first := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
			if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 100 Continue\r\n\r\n" {
				t.Errorf("%s: %q %v", name, first, err)
				continue
			}
			conn.Write([]byte(row.body))
			row.want = row.want[1:]
		}
		conn.CloseWrite()
		if statuses, _ := readAnswers(t, conn); !slices.Equal(statuses, row.want) {
			t.Errorf("%s: %v, want %v", name, statuses, row.want)
		}
	}
}

// TestSlowBody: a client that stops sending is not waited for, and the handler
// hears why; one that sends slowly but steadily is.
func TestSlowBody(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{StreamIdleTimeout: site.Duration(200 * time.Millisecond)}))
	began := time.Now()
	conn := ft.dial(t, ft.clientTLS())
	conn.Write([]byte("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nhell"))
	if statuses, _ := readAnswers(t, conn); !slices.Equal(statuses, []int{408}) || time.Since(began) > 5*time.Second {
		t.Errorf("http/1.1, stalled: %v after %v, want 408", statuses, time.Since(began))
	}

	c := ft.h2(t)
	id := c.open(t, false, ":method", "POST")
	c.WriteData(id, false, []byte("hell"))
	if status := c.status(t, id); status != 408 && status != h2Reset {
		t.Errorf("http/2, stalled: %d, want 408", status)
	}

	conn = ft.dial(t, ft.clientTLS())
	conn.Write([]byte("POST /a HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\nContent-Length: 8\r\n\r\n"))
	for range 8 {
		time.Sleep(60 * time.Millisecond)
		conn.Write([]byte("x"))
	}
	if statuses, _ := readAnswers(t, conn); !slices.Equal(statuses, []int{408}) && !slices.Equal(statuses, []int{200}) {
		t.Errorf("trickled: %v", statuses)
	}
}

// TestBodyLeftUnread: an answer before the body was read leaves no bytes of it
// to be read as a request.
func TestBodyLeftUnread(t *testing.T) {
	ft := startFront(t, withHandler(func(w http.ResponseWriter, _ *http.Request, _ *Conn, _ *Call) { w.WriteHeader(204) }))
	const inner = "GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"
	for _, framing := range []string{
		"Content-Length: " + strconv.Itoa(len(inner)) + "\r\n\r\n" + inner,
		"Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(inner)), 16) + "\r\n" + inner + "\r\n0\r\n\r\n",
	} {
		conn := ft.dial(t, ft.clientTLS())
		conn.Write([]byte("POST /a HTTP/1.1\r\nHost: gw.test\r\n" + framing + "GET /b HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"))
		statuses, _ := readAnswers(t, conn)
		if seen := ft.takeSeen(); !slices.Equal(statuses, []int{204, 204}) || !slices.Equal(seen, []string{"POST /a", "GET /b"}) {
			t.Errorf("%q: %v %q", framing[:10], statuses, seen)
		}
	}
}
