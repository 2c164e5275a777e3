package cli

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestLogWarnings: what needs no attention is not logged as if it did.
func TestLogWarnings(t *testing.T) {
	var b bytes.Buffer
	logWarnings(slog.New(slog.NewTextHandler(&b, nil)), site.Problems{
		{Severity: site.Note, Code: "no-effect", Message: "a note"},
		{Severity: site.Warning, Code: "expires", Message: "look", Pos: site.Pos{File: "cloister.yaml", Line: 3, Column: 1}},
	})
	if got := b.String(); strings.Contains(got, "a note") || !strings.Contains(got, "at=cloister.yaml:3:1 code=expires message=look") {
		t.Errorf("logged:\n%s", got)
	}
}

func TestNotify(t *testing.T) {
	dir, err := os.MkdirTemp("", "notify") // short enough for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var log bytes.Buffer
	n := notifier{socket, slog.New(slog.NewTextHandler(&log, nil))}
	for _, step := range []struct {
		tell func()
		want string
	}{
		{n.ready, "READY=1\n"}, {n.reloading, "RELOADING=1\nMONOTONIC_USEC="}, {n.stopping, "STOPPING=1\n"},
	} {
		step.tell()
		b := make([]byte, 512)
		size, err := conn.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:size]), step.want) {
			t.Errorf("%q %v, want %q", b[:size], err, step.want)
		}
	}
	if log.Len() != 0 {
		t.Errorf("logged:\n%s", &log)
	}
	// Nobody there, and nobody to tell.
	notifier{filepath.Join(dir, "gone"), n.log}.ready()
	if !strings.Contains(log.String(), "telling the service manager") {
		t.Errorf("logged:\n%s", &log)
	}
	notifier{}.ready()
}
