package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
)

// schema1 is a directory that the version before sealed rows made.
func schema1(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	err := os.Mkdir(dir, 0o700)
	for _, name := range []string{"state.db", "digest.key"} {
		b, readErr := os.ReadFile(filepath.Join("testdata", "schema1", name))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func fixtureKey(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "schema1", "digest.key"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixtureRows are what is in testdata/schema1.
func fixtureRows() []store.Subscription {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	d := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	return []store.Subscription{
		{ID: "bare", Scope: "/apis", State: "submitted", CreatedAt: at.Add(-time.Hour), UpdatedAt: at},
		{
			ID: "Team-A", Name: "Canary team A", Scope: "/products/starter", State: "active",
			PrimaryDigest: d(1), SecondaryDigest: d(2), CreatedAt: at, UpdatedAt: at,
		},
		{
			ID: "team-b", Name: "Canary team B", Scope: "/apis/chat", State: "suspended",
			PrimaryDigest: d(3), CreatedAt: at, UpdatedAt: at,
		},
	}
}

// takenOver opens dir and holds that everything came along.
func takenOver(t *testing.T, dir string, opt store.Options) {
	t.Helper()
	for range 2 {
		s, err := store.Open(t.Context(), dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.ListSubscriptions(t.Context())
		if diff := cmp.Diff(fixtureRows(), got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if older, err := s.OlderState(t.Context()); older != nil || err != nil {
			t.Errorf("its rows do not add up: %+v, %v", older, err)
		}
		if !bytes.Equal(s.DigestKey(), fixtureKey(t)) {
			t.Error("the digest key is another: no key of a caller works any more")
		}
		var inUse *store.KeyInUseError
		sub := store.Subscription{ID: "x", Scope: "/apis", State: "active", PrimaryDigest: bytes.Repeat([]byte{3}, 32)}
		if err := s.PutSubscription(t.Context(), sub); !errors.As(err, &inUse) || inUse.Subscription != "team-b" {
			t.Errorf("a key that is in use: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"digest.key", "digest.key.new"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// notIn looks for secret in every file of dir.
func notIn(t *testing.T, dir string, secret []byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, secret) {
			t.Errorf("%s holds %q in clear", e.Name(), secret)
		}
	}
}

func TestTakeOver(t *testing.T) {
	dir := schema1(t)
	takenOver(t, dir, store.Options{})
	notIn(t, dir, []byte("Canary"))
}

func TestTakeOverSealed(t *testing.T) {
	dir := schema1(t)
	takenOver(t, dir, store.Options{KEK: &storetest.KEK{Name: "kek"}})
	notIn(t, dir, []byte("Canary"))
	notIn(t, dir, fixtureKey(t))
}

// TestTakeOverKilled holds the moments at which a kill leaves a directory
// between the two versions.
func TestTakeOverKilled(t *testing.T) {
	write := func(dir, name string, b []byte) error { return os.WriteFile(filepath.Join(dir, name), b, 0o600) }
	done := schema1(t)
	takenOver(t, done, store.Options{})
	keyring, err := os.ReadFile(filepath.Join(done, "keyring"))
	if err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(dir string) error{
		"while the keyring is written":   func(dir string) error { return write(dir, "keyring.new", keyring[:40]) },
		"before the keyring is in force": func(dir string) error { return write(dir, "keyring.new", keyring) },
		"before the rows are sealed":     func(dir string) error { return write(dir, "keyring", keyring) },
		"before the old version had finished": func(dir string) error {
			return os.Rename(filepath.Join(dir, "digest.key"), filepath.Join(dir, "digest.key.new"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := schema1(t)
			if err := make(dir); err != nil {
				t.Fatal(err)
			}
			takenOver(t, dir, store.Options{})
		})
	}
	t.Run("before the old key is gone", func(t *testing.T) {
		if err := write(done, "digest.key", fixtureKey(t)); err != nil {
			t.Fatal(err)
		}
		takenOver(t, done, store.Options{})
	})
}

// TestTakeOverRefused: a directory of the old version that is not whole is
// left as it is.
func TestTakeOverRefused(t *testing.T) {
	other, err := os.ReadFile(filepath.Join(used(t), "keyring"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damage func(dir string) error
		words  string
	}{
		"key lost":  {func(d string) error { return os.Remove(filepath.Join(d, "digest.key")) }, "digest.key is missing"},
		"key short": {func(d string) error { return os.Truncate(filepath.Join(d, "digest.key"), 31) }, "does not hold 32 bytes"},
		"key of another": {func(d string) error {
			return os.WriteFile(filepath.Join(d, "digest.key"), bytes.Repeat([]byte{1}, 32), 0o600)
		}, "not the key that state.db was made with"},
		"keyring of another": {func(d string) error { return os.WriteFile(filepath.Join(d, "keyring"), other, 0o600) }, "not the one that the database was made with"},
		"key open to others": {func(d string) error { return os.Chmod(filepath.Join(d, "digest.key"), 0o640) }, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := schema1(t)
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, c.words)
			// Mended, it is taken over: nothing was lost.
			for _, n := range []string{"keyring", "digest.key"} {
				if err := os.Remove(filepath.Join(dir, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "digest.key"), fixtureKey(t), 0o600); err != nil {
				t.Fatal(err)
			}
			takenOver(t, dir, store.Options{})
		})
	}
}

// TestForeignDigestKey: what was put into the directory by mistake stays.
func TestForeignDigestKey(t *testing.T) {
	dir := used(t)
	path := filepath.Join(dir, "digest.key")
	if err := os.WriteFile(path, fixtureKey(t), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "is not the digest key of this state", "move it")
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, fixtureKey(t)) {
		t.Errorf("it was changed: %v", err)
	}
}

// TestEncryptionTurnedOn: a keyring in clear is sealed as soon as there is a
// key-encryption key, and does not open without it from then on.
func TestEncryptionTurnedOn(t *testing.T) {
	dir := used(t)
	s := open(t, dir)
	digestKey := s.DigestKey()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kek := &storetest.KEK{Name: "kek"}
	for range 2 {
		s, err := store.Open(t.Context(), dir, store.Options{KEK: kek})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.GetSubscription(t.Context(), "a"); err != nil || !bytes.Equal(s.DigestKey(), digestKey) {
			t.Errorf("after sealing: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, dir, `sealed with the key-encryption key "kek", and none is given`, "state.encryption")
	// And off again, by one who has the key.
	s, err := store.Open(t.Context(), dir, store.Options{KEK: kek})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.RewrapKeyring(t.Context(), nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

// TestTakeOverSIGKILL kills the takeover itself at moments spread over it.
func TestTakeOverSIGKILL(t *testing.T) {
	for round := range 8 {
		dir := schema1(t)
		cmd := osexec.Command(selfPath(t))
		cmd.Env = append(os.Environ(), openerEnv+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+round*6) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
		takenOver(t, dir, store.Options{})
	}
}
