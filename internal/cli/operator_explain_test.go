package cli

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/store"
)

// TestStartCommand: what is said to start a gateway is what does.
func TestStartCommand(t *testing.T) {
	dir := t.TempDir()
	up, site := filepath.Join(dir, "up"), filepath.Join(dir, "site")
	write(t, filepath.Join(up, "cloister.env"), nil)
	write(t, filepath.Join(up, "site", "cloister.yaml"), nil)
	write(t, filepath.Join(site, "cloister.yaml"), nil)
	for of, want := range map[string]string{
		up: "cloister up --dir " + up, filepath.Join(up, "site"): "cloister up --dir " + up,
		site: "cloister serve " + site, "": "cloister serve .",
	} {
		if got := startCommand(of); got != want {
			t.Errorf("%s: %s, want %s", of, got, want)
		}
	}
}

// TestNotes: what rooms log reaches people as a sentence, and never their
// terminal as anything but characters.
func TestNotes(t *testing.T) {
	var b bytes.Buffer
	log := operatorLog(&b)
	log.Info("a row was read")
	log.Warn("admin call refused", "actor", "os:1")
	log.Warn("the audit log was moved aside, and a new one begins", "directory", "/x")
	log.With("id", "a1").Error("a row does not open", "error", errors.New("it is damaged; mend: restore it; mend: look"))
	log.Warn("plain")
	want := "note: a row does not open: id a1, it is damaged\n    mend: restore it\nnote: plain\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	log.Warn(hostile, hostile, hostile, "error", errors.New(hostile+"; mend: "+hostile))
	clean(t, "a note", b.String())
	if h := log.Handler(); h.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("it is for what should be known alone")
	}
}

// TestProofNotYet: a record that is on disk has a proof a second later, and one
// that is not there has none.
func TestProofNotYet(t *testing.T) {
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/audit/proof":
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `{"error":"audit log x: record 1 is not published; 1 are: file does not exist"}`)
		case r.URL.Query().Get("from") == "1":
			io.WriteString(w, `{"size":2,"entries":[{"index":1,"record":{}}]}`)
		default:
			io.WriteString(w, `{"size":2,"entries":[]}`)
		}
	}))
	defer door.Close()
	c := admin.NewRemoteClient(door.Client(), door.URL, nil)
	for index, want := range map[uint64]string{
		1: "cloister x: record 1 is on disk and not published yet, and only what is published can be proved\n    mend: ask again in a second\n",
		9: "cloister x: there is no record 9: the log has 2 records, from 0 on\n    mend: cloister audit tail shows the newest with their indexes\n",
	} {
		_, err := proofOf(t.Context(), c, index)
		var b bytes.Buffer
		if complain(&Env{Stderr: &b}, "cloister x", err); b.String() != want {
			t.Errorf("%d: %q, want %q", index, b.String(), want)
		}
	}
}

// TestBackupBrokeOff: a backup that the gateway does not even begin is said to
// be that, and not the end of a file.
func TestBackupBrokeOff(t *testing.T) {
	door := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer door.Close()
	_, err := verifiedBackup(t.Context(), admin.NewRemoteClient(door.Client(), door.URL, nil), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "broke off before the backup began") || !errors.As(err, new(*mendedError)) {
		t.Errorf("got %v", err)
	}
}

// TestBackupTextCounts: one record is one.
func TestBackupTextCounts(t *testing.T) {
	for size, want := range map[string]string{"1": " 1 record of log,", "7": " 7 records of log,"} {
		note := bytes.Replace(checkpointText("log"), []byte("\n7\n"), []byte("\n"+size+"\n"), 1)
		if text := backupText(&store.BackupInfo{BackupMeta: store.BackupMeta{AuditCheckpoint: note}}); !strings.Contains(text, want) {
			t.Errorf("%s is not in:\n%s", want, text)
		}
	}
}

// TestStatusOfSilentState: what cannot be asked is not guessed, and each thing
// is said once.
func TestStatusOfSilentState(t *testing.T) {
	var b bytes.Buffer
	full := "audit log /x: it cannot be written: no space left on device; mend: make room"
	err := writeStatus(&b, colours{}, &admin.Status{
		Running: true, NotReady: full,
		State: admin.StateStatus{Driver: "postgresql", Error: "it does not answer; mend: see that PostgreSQL runs"},
		Audit: admin.AuditStatus{Error: full, WitnessError: "it is down", Witnessed: time.Unix(1, 0).UTC()},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  state      postgresql cannot be asked: it does not answer\n  mend       see that PostgreSQL runs\n",
		"  audit log  audit log /x: it cannot be written: no space left on device\n  mend       make room\n",
		"  ready      no: audit log /x: it cannot be written: no space left on device\n",
		"  witnessed  1970-01-01T00:00:01Z; not now: it is down\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
	for _, no := range []string{"in clear", "revision", "; mend"} {
		if strings.Contains(b.String(), no) {
			t.Errorf("%q is in:\n%s", no, b.String())
		}
	}
}
