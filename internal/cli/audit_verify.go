package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

type verifyOptions struct {
	key, witness string
	json         bool
}

func auditVerifyCommand() *command {
	return &command{
		name: "verify", args: "[--key KEY|FILE] [--witness FILE] [--json] DIR", short: "find out whether the audit log is what was written",
		long: `Holds every record, every hash and the journal against the signatures of the
log's checkpoints: an edit, a deletion, another order and a foreign signature are
found, with the first record that is not what was written. The log may be in use.

Who can change the log can change audit.pub beside it too: give --key a copy that
was kept elsewhere. That the newest records were cut off, or the whole directory
put back, is found against a checkpoint that was kept elsewhere: --witness.

DIR is a site, its state directory, or the directory of a log or of its copy.
Nothing but reading is needed.`,
		flags: func(fs *flag.FlagSet) any {
			o := &verifyOptions{}
			fs.StringVar(&o.key, "key", "", "verify with this `KEY`, or that in a file; default: audit.pub of the log")
			fs.StringVar(&o.witness, "witness", "", "`FILE` with a checkpoint that was kept elsewhere")
			fs.BoolVar(&o.json, "json", false, "print the report as JSON")
			return o
		},
		examples: []entry{
			{"cloister audit verify --key kept/audit.pub --witness /mnt/witness/checkpoint site", "has anybody changed it?"},
			{"cloister audit verify --json copy/audit | jq .firstBad", "the first record that is not what was written"},
		},
		failed: "the log is not what was written, or it cannot be read",
		min:    1, max: 1, run: runAuditVerify,
	}
}

// verified is the report as JSON.
type verified struct {
	OK        bool   `json:"ok"`
	Directory string `json:"directory"`
	Key       string `json:"key"`
	// KeyFrom says where the key came from.
	KeyFrom   string    `json:"keyFrom"`
	Origin    string    `json:"origin"`
	Size      uint64    `json:"size"`
	Published uint64    `json:"published"`
	Root      string    `json:"root"`
	First     time.Time `json:"first,omitzero"`
	Last      time.Time `json:"last,omitzero"`
	// Witness is the file that it was held against; empty: none.
	Witness string `json:"witness,omitempty"`
	// FirstBad is null where the log is whole, or where it cannot be told.
	FirstBad *uint64           `json:"firstBad"`
	Problems []verifiedProblem `json:"problems"`
	Notes    []string          `json:"notes"`
}

type verifiedProblem struct {
	Place string `json:"place"`
	// Index is the first record that it concerns; null: it cannot be told.
	Index  *int64 `json:"index"`
	Reason string `json:"reason"`
}

func runAuditVerify(_ context.Context, env *Env, opt any, args []string) error {
	o := opt.(*verifyOptions)
	dir, err := logDirectory(args[0])
	if err != nil {
		return err
	}
	key, from, err := verifierKey(o.key, dir)
	if err != nil {
		return err
	}
	var with audit.VerifyOptions
	if o.witness != "" {
		if with.Witness, err = os.ReadFile(o.witness); err != nil {
			return mended(fmt.Errorf("the witness's checkpoint: %w", err), "give the file in which it keeps the newest one")
		}
	}
	r, err := audit.Verify(dir, key, with)
	if err != nil {
		return err
	}
	if o.json {
		err = writeJSON(env.Stdout, verifiedOf(r, dir, key, from, o.witness))
	} else {
		err = writeVerified(env, r, o, filepath.Join(dir, verifierFile) == from)
	}
	if err == nil && !r.OK() {
		err = errSilent
	}
	return err
}

func verifiedOf(r *audit.Report, dir, key, from, witness string) verified {
	v := verified{
		OK: r.OK(), Directory: dir, Key: key, KeyFrom: from, Witness: witness, Origin: r.Origin,
		Size: r.Size, Published: r.Published, Root: r.Root, First: r.First, Last: r.Last,
		Problems: []verifiedProblem{}, Notes: append([]string{}, r.Notes...),
	}
	if index, ok := r.FirstBad(); ok {
		v.FirstBad = &index
	}
	for _, p := range r.Problems {
		out := verifiedProblem{Place: p.Place, Reason: p.Reason}
		if p.Index >= 0 {
			out.Index = &p.Index
		}
		v.Problems = append(v.Problems, out)
	}
	return v
}

// writeVerified prints the report for people, in one write. own: the key was
// the log's.
func writeVerified(env *Env, r *audit.Report, o *verifyOptions, own bool) error {
	c, w := coloursFor(env.Stdout, env), &bytes.Buffer{}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s%s%s\n", c.red, printed(p.String()), c.reset)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "%snote:%s %s\n", c.dim, c.reset, printed(n))
	}
	verdict := c.green + "whole" + c.reset
	if !r.OK() {
		verdict = c.red + "not whole" + c.reset
	}
	fmt.Fprintf(w, "%s: %s of %s", verdict, count(int(r.Size), "record"), printed(r.Origin))
	if r.Size > 0 {
		fmt.Fprintf(w, ", %s to %s", moment(r.First), moment(r.Last))
	}
	if index, ok := r.FirstBad(); ok {
		fmt.Fprintf(w, "; the first that is not what was written: %d", index)
	}
	fmt.Fprintf(w, "\nroot %s\n", r.Root)
	if own && r.OK() {
		fmt.Fprintf(w, "The key is the log's own %s: who can change the log can change it too. Keep a copy elsewhere for --key.\n", verifierFile)
	}
	if o.witness == "" && r.OK() {
		fmt.Fprintln(w, "Without --witness it cannot be told whether the newest records were cut off.")
	}
	_, err := env.Stdout.Write(w.Bytes())
	return err
}
