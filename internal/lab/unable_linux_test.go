package lab

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestUnable: what forbids namespaces is named, with the way on.
func TestUnable(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		uid   int
		files map[string]string
		want  []string
	}{
		"limit 0":      {syscall.ENOSPC, 1000, map[string]string{maxUserNamespaces: "0\n"}, []string{"user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=15000", "as root"}},
		"limit 0 root": {syscall.ENOSPC, 0, map[string]string{maxUserNamespaces: "0\n"}, []string{"user.max_user_namespaces is 0"}},
		"limit":        {syscall.ENOSPC, 1000, map[string]string{maxUserNamespaces: "100\n"}, []string{"limit on namespaces is reached"}},
		"debian":       {syscall.EPERM, 1000, map[string]string{debianClone: "0\n"}, []string{"kernel.unprivileged_userns_clone is 0", "kernel.unprivileged_userns_clone=1"}},
		"ubuntu":       {syscall.EPERM, 1000, map[string]string{appArmor: "1\n"}, []string{"kernel.apparmor_restrict_unprivileged_userns is 1", "=0", "as root"}},
		"container":    {syscall.EPERM, 1000, map[string]string{"/proc/self/status": "Name:\tx\nSeccomp:\t2\n"}, []string{"seccomp", "--cap-add SYS_ADMIN"}},
		"other":        {syscall.EPERM, 0, nil, []string{"security module"}},
	} {
		err := unable(c.err, c.uid, func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		for _, w := range append(c.want, "; mend: ") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", name, err, w)
			}
		}
		if !errors.Is(err, c.err) || !errors.As(err, new(*UnableError)) {
			t.Errorf("%s: the cause is lost: %#v", name, err)
		}
	}
}
