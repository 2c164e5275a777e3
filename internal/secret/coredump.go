package secret

import "errors"

// ErrCoreDumps is what [NoCoreDumps] returns where a process cannot switch them
// off by itself.
var ErrCoreDumps = errors.New("a process cannot switch off its own dumps on this system; " +
	"mend: switch them off for the machine (Windows: Windows Error Reporting, LocalDumps)")

// NoCoreDumps keeps the memory of this process, and with it every secret, out of
// core dumps. Call it first in main. The caller decides what an error means.
//
// On Linux the process is also no longer dumpable (prctl(2), PR_SET_DUMPABLE):
// that is what counts where the kernel pipes dumps to a program, which ignores
// the limit; and other processes of the same user can no longer attach to it or
// read its memory. The price: the files in /proc/PID belong to root, so that
// /proc/self/environ, maps and the like cannot be read any more, not even by
// the process itself; stat, status and fd can. Programs that it starts are
// dumpable again, but for the limit, which they inherit.
//
// On other Unix systems the limit on core files is set to none. A debugger of
// the same user, or of root, is not kept out by that; root's never is.
func NoCoreDumps() error { return noCoreDumps() }
