//go:build linux

package crash

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// mark is a tree that the log had once.
type mark struct {
	size int64
	root tlog.Hash
}

// history is what the log of one site was so far. It computes the tree by
// itself, from the records alone.
type history struct {
	dir string
	// verifier is the key as it was first seen: kept elsewhere, as auditors do.
	verifier string
	marks    []mark
	// read counts the records that were given to whoever looks at them.
	read uint64
}

// verify holds the log against our verifier, and every tree it ever had
// against the records that are there now.
func (h *history) verify(t testing.TB, when string) {
	t.Helper()
	if h.verifier == "" {
		pub, err := os.ReadFile(filepath.Join(h.dir, "audit.pub"))
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		h.verifier = strings.TrimSpace(string(pub))
	}
	report, err := audit.Verify(h.dir, h.verifier, audit.VerifyOptions{})
	if err != nil || !report.OK() {
		t.Fatalf("%s: the verifier does not accept the log: %v %+v", when, err, report)
	}
	root, err := tlog.ParseHash(report.Root)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	h.marks = append(h.marks, mark{int64(report.Size), root}, h.checkpoint(t))
	h.grown(t, when)
}

// checkpoint is the published one, unverified: the verifier has done that.
func (h *history) checkpoint(t testing.TB) mark {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := tlogTree(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// tlogTree reads the first lines of c2sp.org/tlog-checkpoint.
func tlogTree(text string) (mark, error) {
	var m mark
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 {
		return m, fmt.Errorf("no checkpoint: %q", text)
	}
	if _, err := fmt.Sscan(lines[1], &m.size); err != nil {
		return m, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return m, fmt.Errorf("no root: %q", lines[2])
	}
	copy(m.root[:], root)
	return m, nil
}

// grown proves that every tree the log ever had is a beginning of what it is
// now.
func (h *history) grown(t testing.TB, when string) {
	t.Helper()
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = hashes[at]
		}
		return out, nil
	})
	size := int64(0)
	for e, err := range audit.Entries(h.dir, 0, 0) {
		if err != nil {
			t.Fatalf("%s: reading the log: %v", when, err)
		}
		more, err := tlog.StoredHashes(size, e.Raw, reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
		size++
	}
	now, err := tlog.TreeHash(size, reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range h.marks {
		if m.size > size {
			t.Fatalf("%s: the log has %d records and had %d", when, size, m.size)
		}
		if m.size == 0 {
			continue // the empty tree begins every other
		}
		proof, err := tlog.ProveTree(size, m.size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(proof, size, now, m.size, m.root); err != nil {
			t.Fatalf("%s: the log of %d records does not continue what it was at %d: %v", when, size, m.size, err)
		}
	}
	// What has been proved need not be proved again: it is a beginning of this.
	h.marks = append(h.marks[:0], mark{size, now})
}

// fsck has a program of other people read the log.
func (h *history) fsck(t testing.TB, when string) {
	t.Helper()
	h.fsckWithin(t, when, patience)
}

// fsckWithin is fsck with a bound in time: on damage it tries again for ever.
func (h *history) fsckWithin(t testing.TB, when string, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, testenv.Need(t, "fsck"), "-ui=false", "-logtostderr", "-v=1",
		"-storage_url", "file://"+h.dir+"/", "-public_key", filepath.Join(h.dir, "audit.pub"))
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Successfully fsck'd log") {
		t.Fatalf("%s: the independent verifier does not accept the log: %v\n%s", when, err, tail(string(out)))
	}
}

// news yields the records that it has not yielded before.
func (h *history) news(t testing.TB) []audit.Record {
	t.Helper()
	var out []audit.Record
	for e, err := range audit.Entries(h.dir, h.read, 0) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
		h.read = e.Index + 1
	}
	return out
}
