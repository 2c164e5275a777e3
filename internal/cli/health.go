package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/cloister-ai/cloister/internal/admin"
)

func healthCommand() *command {
	return &command{
		name: "health", args: doorArgs + " [--json]", short: "say whether the gateway takes requests",
		long: `Prints one line and says the same by its exit code: for the health check of a
container, whose image holds nothing else. It asks the gateway that runs, and
never the state directory itself.

Role: reader.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister health --dir /site", "in a health check of a container"},
			{"until cloister health --dir site; do sleep 1; done", "wait until it takes requests"},
		},
		failed: "it takes no requests, or none runs",
		run: func(ctx context.Context, env *Env, opt any, _ []string) error {
			d := opt.(*door)
			return d.ask(ctx, env, func(ctx context.Context, c *admin.Client) error {
				h, err := c.Health(ctx)
				if err != nil {
					return err
				}
				return writeHealth(env, d.json, h)
			})
		},
	}
}

func writeHealth(env *Env, asJSON bool, h admin.Health) (err error) {
	switch {
	case asJSON:
		err = writeJSON(env.Stdout, h)
	case h.Ready:
		_, err = fmt.Fprintln(env.Stdout, "ready")
	default:
		why, mend := cutMend(h.Reason)
		if mend != "" {
			mend = "\n    mend: " + printed(mend)
		}
		_, err = fmt.Fprintf(env.Stdout, "not ready: %s%s\n", printed(why), mend)
	}
	if !h.Ready {
		err = errors.Join(err, errSilent)
	}
	return err
}
