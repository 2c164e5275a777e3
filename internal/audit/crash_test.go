package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const crashDir = "/state/audit"

func testKey(t testing.TB) (signer, verifier string) {
	t.Helper()
	signer, verifier, err := NewKey("gateway.example.com/audit", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// history is what a scenario did: records are numbered from 0 on.
type history struct {
	appended, acknowledged uint64
}

// session opens the log, appends batches and closes it. It ends at the first
// error, as the gateway would after a loss of power.
func (h *history) session(ctx context.Context, files FS, signer string, batches, size int) error {
	l, err := Open(ctx, crashDir, Options{Key: signer, FS: files, Gather: 1, PublishEvery: 100 * time.Microsecond, rotateAt: 1 << 10})
	if err != nil {
		return err
	}
	for i := range batches {
		if err = h.batch(ctx, l, size); err != nil {
			break
		}
		if i%2 == 0 {
			time.Sleep(time.Millisecond) // to publish; the others meet a publication at work
		}
	}
	return errors.Join(err, l.Close(ctx))
}

func (h *history) batch(ctx context.Context, l *Log, size int) error {
	var p Position
	for range size {
		p = l.Append(&Record{Time: time.Unix(1_700_000_000, 0), Kind: KindAccess, RequestID: strconv.FormatUint(h.appended, 10)})
		h.appended++
	}
	l.Flush(p)
	err := l.Wait(ctx, p)
	if err == nil {
		h.acknowledged = h.appended
	}
	return err
}

func (h *history) scenario(ctx context.Context, files FS, signer string) error {
	for _, size := range []int{3, 90} {
		if err := h.session(ctx, files, signer, 4, size); err != nil {
			return err
		}
	}
	return nil
}

// readAll counts the records of a closed log, which have to be those of a
// history in their order, and those between them that tell of a torn batch.
func readAll(t *testing.T, files FS) (ours, torn uint64) {
	t.Helper()
	r := reader{files: files, dir: crashDir, yield: func(e Entry, _ error) bool {
		switch got, err := e.Record(); {
		case err == nil && got.Kind == KindLog && got.Action == "journal.torn":
			torn++
		case err != nil || got.RequestID != strconv.FormatUint(ours, 10):
			t.Fatalf("record %d is %s (%v)", ours, e.Raw, err)
		default:
			ours++
		}
		return true
	}}
	if err := r.run(); err != nil {
		t.Fatal(err)
	}
	return ours, torn
}

// check opens what is left: it has to be a log, with every record that was
// acknowledged, and no other than those that were appended, in order.
func (h *history) check(t *testing.T, files FS, signer, verifier string) {
	t.Helper()
	l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files})
	if err != nil {
		t.Fatalf("opening what is left: %v", err)
	}
	size := l.Status().Size
	if err = l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ours, torn := readAll(t, files)
	if ours < h.acknowledged || ours > h.appended {
		t.Fatalf("%d records, %d were acknowledged and %d appended", ours, h.acknowledged, h.appended)
	}
	if ours+torn != size {
		t.Fatalf("%d records can be read of %d", ours+torn, size)
	}
	report, err := Verify(crashDir, verifier, VerifyOptions{FS: files})
	if err != nil || !report.OK() || report.Size != size {
		t.Fatalf("verification: %+v, %v", report, err)
	}
}

// TestPowerLoss takes the power away at every operation of a scenario in turn,
// lets nothing, everything or chance decide over what was not synced, takes it
// away a second time during the recovery, and looks at what is left.
func TestPowerLoss(t *testing.T) {
	signer, verifier := testKey(t)
	total := countOps(t, signer)
	crashes := 0
	for at := 1; at <= total; at++ {
		for i, fate := range []func() bool{nothing, everything, chance(uint64(at)), chance(uint64(at) + 1e6)} {
			synctest.Test(t, func(t *testing.T) {
				files := newCrashFS()
				files.powerAt = at
				var h history
				if h.scenario(t.Context(), files, signer) != nil {
					crashes++
				}
				left := files.reboot(fate)
				left.powerAt = 1 + (at+7*i)%20
				_ = h.session(t.Context(), left, signer, 0, 0)
				left = left.reboot(fate)
				if t.Failed() {
					return
				}
				defer func() {
					if t.Failed() {
						t.Errorf("power lost at operation %d of %d, fate %d", at, total, i)
					}
				}()
				h.check(t, left, signer, verifier)
			})
		}
	}
	t.Logf("%d operations, %d losses of power", total, crashes)
	if total < 100 || crashes < 2*total {
		t.Errorf("only %d losses of power at %d operations", crashes, total)
	}
}

// TestKillThenPowerLoss: what a killed process left unflushed, the next one
// builds upon; nothing of what that one acknowledges may depend on it.
func TestKillThenPowerLoss(t *testing.T) {
	signer, verifier := testKey(t)
	total := countOps(t, signer)
	for at := 1; at <= total; at++ {
		synctest.Test(t, func(t *testing.T) {
			files := newCrashFS()
			files.powerAt = at // what a kill looks like to a process: nothing more happens
			var h history
			_ = h.scenario(t.Context(), files, signer)
			files.powerAt = 0
			defer func() {
				if t.Failed() {
					t.Errorf("killed at operation %d of %d", at, total)
				}
			}()
			l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files, Gather: time.Hour, PublishEvery: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			h.appended, _ = readAll(t, files) // those beyond were never acknowledged
			if h.appended < h.acknowledged {
				t.Errorf("%d records of %d", h.appended, h.acknowledged)
			}
			err = h.batch(t.Context(), l, 3)
			left := [...]*crashFS{files.reboot(nothing), files.reboot(chance(uint64(at)))}
			if err := errors.Join(err, l.Close(t.Context())); err != nil {
				t.Fatal(err)
			}
			for _, files := range left {
				h.check(t, files, signer, verifier)
			}
		})
	}
}

func countOps(t *testing.T, signer string) (total int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		files := newCrashFS()
		var h history
		if err := h.scenario(t.Context(), files, signer); err != nil {
			t.Fatal(err)
		}
		total = files.ops
	})
	return total
}

// TestDiskFaults lets each write, each sync and each other operation fail once.
// The log says so, goes on by itself, and loses nothing: not even when the
// power goes afterwards and all that was not truly on disk is gone.
func TestDiskFaults(t *testing.T) {
	signer, verifier := testKey(t)
	for _, c := range []struct {
		op  string
		err error
	}{{"sync", syscall.EIO}, {"write", syscall.ENOSPC}, {"create", syscall.ENOSPC}, {"syncdir", syscall.EIO}, {"rename", syscall.EIO}, {"mkdir", syscall.ENOSPC}, {"remove", syscall.EROFS}, {"sync, and journals cannot be removed", syscall.EIO}} {
		t.Run(c.op, func(t *testing.T) {
			hits, outages := 0, 0
			for n := 1; ; n++ {
				hit := false
				synctest.Test(t, func(t *testing.T) {
					hit = faultAt(t, n, c.op, c.err, signer, verifier, &outages)
				})
				if !hit || t.Failed() {
					break
				}
				hits++
			}
			t.Logf("%d faults, %d outages", hits, outages)
			if hits < 3 {
				t.Errorf("only %d operations failed", hits)
			}
		})
	}
}

// faultAt lets the n-th operation of a kind fail, after the log was opened.
func faultAt(t *testing.T, n int, op string, fault error, signer, verifier string, outages *int) (hit bool) {
	files := newCrashFS()
	l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files, Gather: 1, PublishEvery: 100 * time.Microsecond, rotateAt: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	files.fault = func(what, name string) error {
		if what == "remove" && strings.HasPrefix(op, "sync,") && strings.Contains(name, "/journal/") {
			return fault
		}
		if op, _, _ := strings.Cut(op, ","); what == op {
			if count++; count == n {
				hit = true
				return fault
			}
		}
		return nil
	}
	var h history
	for range 5 {
		err := h.batch(t.Context(), l, 60)
		var out *UnavailableError
		if err != nil && (!errors.As(err, &out) || !errors.Is(err, fault) || l.Err() == nil) {
			t.Errorf("%s %d: %v, while Err says %v", op, n, err, l.Err())
		}
		if err != nil {
			*outages++
			time.Sleep(2 * retryAfter)
			if l.Err() != nil {
				t.Errorf("%s %d: the log does not recover: %v", op, n, l.Err())
			}
		}
		time.Sleep(time.Millisecond)
		if got := l.Status(); got.Durable != h.appended {
			t.Errorf("%s %d: %d records durable of %d", op, n, got.Durable, h.appended)
		}
	}
	h.acknowledged = h.appended
	copyNow := files.reboot(nothing)
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("%s %d: closing: %v", op, n, err)
	}
	h.check(t, copyNow, signer, verifier)
	h.check(t, files.reboot(nothing), signer, verifier)
	return hit
}

// TestPowerLossAfterFault: a checkpoint that was replaced, and of which nobody
// knows whether it is durable, stands or stands not; either way the power may
// go at any moment afterwards.
func TestPowerLossAfterFault(t *testing.T) {
	signer, verifier := testKey(t)
	runs := 0
	for n := 2; n < 6; n++ { // the first are those of Open
		for after := 1; after < 20; after++ {
			for _, fate := range []func() bool{nothing, everything, chance(uint64(after))} {
				synctest.Test(t, func(t *testing.T) {
					files := newCrashFS()
					count := 0
					files.fault = func(op, name string) error {
						if op != "syncdir" || name != crashDir {
							return nil
						}
						if count++; count != n {
							return nil
						}
						files.powerAt = files.ops + after
						return syscall.EIO
					}
					var h history
					_ = h.session(t.Context(), files, signer, 6, 60)
					if count >= n {
						runs++
					}
					defer func() {
						if t.Failed() {
							t.Errorf("sync %d failed, power lost %d operations later", n, after)
						}
					}()
					h.check(t, files.reboot(fate), signer, verifier)
				})
			}
		}
	}
	if runs < 150 {
		t.Errorf("only %d runs came to the fault", runs)
	}
}

// TestOpenFaults lets each operation of Open fail once, of a new log and of one
// that a crash left. Open says so, and the next attempt has everything.
func TestOpenFaults(t *testing.T) {
	signer, verifier := testKey(t)
	for name, begin := range map[string]func() (*crashFS, history){
		"new":  func() (*crashFS, history) { return newCrashFS(), history{} },
		"left": func() (*crashFS, history) { files, _ := leftover(t, signer); return files, history{15, 15} },
	} {
		t.Run(name, func(t *testing.T) {
			failed := 0
			for n := 1; ; n++ {
				files, h := begin()
				count := 0
				files.fault = func(string, string) error {
					if count++; count == n {
						return syscall.EIO
					}
					return nil
				}
				err := h.session(t.Context(), files, signer, 0, 0)
				if count < n {
					break
				}
				var wrong *Error
				if errors.As(err, &wrong) {
					failed++
				} else if err != nil {
					t.Errorf("operation %d: %v", n, err)
				}
				for batches := range 2 {
					if err := h.session(t.Context(), files, signer, batches, 3); err != nil {
						t.Fatalf("after operation %d failed: %v", n, err)
					}
					for seed := range uint64(8) {
						h.check(t, files.reboot(chance(seed)), signer, verifier)
					}
				}
			}
			if failed < 10 {
				t.Errorf("only %d times Open failed", failed)
			}
		})
	}
}
