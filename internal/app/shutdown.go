package app

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// Shutdown ends the process: readiness goes off, no connection is accepted,
// open requests go on for the site's drainTimeout, then what is left is cut,
// streams with an error event. A second way out is ctx: when it ends, the cut
// comes at once. It may be called more than once.
func (p *Process) Shutdown(ctx context.Context) error {
	p.ended.Do(func() { p.endErr = p.shutdown(ctx) })
	return p.endErr
}

func (p *Process) shutdown(ctx context.Context) error {
	p.ready.Store(false)
	timeout := time.Duration(p.Site().Config.DrainTimeout)
	drain, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.opt.Log.Info("draining", "open", p.server.InFlight(), "timeout", timeout.String())
	if err := p.server.Shutdown(drain); err != nil {
		p.opt.Log.Warn("cutting what has not ended", "open", p.server.InFlight())
	}
	p.server.Close()
	return p.abandon()
}

// flushTimeout bounds how long the last records and spans may take to leave.
const flushTimeout = 5 * time.Second

// abandon closes whatever is open, in the order in which it needs each other.
func (p *Process) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	var errs []error
	if p.server != nil {
		p.server.Close()
	}
	p.sendLast()
	if p.keySets != nil {
		p.keySets.Close()
	}
	runtime.KeepAlive(p.ballast)
	p.stop()
	p.closeAdmin()
	if p.names != nil {
		p.names.Close()
	}
	if p.gateway != nil {
		p.gateway.Close()
	}
	if p.health != nil {
		p.health.Close()
	}
	p.serving.Wait()
	if p.current != nil {
		p.current.close()
	}
	errs = append(errs, p.tracing.Shutdown(ctx))
	if p.recorder != nil {
		errs = append(errs, p.recorder.Close(ctx))
	}
	if p.sink != nil {
		errs = append(errs, p.sink.Close())
	}
	if p.flowSink != nil {
		errs = append(errs, p.flowSink.Close())
	}
	if p.state != nil {
		errs = append(errs, p.state.end(ctx, p.opt.Now()))
	}
	return errors.Join(errs...)
}

// sendLast sends what policies sent in the background and still waits.
func (p *Process) sendLast() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { p.calls.close(ctx) })
	all.Go(func() { p.events.close(ctx) })
	all.Wait()
}
