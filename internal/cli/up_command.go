package cli

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
)

type upOptions struct{ dir, listen string }

func upCommand() *command {
	return &command{
		name: "up", args: "[--dir DIR] [--listen HOST:PORT]", short: "bring up the whole architecture on this machine",
		long: `Starts emulated Azure OpenAI and Entra ID, and the gateway before them, for
development. Nothing else is needed: no cloud account, no container, no root.

When everything answers it writes DIR/cloister.env, shell lines with the
addresses and secrets that an application needs, and prints three commands to
try. Ctrl-C stops it; the next start finds its state and its key again.

Two run side by side, each with a directory and a port of its own.`,
		flags: func(fs *flag.FlagSet) any {
			o := &upOptions{}
			fs.StringVar(&o.dir, "dir", "", "keep everything in `DIR`; default: ~/.local/state/cloister")
			fs.StringVar(&o.listen, "listen", "127.0.0.1:8443", "where the gateway stands, `HOST:PORT`; port 0 takes a free one")
			return o
		},
		run: runUp,
	}
}

func runUp(ctx context.Context, env *Env, opt any, _ []string) error {
	o := opt.(*upOptions)
	listen, err := netip.ParseAddrPort(o.listen)
	if err != nil {
		return &usageError{fmt.Sprintf("--listen %q is not an IP address and a port, such as 127.0.0.1:8443", o.listen)}
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-env.Signals:
			stop()
		case <-ctx.Done():
		}
	}()
	u := &up{
		dir: dir, listen: listen, out: env.Stdout, build: env.build,
		log: slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	return u.run(ctx)
}

// userStateDir is where a user's programs keep state (XDG Base Directory).
func userStateDir(env *Env) (string, error) {
	if dir, ok := env.LookupEnv("XDG_STATE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "cloister"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for state: %w; give one with --dir", err)
	}
	return filepath.Join(home, ".local", "state", "cloister"), nil
}
