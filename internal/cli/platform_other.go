//go:build !unix

package cli

import (
	"errors"
	"runtime"
)

// servesHere is why this platform runs no gateway. Locks, modes of files and
// the kernel's word on who calls a socket are what its promises stand on, and
// they are Unix's.
func servesHere() error {
	return mended(errors.New("a gateway does not run on "+runtime.GOOS),
		"run it on Linux or macOS, WSL included; init, check, ca and version run here")
}
