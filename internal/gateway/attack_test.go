package gateway

import (
	"io"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/policy"
)

// TestAnswersOfRetries: of the answers that a policy has read in a retry only the
// last one counts as held, so that one request cannot use up what all share; those
// of calls count to its end. An upgrade that another attempt replaces is closed.
func TestAnswersOfRetries(t *testing.T) {
	g := New(nil, Options{HeldBytes: 1 << 20})
	tr := &trip{g: g}
	if e := tr.Hold(1000); e != nil {
		t.Fatal(e)
	}
	for range 50 {
		closed := &closing{}
		tr.upgraded = closed
		tr.dropResponse()
		if !closed.closed || tr.upgraded != nil {
			t.Error("the upgrade of the attempt before is open")
		}
		b := &policy.Body{Stream: readCloser{strings.NewReader(strings.Repeat("x", 200<<10))}, Length: 200 << 10}
		tr.x.Response = &policy.Response{StatusCode: 500, Body: b}
		if e := tr.buffer(b, false); e != nil {
			t.Fatal(e)
		}
	}
	if n := g.held.Load(); n < 200<<10 || n > 512<<10 {
		t.Errorf("%d bytes are held", n)
	}
	tr.releaseAnswer()
	tr.releaseCalls()
	if n := g.held.Load(); n != 0 {
		t.Errorf("%d bytes are held for nobody", n)
	}
}

type closing struct {
	io.ReadWriter
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// TestMask: what the caller sent where callers send credentials stands in no note
// and no log, whichever policy has read it.
func TestMask(t *testing.T) {
	const key, token, other = "0123456789abcdef", "aaaa.bbbb.cccc", "Bearer not-a-key-of-ours"
	tr := &trip{s: &Snapshot{backends: &backend.Set{}}}
	tr.shown.key, tr.shown.token = key, token
	tr.sent[0] = []string{other}
	tr.vouching.tokens = []presented{{token: "dddd.eeee.ffff"}}
	tr.x.Maskers = tr.maskers
	text := "key " + key + ", token " + token + ", sent " + other + ", read dddd.eeee.ffff"
	const want = "key ***, token ***, sent Bearer ***, read ***"
	if got := tr.x.Masked(text); got != want {
		t.Errorf("%q", got)
	}
	if tr.x.Note(text); tr.x.Notes[0] != want {
		t.Errorf("%q", tr.x.Notes)
	}
}
