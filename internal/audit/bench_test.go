package audit_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

// access is a record of the size and form of those that every request leaves.
func access() *audit.Record {
	return &audit.Record{
		Time: time.Unix(1_700_000_000, 123_456_000), Kind: audit.KindAccess, Action: "request", Actor: "subscription:team-assistants",
		Outcome: "allow", Reasons: []string{"subscription-key", "product-scope"}, RequestID: "01975a2e-9d5c-7c1a-b0a4-6f1f0b9f2a11",
		Client: netip.MustParseAddr("10.20.30.40"), Peer: netip.MustParseAddr("10.20.0.1"), API: "azure-openai", Operation: "ChatCompletions_Create",
		Subscription: "team-assistants", Deployment: "gpt-4o-mini", Model: "gpt-4o-mini", Status: 200,
		Site: "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
	}
}

// BenchmarkAppend is the whole cost of a record: encoding, hashing, its share
// of batches, signatures, flushes and publications, until all are durable. The
// processor's time is what counts; ns/op is the elapsed time.
func BenchmarkAppend(b *testing.B) {
	signer, _ := newKey(b)
	l := open(b, filepath.Join(b.TempDir(), "audit"), audit.Options{Key: signer})
	r := access()
	b.ReportAllocs()
	before := cpuTime()
	var p audit.Position
	for b.Loop() {
		if p = l.Append(r); p == 0 {
			b.Fatal(l.Err())
		}
		if p%5000 == 0 {
			keepUp(b, l, p)
		}
	}
	if err := l.Wait(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(p), "cpu-ns/record")
	closeLog(b, l)
}

// keepUp waits until the disk has what there is: a benchmark makes records
// faster than files can be flushed.
func keepUp(b *testing.B, l *audit.Log, p audit.Position) {
	b.Helper()
	l.Flush(p)
	if err := l.Wait(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	for l.Status().Published+50_000 < uint64(p) {
		time.Sleep(time.Millisecond)
	}
}

// BenchmarkAppendPaced is the same at the rate of a busy gateway, 2,000 records
// a second: batches are small, so each record carries more of a signature.
func BenchmarkAppendPaced(b *testing.B) {
	signer, _ := newKey(b)
	l := open(b, filepath.Join(b.TempDir(), "audit"), audit.Options{Key: signer})
	r := access()
	before := cpuTime()
	var p audit.Position
	for b.Loop() {
		for range 10 {
			p = l.Append(r)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := l.Wait(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(p), "cpu-ns/record")
	closeLog(b, l)
}

// BenchmarkAppendOnly is what the caller of Append pays.
func BenchmarkAppendOnly(b *testing.B) {
	signer, _ := newKey(b)
	l := open(b, filepath.Join(b.TempDir(), "audit"), audit.Options{Key: signer, Gather: time.Hour})
	r := access()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if l.Append(r) == 0 {
			b.Fatal(l.Err())
		}
		if n%4_000 == 3_999 {
			b.StopTimer()
			keepUp(b, l, l.Append(r))
			b.StartTimer()
		}
	}
	closeLog(b, l)
}

// BenchmarkWait is one record that somebody waits for: the latency of the disk.
func BenchmarkWait(b *testing.B) {
	signer, _ := newKey(b)
	l := open(b, filepath.Join(b.TempDir(), "audit"), audit.Options{Key: signer})
	r := access()
	for b.Loop() {
		p := l.Append(r)
		l.Flush(p)
		if err := l.Wait(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
	closeLog(b, l)
}

// BenchmarkVerify reads and verifies a log of 20,000 records.
func BenchmarkVerify(b *testing.B) {
	signer, verifier := newKey(b)
	dir := filepath.Join(b.TempDir(), "audit")
	l := open(b, dir, audit.Options{Key: signer})
	fill(b, l, 0, 20_000)
	closeLog(b, l)
	for b.Loop() {
		if r := verify(b, dir, verifier, nil); !r.OK() {
			b.Fatal(r.Problems)
		}
	}
}
