package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Run runs a command in a host and returns its exit code: 128 and the signal
// where one has ended it. When ctx ends the command is killed.
//
// Where standard input is the terminal of this process, and this process has
// it, the command gets it: keys that send signals reach the command alone, and
// a command that is stopped stops this process with it.
func (l *Lab) Run(ctx context.Context, cmd Command) (int, error) {
	w, err := l.connect()
	if err != nil {
		return 0, err
	}
	defer w.close()
	stop := context.AfterFunc(ctx, func() { w.conn.Close() })
	defer stop()
	files, release, err := cmd.files()
	if err != nil {
		return 0, err
	}
	defer release()
	t := terminalOf(files[0])
	if t != nil && l.ended != nil { // another session's terminal cannot be given away
		defer t.takeBack()
	} else {
		t = nil
	}
	req := execRequest{Host: cmd.Host, Argv: cmd.Argv, Env: cmd.Env, Dir: cmd.Dir, Terminal: t != nil, Bare: cmd.Bare}
	if req.Dir == "" {
		if req.Dir, err = os.Getwd(); err != nil {
			return 0, err
		}
	}
	if err := w.send(request{Exec: &req}, files...); err != nil {
		return 0, fmt.Errorf("asking the lab: %w", err)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-cmd.Signals:
				if n, ok := s.(syscall.Signal); ok {
					w.send(toCommand{Signal: n})
				}
			case <-done:
				return
			}
		}
	}()
	return l.follow(ctx, w, t)
}

// follow waits for the command's end.
func (l *Lab) follow(ctx context.Context, w *wire, t *terminal) (int, error) {
	for {
		var m fromCommand
		if err := w.receive(&m); err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			return 0, errors.New("the lab has ended before the command")
		}
		w.understood()
		switch {
		case m.Err != "":
			return m.Code, &CannotRunError{Code: m.Code, text: m.Err}
		case m.Ended:
			return m.Code, nil
		case m.Stopped:
			again := toCommand{Continue: true}
			if t != nil {
				again.Foreground = t.stopWith()
			}
			if t != nil {
				w.send(again)
			}
		}
	}
}

// files are the command's, and what is to be closed.
func (c *Command) files() (files []*os.File, release func(), err error) {
	files = []*os.File{c.Stdin, c.Stdout, c.Stderr}
	release = func() {}
	for i, f := range files {
		if f != nil {
			continue
		}
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			release()
			return nil, nil, err
		}
		before := release
		release = func() { before(); null.Close() }
		files[i] = null
	}
	return files, release, nil
}

// terminal is the controlling terminal, which this process has at present.
type terminal struct{ file *os.File }

// terminalOf is f where it is the terminal and this process stands before it.
func terminalOf(f *os.File) *terminal {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return nil
	}
	return &terminal{f}
}

// takeBack makes this process's group that of the terminal again. Asking for it
// from behind would stop us.
func (t *terminal) takeBack() {
	signal.Ignore(unix.SIGTTOU)
	defer signal.Reset(unix.SIGTTOU)
	unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TIOCSPGRP, unix.Getpgrp())
}

// stopWith stops this process, as its command was, until somebody continues it,
// and reports whether it stands before the terminal then.
func (t *terminal) stopWith() (foreground bool) {
	t.takeBack()
	unix.Kill(unix.Getpid(), unix.SIGSTOP)
	group, err := unix.IoctlGetInt(int(t.file.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
