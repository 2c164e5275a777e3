package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// labSettled is the last line that "lab up" prints when everything stands.
const labSettled = "Ctrl-C takes it down."

// benchLab measures how long the network of a new site takes to come up, with
// the gateway ready in it, and to go.
func benchLab(opt options) error {
	dir, err := os.MkdirTemp("", "bench-lab-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site := filepath.Join(dir, "site")
	if out, err := exec.Command(opt.gateway, "init", site).CombinedOutput(); err != nil {
		return fmt.Errorf("cloister init: %w\n%s", err, out)
	}
	if out, err := exec.Command(opt.gateway, "lab", "run", "--site", site, "--subnet", "app", "--", "true").CombinedOutput(); err != nil {
		fmt.Printf("lab: not measured here: %v\n%s", err, out)
		return nil
	}
	var up, down, run []float64
	for range max(opt.rounds, 5) {
		u, d, err := labOnce(opt, site)
		if err != nil {
			return err
		}
		begin := time.Now()
		if out, err := exec.Command(opt.gateway, "lab", "run", "--site", site, "--subnet", "app", "--", "true").CombinedOutput(); err != nil {
			return fmt.Errorf("cloister lab run: %w\n%s", err, out)
		}
		up, down, run = append(up, u), append(down, d), append(run, float64(time.Since(begin).Microseconds())/1e3)
	}
	fmt.Printf("lab: medians over %d rounds; a site from init, its gateway ready in it\n  up %.0f ms, down %.1f ms, run with an empty command %.0f ms\n",
		len(up), middle(up), middle(down), middle(run))
	fmt.Printf("network lab-up-ms %.0f\n", middle(up))
	return nil
}

// labOnce brings one up and takes it down; both in milliseconds.
func labOnce(opt options, site string) (up, down float64, err error) {
	cmd := exec.Command(opt.gateway, "lab", "up", site)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	stands := false
	for lines := bufio.NewScanner(out); !stands && lines.Scan(); {
		stands = strings.HasPrefix(lines.Text(), labSettled)
	}
	up = float64(time.Since(begin).Microseconds()) / 1e3
	begin = time.Now()
	if stands {
		err = cmd.Process.Signal(syscall.SIGINT)
	}
	io.Copy(io.Discard, out)
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	if !stands && err == nil {
		err = fmt.Errorf("it ended before it said %q", labSettled)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("cloister lab up: %w", err)
	}
	return up, float64(time.Since(begin).Microseconds()) / 1e3, nil
}
