package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

func TestWrongOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		refused(t, "/", "belongs to user 0", "run as user 0")
		return
	}
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "belongs to user 12345", "run as user 12345")
}

func TestReadOnlyDirectory(t *testing.T) {
	// Not t.TempDir: the thread has to be able to walk there.
	parent, err := os.MkdirTemp("", "store-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	dir := filepath.Join(parent, "state")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.Chmod(dir, 0o500), os.Chmod(parent, 0o555)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(parent, 0o755) })
	withoutRoot(t)
	refused(t, dir, "cannot be written", "make it writable")
	refused(t, filepath.Join(parent, "new"), "cannot be written")
}

// withoutRoot drops root's power over file modes for the thread of this test
// only: the owner stays, so that the mode is what decides.
func withoutRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	const other = 65534
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, other, 0, 0); int(errno) != 0 {
		t.Skipf("setfsuid: %v", errno)
	}
	t.Cleanup(func() {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
		runtime.UnlockOSThread()
	})
}
