package admin

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// shortDir is a directory whose path fits into a socket's address.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "admin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func open(t *testing.T, dir string, a Actions) (*Server, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	s, err := Listen(t.Context(), dir, a, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s, &log
}

func TestCalls(t *testing.T) {
	dir := shortDir(t)
	problems := site.Problems{{Severity: site.Error, Pos: site.Pos{File: "cloister.yaml", Line: 3, Column: 1}, Code: "unknown-field", Message: "x"}}
	s, log := open(t, dir, Actions{
		Reload: func(context.Context) (Reloaded, error) {
			return Reloaded{Before: "a", After: "a", Problems: problems}, nil
		},
		Status: func(context.Context) (Status, error) { return Status{}, errors.New("no status today") },
	})
	c := NewClient(dir)
	r, err := c.Reload(t.Context())
	if err != nil || r.Accepted || r.Before != "a" || len(r.Problems) != 1 || r.Problems[0].Line != 3 {
		t.Errorf("reload: %+v %v", r, err)
	}
	_, err = c.Status(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusInternalServerError || e.Message != "no status today" {
		t.Errorf("status: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"action=reload actor=os:", "action=status", "no status today"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

// TestOthersRefused: a peer that is neither the owner nor root gets nothing
// done.
func TestOthersRefused(t *testing.T) {
	called := false
	s := &Server{log: slog.New(slog.DiscardHandler), owner: 1000}
	h := action(s, "reload", func(context.Context) (Reloaded, error) { called = true; return Reloaded{}, nil })
	for name, ctx := range map[string]context.Context{
		"other user": context.WithValue(t.Context(), peerKey{}, peer{uid: 1001}),
		"unknown":    context.WithValue(t.Context(), peerKey{}, peer{err: errors.New("no credentials")}),
		"no peer":    t.Context(),
	} {
		w := newRecorder()
		r, _ := http.NewRequestWithContext(ctx, "POST", "/v1/reload", nil)
		h.ServeHTTP(w, r)
		if w.status != http.StatusForbidden || called {
			t.Errorf("%s: status %d, called %v", name, w.status, called)
		}
	}
	for _, uid := range []uint32{0, 1000} {
		w := newRecorder()
		r, _ := http.NewRequestWithContext(context.WithValue(t.Context(), peerKey{}, peer{uid: uid}), "POST", "/v1/reload", nil)
		h.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			t.Errorf("uid %d: status %d", uid, w.status)
		}
	}
}

type recorder struct {
	header http.Header
	status int
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }

func TestSocket(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, SocketName)
	// What a killed process leaves behind.
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, dir, Actions{})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := peerOf(conn); p.err != nil || p.uid != uint32(os.Getuid()) {
		t.Errorf("peer: %v", p)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := shortDir(t)
	_, err := NewClient(dir).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no gateway runs") {
		t.Errorf("%v", err)
	}
	long := filepath.Join(dir, strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), long, Actions{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("%v", err)
	}
}
