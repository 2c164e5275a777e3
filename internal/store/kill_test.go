package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

const (
	writerEnv = "CLOISTER_STORE_TEST_WRITER"
	sharedEnv = "CLOISTER_STORE_TEST_SHARED"
	openerEnv = "CLOISTER_STORE_TEST_OPENER"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		writeForever(dir)
	}
	if dir := os.Getenv(openerEnv); dir != "" {
		_, err := store.Open(context.Background(), dir, store.Options{})
		fmt.Fprintln(os.Stderr, err)
		select {}
	}
	os.Exit(m.Run())
}

// writeForever acknowledges every change on stdout, one a line, and says
// beforehand what it deletes. Meanwhile it rotates the data key.
func writeForever(dir string) {
	ctx := context.Background()
	opt := store.Options{KEK: &storetest.KEK{Name: "kek"}}
	if text := os.Getenv(sharedEnv); text != "" {
		var d testenv.PostgresDatabase
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			panic(err)
		}
		opt = postgresOptions(&d)
	}
	s, err := store.Open(ctx, dir, opt)
	if err == nil {
		go func() {
			for s.RotateDataKey(ctx) == nil {
				continue
			}
		}()
	}
	for i := 0; err == nil && i < 100_000; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		_, err = s.CreateSubscription(ctx, store.Subscription{ID: id, Scope: "/apis", State: "active"})
		if err == nil {
			fmt.Println("+" + id)
		}
		if err == nil && i%4 == 3 {
			old := fmt.Sprintf("%d-%d", os.Getpid(), i-2)
			fmt.Println("?" + old)
			if _, err = s.DeleteSubscription(ctx, old); err == nil {
				fmt.Println("-" + old)
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKillLosesNothing kills a writing process at arbitrary moments; what it
// had acknowledged is there, and the next owner gets the lock at once.
func TestKillLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	killAndLook(t, dir, "", store.Options{KEK: &storetest.KEK{Name: "kek"}})
}

// TestPostgresKillLosesNothing: the same over a shared database.
func TestPostgresKillLosesNothing(t *testing.T) {
	d := *testenv.Postgres(t)
	opt := postgresOptions(&d)
	d.Server = nil
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	killAndLook(t, filepath.Join(t.TempDir(), "state"), string(text), opt)
}

func killAndLook(t *testing.T, dir, shared string, opt store.Options) {
	t.Helper()
	const rounds = 5
	var made, deleted, begun []string
	for round := range rounds {
		for _, line := range writeAndKill(t, dir, shared, 5+round*7) {
			switch line[0] {
			case '+':
				made = append(made, line[1:])
			case '?':
				begun = append(begun, line[1:])
			case '-':
				deleted = append(deleted, line[1:])
			}
		}
	}
	s, err := store.Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	c, err := s.Changes(t.Context(), 0)
	if err != nil || len(c.Damaged) > 0 {
		t.Fatalf("%v, damaged: %v", err, c.Damaged)
	}
	there := map[string]bool{}
	for _, sub := range c.Subscriptions {
		there[sub.ID] = true
	}
	want := map[string]bool{}
	for _, id := range made {
		want[id] = true
	}
	for _, id := range begun {
		delete(want, id) // either is right
	}
	for id := range want {
		if !there[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	for _, id := range deleted {
		if there[id] {
			t.Errorf("%s was deleted and is there", id)
		}
	}
	if len(made) < rounds*3 || len(deleted) == 0 {
		t.Errorf("only %d creations and %d deletions were acknowledged", len(made), len(deleted))
	}
}

func writeAndKill(t *testing.T, dir, shared string, lines int) []string {
	t.Helper()
	cmd := osexec.Command(selfPath(t))
	cmd.Env = append(os.Environ(), writerEnv+"="+dir, sharedEnv+"="+shared)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		said = append(said, scan.Text())
		if len(said) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	var exit *osexec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("the writer ended by itself: %v", err)
	}
	return said
}

func selfPath(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}
