package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

type upOptions struct {
	dir, listen string
	acceptOlder bool
}

func upCommand() *command {
	return &command{
		name: "up", args: "[--dir DIR] [--listen HOST:PORT] [--accept-older-state]", short: "bring up the whole architecture on this machine",
		long: `Starts emulated Azure OpenAI and Entra ID, and the gateway before them, for
development. Nothing else is needed: no cloud account, no container, no root.

When everything answers it writes DIR/cloister.env, shell lines with the
addresses and secrets that an application needs, and prints three commands to
try. Ctrl-C stops it; the next start finds its state and its key again. Its own
subscription, "development", is active after every start.

Two run side by side, each with a directory and a port of its own.`,
		flags: func(fs *flag.FlagSet) any {
			o := &upOptions{}
			fs.StringVar(&o.dir, "dir", "", "keep everything in `DIR`; default: ~/.local/state/cloister")
			fs.BoolVar(&o.acceptOlder, "accept-older-state", false, "start with a state that was restored from a backup")
			fs.StringVar(&o.listen, "listen", "127.0.0.1:8443", "where the gateway stands, `HOST:PORT`: a loopback or private address of this machine; port 0 takes a free one")
			return o
		},
		examples: []entry{
			{"cloister up", "everything on 127.0.0.1:8443"},
			{"cloister up --dir /tmp/second --listen 127.0.0.1:0", "another one beside it"},
			{". ~/.local/state/cloister/cloister.env && go run .", "run an application against it"},
		},
		files: []entry{
			{"DIR/cloister.env", "shell lines with addresses and secrets, for one user's eyes (mode 0600)"},
			{"DIR/ca.pem", "the CA that clients have to trust"},
			{"DIR/audit.pub", "the key that verifies the audit log in DIR/state/audit"},
			{"DIR/access.log", "one line of JSON for each request"},
			{"DIR/site", "the site, written anew at every start"},
			{"DIR/state", "durable state"},
		},
		failed: "the address, the port or the directory cannot be had, or something ended by itself",
		run:    runUp,
	}
}

func runUp(ctx context.Context, env *Env, opt any, _ []string) error {
	if err := servesHere(); err != nil {
		return err
	}
	if err := secret.NoCoreDumps(); err != nil {
		fmt.Fprintf(env.Stderr, "cloister up: core dumps stay on: %v\n", err)
	}
	o := opt.(*upOptions)
	listen, err := parseListen(o.listen)
	if err != nil {
		return err
	}
	dir := o.dir
	if dir == "" {
		if dir, err = userStateDir(env); err != nil {
			return err
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	stop, cut, free := stopping(ctx, hear(env, signals...), nil)
	defer free()
	u := &up{
		dir: dir, listen: listen, acceptOlder: o.acceptOlder, out: env.Stdout, build: env.build,
		log: slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	return u.run(stop, cut)
}

// parseListen reads --listen. The development architecture stands where only
// this machine or its private network reaches it.
func parseListen(raw string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(raw)
	if err != nil || at.Addr().Zone() != "" {
		text := fmt.Sprintf("--listen %q is not an IP address and a port, such as 127.0.0.1:8443 or [::1]:8443", raw)
		if host, _, err := net.SplitHostPort(raw); err == nil && host != "" && net.ParseIP(host) == nil {
			text = fmt.Sprintf("--listen %q: %q is a name; give an address and a port, such as 127.0.0.1:8443", raw, host)
		}
		return at, &usageError{text}
	}
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	private := func(p netip.Prefix) bool { return p.Contains(at.Addr()) }
	if at.Addr().IsLoopback() || slices.ContainsFunc(site.DefaultPrivatePrefixes(), private) {
		return at, nil
	}
	what := "is a public address"
	if at.Addr().IsUnspecified() {
		what = "is every address of this machine, public ones included"
	}
	return at, mended(fmt.Errorf("--listen %s: %s %s", raw, at.Addr(), what),
		"give a loopback or private address, such as 127.0.0.1:%d", at.Port())
}

// userStateDir is where a user's programs keep state (XDG Base Directory).
func userStateDir(env *Env) (string, error) {
	if dir, ok := env.LookupEnv("XDG_STATE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "cloister"), nil
	}
	home, _ := env.LookupEnv("HOME")
	if !filepath.IsAbs(home) {
		why := "HOME is not set"
		if home != "" {
			why = fmt.Sprintf("HOME is %q, which is no absolute path", home)
		}
		return "", mended(errors.New("there is no place for state: "+why), "cloister up --dir DIR")
	}
	return filepath.Join(home, ".local", "state", "cloister"), nil
}
