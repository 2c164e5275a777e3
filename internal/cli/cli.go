package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloister-ai/cloister/internal/lab"
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
	Stdout, Stderr io.Writer
	// Stdin is read by commands that take "-" for a file; nil: os.Stdin.
	Stdin io.Reader
	// LookupEnv is os.LookupEnv, or a test's.
	LookupEnv func(string) (string, bool)
	// Signals begins to yield the signals that a command names; nil: there are
	// none. Commands that do not call it end by a signal as every program does.
	// See [Signals].
	Signals func(...os.Signal) <-chan os.Signal
	// Version and Commit are what the linker was told; both may be empty.
	Version, Commit string

	build telemetry.Build
}

// stdin is where "-" is read from.
func (e *Env) stdin() io.Reader {
	if e.Stdin == nil {
		return os.Stdin
	}
	return e.Stdin
}

// commands is every command, in the order of the list.
func commands() []*command {
	return []*command{
		upCommand(), initCommand(), checkCommand(), serveCommand(), reloadCommand(), statusCommand(), healthCommand(),
		policyCommand(), networkCommand(), subscriptionCommand(), keyCommand(), auditCommand(), backupCommand(), restoreCommand(), caCommand(),
		labCommand(), versionCommand(),
	}
}

// Main runs a command line without the program's name and returns the exit
// code.
func Main(ctx context.Context, args []string, env Env) int {
	lab.Main() // where this process is one of a lab's own
	env.build = telemetry.ReadBuild(env.Version, env.Commit)
	if len(args) == 0 {
		writeOverview(env.Stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-h", "-help":
		return help(args[1:], &env)
	case "--version", "-version":
		args = append([]string{"version"}, args[1:]...)
	}
	return dispatch(ctx, "cloister", commands(), args, &env)
}

// help prints the overview, or the manual of the command that args name.
func help(args []string, env *Env) int {
	list, path := commands(), "cloister"
	var found *command
	for _, name := range args {
		if isHelp(name) {
			break
		}
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

// unknown complains about a command that is not in list.
func unknown(path string, list []*command, name string, env *Env) int {
	text := fmt.Sprintf("there is no command %q", name)
	switch {
	case strings.HasPrefix(name, "-"):
		text = fmt.Sprintf("a command is missing before %s: %s", name, names(list))
	case len(list) == 0:
		text = fmt.Sprintf("it has no command %q", name)
	default:
		if near := site.Nearest(name, strings.Split(names(list), ", ")); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		} else {
			text += "; there are: " + names(list)
		}
	}
	return complain(env, path, &usageError{text})
}

func names(list []*command) string {
	out := make([]string, 0, len(list))
	for _, c := range list {
		out = append(out, c.name)
	}
	return strings.Join(out, ", ")
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
		return complain(env, path, &usageError{"a command is missing: " + names(c.subcommands)})
	case isHelp(args[0]):
		writeManual(env.Stdout, path, c)
		return exitFine
	}
	return dispatch(ctx, path, c.subcommands, args, env)
}

func isHelp(arg string) bool { return arg == "--help" || arg == "-help" || arg == "-h" }

// execute parses the command line and runs the command.
func execute(ctx context.Context, path string, c *command, args []string, env *Env) int {
	opt, rest, err := c.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		writeManual(env.Stdout, path, c)
		return exitFine
	case err != nil:
		return complain(env, path, err)
	case len(rest) < c.min:
		return complain(env, path, &usageError{"an argument is missing: " + path + " " + c.args})
	case len(rest) > c.max:
		return complain(env, path, &usageError{fmt.Sprintf("one argument too many: %q", rest[c.max])})
	}
	return complain(env, path, c.run(ctx, env, opt, rest))
}
