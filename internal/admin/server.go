package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Server is one way to a door.
type Server struct {
	http *http.Server
	done chan struct{}
}

// Listen opens the door on a socket in a state directory, which the caller
// owns: a socket that lies there from a process that was killed is replaced.
func Listen(ctx context.Context, dir string, door *Door, log *slog.Logger) (*Server, error) {
	path := filepath.Join(dir, SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the socket of an earlier process: %w", err)
	}
	ln, err := listenPrivate(ctx, path)
	if err != nil {
		return nil, err
	}
	owner := uint32(os.Geteuid())
	return serve(ln, log, func(r *http.Request) Actor {
		p, ok := r.Context().Value(peerKey{}).(peer)
		if !ok {
			p.err = errors.New("not a Unix socket")
		}
		return p.actor(owner)
	}, door), nil
}

// TLSOptions are what a door over TLS is made of.
type TLSOptions struct {
	// Listener has no TLS yet.
	Listener net.Listener
	// Config is asked per connection for the configuration in force.
	Config func() *tls.Config
	// Identify says who asks, by certificate or token. It must not give a
	// name to who has not shown one.
	Identify func(*http.Request) Actor
	Log      *slog.Logger
}

// ListenTLS opens the door over TLS.
func ListenTLS(opt TLSOptions, door *Door) *Server {
	ln := tls.NewListener(opt.Listener, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return opt.Config(), nil
		},
	})
	return serve(ln, opt.Log, func(r *http.Request) Actor {
		a := opt.Identify(r)
		if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			a.Client = ap.Addr().Unmap()
		}
		return a
	}, door)
}

// openCalls bounds the calls that are under way at once on one way in.
const openCalls = 64

func serve(ln net.Listener, log *slog.Logger, identify func(*http.Request) Actor, door *Door) *Server {
	s := &Server{done: make(chan struct{})}
	slots := make(chan struct{}, openCalls)
	// A browser that holds an operator's certificate shows it to whoever has a
	// page of his send a request here.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		door.turnAway(w, r, Actor{Err: errors.New("the request comes from another site's page"), Mend: "call from a program"}, "")
	}))
	s.http = &http.Server{
		Handler: sameOrigin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			default:
				reply(w, http.StatusServiceUnavailable, failure{Error: "too many calls at once"})
				return
			}
			door.ServeHTTP(w, r.WithContext(WithActor(r.Context(), identify(r))))
		})),
		ConnContext:       withPeer,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the operator's door ended", "listener", ln.Addr().String(), "error", err)
		}
	}()
	return s
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

// Close closes the way in: calls under way get their answer while ctx lasts.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	s.http.Close()
	<-s.done
	return err
}

// peerKey leads from a connection to who is at the other end.
type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	if _, ok := c.(*net.UnixConn); !ok {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, peerOf(c))
}
