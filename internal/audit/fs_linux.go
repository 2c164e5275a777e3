package audit

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData leaves out the file's times, which nobody needs after a crash.
func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}
