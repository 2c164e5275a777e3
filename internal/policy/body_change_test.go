package policy

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// streaming gives an exchange whose backend answers with a body.
func streaming(header http.Header, body io.Reader) *Exchange {
	x := newExchange(func(_ context.Context, x *Exchange, _ ForwardOptions) error {
		x.Response = &Response{StatusCode: 200, Header: header, FromBackend: true, Body: &Body{Stream: io.NopCloser(body), Length: -1}}
		return nil
	})
	x.Services = &Services{Random: zeros{}}
	return x
}

func zipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestChangedBodies: bodies in gzip are unpacked; what is too large, packed or
// not, before or after, is refused, and so is a stream of events without end.
func TestChangedBodies(t *testing.T) {
	p := mustCompile(t, `-- api.xml --
<policies><outbound><find-and-replace from="a" to="bbbb" /></outbound></policies>
`)
	f := func(name string, header http.Header, body io.Reader, want, reason string) {
		t.Helper()
		x := streaming(header, body)
		p.Run(t.Context(), x)
		if e := x.LastError; e != nil {
			if e.Reason != reason {
				t.Errorf("%s: %v, want %q", name, e, reason)
			}
			return
		}
		if got := string(x.Response.Body.Bytes); reason != "" || got != want || x.Response.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %q with %v, want %q or %q", name, got, x.Response.Header, want, reason)
		}
	}
	packed := http.Header{"Content-Encoding": {"gzip"}}
	f("packed", packed.Clone(), bytes.NewReader(zipped(t, "xax")), "xbbbbx", "")
	f("plain", http.Header{"Content-Encoding": {"identity"}}, strings.NewReader("xax"), "xbbbbx", "")
	f("packed, too large", packed.Clone(), bytes.NewReader(zipped(t, strings.Repeat("x", MaxBuffered+1))), "", "BodyTooLarge")
	f("cut off", packed.Clone(), bytes.NewReader(zipped(t, "xax")[:12]), "", "BodyMalformed")
	f("too large afterwards", http.Header{}, strings.NewReader(strings.Repeat("a", MaxBuffered/3)), "", "BodyTooLarge")
	f("events without end", http.Header{"Content-Type": {"text/event-stream"}}, endless{}, "", "BodyTooLarge")
}

// endless is a stream of events that does not end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = "data: a\n\n"[i%9]
	}
	return len(b), nil
}

// TestTemplateOfMany: one template fills bodies for many requests at once.
func TestTemplateOfMany(t *testing.T) {
	p := mustCompile(t, `-- api.xml --
<policies><outbound><set-body template="liquid">{% assign x = body.a | Replace: '\d', '<$0>' %}{{ x }}{% increment n %}</set-body></outbound></policies>
`)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			digit := string(rune('0' + i%10))
			x := streaming(http.Header{"Content-Type": {"application/json"}}, strings.NewReader(`{"a":"`+digit+`"}`))
			p.Run(t.Context(), x)
			if got := string(x.Response.Body.Bytes); got != "<"+digit+">0" {
				t.Errorf("%q for %s", got, digit)
			}
		})
	}
	all.Wait()
}
