package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/policy"
)

func policyTraceCommand() *command {
	return &command{
		name: "trace", args: doorArgs + " [--json] [ID]", short: "say what policies did with a request",
		long: `Shows the trace of a request to a running gateway: every policy that ran, with its
place, how long it took, what it computed and what it did, in the form of API
Management's traces with --json. Without ID it lists the latest traced requests.

A request is traced when it has the header Ocp-Apim-Trace: true and its
subscription stands in policies.trace of cloister.yaml; nobody's is by default. The
answer then has the header Ocp-Apim-Trace-Id, which is the request's id. Traces are
kept in memory for ten minutes, two hundred at most. Credentials and secret named
values are masked; prompts and completions may stand in a trace.

It asks the gateway that runs, which keeps traces in its memory: where none runs
there is none to show. Its socket accepts the gateway's own user and root; from
elsewhere --server asks the door of admin.listener, with a token or a client
certificate to which admin.roles gives the role. Of several gateways each has the
traces of its own requests.

Role: auditor.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister policy trace --dir site", "which requests were traced?"},
			{"cloister policy trace 8b523262-e7a2-4b7e-90f9-7259dc6c3450", "what did policies do with this one?"},
		},
		max: 1, run: runPolicyTrace,
	}
}

func runPolicyTrace(ctx context.Context, env *Env, opt any, args []string) error {
	d := opt.(*door)
	return d.ask(ctx, env, func(ctx context.Context, c *admin.Client) error {
		var b bytes.Buffer
		colours := coloursFor(env.Stdout, env)
		if len(args) == 0 {
			list, err := c.Traces(ctx)
			switch {
			case err != nil:
				return err
			case d.json:
				return writeJSON(env.Stdout, list)
			}
			writeTraces(&b, list)
		} else {
			t, err := c.Trace(ctx, args[0])
			switch {
			case err != nil:
				return err
			case d.json:
				return writeJSON(env.Stdout, t)
			}
			writeTrace(&b, colours, &t)
		}
		_, err := env.Stdout.Write(b.Bytes())
		return err
	})
}

func writeTraces(w io.Writer, list []admin.TraceLine) {
	if len(list) == 0 {
		fmt.Fprintln(w, "no request was traced in the last ten minutes")
	}
	for _, t := range list {
		fmt.Fprintf(w, "%s  %s  %d  %-7s %s  (%s)\n", t.ID, moment(t.Started), t.Status, printed(t.Method), printed(t.URL), printed(t.Subscription))
	}
}

// writeTrace is a trace for people.
func writeTrace(w io.Writer, c colours, t *policy.Trace) {
	fmt.Fprintf(w, "%s%s %s%s  %d  %s  (%s)\n", c.bold, printed(t.Method), printed(t.URL), c.reset, t.Status, t.Elapsed, printed(t.Subscription))
	for _, section := range []string{"inbound", "backend", "outbound", "on-error"} {
		entries := t.Entries[section]
		if len(entries) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s%s%s\n", c.dim, section, c.reset)
		for _, e := range entries {
			indent := strings.Repeat("  ", e.Data.Depth+1)
			fmt.Fprintf(w, "%s%s%s  %s  %s%s\n", indent, printed(e.Source), c.dim, printed(e.Data.At), e.Elapsed, c.reset)
			for _, m := range e.Data.Messages {
				fmt.Fprintf(w, "%s  %s%s:%s %s\n", indent, c.dim, printed(m.Name), c.reset, printed(oneLine(m.Value)))
			}
			if f := e.Data.Error; f != nil {
				fmt.Fprintf(w, "%s  %s%s/%s: %s%s\n", indent, c.red, printed(f.Source), printed(f.Reason), printed(f.Message), c.reset)
			}
		}
	}
	if t.Dropped > 0 {
		fmt.Fprintf(w, "%s%d more entries had no room%s\n", c.yellow, t.Dropped, c.reset)
	}
}
