package gateway

import (
	"sync"
	"time"
)

// stallGuard bounds single operations on one side of a request.
//
// On HTTP/1.1 it moves a socket deadline, at most about once a second, because
// each move costs; in between the limit is that much shorter. A deadline that
// passes while nothing is read or written does no harm there. On HTTP/2 it
// does: net/http resets the stream at the deadline whether or not anything
// waits. So there a timer runs only while an operation does.
//
// After last it touches nothing any more: net/http's writer of HTTP/2 is gone
// with the handler, and the deadline of HTTP/1.1 is the next request's.
type stallGuard struct {
	timer bool
	limit time.Duration
	w     netWriter
	reads bool // the side is reading, not writing

	mu      sync.Mutex // guards the rest, and w
	until   time.Time
	running *time.Timer
	busy    bool // an operation is under way
	over    bool
}

func (g *stallGuard) begin(limit time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	g.busy = true
	now := time.Now()
	if !g.timer {
		g.reach(now, limit)
		return
	}
	g.until = now.Add(limit)
	if g.running == nil {
		g.running = time.AfterFunc(limit, g.expire)
	} else {
		g.running.Reset(limit)
	}
}

// reach moves the deadline if it is not near enough to where it should be.
func (g *stallGuard) reach(now time.Time, limit time.Duration) {
	slack := min(time.Second, limit/4)
	if left := g.until.Sub(now); left < limit-slack || left > limit {
		g.until = now.Add(limit)
		g.set(g.until)
	}
}

// expire ends the operation, if it is still the one that the timer ran for.
func (g *stallGuard) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy && !g.over && !time.Now().Before(g.until) {
		g.set(time.Unix(1, 0))
	}
}

// abort ends the operation under way; false: there is none.
func (g *stallGuard) abort() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.busy || g.over {
		return false
	}
	g.set(time.Unix(1, 0))
	return true
}

func (g *stallGuard) set(to time.Time) {
	if g.reads {
		g.w.SetReadDeadline(to)
	} else {
		g.w.SetWriteDeadline(to)
	}
}

func (g *stallGuard) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle()
}

func (g *stallGuard) idle() {
	g.busy = false
	if g.running != nil {
		g.running.Stop()
	}
}

// last sets a deadline for what happens after the handler has returned (0:
// nothing will), and returns the one in force.
func (g *stallGuard) last(limit time.Duration) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle()
	if !g.over && limit > 0 {
		if now := time.Now(); g.timer {
			g.set(now.Add(limit))
		} else {
			g.reach(now, limit)
		}
	}
	g.over = true
	return g.until
}
