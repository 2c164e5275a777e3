package app

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/site"
)

func (p *Process) openAdmin(ctx context.Context, s *site.Site) (err error) {
	p.admin, err = admin.Listen(ctx, stateDir(s), admin.Actions{Reload: p.adminReload, Status: p.status}, p.opt.Log)
	return err
}

// adminTimeout is how long a call under way may still take at the end.
const adminTimeout = 2 * time.Second

func (p *Process) closeAdmin() {
	if p.admin == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if err := p.admin.Close(ctx); err != nil {
		p.opt.Log.Warn("closing the admin socket", "error", err)
	}
}

func (p *Process) adminReload(ctx context.Context) (admin.Reloaded, error) {
	r, err := p.Reload(ctx)
	// No problems are an empty list to who reads it, not null.
	problems := append(site.Problems{}, r.Problems...)
	return admin.Reloaded{Accepted: r.Accepted(), Before: r.Before, After: r.After, Problems: problems}, err
}

func (p *Process) status(context.Context) (admin.Status, error) {
	s := p.Site()
	out := admin.Status{
		Version: p.opt.Build.Version, PID: os.Getpid(), Started: p.started,
		Site: s.Config.Name, Digest: s.Digest, Ready: p.notReady() == nil,
		Requests: p.server.InFlight(), Connections: p.server.Connections(),
	}
	for _, a := range p.Addrs() {
		out.Listeners = append(out.Listeners, a.String())
	}
	return out, nil
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
