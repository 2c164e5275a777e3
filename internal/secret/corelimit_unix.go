//go:build unix

package secret

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// noCoreFiles sets the hard limit as well, so that nobody raises it again.
func noCoreFiles() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("setrlimit(RLIMIT_CORE, 0): %w", err)
	}
	return nil
}
