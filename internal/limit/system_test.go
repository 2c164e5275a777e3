package limit

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestMemoryLimit lays out systems as files.
func TestMemoryLimit(t *testing.T) {
	for name, row := range map[string]struct {
		files  map[string]string
		given  int64
		want   int64
		source string
	}{
		"nothing": {nil, 0, 0, ""},
		"machine": {map[string]string{"proc/meminfo": "MemFree: 5 kB\nMemTotal:       2048 kB\n"}, 0, 2 << 20, "machine"},
		"given":   {map[string]string{"proc/meminfo": "MemTotal: 2048 kB\n"}, 1 << 20, 1 << 20, "limits.memoryBytes"},
		"version 2, the least of the path": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max": "1048576\n", "proc/meminfo": "MemTotal: 2048 kB\n",
		}, 0, 1 << 20, "control group"},
		"version 2 in a container": {map[string]string{
			"proc/self/cgroup": "0::/../../elsewhere\n", "sys/fs/cgroup/memory.max": "524288\n",
		}, 0, 512 << 10, "control group"},
		"version 1": {map[string]string{
			"proc/self/cgroup": "12:memory:/x\n1:name=systemd:/x\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "1000\n",
		}, 0, 1000, "control group"},
		"junk": {map[string]string{
			"proc/self/cgroup": "::\n0::\n\x00", "sys/fs/cgroup/memory.max": "-5", "proc/meminfo": "MemTotal: x kB",
		}, 0, 0, ""},
	} {
		root := t.TempDir()
		for path, text := range maps.All(row.files) {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if goMemoryLimit() != 0 {
			t.Setenv("GOMEMLIMIT", "off")
		}
		got, source := MemoryLimit(SystemOptions{MemoryBytes: row.given, Root: root})
		if got != row.want || source != row.source {
			t.Errorf("%s: %d of %q, want %d of %q", name, got, source, row.want, row.source)
		}
	}
}

// FuzzCgroup: no file of the system, however odd, gives a limit that is none.
func FuzzCgroup(f *testing.F) {
	f.Add("0::/a/b\n", "max\n", "MemTotal: 2048 kB\n")
	f.Add("4:memory:/../..\n", "1048576", "")
	f.Fuzz(func(t *testing.T, groups, limit, meminfo string) {
		root := t.TempDir()
		for path, text := range map[string]string{
			"proc/self/cgroup": groups, "sys/fs/cgroup/memory.max": limit, "proc/meminfo": meminfo,
		} {
			path = filepath.Join(root, path)
			os.MkdirAll(filepath.Dir(path), 0o700)
			os.WriteFile(path, []byte(text), 0o600)
		}
		if got := cgroupMemory(root); got < 0 {
			t.Errorf("a limit of %d", got)
		}
		if got := machineMemory(root); got < 0 {
			t.Errorf("a machine of %d", got)
		}
	})
}

// TestMemoryMonitorCountsWhatIsHeld: a large thing that is held counts, and
// once it is let go and collected it does not.
func TestMemoryMonitorCountsWhatIsHeld(t *testing.T) {
	const size, limit = 64 << 20, 1 << 30
	m := memoryMonitor(SystemOptions{MemoryBytes: limit, Root: t.TempDir()})
	read := func() float64 {
		runtime.GC()
		p, err := m.Read()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := read()
	held := make([]byte, size)
	during := read()
	runtime.KeepAlive(held)
	held = nil
	_ = held
	after := read()
	if want := float64(size) / limit; during-before < want*0.9 || during-after < want*0.9 {
		t.Errorf("before %.3f, during %.3f, after %.3f; the step is %.3f", before, during, after, want)
	}
}

// TestMemoryMonitorSeesWhatWasLetGo: without an allocation that would bring a
// collection, high pressure ends once the cause is gone.
func TestMemoryMonitorSeesWhatWasLetGo(t *testing.T) {
	held := make([]byte, 64<<20)
	runtime.GC()
	m := memoryMonitor(SystemOptions{MemoryBytes: 70 << 20, Root: t.TempDir()})
	if p, err := m.Read(); err != nil || p < thresholds[Shorten] {
		t.Fatalf("%v, %v", p, err)
	}
	runtime.KeepAlive(held)
	held = nil
	_ = held
	p := 1.0
	for range 2*calmSamples + 2 {
		p, _ = m.Read()
	}
	if p > 0.5 {
		t.Errorf("still %.2f", p)
	}
}

func TestMemoryMonitorWithoutALimit(t *testing.T) {
	if goMemoryLimit() != 0 {
		t.Skip("GOMEMLIMIT is set here")
	}
	if p, err := memoryMonitor(SystemOptions{Root: t.TempDir()}).Read(); err == nil {
		t.Errorf("%v and no error", p)
	}
}

func TestFilesMonitor(t *testing.T) {
	before, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if after, _ := openFiles(); after-before < 18 || after-before > 25 {
		t.Errorf("20 more files are %d more", after-before)
	}
	if p, err := filesMonitor().Read(); err != nil || p <= 0 || p > 1 {
		t.Errorf("%v, %v", p, err)
	}
}

// TestCPUNeedsBoth: neither a busy processor nor waiting alone is overload.
func TestCPUNeedsBoth(t *testing.T) {
	procs := time.Duration(runtime.GOMAXPROCS(0))
	for name, row := range map[string]struct {
		share     float64 // of the processors
		long      uint64  // of a hundred waits, how many took 300 to 600 ms
		low, high float64
	}{
		"idle":             {0, 0, 0, 0},
		"busy, keeps up":   {1, 0, 0, 0.1},
		"busy, a few wait": {1, 5, 0, 0.1},
		"waits for others": {0.2, 50, 0.1, 0.3},
		"busy and behind":  {1, 50, thresholds[Shorten], thresholds[Shed]},
	} {
		state := cpuState{at: time.Unix(0, 0), bounds: []float64{0, 0.001, 0.3, 0.6}, waits: make([]uint64, 3)}
		c := &cpu{read: func() (cpuState, error) { return state, nil }}
		last := 0.0
		for range 3 * cpuSamples {
			var err error
			if last, err = c.pressure(); err != nil {
				t.Fatal(err)
			}
			state.at = state.at.Add(SampleEvery)
			state.used += time.Duration(row.share * float64(SampleEvery*procs))
			state.waits[0] += 100 - row.long
			state.waits[2] += row.long
		}
		if last < row.low || last > row.high {
			t.Errorf("%s: %.3f, want %.2f to %.2f", name, last, row.low, row.high)
		}
	}
	for wait, want := range map[time.Duration]float64{0: 0, waitLow: 0.85, waitHigh: 0.95} {
		if got := waitPressure(wait); got-want > 1e-9 || want-got > 1e-9 {
			t.Errorf("a wait of %v: %v, want %v", wait, got, want)
		}
	}
}

// TestSystemMonitors: on this machine, now, all of them read.
func TestSystemMonitors(t *testing.T) {
	l := NewLadder(SystemMonitors(SystemOptions{MemoryBytes: 8 << 30})...)
	for range 3 {
		l.Sample()
	}
	for _, r := range l.Readings() {
		if r.Err != nil || r.Pressure < 0 {
			t.Errorf("%+v", r)
		}
	}
}
