package limit

import (
	"syscall"
	"time"
)

// processCPU is user and kernel time of the process.
func processCPU() (time.Duration, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, err
	}
	var created, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &ended, &kernel, &user); err != nil {
		return 0, err
	}
	return span(kernel) + span(user), nil
}

// span reads a Filetime that is a length: hundreds of nanoseconds.
func span(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}

// FileLimit is 0: Windows bounds handles by memory alone.
func FileLimit() uint64 { return 0 }
