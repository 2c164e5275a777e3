package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fixedKey is the same key in every process, which fuzzing needs.
func fixedKey() (signer, verifier string) {
	const name = "gateway.example.com/audit"
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	public := append([]byte{1}, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte(name+"\n"), public...))
	id := fmt.Sprintf("+%s+%x+", name, sum[:4])
	return "PRIVATE+KEY" + id + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)),
		id[1:] + base64.StdEncoding.EncodeToString(public)
}

// leftover is what a killed gateway leaves: 3 records published, and the 12
// after them in four batches of the journal.
func leftover(t testing.TB, signer string) (files *crashFS, journal string) {
	t.Helper()
	var h history
	work := newCrashFS()
	l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: work, Gather: time.Hour, PublishEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := h.batch(t.Context(), l, 3); err != nil {
			t.Fatal(err)
		}
		for i == 0 && l.Status().Published < 3 {
			time.Sleep(time.Millisecond)
		}
	}
	files = work.reboot(everything)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return files, crashDir + "/" + journalDir + "/0"
}

func batches(t testing.TB, data []byte) (out [][]byte) {
	t.Helper()
	for len(data) > 0 {
		b, err := readBatch(data)
		if err != nil {
			t.Fatal(err)
		}
		out, data = append(out, slices.Clone(data[:b.length])), data[b.length:]
	}
	return out
}

// unsign destroys the signatures of batches and leaves their headers.
func unsign(from, to int) func([][]byte) [][]byte {
	return func(b [][]byte) [][]byte {
		for _, b := range b[from:to] {
			copy(b[len(b)-40:], bytes.Repeat([]byte{0xff}, 40))
		}
		return b
	}
}

// TestJournalDamage tells what a loss of power does to a journal from what
// people do to it. The first is mended, the second refused.
func TestJournalDamage(t *testing.T) {
	signer, verifier := testKey(t)
	other, _ := testKey(t)
	theirs, name := leftover(t, other)
	foreign := batches(t, theirs.now[name].data)[3]
	flip := func(n, at int) func([][]byte) [][]byte {
		return func(b [][]byte) [][]byte {
			b[n][(at+len(b[n]))%len(b[n])] ^= 4
			return b
		}
	}
	for _, c := range []struct {
		name   string
		change func([][]byte) [][]byte
		// size is how many records are left; 0: it is refused, from bad on.
		size, bad uint64
	}{
		{"untouched", func(b [][]byte) [][]byte { return b }, 15, 0},
		{"edit of what the tiles hold: they count", flip(0, 40), 15, 0},
		{"edit", flip(2, 40), 0, 6},
		{"edit of a length", flip(2, 7), 0, 6},
		{"edit of the magic", flip(2, 0), 0, 6},
		{"edit of a signature", flip(2, -10), 0, 6},
		{"edit in the last batch", flip(4, 40), 0, 12},
		{"last signature edited: as if cut off", flip(4, -10), 12, 0},
		{"all signatures to the end edited", unsign(1, 5), 0, 3},
		{"the last two signatures edited", unsign(3, 5), 0, 9},
		{"and the header of the first of them", func(b [][]byte) [][]byte {
			clear(b[3][:batchHeader])
			return unsign(3, 5)(b)
		}, 0, 9},
		{"and one more byte behind the last", func(b [][]byte) [][]byte { return append(unsign(4, 5)(b), []byte{'x'}) }, 0, 12},
		{"batch removed", func(b [][]byte) [][]byte { return slices.Delete(b, 2, 3) }, 0, 6},
		{"batches change places", func(b [][]byte) [][]byte { b[2], b[3] = b[3], b[2]; return b }, 0, 6},
		{"batch twice", func(b [][]byte) [][]byte { return append(b, b[4]) }, 0, 15},
		{"batch of another log", func(b [][]byte) [][]byte {
			b[3] = foreign
			return b
		}, 0, 9},
		{"cut in the last batch", func(b [][]byte) [][]byte { b[4] = b[4][:60]; return b }, 12, 0},
		{"cut in the last header", func(b [][]byte) [][]byte { b[4] = b[4][:9]; return b }, 12, 0},
		{"last batch cut off", func(b [][]byte) [][]byte { return b[:4] }, 12, 0},
		{"last batch all zeros", func(b [][]byte) [][]byte { clear(b[4]); return b }, 12, 0},
		{"zeros follow", func(b [][]byte) [][]byte { return append(b, make([]byte, 700)) }, 15, 0},
		{"everything cut off", func([][]byte) [][]byte { return nil }, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				files, name := leftover(t, signer)
				n := files.now[name]
				n.data = bytes.Join(c.change(batches(t, n.data)), nil)
				before := slices.Clone(n.data)
				report, err := Verify(crashDir, verifier, VerifyOptions{FS: files})
				if err != nil {
					t.Fatal(err)
				}
				l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files})
				if err == nil {
					defer func() { _ = l.Close(t.Context()) }()
				}
				if c.size == 0 {
					bad, ok := report.FirstBad()
					var wrong *Error
					if !ok || bad != c.bad || !errors.As(err, &wrong) || !strings.Contains(err.Error(), fmt.Sprintf("from record %d on", c.bad)) {
						t.Errorf("want record %d refused; Verify: %v; Open: %v", c.bad, report.Problems, err)
					}
					if got := files.now[name]; got == nil || !bytes.Equal(got.data, before) {
						t.Error("the evidence was changed")
					}
					return
				}
				if err != nil || !report.OK() || report.Size != c.size || l.Status().Size != c.size+min(1, uint64(len(report.Notes))) {
					t.Fatalf("want %d records; Verify: %+v; Open: %v", c.size, report, err)
				}
				keepsTorn(t, files, before, c.size, len(report.Notes))
			})
		})
	}
}

// keepsTorn: a torn file is moved aside as it was, and a record names it; where
// none is torn, there is neither.
func keepsTorn(t *testing.T, files *crashFS, before []byte, index uint64, notes int) {
	t.Helper()
	_, told := readAll(t, files)
	kept := files.now[fmt.Sprintf("%s/%s%d", crashDir, tornPrefix, index)]
	if told != uint64(notes) || (kept != nil) != (notes > 0) || kept != nil && !bytes.Equal(kept.data, before) {
		t.Errorf("%d notes, %d records; kept: %v", notes, told, kept)
	}
	r := reader{files: files, dir: crashDir, next: index, yield: func(e Entry, _ error) bool {
		want := fmt.Sprintf(`"kept":"journal.torn-%d"`, index)
		if rec, _ := e.Record(); !strings.Contains(string(rec.Before), want) || !strings.Contains(string(rec.Before), `"file":"journal/0"`) ||
			!strings.Contains(rec.Detail, fmt.Sprintf("from record %d on", index)) {
			t.Errorf("it is told as %s", e.Raw)
		}
		return true
	}}
	if err := r.run(); err != nil {
		t.Error(err)
	}
}

// TestTornKept: what is kept of torn files is bounded, and a torn batch has one
// record, however often the log is opened and the power goes.
func TestTornKept(t *testing.T) {
	signer, verifier := testKey(t)
	synctest.Test(t, func(t *testing.T) {
		files, name := leftover(t, signer)
		all := batches(t, files.now[name].data)
		for n := range uint64(mostTorn + 5) {
			files.now[fmt.Sprintf("%s/%s%d", crashDir, tornPrefix, n)] = &node{}
		}
		files.now[name].data = bytes.Join(all[:4], nil)
		files.now[crashDir+"/"+journalDir+"/12"] = &node{data: all[4][:99], synced: 99}
		h := history{12, 12}
		for range 3 {
			h.check(t, files, signer, verifier)
		}
		if _, torn := readAll(t, files); torn != 1 {
			t.Errorf("%d records of one torn batch", torn)
		}
		names, err := files.ReadDir(crashDir)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, e := range names {
			if strings.HasPrefix(e.Name(), tornPrefix) {
				kept++
			}
		}
		if kept != mostTorn || files.now[crashDir+"/"+tornPrefix+"12.2"] == nil {
			t.Errorf("%d torn files are kept: %v", kept, names)
		}
	})
}

// TestTornFollowed: a batch that was destroyed in one file and is followed by
// another file is damage, though each file alone could be torn.
func TestTornFollowed(t *testing.T) {
	signer, verifier := testKey(t)
	files, name := leftover(t, signer)
	all := batches(t, files.now[name].data)
	files.now[name].data = bytes.Join([][]byte{all[0], all[1], all[2][:70]}, nil)
	files.now[crashDir+"/"+journalDir+"/9"] = &node{data: all[3][:70], synced: 70}
	report, err := Verify(crashDir, verifier, VerifyOptions{FS: files})
	if bad, ok := report.FirstBad(); err != nil || !ok || bad != 6 {
		t.Errorf("Verify: %v, %v", report.Problems, err)
	}
	if _, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files}); err == nil {
		t.Error("Open goes on")
	}
}

// TestBeginNamesJournal: a log that begins after one that was killed names what
// that one had acknowledged and not published, even of another key, and whether
// the operator replaces it or accepts that it is older.
func TestBeginNamesJournal(t *testing.T) {
	signer, _ := testKey(t)
	other, _ := testKey(t)
	for _, opt := range []Options{
		{Key: other, Predecessor: &Predecessor{Reason: "restored"}},
		{Key: signer, AcceptOlder: true, Witness: seen(t, signer, 99)},
		{Key: signer, AcceptOlder: true, Witness: seen(t, signer, 2)},
	} {
		files, name := leftover(t, signer)
		files.now[crashDir+"/"+journalDir+"/x"] = &node{} // what Open would refuse
		if opt.AcceptOlder {
			delete(files.now, crashDir+"/"+journalDir+"/x")
		}
		opt.FS = files
		all := batches(t, files.now[name].data)
		last, err := readBatch(all[4])
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(last.checkpoint), "\n\n")
		l, err := Open(t.Context(), crashDir, opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		r := reader{files: files, dir: crashDir, to: 1, yield: func(e Entry, _ error) bool {
			rec, _ := e.Record()
			if want := strings.ReplaceAll(text, "\n", `\n`); rec.Action != "begin" || !strings.Contains(string(rec.Before), want) || !strings.Contains(string(rec.Before), `\n3\n`) {
				t.Errorf("%s names %s, not %s", rec.Action, rec.Before, want)
			}
			return true
		}}
		if err := r.run(); err != nil {
			t.Error(err)
		}
	}
}

// TestPutAfterNamed: where a log begins anew, no checkpoint is put that does not
// cover the record that names what the witness held.
func TestPutAfterNamed(t *testing.T) {
	signer, _ := testKey(t)
	var down atomic.Pointer[string]
	tiles := "/tile/"
	down.Store(&tiles)
	w := seen(t, signer, 7)
	held, err := w.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), t.TempDir()+"/audit", Options{
		Key: signer, FS: downFS{part: &down}, Witness: w, WitnessEvery: time.Millisecond, PublishEvery: time.Millisecond,
		Predecessor: &Predecessor{Reason: "restored"},
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if got, err := w.Get(t.Context()); err != nil || !bytes.Equal(got, held) {
		t.Errorf("before the record is published the witness has %q, %v", got, err)
	}
	down.Store(nil)
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := w.Get(t.Context()); err != nil || !bytes.Equal(got, l.Status().Checkpoint) {
		t.Errorf("afterwards it has %q, %v", got, err)
	}
}

// seen is a witness that has seen a log of a size, which is none of ours.
func seen(t *testing.T, signer string, size uint64) Witness {
	t.Helper()
	h, err := signHead(mustSettings(t, signer).signer, size, [32]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	w := FileWitness(t.TempDir() + "/witness")
	if err := w.Put(t.Context(), h.raw); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestJournalFileRemoved: a file that is missing between others is a gap, from
// its first record on; an older attempt beside a newer one is none.
func TestJournalFileRemoved(t *testing.T) {
	signer, verifier := testKey(t)
	for _, c := range []struct {
		files map[string][]int // batches, each of 3 records
		bad   string
	}{
		{map[string][]int{"0": {0, 1}, "6": {2, 3}, "12": {4}}, ""},
		{map[string][]int{"0": {0, 1}, "12": {4}}, "from record 6 on: records 6 to 11 are missing"},
		{map[string][]int{"6": {2, 3}, "12": {4}}, "from record 3 on: records 3 to 5 are missing"},
		{map[string][]int{"0": {0, 1, 2}, "6": {2, 3}, "6.2": {2, 3, 4}}, ""},
	} {
		files, name := leftover(t, signer)
		all := batches(t, files.now[name].data)
		delete(files.now, name)
		for n, which := range c.files {
			var data []byte
			for _, i := range which {
				data = append(data, all[i]...)
			}
			files.now[crashDir+"/"+journalDir+"/"+n] = &node{data: data, synced: len(data)}
		}
		report, err := Verify(crashDir, verifier, VerifyOptions{FS: files})
		if err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), crashDir, Options{Key: signer, FS: files})
		if err == nil {
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if c.bad == "" && (err != nil || !report.OK() || report.Size != 15) {
			t.Errorf("%v: Verify: %+v; Open: %v", c.files, report, err)
		}
		if c.bad != "" && (err == nil || !strings.Contains(err.Error(), c.bad) || report.OK()) {
			t.Errorf("%v: Verify: %v; Open: %v; want %q", c.files, report.Problems, err, c.bad)
		}
	}
}

// TestTornSector: a batch whose sectors reached the disk in any order is torn,
// and not taken for one that somebody changed.
func TestTornSector(t *testing.T) {
	signer, _ := testKey(t)
	v := mustSettings(t, signer).verifier
	files, name := leftover(t, signer)
	data := files.now[name].data
	last := len(data) - len(batches(t, data)[4])
	for from := last; from < len(data); from = from/sector*sector + sector {
		torn := slices.Clone(data)
		clear(torn[from:min(from/sector*sector+sector, len(torn))])
		tr, err := loadTree(files, crashDir, mustHead(t, files, signer))
		if err != nil {
			t.Fatal(err)
		}
		r := replay{verifier: v, tree: tr}
		if err := r.run([]journalFile{{first: 0, attempt: 1, data: torn}}); err != nil || tr.size != 12 || len(r.torn) != 1 {
			t.Errorf("sector at %d of %d..%d lost: %v, %d records", from, last, len(data), err, tr.size)
		}
	}
}

func mustSettings(t testing.TB, signer string) settings {
	t.Helper()
	set, err := newSettings(Options{Key: signer})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mustHead(t testing.TB, files FS, signer string) head {
	t.Helper()
	h, err := readCheckpoint(files, crashDir, mustSettings(t, signer).verifier)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
