package audit_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

const origin = "gateway.example.com/audit"

func newKey(t testing.TB) (signer, verifier string) {
	t.Helper()
	signer, verifier, err := audit.NewKey(origin, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func open(t testing.TB, dir string, opt audit.Options) *audit.Log {
	t.Helper()
	l, err := audit.Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t testing.TB, l *audit.Log) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// record is the i-th of a test: its request id says so.
func record(i int) *audit.Record {
	return &audit.Record{
		Time: time.Unix(1_700_000_000+int64(i), 0), Kind: audit.KindAccess, Action: "request",
		Actor: "subscription:team-a", Outcome: "allow", RequestID: fmt.Sprint(i), Status: 200,
	}
}

// fill appends records n to m-1 and waits until they are durable.
func fill(t testing.TB, l *audit.Log, n, m int) {
	t.Helper()
	var last audit.Position
	for i := n; i < m; i++ {
		if last = l.Append(record(i)); last == 0 {
			t.Fatalf("record %d was refused", i)
		}
	}
	if n < m {
		l.Flush(last)
		if err := l.Wait(t.Context(), last); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAppendAndReopen: a log goes on where it ended, and partial tiles go when
// full ones replace them.
func TestAppendAndReopen(t *testing.T) {
	signer, verifier := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	for n := range 3 {
		l := open(t, dir, audit.Options{Key: signer})
		if got := l.Status(); got.Published != uint64(300*n) {
			t.Fatalf("after opening: %+v", got)
		}
		fill(t, l, 300*n, 300*n+300)
		closeLog(t, l)
	}
	for name, there := range map[string]bool{"000": true, "001": true, "002": true, "003.p/132": true, "000.p": false, "001.p": false, "002.p": false} {
		for _, level := range []string{"entries", "0"} {
			if _, err := os.Stat(filepath.Join(dir, "tile", level, name)); (err == nil) != there {
				t.Errorf("tile/%s/%s: %v", level, name, err)
			}
		}
	}
	for _, index := range []uint64{0, 255, 256, 899} {
		testProof(t, dir, verifier, index)
	}
	if _, err := audit.Prove(dir, verifier, 900); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a record that is not there: %v", err)
	}
}

// testProof makes a proof, carries it over as text and checks it.
func testProof(t *testing.T, dir, verifier string, index uint64) {
	t.Helper()
	p, err := audit.Prove(dir, verifier, index)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var carried audit.Proof
	if err := carried.UnmarshalText(text); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	for e, err := range audit.Entries(dir, index, index+1) {
		if err != nil {
			t.Fatal(err)
		}
		if err := carried.Check(verifier, e.Raw); err != nil {
			t.Errorf("record %d: %v", index, err)
		}
		if carried.Check(verifier, append(e.Raw, ' ')) == nil {
			t.Errorf("record %d: another record is proved", index)
		}
		_, other := newKey(t)
		if carried.Check(other, e.Raw) == nil {
			t.Errorf("record %d: proved by another key", index)
		}
		carried.Index++
		if carried.Check(verifier, e.Raw) == nil {
			t.Errorf("record %d is proved to be at %d", index, carried.Index)
		}
	}
}
