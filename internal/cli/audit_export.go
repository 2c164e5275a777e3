package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/cloister-ai/cloister/internal/audit"
)

type exportOptions struct{ from, to int64 }

func auditExportCommand() *command {
	return &command{
		name: "export", args: "[--from N] [--to N] DIR", short: "print records of the audit log as lines of JSON",
		long: `Prints a line {"index":N,"record":{…}} for each record, in order, with those that
are on disk and not yet published. It reads the files and verifies nothing: see
"verify". DIR is a site, its state directory, or the directory of a log or of its
copy.`,
		flags: func(fs *flag.FlagSet) any {
			o := &exportOptions{}
			fs.Int64Var(&o.from, "from", 0, "begin with the record of index `N`")
			fs.Int64Var(&o.to, "to", -1, "end with the record of index `N`; -1: with the last")
			return o
		},
		examples: []entry{
			{"cloister audit export site >audit.jsonl", "everything, for another system"},
			{`cloister audit export --from 1000 site | jq -c 'select(.record.kind == "admin")'`, "what operators did, from record 1000 on"},
		},
		failed: "the log cannot be read, or it is damaged",
		min:    1, max: 1, run: runAuditExport,
	}
}

func runAuditExport(ctx context.Context, env *Env, opt any, args []string) (err error) {
	o := opt.(*exportOptions)
	if o.from < 0 || o.to < -1 || o.to >= 0 && o.to < o.from {
		return &usageError{fmt.Sprintf("--from %d --to %d: there are no such records", o.from, o.to)}
	}
	dir, err := logDirectory(args[0])
	if err != nil {
		return err
	}
	ctx, free := interruptible(ctx, env)
	defer free()
	w := bufio.NewWriterSize(env.Stdout, 64<<10)
	defer func() { err = errors.Join(err, w.Flush()) }()
	for e, err := range audit.Entries(dir, uint64(o.from), uint64(o.to+1)) {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return errInterrupted
		}
		writeEntryJSON(w, e)
		if w.Available() < 1<<10 { // an error of the writer stays: nobody reads any more
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
