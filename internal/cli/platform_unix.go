//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// servesHere is why this platform runs no gateway; nil: it does.
func servesHere() error { return nil }

// ofAnother reports whether a directory belongs to somebody else, and to whom;
// everything is root's.
func ofAnother(dir string) (owner uint32, other bool) {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() == 0 {
		return 0, false
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return is.Uid, int(is.Uid) != os.Geteuid()
}

// reachable reports whether modes let this user ask at a socket.
func reachable(socket string) bool { return unix.Access(socket, unix.W_OK) == nil }

// thrownAway reports whether what is written to f is gone: it was closed when
// the program began, in which case Go's runtime has put the null device in its
// place, open for reading as well; ">/dev/null" opens it for writing alone, and
// is somebody's wish.
func thrownAway(f *os.File) bool {
	is, err := f.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(is, null) {
		return false
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}
