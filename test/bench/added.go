package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// addedParts are what is on every request's way that a plain proxy has not,
// with the functions in which their time is spent.
func addedParts() []struct{ name, focus string } {
	return []struct{ name, focus string }{
		{"audit", `internal/audit\.|\*trip\)\.(auditAllow|account|auditRecord|auditCut)`},
		{"overload", `internal/limit\.`},
		{"revocation", `\*trip\)\.enter|\*holder\)\.`},
	}
}

// runAdded measures what audit, overload control and revocation add to the CPU
// time of a request: their share of a profile of the gateway under the JSON
// load, times the CPU time of a request.
func (l *lab) runAdded(ctx context.Context) (string, error) {
	profile := l.file("added.pprof")
	gateway, err := l.startProfiled(ctx, "added", profile)
	if err != nil {
		return "", err
	}
	size, err := l.answerSize()
	if err != nil {
		return "", err
	}
	f := &figures{}
	busy := load{request: l.request.json, clients: l.opt.connections, during: l.opt.duration, bytes: size}
	for range max(l.opt.rounds, 1) {
		if _, err := l.loaded(ctx, gateway, busy, f); err != nil {
			return "", errors.Join(err, gateway.stop())
		}
	}
	if err := gateway.stop(); err != nil {
		return "", err
	}
	cpu := median(f.cpu)
	line := fmt.Sprintf("added cpu-us request %.1f", cpu)
	for _, part := range addedParts() {
		share, err := profileShare(ctx, profile, part.focus)
		if err != nil {
			return "", err
		}
		fmt.Printf("%-10s  %5.1f %% of a request's CPU time, %5.2f µs\n", part.name, 100*share, share*cpu)
		line += fmt.Sprintf(" %s %.2f", part.name, share*cpu)
	}
	return line, nil
}

// startProfiled starts another gateway with the CPU profiler on.
func (l *lab) startProfiled(ctx context.Context, name, profile string) (*proxy, error) {
	program, err := l.build(ctx, "profiled")
	if err != nil {
		return nil, err
	}
	site := filepath.Join(l.dir, "site-"+name)
	var failed error
	p, err := l.start(ctx, "gateway", true, func(port int) (string, []string) {
		health, e := freePort()
		failed = errors.Join(e, writeSite(site, l.dir, port, health, l.upstream.port))
		return program, []string{"-profile", profile, site}
	})
	return p, errors.Join(failed, err)
}

// accounted is how pprof says how much a focus makes up.
var accounted = regexp.MustCompile(`Showing nodes accounting for ([0-9.]+)(us|ms|s|mins|), .* of ([0-9.]+)(us|ms|s|mins) total`)

// profileShare is the part of a profile's time that is spent in, or below, what
// focus matches.
func profileShare(ctx context.Context, profile, focus string) (float64, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0",
		"-focus", focus, profile).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pprof: %w\n%s", err, out)
	}
	m := accounted.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pprof says nothing of %s:\n%s", focus, out)
	}
	part, total := profileTime(m[1], m[2]), profileTime(m[3], m[4])
	if total <= 0 {
		return 0, errors.New("the profile is empty")
	}
	return part.Seconds() / total.Seconds(), nil
}

func profileTime(number, unit []byte) time.Duration {
	n, _ := strconv.ParseFloat(string(number), 64) // digits and points, by the expression
	return time.Duration(n * float64(map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "mins": time.Minute}[string(unit)]))
}
