package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// reachable is a path by which a socket can be bound and dialled, however long
// that of its directory is: addresses of sockets have 107 bytes (unix(7)).
func reachable(path string) (short string, release func(), err error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + filepath.Base(path)
	return short, func() { dir.Close() }, nil
}

// listenSocket makes the socket, for its owner alone. A file that nobody
// listens at is one that a killed lab left.
func listenSocket(path string) (ln *os.File, remove func(), err error) {
	if w, err := dialSocket(context.Background(), path); err == nil {
		w.close()
		return nil, nil, fmt.Errorf("a lab of this site runs already (%s); mend: stop it, or use it by \"cloister lab exec\"", path)
	}
	// It comes into its place with its mode.
	draft := path + "." + strconv.Itoa(os.Getpid())
	os.Remove(draft)
	short, release, err := reachable(draft)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, nil, fmt.Errorf("the socket %s: %w", path, err)
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	err = os.Chmod(draft, 0o600)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err == nil {
		ln, err = l.File()
	}
	if err != nil {
		os.Remove(draft)
		return nil, nil, fmt.Errorf("the socket %s: %w", path, err)
	}
	return ln, func() { os.Remove(path) }, nil
}

func dialSocket(ctx context.Context, path string) (*wire, error) {
	short, release, err := reachable(path)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", short)
	if err != nil {
		return nil, err
	}
	return newWire(c.(*net.UnixConn)), nil
}

// Join finds a lab that runs, by its socket.
func Join(ctx context.Context, socket string) (*Lab, error) {
	l := &Lab{close: func() {}, connect: func() (*wire, error) { return dialSocket(ctx, socket) }}
	w, err := l.connect()
	if err != nil {
		return nil, fmt.Errorf("%w (%s): %w", ErrNoLab, socket, err)
	}
	defer w.close()
	var r reply
	if err := w.ask(request{Describe: true}, &r); err != nil {
		return nil, err
	}
	if r.Ready == nil {
		return nil, errors.New("the lab does not say what it is")
	}
	l.plan, l.details = r.Ready.Plan, r.Ready.Details
	return l, nil
}

// ask sends a request and waits for its reply.
func (w *wire) ask(req request, r *reply, files ...*os.File) error {
	if err := w.send(req, files...); err != nil {
		return fmt.Errorf("asking the lab: %w", err)
	}
	if err := w.receive(r); err != nil {
		return fmt.Errorf("asking the lab: %w", err)
	}
	if r.Err != "" {
		return errors.New(r.Err)
	}
	return nil
}
