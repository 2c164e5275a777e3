package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloister-ai/cloister/internal/lab"
)

func labUpCommand() *command {
	return &command{
		name: "up", args: "[SITE]", short: "bring the network up, until Ctrl-C",
		long: `Makes the network that SITE describes out of network namespaces: virtual networks,
subnets, network interfaces and private endpoints, with the site's security groups
between them, its private names, and an internet outside. It needs no root and
changes nothing on this machine: when it ends, in whatever way, all of it is gone.

The gateway is the real one, in its subnet, with a copy of the site and a state of
its own. Azure OpenAI and the managed identity are emulated and stand where the
private endpoints are.

It prints a drawing with addresses. "cloister lab exec" runs commands in it.`,
		examples: []entry{
			{"cloister lab up site", "the network of the site in ./site"},
		},
		files: []entry{
			{"SITE", "a site with network/; default: the current directory"},
			{"SITE/state/lab.sock", "where \"lab exec\" asks (mode 0600)"},
		},
		failed: labFailed,
		max:    1, run: runLabUp,
	}
}

func runLabUp(ctx context.Context, env *Env, _ any, args []string) error {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	socket, err := labSocket(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		return err
	}
	stop, _, free := stopping(ctx, hear(env, labSignals()...), nil)
	defer free()
	l, err := lab.Start(stop, lab.Options{Site: dir, Socket: socket, Stderr: stderrOf(env.Stderr)})
	if err != nil {
		if stop.Err() != nil {
			return nil
		}
		return err
	}
	defer l.Close()
	if err := announceLab(env, l, dir); err != nil {
		return err
	}
	select {
	case <-stop.Done():
		return nil
	case <-l.Ended():
		if stop.Err() != nil {
			return nil
		}
		return errors.New("the lab has ended by itself: one of its processes was killed")
	}
}

func announceLab(env *Env, l *lab.Lab, dir string) error {
	d := l.Details()
	var b strings.Builder
	fmt.Fprintf(&b, "The network of %s is up.\n\n%s", d.Site, l.Plan().Draw())
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "\n%s", n)
	}
	if len(d.Notes) > 0 {
		b.WriteString("\n")
	}
	where := ""
	if dir != "." {
		where = "--dir " + shellQuote(dir) + " "
	}
	fmt.Fprintf(&b, "\nIn another terminal:\n\n  cloister lab exec %s--subnet %s -- sh\n\nCtrl-C takes it down.\n", where, shellQuote(l.Plan().Hosts[0].Name))
	_, err := env.Stdout.Write([]byte(b.String()))
	return err
}
