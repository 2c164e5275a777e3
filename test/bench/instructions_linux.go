package main

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// countInstructions counts the instructions of user mode that one call of f
// takes, as the processor counts them; false: the machine does not offer it.
func countInstructions(f func(), calls int) (float64, bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_HARDWARE, Config: unix.PERF_COUNT_HW_INSTRUCTIONS, Bits: unix.PerfBitDisabled | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	if unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0) != nil {
		return 0, false
	}
	for range calls {
		f()
	}
	if unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_DISABLE, 0) != nil {
		return 0, false
	}
	var b [8]byte
	if n, err := unix.Read(fd, b[:]); err != nil || n != len(b) {
		return 0, false
	}
	return float64(binary.NativeEndian.Uint64(b[:])) / float64(calls), true
}

func instructionsNote() string {
	if _, ok := countInstructions(func() {}, 1); ok {
		return "behind them"
	}
	return "cannot be counted on this machine"
}
