package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/cloister-ai/cloister/internal/site"
)

// command is one command with its manual.
type command struct {
	name string
	// args is what follows the name: "[--json] DIR".
	args string
	// short is one line for the list, without a full stop.
	short string
	// long is the manual's text: paragraphs, already broken into lines.
	long string
	// flags declares the command's flags; nil: there are none.
	flags func(*flag.FlagSet) any
	// examples are command lines, each with what it does.
	examples []entry
	// files are what it reads and writes.
	files []entry
	// failed says what exit code 1 means; empty: that it failed.
	failed string
	// run does it. opt is what flags returned.
	run func(ctx context.Context, env *Env, opt any, args []string) error
	// min and max bound the number of arguments.
	min, max int
	// subcommands in the place of run.
	subcommands []*command
}

// entry is a line of a manual's list: a name and what it is.
type entry struct{ name, text string }

// parse reads flags, which may stand before and behind arguments; after "--"
// all are arguments.
func (c *command) parse(args []string) (opt any, rest []string, err error) {
	fs, opt := c.flagSet()
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, nil, err
			}
			return nil, nil, &usageError{flagError(fs, err)}
		}
		if name := emptyFlag(fs); name != "" {
			return nil, nil, &usageError{flagError(fs, errors.New(needsArgument+name))}
		}
		parsed := len(args) - fs.NArg()
		if parsed > 0 && args[parsed-1] == "--" {
			return opt, append(rest, fs.Args()...), nil
		}
		if fs.NArg() == 0 {
			return opt, rest, nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
}

func (c *command) flagSet() (*flag.FlagSet, any) {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var opt any
	if c.flags != nil {
		opt = c.flags(fs)
	}
	return fs, opt
}

// needsArgument is how package flag begins to say that a value is missing.
const needsArgument = "flag needs an argument: -"

// emptyFlag is a flag that was given an empty value, as by a variable that is
// not set: no default is meant by that.
func emptyFlag(fs *flag.FlagSet) (name string) {
	fs.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" {
			name = f.Name
		}
	})
	return name
}

// flagError says what is wrong with a flag the way the manual writes flags:
// package flag has one dash and texts of its own.
func flagError(fs *flag.FlagSet, err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var known []string
		fs.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
		text = "there is no flag " + dashes(name) + name
		if near := site.Nearest(name, known); near != "" {
			text += "; did you mean --" + near + "?"
		} else if name[0] >= '0' && name[0] <= '9' {
			text += "; mend: -- before an argument that begins with -"
		}
		return text
	}
	if name, ok := strings.CutPrefix(text, needsArgument); ok {
		value, _ := flag.UnquoteUsage(fs.Lookup(name))
		return "a value is missing: " + dashes(name) + name + " " + value
	}
	if rest, ok := strings.CutPrefix(text, "invalid boolean value "); ok {
		value, rest, _ := strings.Cut(rest, " for -")
		name, _, _ := strings.Cut(rest, ":")
		return "--" + name + " takes no value, or true or false, not " + value
	}
	if rest, ok := strings.CutPrefix(text, "invalid value "); ok {
		value, rest, _ := strings.Cut(rest, " for flag -")
		name, _, _ := strings.Cut(rest, ":")
		return dashes(name) + name + " takes a number, not " + value
	}
	return text
}

// errSilent ends a command that has said what is wrong.
var errSilent = errors.New("failed")

// usageError is a command line that was not understood.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// mendedError is a failure with what the user can do about it.
type mendedError struct {
	err  error
	mend string
}

func (e *mendedError) Error() string { return e.err.Error() }

func (e *mendedError) Unwrap() error { return e.err }

func mended(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &mendedError{err, fmt.Sprintf(format, args...)}
}

// inlineMend is how errors of lower rooms say what would help.
const inlineMend = "; mend: "

// cutMend parts what went wrong from what would help: of several mends, as
// rooms add them one upon the other, the innermost, which knows most.
func cutMend(text string) (said, mend string) {
	said, mend, _ = strings.Cut(text, inlineMend)
	mend, _, _ = strings.Cut(mend, inlineMend)
	return said, mend
}

// nobodyReads reports that standard output is a pipe whose reader has gone, as
// in "cloister audit export site | head": it has what it wanted.
func nobodyReads(err error) bool {
	var at *fs.PathError
	return errors.As(err, &at) && at.Path == os.Stdout.Name() && errors.Is(at, syscall.EPIPE)
}

// complain says what went wrong and returns the exit code.
func complain(env *Env, path string, err error) int {
	var usage *usageError
	var code exitCode
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(env.Stderr, "%s: %s\nRun \"%s --help\" for its manual.\n", path, printedLines(usage.text), path)
		return exitUsage
	case errors.Is(err, errSilent), nobodyReads(err):
		return exitFailed
	}
	text, mend := err.Error(), ""
	var m *mendedError
	if errors.As(err, &m) {
		mend = m.mend
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") { // of joined errors each has its own
		said, own := cutMend(line)
		if own != "" && mend == "" {
			said += "\n    mend: " + own
		}
		lines = append(lines, said)
	}
	text = strings.Join(lines, "\n")
	fmt.Fprintf(env.Stderr, "%s: %s\n", path, printedLines(text))
	if mend != "" {
		fmt.Fprintf(env.Stderr, "    mend: %s\n", printedLines(mend))
	}
	return exitFailed
}
