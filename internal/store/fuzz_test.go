package store

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzEnvelope: a keyring that is accepted is the same after it was written
// and read again.
func FuzzEnvelope(f *testing.F) {
	ring, err := newKeyring(bytes.NewReader(bytes.Repeat([]byte("random"), 100)))
	if err != nil {
		f.Fatal(err)
	}
	seedText, err := json.Marshal(envelopeText{Format: keyringFormat, Clear: ring.text()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seedText)
	f.Add([]byte(`{"format":"cloister keyring 1","kek":"k","sealed":"AAAA"}`))
	f.Add([]byte(`{"format":"cloister keyring 1","clear":{"digest":"","keys":[]}}`))
	f.Add([]byte(`{"format":"cloister keyring 2"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEnvelope(b)
		if err != nil || e.Clear == nil {
			return
		}
		ring, err := e.Clear.ring()
		if err != nil {
			return
		}
		box, err := ring.current().seal(zeros{}, []byte("context"), []byte("text"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := ring.text().ring()
		if err != nil {
			t.Fatalf("what was accepted is refused: %v", err)
		}
		if got, err := again.openBox(box, []byte("context"), true); err != nil || string(got) != "text" {
			t.Errorf("its keys are others: %q, %v", got, err)
		}
	})
}

// zeros is randomness of nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// FuzzOpenBox: nothing opens but what was sealed, in the place for which it was.
func FuzzOpenBox(f *testing.F) {
	ring, err := newKeyring(bytes.NewReader(bytes.Repeat([]byte("random"), 100)))
	if err != nil {
		f.Fatal(err)
	}
	context := rowContext("a", 1)
	box, err := ring.current().seal(zeros{}, context, (&Subscription{ID: "a", Scope: "/apis", State: "active"}).marshal())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(box, "a", uint64(1))
	f.Add(box, "a", uint64(2))
	f.Add(box, "A", uint64(1))
	f.Add(box[:20], "a", uint64(1))
	f.Add([]byte{}, "", uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, id string, revision uint64) {
		_, err := ring.openRow(id, Revision(revision), b)
		if same := bytes.Equal(b, box) && id == "a" && revision == 1; same != (err == nil) {
			t.Errorf("row %q at %d: %v", id, revision, err)
		}
	})
}

// FuzzRow: a row that is read is the same when it is written and read again.
func FuzzRow(f *testing.F) {
	sub := Subscription{ID: "A", Name: "n", Scope: "/apis", State: "active", PrimaryDigest: []byte("digest"), CreatedAt: time.UnixMicro(-5).UTC()}
	f.Add(sub.marshal())
	f.Add([]byte{rowVersion})
	f.Add([]byte{rowVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		sub, ok := unmarshalRow(text)
		if !ok {
			return
		}
		again, ok := unmarshalRow(sub.marshal())
		if diff := cmp.Diff(sub, again); diff != "" || !ok {
			t.Errorf("(-first +second)\n%s", diff)
		}
		if _, ok := unmarshalRow(append(sub.marshal(), 0)); ok {
			t.Error("accepted with something behind it")
		}
	})
}

// FuzzReadBackup: what is accepted is whole. Without its last byte, or with
// one more, it is refused, and how it arrives makes no difference.
func FuzzReadBackup(f *testing.F) {
	var b bytes.Buffer
	w := newBackupWriter(&b)
	for _, l := range []backupLine{
		{Manifest: &BackupInfo{Format: backupFormat, Schema: 2, CreatedAt: time.Unix(0, 0).UTC()}},
		{Keyring: []byte(`{"format":"cloister keyring 1","clear":{}}`)},
		{Row: &backupRow{ID: "a", Revision: 1, Sealed: []byte("box")}},
	} {
		if err := w.line(l); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.end([]byte("key")); err != nil {
		f.Fatal(err)
	}
	if _, err := ReadBackup(bytes.NewReader(b.Bytes())); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		info, err := ReadBackup(bytes.NewReader(text))
		slow, slowErr := ReadBackup(iotest.HalfReader(bytes.NewReader(text)))
		if (err == nil) != (slowErr == nil) || err == nil && slow.Rows != info.Rows {
			t.Errorf("%v and %v", err, slowErr)
		}
		if err != nil {
			return
		}
		if _, err := ReadBackup(bytes.NewReader(text[:len(text)-1])); err == nil {
			t.Error("accepted without its last byte")
		}
		if _, err := ReadBackup(bytes.NewReader(append(bytes.Clone(text), 'x'))); err == nil {
			t.Error("accepted with something behind it")
		}
	})
}
