package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Env is what a command takes from its surroundings.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// LookupEnv is os.LookupEnv, or a test's.
	LookupEnv func(string) (string, bool)
	// Signals yields signals; nil: there are none. See [Notify].
	Signals <-chan os.Signal
	// Version and Commit are what the linker was told; both may be empty.
	Version, Commit string

	build telemetry.Build
}

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
	// run does it. opt is what flags returned.
	run func(ctx context.Context, env *Env, opt any, args []string) error
	// min and max bound the number of arguments.
	min, max int
	// subcommands in the place of run.
	subcommands []*command
}

// commands is every command, in the order of the list.
func commands() []*command {
	return []*command{
		upCommand(), initCommand(), checkCommand(), serveCommand(), reloadCommand(), caCommand(), versionCommand(),
	}
}

// errSilent ends a command that has said what is wrong.
var errSilent = errors.New("failed")

// usageError is a command line that was not understood.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Main runs a command line without the program's name and returns the exit
// code.
func Main(ctx context.Context, args []string, env Env) int {
	env.build = telemetry.ReadBuild(env.Version, env.Commit)
	if len(args) == 0 {
		writeOverview(env.Stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-h", "-help":
		return help(args[1:], &env)
	case "--version", "-version":
		args[0] = "version"
	}
	return dispatch(ctx, "cloister", commands(), args, &env)
}

// help prints the overview, or the manual of the command that args name.
func help(args []string, env *Env) int {
	list, path := commands(), "cloister"
	var found *command
	for _, name := range args {
		if found = find(list, name); found == nil {
			return unknown(path, list, name, env)
		}
		list, path = found.subcommands, path+" "+name
	}
	if found == nil {
		writeOverview(env.Stdout)
		return exitFine
	}
	writeManual(env.Stdout, path, found)
	return exitFine
}

func find(list []*command, name string) *command {
	for _, c := range list {
		if c.name == name {
			return c
		}
	}
	return nil
}

func unknown(path string, list []*command, name string, env *Env) int {
	names := make([]string, 0, len(list))
	for _, c := range list {
		names = append(names, c.name)
	}
	fmt.Fprintf(env.Stderr, "%s: there is no command %q", path, name)
	if near := site.Nearest(name, names); near != "" {
		fmt.Fprintf(env.Stderr, "; did you mean %q?", near)
	}
	fmt.Fprintf(env.Stderr, "\nRun \"%s --help\" for what there is.\n", path)
	return exitUsage
}

// dispatch finds the command that args begin with and runs it.
func dispatch(ctx context.Context, path string, list []*command, args []string, env *Env) int {
	c := find(list, args[0])
	if c == nil {
		return unknown(path, list, args[0], env)
	}
	path += " " + c.name
	args = args[1:]
	if c.subcommands == nil {
		return execute(ctx, path, c, args, env)
	}
	switch {
	case len(args) == 0:
		writeManual(env.Stderr, path, c)
		return exitUsage
	case isHelp(args[0]):
		writeManual(env.Stdout, path, c)
		return exitFine
	}
	return dispatch(ctx, path, c.subcommands, args, env)
}

func isHelp(arg string) bool { return arg == "--help" || arg == "-help" || arg == "-h" }

// execute parses flags, which may stand before and behind arguments, and runs.
func execute(ctx context.Context, path string, c *command, args []string, env *Env) int {
	fs, opt := c.flagSet()
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				writeManual(env.Stdout, path, c)
				return exitFine
			}
			return complain(env, path, &usageError{dashes(err.Error())})
		}
		args = fs.Args()
		if len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	switch {
	case len(rest) < c.min:
		return complain(env, path, &usageError{"an argument is missing: " + path + " " + c.args})
	case len(rest) > c.max:
		return complain(env, path, &usageError{fmt.Sprintf("one argument too many: %q", rest[c.max])})
	}
	return complain(env, path, c.run(ctx, env, opt, rest))
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

// dashes writes flags the way the manual does: package flag names them with
// one dash.
func dashes(s string) string {
	return strings.NewReplacer(" -", " --", "for -", "for --").Replace(strings.ReplaceAll(s, "--", "-"))
}

// complain says what went wrong and returns the exit code.
func complain(env *Env, path string, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &usage):
		fmt.Fprintf(env.Stderr, "%s: %s\nRun \"%s --help\" for its manual.\n", path, usage.text, path)
		return exitUsage
	case errors.Is(err, errSilent):
		return exitFailed
	}
	fmt.Fprintf(env.Stderr, "%s: %v\n", path, err)
	return exitFailed
}
