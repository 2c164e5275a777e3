package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// strangerUser is a user who owns nothing here: nobody.
const strangerUser = 65534

// strangerCommand is "stranger FILE PROGRAM ARG...": runs a program as another
// user, which has to fail, and keeps what it prints.
func strangerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: stranger FILE PROGRAM ARG...")
	}
	// Where the script runs, others cannot go; what is tried here is what they
	// could do if they were let near.
	for dir := ts.MkAbs("."); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755))
	}
	path := args[1]
	if path == "cloister" {
		self, err := os.ReadFile("/proc/self/exe")
		ts.Check(err)
		path = ts.MkAbs("stranger-bin/cloister")
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		if _, err := os.Stat(path); err != nil {
			ts.Check(os.WriteFile(path, self, 0o755))
		}
	} else {
		var err error
		path, err = exec.LookPath(path)
		ts.Check(err)
	}
	cmd := exec.Command(path, args[2:]...)
	cmd.Args[0] = args[1]
	cmd.Dir, cmd.Env = ts.MkAbs("."), []string{"HOME=/nonexistent", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: strangerUser, Gid: strangerUser}}
	out, err := cmd.CombinedOutput()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o644))
	ts.Logf("%s", out)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		ts.Fatalf("as another user %v: %v", args[1:], err)
	}
}

// smallDiskCommand is "smalldisk DIR KIB": a disk of that size.
func smallDiskCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: smalldisk DIR KIB")
	}
	if _, err := strconv.Atoi(args[1]); err != nil {
		ts.Fatalf("%q is no size in KiB", args[1])
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]+"k"))
	ts.Defer(func() { ts.Check(syscall.Unmount(dir, 0)) })
}
