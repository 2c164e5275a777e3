package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/policy"
)

// TestHeldBodies: request bodies in memory have one bound for all requests
// together; what is let go is there for others.
func TestHeldBodies(t *testing.T) {
	g := New(nil, Options{HeldBytes: 3000})
	read := func(size int) (*trip, *refused) {
		tr := &trip{g: g}
		tr.x.Request.Body = &policy.Body{Stream: readCloser{strings.NewReader(strings.Repeat("x", size))}, Length: int64(size)}
		_, e := tr.readBody()
		return tr, e
	}
	first, e := read(2000)
	if e != nil {
		t.Fatal(e)
	}
	second, e := read(2000)
	if e == nil || e.Status != http.StatusServiceUnavailable || !e.Frame {
		t.Fatalf("the second body: %v", e)
	}
	second.release()
	first.release()
	if n := g.held.Load(); n != 0 {
		t.Errorf("%d bytes are held for nobody", n)
	}
	if first.x.Request.Body != nil {
		t.Error("the body is still held")
	}
	third, e := read(2000)
	if e != nil {
		t.Error(e)
	}
	third.release()
}

// TestSmallBodiesPass: large bodies, which fill their part of the bound, leave
// room for small ones.
func TestSmallBodiesPass(t *testing.T) {
	g := New(nil, Options{HeldBytes: 1 << 20})
	large := &trip{g: g}
	if e := large.hold(890<<10, &large.held); e != nil {
		t.Fatal(e)
	}
	if e := (&trip{g: g}).hold(smallBody+1, new(int64)); e == nil {
		t.Error("a second large body goes into the part of small ones")
	}
	small := &trip{g: g}
	if e := small.hold(1<<10, &small.held); e != nil {
		t.Error(e)
	}
	small.release()
	large.release()
	if n := g.held.Load(); n != 0 {
		t.Errorf("%d bytes are held for nobody", n)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
