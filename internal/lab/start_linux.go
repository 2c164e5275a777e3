package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lab is a running lab, seen from outside. It is safe for concurrent use.
type Lab struct {
	plan    *Plan
	details Details
	connect func() (*wire, error)
	close   func()
	// ended is closed when the lab is gone; nil for one that was joined.
	ended chan struct{}
	flows watch
}

// Plan is who stands where.
func (l *Lab) Plan() *Plan { return l.plan }

// Details are what the lab tells of itself.
func (l *Lab) Details() Details { return l.details }

// Ended is closed when the lab is gone. It is nil for one that was joined.
func (l *Lab) Ended() <-chan struct{} { return l.ended }

// Close takes the lab down, or leaves one that was joined.
func (l *Lab) Close() {
	l.flows.stop()
	l.close()
}

// stageVariable marks the lab's own processes. By itself it makes none: what
// they are to do comes over a socket that only their maker has.
const stageVariable = "CLOISTER_LAB_STAGE"

// Where the inner process finds what it inherits.
const (
	controlFD = 3
	aliveFD   = 4
	listenFD  = 5
)

// Start brings a lab up. It ends with ctx, with [Lab.Close], or with this
// process.
func Start(ctx context.Context, opt Options) (*Lab, error) {
	dir, err := filepath.Abs(opt.Site)
	if err != nil {
		return nil, err
	}
	o := &outer{opt: opt, setup: setup{
		Nonce: rand.Text(), Site: dir, UserNamespace: true, UID: os.Geteuid(), GID: os.Getegid(), Socket: opt.Socket, Serve: !opt.Bare, Program: opt.Program,
	}}
	lab, err := o.start(ctx)
	var no *UnableError
	if errors.As(err, &no) && os.Geteuid() == 0 {
		// Root needs none; where namespaces are forbidden altogether the first
		// reason is the one to tell.
		o.setup.UserNamespace = false
		if second, again := o.start(ctx); again == nil {
			return second, nil
		}
	}
	return lab, err
}

// outer is the process that the user started.
type outer struct {
	opt   Options
	setup setup
}

func (o *outer) start(ctx context.Context) (_ *Lab, err error) {
	control, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	aliveInner, alive, err := os.Pipe()
	if err != nil {
		control.close()
		return nil, err
	}
	defer aliveInner.Close()
	inherited := []*os.File{theirs, aliveInner}
	removeSocket := func() {}
	if o.opt.Socket != "" {
		ln, remove, err := listenSocket(o.opt.Socket)
		if err != nil {
			alive.Close()
			control.close()
			return nil, err
		}
		defer ln.Close()
		removeSocket = remove
		inherited = append(inherited, ln)
	}
	cmd, gone, err := o.fork(inherited)
	if err != nil {
		alive.Close()
		control.close()
		removeSocket()
		return nil, err
	}
	down := sync.OnceFunc(func() {
		alive.Close() // the inner process ends by that
		<-gone
		control.close()
		removeSocket()
	})
	first, err := o.greet(ctx, control, gone, cmd)
	if err != nil {
		down()
		return nil, err
	}
	stop := context.AfterFunc(ctx, down)
	go func() { // when the inner process was killed
		<-gone
		stop()
		down()
	}()
	return &Lab{plan: first.Plan, details: first.Details, ended: gone, close: func() { stop(); down() }, connect: func() (*wire, error) {
		ours, handed, err := socketPair()
		if err != nil {
			return nil, err
		}
		defer handed.Close()
		if err := control.send(request{Connection: true}, handed); err != nil {
			ours.close()
			return nil, fmt.Errorf("the lab has ended: %w", err)
		}
		return ours, nil
	}}, nil
}

// fork starts the inner process. Gone is closed when it has ended.
func (o *outer) fork(inherited []*os.File) (cmd *exec.Cmd, gone chan struct{}, err error) {
	cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"cloister-lab"},
		Env:        append(withoutStage(os.Environ()), stageVariable+"="+o.setup.Nonce),
		ExtraFiles: inherited,
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
			// A pipe tells it of our end as well; the signal reaches it before
			// it reads from the pipe. It is not SIGKILL: the socket's file has
			// to go.
			Pdeathsig: unix.SIGTERM,
			// What is typed at the terminal is for the command, not for it.
			Setpgid: true,
		},
	}
	if o.opt.Stderr != nil {
		cmd.Stdout, cmd.Stderr = o.opt.Stderr, o.opt.Stderr
	}
	if o.setup.UserNamespace {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.setup.UID, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.setup.GID, Size: 1}}
	}
	gone = make(chan struct{})
	started := make(chan error)
	go func() {
		// The signal of our death is that of the thread which forked: it has
		// to live as long as the lab.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // how it ended is seen by who talks with it
			close(gone)
		}
	}()
	if err := <-started; err != nil {
		if forbidden(err) {
			return nil, nil, unable(err, o.setup.UID, os.ReadFile)
		}
		return nil, nil, fmt.Errorf("starting the lab: %w", err)
	}
	return cmd, gone, nil
}

// greet tells the inner process what to do and waits until it stands.
func (o *outer) greet(ctx context.Context, control *wire, gone <-chan struct{}, cmd *exec.Cmd) (*ready, error) {
	stop := context.AfterFunc(ctx, func() { control.conn.Close() })
	defer stop()
	err := control.send(o.setup)
	var first ready
	if err == nil {
		err = control.receive(&first)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		select {
		case <-gone:
			return nil, fmt.Errorf("the lab ended before it stood: %v", cmd.ProcessState)
		default:
			return nil, fmt.Errorf("starting the lab: %w", err)
		}
	case first.Denied:
		return nil, unable(errors.New(first.Err), o.setup.UID, os.ReadFile)
	case first.Err != "":
		return nil, errors.New(first.Err)
	}
	control.understood()
	return &first, nil
}

func withoutStage(env []string) []string {
	var out []string
	for _, v := range env {
		if !strings.HasPrefix(v, stageVariable+"=") {
			out = append(out, v)
		}
	}
	return out
}
