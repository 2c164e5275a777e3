package app

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cloister-ai/cloister/internal/store"
)

// cutStaleAfter is how long the shared state may be silent before open streams
// are cut: nobody can say any more whose right has ended.
const cutStaleAfter = 30 * time.Second

// watchState takes changes of the store into force, whoever made them.
func (p *Process) watchState(ctx context.Context) {
	// What a look has found is looked for once more, in turn with everybody
	// else who looks: two answers of which the older came later would bring
	// back what has ended.
	err := p.state.store.Watch(ctx, p.revision, func(c store.Changes) error {
		if c.OlderState {
			p.opt.Log.Error("the shared state was restored from a backup or edited while this gateway runs; it refuses requests until that is accepted")
		}
		p.restored.Store(c.OlderState)
		return p.catchUp(ctx)
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
		p.fail(err)
	}
}

// catchUp takes what has changed until now into force, and ends what may not
// go on.
func (p *Process) catchUp(ctx context.Context) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	c, err := p.state.store.Changes(ctx, p.revision)
	if err != nil {
		return err
	}
	p.decided(c)
	ids := p.current.callers.follow(c, p.opt.Log)
	p.mu.Lock()
	p.revision = c.Revision
	p.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	if n := p.gateway.Revoke(ids...); n > 0 {
		p.opt.Log.Info("requests ended: their subscriptions or keys have", "requests", n)
	}
	return nil
}

// stale reports that the shared state is silent for longer than the site
// takes, or older than what was acknowledged.
func (p *Process) stale() bool { return p.silent.Load() || p.restored.Load() }

// watchSilence notices when the shared state is not heard from.
func (p *Process) watchSilence(ctx context.Context) {
	limit := durationOr(p.state.site.Config.State.StaleAfter, defaultStaleAfter)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		silence := p.opt.Now().Sub(p.state.store.Heard())
		was := p.silent.Swap(silence > limit)
		switch {
		case silence > limit && !was:
			p.opt.Log.Error("the shared state is silent: requests are refused", "for", silence.String())
		case silence <= limit && was:
			p.opt.Log.Info("the shared state is heard again")
		}
		if silence > max(limit, cmp.Or(p.opt.CutStaleAfter, cutStaleAfter)) {
			if n := p.gateway.CutStale(); n > 0 {
				p.opt.Log.Error("streams cut: the shared state is silent for too long", "streams", n)
			}
		}
	}
}
