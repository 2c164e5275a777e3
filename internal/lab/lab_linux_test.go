package lab

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestMain lets the test binary be the lab's own processes.
func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// start brings a lab up, for the test's life.
func start(t testing.TB, opt Options) *Lab {
	t.Helper()
	if opt.Site == "" {
		opt.Site = "testdata/site"
	}
	opt.Stderr = os.Stderr
	l, err := Start(t.Context(), opt)
	if err != nil {
		if errors.As(err, new(*UnableError)) {
			testenv.Missing(t, "%v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// shell runs a line of shell in a host.
func shell(t testing.TB, l *Lab, host, line string) (out string, code int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text := make(chan string)
	go func() {
		var b strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			b.Write(buf[:n])
			if err != nil {
				text <- b.String()
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	code, err = l.Run(ctx, Command{Host: host, Argv: []string{"/bin/sh", "-c", line}, Env: os.Environ(), Dir: "/", Stdout: w, Stderr: w})
	w.Close()
	out = <-text
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out, code
}

// TestCommand: what a command in the lab finds.
func TestCommand(t *testing.T) {
	l := start(t, Options{Bare: true})
	for _, c := range []struct{ host, line, want string }{
		{"app", "id -u", strconv.Itoa(os.Geteuid())},
		{"app", "hostname; pwd", "app\n/"},
		{"app", "cat /etc/resolv.conf", "# Written by the lab.\nnameserver 168.63.129.16\noptions timeout:1 attempts:2"},
		{"internet", "grep nameserver /etc/resolv.conf", "nameserver 198.51.100.53"},
		{"gateway", "grep gateway /etc/hosts", "10.1.2.4 gateway"},
		// It owns neither its network nor its neighbours'.
		{"app", "ip addr add 10.1.2.4/32 dev eth0 2>/dev/null || echo no", "no"},
		{"app", "nsenter -t 1 -n true 2>/dev/null || echo no", "no"},
	} {
		if out, code := shell(t, l, c.host, c.line); code != 0 || strings.TrimSpace(out) != c.want {
			t.Errorf("%s: %s: exit code %d, %q; want %q", c.host, c.line, code, out, c.want)
		}
	}
}
