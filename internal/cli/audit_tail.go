package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
)

// tailEvery is how often "tail -f" asks. The log is published once a second.
const tailEvery = time.Second

// tailPage is how many records are asked for at once: the door gives no more.
const tailPage = 1000

type tailOptions struct {
	door   *door
	n      int
	follow bool
}

func auditTailCommand() *command {
	return &command{
		name: "tail", args: doorArgs + " [-n N] [-f] [--json]", short: "show the newest records of the audit log",
		long: `Shows the last N records that are on disk, a line for each: index, time, action,
what came of it, who, to what or by which API and operation, the status, and why.
With --json a line is {"index":N,"record":{…}}, with all that the record holds.

With -f it goes on until Ctrl-C, and leaves out the records that its own asking
leaves (audit.read). Role: auditor.`,
		flags: func(fs *flag.FlagSet) any {
			o := &tailOptions{door: declareDoor(fs)}
			fs.IntVar(&o.n, "n", 20, "how many, `N`")
			fs.BoolVar(&o.follow, "f", false, "go on with what comes")
			return o
		},
		examples: []entry{
			{"cloister audit tail --dir site -n 5", "the last five"},
			{`cloister audit tail --json -f | jq -c 'select(.record.outcome == "deny")'`, "who is refused"},
		},
		run: func(ctx context.Context, env *Env, opt any, _ []string) error {
			o := opt.(*tailOptions)
			if o.n < 0 {
				return &usageError{fmt.Sprintf("-n %d: how many records is no less than 0", o.n)}
			}
			return o.door.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
				t := &tailing{client: c, out: env.Stdout, json: o.door.json, colours: coloursFor(env.Stdout, env)}
				err := t.run(ctx, o)
				if o.follow && ctx.Err() != nil {
					return nil // that is how it ends
				}
				return err
			})
		},
	}
}

// tailing is one run of "tail".
type tailing struct {
	client  *admin.Client
	out     io.Writer
	json    bool
	colours colours
	// next is the index to go on with.
	next int64
}

func (t *tailing) run(ctx context.Context, o *tailOptions) error {
	page, err := t.client.Audit(ctx, -1, 1)
	if err != nil {
		return err
	}
	end := int64(page.Size)
	t.next = max(0, end-int64(o.n))
	if err := t.upTo(ctx, end, false); err != nil || !o.follow {
		return err
	}
	ticks := time.NewTicker(tailEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
		if err := t.upTo(ctx, -1, true); err != nil {
			return err
		}
	}
}

// upTo writes the records before end; -1: all that there are.
func (t *tailing) upTo(ctx context.Context, end int64, quiet bool) error {
	for end < 0 || t.next < end {
		limit := int64(tailPage)
		if end >= 0 {
			limit = min(limit, end-t.next)
		}
		page, err := t.client.Audit(ctx, t.next, int(limit))
		if err != nil || len(page.Entries) == 0 {
			return err
		}
		w := &bytes.Buffer{}
		for _, e := range page.Entries {
			t.next = int64(e.Index) + 1
			writeEntry(w, t.colours, t.json, quiet, audit.Entry{Index: e.Index, Raw: e.Record})
		}
		if _, err := t.out.Write(w.Bytes()); err != nil {
			return err
		}
		if t.next >= int64(page.Size) {
			return nil
		}
	}
	return nil
}

// writeEntry writes one line. Quiet leaves out records of reading the log.
func writeEntry(w io.Writer, c colours, asJSON, quiet bool, e audit.Entry) {
	r, err := e.Record()
	switch {
	case err == nil && quiet && r.Action == "audit.read":
	case asJSON:
		writeEntryJSON(w, e)
	case err != nil:
		fmt.Fprintf(w, "%6d  %snot understood: %s%s\n", e.Index, c.red, printed(err.Error()), c.reset)
	default:
		fmt.Fprintf(w, "%6d  %s\n", e.Index, recordLine(c, &r))
	}
}

// writeEntryJSON writes the record byte for byte: that is what hashes are over.
func writeEntryJSON(w io.Writer, e audit.Entry) {
	fmt.Fprintf(w, `{"index":%d,"record":%s}`+"\n", e.Index, e.Raw)
}

// recordLine is a record for people. What it says are others' words.
func recordLine(c colours, r *audit.Record) string {
	outcome, colour := r.Outcome, c.green
	switch {
	case outcome == "":
		outcome, colour = r.Phase, ""
	case outcome == "deny", outcome == "failed":
		colour = c.red
	}
	parts := []string{r.Time.UTC().Format("2006-01-02T15:04:05.000Z")}
	add := func(texts ...string) {
		for _, s := range texts {
			if s != "" {
				parts = append(parts, printed(s))
			}
		}
	}
	add(r.Action)
	if outcome != "" {
		reset := c.reset
		if colour == "" {
			reset = ""
		}
		parts = append(parts, colour+printed(outcome)+reset)
	}
	add(r.Actor, r.Target, r.API, r.Operation, r.Subscription, r.Deployment)
	if r.Client.IsValid() {
		add(r.Client.String())
	}
	if r.Status != 0 {
		add(fmt.Sprint(r.Status))
	}
	add(strings.Join(r.Reasons, ","), r.Detail)
	if r.Count > 1 {
		add(fmt.Sprintf("(%d of these)", r.Count))
	}
	return strings.Join(parts, "  ")
}
