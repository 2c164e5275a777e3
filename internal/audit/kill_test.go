package audit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

const writerEnv = "CLOISTER_AUDIT_TEST_WRITER"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if spec := os.Getenv(writerEnv); spec != "" {
		signer, dir, _ := strings.Cut(spec, " ")
		fmt.Fprintln(os.Stderr, writeForever(signer, dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever acknowledges every batch on stdout, with its last position.
func writeForever(signer, dir string) error {
	ctx := context.Background()
	l, err := audit.Open(ctx, dir, audit.Options{Key: signer, PublishEvery: 20 * time.Millisecond})
	if err != nil {
		return err
	}
	for i := int(l.Status().Size); ; {
		var p audit.Position
		for range 50 {
			p = l.Append(record(i))
			i++
		}
		l.Flush(p)
		if err := l.Wait(ctx, p); err != nil {
			return err
		}
		fmt.Println(uint64(p))
	}
}

// TestKill kills a writing process at arbitrary moments: what it had
// acknowledged is there, in order, and every verifier accepts the log.
func TestKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	signer, verifier := newKey(t)
	dir := filepath.Join(t.TempDir(), "audit")
	acknowledged := uint64(0)
	for round := range 8 {
		got := writeAndKill(t, self, signer+" "+dir, 2+round*3)
		if got <= acknowledged {
			t.Fatalf("round %d acknowledged %d records after %d", round, got, acknowledged)
		}
		acknowledged = got
		// Before anybody recovers it, the journal is part of the log.
		if r := verify(t, dir, verifier, nil); !r.OK() || r.Size < acknowledged {
			t.Fatalf("round %d: %d were acknowledged: %+v", round, acknowledged, r)
		}
	}
	closeLog(t, open(t, dir, audit.Options{Key: signer}))
	r := verify(t, dir, verifier, nil)
	if !r.OK() || r.Published < acknowledged {
		t.Fatalf("%d were acknowledged: %+v", acknowledged, r)
	}
	for e, err := range audit.Entries(dir, 0, 0) {
		rec, recErr := e.Record()
		if rec.Action == "journal.torn" {
			continue // a kill in the middle of a write
		}
		if err != nil || recErr != nil || rec.RequestID != strconv.FormatUint(e.Index, 10) {
			t.Fatalf("record %d: %s %v %v", e.Index, e.Raw, err, recErr)
		}
	}
	if ok, said := fsck(t, dir, 20*time.Second); !ok {
		t.Errorf("fsck:\n%s", said)
	}
}

func writeAndKill(t *testing.T, self, spec string, batches int) (acknowledged uint64) {
	t.Helper()
	cmd := osexec.Command(self)
	cmd.Env = append(os.Environ(), writerEnv+"="+spec)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 1; lines.Scan(); n++ {
		if acknowledged, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		if n == batches {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	var exit *osexec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Errorf("the writer ended by itself: %v", err)
	}
	return acknowledged
}
