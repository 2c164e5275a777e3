package audit

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// downFS is a disk on which nothing whose name has a part can be made.
type downFS struct {
	osFS
	part *atomic.Pointer[string]
}

func (f downFS) Create(name string) (File, error) {
	if p := f.part.Load(); p != nil && strings.Contains(name, *p) {
		return nil, errors.New("the disk is down")
	}
	return f.osFS.Create(name)
}

// TestHeldMemory: what waits for a disk takes at most twice the memory that was
// allowed, in the end and on the way, whichever part of the disk is down; and
// all of it is written when the disk is back.
func TestHeldMemory(t *testing.T) {
	const held = 32 << 20
	for name, part := range map[string]string{"the journal": "/journal/", "the tiles": "/tile/"} {
		t.Run(name, func(t *testing.T) {
			signer, _ := testKey(t)
			var down atomic.Pointer[string]
			l, err := Open(t.Context(), filepath.Join(t.TempDir(), "audit"), Options{Key: signer, FS: downFS{part: &down}, MaxHeld: held})
			if err != nil {
				t.Fatal(err)
			}
			down.Store(&part)
			r := &Record{Kind: KindAccess, Action: "request", Detail: strings.Repeat("x", 350)}
			before, n := memory(), uint64(0)
			for ; l.Append(r) != 0; n++ {
				if n%1000 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			time.Sleep(2 * retryAfter) // the disk is asked again
			after := memory()
			live, all := after.HeapAlloc-before.HeapAlloc, after.TotalAlloc-before.TotalAlloc
			t.Logf("%d records; of %d MiB that are allowed: %d MiB live, %d MiB allocated in all", n, held>>20, live>>20, all>>20)
			if live > 2*held || part == "/journal/" && all > 2*held {
				t.Errorf("too much memory")
			}
			if n*350 < held/2 || l.Err() == nil {
				t.Errorf("only %d records were held: %v", n, l.Err())
			}
			if durable := l.Status().Durable; (durable > 0) != (part == "/tile/") {
				t.Errorf("%d records are durable", durable)
			}
			down.Store(nil)
			for end := time.Now().Add(10 * time.Second); l.Err() != nil && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if s := l.Status(); s.Published != n || s.Err != nil {
				t.Errorf("after the outage: %+v", s)
			}
			runtime.KeepAlive(l)
		})
	}
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}
