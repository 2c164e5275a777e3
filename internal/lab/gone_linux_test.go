package lab

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// left are the processes of this test's labs, and namespaces that they are in.
func left(t *testing.T, marks ...string) (out []string) {
	t.Helper()
	list, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue
		}
		for _, m := range marks {
			if strings.Contains(string(env), m) && e.Name() != strconv.Itoa(os.Getpid()) {
				ns, _ := os.Readlink(filepath.Join("/proc", e.Name(), "ns/net"))
				state, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
				out = append(out, e.Name()+" "+ns+" "+string(state))
			}
		}
	}
	return out
}

// holder is the outer process of a lab in which a command runs, with all that
// it says.
type holder struct {
	cmd   *exec.Cmd
	inner int
	mark  string
	dir   string
}

// TestHolder is not a test by itself: the process that the others kill.
func TestHolder(t *testing.T) {
	dir := os.Getenv("LAB_TEST_HOLDER")
	if dir == "" {
		return // it is started by others
	}
	l, err := Start(t.Context(), Options{Site: "testdata/site", Socket: filepath.Join(dir, SocketName), Bare: true, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// A command with an orphan.
	_, err = l.Run(t.Context(), Command{Host: "app", Argv: []string{"/bin/sh", "-c", "(sleep 300 &) ; echo up; sleep 300"}, Env: os.Environ(), Stdout: os.Stdout, Dir: "/"})
	if err != nil {
		t.Log(err)
	}
}

func hold(t *testing.T) *holder {
	t.Helper()
	start(t, Options{Bare: true}).Close() // or says why not
	h := &holder{dir: t.TempDir(), mark: "LAB_TEST_MARK=" + nonce()}
	h.cmd = exec.Command(os.Args[0], "-test.run=^TestHolder$", "-test.v")
	h.cmd.Env = append(os.Environ(), "LAB_TEST_HOLDER="+h.dir, h.mark)
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.cmd.Process.Kill(); h.cmd.Wait() })
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if sc.Text() == "up" {
			break
		}
	}
	for _, p := range left(t, h.mark) {
		pid, _, _ := strings.Cut(p, " ")
		if strings.Contains(p, "(cloister-lab") || parent(p) == h.cmd.Process.Pid {
			h.inner, _ = strconv.Atoi(pid)
			break
		}
	}
	if h.inner == 0 {
		t.Fatalf("no inner process among %q", left(t, h.mark))
	}
	if n := len(left(t, h.mark)); n < 4 { // outer, inner, sh, sleep, sleep
		t.Fatalf("%d processes, which are too few", n)
	}
	return h
}

// parent is the parent's number in a line of left.
func parent(line string) int {
	_, rest, _ := strings.Cut(line, ") ")
	f := strings.Fields(rest)
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}

// gone waits until nothing is left, and says how long that took.
func (h *holder) gone(t *testing.T) {
	t.Helper()
	begin := time.Now()
	go h.cmd.Wait()
	for {
		found := left(t, h.mark)
		_, socket := os.Stat(filepath.Join(h.dir, SocketName))
		if len(found) == 0 && errors.Is(socket, os.ErrNotExist) {
			t.Logf("gone in %v", time.Since(begin))
			break
		}
		if time.Since(begin) > 5*time.Second {
			t.Fatalf("left: %q, socket: %v", found, socket)
		}
		time.Sleep(time.Millisecond)
	}
	if list, err := os.ReadDir(h.dir); err != nil || len(list) > 0 {
		t.Errorf("files are left: %v, %v", list, err)
	}
}

func mounts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNothingIsLeft: whoever is killed, processes, namespaces, mounts and files
// go. A network namespace lives as long as a process, a descriptor or a mount
// that holds it.
func TestNothingIsLeft(t *testing.T) {
	for name, kill := range map[string]func(*holder) error{
		"outer killed":     func(h *holder) error { return h.cmd.Process.Kill() },
		"inner killed":     func(h *holder) error { return unix.Kill(h.inner, unix.SIGKILL) },
		"inner terminated": func(h *holder) error { return unix.Kill(h.inner, unix.SIGTERM) },
		"outer terminated": func(h *holder) error { return h.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			before := mounts(t)
			h := hold(t)
			if err := kill(h); err != nil {
				t.Fatal(err)
			}
			h.gone(t)
			if after := mounts(t); after != before {
				t.Errorf("mounts changed:\n%s\n%s", before, after)
			}
		})
	}
}

// TestCloseLeavesNothing: the usual end, which takes milliseconds.
func TestCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		begin := time.Now()
		l := start(t, Options{Bare: true, Socket: filepath.Join(dir, SocketName)})
		up := time.Since(begin)
		if info, err := os.Stat(filepath.Join(dir, SocketName)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the socket: %v, %v", info, err)
		}
		if out, code := shell(t, l, "app", "exit 3"); code != 3 {
			t.Errorf("exit code %d\n%s", code, out)
		}
		begin = time.Now()
		l.Close()
		t.Logf("up in %v, down in %v", up, time.Since(begin))
		if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
			t.Errorf("files are left: %v, %v", list, err)
		}
	}
}

// TestJoin: a second process finds the lab by its socket, and a second lab does
// not take it over.
func TestJoin(t *testing.T) {
	socket := filepath.Join(t.TempDir(), SocketName)
	l := start(t, Options{Bare: true, Socket: socket})
	j, err := Join(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if out, code := shell(t, j, "gateway", "hostname"); out != "gateway\n" || code != 0 {
		t.Errorf("%q, %d", out, code)
	}
	if _, err := Start(t.Context(), Options{Site: "testdata/site", Socket: socket, Bare: true}); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("a second one: %v", err)
	}
	l.Close()
	if _, err := Join(t.Context(), socket); !errors.Is(err, ErrNoLab) {
		t.Errorf("when it is gone: %v", err)
	}
}

// TestExitCodes: as a shell's.
func TestExitCodes(t *testing.T) {
	l := start(t, Options{Bare: true})
	if _, code := shell(t, l, "app", "kill -TERM $$"); code != 128+15 {
		t.Errorf("SIGTERM: %d", code)
	}
	for _, c := range []struct {
		argv []string
		code int
	}{{[]string{"no-such-program"}, 127}, {[]string{"/etc/passwd"}, 126}, {[]string{"/no/such/program"}, 127}} {
		code, err := l.Run(t.Context(), Command{Host: "app", Argv: c.argv, Env: os.Environ()})
		if code != c.code || !errors.As(err, new(*CannotRunError)) {
			t.Errorf("%q: %d, %v", c.argv, code, err)
		}
	}
	if _, err := l.Run(t.Context(), Command{Host: "ap", Argv: []string{"true"}}); err == nil || !strings.Contains(err.Error(), `did you mean "app"`) {
		t.Errorf("an unknown host: %v", err)
	}
	// A signal that is passed on.
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	if code, err := l.Run(t.Context(), Command{Host: "app", Argv: []string{"sleep", "60"}, Env: os.Environ(), Signals: signals}); code != 130 || err != nil {
		t.Errorf("SIGINT: %d, %v", code, err)
	}
}

// TestStageAlone: the variable by itself makes no process of the lab.
func TestStageAlone(t *testing.T) {
	for _, value := range []string{"x", commandStage + "x"} {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), stageVariable+"="+value)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "mend: unset "+stageVariable) {
			t.Errorf("%q: %v\n%s", value, err, out)
		}
	}
}
