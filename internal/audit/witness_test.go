package audit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

// witnesses are the implementations, each empty.
func witnesses(t *testing.T) map[string]audit.Witness {
	t.Helper()
	var kept atomic.Pointer[[]byte]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch body, _ := io.ReadAll(r.Body); {
		case r.Header.Get("Authorization") != "Bearer t0ken":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPut:
			kept.Store(&body)
			w.WriteHeader(http.StatusNoContent)
		case kept.Load() == nil:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write(*kept.Load())
		}
	}))
	t.Cleanup(server.Close)
	return map[string]audit.Witness{
		"file": audit.FileWitness(filepath.Join(t.TempDir(), "witness")),
		"http": audit.HTTPWitness(server.Client(), server.URL, func() string { return "t0ken" }),
	}
}

// TestWitness: what was put is what is got, and a log hands its checkpoints
// over by itself.
func TestWitness(t *testing.T) {
	for name, w := range witnesses(t) {
		t.Run(name, func(t *testing.T) {
			if got, err := w.Get(t.Context()); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("an empty witness: %q, %v", got, err)
			}
			signer, verifier := newKey(t)
			dir := filepath.Join(t.TempDir(), "audit")
			l := open(t, dir, audit.Options{Key: signer, Witness: w, PublishEvery: time.Millisecond, WitnessEvery: time.Millisecond})
			fill(t, l, 0, 20)
			waitFor(t, func() bool { return l.Status().WitnessSize == 20 })
			fill(t, l, 20, 30)
			closeLog(t, l)
			if s := l.Status(); s.WitnessSize != 30 || s.WitnessAt.IsZero() || s.WitnessErr != nil {
				t.Errorf("after Close: %+v", s)
			}
			got, err := w.Get(t.Context())
			if err != nil || string(got) != string(read(t, dir, "checkpoint")) {
				t.Errorf("the witness holds %q, %v", got, err)
			}
			if r := verify(t, dir, verifier, got); !r.OK() {
				t.Error(r.Problems)
			}
		})
	}
}

// TestWitnessLoses: a witness that had a checkpoint and has none is shown and
// logged once, and stays shown when it has taken the next one.
func TestWitnessLoses(t *testing.T) {
	signer, _ := newKey(t)
	dir, path := filepath.Join(t.TempDir(), "audit"), filepath.Join(t.TempDir(), "witness")
	var said bytes.Buffer
	opt := audit.Options{Key: signer, Witness: audit.FileWitness(path), PublishEvery: time.Millisecond, WitnessEvery: time.Millisecond, Log: slog.New(slog.NewTextHandler(&said, nil))}
	for _, restarted := range []bool{false, true} {
		l := open(t, dir, opt)
		size := int(l.Status().Size)
		if !restarted {
			fill(t, l, 0, 10)
			size = 10
		}
		waitFor(t, func() bool { s := l.Status(); return s.WitnessErr == nil && (restarted || s.WitnessSize == 10) })
		for range 2 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			fill(t, l, size, size+5)
			size += 5
			waitFor(t, func() bool { return l.Status().WitnessSize == uint64(size) })
			if s := l.Status(); s.WitnessErr == nil || !strings.Contains(s.WitnessErr.Error(), "the witness has lost its checkpoint") || s.Err != nil {
				t.Errorf("%+v", s)
			}
		}
		closeLog(t, l)
		if n := strings.Count(said.String(), "has lost its checkpoint"); n != 1 {
			t.Errorf("it is told %d times:\n%s", n, said.String())
		}
		said.Reset()
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	closeLog(t, open(t, dir, opt))
	if !strings.Contains(said.String(), "unless the witness is new") {
		t.Errorf("at the start nothing is told of it:\n%s", said.String())
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// TestHTTPWitnessIsBounded: what a witness answers cannot lead elsewhere or
// fill memory, and a refusal is an error.
func TestHTTPWitnessIsBounded(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 1<<20)) },
		"refusal": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"broken":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		var elsewhere atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			elsewhere.Store(elsewhere.Load() || r.URL.Path == "/elsewhere")
			answer(w, r)
		}))
		w := audit.HTTPWitness(server.Client(), server.URL, nil)
		if _, err := w.Get(t.Context()); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: Get: %v", name, err)
		}
		if err := w.Put(t.Context(), []byte("x")); (err == nil) != (name == "endless") {
			t.Errorf("%s: Put: %v", name, err)
		}
		if elsewhere.Load() {
			t.Errorf("%s: a redirect was followed", name)
		}
		server.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// faulty is a witness that can be away.
type faulty struct {
	audit.Witness
	away atomic.Bool
}

func (f *faulty) Get(ctx context.Context) ([]byte, error) {
	if f.away.Load() {
		return nil, errors.New("it does not answer")
	}
	return f.Witness.Get(ctx)
}

func (f *faulty) Put(ctx context.Context, checkpoint []byte) error {
	if f.away.Load() {
		return errors.New("it does not answer")
	}
	return f.Witness.Put(ctx, checkpoint)
}

// TestWitnessAway: a witness that does not answer keeps nobody from working;
// what it knows is compared when it is back, before anything is overwritten.
func TestWitnessAway(t *testing.T) {
	signer, _ := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	w := &faulty{Witness: audit.FileWitness(filepath.Join(t.TempDir(), "witness"))}
	opt := audit.Options{Key: signer, Witness: w, PublishEvery: time.Millisecond, WitnessEvery: time.Millisecond}
	l := open(t, dir, opt)
	fill(t, l, 0, 10)
	w.away.Store(true)
	fill(t, l, 10, 20)
	waitFor(t, func() bool { return l.Status().WitnessErr != nil })
	if err := l.Err(); err != nil {
		t.Error(err)
	}
	w.away.Store(false)
	waitFor(t, func() bool { s := l.Status(); return s.WitnessErr == nil && s.WitnessSize == 20 })
	closeLog(t, l)

	putBack(t, dir, signer) // 300 records, of which the witness has seen 20
	w.away.Store(true)
	l = open(t, dir, opt)
	if s := l.Status(); s.WitnessErr == nil || s.Err != nil {
		t.Errorf("while the witness is away: %+v", s)
	}
	closeWhile(t, l, w)

	forge(t, dir, signer)
	w.away.Store(true)
	l = open(t, dir, opt)
	w.away.Store(false)
	var back *audit.RollbackError
	waitFor(t, func() bool { return errors.As(l.Err(), &back) })
	if err := l.Wait(t.Context(), l.Append(record(0))); !errors.As(err, &back) {
		t.Errorf("Wait: %v", err)
	}
	if err := l.Close(t.Context()); !errors.As(err, &back) {
		t.Errorf("Close: %v", err)
	}
}

// closeWhile closes a log that continues what its witness has, which comes
// back.
func closeWhile(t *testing.T, l *audit.Log, w *faulty) {
	t.Helper()
	w.away.Store(false)
	waitFor(t, func() bool { return l.Status().WitnessErr == nil })
	closeLog(t, l)
}

// TestWitnessLies: an answer that is no checkpoint of this log could hide a
// roll-back; the log does not begin to work.
func TestWitnessLies(t *testing.T) {
	signer, verifier := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	path := filepath.Join(t.TempDir(), "witness")
	l := open(t, dir, audit.Options{Key: signer, Witness: audit.FileWitness(path)})
	fill(t, l, 0, 10)
	closeLog(t, l)
	good := read(t, path)
	var lied []byte
	for name, lie := range map[string][]byte{
		"nothing": {}, "garbage": []byte("hello\n"), "size": []byte(strings.Replace(string(good), "\n10\n", "\n9\n", 1)),
	} {
		write(t, lie, path)
		lied = lie
		_, err := audit.Open(t.Context(), dir, audit.Options{Key: signer, Witness: audit.FileWitness(path)})
		var wrong *audit.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "witness") {
			t.Errorf("%s: %v", name, err)
		}
	}
	opt := audit.Options{Key: signer, Witness: audit.FileWitness(path), AcceptOlder: true}
	closeLog(t, open(t, dir, opt))
	for e, err := range audit.Entries(dir, 10, 0) {
		// What it held names another size under the signature, and has the form.
		if r, _ := e.Record(); err != nil || r.Action != "witness.replaced" || !strings.Contains(r.Detail, "no checkpoint of this log") ||
			!strings.Contains(string(r.Before), named(lied)) || !strings.Contains(string(r.Before), `"from":"witness"`) {
			t.Errorf("what is told of it: %s %v", e.Raw, err)
		}
	}
	if r := verify(t, dir, verifier, read(t, path)); !r.OK() || r.Size != 11 {
		t.Errorf("%+v", r)
	}
}

// TestAcceptOlder: an older log is taken up only when told so; then a new one
// begins, which names both, and the old one is kept.
func TestAcceptOlder(t *testing.T) {
	signer, verifier := newKey(t)
	for _, gone := range []bool{false, true} {
		parent, path := t.TempDir(), filepath.Join(t.TempDir(), "witness")
		dir := filepath.Join(parent, "audit")
		opt := audit.Options{Key: signer, Witness: audit.FileWitness(path)}
		l := open(t, dir, opt)
		fill(t, l, 0, 400)
		closeLog(t, l)
		seen := string(read(t, path))
		putBack(t, dir, signer)
		if gone {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		var back *audit.RollbackError
		if _, err := audit.Open(t.Context(), dir, opt); !errors.As(err, &back) || string(back.Witness) != seen {
			t.Fatalf("%v", err)
		}
		opt.AcceptOlder = true
		l = open(t, dir, opt)
		fill(t, l, 0, 5)
		closeLog(t, l)
		if r := verify(t, dir, verifier, read(t, path)); !r.OK() || r.Size != 6 {
			t.Errorf("%+v", r)
		}
		first := firstRecord(t, dir)
		if first.Action != "begin" || !strings.Contains(string(first.Before), `\n400\n`) || gone != !strings.Contains(string(first.Before), `\n300\n`) || first.Detail == "" {
			t.Errorf("the first record: %+v, before %s", first, first.Before)
		}
		aside, _ := filepath.Glob(dir + ".before-*")
		if len(aside) != map[bool]int{false: 1, true: 0}[gone] {
			t.Errorf("aside: %v", aside)
		}
		for _, old := range aside {
			if r := verify(t, old, verifier, nil); !r.OK() || r.Size != 300 {
				t.Errorf("what was moved aside: %+v", r)
			}
		}
		opt.AcceptOlder = false
		closeLog(t, open(t, dir, opt))
	}
}

func firstRecord(t *testing.T, dir string) audit.Record {
	t.Helper()
	for e, err := range audit.Entries(dir, 0, 1) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Fatal("there is no record")
	return audit.Record{}
}
