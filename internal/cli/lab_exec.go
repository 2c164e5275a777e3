package cli

import (
	"context"
	"errors"
	"flag"

	"github.com/cloister-ai/cloister/internal/lab"
)

type labExecOptions struct{ dir, subnet string }

func labExecCommand() *command {
	return &command{
		name: "exec", args: "[--dir SITE] --subnet NAME -- CMD…", short: "run a command in the network that runs",
		long: `Runs CMD in a subnet of the network that "cloister lab up" has brought up, as the
same user.

` + labCommandText,
		flags: func(fs *flag.FlagSet) any {
			o := &labExecOptions{}
			fs.StringVar(&o.dir, "dir", ".", "the `SITE` whose network runs")
			fs.StringVar(&o.subnet, "subnet", "", "where CMD runs: the `NAME` of a subnet, a network interface or an endpoint, or internet")
			return o
		},
		examples: []entry{
			{"cloister lab exec --dir site --subnet app -- curl -v https://contoso.openai.azure.com", "what an application sees of the model that is behind a private endpoint"},
		},
		files:  []entry{{"SITE/state/lab.sock", "where it asks"}},
		failed: "no network of this site runs, or CMD's own",
		min:    1, max: maxCommand, run: runLabExec,
	}
}

func runLabExec(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*labExecOptions)
	if o.subnet == "" {
		return &usageError{"--subnet NAME is missing: where the command is to run"}
	}
	socket, err := labSocket(o.dir)
	if err != nil {
		return err
	}
	signals := hear(env, labSignals()...)
	l, err := lab.Join(ctx, socket)
	if errors.Is(err, lab.ErrNoLab) {
		return mended(err, "cloister lab up %s brings it up; cloister lab run does that for one command", shellQuote(o.dir))
	}
	if err != nil {
		return err
	}
	defer l.Close()
	return runInLab(ctx, env, l, signals, o.subnet, args)
}
