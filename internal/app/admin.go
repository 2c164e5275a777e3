package app

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/backend"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// openAdmin opens the operator's door: on the socket of the state directory,
// and over TLS where the site says so.
func (p *Process) openAdmin(ctx context.Context) (err error) {
	actions := p.state.actions(func() *site.Site { return p.Site() })
	actions.Reload, actions.Status, actions.Health = p.adminReload, p.status, p.adminHealth
	actions.Traces = func() []*policy.Trace { return p.gateway.Traces().List(p.opt.Now()) }
	actions.Trace = func(id string) *policy.Trace { return p.gateway.Traces().Get(id, p.opt.Now()) }
	followed := followedStore{p.state.store, p.catchUp}
	actions.Subscriptions = followed
	decide := actions.Decide
	actions.Decide = func(ctx context.Context, d admin.Decision) (before, after admin.Connection, err error) {
		before, after, err = decide(ctx, d)
		return before, after, followed.follow(ctx, err)
	}
	p.door = admin.NewDoor(admin.Options{
		Actions: actions, Audit: p.state.audit, Log: p.opt.Log, Now: p.opt.Now, Rand: rand.Reader,
	})
	p.admin, err = admin.Listen(ctx, p.state.dir, p.door, p.opt.Log)
	return err
}

// adminTimeout is how long a call under way may still take at the end.
const adminTimeout = 2 * time.Second

func (p *Process) closeAdmin() {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	for _, s := range []*admin.Server{p.admin, p.adminTLS} {
		if s == nil {
			continue
		}
		if err := s.Close(ctx); err != nil {
			p.opt.Log.Warn("closing the operator's door", "error", err)
		}
	}
	if p.door != nil {
		p.door.Flush()
	}
}

func (p *Process) adminReload(ctx context.Context) (admin.Reloaded, error) {
	r, err := p.Reload(ctx)
	// No problems are an empty list to who reads it, not null.
	problems := append(site.Problems{}, r.Problems...)
	return admin.Reloaded{Accepted: r.Accepted(), Before: r.Before, After: r.After, Problems: problems}, err
}

func (p *Process) adminHealth(context.Context) admin.Health {
	if err := p.notReady(); err != nil {
		return admin.Health{Reason: err.Error()}
	}
	return admin.Health{Ready: true}
}

func (p *Process) status(ctx context.Context) (admin.Status, error) {
	s := p.Site()
	out := admin.Status{
		Version: p.opt.Build.Version, PID: os.Getpid(), Started: p.started, Running: true,
		Site: s.Config.Name, Digest: s.Digest, Ready: true,
		Requests: p.server.InFlight(), Connections: p.server.Connections(),
		LastReload: p.lastReload.Load(),
	}
	if err := p.notReady(); err != nil {
		out.Ready, out.NotReady = false, err.Error()
	}
	for _, a := range p.Addrs() {
		out.Listeners = append(out.Listeners, a.String())
	}
	for _, d := range p.dialer.Load().Destinations() {
		out.Destinations = append(out.Destinations, admin.Destination{
			Class: string(d.Class), Host: d.Host, Port: int(d.Port), Public: d.Public,
		})
	}
	for _, m := range p.backends().Status() {
		out.Members = append(out.Members, admin.Member{Member: m.Member, Host: m.Host, AsideUntil: m.AsideUntil, OpenUntil: m.OpenUntil, BusyUntil: m.BusyUntil, Failures: m.Failures, Error: m.Error})
	}
	guard := p.guard.Status()
	out.Overload = &admin.Overload{Level: guard.Level, Pressure: map[string]float64{}, Bans: guard.Banned}
	for _, b := range guard.Bans {
		out.Overload.Banned = append(out.Overload.Banned, admin.Ban{Client: b.Client, Cause: b.Cause, LeftSeconds: b.Left})
	}
	for _, m := range guard.Monitors {
		out.Overload.Pressure[m.Name] = m.Pressure
	}
	err := p.state.status(ctx, &out)
	return out, err
}

// backends are those in force.
func (p *Process) backends() *backend.Set {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.backends
}

// statusTimeout is how long the state may take to say how it is.
const statusTimeout = 3 * time.Second

// status is what is known of the durable state.
func (st *state) status(ctx context.Context, out *admin.Status) error {
	// Who asks how things are wants an answer, above all where they are bad.
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	s, err := st.store.Status(ctx)
	out.State = admin.StateStatus{
		Driver: s.Driver, Place: s.Place, Schema: s.Schema, Revision: uint64(s.Revision), Subscriptions: s.Subscriptions,
		KeyEncryptionKey: s.KEK, Heard: st.store.Heard(),
	}
	if err != nil {
		// What else is known is worth more than no answer.
		out.State = admin.StateStatus{Driver: st.driver(), Heard: st.store.Heard(), Error: err.Error()}
	} else if older, err := st.store.OlderState(ctx); err == nil && older != nil {
		out.State.RestoredFrom, out.State.Edited = older.CreatedAt, older.Edited
	}
	if st.rolledBack != nil {
		out.Audit.Error = st.rolledBack.Error()
	}
	if st.audit == nil {
		return nil
	}
	a := st.audit.Status()
	out.Audit = admin.AuditStatus{
		Size: a.Size, Durable: a.Durable, Published: a.Published, Checkpoint: string(a.Checkpoint),
		Witnessed: a.WitnessAt, Verifier: st.verifier,
	}
	for _, e := range []struct {
		to  *string
		err error
	}{{&out.Audit.Error, a.Err}, {&out.Audit.PublishError, a.PublishErr}, {&out.Audit.WitnessError, a.WitnessErr}} {
		if e.err != nil {
			*e.to = e.err.Error()
		}
	}
	return nil
}

// driver is where the site says that its state lies.
func (st *state) driver() string {
	if st.site.Config.State.Postgres != nil {
		return "postgresql"
	}
	return "sqlite"
}

// StateDirectory is the state directory of the site in dir, for commands that
// talk to the gateway that serves it. It is empty where the site, whose
// problems then say why, does not tell.
func StateDirectory(dir string) (string, site.Problems) {
	s, problems := site.Load(dir)
	if s != nil {
		return stateDir(s), nil
	}
	// A site that was broken after the start is just what "reload" is asked to
	// report: the running gateway's own words are better than ours.
	path := stateDir(&site.Site{Dir: dir, Config: &site.Config{}})
	if _, err := os.Stat(filepath.Join(path, admin.SocketName)); err == nil {
		return path, nil
	}
	return "", problems
}

// Verifier is the key that the audit log is verified with.
func (p *Process) Verifier() string { return p.state.verifier }

// Record puts on record what was done to the state without the door, and
// returns when it is on disk.
func (p *Process) Record(ctx context.Context, rec audit.Record) error {
	rec.Time, rec.Site = p.opt.Now(), p.Site().Digest
	at := p.state.audit.Append(&rec)
	p.state.audit.Flush(at)
	return p.state.audit.Wait(ctx, at)
}

// note leaves a record of something that no operator did through the door.
func (p *Process) note(rec audit.Record) {
	rec.Time = p.opt.Now()
	p.state.audit.Append(&rec)
}
