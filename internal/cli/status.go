package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
)

func statusCommand() *command {
	return &command{
		name: "status", args: doorArgs + " [--json]", short: "say who runs, with what site, and how it is",
		long: `Says which gateway owns the state directory, which site is in force, whether it
takes requests and why not, what may be reached, how the last reload went, how
near it is to its limits, where state lies, and how far the audit log is.

` + doorText + `

Role: reader.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister status --dir site", "how is it?"},
			{"cloister status --json | jq .audit", "how far is the audit log, and what has the witness seen?"},
		},
		run: func(ctx context.Context, env *Env, opt any, _ []string) error {
			d := opt.(*door)
			return d.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
				s, err := c.Status(ctx)
				switch {
				case err != nil:
					return err
				case d.json:
					return writeJSON(env.Stdout, s)
				}
				return writeStatus(env.Stdout, coloursFor(env.Stdout, env), &s)
			})
		},
	}
}

// writeStatus prints a status for people, in one write.
func writeStatus(out io.Writer, c colours, s *admin.Status) error {
	w := &bytes.Buffer{}
	rows := append(gatewayRows(c, s), loadRows(c, s)...)
	rows = append(rows, stateRows(c, s)...)
	writeTable(w, c, withValues(append(rows, auditRows(c, s)...)))
	writeDestinations(w, c, s)
	_, err := out.Write(w.Bytes())
	return err
}

func gatewayRows(c colours, s *admin.Status) [][]cell {
	gateway := cell{"none runs; the state directory was asked", c.yellow}
	if s.Running {
		gateway = cell{text: fmt.Sprintf("cloister %s, process %d, since %s", s.Version, s.PID, moment(s.Started))}
	}
	ready := cell{}
	switch {
	case s.Running && s.Ready:
		ready = cell{"yes", c.green}
	case s.Running:
		why, _ := cutMend(s.NotReady) // the part that it is of says the mend
		ready = cell{"no: " + why, c.red}
	}
	last := cell{}
	if r := s.LastReload; r != nil {
		last = cell{text: moment(r.Time) + ", accepted"}
		if !r.Accepted {
			last = cell{fmt.Sprintf("%s, refused: %s; the site before is in force", moment(r.Time), count(r.Errors, "error")), c.red}
		}
	}
	return [][]cell{
		{{"gateway", c.dim}, gateway},
		{{"ready", c.dim}, ready},
		{{"site", c.dim}, {text: strings.TrimSpace(s.Site + " " + s.Digest)}},
		{{"last reload", c.dim}, last},
		{{"listeners", c.dim}, {text: strings.Join(s.Listeners, ", ")}},
	}
}

func loadRows(c colours, s *admin.Status) [][]cell {
	if !s.Running {
		return nil
	}
	rows := [][]cell{{{"open now", c.dim}, {text: count(s.Requests, "request") + ", " + count(s.Connections, "connection")}}}
	o := s.Overload
	if o == nil {
		return rows
	}
	level := cell{o.Level, c.yellow}
	if o.Level == "normal" {
		level.colour = ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(o.Pressure)) {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", name, 100*o.Pressure[name]))
	}
	if len(parts) > 0 {
		level.text += " (" + strings.Join(parts, ", ") + ")"
	}
	bans := ""
	if o.Bans > 0 {
		bans = count(o.Bans, "client")
	}
	return append(rows, []cell{{"load", c.dim}, level}, []cell{{"banned", c.dim}, {bans, c.yellow}})
}

func stateRows(c colours, s *admin.Status) [][]cell {
	heard := cell{}
	if s.State.Driver != "sqlite" { // an embedded database is always heard
		heard.text = moment(s.State.Heard)
	}
	if s.State.Error != "" {
		why, mend := cutMend(s.State.Error)
		return [][]cell{
			{{"state", c.dim}, {strings.TrimSpace(s.State.Driver+" "+s.State.Place) + " cannot be asked: " + why, c.red}},
			{{"mend", c.dim}, {text: mend}},
			{{"heard", c.dim}, heard},
		}
	}
	sealed := cell{s.State.KeyEncryptionKey, ""}
	if sealed.text == "" {
		sealed = cell{"no key-encryption key: keys lie in the state directory in clear", c.yellow}
	}
	restored, edited := cell{}, cell{}
	const unaccepted = "; serve refuses it without --accept-older-state"
	switch t := s.State.RestoredFrom; {
	case s.State.Edited != "":
		edited = cell{"by somebody else than a gateway: " + s.State.Edited + unaccepted, c.red}
	case !t.IsZero():
		restored = cell{"from a backup of " + moment(t) + unaccepted, c.red}
	}
	place := fmt.Sprintf("%s, schema %d, revision %d, %s", s.State.Driver, s.State.Schema, s.State.Revision, count(s.State.Subscriptions, "subscription"))
	return [][]cell{
		{{"state", c.dim}, {text: place}},
		{{"restored", c.dim}, restored},
		{{"edited", c.dim}, edited},
		{{"sealed by", c.dim}, sealed},
		{{"heard", c.dim}, heard},
	}
}

func auditRows(c colours, s *admin.Status) [][]cell {
	a := &s.Audit
	size := cell{text: fmt.Sprintf("%s, %d on disk, %d published", count(int(a.Size), "record"), a.Durable, a.Published)}
	why, mend := cutMend(a.Error)
	if why != "" {
		if !strings.Contains(why, cannotBeWritten) { // its own words may be those
			why = cannotBeWritten + ": " + why
		}
		size = cell{why, c.red}
	}
	if a.PublishError != "" {
		size = cell{size.text + "; cannot be published: " + a.PublishError, c.yellow}
	}
	_, _, root := checkpointOf([]byte(a.Checkpoint))
	witness := cell{text: moment(a.Witnessed)}
	if a.WitnessError != "" {
		if witness.text != "" {
			witness.text += "; "
		}
		witness = cell{witness.text + "not now: " + a.WitnessError, c.yellow}
	}
	return [][]cell{
		{{"audit log", c.dim}, size},
		{{"mend", c.dim}, {text: mend}},
		{{"root", c.dim}, {text: root}},
		{{"witnessed", c.dim}, witness},
	}
}

const cannotBeWritten = "cannot be written"

func writeDestinations(w io.Writer, c colours, s *admin.Status) {
	if len(s.Destinations) == 0 {
		return
	}
	fmt.Fprintf(w, "%sMay be reached%s\n", c.bold, c.reset)
	var rows [][]cell
	for _, d := range s.Destinations {
		public := cell{text: "private"}
		if d.Public {
			public = cell{"PUBLIC", c.yellow}
		}
		rows = append(rows, []cell{{text: d.Class}, {text: hostPort(d.Host, uint16(d.Port))}, public})
	}
	writeTable(w, c, rows)
}
