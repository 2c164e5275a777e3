package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticksPerSecond of the times in /proc/PID/stat; Linux shows every process
// 100, whatever the kernel's own.
const ticksPerSecond = 100

// child is a process of the benchmark. All of them end with it.
type child struct {
	name string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan struct{}
	err  error // of Wait; read after done is closed
}

// start runs a program on one core.
func start(ctx context.Context, core, name string, args ...string) (*child, error) {
	if core != "" {
		args = append([]string{"-c", core, name}, args...)
		name = "taskset"
	}
	c := &child{name: name, log: &bytes.Buffer{}, done: make(chan struct{})}
	c.cmd = exec.CommandContext(ctx, name, args...)
	c.cmd.Stdout, c.cmd.Stderr = nil, c.log
	// A benchmark that is killed leaves nothing behind.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// stop ends the process; one that does not go within ten seconds is killed.
func (c *child) stop() error {
	select {
	case <-c.done:
		return fmt.Errorf("%s had ended: %v\n%s", c.name, c.err, c.log)
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-time.After(10 * time.Second):
		c.cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("%s did not end", c.name)
	}
}

// pids are the process and its children: nginx works in one of its own.
func (c *child) pids() []int {
	pids := []int{c.cmd.Process.Pid}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return pids
	}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		s, err := parseStat(string(text))
		if err == nil && s.parent == pids[0] {
			pids = append(pids, s.pid)
		}
	}
	return pids
}

// cpu is the user and system time so far.
func (c *child) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range c.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		s, err := parseStat(string(text))
		if err != nil {
			return 0, err
		}
		sum += s.cpu
	}
	return sum, nil
}

// memory is the resident memory in bytes that is the process's own (private
// pages: shared program text would count for every process of nginx).
func (c *child) memory() (int64, error) {
	var sum int64
	for _, pid := range c.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		kib, err := statusField(string(text), "RssAnon:")
		if err != nil {
			return 0, err
		}
		sum += kib << 10
	}
	return sum, nil
}

// stat is what we need of /proc/PID/stat.
type stat struct {
	pid, parent int
	cpu         time.Duration
}

// parseStat reads proc(5)'s stat: the name stands in brackets and may hold
// anything, so the fields are counted from the last one.
func parseStat(text string) (stat, error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return stat{}, errors.New("not a stat line")
	}
	fields := strings.Fields(text[end+1:])
	const parentField, userField, systemField = 1, 11, 12
	if len(fields) <= systemField {
		return stat{}, errors.New("stat line is too short")
	}
	var s stat
	var err error
	number := func(field string) int64 {
		n, e := strconv.ParseInt(strings.TrimSpace(field), 10, 64)
		err = errors.Join(err, e)
		return n
	}
	s.pid = int(number(text[:open]))
	s.parent = int(number(fields[parentField]))
	ticks := number(fields[userField]) + number(fields[systemField])
	s.cpu = time.Duration(ticks) * time.Second / ticksPerSecond
	return s, err
}

// statusField is a field of /proc/PID/status in KiB.
func statusField(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		}
	}
	return 0, fmt.Errorf("no %s", name)
}

// cores are the two that the benchmark uses: one for the proxy that is
// measured, one for load and upstream; both empty on a machine with one.
func cores() (proxy, load string, err error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", "", err
	}
	var allowed []string
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			allowed, err = parseCores(strings.TrimSpace(list))
		}
	}
	if err != nil || len(allowed) < 2 {
		return "", "", err
	}
	return allowed[0], allowed[len(allowed)-1], nil
}

// parseCores reads a list such as "0-3,8".
func parseCores(list string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if err := errors.Join(errA, errB); err != nil {
			return nil, fmt.Errorf("cores %q: %w", list, err)
		}
		for ; a <= b; a++ {
			out = append(out, strconv.Itoa(a))
		}
	}
	return out, nil
}

// pinnedEnv tells the benchmark, run again under taskset, which cores there
// are: once pinned it sees only its own.
const pinnedEnv = "CLOISTER_BENCH_CORES"

// pinSelf runs this program again on the core of the load.
func pinSelf() error {
	if os.Getenv(pinnedEnv) != "" {
		return nil
	}
	proxy, load, err := cores()
	if err != nil || proxy == "" {
		return err
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return fmt.Errorf("taskset pins the parts to cores: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"taskset", "-c", load, self}, os.Args[1:]...)
	return syscall.Exec(taskset, args, append(os.Environ(), pinnedEnv+"="+proxy+" "+load))
}

// pinned are the cores that [pinSelf] chose.
func pinned() (proxy, load string) {
	proxy, load, _ = strings.Cut(os.Getenv(pinnedEnv), " ")
	return proxy, load
}
