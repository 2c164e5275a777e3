//go:build unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openNoFollow opens or makes a private file; a link in its place is an error,
// and a pipe does not hold the process.
func openNoFollow(path string, flags int) (*os.File, error) {
	return os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}

// lockFileNow takes the lock of a file that the kernel drops when the process
// dies, however it dies; taken: another process has it.
func lockFileNow(f *os.File) (taken bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK), err
}

// owner is the user id that info belongs to; -1: unknown.
func owner(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// flushDir makes the names in a directory durable.
func flushDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// othersMay reports whether a mode gives anything to other users.
func othersMay(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }
