package admin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answering is a socket in a fresh directory where somebody answers as it is
// told.
func answering(t *testing.T, h http.HandlerFunc) (dir string) {
	t.Helper()
	dir = shortDir(t)
	ln, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return dir
}

// TestAnswersThatAreNone: whatever is at the other end, a call fails in words.
func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  int
		says    string
	}{
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }, 0, "is not understood"},
		"an error without words": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
			http.StatusTeapot, "418"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
		}, 0, "broke off"},
		"hung up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "asking the gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewClient(answering(t, c.handler)).Reload(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Status != c.status || !strings.Contains(e.Message, c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestNothingElse: each call has its method, and there are no others.
func TestNothingElse(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.Actions.Reload = func(context.Context) (Reloaded, error) { t.Error("reloaded"); return Reloaded{}, nil }
		o.Actions.Status = func(context.Context) (Status, error) { t.Error("asked"); return Status{}, nil }
	})
	f.listen(t)
	c := NewClient(f.dir)
	for _, call := range [][2]string{
		{"GET", "/v1/reload"}, {"POST", "/v1/status"}, {"POST", "/v1/reload/"}, {"GET", "/"}, {"DELETE", "/v1/subscriptions"},
		{"GET", "/v1/subscriptions/a/suspend"}, {"PUT", "/v1/audit"}, {"POST", "/v2/reload"},
	} {
		err := c.call(t.Context(), call[0], call[1], nil, new(Status))
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusNotFound && e.Status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// TestReloadOutlivesItsCaller: who hangs up gets no answer, and the reload that
// has begun is carried out.
func TestReloadOutlivesItsCaller(t *testing.T) {
	begun, done := make(chan struct{}), make(chan error, 1)
	f := newFixture(t, func(o *Options) {
		o.Actions.Reload = func(ctx context.Context) (Reloaded, error) {
			close(begun)
			time.Sleep(50 * time.Millisecond)
			done <- ctx.Err()
			return Reloaded{Accepted: true}, nil
		}
	})
	f.listen(t)
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		<-begun
		hangUp()
	}()
	if _, err := NewClient(f.dir).Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller: %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("the reload: %v", err)
	}
}

// TestNotOurs: a socket that another user made private is not opened.
func TestNotOurs(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root opens every socket")
	}
	dir := answering(t, func(http.ResponseWriter, *http.Request) {})
	if err := os.Chmod(filepath.Join(dir, SocketName), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(dir).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "own user and root") {
		t.Errorf("%v", err)
	}
}
