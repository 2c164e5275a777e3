package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/cloister-ai/cloister/internal/secret"
)

// errInterrupted: who sits at the terminal wants no more.
var errInterrupted = errors.New("interrupted")

// terminal is the controlling terminal, whatever standard input and output are:
// a passphrase is asked there while they are pipes.
type terminal struct {
	in, out *os.File
	// lines keeps what was typed ahead from one question to the next.
	lines   *term.Terminal
	before  *term.State
	release func() bool
}

// openTerminal finds the terminal and switches its echo off. The end of ctx
// ends a question.
func openTerminal(ctx context.Context) (*terminal, error) {
	in, out, err := openTTY()
	if err != nil {
		return nil, err
	}
	t := &terminal{in: in, out: out}
	t.lines = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
	// Where a question is too long the terminal itself goes on below, and breaks
	// no word off by a character of its own.
	if err := t.lines.SetSize(1<<12, 24); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	// Raw, not only without echo: Ctrl-C is then a character that ends the
	// question, and no signal that leaves the terminal mute behind.
	if err := t.control(func(fd int) (err error) { t.before, err = term.MakeRaw(fd); return err }); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	t.release = context.AfterFunc(ctx, func() { _ = in.SetReadDeadline(time.Unix(1, 0)) })
	return t, nil
}

// control calls f with the terminal's descriptor. File.Fd would make it
// blocking, and a question could not be ended any more.
func (t *terminal) control(f func(fd int) error) error {
	raw, err := t.in.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return err
	}
	return result
}

// close gives the terminal back as it was.
func (t *terminal) close() {
	t.release()
	_ = t.control(func(fd int) error { return term.Restore(fd, t.before) })
	_ = t.in.Close()
	if t.out != t.in {
		_ = t.out.Close()
	}
}

// ask prints a question and reads a line that is not shown.
func (t *terminal) ask(question string) (secret.Value, error) {
	line, err := t.lines.ReadPassword(question)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded): // Ctrl-C, Ctrl-D; a signal
		fmt.Fprint(t.out, "\r\n")
		return secret.Value{}, errInterrupted
	case err != nil:
		return secret.Value{}, fmt.Errorf("reading from the terminal: %w", err)
	case line == "":
		return secret.Value{}, errors.New("an empty passphrase")
	}
	return secret.New(line), nil
}
