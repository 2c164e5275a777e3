package gateway

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines stands in for net/http's writer and counts what is set. The real
// one of HTTP/2 must not be touched after the handler: it panics.
type deadlines struct {
	http.ResponseWriter
	reads, writes, past atomic.Int64
}

func (d *deadlines) FlushError() error { return nil }

func (d *deadlines) SetReadDeadline(to time.Time) error {
	d.reads.Add(1)
	if to.Before(time.Now()) {
		d.past.Add(1)
	}
	return nil
}

func (d *deadlines) SetWriteDeadline(to time.Time) error {
	d.writes.Add(1)
	return nil
}

// TestStallGuardIsOver: after last nothing is touched, whatever still runs.
func TestStallGuardIsOver(t *testing.T) {
	for _, timer := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := &deadlines{}
			g := &stallGuard{timer: timer, limit: time.Second, w: d, reads: true}
			g.begin(g.limit) // a transport reads while the handler returns
			g.last(g.limit)
			touched := d.reads.Load()
			g.expire()
			g.end()
			g.begin(g.limit)
			if g.abort() {
				t.Error("aborted after the end")
			}
			time.Sleep(time.Minute)
			g.last(g.limit)
			if n := d.reads.Load(); n != touched || d.writes.Load() > 0 {
				t.Errorf("timer %v: touched %d times after the end", timer, n-touched)
			}
		})
	}
}

// TestStallGuardTimer: the operation that takes too long is ended, once, and
// not the one after it.
func TestStallGuardTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deadlines{}
		g := &stallGuard{timer: true, limit: time.Second, w: d, reads: true}
		for range 5 {
			g.begin(g.limit)
			time.Sleep(900 * time.Millisecond)
			g.end()
		}
		g.begin(g.limit)
		g.expire() // of the one before, which came too late
		if d.past.Load() != 0 {
			t.Fatal("ended in time")
		}
		time.Sleep(1100 * time.Millisecond)
		if d.past.Load() != 1 {
			t.Errorf("ended %d times", d.past.Load())
		}
		if !g.abort() {
			t.Error("an operation under way was not aborted")
		}
	})
}
