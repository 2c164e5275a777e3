package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestTerminalHolder is not a test by itself: the process at the terminal.
func TestTerminalHolder(t *testing.T) {
	line := os.Getenv("LAB_TEST_TERMINAL")
	if line == "" {
		return // it is started by others
	}
	l, err := Start(t.Context(), Options{Site: "testdata/site", Bare: true, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	code, err := l.Run(t.Context(), Command{
		Host: "app", Argv: []string{"/bin/sh", "-c", line}, Env: os.Environ(), Dir: "/", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
	l.Close()
	fmt.Println("code", code, err)
	os.Exit(0)
}

// openTerminal is both ends of a pseudo terminal.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		testenv.Missing(t, "a pseudo terminal (/dev/ptmx): %v", err)
	}
	t.Cleanup(func() { master.Close() })
	var number int
	if err := control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// TestTerminal: keys reach the command alone, which has the terminal.
func TestTerminal(t *testing.T) {
	start(t, Options{Bare: true}).Close()
	for _, c := range []struct{ line, key, want string }{
		{"echo ready; exec sleep 60", "\x03", "code 130 <nil>"},
		{`trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done`, "\x03", "code 5 <nil>"},
		{`echo ready; read line; echo "got $line"; exit 6`, "text\n", "code 6 <nil>"},
	} {
		master, slave := openTerminal(t)
		cmd := exec.Command(os.Args[0], "-test.run=^TestTerminalHolder$", "-test.v")
		cmd.Env = append(os.Environ(), "LAB_TEST_TERMINAL="+c.line)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		master.SetDeadline(time.Now().Add(20 * time.Second))
		var text strings.Builder
		buf, pressed := make([]byte, 4096), false
		for {
			n, err := master.Read(buf)
			text.Write(buf[:n])
			if !pressed && strings.Contains(text.String(), "ready") {
				pressed = true
				time.Sleep(200 * time.Millisecond) // a shell that is about to start a program waits for it, whatever comes
				if _, err := master.WriteString(c.key); err != nil {
					t.Fatal(err)
				}
			}
			if err != nil { // EIO: the other end is closed
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		if !strings.Contains(text.String(), c.want) {
			t.Errorf("%s, then %q: %q lacks %q", c.line, c.key, text.String(), c.want)
		}
	}
}
