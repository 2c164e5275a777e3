//go:build unix

package secret

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openNoWait keeps the opening of a FIFO from waiting for a writer.
const openNoWait = syscall.O_NONBLOCK

// othersHaveAccess says what of a file's mode lets everybody in; empty: nothing.
func othersHaveAccess(info fs.FileInfo) string {
	if perm := info.Mode().Perm(); perm&0o007 != 0 {
		return fmt.Sprintf("mode %04o", perm)
	}
	return ""
}

// keepOwner gives f the owner of a file that it is to replace: root may change
// a passphrase for the gateway's user.
func keepOwner(f *os.File, was fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is, ok1 := info.Sys().(*syscall.Stat_t)
	old, ok2 := was.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || is.Uid == old.Uid && is.Gid == old.Gid {
		return nil
	}
	return f.Chown(int(old.Uid), int(old.Gid))
}

// syncDir brings a directory's entries to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}
