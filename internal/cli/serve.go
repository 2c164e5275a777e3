package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

func serveCommand() *command {
	return &command{
		name: "serve", args: "[--detached] [--accept-older-state] DIR", short: "serve a site",
		long: `Loads, checks and serves the site in DIR, for production: a site that trusts the
emulator's issuer, CA or keys is refused.

SIGHUP and "cloister reload DIR" load the site anew. A good one is in force at
once and ends no request and no stream; a bad one is reported and the one before
stays. The site's name, listeners, health.address, admin.listener, audit,
state.directory, state.postgres, state.staleAfter, limits.memoryBytes, the access
log's place and the collector (telemetry.otlp) change with a restart only.
Renewed certificate files are taken into use by themselves.

SIGTERM and SIGINT turn readiness off, stop accepting, let open requests go on
for drainTimeout, then cut them, streams with an error event. A second signal
cuts at once.

Access records go where telemetry.accessLog says (standard output by default),
what the operator should know to standard error, both as lines of JSON. /livez,
/readyz and /metrics stand on health.address.

Where network.subnet says in which subnet the gateway stands, one of the host's
addresses has to lie in it: the security rules of that subnet hold for every
connection. --detached serves elsewhere, for a site that only describes; it says
so at every start, and enforces no rule.

Under systemd it says when it is ready, reloading and stopping (Type=notify or
notify-reload), secrets may be systemd credentials, and sockets that it passes
(LISTEN_FDS) take the place of listeners of the same address and port.`,
		flags: func(fs *flag.FlagSet) any {
			o := &serveOptions{}
			fs.BoolVar(&o.olderState, "accept-older-state", false, "serve a state that was restored from a backup or rolled back: keys that were deleted, suspended or rotated since then open again")
			fs.BoolVar(&o.detached, "detached", false, "serve on a host outside the gateway's subnet (network.subnet), without security rules")
			return o
		},
		examples: []entry{
			{"cloister serve /etc/cloister/site", "serve a site; what is wrong with it is printed"},
			{"cloister serve site >access.log 2>cloister.log", "keep access records and the operator's log apart"},
		},
		files: []entry{
			{"DIR/cloister.yaml", "the site, with DIR/apim and DIR/tls"},
			{"DIR/state", "durable state, owned by one process; state.directory names another place"},
			{"DIR/state/audit", "the audit log: checkpoint, tiles and its verifier key"},
			{"DIR/state/admin.sock", "the operator's door: where other commands ask"},
		},
		failed: "the site was refused, or the machine does not let it run",
		min:    1, max: 1, run: runServe,
	}
}

type serveOptions struct{ olderState, detached bool }

func runServe(ctx context.Context, env *Env, opt any, args []string) error {
	if err := servesHere(); err != nil {
		return err
	}
	if err := isSite(args[0]); err != nil {
		return err
	}
	hangup := make(chan struct{}, 1)
	stop, cut, free := stopping(ctx, hear(env, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP), hangup)
	defer free()
	sockets, err := app.TakeSockets(app.Activation{LookupEnv: env.LookupEnv, Unsetenv: os.Unsetenv, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("taking the service manager's sockets: %w", err)
	}
	log := slog.New(slog.NewJSONHandler(env.Stderr, nil))
	if err := secret.NoCoreDumps(); err != nil {
		log.Warn("core dumps stay on, and they would hold secrets", "error", err)
	}
	p, problems, err := app.Start(ctx, app.Options{
		AcceptOlderState: opt.(*serveOptions).olderState, Detached: opt.(*serveOptions).detached,
		Dir: args[0], Secrets: secretsOf(env), Stdout: env.Stdout, Stderr: env.Stderr, Log: log, Build: env.build,
		Sockets: sockets,
	})
	if at := new(net.OpError); errors.As(err, &at) && at.Op == "listen" && errors.Is(err, syscall.EADDRINUSE) {
		return mended(err, "stop what listens there, or name another port in listeners or health.address of cloister.yaml")
	}
	if err != nil {
		return err
	}
	if p == nil {
		writeProblems(env.Stderr, coloursFor(env.Stderr, env), withoutNotes(problems))
		fmt.Fprintf(env.Stderr, "refused: %s\n", summary(problems))
		return errSilent
	}
	logWarnings(log, problems)
	s := p.Site()
	log.Info("serving", "site", s.Config.Name, "digest", s.Digest, "listeners", addresses(p), "health", health(p))
	g := &serving{process: p, log: log, notify: newNotifier(env, log)}
	return g.run(stop, cut, hangup)
}

// logWarnings logs what somebody should look at. Notes are for "check".
func logWarnings(log *slog.Logger, problems site.Problems) {
	for _, p := range problems {
		if p.Severity == site.Warning {
			log.Warn("site", "at", p.Pos.String(), "code", p.Code, "message", p.Message, "mend", p.Mend)
		}
	}
}

// secretsOf is where references to secrets are looked up.
func secretsOf(env *Env) secret.Env {
	credentials, _ := env.LookupEnv("CREDENTIALS_DIRECTORY")
	return secret.Env{LookupEnv: env.LookupEnv, CredentialsDir: credentials}
}

func addresses(p *app.Process) []string {
	var out []string
	for _, a := range p.Addrs() {
		out = append(out, a.String())
	}
	return out
}

// health is where the probes stand, or "none".
func health(p *app.Process) string {
	if at := p.Health(); at.IsValid() {
		return at.String()
	}
	return "none"
}

// serving is a gateway in production.
type serving struct {
	process *app.Process
	log     *slog.Logger
	notify  notifier
}

// run reloads at each hangup until stop or the end of a listener ends the
// process; then it drains, and cuts when cut ends.
func (g *serving) run(stop, cut context.Context, hangup <-chan struct{}) error {
	g.notify.ready()
	failure := g.wait(stop, hangup)
	g.notify.stopping()
	if err := g.process.Shutdown(cut); err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	if failure != nil {
		return failure
	}
	g.log.Info("stopped")
	return nil
}

func (g *serving) wait(stop context.Context, hangup <-chan struct{}) error {
	for {
		select {
		case <-hangup:
			g.reload(stop)
		case err := <-g.process.Failed():
			return err
		case <-stop.Done():
			g.log.Info("stopping")
			return nil
		}
	}
}

// reload is SIGHUP's. The process logs what came of it.
func (g *serving) reload(ctx context.Context) {
	g.notify.reloading()
	r, err := g.process.Reload(ctx)
	switch {
	case err != nil:
		g.log.Error("reload failed", "error", err)
	case r.Accepted():
		logWarnings(g.log, r.Problems)
	}
	g.notify.ready()
}
