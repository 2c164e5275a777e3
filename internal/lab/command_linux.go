package lab

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// commandStage begins the variable of a process that is going to be a command.
const commandStage = "command-"

// commandSetup is what such a process is told.
type commandSetup struct {
	Nonce    string
	Path     string
	Argv     []string
	Env      []string
	Dir      string
	Hostname string
	// Resolver is the server that /etc/resolv.conf is to name.
	Resolver string
	// Addr is the host's own, for /etc/hosts.
	Addr string
}

// becomeCommand runs in the command's own mount namespace: it puts the lab's
// names in the place of the machine's, and then is the command. It returns the
// exit code only when that fails.
func becomeCommand(w *wire, nonce string) int {
	var s commandSetup
	if err := w.receive(&s); err != nil || commandStage+s.Nonce != nonce {
		fmt.Fprintf(os.Stderr, "cloister: %s is set, but this is no process of a lab; mend: unset %[1]s\n", stageVariable)
		return 2
	}
	err := s.become()
	w.conn.SetDeadline(noDeadline)
	code := 126
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		code = 127
	}
	w.send(fromCommand{Err: err.Error(), Code: code})
	return code
}

func (s *commandSetup) become() error {
	runtime.LockOSThread()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
		return fmt.Errorf("setting the host's name: %w", err)
	}
	if err := s.names(); err != nil {
		return err
	}
	if err := os.Chdir(s.Dir); err != nil {
		return err
	}
	os.Clearenv()
	for _, v := range s.Env {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value)
	}
	path, err := exec.LookPath(cmp.Or(s.Path, s.Argv[0]))
	if err != nil {
		if errors.Is(err, exec.ErrDot) {
			return fmt.Errorf("%q is found in the current directory only; mend: ./%[1]s", s.Argv[0])
		}
		return err
	}
	for _, n := range []unix.Signal{unix.SIGTTOU, unix.SIGPIPE} { // which the lab itself ignores
		if err := defaultSignal(n); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if err := unix.Exec(path, s.Argv, os.Environ()); err != nil {
		return &os.PathError{Op: "running", Path: path, Err: err}
	}
	return nil
}

// askers are directories with sockets of services that resolve names outside of
// the network namespace: systemd-resolved, the name service cache, Avahi.
var askers = []string{"/run/systemd/resolve", "/run/nscd", "/var/run/nscd", "/run/avahi-daemon"}

// names puts the lab's files in the place of those that resolve names, and
// nothing in the place of services that would ask others.
func (s *commandSetup) names() error {
	resolv := fmt.Sprintf("# Written by the lab.\nnameserver %s\noptions timeout:1 attempts:2\n", s.Resolver)
	target, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return fmt.Errorf("/etc/resolv.conf: %w; mend: make the file, the lab lays its own over it", err)
	}
	for _, dir := range askers {
		if real, err := filepath.EvalSymlinks(dir); err != nil || real != dir {
			continue // it is not there, or comes under its own name
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
			return fmt.Errorf("hiding %s, which resolves names outside: %w", dir, err)
		}
		if filepath.Dir(target) == dir {
			if err := os.WriteFile(target, nil, 0o644); err != nil {
				return err
			}
		}
	}
	hosts := fmt.Sprintf("# Written by the lab.\n127.0.0.1 localhost\n::1 localhost ip6-localhost\n%s %s\n", s.Addr, s.Hostname)
	if err := lay(target, resolv); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks("/etc/hosts"); err == nil {
		return lay(real, hosts)
	}
	return nil
}

// lay mounts a file with a text over another.
func lay(path, text string) error {
	f, err := os.CreateTemp(labDir, "file-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // the mount holds it
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	if err := unix.Mount(f.Name(), path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("laying the lab's file over %s: %w", path, err)
	}
	return nil
}

// exec runs a command in a host and tells over w what becomes of it.
func (n *inner) exec(w *wire, req *execRequest) {
	files, err := w.take(3)
	if err != nil {
		w.send(fromCommand{Err: err.Error(), Code: 126})
		return
	}
	c := &running{wire: w, terminal: req.Terminal, stdin: files[0]}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err := n.launch(c, req, files); err != nil {
		w.send(fromCommand{Err: err.Error(), Code: 126})
		return
	}
	w.send(fromCommand{PID: c.pid})
	left := make(chan struct{})
	go c.listen(left)
	c.wait(left)
}

// running is a command.
type running struct {
	wire     *wire
	pid      int
	status   <-chan unix.WaitStatus
	terminal bool
	stdin    *os.File
	failed   *wire // tells why the command could not be run
}

// launch starts the process that is going to be the command.
func (n *inner) launch(c *running, req *execRequest, files []*os.File) error {
	if len(req.Argv) == 0 {
		return errors.New("a command is missing")
	}
	h, err := n.plan.Find(req.Host)
	if err != nil {
		return err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	s := n.commandFor(h, req)
	attr := &syscall.ProcAttr{
		Env:   []string{stageVariable + "=" + commandStage + s.Nonce},
		Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd(), theirs.Fd()},
		Sys: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS, Setpgid: true,
			// Ctty is the descriptor before the child's are in their places.
			Foreground: req.Terminal, Ctty: int(files[0].Fd()),
		},
	}
	if n.setup.UserNamespace {
		// It owns nothing of the lab: not the network it is in, and not the
		// others. It is the user whom it was started by.
		attr.Sys.Cloneflags |= unix.CLONE_NEWUSER
		attr.Sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: n.setup.UID, HostID: 0, Size: 1}}
		attr.Sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: n.setup.GID, HostID: 0, Size: 1}}
		// Who is not root keeps no capability across execve but these. The
		// command itself is not to have it.
		attr.Sys.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
	}
	err = in(n.fabric.hosts[h.Name], func() error {
		var err error
		c.pid, c.status, err = n.children.start(func() (int, error) {
			return syscall.ForkExec("/proc/self/exe", []string{"cloister-lab-command"}, attr)
		})
		return err
	})
	if err == nil {
		err = ours.send(s)
	}
	if err != nil {
		ours.close()
		return fmt.Errorf("starting the command: %w", err)
	}
	c.failed = ours
	return nil
}

func (n *inner) commandFor(h *Host, req *execRequest) *commandSetup {
	s := &commandSetup{Nonce: nonce(), Path: req.Path, Argv: req.Argv, Env: req.Env, Dir: req.Dir, Resolver: publicDNS.String(), Hostname: hostname(h.Name), Addr: h.Addrs[0].String()}
	if h.Inside() {
		s.Resolver = platformDNS.String()
	}
	s.Env = withoutProxies(s.Env)
	if !req.Bare {
		s.Env = append(s.Env, n.details.Environment...)
	}
	if s.Dir == "" {
		s.Dir = "/"
	}
	return s
}

// withoutProxies leaves out the proxies of the machine's network, to which there
// is no way.
func withoutProxies(env []string) (out []string) {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch strings.ToLower(name) {
		case "http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy":
		default:
			out = append(out, v)
		}
	}
	return out
}

// hostname is a host's name as one label.
func hostname(name string) string {
	name = strings.NewReplacer("/", "-", "_", "-", ".", "-").Replace(name)
	return name[:min(len(name), 63)]
}

// listen does what the outer process says, and closes left when it goes away.
func (c *running) listen(left chan<- struct{}) {
	defer close(left)
	for {
		var m toCommand
		if err := c.wire.receive(&m); err != nil {
			return
		}
		c.wire.understood()
		if m.Continue {
			if m.Foreground && c.terminal {
				unix.IoctlSetPointerInt(int(c.stdin.Fd()), unix.TIOCSPGRP, c.pid)
			}
			unix.Kill(-c.pid, unix.SIGCONT)
		}
		if m.Signal != 0 {
			unix.Kill(-c.pid, m.Signal)
		}
	}
}

// wait tells of stops and of the end. A command whose outer process is gone is
// ended.
func (c *running) wait(left <-chan struct{}) {
	for {
		select {
		case <-left:
			left = nil
			unix.Kill(-c.pid, unix.SIGKILL)
		case status := <-c.status:
			if status.Stopped() {
				c.wire.send(fromCommand{Stopped: true})
				continue
			}
			m := fromCommand{Ended: true, Code: status.ExitStatus()}
			if status.Signaled() {
				m.Signal, m.Code = status.Signal(), 128+int(status.Signal())
			}
			// What could not be run says why.
			var why fromCommand
			if c.failed.receive(&why) == nil && why.Err != "" {
				m = why
			}
			c.failed.close()
			c.wire.send(m)
			return
		}
	}
}
