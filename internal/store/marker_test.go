package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestNeverBegunAnew: a directory that belongs to state does not begin new
// state, whichever way the two came apart.
func TestNeverBegunAnew(t *testing.T) {
	opt, other := postgresOptions(testenv.Postgres(t)), postgresOptions(testenv.Postgres(t))
	dir := filepath.Join(t.TempDir(), "state")
	try := func(opt store.Options, words ...string) {
		t.Helper()
		s, err := store.Open(t.Context(), dir, opt)
		if len(words) == 0 && err == nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		if err == nil {
			_ = s.Close()
			t.Fatalf("opened, want an error with %q", words)
		}
		var typed *store.Error
		for _, w := range words {
			if !errors.As(err, &typed) || typed.Mend == "" || !strings.Contains(err.Error(), w) {
				t.Errorf("got %v, want an Error with %q", err, w)
			}
		}
		if len(words) == 0 {
			t.Error(err)
		}
	}
	try(opt)
	try(opt)
	try(other, opt.Postgres.Database, "is empty", "remove "+filepath.Join(dir, "shared"))
	try(store.Options{}, opt.Postgres.Database, "is empty")

	// The other database is somebody else's meanwhile.
	openWith(t, other)
	try(other, "holds other state")

	// The database is emptied.
	s, err := store.Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if err := errors.Join(s.Backup(t.Context(), &backup, store.BackupMeta{}), s.Close()); err != nil {
		t.Fatal(err)
	}
	opt = postgresOptions(testenv.Postgres(t))
	try(opt, "is empty", "restore a backup")
	if _, err := store.Restore(t.Context(), dir, bytes.NewReader(backup.Bytes()), opt); err != nil {
		t.Fatal(err)
	}
	try(opt)

	// Back to an embedded one: by a backup, and then not to the shared one.
	sqlite := store.Options{KEK: opt.KEK}
	if err := os.Remove(filepath.Join(dir, "state.db")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), dir, bytes.NewReader(backup.Bytes()), sqlite); err != nil {
		t.Fatal(err)
	}
	try(sqlite)
	try(postgresOptions(testenv.Postgres(t)), "holds the state of an embedded one", "take a backup")
}
