package cli

import (
	"context"
	"fmt"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/site"
)

func reloadCommand() *command {
	return &command{
		name: "reload", args: "[--json] DIR", short: "load a site anew in the gateway that serves it",
		long: `Asks the gateway that serves the site in DIR to load it anew, and waits for the
result. A good site is in force when this command returns; requests and streams
that have begun go on. A bad one is reported, and the one before stays in force.

The gateway is found by the state directory that the site names. Its socket
accepts the gateway's own user and root.`,
		flags: jsonFlag, min: 1, max: 1, run: runReload,
	}
}

func runReload(ctx context.Context, env *Env, opt any, args []string) error {
	state, err := app.StateDirectory(args[0])
	if err != nil {
		return err
	}
	r, err := admin.NewClient(state).Reload(ctx)
	if err != nil {
		return err
	}
	if *opt.(*bool) {
		if err := writeJSON(env.Stdout, r); err != nil {
			return err
		}
	} else {
		shown := site.Problems{}
		for _, p := range r.Problems {
			if p.Severity != site.Note {
				shown = append(shown, p)
			}
		}
		writeProblems(env.Stderr, coloursFor(env.Stderr, env), shown)
	}
	if !r.Accepted {
		if !*opt.(*bool) {
			fmt.Fprintf(env.Stderr, "refused: %s; the site before stays in force\n", summary(r.Problems))
		}
		return errSilent
	}
	if *opt.(*bool) {
		return nil
	}
	if r.Before == r.After {
		_, err = fmt.Fprintf(env.Stdout, "reloaded: unchanged, %s\n", r.After)
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "reloaded: %s, before %s\n", r.After, r.Before)
	return err
}
