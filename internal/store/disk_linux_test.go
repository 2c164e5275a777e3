package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// smallDisk is a file system of so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	testenv.NeedRoot(t)
	disk := t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("this machine lets nobody mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// TestDiskFull fills the disk: the write that does not fit says so and is
// undone, and with room all goes on with what was acknowledged.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, "600k")
	s := open(t, filepath.Join(disk, "state"))
	var made []string
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		sub := active(fmt.Sprint(i))
		sub.Name = strings.Repeat("n", 1000)
		if err = s.PutSubscription(t.Context(), sub); err == nil {
			made = append(made, sub.ID)
		}
	}
	var typed *store.Error
	if !errors.As(err, &typed) || !strings.Contains(err.Error(), "the disk is full; mend: make room") {
		t.Fatalf("after %d rows: %v", len(made), err)
	}
	if _, err := s.GetSubscription(t.Context(), fmt.Sprint(len(made))); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the row that was refused: %v", err)
	}
	// What needs no room goes on; a rotation needs some, and undoes nothing.
	if err := s.RotateDataKey(t.Context()); err == nil {
		t.Error("a rotation on a full disk")
	}
	if err := unix.Mount("none", disk, "tmpfs", unix.MS_REMOUNT, "size=4m"); err != nil {
		t.Fatal(err)
	}
	if err := s.PutSubscription(t.Context(), active("more")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := errors.Join(s.RotateDataKey(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, filepath.Join(disk, "state"))
	for _, id := range append(made, "more") {
		if _, err := s.GetSubscription(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

// TestDiskReadOnly: a disk that turns read-only stops writes, not reads.
func TestDiskReadOnly(t *testing.T) {
	disk := smallDisk(t, "4m")
	dir := filepath.Join(disk, "state")
	s := open(t, dir)
	if err := errors.Join(s.PutSubscription(t.Context(), active("a")), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", disk, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "cannot be written", "make it writable")
	if _, err := store.Restore(t.Context(), dir, strings.NewReader(""), store.Options{}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("restore: %v", err)
	}
	if err := unix.Mount("none", disk, "tmpfs", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).GetSubscription(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

// TestRestoreDiskFull: a restore that does not fit changes nothing.
func TestRestoreDiskFull(t *testing.T) {
	disk := smallDisk(t, "900k")
	big := open(t, t.TempDir())
	for i := range 300 {
		sub := active(fmt.Sprint(i))
		sub.Name = strings.Repeat("n", 1000)
		if err := big.PutSubscription(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "backup"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := big.Backup(t.Context(), file, store.BackupMeta{}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk, "state")
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), dir, file, store.Options{}); err == nil || !strings.Contains(err.Error(), "mend: make") {
		t.Fatalf("restore: %v", err)
	}
	s := open(t, dir)
	if subs, err := s.ListSubscriptions(t.Context()); err != nil || len(subs) > 0 {
		t.Errorf("%d rows, %v", len(subs), err)
	}
	if older, err := s.OlderState(t.Context()); older != nil || err != nil {
		t.Errorf("marked: %v, %v", older, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "restore.tmp")); err == nil {
		t.Error("restore.tmp is left behind")
	}
}
