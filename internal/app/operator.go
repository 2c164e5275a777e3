package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// OperatorOptions are what commands take from their surroundings.
type OperatorOptions struct {
	// Dir is a site's directory, that of "cloister up", or the parent of a
	// state directory.
	Dir     string
	Secrets secret.Env
	// Log is for the operator; nil: nothing is logged.
	Log   *slog.Logger
	Build telemetry.Build
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// MustExist: a command that only looks makes no state where there is none.
	MustExist bool
	// AcceptClearKeyring lets [Restore] take a backup whose keyring is not sealed
	// although the site seals its own: one from before it did.
	AcceptClearKeyring bool
}

// Operator is the way to the door of a state directory.
type Operator struct {
	Client *admin.Client
	// Running: a gateway owns the directory and was asked; else it is ours
	// until Close.
	Running  bool
	StateDir string

	state *state
}

// OpenOperator finds the door: that of the gateway that owns the state
// directory, or, while none runs, one in this process. Errors say what is
// wrong with the directory; problems with its site.
func OpenOperator(ctx context.Context, opt OperatorOptions) (*Operator, error) {
	dir, err := siteOf(opt.Dir)
	if err != nil {
		return nil, err
	}
	if admin.Listening(ctx, dir.state) {
		return &Operator{Client: admin.NewClient(dir.state), Running: true, StateDir: dir.state}, nil
	}
	if dir.site == nil {
		return nil, &SiteError{Dir: opt.Dir, Problems: dir.problems}
	}
	if _, err := os.Stat(filepath.Join(dir.state, "lock")); err != nil && opt.MustExist {
		return nil, fmt.Errorf("there is no state in %s yet; mend: give the directory of the site that is meant; the first start makes its state, and so does \"cloister subscription create\"", dir.state)
	}
	st, err := takeState(ctx, dir.site, opt, stateOptions{look: true})
	if err != nil {
		return nil, err
	}
	door := admin.NewDoor(admin.Options{
		Actions: st.actions(func() *site.Site { return dir.site }), Audit: st.doorLog(),
		Log: logOr(opt.Log), Now: nowOr(opt.Now), Rand: rand.Reader,
	})
	return &Operator{
		Client: admin.NewLocalClient(door, admin.OSActor(os.Geteuid())), StateDir: dir.state, state: st,
	}, nil
}

// doorLog is where the door leaves its records. A state that was rolled back
// can be looked at, and not acted on: its log goes no further.
func (st *state) doorLog() admin.AuditLog {
	if st.audit == nil {
		return noLog{st.rolledBack}
	}
	return st.audit
}

// noLog is a log that takes nothing.
type noLog struct{ why error }

func (l noLog) Append(*audit.Record) audit.Position        { return 0 }
func (l noLog) Flush(audit.Position)                       {}
func (l noLog) Wait(context.Context, audit.Position) error { return l.why }

// Close gives the directory back where it is ours.
func (o *Operator) Close() error {
	if o.state == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	return o.state.close(ctx)
}

// SiteError says that a site does not load.
type SiteError struct {
	Dir      string
	Problems site.Problems
}

func (e *SiteError) Error() string {
	return fmt.Sprintf("the site in %s has problems, and no gateway serves it: %v", e.Dir, e.Problems.Err())
}

// place is what a directory that a command was given leads to.
type place struct {
	// site is nil where it does not load.
	site     *site.Site
	problems site.Problems
	state    string
}

// StateOf is the state directory that belongs to a directory as
// [OperatorOptions.Dir] takes them; where the site does not load, problems say
// why, and the directory is where it usually is.
func StateOf(dir string) (string, site.Problems, error) {
	p, err := siteOf(dir)
	return p.state, p.problems, err
}

// siteOf finds site and state: the directory of a site, that of "cloister up",
// or the parent of a state directory.
func siteOf(dir string) (place, error) {
	dir = cmp.Or(dir, ".")
	for _, candidate := range []string{dir, filepath.Join(dir, "site")} {
		if _, err := os.Stat(filepath.Join(candidate, "cloister.yaml")); err != nil {
			continue
		}
		p := place{state: filepath.Join(dir, "state")}
		p.site, p.problems = site.Load(candidate)
		if p.site != nil {
			p.state = stateDir(p.site)
		}
		return p, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "state", "lock")); err == nil {
		return place{state: filepath.Join(dir, "state"), problems: site.Problems{{
			Severity: site.Error, Code: "site-missing", Message: "there is no cloister.yaml beside the state directory",
		}}}, nil
	}
	return place{}, fmt.Errorf("%s holds neither a site nor a state directory; mend: give the directory of the site with --dir, or that of cloister up", dir)
}

// takeState opens store and audit log for a command. What the site says of its
// encryption and database counts.
func takeState(ctx context.Context, s *site.Site, opt OperatorOptions, with stateOptions) (*state, error) {
	with.at = surroundings{secrets: opt.Secrets, now: nowOr(opt.Now), log: logOr(opt.Log), detached: true}
	with.at.secrets.SiteDir = s.Dir
	dialer, err := bootDialer(s, with.at)
	if err != nil {
		return nil, err
	}
	with.dialer = func() *egress.Dialer { return dialer }
	st, err := openStore(ctx, s, with)
	if err != nil {
		return nil, err
	}
	st.version = opt.Build.Version
	if err := st.openAudit(ctx, with); err != nil {
		return nil, errors.Join(err, st.close(ctx))
	}
	return st, nil
}

func logOr(log *slog.Logger) *slog.Logger { return cmp.Or(log, slog.New(slog.DiscardHandler)) }

func nowOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// Restore puts a backup in the place of a site's state, which no gateway may be
// using, and begins a new audit log that names the old ones. It says what was
// restored. Serving then needs [Options.AcceptOlderState].
func Restore(ctx context.Context, opt OperatorOptions, backup io.Reader) (*store.BackupInfo, error) {
	dir, err := siteOf(opt.Dir)
	if err != nil {
		return nil, err
	}
	if dir.site == nil {
		return nil, &SiteError{Dir: opt.Dir, Problems: dir.problems}
	}
	s := dir.site
	with := stateOptions{at: surroundings{secrets: opt.Secrets, now: nowOr(opt.Now), log: logOr(opt.Log), detached: true}}
	with.at.secrets.SiteDir = s.Dir
	dialer, err := bootDialer(s, with.at)
	if err != nil {
		return nil, err
	}
	with.dialer = func() *egress.Dialer { return dialer }
	options, err := storeOptions(ctx, s, with)
	if err != nil {
		return nil, err
	}
	options.AcceptClearKeyring = opt.AcceptClearKeyring
	info, err := store.Restore(ctx, dir.state, backup, options)
	if err != nil {
		return nil, err
	}
	return info, beginAnew(ctx, s, opt, info)
}

// beginAnew begins the audit log that follows a restore. Its key is made anew:
// the one before may lie in a directory that is gone.
func beginAnew(ctx context.Context, s *site.Site, opt OperatorOptions, info *store.BackupInfo) error {
	dir := stateDir(s)
	after := &audit.Predecessor{Reason: "restored from the backup of " + info.CreatedAt.UTC().Format(time.RFC3339)}
	if len(info.AuditCheckpoint) > 0 {
		after.Checkpoints = append(after.Checkpoints, info.AuditCheckpoint)
	}
	key := filepath.Join(dir, auditKeyFile)
	if _, err := os.Stat(key); err == nil {
		if err := setAside(key, nowOr(opt.Now)()); err != nil {
			return err
		}
	}
	st, err := takeState(ctx, s, opt, stateOptions{predecessor: after})
	if err != nil {
		return fmt.Errorf("the state is restored, and its audit log does not begin: %w", err)
	}
	p := st.audit.Append(&audit.Record{
		Time: nowOr(opt.Now)(), Kind: audit.KindAdmin, Action: "restore", Phase: "done", Outcome: "done", Actor: admin.OSActor(os.Geteuid()).Name,
		Target: "state:" + info.Site, Detail: after.Reason, Site: s.Digest,
	})
	return errors.Join(st.audit.Wait(ctx, p), st.close(ctx))
}

// setAside renames a file that something new takes the place of.
func setAside(path string, now time.Time) error {
	return os.Rename(path, path+".before-"+now.UTC().Format("20060102T150405Z"))
}
