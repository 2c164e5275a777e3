package lab

import (
	"crypto/rand"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// noDeadline takes a deadline away.
var noDeadline time.Time

func nonce() string { return rand.Text() }

// defaultSignal has the next program of this process take a signal as programs
// do: what is ignored stays so across execve, and package signal gives back the
// action that the process was born with.
func defaultSignal(s unix.Signal) error {
	var action [4]uint64 // struct sigaction of the kernel, all zero: SIG_DFL
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
