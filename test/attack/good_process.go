package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// goodPort and goodCA are set in the environment of a process that is the
// well-behaved client. It is a process of its own because attackers keep
// theirs busy: the client would wait for them, and not for the gateway.
const (
	goodPort = "CLOISTER_ATTACK_GOOD_PORT"
	goodCA   = "CLOISTER_ATTACK_GOOD_CA"
)

// goodProcess is a well-behaved client under way.
type goodProcess struct {
	cmd *exec.Cmd
	in  io.Closer
	out bytes.Buffer
}

// startGood starts this program as a well-behaved client of the gateway.
func (g *gateway) startGood() (*goodProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &goodProcess{cmd: exec.CommandContext(context.Background(), self)}
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", goodPort, g.port), goodCA+"="+g.caFile())
	p.cmd.Stdout, p.cmd.Stderr = &p.out, os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// stop ends the client and says how it fared.
func (p *goodProcess) stop() (goodResult, error) {
	p.in.Close()
	var res goodResult
	if err := p.cmd.Wait(); err != nil {
		return res, fmt.Errorf("the well-behaved client: %w", err)
	}
	return res, json.Unmarshal(p.out.Bytes(), &res)
}

// isGood reports whether this process is to be the well-behaved client.
func isGood() bool { return os.Getenv(goodPort) != "" }

// beGood is the well-behaved client until standard input ends.
func beGood() error {
	port, err := strconv.Atoi(os.Getenv(goodPort))
	if err != nil {
		return err
	}
	roots, err := readRoots(os.Getenv(goodCA))
	if err != nil {
		return err
	}
	client := startGood(door{port, roots})
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(client.stop())
}
