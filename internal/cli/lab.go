package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/lab"
)

func labCommand() *command {
	return &command{
		name: "lab", args: "up|exec|run|verify", short: "the site's network on this machine, in network namespaces",
		subcommands: []*command{labUpCommand(), labExecCommand(), labRunCommand(), labVerifyCommand()},
	}
}

// maxCommand bounds the arguments of a command that the lab runs.
const maxCommand = 1 << 16

// labCommandText is what manuals say of CMD.
const labCommandText = `CMD sees CLOISTER_URL, CLOISTER_DEPLOYMENT and CLOISTER_API_KEY, and trusts the
lab's CA by SSL_CERT_FILE and NODE_EXTRA_CA_CERTS. Names of Azure resolve as they
would in Azure. Files are this machine's; the network is the lab's alone. Its exit
code is passed on, 128 and the number of the signal where one has ended it; 126
and 127 mean that CMD could not be run.`

// labSocket is where the lab of a site is joined.
func labSocket(dir string) (string, error) {
	if err := isSite(dir); err != nil {
		return "", err
	}
	state, problems := app.StateDirectory(dir)
	if state == "" {
		if err := problems.Err(); err != nil {
			return "", err
		}
		return "", fmt.Errorf("%s is no site", dir)
	}
	return filepath.Join(state, lab.SocketName), nil
}

// fileOf is the file behind a stream, or nil.
func fileOf(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}

// exitCode ends a command with the exit code of another.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// labSignals are those that a command in the lab hears of.
func labSignals() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
}

// Of a command in the lab: how long it may take to end after SIGTERM, and which
// signal to end ends it for certain.
const (
	labGrace   = 10 * time.Second
	labPatient = 3
)

// passing sorts out signals while a command of the lab runs: the command is told
// first. The third one that asks for the end ends it, as does SIGTERM after
// labGrace.
func passing(signals <-chan os.Signal, give chan<- os.Signal, end func(), done <-chan struct{}) {
	asked := 0
	var late <-chan time.Time
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM && late == nil {
				late = time.After(labGrace)
			}
			if s == syscall.SIGTERM || s == syscall.SIGINT {
				if asked++; asked == labPatient {
					end()
				}
			}
			select {
			case give <- s:
			case <-done:
				return
			}
		case <-late:
			end()
		case <-done:
			return
		}
	}
}

// runInLab runs a command in a lab as long as that takes.
func runInLab(ctx context.Context, env *Env, l *lab.Lab, signals <-chan os.Signal, subnet string, argv []string) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	done := make(chan struct{})
	defer close(done)
	give := make(chan os.Signal)
	go passing(signals, give, end, done)
	code, err := l.Run(ctx, lab.Command{
		Host: subnet, Argv: argv, Env: os.Environ(), Signals: give,
		Stdin: fileOf(env.stdin()), Stdout: fileOf(env.Stdout), Stderr: fileOf(env.Stderr),
	})
	var cannot *lab.CannotRunError
	switch {
	case errors.As(err, &cannot):
		fmt.Fprintf(env.Stderr, "cloister lab: %s\n", err)
		return exitCode(cannot.Code)
	case errors.Is(err, context.Canceled):
		return exitCode(128 + int(syscall.SIGKILL))
	case err != nil:
		return err
	case code != 0:
		return exitCode(code)
	}
	return nil
}

// labFailed is what exit code 1 means.
const labFailed = "the site is not in order, or the kernel lets this user make no namespaces: it says which setting forbids them"

// stderrOf is where the lab itself may complain.
func stderrOf(w io.Writer) *os.File { return fileOf(w) }
