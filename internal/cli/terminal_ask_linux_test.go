package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// screen is a pseudo-terminal and what was shown on it.
type screen struct {
	t           *testing.T
	master, tty *os.File
	mu          sync.Mutex // guards shown
	shown       bytes.Buffer
}

func openScreen(t *testing.T) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		testenv.Missing(t, "a pseudo terminal (/dev/ptmx): %v", err)
	}
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	var ioErr error
	if err := raw.Control(func(fd uintptr) {
		if ioErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); ioErr == nil {
			number, ioErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); err != nil || ioErr != nil {
		t.Fatal(err, ioErr)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, master: master, tty: tty}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.shown.Write(b[:n])
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		tty.Close()
		master.Close()
		<-done
	})
	return s
}

// text is what was shown.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// await waits until something was shown.
func (s *screen) await(want string) {
	s.t.Helper()
	for end := time.Now().Add(scriptTimeout); !strings.Contains(s.text(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%q is not shown:\n%s", want, s.text())
		}
	}
}

// typed presses keys.
func (s *screen) typed(keys string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// state is how the terminal is set, and whether it echoes.
func (s *screen) state() (string, bool) {
	s.t.Helper()
	fd := int(s.tty.Fd())
	st, err := term.GetState(fd)
	if err != nil {
		s.t.Fatal(err)
	}
	termios, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(*st), termios.Lflag&unix.ECHO != 0
}

// start runs the program as the one that the screen controls.
func (s *screen) start(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), self, args...)
	cmd.Args[0] = "cloister" // see TestMain
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, s.tty, s.tty
	cmd.Env = []string{"TERM=xterm"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

// TestPassphraseOnTerminal: what is typed is not shown, and the terminal is
// afterwards as it was, however the question ends.
func TestPassphraseOnTerminal(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(*screen, *exec.Cmd)
		made bool
		says string
	}{
		"answered": {func(s *screen, _ *exec.Cmd) {
			s.typed("correct horse battery\r")
			s.await(", once more: ")
			s.typed("correct horse battery\r")
		}, true, "made "},
		"Ctrl-C":  {func(s *screen, _ *exec.Cmd) { s.typed("correct\x03") }, false, "interrupted"},
		"Ctrl-D":  {func(s *screen, _ *exec.Cmd) { s.typed("\x04") }, false, "interrupted"},
		"nothing": {func(s *screen, _ *exec.Cmd) { s.typed("\r") }, false, "an empty passphrase"},
		"SIGTERM": {func(s *screen, cmd *exec.Cmd) {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				s.t.Error(err)
			}
		}, false, "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openScreen(t)
			before, echoed := s.state()
			if !echoed {
				t.Fatal("a new terminal does not echo")
			}
			path := filepath.Join(t.TempDir(), "state.key")
			cmd := s.start("key", "create", path)
			s.await("Passphrase for " + path + ": ")
			if _, echoes := s.state(); echoes {
				t.Error("the terminal echoes while it asks")
			}
			end.do(s, cmd)
			err := cmd.Wait()
			s.await(end.says)
			if strings.Contains(s.text(), "horse") || strings.Contains(s.text(), "correct") {
				t.Errorf("the passphrase is shown:\n%s", s.text())
			}
			if after, _ := s.state(); after != before {
				t.Errorf("the terminal was %s, and is %s", before, after)
			}
			if _, statErr := os.Stat(path); (statErr == nil) != end.made || (err == nil) != end.made {
				t.Errorf("key file: %v, exit: %v", statErr, err)
			}
		})
	}
}
