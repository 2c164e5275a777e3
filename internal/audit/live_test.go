package audit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

// TestVerifyWhileWriting: a log in use can be read and verified at any moment,
// with many writers, while tiles fill and journals come and go.
func TestVerifyWhileWriting(t *testing.T) {
	signer, verifier := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, audit.Options{Key: signer, PublishEvery: 10 * time.Millisecond})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for i := range 1500 {
				if p := l.Append(record(i)); i%100 == 99 {
					if err := l.Wait(t.Context(), p); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	rounds := 0
	for running := true; running; rounds++ {
		select {
		case <-done:
			running = false
		default:
		}
		durable := l.Status().Durable
		if r := verify(t, dir, verifier, nil); !r.OK() || r.Size < durable {
			t.Fatalf("%d are durable: %+v", durable, r)
		}
		n := uint64(0)
		for e, err := range audit.Entries(dir, 0, 0) {
			if err != nil || e.Index != n {
				t.Fatalf("record %d follows %d records: %v", e.Index, n, err)
			}
			n++
		}
		if n < durable {
			t.Fatalf("%d records can be read, %d are durable", n, durable)
		}
	}
	closeLog(t, l)
	t.Logf("verified %d times", rounds)
	if r := verify(t, dir, verifier, nil); !r.OK() || r.Size != 6000 {
		t.Errorf("%+v", r)
	}
	if names, err := os.ReadDir(filepath.Join(dir, "journal")); err != nil || len(names) > 0 {
		t.Errorf("the journal is left: %v, %v", names, err)
	}
}

// TestNothingIsLeft: a closed log has no goroutine, takes no record, and says
// what it did.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	signer, _ := newKey(t)
	for range 20 {
		l := open(t, filepath.Join(t.TempDir(), "audit"), audit.Options{Key: signer, Witness: audit.FileWitness(filepath.Join(t.TempDir(), "w"))})
		p := l.Append(record(1))
		closeLog(t, l)
		closeLog(t, l)
		if l.Append(record(2)) != 0 {
			t.Error("a closed log takes a record")
		}
		if err := l.Wait(t.Context(), p); err != nil {
			t.Errorf("what was appended before Close: %v", err)
		}
		var out *audit.UnavailableError
		if err := l.Wait(t.Context(), 0); !errors.As(err, &out) {
			t.Errorf("what was refused: %v", err)
		}
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before })
}

// TestCloseKeepsWaiters: whoever waits while the log is closed gets the answer
// that the disk gives.
func TestCloseKeepsWaiters(t *testing.T) {
	signer, _ := newKey(t)
	l := open(t, filepath.Join(t.TempDir(), "audit"), audit.Options{Key: signer, Gather: time.Hour})
	answers := make(chan error, 8)
	for i := range cap(answers) {
		p := l.Append(record(i))
		go func() { answers <- l.Wait(context.Background(), p) }()
	}
	closeLog(t, l)
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

// TestWaitEnds: waiting ends with its context, and for a position that nobody
// was given.
func TestWaitEnds(t *testing.T) {
	signer, _ := newKey(t)
	l := open(t, filepath.Join(t.TempDir(), "audit"), audit.Options{Key: signer, Gather: time.Hour})
	defer closeLog(t, l)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	p := l.Append(record(1))
	if err := l.Wait(ctx, p); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := l.Wait(t.Context(), p+1); err == nil || !strings.Contains(err.Error(), "no record at position 2") {
		t.Errorf("%v", err)
	}
	l.Flush(p) // and not in an hour
	if err := l.Wait(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// TestUnfitDirectories are refused with a reason, and left as they are.
func TestUnfitDirectories(t *testing.T) {
	signer, _ := newKey(t)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"other files":       {map[string]string{"notes.txt": "mine"}, "checkpoint is missing"},
		"tiles only":        {map[string]string{"tile/0/000.p/1": strings.Repeat("x", 32)}, "checkpoint is missing"},
		"journal only":      {map[string]string{"journal/0": "x"}, "checkpoint is missing"},
		"no log, but a key": {map[string]string{"audit.pub": "x"}, "checkpoint is missing"},
		"another key":       {map[string]string{"audit.pub": "x", "checkpoint": ""}, "audit.pub is not the key"},
		"foreign journal":   {map[string]string{"journal/x": "", "checkpoint": ""}, "journal/x is no file of this log"},
		"a gap in front":    {map[string]string{"journal/5": "?", "checkpoint": ""}, "records 0 to 4 are missing"},
		"a torn batch":      {map[string]string{"journal/0": "?", "checkpoint": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "audit")
			if _, ok := c.files["checkpoint"]; ok {
				closeLog(t, open(t, dir, audit.Options{Key: signer}))
			}
			for file, content := range c.files {
				if file == "checkpoint" {
					continue
				}
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, []byte(content), dir, file)
			}
			before := contents(t, dir)
			l, err := audit.Open(t.Context(), dir, audit.Options{Key: signer})
			if err == nil {
				closeLog(t, l)
			}
			if c.want == "" {
				if err != nil { // a batch that was begun and never acknowledged
					t.Error(err)
				}
				return
			}
			var wrong *audit.Error
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) || wrong.Mend == "" {
				t.Errorf("%v, want %q", err, c.want)
			}
			if len(before) != len(contents(t, dir)) {
				t.Errorf("the directory was changed: %v", contents(t, dir))
			}
		})
	}
}
