package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
)

const writerEnv = "CLOISTER_STORE_TEST_WRITER"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		writeForever(dir)
	}
	os.Exit(m.Run())
}

// writeForever acknowledges every write on stdout, one id a line.
func writeForever(dir string) {
	ctx := context.Background()
	s, err := store.Open(ctx, dir, store.Options{})
	for i := 0; err == nil && i < 100_000; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		err = s.PutSubscription(ctx, store.Subscription{ID: id, Scope: "/apis", State: "active"})
		if err == nil {
			fmt.Println(id)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKillLosesNothing kills a writing process at arbitrary moments; what it
// had acknowledged is there, and the next owner gets the lock at once.
func TestKillLosesNothing(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "state")
	var acknowledged []string
	for round := range 5 {
		acknowledged = append(acknowledged, writeAndKill(t, self, dir, 3+round*7)...)
	}
	s := open(t, dir)
	for _, id := range acknowledged {
		if _, err := s.GetSubscription(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if len(acknowledged) < 5*3 {
		t.Errorf("only %d writes were acknowledged", len(acknowledged))
	}
}

func writeAndKill(t *testing.T, self, dir string, writes int) []string {
	t.Helper()
	cmd := osexec.Command(self)
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		ids = append(ids, lines.Text())
		if len(ids) == writes {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	var exit *osexec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Errorf("the writer ended by itself: %v", err)
	}
	return ids
}
