package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
)

// TestRestoreClearKeyring: where there is a key-encryption key, a backup that
// anybody could have made is not taken for one of ours.
func TestRestoreClearKeyring(t *testing.T) {
	from := openWith(t, store.Options{})
	sub := active("theirs")
	if err := from.PutSubscription(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := from.Backup(t.Context(), &b, store.BackupMeta{}); err != nil {
		t.Fatal(err)
	}
	dir, opt := t.TempDir(), store.Options{KEK: &storetest.KEK{Name: "kek"}}
	_, err := store.Restore(t.Context(), dir, bytes.NewReader(b.Bytes()), opt)
	var typed *store.BackupError
	if !errors.As(err, &typed) || !strings.Contains(err.Error(), "lies in clear") || typed.Mend == "" {
		t.Fatalf("got %v, want a BackupError", err)
	}
	opt.AcceptClearKeyring = true
	if _, err := store.Restore(t.Context(), dir, bytes.NewReader(b.Bytes()), opt); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.GetSubscription(t.Context(), "theirs"); err != nil {
		t.Error(err)
	}
}

// TestStalledBackups: readers of backups that do not read keep nobody from
// reading and writing the state.
func TestStalledBackups(t *testing.T) {
	s := openWith(t, store.Options{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 8)
	for range cap(ended) {
		r, w := io.Pipe()
		context.AfterFunc(ctx, func() { _ = r.CloseWithError(ctx.Err()) })
		go func() { ended <- s.Backup(ctx, w, store.BackupMeta{}) }()
	}
	for range cap(ended) - 1 {
		select {
		case err := <-ended:
			if !errors.Is(err, store.ErrBackupRuns) {
				t.Errorf("got %v, want ErrBackupRuns", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("several backups are under way")
		}
	}
	within, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	sub := active("a")
	if err := s.PutSubscription(within, sub); err != nil {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Changes(within, 0); err != nil {
		t.Errorf("changes: %v", err)
	}
	stop()
	if err := <-ended; err == nil {
		t.Error("the backup that nobody read ended well")
	}
	if err := s.Backup(t.Context(), io.Discard, store.BackupMeta{}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
