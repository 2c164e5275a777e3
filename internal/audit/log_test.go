package audit_test

import (
	"crypto/rand"
	"fmt"
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

func TestAppendAndReopen(t *testing.T) {
	signer, _ := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	for n := range 3 {
		l := open(t, dir, audit.Options{Key: signer})
		if got := l.Status(); got.Published != uint64(300*n) {
			t.Fatalf("after opening: %+v", got)
		}
		fill(t, l, 300*n, 300*n+300)
		closeLog(t, l)
	}
}
