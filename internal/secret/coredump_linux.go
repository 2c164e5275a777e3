package secret

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

func noCoreDumps() error {
	limit := noCoreFiles()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return errors.Join(limit, fmt.Errorf("prctl(PR_SET_DUMPABLE, 0): %w", err))
	}
	// A kernel or sandbox that says yes and does nothing would be found here.
	got, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return errors.Join(limit, fmt.Errorf("prctl(PR_GET_DUMPABLE): %w", err))
	}
	if got != 0 {
		return errors.Join(limit, fmt.Errorf("the process is still dumpable (%d)", got))
	}
	return limit
}
