package limit

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SystemMonitors are memory, CPU and file descriptors of this process. What a
// system does not tell is said as an error in the reading, and does not count.
func SystemMonitors(opt SystemOptions) []Monitor {
	return []Monitor{memoryMonitor(opt), cpuMonitor(newCPU(processCPU)), filesMonitor()}
}

// errUnknown: this system does not tell, or not to us.
var errUnknown = errors.New("this system does not tell")

// filesMonitor compares open file descriptors with how many there may be.
func filesMonitor() Monitor {
	return Monitor{Name: "files", Read: func() (float64, error) {
		most := FileLimit()
		if most == 0 {
			return 0, errUnknown
		}
		open, err := openFiles()
		return float64(open) / float64(most), err
	}}
}

// cgroupMemory is the smallest memory limit of the control groups that the
// process is in, in bytes; 0: none. Version 2 is read, and version 1 where
// that is what there is.
func cgroupMemory(root string) int64 {
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(groups)) {
		// "0::/path" is version 2; "4:memory:/path" version 1.
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			least = smaller(least, groupLimit(root, "sys/fs/cgroup", fields[2], "memory.max"))
		case fields[1] == "memory":
			least = smaller(least, groupLimit(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	return least
}

// groupLimit is the smallest limit from a group up to the top. In a container
// the path may be the host's and not be there; then the top is the container's.
func groupLimit(root, mount, group, file string) (least int64) {
	for {
		least = smaller(least, readLimit(filepath.Join(root, mount, group, file)))
		if group == "/" || group == "." || group == "" {
			return least
		}
		group = filepath.Dir(group)
	}
}

func readLimit(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	// "max" is no limit, and neither is version 1's 2^63 in whole pages.
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 || n >= 1<<62 {
		return 0
	}
	return n
}

// smaller is the smaller of two limits, of which 0 is none.
func smaller(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// machineMemory is MemTotal of /proc/meminfo in bytes; 0 where there is none.
func machineMemory(root string) int64 {
	text, err := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil || n <= 0 || n > 1<<50 {
				return 0
			}
			return n << 10
		}
	}
	return 0
}
