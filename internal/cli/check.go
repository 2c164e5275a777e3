package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

type checkOptions struct{ json, verbose, live bool }

func checkCommand() *command {
	return &command{
		name: "check", args: "[--json] [--verbose] [--live] DIR", short: "check a site without serving it",
		long: `Loads and compiles the site in DIR as serve does and prints every problem that
can be known together: its place, the line, what was expected, and the mend.
Then it prints what the gateway may reach and who may call.

Nothing is connected to, and the state directory is not opened, unless --live
is given: then every destination is resolved and connected to (TLS alone, no
request is sent), with its addresses, the verdict on each and its certificate.`,
		flags: func(fs *flag.FlagSet) any {
			o := &checkOptions{}
			fs.BoolVar(&o.json, "json", false, "print the report as JSON")
			fs.BoolVar(&o.verbose, "verbose", false, "also list the fields that have no effect here")
			fs.BoolVar(&o.live, "live", false, "resolve and connect to every destination")
			return o
		},
		min: 1, max: 1, run: runCheck,
	}
}

func runCheck(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*checkOptions)
	r, err := app.Check(ctx, app.CheckOptions{Dir: args[0], Secrets: secretsOf(env), Live: o.live})
	if err != nil {
		return err
	}
	if o.json {
		if err := writeJSON(env.Stdout, r); err != nil {
			return err
		}
	} else {
		writeReport(env.Stdout, coloursFor(env.Stdout, env), r, o.verbose)
	}
	if !r.OK {
		return errSilent
	}
	return nil
}

// writeReport prints a report for people.
func writeReport(w io.Writer, c colours, r *app.Report, verbose bool) {
	shown := r.Problems
	if !verbose {
		shown = nil
		for _, p := range r.Problems {
			if p.Severity != site.Note {
				shown = append(shown, p)
			}
		}
	}
	writeProblems(w, c, shown)
	if len(shown) > 0 {
		fmt.Fprintln(w)
	}
	writeReach(w, c, r)
	writeCallers(w, c, r)
	writeLive(w, c, r)
	verdict := c.green + "ok" + c.reset
	if !r.OK {
		verdict = c.red + "refused" + c.reset
	}
	fmt.Fprintf(w, "%s: %s", verdict, summary(r.Problems))
	if notes := notes(r.Problems); notes > 0 && !verbose {
		fmt.Fprintf(w, "; %s without effect (--verbose)", count(notes, "field"))
	}
	if r.Digest != "" {
		fmt.Fprintf(w, "; site %q %s", r.Site, r.Digest)
	}
	fmt.Fprintln(w)
}

func notes(problems site.Problems) (n int) {
	for _, p := range problems {
		if p.Severity == site.Note {
			n++
		}
	}
	return n
}

func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 4, 2, ' ', 0) }

func writeReach(w io.Writer, c colours, r *app.Report) {
	if r.Site == "" {
		return
	}
	fmt.Fprintf(w, "%sMay be reached%s\n", c.bold, c.reset)
	if len(r.Reach) == 0 {
		fmt.Fprintln(w, "  nothing")
	}
	t := table(w)
	for _, v := range r.Reach {
		public := "private"
		if v.Public {
			public = c.yellow + "PUBLIC" + c.reset
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", v.Class, fmt.Sprintf("%s:%d", v.Host, v.Port), public, v.Why)
	}
	t.Flush()
	fmt.Fprintln(w)
}

func writeCallers(w io.Writer, c colours, r *app.Report) {
	if r.Site == "" {
		return
	}
	fmt.Fprintf(w, "%sMay call%s\n", c.bold, c.reset)
	if len(r.Callers) == 0 {
		fmt.Fprintln(w, "  nobody: there is no API")
	}
	t := table(w)
	for _, v := range r.Callers {
		who := strings.Join(v.Callers, ", ")
		if who == "" {
			who = "nobody"
		}
		detail := ""
		if len(v.Subscriptions) > 0 {
			detail = "subscriptions: " + strings.Join(v.Subscriptions, ", ")
		}
		if v.Hint != "" {
			detail = strings.TrimPrefix(detail+"; "+v.Hint, "; ")
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", v.API, v.Path, who, detail)
	}
	t.Flush()
	fmt.Fprintln(w)
}

func writeLive(w io.Writer, c colours, r *app.Report) {
	if r.Live == nil {
		return
	}
	fmt.Fprintf(w, "%sReached now%s\n", c.bold, c.reset)
	for _, p := range r.Live {
		writeProbe(w, c, p)
	}
	fmt.Fprintln(w)
}

func writeProbe(w io.Writer, c colours, p *egress.Probe) {
	verdict := c.green + "ok" + c.reset
	if !p.OK {
		verdict = c.red + "failed" + c.reset
	}
	fmt.Fprintf(w, "  %s:%d (%s): %s\n", p.Host, p.Port, p.Class, verdict)
	for _, a := range p.Answers {
		fmt.Fprintf(w, "    answer       %s: %s\n", a.Address, strings.TrimSpace(a.Verdict+" "+a.Reason))
	}
	if p.Address.IsValid() {
		fmt.Fprintf(w, "    connected    %s\n", p.Address)
	}
	if cert := p.Certificate; cert != nil {
		fmt.Fprintf(w, "    certificate  %s, of %s, until %s\n", cert.Subject, cert.Issuer, cert.NotAfter.UTC().Format("2006-01-02"))
	}
	if p.Error != "" {
		fmt.Fprintf(w, "    error        %s\n", p.Error)
	}
	if p.Mend != "" {
		fmt.Fprintf(w, "    mend         %s\n", p.Mend)
	}
}
