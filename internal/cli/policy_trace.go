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
		long: `Shows the trace of a request to a running gateway: what was received and what it was
for; every policy that ran, with its place, how long it took, what it computed and
what it did; what was sent to backends, what they answered, and what the caller got.
With --json it has the form of API Management's traces. Without ID it lists the
latest traced requests.

A request is traced when it has the header Ocp-Apim-Trace: true and its
subscription stands in policies.trace of cloister.yaml; nobody's is by default. The
answer then has the header Ocp-Apim-Trace-Id, which is the request's id. Traces are
kept in memory for ten minutes, two hundred at most; fifty requests are traced at a
time. Credentials and secret named values are masked, as docs/policies.md says;
prompts and completions may stand in a trace.

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
			line := printed(e.Source)
			for _, more := range []string{e.Data.At, e.Data.Duration, e.Data.Message} {
				if more != "" {
					line += "  " + c.dim + printed(more) + c.reset
				}
			}
			fmt.Fprintf(w, "%s%s\n", indent, line)
			writeTraceHeads(w, c, indent+"  ", &e.Data)
			for _, m := range e.Data.Messages {
				fmt.Fprintf(w, "%s  %s%s:%s %s\n", indent, c.dim, printed(m.Name), c.reset, printed(oneLine(m.Value)))
			}
			if f := e.Data.Error; f != nil {
				fmt.Fprintf(w, "%s  %s%s/%s: %s%s\n", indent, c.red, printed(f.Source), printed(f.Reason), printed(f.Message), c.reset)
			}
		}
	}
	if t.Dropped > 0 {
		fmt.Fprintf(w, "%s%d entries or parts of them had no room%s\n", c.yellow, t.Dropped, c.reset)
	}
}

// writeTraceHeads is what was received, found, sent and answered.
func writeTraceHeads(w io.Writer, c colours, indent string, d *policy.TraceData) {
	headers := func(list []policy.TraceHeader) {
		for _, h := range list {
			fmt.Fprintf(w, "%s  %s%s:%s %s\n", indent, c.dim, printed(h.Name), c.reset, printed(oneLine(h.Value)))
		}
	}
	if r := d.Request; r != nil {
		fmt.Fprintf(w, "%s→ %s %s\n", indent, printed(r.Method), printed(r.URL))
		headers(r.Headers)
	}
	if f := d.Configuration; f != nil {
		fmt.Fprintf(w, "%sAPI %s, revision %s; operation %s %s; product %s\n", indent,
			printed(f.API.ID), printed(f.API.Revision), printed(f.Operation.Method), printed(f.Operation.URITemplate), printed(f.Product))
	}
	if r := d.Response; r != nil {
		from := ""
		if d.Backend != "" {
			from = "  (" + printed(d.Backend) + ")"
		}
		fmt.Fprintf(w, "%s← %d %s%s\n", indent, r.Status.Code, printed(r.Status.Reason), from)
		headers(r.Headers)
	}
}
