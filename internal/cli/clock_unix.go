//go:build unix

package cli

import "golang.org/x/sys/unix"

// monotonicMicroseconds is CLOCK_MONOTONIC, the clock of a service manager.
func monotonicMicroseconds() (int64, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, err
	}
	return now.Nano() / 1000, nil
}
