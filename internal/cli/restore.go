package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/store"
)

type restoreOptions struct {
	dir  string
	json bool
	// acceptClear: see its flag.
	acceptClear bool
}

func restoreCommand() *command {
	return &command{
		name: "restore", args: "[--dir DIR] [--json] [--accept-clear-keyring] FILE", short: "put a backup in the place of the durable state",
		long: `Puts the state of a backup in the place of what is there: all of it, or nothing.
No gateway may run. The backup is read and verified before anything is changed,
and it has to be one of this state, or the state has to be new. "-" is standard
input.

What was changed since the backup is lost: keys that were deleted, suspended or
rotated since then would open again. So the audit log begins anew, with a record
that names the checkpoint of the one before, which is kept beside it, and the
gateway serves again only when it is started once with --accept-older-state.`,
		flags: func(fs *flag.FlagSet) any {
			o := &restoreOptions{}
			fs.StringVar(&o.dir, "dir", "", "the `DIR` of a site; default: the current one")
			fs.BoolVar(&o.acceptClear, "accept-clear-keyring", false, "take a backup from before the site sealed its state: anybody could have made it, so know where it is from")
			fs.BoolVar(&o.json, "json", false, "print JSON for programs")
			return o
		},
		examples: []entry{
			{`systemctl stop cloister
cloister restore --dir site /backup/cloister-2026-01-31
cloister subscription list --dir site
cloister serve --accept-older-state site`, "look at what it is, then accept it"},
		},
		failed: "a gateway runs, the backup is not whole or is of other state, or the site has errors",
		min:    1, max: 1, run: runRestore,
	}
}

func runRestore(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*restoreOptions)
	ctx, free := interruptible(ctx, env)
	defer free()
	backup := env.stdin()
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		// A file that is no backup is told before the state is looked at.
		if _, err := store.ReadBackup(f); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		backup = f
	}
	if err := ours(o.dir); err != nil {
		return err
	}
	with := app.OperatorOptions{Dir: o.dir, Secrets: secretsOf(env), Log: operatorLog(env.Stderr), Build: env.build, AcceptClearKeyring: o.acceptClear}
	before, err := stateBefore(ctx, env, with)
	if err != nil {
		return explainRestore(env, err)
	}
	info, err := app.Restore(ctx, with, backup)
	switch {
	case err != nil:
		return explainRestore(env, err)
	case o.json:
		return writeJSON(env.Stdout, info)
	}
	_, err = fmt.Fprintf(env.Stdout, `restored
%s%sWhat was changed since %s is lost: keys that were deleted, suspended
or rotated since then open again. Look at: cloister subscription list
Then start the gateway once with --accept-older-state.
`, backupText(info), before, moment(info.CreatedAt))
	return err
}

// stateBefore says what a restore replaces; empty: nothing is known to be there.
// State that does not open can still be replaced.
func stateBefore(ctx context.Context, env *Env, with app.OperatorOptions) (string, error) {
	dir, err := stateOf(env, with.Dir)
	if err != nil {
		return "", err
	}
	// To open state where there is none would begin one, which the backup is
	// not of.
	if _, err := os.Stat(filepath.Join(dir, "audit", "checkpoint")); err != nil {
		return "", nil
	}
	op, err := openOperator(ctx, with)
	var locked *store.LockedError
	var refused *app.SiteError
	switch {
	case errors.As(err, &locked), errors.As(err, &refused):
		return "", err
	case err != nil:
		return "before\n  it did not open: " + printedLines(err.Error()) + "\n", nil
	case op.Running:
		return "", errors.Join(errGatewayRuns, op.Close())
	}
	s, err := op.Client.Status(ctx)
	if err = errors.Join(err, op.Close()); err != nil {
		return "", err
	}
	return "before\n" + stateText(s), nil
}

func stateText(s admin.Status) string {
	return fmt.Sprintf("  %-11s %s, schema %d, revision %d, %s\n  %-11s %s\n", "state", s.State.Driver, s.State.Schema, s.State.Revision,
		count(s.State.Subscriptions, "subscription"), "audit log", count(int(s.Audit.Size), "record"))
}

var errGatewayRuns = errors.New("a gateway runs with this state")

// explainRestore says what keeps a backup from being restored.
func explainRestore(env *Env, err error) error {
	var locked *store.LockedError
	switch {
	case errors.Is(err, errGatewayRuns):
		return mended(err, "stop the gateway, restore, and start it with --accept-older-state")
	case errors.As(err, &locked):
		return mended(err, "stop that process, or wait until it has ended")
	}
	return explainSite(env, err)
}
