package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"time"

	"github.com/cloister-ai/cloister/internal/lab"
	"github.com/cloister-ai/cloister/internal/site"
)

type labVerifyOptions struct {
	json  bool
	junit string
	seed  uint64
}

func labVerifyCommand() *command {
	return &command{
		name: "verify", args: "[--json] [--junit FILE] [SITE]", short: "prove the network with real packets",
		long: `Brings the site's network up as "cloister lab up" does and tries it: every host
to every other, at the ports that have to be reachable, beside them and by the
other protocol; from the internet inwards and to it outwards; with the address of
who is let in; names inside and outside; old TLS at the gateway; the model's
public address. Then the rules of each host are asked alone, inbound and outbound,
at the edges of whatever they let through, so that one rule does not hide what
another leaves open.

What is expected stands in SITE/network/reachability.yaml and nowhere else: what
it lists has to be reachable, and all else must not be. Names are expected to lead
to private endpoints inside, and not to lead inside from outside.

--json prints {"attempts": [{"what", "from", "to", "port", "protocol", "expected",
"seen", "rule", "ok", "host", "inbound"}]}. "what" is connect, spoof, name, tls,
answer, or rules: then host is whose rules were asked, and inbound which of them.`,
		flags: func(fs *flag.FlagSet) any {
			o := &labVerifyOptions{}
			fs.BoolVar(&o.json, "json", false, "print JSON")
			fs.StringVar(&o.junit, "junit", "", "write the attempts to `FILE` as JUnit XML, for build systems")
			fs.Uint64Var(&o.seed, "seed", 1, "chooses what is tried where there is too much to try everything")
			return o
		},
		examples: []entry{
			{"cloister lab verify site", "does the network do what reachability.yaml says?"},
			{"cloister lab verify --junit network.xml site", "the same in a build"},
		},
		files: []entry{
			{"SITE", "a site with network/; default: the current directory"},
			{"SITE/network/reachability.yaml", "what has to be reachable"},
		},
		failed: "an attempt went otherwise than expected, or " + labFailed,
		max:    1, run: runLabVerify,
	}
}

func runLabVerify(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*labVerifyOptions)
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	if err := isSite(dir); err != nil {
		return err
	}
	s, problems := site.Load(dir)
	if s == nil {
		writeProblems(env.Stderr, coloursFor(env.Stderr, env), withoutNotes(problems))
		return errSilent
	}
	stop, _, free := stopping(ctx, hear(env, labSignals()...), nil)
	defer free()
	began := time.Now()
	l, err := lab.Start(stop, lab.Options{Site: dir, Stderr: stderrOf(env.Stderr)})
	if err != nil {
		return err
	}
	defer l.Close()
	report, err := l.Verify(stop, s, o.seed)
	if err != nil {
		return err
	}
	if o.junit != "" {
		var b bytes.Buffer
		if err := report.WriteJUnit(&b, time.Since(began)); err != nil {
			return err
		}
		if err := os.WriteFile(o.junit, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if o.json {
		e := json.NewEncoder(env.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		err = report.WriteText(env.Stdout)
	}
	if err == nil && len(report.Failed()) > 0 {
		return errSilent
	}
	return err
}
