package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Server is the door of one gateway.
type Server struct {
	http    *http.Server
	path    string
	actions Actions
	log     *slog.Logger
	owner   uint32
	done    chan struct{}
}

// Listen opens the door in a state directory, which the caller owns: a socket
// that lies there from a process that was killed is replaced. Log gets every
// call.
func Listen(ctx context.Context, dir string, actions Actions, log *slog.Logger) (*Server, error) {
	path := filepath.Join(dir, SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the socket of an earlier process: %w", err)
	}
	ln, err := listenPrivate(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &Server{path: path, actions: actions, log: log, owner: uint32(os.Geteuid()), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/reload", action(s, "reload", actions.Reload))
	mux.Handle("GET /v1/status", action(s, "status", actions.Status))
	s.http = &http.Server{
		Handler: mux, ConnContext: withPeer,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin socket ended", "error", err)
		}
	}()
	return s, nil
}

// maxSocketPath is what sockaddr_un holds on the smallest of our platforms,
// with its closing zero.
const maxSocketPath = 103

// listenPrivate makes a socket that nobody else can open.
func listenPrivate(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path of the admin socket has %d bytes, and the system takes %d: choose a shorter state directory (%s)", len(path), maxSocketPath, path)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("the admin socket: %w", err)
	}
	// The state directory has mode 0700 by the store's guarantee, so there is
	// no moment in which the socket is anybody's.
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// Close closes the door: calls under way get their answer while ctx lasts.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	s.http.Close()
	<-s.done
	return err
}

// action is the one way to act: authorise, act, log.
func action[T any](s *Server, name string, do func(context.Context) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(peerKey{}).(peer)
		if !ok || p.err != nil || p.uid != 0 && p.uid != s.owner {
			s.log.Warn("admin call refused", "action", name, "actor", p.String(), "error", p.err)
			reply(w, http.StatusForbidden, failure{"only the gateway's own user and root may call"})
			return
		}
		// A call that has begun is carried out, whoever hangs up.
		result, err := do(context.WithoutCancel(r.Context()))
		if err != nil {
			s.log.Error("admin call failed", "action", name, "actor", p.String(), "error", err)
			reply(w, http.StatusInternalServerError, failure{err.Error()})
			return
		}
		s.log.Info("admin call", "action", name, "actor", p.String())
		reply(w, http.StatusOK, result)
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The caller went away: nobody is left to tell.
	_ = json.NewEncoder(w).Encode(v)
}

// peerKey leads from a request to who is at the other end.
type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, peerOf(c))
}
