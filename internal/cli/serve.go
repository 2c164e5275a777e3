package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/secret"
)

func serveCommand() *command {
	return &command{
		name: "serve", args: "DIR", short: "serve a site",
		long: `Loads, checks and serves the site in DIR, for production: a site that trusts the
emulator's issuer, CA or keys is refused.

SIGHUP and "cloister reload DIR" load the site anew. A good one is in force at
once and ends no request and no stream; a bad one is reported and the one before
stays. Listeners, health, state and the collector change with a restart only.

SIGTERM and SIGINT turn readiness off, stop accepting, let open requests go on
for drainTimeout, then cut them, streams with an error event. A second signal
cuts at once.

Access records go where telemetry.accessLog says (standard output by default),
what the operator should know to standard error, both as lines of JSON.`,
		min: 1, max: 1, run: runServe,
	}
}

func runServe(ctx context.Context, env *Env, _ any, args []string) error {
	log := slog.New(slog.NewJSONHandler(env.Stderr, nil))
	p, problems, err := app.Start(ctx, app.Options{
		Dir: args[0], Secrets: secretsOf(env), Stdout: env.Stdout, Stderr: env.Stderr, Log: log, Build: env.build,
	})
	if err != nil {
		return err
	}
	if p == nil {
		writeProblems(env.Stderr, coloursFor(env.Stderr, env), problems)
		return errSilent
	}
	for _, problem := range problems {
		log.Warn("site", "at", problem.Pos.String(), "code", problem.Code, "message", problem.Message, "mend", problem.Mend)
	}
	log.Info("serving", "site", p.Site().Config.Name, "digest", p.Site().Digest, "listeners", addresses(p), "health", p.Health().String())
	return wait(ctx, env, p, log)
}

// secretsOf is where references to secrets are looked up.
func secretsOf(env *Env) secret.Env {
	credentials, _ := env.LookupEnv("CREDENTIALS_DIRECTORY")
	return secret.Env{LookupEnv: env.LookupEnv, CredentialsDir: credentials}
}

func addresses(p *app.Process) string {
	var out []string
	for _, a := range p.Addrs() {
		out = append(out, a.String())
	}
	return strings.Join(out, " ")
}

// wait reloads on SIGHUP until a signal, the end of ctx, or a listener's end
// stops the process; then it drains.
func wait(ctx context.Context, env *Env, p *app.Process, log *slog.Logger) error {
	var failure error
	for running := true; running; {
		select {
		case s := <-env.Signals:
			if s != syscall.SIGHUP {
				log.Info("stopping", "signal", s.String())
				running = false
				break
			}
			if _, err := p.Reload(ctx); err != nil {
				log.Error("reload failed", "error", err)
			}
		case failure = <-p.Failed():
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	drain, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	go func() {
		for {
			select {
			case s := <-env.Signals:
				if s != syscall.SIGHUP {
					cut()
					return
				}
			case <-drain.Done():
				return
			}
		}
	}()
	if err := p.Shutdown(drain); err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	return failure
}

// Signals are those that commands hear.
func Signals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} }
