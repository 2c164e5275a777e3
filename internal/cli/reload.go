package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
)

func reloadCommand() *command {
	return &command{
		name: "reload", args: "[--json] DIR", short: "load a site anew in the gateway that serves it",
		long: `Asks the gateway that serves the site in DIR to load it anew, and waits for the
result. A good site is in force when this command returns; requests and streams
that have begun go on. A bad one is reported, and the one before stays in force.

The gateway is found by the state directory that the site names. Its socket
accepts the gateway's own user and root.`,
		flags: jsonFlag,
		examples: []entry{
			{"cloister check site && cloister reload site", "look first, then take a change into use"},
			{"cloister reload --json site | jq -r .after", "the digest of the site that is in force now"},
		},
		files:  []entry{{"DIR/state/admin.sock", "where it asks; state.directory names another place"}},
		failed: "the site was refused, or no gateway serves it",
		min:    1, max: 1, run: runReload,
	}
}

func runReload(ctx context.Context, env *Env, opt any, args []string) error {
	if err := isSite(args[0]); err != nil {
		var m *mendedError
		if errors.As(err, &m) {
			err = m.err // a new site is not what is missing
		}
		return mended(err, "give the directory of the site that the gateway serves")
	}
	state, problems := app.StateDirectory(args[0])
	if state == "" {
		writeProblems(env.Stderr, coloursFor(env.Stderr, env), withoutNotes(problems))
		fmt.Fprintf(env.Stderr, "refused: %s; what is in force stays in force\n", summary(problems))
		return errSilent
	}
	r, err := admin.NewClient(state).Reload(ctx)
	if errors.Is(err, admin.ErrNobody) {
		return mended(err, "cloister serve %s starts one", shellQuote(args[0]))
	}
	if err != nil {
		return err
	}
	if *opt.(*bool) {
		r.Problems = withoutNotes(r.Problems)
		err = writeJSON(env.Stdout, r)
	} else {
		err = writeReloaded(env, r)
	}
	if err == nil && !r.Accepted {
		err = errSilent
	}
	return err
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
