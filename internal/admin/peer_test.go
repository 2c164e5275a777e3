package admin

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// otherUser is a user who owns nothing here: nobody.
const otherUser = 65534

// TestOtherUser calls over the real socket as another user, whom the modes of
// the files would let in: the kernel's word is what counts.
func TestOtherUser(t *testing.T) {
	if dir := os.Getenv("ADMIN_TEST_DIR"); dir != "" { // the child
		_, err := NewClient(dir).Reload(context.Background())
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusForbidden {
			t.Fatalf("user %d: %v", os.Getuid(), err)
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	f := newFixture(t, func(o *Options) {
		o.Actions.Reload = func(context.Context) (Reloaded, error) {
			t.Error("another user has reloaded the site")
			return Reloaded{}, nil
		}
	})
	s, dir := f.listen(t), f.dir
	for path, mode := range map[string]os.FileMode{dir: 0o777, filepath.Join(dir, SocketName): 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	// The test binary lies where other users cannot read it.
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "self")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), binary, "-test.run=^TestOtherUser$")
	child.Dir, child.Env = "/", []string{"ADMIN_TEST_DIR=" + dir}
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherUser, Gid: otherUser}}
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if want := "actor=os:65534:"; !strings.Contains(f.log.String(), "admin call refused") || !strings.Contains(f.log.String(), want) {
		t.Errorf("the log lacks the refusal of %s\n%s", want, f.log.String())
	}
	for _, r := range f.records(t) {
		if r.Outcome == "deny" && strings.HasPrefix(r.Actor, "os:65534:") {
			return
		}
	}
	t.Error("the refusal is not on record")
}
