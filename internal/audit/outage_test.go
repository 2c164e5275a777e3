package audit

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// testHeld is what 64 MiB are outside of tests.
const testHeld = 4 << 20

// TestLongOutage: a disk that stays full. Memory is bounded, the refused are
// told, the operator is told once, and when there is room again all that was
// taken is there, in its order.
func TestLongOutage(t *testing.T) {
	signer, verifier := testKey(t)
	detail := strings.Repeat("x", maxDetail)
	synctest.Test(t, func(t *testing.T) {
		files := newCrashFS()
		var said bytes.Buffer
		l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files, MaxHeld: testHeld, Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err != nil {
			t.Fatal(err)
		}
		var full atomic.Bool
		full.Store(true)
		files.fault = func(op, _ string) error {
			if full.Load() && (op == "write" || op == "create") {
				return syscall.ENOSPC
			}
			return nil
		}
		n := 0
		for ; l.Append(&Record{RequestID: strconv.Itoa(n), Detail: detail}) != 0; n++ {
			if n%100 == 0 {
				time.Sleep(2 * retryAfter)
			}
		}
		var out *UnavailableError
		if err := l.Wait(t.Context(), 0); !errors.As(err, &out) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the refused is told %v", err)
		}
		if size := n * maxDetail; size > testHeld || size < testHeld*9/10 {
			t.Errorf("%d bytes were held", size)
		}
		time.Sleep(time.Minute)
		if n := files.count(); n > 10 {
			t.Errorf("a full disk is filled further: %d files", n)
		}
		full.Store(false)
		time.Sleep(2 * retryAfter)
		synctest.Wait()
		if s := l.Status(); s.Err != nil || s.Durable != uint64(n) {
			t.Errorf("after the outage: %+v", s)
		}
		if l.Append(&Record{RequestID: strconv.Itoa(n)}) != Position(n+1) {
			t.Error("no record is taken after the outage")
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h := history{acknowledged: uint64(n + 1), appended: uint64(n + 1)}
		h.check(t, files.reboot(nothing), signer, verifier)
		if got := said.String(); strings.Count(got, "cannot be written") != 1 || strings.Count(got, "can be written again") != 1 {
			t.Errorf("the operator is told:\n%s", got)
		}
	})
}

// TestTilesCannotBeWritten: as long as the journal takes records, nobody is
// refused; the status says what is wrong.
func TestTilesCannotBeWritten(t *testing.T) {
	signer, verifier := testKey(t)
	detail := strings.Repeat("x", maxDetail)
	synctest.Test(t, func(t *testing.T) {
		files := newCrashFS()
		l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files, MaxHeld: testHeld})
		if err != nil {
			t.Fatal(err)
		}
		var full atomic.Bool
		full.Store(true)
		files.fault = func(op, name string) error {
			if full.Load() && op == "create" && !strings.Contains(name, "/journal/") {
				return syscall.ENOSPC
			}
			return nil
		}
		var h history
		if err := h.batch(t.Context(), l, 500); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if s := l.Status(); s.Err != nil || !errors.Is(s.PublishErr, syscall.ENOSPC) || s.Durable != 500 || s.Published != 0 {
			t.Errorf("%+v", s)
		}
		h.check(t, files.reboot(nothing), signer, verifier)
		// Memory is bounded here too.
		for p := Position(1); p != 0; {
			p = l.Append(&Record{RequestID: strconv.FormatUint(h.appended, 10), Detail: detail})
			if p != 0 {
				h.appended++
			}
			if p%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		if l.Err() == nil || l.Status().Durable < 900 {
			t.Errorf("%+v", l.Status())
		}
		full.Store(false)
		time.Sleep(3 * time.Second)
		if s := l.Status(); s.Err != nil || s.PublishErr != nil || s.Published != h.appended {
			t.Errorf("after the outage: %+v", s)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h.acknowledged = h.appended
		h.check(t, files.reboot(nothing), signer, verifier)
	})
}
