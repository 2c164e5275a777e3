package store

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// openNoFollow opens or makes a file. Windows has no mode to give it: the
// directory's access list is what keeps others out.
func openNoFollow(path string, flags int) (*os.File, error) { return os.OpenFile(path, flags, 0o600) }

// lockFileNow takes the lock of a file that the system drops when the process
// dies, however it dies; taken: another process has it. It locks a byte far
// behind the pid, which others may read.
func lockFileNow(f *os.File) (taken bool, err error) {
	at := &windows.Overlapped{Offset: 1 << 20}
	err = windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	return errors.Is(err, windows.ERROR_LOCK_VIOLATION), err
}

// owner is what os.Geteuid answers here: there are no user ids.
func owner(fs.FileInfo) int { return -1 }

// flushDir has nothing to do: directories cannot be flushed here.
func flushDir(string) error { return nil }

// othersMay is not told by a mode here.
func othersMay(fs.FileMode) bool { return false }
