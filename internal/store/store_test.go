package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// used is a directory that held state and was closed.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, dir)
	err := s.PutSubscription(t.Context(), store.Subscription{ID: "a", Scope: "/apis", State: "active"})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refused opens dir and wants an error that says each of words.
func refused(t *testing.T, dir string, words ...string) error {
	t.Helper()
	s, err := store.Open(t.Context(), dir, store.Options{})
	if err == nil {
		_ = s.Close()
		t.Fatalf("opened, want an error with %q", words)
	}
	for _, w := range append(words, dir) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	return err
}

// sqlitePlace is an empty directory.
func sqlitePlace(t *testing.T) storetest.Place {
	dir := filepath.Join(t.TempDir(), "state")
	return storetest.Place{Dir: dir, Exec: func(t testing.TB, statement string) {
		t.Helper()
		if err := exec(filepath.Join(dir, "state.db"), statement); err != nil {
			t.Fatal(err)
		}
	}}
}

func TestConformance(t *testing.T) { storetest.Run(t, sqlitePlace) }

// TestConformanceSealed: the same with a key-encryption key.
func TestConformanceSealed(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place {
		p := sqlitePlace(t)
		p.Options.KEK = &storetest.KEK{Name: "kek"}
		return p
	})
}

func TestStateSurvives(t *testing.T) {
	dir := used(t)
	first := open(t, dir)
	key := first.DigestKey()
	if len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		t.Errorf("digest key is %x", key)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir)
	if !bytes.Equal(key, second.DigestKey()) {
		t.Error("the digest key changed")
	}
	if _, err := second.GetSubscription(t.Context(), "A"); err != nil {
		t.Error(err)
	}
	second.DigestKey()[0] ^= 1
	if !bytes.Equal(key, second.DigestKey()) {
		t.Error("the digest key can be written from outside")
	}
}

func TestEverythingIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state with ? and #")
	s := open(t, dir)
	if err := s.PutSubscription(t.Context(), store.Subscription{ID: "a", Scope: "/apis", State: "active"}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[d.Name()] = true
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state.db", "state.db-wal", "keyring", "lock"} {
		if !seen[name] {
			t.Errorf("%s is missing from %v", name, seen)
		}
	}
}

func TestOneOwner(t *testing.T) {
	dir := used(t)
	s := open(t, dir)
	err := refused(t, dir, "process "+strconv.Itoa(os.Getpid()), "stop that process")
	var locked *store.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Errorf("got %v, want a LockedError with this pid", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestUnfitDirectories(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, file, "not a directory")

	shared := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(shared, "x"), nil, 0o600), os.Chmod(shared, 0o750)); err != nil {
		t.Fatal(err)
	}
	refused(t, shared, "mode 0750", "chmod 700")
	if info, err := os.Stat(shared); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("a refused directory was changed: %v %v", info.Mode(), err)
	}
}

func TestDamage(t *testing.T) {
	change := func(name string, f func(path string) error, words ...string) {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			if err := f(dir); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, words...)
		})
	}
	db := func(dir string) string { return filepath.Join(dir, "state.db") }
	key := func(dir string) string { return filepath.Join(dir, "keyring") }
	random := bytes.Repeat([]byte("damage!"), 2000)

	change("not a database", func(d string) error { return os.WriteFile(db(d), random, 0o600) },
		"state.db is damaged", "backup")
	change("a page overwritten", func(d string) error {
		f, err := os.OpenFile(db(d), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt(random[:8192], 4096)
		return errors.Join(err, f.Close())
	}, "state.db is damaged", "backup")
	change("cut short", func(d string) error { return os.Truncate(db(d), 6000) }, "state.db is damaged")
	change("database lost", func(d string) error { return os.Remove(db(d)) }, "state.db is missing or empty", "backup")
	change("database emptied", func(d string) error { return os.Truncate(db(d), 0) }, "state.db is missing or empty")
	change("key lost", func(d string) error { return os.Remove(key(d)) }, "its keyring is missing", "backup")
	change("key of another", func(d string) error {
		other, err := os.ReadFile(key(used(t)))
		return errors.Join(err, os.WriteFile(key(d), other, 0o600))
	}, "not the one that the database was made with")
	change("key cut short", func(d string) error { return os.Truncate(key(d), 31) }, "its keyring cannot be read", "backup")
	change("key open to others", func(d string) error { return os.Chmod(key(d), 0o640) }, "chmod 600")
	change("database open to others", func(d string) error { return os.Chmod(db(d), 0o604) }, "chmod 600")
	change("lock is a link", func(d string) error {
		return errors.Join(os.Remove(filepath.Join(d, "lock")), os.Symlink("/dev/null", filepath.Join(d, "lock")))
	}, "cannot be written")
	change("another program's database", func(d string) error {
		return errors.Join(os.Remove(db(d)), exec(db(d), `PRAGMA application_id = 7; CREATE TABLE x (y)`), os.Chmod(db(d), 0o600))
	}, "another program")
	change("newer schema", func(d string) error {
		return exec(db(d), `INSERT INTO migration VALUES (9, 'grants', 0)`)
	}, `step 9 "grants"`, "run the version that wrote it")
	change("other schema", func(d string) error {
		return exec(db(d), `UPDATE migration SET name = 'other' WHERE version = 1`)
	}, `step 1 "other"`)
}

func exec(path, statement string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// TestKilledWhileBeginning holds the two moments of the first start at which
// a kill leaves a proposed key behind.
func TestKilledWhileBeginning(t *testing.T) {
	t.Run("after the commit", func(t *testing.T) {
		dir := used(t)
		final, proposed := filepath.Join(dir, "keyring"), filepath.Join(dir, "keyring.new")
		if err := os.Rename(final, proposed); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, dir).GetSubscription(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(final); err != nil {
			t.Error(err)
		}
	})
	t.Run("before the commit", func(t *testing.T) {
		dir := t.TempDir()
		if err := errors.Join(os.Chmod(dir, 0o700), os.WriteFile(filepath.Join(dir, "keyring.new"), []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if s := open(t, dir); len(s.DigestKey()) != 32 {
			t.Error("no digest key")
		}
	})
	t.Run("without randomness", func(t *testing.T) {
		dir := t.TempDir()
		_, err := store.Open(t.Context(), dir, store.Options{Rand: strings.NewReader("short")})
		if err == nil || !strings.Contains(err.Error(), "randomness") {
			t.Errorf("got %v", err)
		}
		open(t, dir)
	})
}
