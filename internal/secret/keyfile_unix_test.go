//go:build unix

package secret

import (
	"crypto/rand"
	"os"
	"syscall"
	"testing"
)

// TestChangePassphraseKeepsOwner: root changes the passphrase of a file that the
// gateway's user has to go on reading.
func TestChangePassphraseKeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root gives files away")
	}
	path, _ := newKeyFile(t)
	const uid, gid = 64123, 64124
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := changePassphrase(path, New(passphrase), New("another passphrase"), rand.Reader, cheap()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if is, ok := info.Sys().(*syscall.Stat_t); !ok || is.Uid != uid || is.Gid != gid || info.Mode() != 0o600 {
		t.Errorf("owner %d:%d, mode %v", is.Uid, is.Gid, info.Mode())
	}
}
