package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
)

func backupTests() []test {
	return []test{
		{"backup and restore", backupAndRestore},
		{"restore over what is there", restoreOver},
		{"a backup of other state", foreignBackup},
		{"backups that are not whole", brokenBackups},
		{"backup while serving", backupWhileServing},
		{"older state", olderState},
	}
}

func meta() store.BackupMeta {
	return store.BackupMeta{Version: "1.2.3", Site: "here", SiteDigest: "abc", AuditCheckpoint: []byte("log\n7\n")}
}

func (f *fixture) backup(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Backup(t.Context(), &b, meta()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (f *fixture) list(t *testing.T) []store.Subscription {
	t.Helper()
	subs, err := f.ListSubscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return subs
}

// restore restores into p and opens it.
func restore(t *testing.T, p Place, backup []byte) *store.Store {
	t.Helper()
	if _, err := store.Restore(t.Context(), p.Dir, bytes.NewReader(backup), p.Options); err != nil {
		t.Fatal(err)
	}
	return p.open(t)
}

func backupAndRestore(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.put(t, sample("B", 3))
	f.put(t, sample("gone", 5))
	if _, err := f.DeleteSubscription(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	sealed, err := f.Seal("x", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	want, text := f.list(t), f.backup(t)
	info, err := store.ReadBackup(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	wantInfo := &store.BackupInfo{
		Format: "cloister backup 1", BackupMeta: meta(), CreatedAt: f.at, Driver: f.status(t).Driver,
		Schema: 4, Revision: 4, KEK: f.status(t).KEK, Rows: 2,
	}
	if diff := cmp.Diff(wantInfo, info); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
	if bytes.Contains(text, []byte("Team a")) {
		t.Error("a name stands in clear in the backup")
	}
	f.advance(time.Hour)
	to := f.another(t)
	to.Options.KEK = f.Options.KEK
	s := restore(t, to, text)
	got, err := s.ListSubscriptions(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if b, err := s.Unseal("x", sealed); err != nil || string(b) != "canary" || !bytes.Equal(s.DigestKey(), f.DigestKey()) {
		t.Errorf("the keys did not come along: %q, %v", b, err)
	}
	older, err := s.OlderState(t.Context())
	if diff := cmp.Diff(wantInfo.AuditCheckpoint, older.AuditCheckpoint); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if c, err := s.Changes(t.Context(), 4); err != nil || !c.Whole || c.Revision <= 4 {
		t.Errorf("revisions do not go on: %+v, %v", c, err)
	}
}

func restoreOver(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	want, text := f.list(t), f.backup(t)
	f.put(t, sample("b", 3))
	suspended := sample("a", 7)
	suspended.State = "suspended"
	f.put(t, suspended)
	r := f.changes(t, 0).Revision
	var locked *store.LockedError
	if _, err := store.Restore(t.Context(), f.Dir, bytes.NewReader(text), f.Options); !errors.As(err, &locked) {
		t.Errorf("while it is open: %v, want a LockedError", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Store = restore(t, f.Place, text)
	if diff := cmp.Diff(want, f.list(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c := f.changes(t, r)
	if !c.Whole || !c.OlderState || c.Revision <= r {
		t.Errorf("who followed does not hear of it: %+v", c)
	}
}

// refusedRestore wants a BackupError that says words, and nothing changed.
func (f *fixture) refusedRestore(t *testing.T, r *bytes.Reader, words string) {
	t.Helper()
	_, err := store.Restore(t.Context(), f.Dir, iotest.OneByteReader(r), f.Options)
	var typed *store.BackupError
	if !errors.As(err, &typed) || !strings.Contains(err.Error(), words) || typed.Mend == "" {
		t.Errorf("restore: %v, want a BackupError with %q", err, words)
	}
	f.open(t)
	defer func() { _ = f.Close() }()
	if older, err := f.OlderState(t.Context()); older != nil || err != nil {
		t.Errorf("it is marked: %v, %v", older, err)
	}
	if got := ids(f.changes(t, 0)); got != "[kept] -[] whole=true" {
		t.Errorf("state was changed: %s", got)
	}
}

func foreignBackup(t *testing.T, f *fixture) {
	f.put(t, sample("kept", 9))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	p := f.another(t)
	other := &fixture{Place: p}
	other.open(t)
	other.put(t, sample("a", 1))
	f.refusedRestore(t, bytes.NewReader(other.backup(t)), "digest keys differ")
	if err := other.RewrapKeyring(t.Context(), &KEK{Name: "foreign"}); err != nil {
		t.Fatal(err)
	}
	words := "does not open"
	if f.Options.KEK == nil {
		words = "none is given"
	}
	f.refusedRestore(t, bytes.NewReader(other.backup(t)), words)
}

// brokenBackups: what was cut, edited or put together is refused before
// anything is changed.
func brokenBackups(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.put(t, sample("b", 3))
	text := f.backup(t)
	lines := bytes.SplitAfter(text, []byte("\n")) // manifest, keyring, a, b, end, ""
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	cases := map[string][]byte{
		"empty":                    {},
		"no backup":                []byte("SQLite format 3\x00"),
		"another format":           bytes.Replace(text, []byte("cloister backup 1"), []byte("cloister backup 9"), 1),
		"a newer schema":           bytes.Replace(text, []byte(`"schema":4`), []byte(`"schema":99`), 1),
		"a row less":               join(lines[0], lines[1], lines[3], lines[4]),
		"rows exchanged":           join(lines[0], lines[1], lines[3], lines[2], lines[4]),
		"no end":                   join(lines[:4]...),
		"no keyring":               join(lines[0], lines[2], lines[3], lines[4]),
		"something behind":         append(slices.Clone(text), '\n'),
		"a bit in a row":           join(lines[0], lines[1], bytes.Replace(lines[2], []byte(`"revision":1`), []byte(`"revision":7`), 1), lines[3], lines[4]),
		"another audit checkpoint": bytes.Replace(text, []byte(`"site":"here"`), []byte(`"site":"Here"`), 1),
	}
	for cut := 1; cut < len(text); cut += len(text) / 9 {
		cases[fmt.Sprintf("cut at %d", cut)] = text[:cut]
	}
	for name, broken := range cases {
		if bytes.Equal(broken, text) {
			t.Fatalf("%s: nothing is broken", name)
		}
		var typed *store.BackupError
		if _, err := store.ReadBackup(bytes.NewReader(broken)); !errors.As(err, &typed) {
			t.Errorf("%s: %v, want a BackupError", name, err)
		}
	}
	if _, err := f.DeleteSubscription(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.DeleteSubscription(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	f.put(t, sample("kept", 9))
	kept := f.changes(t, 0)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.refusedRestore(t, bytes.NewReader(text[:len(text)-100]), "cut short")
	f.refusedRestore(t, bytes.NewReader(forge(lines)), "edited")
	if kept.Revision == 0 {
		t.Error("nothing was kept")
	}
}

// forge takes a row out and mends length and checksum, as somebody without
// the keys can; the HMAC stays the old one.
func forge(lines [][]byte) []byte {
	return forgeTrailer(bytes.Join([][]byte{lines[0], lines[1], lines[3]}, nil), 1, lines[4])
}

func backupWhileServing(t *testing.T, f *fixture) {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			// Two rows that are equal in every consistent view, but for a moment.
			for _, id := range []string{"a", "b"} {
				sub := store.Subscription{ID: id, Name: fmt.Sprint(i), Scope: "/apis", State: "active"}
				if err := f.PutSubscription(context.Background(), sub); err != nil {
					t.Error(err)
				}
			}
		}
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := f.RotateDataKey(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	var backups [][]byte
	for range 3 {
		backups = append(backups, f.backup(t))
	}
	stop()
	wg.Wait()
	for _, b := range backups {
		to := f.another(t)
		to.Options.KEK = f.Options.KEK
		info, err := store.Restore(t.Context(), to.Dir, bytes.NewReader(b), to.Options)
		if err != nil || len(info.Damaged) > 0 {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

func olderState(t *testing.T, f *fixture) {
	if older, err := f.OlderState(t.Context()); older != nil || err != nil {
		t.Errorf("new state is marked: %v, %v", older, err)
	}
	if err := f.AcceptOlderState(t.Context()); err != nil {
		t.Error(err)
	}
	text := f.backup(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Store = restore(t, f.Place, text)
	f.reopen(t)
	if older, err := f.OlderState(t.Context()); older == nil || older.Site != "here" || err != nil {
		t.Fatalf("restored state is not marked: %v, %v", older, err)
	}
	r := f.changes(t, 0).Revision
	if err := f.AcceptOlderState(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := f.changes(t, r); c.Revision == r || c.OlderState {
		t.Errorf("nobody hears that it was accepted: %+v", c)
	}
	f.reopen(t)
	if older, err := f.OlderState(t.Context()); older != nil || err != nil {
		t.Errorf("still marked: %v, %v", older, err)
	}
}
