package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// dumpingChild makes this program a process that dumps core, or would.
const dumpingChild = "CLOISTER_TEST_DUMPING_CHILD"

// TestNoCoreDumps: a process that called it leaves no core when it is killed by
// a signal that makes one, and says of itself that it cannot be dumped. The
// same process without the call does leave one, where the machine lets it.
func TestNoCoreDumps(t *testing.T) {
	if how := os.Getenv(dumpingChild); how != "" {
		beDumped(how)
		return
	}
	said, state, left := dump(t, "protected")
	if state.CoreDump() || len(left) != 0 {
		t.Errorf("a core was dumped: %v, %v", state, left)
	}
	// The runtime passes SIGSEGV on as SIGABRT when it is done.
	if !state.Signaled() || state.Signal() != syscall.SIGABRT && state.Signal() != syscall.SIGSEGV {
		t.Errorf("the child was to die of a signal that dumps core: %+v", state)
	}
	if want := "dumpable 0, limit 0 of 0\n"; said != want {
		t.Errorf("the child says %q, want %q", said, want)
	}
	said, state, left = dump(t, "open")
	if !strings.HasPrefix(said, "dumpable 1, ") {
		t.Errorf("without protection the child says %q: the test would find nothing", said)
	}
	t.Logf("without protection: core dumped %v, files %v", state.CoreDump(), left)
}

// dump runs the child in a directory of its own and says what it left.
func dump(t *testing.T, how string) (said string, _ syscall.WaitStatus, left []string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoCoreDumps$")
	cmd.Dir = dir
	// GOTRACEBACK=crash: the runtime lets the signal kill the process.
	cmd.Env = append(os.Environ(), dumpingChild+"="+how, "GOTRACEBACK=crash")
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the child ended with %v", err)
	}
	left, err = filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), exit.Sys().(syscall.WaitStatus), left
}

func beDumped(how string) {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit)
	}
	if how == "protected" {
		if err := NoCoreDumps(); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
	}
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &limit)
	fmt.Printf("dumpable %d, limit %d of %d\n", dumpable, limit.Cur, limit.Max)
	_ = unix.Kill(os.Getpid(), unix.SIGSEGV)
	select {}
}
