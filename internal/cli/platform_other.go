//go:build !unix

package cli

import (
	"errors"
	"os"
	"runtime"
)

// servesHere is why this platform runs no gateway. Locks, modes of files and
// the kernel's word on who calls a socket are what its promises stand on, and
// they are Unix's.
func servesHere() error {
	return mended(errors.New("a gateway does not run on "+runtime.GOOS),
		"run it on Linux or macOS, WSL included; init, check, ca and version run here")
}

// ofAnother: owners are not looked at here, where no gateway runs.
func ofAnother(string) (owner uint32, other bool) { return 0, false }

// reachable goes with ofAnother.
func reachable(string) bool { return true }

// thrownAway reports whether what is written to f is gone.
func thrownAway(f *os.File) bool {
	_, err := f.Stat()
	return err != nil
}
