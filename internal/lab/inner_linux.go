package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/site"
)

// handshake bounds how long a process of the lab waits to be told what it is.
const handshake = 10 * time.Second

// Main is for the first line of a program that calls [Start]: where the process
// is one of a lab's own it does that work and does not return.
//
// The variable alone, as somebody may have set it, makes none: then it says so
// and ends.
func Main() {
	nonce, ok := os.LookupEnv(stageVariable)
	if !ok {
		return
	}
	os.Unsetenv(stageVariable)
	w, err := inheritedWire()
	if err != nil {
		fmt.Fprintf(os.Stderr, "cloister: %s is set, but this is no process of a lab (%v); mend: unset %[1]s\n", stageVariable, err)
		os.Exit(2)
	}
	if strings.HasPrefix(nonce, commandStage) {
		os.Exit(becomeCommand(w, nonce))
	}
	var s setup
	if err := w.receive(&s); err != nil || s.Nonce != nonce || os.Getpid() != 1 {
		fmt.Fprintf(os.Stderr, "cloister: %s is set, but this is no process of a lab; mend: unset %[1]s\n", stageVariable)
		os.Exit(2)
	}
	w.understood()
	w.conn.SetDeadline(time.Time{})
	os.Exit(runInner(w, s))
}

// inheritedWire is the socket that a process of the lab was given.
func inheritedWire() (*wire, error) {
	if kind, err := unix.GetsockoptInt(controlFD, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || kind != unix.AF_UNIX {
		return nil, errors.New("it was given no socket")
	}
	c, err := unixConn(os.NewFile(controlFD, "control"))
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(handshake))
	return newWire(c), nil
}

// inner is process 1 of the lab.
type inner struct {
	setup    setup
	site     *site.Site
	plan     *Plan
	details  Details
	children *children
	fabric   *fabric
	flows    flowLog
}

// runInner stands until the outer process ends, and returns the exit code.
func runInner(control *wire, s setup) int {
	forget := removeLater(s.Socket)
	end := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.NewFile(aliveFD, "alive")) // nothing is ever written
		close(end)
	}()
	term := make(chan os.Signal, 1)
	signal.Notify(term, unix.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGPIPE) // not for us
	signal.Ignore(unix.SIGTTOU)                                                                  // commands are given the terminal from behind
	unix.CloseOnExec(aliveFD)
	n := &inner{setup: s, children: newChildren()}
	done := make(chan error, 1)
	go func() { done <- n.run(control) }()
	// Whoever is left when process 1 ends is killed with it.
	select {
	case <-end:
	case <-term:
	case err := <-done:
		if err != nil {
			control.send(ready{Err: err.Error(), Denied: errors.As(err, new(*deniedError))})
			forget()
			return 1
		}
		select {
		case <-end:
		case <-term:
		}
	}
	forget()
	return 0
}

// removeLater removes the socket's file at the end. Its directory is held open:
// mounts may hide it.
func removeLater(path string) func() {
	if path == "" {
		return func() {}
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return func() {}
	}
	return func() { unix.Unlinkat(int(dir.Fd()), filepath.Base(path), 0) }
}

// deniedError is what the kernel refuses to who owns the namespace.
type deniedError struct{ err error }

func (e *deniedError) Error() string { return e.err.Error() }
func (e *deniedError) Unwrap() error { return e.err }

// run brings the lab up and answers from then on.
func (n *inner) run(control *wire) error {
	if err := ownMounts(); err != nil {
		if errors.Is(err, os.ErrPermission) {
			err = &deniedError{err}
		}
		return err
	}
	var err error
	if n.site, err = loadSite(n.setup.Site); err != nil {
		return err
	}
	if n.plan, err = NewPlan(n.site); err != nil {
		return err
	}
	if n.fabric, err = newFabric(n.plan); err != nil {
		if errors.Is(err, os.ErrPermission) {
			err = &deniedError{err}
		}
		return err
	}
	n.details.Site = n.site.Config.Name
	if err := n.install(); err != nil {
		return err
	}
	if err := n.furnish(); err != nil {
		return err
	}
	if err := n.listen(); err != nil {
		return err
	}
	if err := control.send(n.describe()); err != nil {
		return err
	}
	go n.control(control)
	return nil
}

// loadSite reads a site that is in order. "cloister check" says more about one
// that is not.
func loadSite(dir string) (*site.Site, error) {
	s, problems := site.Load(dir)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (n *inner) describe() ready { return ready{Plan: n.plan, Details: n.details} }

// ownMounts gives the lab its own view of processes, and memory to write to
// that is gone with it.
func ownMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	// Shared memory belongs to the IPC namespace, which is new.
	if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("mounting /dev/shm: %w", err)
	}
	if err := os.Mkdir(labDir, 0o755); err != nil {
		return err
	}
	return unix.Sethostname([]byte("fabric"))
}

// labDir holds the lab's files, in memory.
const labDir = "/dev/shm/cloister-lab"

// listen answers those who join.
func (n *inner) listen() error {
	if n.setup.Socket == "" {
		return nil
	}
	f := os.NewFile(listenFD, "socket")
	ln, err := net.FileListener(f)
	f.Close()
	if err != nil {
		return err
	}
	u := ln.(*net.UnixListener)
	u.SetUnlinkOnClose(false)
	go func() { // for as long as the process lives
		for {
			c, err := u.AcceptUnix()
			if err != nil {
				return
			}
			if peerIsOwner(c) {
				go n.serve(newWire(c))
			} else {
				c.Close()
			}
		}
	}()
	return nil
}

// peerIsOwner reports whether the peer is the lab's user, or root, and stands
// outside: a command in one subnet is not to have another run in the next. In a
// user namespace both users read as 0, and everybody else as nobody; a process
// outside of our process namespace has no number in it.
func peerIsOwner(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var cred *unix.Ucred
	if err := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || cred == nil {
		return false
	}
	return cred.Pid == 0 && (int(cred.Uid) == os.Getuid() || cred.Uid == 0)
}

// control takes connections from the outer process.
func (n *inner) control(w *wire) {
	for {
		var req request
		if err := w.receive(&req); err != nil {
			return
		}
		w.understood()
		files, err := w.take(1)
		if err != nil || !req.Connection {
			continue
		}
		c, err := unixConn(files[0])
		if err != nil {
			continue
		}
		go n.serve(newWire(c))
	}
}

// serve answers one connection.
func (n *inner) serve(w *wire) {
	defer w.close()
	var req request
	if err := w.receive(&req); err != nil {
		return
	}
	w.understood()
	switch {
	case req.Exec != nil:
		n.exec(w, req.Exec)
	case req.Socket != nil:
		n.socket(w, req.Socket)
	case req.Flows:
		n.flows.serve(w)
	case req.Describe:
		d := n.describe()
		w.send(reply{Ready: &d})
	case req.Counter:
		packets, err := n.fabric.outsidePackets()
		w.send(reply{Packets: packets, Err: text(err)})
	case req.Verify != nil:
		attempts, err := n.verifyRules(req.Verify.Seed)
		w.send(reply{Attempts: attempts, Err: text(err)})
	case req.Faults != nil:
		w.send(reply{Err: text(n.fabric.breakIt(n.plan, *req.Faults))})
	default:
		w.send(reply{Err: "the lab does not understand the request; mend: use the same version of cloister"})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
