package audit_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

// named is how a record names what a witness or a directory held.
func named(raw []byte) string {
	if text, _, ok := strings.Cut(string(raw), "\n\n"); ok && strings.Count(text, "\n") == 2 {
		quoted, _ := json.Marshal(text)
		return `"checkpoint":` + string(quoted)
	}
	sum := sha256.Sum256(raw)
	return fmt.Sprintf(`"sha256":%q,"bytes":%d`, hex.EncodeToString(sum[:]), len(raw))
}

// restorable is a directory with a log of two records, its checkpoint of that
// time, and 20 records after it, which a restore is going to undo.
func restorable(t *testing.T, w audit.Witness) (dir string, backup, newest []byte) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "audit")
	signer, _ := newKey(t)
	l := open(t, dir, audit.Options{Key: signer, Witness: w})
	fill(t, l, 0, 2)
	closeLog(t, l)
	backup = read(t, dir, "checkpoint")
	l = open(t, dir, audit.Options{Key: signer, Witness: w})
	fill(t, l, 2, 22)
	closeLog(t, l)
	return dir, backup, read(t, dir, "checkpoint")
}

func otherKey(t *testing.T) string {
	t.Helper()
	signer, _, err := audit.NewKey("gateway.example.com/another", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func wants(t *testing.T, r audit.Record, action string, raw ...[]byte) {
	t.Helper()
	for _, raw := range raw {
		if r.Action != action || !strings.Contains(string(r.Before), named(raw)) {
			t.Errorf("the record %s names %s, not %s", r.Action, r.Before, named(raw))
		}
	}
}

// TestPredecessor is what a restored backup does: the new log names what was
// given, what the directory was up to and what the witness held, which is
// overwritten afterwards, whatever it is.
func TestPredecessor(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign")
	begin(t, foreign, otherKey(t), record, 3)
	for name, held := range map[string][]byte{"its own": nil, "another key's": read(t, foreign, "checkpoint"), "garbage": []byte("hello"), "an empty file": {}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "witness")
			dir, backup, newest := restorable(t, audit.FileWitness(path))
			if held == nil {
				held = read(t, path)
			}
			write(t, held, path)
			given := &audit.Predecessor{Checkpoints: [][]byte{backup}, Reason: "restored from a backup"}
			l := open(t, dir, audit.Options{Key: otherKey(t), Witness: audit.FileWitness(path), Predecessor: given})
			closeLog(t, l)
			first := firstRecord(t, dir)
			wants(t, first, "begin", backup, newest, held)
			if first.Detail != "restored from a backup" || len(given.Checkpoints) != 1 {
				t.Errorf("%+v, given %d", first, len(given.Checkpoints))
			}
			if string(read(t, path)) != string(read(t, dir, "checkpoint")) {
				t.Error("the witness has not taken the new log")
			}
		})
	}
}

// TestPredecessorAgain: each log that begins anew moves the one before aside.
func TestPredecessorAgain(t *testing.T) {
	signer, verifier := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	for range 2 {
		l := open(t, dir, audit.Options{
			Key: signer, Predecessor: &audit.Predecessor{Checkpoints: [][]byte{[]byte("elsewhere")}, Reason: "restored from a backup"},
			Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
		})
		closeLog(t, l)
		wants(t, firstRecord(t, dir), "begin", []byte("elsewhere"))
		if r := verify(t, dir, verifier, nil); !r.OK() || r.Size != 1 {
			t.Errorf("%+v", r)
		}
	}
	if aside, _ := filepath.Glob(dir + ".before-*"); len(aside) != 1 {
		t.Errorf("aside: %v", aside)
	}
}

// watched is a witness that reports each checkpoint before it takes it.
type watched struct {
	*faulty
	put func(checkpoint []byte)
}

func (w watched) Put(ctx context.Context, checkpoint []byte) error {
	if !w.away.Load() {
		w.put(checkpoint)
	}
	return w.faulty.Put(ctx, checkpoint)
}

// TestPredecessorUnheard: a witness that is away when a log begins is not
// overwritten until the log has a record that names what it held.
func TestPredecessorUnheard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "witness")
	dir, backup, newest := restorable(t, audit.FileWitness(path))
	held := read(t, path)
	w := watched{&faulty{Witness: audit.FileWitness(path)}, func(checkpoint []byte) {
		var size uint64
		if _, err := fmt.Sscanf(strings.Split(string(checkpoint), "\n")[1], "%d", &size); err != nil || size == 0 {
			t.Errorf("%q is put: %v", checkpoint, err)
		}
		for e, err := range audit.Entries(dir, 0, size) {
			if r, _ := e.Record(); err == nil && r.Action == "witness.replaced" {
				return
			}
		}
		t.Errorf("it was overwritten by %q before it was named", checkpoint)
	}}
	w.away.Store(true)
	opt := audit.Options{
		Key: otherKey(t), Witness: w, WitnessEvery: time.Millisecond, PublishEvery: time.Millisecond,
		Predecessor: &audit.Predecessor{Checkpoints: [][]byte{backup}, Reason: "restored from a backup"},
	}
	l := open(t, dir, opt)
	wants(t, firstRecord(t, dir), "begin", backup, newest)
	fill(t, l, 0, 5)
	if s := l.Status(); s.WitnessErr == nil || s.Err != nil {
		t.Errorf("while it is away: %+v", s)
	}
	w.away.Store(false)
	waitFor(t, func() bool { s := l.Status(); return s.WitnessErr == nil && s.WitnessSize == s.Size })
	closeLog(t, l)
	var last audit.Record
	for e, err := range audit.Entries(dir, 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		last, _ = e.Record()
	}
	wants(t, last, "witness.replaced", held)
	opt.Predecessor = nil
	closeLog(t, open(t, dir, opt))
}

// TestBeginsLarge: what is named never keeps the first record from being one.
func TestBeginsLarge(t *testing.T) {
	long := make([]byte, 1<<20)
	if _, err := io.ReadFull(rand.Reader, long); err != nil {
		t.Fatal(err)
	}
	wide := []byte(strings.Repeat("\u202e", 800) + "\n1\n" + strings.Repeat("A", 43) + "=\n\nx\n")
	signer, _ := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	closeLog(t, open(t, dir, audit.Options{Key: signer, Predecessor: &audit.Predecessor{Checkpoints: [][]byte{long, wide}}}))
	first := firstRecord(t, dir)
	wants(t, first, "begin", long)
	var before []map[string]any
	if err := json.Unmarshal(first.Before, &before); err != nil || len(before) != 2 || before[1]["sha256"] == nil || len(first.Truncated) > 0 {
		t.Errorf("%s, %v", first.Before, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
