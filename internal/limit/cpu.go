package limit

import (
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// cpuSamples is over how many samples the processor is judged.
	cpuSamples = 8
	// A goroutine that is ready and waits this long for a processor, in one
	// of ten cases, stands for the pressures 0.85 and 0.95; between and
	// beyond them the line goes on. A full pool of honest callers on a busy
	// machine waits for some ten milliseconds.
	waitLow, waitHigh = 100 * time.Millisecond, 500 * time.Millisecond
)

// cpuState is what has been used and waited for since the process began.
type cpuState struct {
	at   time.Time
	used time.Duration
	// waits counts waits for a processor by length; bounds are seconds, one
	// more than counts.
	waits  []uint64
	bounds []float64
}

// cpu judges the processor by two figures: the share that the process uses of
// what it may, and how long what is ready has to wait. Either alone misleads:
// a busy machine that keeps up is no overload, and waiting while the processor
// is idle, or is somebody else's, is not cured by refusing requests.
type cpu struct {
	read   func() (cpuState, error)
	states [cpuSamples]cpuState
	count  int
}

func newCPU(used func() (time.Duration, error)) *cpu {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	return &cpu{read: func() (cpuState, error) {
		u, err := used()
		if err != nil {
			return cpuState{}, err
		}
		metrics.Read(sample)
		h := sample[0].Value.Float64Histogram()
		return cpuState{at: time.Now(), used: u, waits: h.Counts, bounds: h.Buckets}, nil
	}}
}

func cpuMonitor(c *cpu) Monitor { return Monitor{Name: "cpu", Read: c.pressure} }

// pressure compares now with the oldest of the states kept.
func (c *cpu) pressure() (float64, error) {
	now, err := c.read()
	if err != nil {
		return 0, err
	}
	then := c.states[c.count%cpuSamples]
	if c.count < cpuSamples {
		then = c.states[0]
	}
	pressure := 0.0
	if passed := now.at.Sub(then.at); c.count > 0 && passed > 0 {
		// GOMAXPROCS heeds the quota of the control group.
		share := float64(now.used-then.used) / float64(passed) / float64(runtime.GOMAXPROCS(0))
		pressure = min(share, waitPressure(longWait(then.waits, now)))
	}
	// metrics.Read fills one histogram, over and over.
	slot := &c.states[c.count%cpuSamples]
	now.waits = append(slot.waits[:0], now.waits...)
	*slot = now
	c.count++
	return pressure, nil
}

// longWait is the wait that nine of ten did not exceed.
func longWait(before []uint64, now cpuState) time.Duration {
	total := uint64(0)
	for i, n := range now.waits {
		total += n - before[i]
	}
	rest := total / 10
	for i := len(now.waits) - 1; i >= 0; i-- {
		n := now.waits[i] - before[i]
		if n > rest {
			return time.Duration(max(0, now.bounds[i]) * float64(time.Second))
		}
		rest -= n
	}
	return 0
}

func waitPressure(wait time.Duration) float64 {
	low, high := thresholds[Shorten], thresholds[Shed]
	if wait <= waitLow {
		return low * float64(wait) / float64(waitLow)
	}
	return low + (high-low)*float64(wait-waitLow)/float64(waitHigh-waitLow)
}
