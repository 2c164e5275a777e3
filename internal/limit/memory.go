package limit

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// SystemOptions say what [SystemMonitors] measure against.
type SystemOptions struct {
	// MemoryBytes is what the process may use; 0: the limit of its control
	// group or GOMEMLIMIT, whichever is smaller, else the machine's memory.
	MemoryBytes int64
	// Root stands in for "/" where files of the system are read: tests lay
	// out a system in a directory. Empty: "/".
	Root string
}

// MemoryLimit is what the process may use in bytes, and where the figure comes
// from; 0: nothing is known. A process that has no GOMEMLIMIT does well to
// give nine tenths of it to [debug.SetMemoryLimit], so that the collector works
// harder before the kernel kills.
func MemoryLimit(opt SystemOptions) (bytes int64, source string) {
	for _, l := range []struct {
		bytes  int64
		source string
	}{
		{opt.MemoryBytes, "limits.memoryBytes"},
		{goMemoryLimit(), "GOMEMLIMIT"},
		{cgroupMemory(opt.root()), "control group"},
		{machineMemory(opt.root()), "machine"},
	} {
		if l.bytes > 0 && (bytes == 0 || l.bytes < bytes) {
			bytes, source = l.bytes, l.source
		}
	}
	return bytes, source
}

func (o SystemOptions) root() string {
	if o.Root == "" {
		return "/"
	}
	return o.Root
}

func goMemoryLimit() int64 {
	if l := debug.SetMemoryLimit(-1); l != math.MaxInt64 {
		return l
	}
	return 0
}

// errNoMemoryLimit is what the monitor says where nothing is known.
var errNoMemoryLimit = errors.New("no limit is known; mend: set limits.memoryBytes or GOMEMLIMIT")

// memoryMonitor compares what the process needs with what it may use. The
// heap's size would be the wrong figure: between collections it grows into
// whatever it is allowed to, and a process with half of its memory in use
// would look full just before each. What survived the last collection, and
// everything that is not heap, is what cannot be had back.
func memoryMonitor(opt SystemOptions) Monitor {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	stale := staleHeap{}
	most, _ := MemoryLimit(opt)
	return Monitor{Name: "memory", Read: func() (float64, error) {
		// Near its own limit the collector runs without end, long before the
		// memory itself is used up; and that limit may be set after start.
		limit := smaller(most, goMemoryLimit())
		if limit == 0 {
			return 0, errNoMemoryLimit
		}
		metrics.Read(samples)
		var v [7]int64
		for i := range samples {
			v[i] = int64(samples[i].Value.Uint64())
		}
		live, beside := v[0], v[1]-v[2]-v[3]-v[4]-v[5]
		pressure := float64(live+beside) / float64(limit)
		if stale.read(pressure, v[6]) {
			runtime.GC()
		}
		return pressure, nil
	}}
}

// staleHeap notices that the figure of what is live has grown old. Under
// overload that would not end by itself: what is refused allocates nothing,
// and so brings no collection that would show what has been let go.
type staleHeap struct {
	cycles int64
	reads  int
}

// read reports whether the heap has to be collected for the figure's sake:
// pressure is high, and the last calmSamples readings saw no collection.
func (s *staleHeap) read(pressure float64, cycles int64) bool {
	if cycles != s.cycles || pressure < thresholds[Shorten] {
		s.cycles, s.reads = cycles, 0
		return false
	}
	s.reads++
	if s.reads < calmSamples {
		return false
	}
	s.reads = 0
	return true
}
