package cli

import (
	"context"
	"flag"
	"os"
	"syscall"

	"github.com/cloister-ai/cloister/internal/lab"
)

type labRunOptions struct{ site, subnet string }

func labRunCommand() *command {
	return &command{
		name: "run", args: "[--site DIR] --subnet NAME -- CMD…", short: "run a command in a network of its own",
		long: `Brings the site's network up as "cloister lab up" does, runs CMD in a subnet of it,
and takes it down. Several run side by side.

` + labCommandText,
		flags: func(fs *flag.FlagSet) any {
			o := &labRunOptions{}
			fs.StringVar(&o.site, "site", ".", "the `DIR` of the site")
			fs.StringVar(&o.subnet, "subnet", "", "where CMD runs: the `NAME` of a subnet, a network interface or an endpoint, or internet")
			return o
		},
		examples: []entry{
			{"cloister lab run --site site --subnet app -- npm test", "an application's tests, as in its subnet"},
			{"cloister lab run --site site --subnet internet -- curl https://contoso.openai.azure.com", "what the internet sees of the model: that public access is disabled"},
		},
		failed: labFailed + "; or CMD's own",
		min:    1, max: maxCommand, run: runLabRun,
	}
}

func runLabRun(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*labRunOptions)
	if o.subnet == "" {
		return &usageError{"--subnet NAME is missing: where the command is to run"}
	}
	if err := isSite(o.site); err != nil {
		return err
	}
	signals := hear(env, labSignals()...)
	l, err := startHeeding(ctx, signals, lab.Options{Site: o.site, Stderr: stderrOf(env.Stderr)})
	if err != nil {
		return err
	}
	defer l.Close()
	return runInLab(ctx, env, l, signals, o.subnet, args)
}

// startHeeding starts a lab unless a signal says that nobody wants it any more.
func startHeeding(ctx context.Context, signals <-chan os.Signal, opt lab.Options) (*lab.Lab, error) {
	type result struct {
		lab *lab.Lab
		err error
	}
	starting, abandon := context.WithCancel(ctx)
	stands := make(chan result, 1)
	go func() {
		l, err := lab.Start(starting, opt)
		stands <- result{l, err}
	}()
	select {
	case r := <-stands:
		if r.err != nil {
			abandon()
		} else {
			context.AfterFunc(ctx, abandon)
		}
		return r.lab, r.err
	case s := <-signals:
		abandon()
		if r := <-stands; r.lab != nil {
			r.lab.Close()
		}
		n, _ := s.(syscall.Signal)
		return nil, exitCode(128 + int(n))
	}
}
