package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

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
With errors in cloister.yaml or a document of apim, policies are checked each
for itself, those with named values for their form only; how the parts fit
together is checked when those errors are mended.

Then it prints what the gateway may reach, through which private endpoints, and
who may call. The states of endpoints are those of the documents; what operators
have decided, "cloister network connections list" tells.

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
		examples: []entry{
			{"cloister check site", "before every reload: what is wrong, what may be reached, who may call"},
			{"cloister check --live site", "on the machine that will serve: does every destination answer?"},
			{`cloister check --json site | jq -r '.reach[] | select(.public) | .host'`, "which public hosts may be reached"},
		},
		files: []entry{
			{"DIR/cloister.yaml", "what Azure would infer: listeners, names, callers, destinations"},
			{"DIR/apim", "an APIOps artifacts folder"},
			{"DIR/tls", "certificates; keys are referred to and not read into the site"},
		},
		failed: "the site has errors, or with --live a destination does not answer as it should",
		min:    1, max: 1, run: runCheck,
	}
}

func runCheck(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*checkOptions)
	if err := isSite(args[0]); err != nil && !o.json {
		return err
	}
	r, err := app.Check(ctx, app.CheckOptions{Dir: args[0], Secrets: secretsOf(env), Live: o.live})
	if err != nil {
		return err
	}
	if o.json {
		shown := *r
		if !o.verbose {
			shown.Problems = withoutNotes(shown.Problems)
		}
		err = writeJSON(env.Stdout, &shown)
	} else {
		err = writeReport(env.Stdout, coloursFor(env.Stdout, env), r, o.verbose)
	}
	if err == nil && !r.OK {
		err = errSilent
	}
	return err
}

// writeReport prints a report for people, in one write.
func writeReport(out io.Writer, c colours, r *app.Report, verbose bool) error {
	w := &bytes.Buffer{}
	shown := r.Problems
	if !verbose {
		shown = withoutNotes(shown)
	}
	writeProblems(w, c, shown)
	if len(shown) > 0 {
		fmt.Fprintln(w)
	}
	writeReach(w, c, r)
	writeEndpoints(w, c, r)
	writeCallers(w, c, r)
	writeLive(w, c, r)
	writeVerdict(w, c, r, verbose)
	_, err := out.Write(w.Bytes())
	return err
}

func writeVerdict(w io.Writer, c colours, r *app.Report, verbose bool) {
	if r.Digest != "" {
		fmt.Fprintf(w, "site %q, %s\n", r.Site, r.Digest)
	}
	verdict := c.green + "ok" + c.reset
	if !r.OK {
		verdict = c.red + "refused" + c.reset
		if !r.Problems.HasErrors() {
			verdict = c.red + "not reachable" + c.reset
		}
	}
	fmt.Fprintf(w, "%s: %s", verdict, summary(r.Problems))
	if failed := failedProbes(r); failed > 0 {
		fmt.Fprintf(w, ", %s without a good answer", count(failed, "destination"))
	}
	if notes := len(r.Problems) - len(withoutNotes(r.Problems)); notes > 0 && !verbose {
		fmt.Fprintf(w, "; %s without effect here (--verbose)", count(notes, "field"))
	}
	fmt.Fprintln(w)
}

func failedProbes(r *app.Report) (n int) {
	for _, p := range r.Live {
		if !p.OK {
			n++
		}
	}
	return n
}

func writeReach(w io.Writer, c colours, r *app.Report) {
	if r.Site == "" {
		return
	}
	fmt.Fprintf(w, "%sMay be reached%s\n", c.bold, c.reset)
	if len(r.Reach) == 0 {
		fmt.Fprintln(w, "  nothing")
	}
	var rows [][]cell
	for _, v := range r.Reach {
		public := cell{text: "private"}
		if v.Public {
			public = cell{"PUBLIC", c.yellow}
		}
		rows = append(rows, []cell{{text: string(v.Class)}, {text: hostPort(v.Host, v.Port)}, public, {text: v.Why}})
	}
	writeTable(w, c, rows)
	fmt.Fprintln(w)
}

// writeEndpoints says which private endpoints there are and who goes through them.
func writeEndpoints(w io.Writer, c colours, r *app.Report) {
	if len(r.Endpoints) == 0 {
		return
	}
	fmt.Fprintf(w, "%sPrivate endpoints%s\n", c.bold, c.reset)
	var rows [][]cell
	for _, e := range r.Endpoints {
		used := cell{text: strings.Join(e.UsedBy, ", ")}
		if used.text == "" {
			used = cell{"used by nobody", c.yellow}
		}
		rows = append(rows, []cell{
			{text: e.Name}, {text: strings.Join(e.Hosts, ", ")}, {text: addressList(e.Addresses)}, {text: e.Subnet}, connectionCell(e.State, c), used,
		})
	}
	writeTable(w, c, rows)
	fmt.Fprintln(w)
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// writeCallers says who may call. That is known of a site without errors alone.
func writeCallers(w io.Writer, c colours, r *app.Report) {
	if r.Site == "" || r.Problems.HasErrors() {
		return
	}
	fmt.Fprintf(w, "%sMay call%s\n", c.bold, c.reset)
	if len(r.Callers) == 0 {
		fmt.Fprintln(w, "  nobody: there is no API")
	}
	var rows [][]cell
	for _, v := range r.Callers {
		who := cell{text: strings.Join(v.Callers, ", ")}
		switch {
		case who.text == "":
			who.text = "nobody"
		case slices.Contains(v.Callers, site.CallerAnonymous):
			who.colour = c.yellow
		}
		path := v.Path
		if v.Header != "" {
			path += " (" + v.Header + ")"
		}
		rows = append(rows, []cell{{text: v.API}, {text: path}, who, {text: callersDetail(&v)}})
	}
	writeTable(w, c, rows)
	fmt.Fprintln(w)
}

// callersDetail is what the kinds of credentials do not say.
func callersDetail(v *app.ReportCallers) string {
	var out []string
	switch {
	case len(v.Subscriptions) > 0:
		out = append(out, "subscriptions: "+strings.Join(v.Subscriptions, ", "))
	case slices.Contains(v.Callers, site.CallerSubscription), slices.Contains(v.Callers, site.CallerSubscriptionAndToken):
		out = append(out, "no subscription in cloister.yaml")
	case slices.Contains(v.Callers, site.CallerToken):
		out = append(out, "no rule of tokens.callers leads to a subscription in cloister.yaml")
	case slices.Contains(v.Callers, site.CallerCertificate):
		out = append(out, "no subscription in cloister.yaml is bound to a certificate")
	}
	if v.Hint != "" {
		out = append(out, v.Hint)
	}
	return strings.Join(out, "; ")
}

func writeLive(w io.Writer, c colours, r *app.Report) {
	if r.Live == nil {
		return
	}
	fmt.Fprintf(w, "%sReached now%s\n", c.bold, c.reset)
	for _, p := range r.Live {
		same := func(o *egress.Probe) bool {
			return o != p && o.Class == p.Class && o.Host == p.Host && o.Port == p.Port
		}
		as := string(p.Class)
		if slices.ContainsFunc(r.Live, same) {
			as += ", " + p.Why
		}
		writeProbe(w, c, p, as)
	}
	fmt.Fprintln(w)
}

// writeProbe writes what one probe found; as is what it was made for.
func writeProbe(w io.Writer, c colours, p *egress.Probe, as string) {
	verdict := c.green + "ok" + c.reset
	if !p.OK {
		verdict = c.red + "failed" + c.reset
	}
	fmt.Fprintf(w, "  %s (%s): %s\n", printed(hostPort(p.Host, p.Port)), printed(as), verdict)
	for _, a := range p.Answers {
		text := a.Verdict
		if a.Reason != "" {
			text += ": " + a.Reason
		}
		fmt.Fprintf(w, "    answer       %s %s\n", a.Address, printed(text))
	}
	if p.Endpoint != "" {
		fmt.Fprintf(w, "    endpoint     %s\n", printed(p.Endpoint))
	}
	if p.Address.IsValid() {
		fmt.Fprintf(w, "    connected    %s\n", p.Address)
	}
	if cert := p.Certificate; cert != nil {
		fmt.Fprintf(w, "    certificate  %s, of %s, until %s\n", printed(cert.Subject), printed(cert.Issuer), cert.NotAfter.UTC().Format("2006-01-02"))
	}
	if p.Error != "" {
		fmt.Fprintf(w, "    error        %s\n", printed(p.Error))
	}
	if p.Mend != "" {
		fmt.Fprintf(w, "    mend         %s\n", printed(p.Mend))
	}
}
