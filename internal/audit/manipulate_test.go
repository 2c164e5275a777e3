package audit_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/audit"
)

// manipulation is what somebody with write access does to a closed log of 600
// records.
type manipulation struct {
	name string
	do   func(t *testing.T, dir, signer string)
	// bad is the first record that Verify has to name; -1: none.
	bad int64
	// fsck says that the independent verifier has to find it too; open, that
	// Open refuses to go on.
	fsck, open bool
	// witness says that only the witness's checkpoint gives it away.
	witness bool
}

const (
	fullBundle    = "tile/entries/000"
	secondBundle  = "tile/entries/001"
	partialBundle = "tile/entries/002.p/88"
)

func manipulations() []manipulation {
	return []manipulation{
		{name: "edit", bad: 42, fsck: true, do: edit(fullBundle, 42)},
		{name: "edit in the last bundle", bad: 512 + 7, fsck: true, open: true, do: edit(partialBundle, 7)},
		{name: "deletion", bad: 42, fsck: true, do: bundle(fullBundle, func(e [][]byte) [][]byte { return slices.Delete(e, 42, 43) })},
		{name: "deletion at the end", bad: 512 + 87, fsck: true, open: true, do: bundle(partialBundle, func(e [][]byte) [][]byte { return e[:87] })},
		{name: "insertion", bad: 42, fsck: true, do: bundle(fullBundle, func(e [][]byte) [][]byte { return slices.Insert(e, 42, e[3]) })},
		{name: "reordering", bad: 42, fsck: true, do: bundle(fullBundle, func(e [][]byte) [][]byte {
			e[42], e[43] = e[43], e[42]
			return e
		})},
		{name: "bundles change places", bad: 0, fsck: true, do: swapBundles},
		{name: "bundle removed", bad: 256, fsck: true, do: remove(secondBundle)},
		{name: "bundle cut in a record", bad: 255, fsck: true, do: cut(fullBundle, 5)},
		{name: "tile edited", bad: -1, fsck: true, do: flip("tile/0/001")},
		{name: "tile of tiles edited", bad: -1, fsck: true, open: true, do: flip("tile/1/000.p/2")},
		{name: "tile removed", bad: -1, fsck: true, open: true, do: remove("tile/0/002.p/88")},
		{name: "record and its tile edited", bad: 0, fsck: true, do: editWithTile},
		{name: "record and all above it edited", bad: -1, fsck: true, open: true, do: editWithTiles},
		{name: "signed anew with another key", bad: -1, fsck: true, open: true, do: resign},
		{name: "checkpoint edited", bad: -1, fsck: true, open: true, do: replace("checkpoint", "\n600\n", "\n512\n")},
		{name: "checkpoint removed", bad: -1, fsck: true, open: true, do: remove("checkpoint")},
		{name: "checkpoint emptied", bad: -1, fsck: true, open: true, do: cut("checkpoint", 1<<20)},
		{name: "put back", bad: 300, witness: true, do: putBack},
		{name: "another log, signed by us", bad: -1, witness: true, do: forge},
	}
}

// TestManipulations: offline, with the public key alone, each is found, and
// the report names the first record that is concerned. Those that look like a
// log of ours are found against the witness.
func TestManipulations(t *testing.T) {
	signer, verifier := newKey(t)
	template := filepath.Join(t.TempDir(), "audit")
	l := open(t, template, audit.Options{Key: signer})
	fill(t, l, 0, 600)
	closeLog(t, l)
	witness := read(t, template, "checkpoint")
	if r := verify(t, template, verifier, witness); !r.OK() {
		t.Fatalf("before: %v", r.Problems)
	}
	for _, m := range manipulations() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			dir := copyLog(t, template)
			m.do(t, dir, signer)
			alone := verify(t, dir, verifier, nil)
			if alone.OK() != m.witness {
				t.Errorf("without a witness: %v", alone.Problems)
			}
			with := verify(t, dir, verifier, witness)
			if with.OK() {
				t.Fatal("nothing was found")
			}
			judged := alone
			if m.witness {
				judged = with
			}
			bad, ok := judged.FirstBad()
			if ok != (m.bad >= 0) || ok && int64(bad) != m.bad {
				t.Errorf("first bad record: %d (%v), want %d; problems: %v", bad, ok, m.bad, judged.Problems)
			}
			checkOpen(t, dir, signer, witness, m)
		})
	}
}

// checkOpen: Open refuses what it can see, and changes nothing.
func checkOpen(t *testing.T, dir, signer string, witness []byte, m manipulation) {
	t.Helper()
	kept := filepath.Join(t.TempDir(), "witness")
	write(t, witness, kept)
	before := contents(t, dir)
	opt := audit.Options{Key: signer}
	if m.witness {
		opt.Witness = audit.FileWitness(kept)
	}
	l, err := audit.Open(t.Context(), dir, opt)
	if err == nil {
		closeLog(t, l)
	}
	var damaged *audit.Error
	var back *audit.RollbackError
	switch {
	case m.witness && !errors.As(err, &back):
		t.Errorf("Open: %v, want a roll-back", err)
	case m.open && !errors.As(err, &damaged):
		t.Errorf("Open: %v, want a refusal", err)
	case (m.open || m.witness) && (!strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "; mend: ")):
		t.Errorf("Open does not say where and what to do: %v", err)
	}
	if err != nil {
		if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
			t.Errorf("Open changed what it refuses:\n%s", diff)
		}
		if !bytes.Equal(read(t, kept), witness) {
			t.Error("the witness was overwritten")
		}
	}
}

// contents are all files below dir.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			out[name] = string(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func copyLog(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "audit")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
