package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/cloister-ai/cloister/internal/admin"
)

func reloadCommand() *command {
	return &command{
		name: "reload", args: doorArgs + " [--json] [DIR]", short: "load a site anew in the gateway that serves it",
		long: `Asks the gateway that serves the site in DIR to load it anew, and waits for the
result. A good site is in force when this command returns; requests and streams
that have begun go on. A bad one is reported, and the one before stays in force.

The gateway is found by the state directory that the site names. Its socket
accepts the gateway's own user and root. DIR may also be given with --dir; from
elsewhere --server asks the door of admin.listener, and the gateway loads the
files on its own machine. Role: operator.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister check site && cloister reload site", "look first, then take a change into use"},
			{"cloister reload --json site | jq -r .after", "the digest of the site that is in force now"},
		},
		files:  []entry{{"DIR/state/admin.sock", "where it asks; state.directory names another place"}},
		failed: "the site was refused, or no gateway serves it",
		max:    1, run: runReload,
	}
}

func runReload(ctx context.Context, env *Env, opt any, args []string) error {
	d := opt.(*door)
	if len(args) == 1 {
		if d.dir != "" || d.server != "" {
			return &usageError{fmt.Sprintf("%q is one way in too many: give DIR, --dir DIR or --server URL", args[0])}
		}
		if err := isSite(args[0]); err != nil {
			var m *mendedError
			if errors.As(err, &m) {
				err = m.err // a new site is not what is missing
			}
			return mended(err, "give the directory of the site that the gateway serves")
		}
		d.dir = args[0]
	}
	return d.ask(ctx, env, func(ctx context.Context, c *admin.Client) error {
		r, err := c.Reload(ctx)
		switch {
		case err != nil:
			return err
		case d.json:
			r.Problems = withoutNotes(r.Problems)
			err = writeJSON(env.Stdout, r)
		default:
			err = writeReloaded(env, r)
		}
		if err == nil && !r.Accepted {
			err = errSilent
		}
		return err
	})
}

func writeReloaded(env *Env, r admin.Reloaded) error {
	writeProblems(env.Stderr, coloursFor(env.Stderr, env), withoutNotes(r.Problems))
	var err error
	switch {
	case !r.Accepted:
		_, err = fmt.Fprintf(env.Stderr, "refused: %s; the site before stays in force\n", summary(r.Problems))
	case r.Before == r.After:
		_, err = fmt.Fprintf(env.Stdout, "reloaded: unchanged, %s\n", r.After)
	default:
		_, err = fmt.Fprintf(env.Stdout, "reloaded: %s\nbefore:   %s\n", r.After, r.Before)
	}
	return err
}
