package backend

import "time"

// walk is the way of one request through a pool: the members that it tries,
// one after the other. It belongs to one goroutine.
type walk struct {
	pool *pool
	now  func() time.Time
	// level is where the walk is; turned says that its turn is taken there.
	level  int
	turned bool
	at     *member
	// trial is held as long as at is tried for the first time after it was set
	// aside.
	trial *aside
	// tried is by index; nil as long as nothing failed.
	tried  []bool
	forced bool
	// first is where the session of the request goes; nil: it has none.
	first *member
}

// next is the member to try, nil: there is none. Members in use and those
// whose time is over, unless somebody tries them already, come by priority and
// turn. Where there is none but those set aside, the one whose time ends
// soonest is tried, and the walk is over. Those whose circuit is open are never
// tried.
func (w *walk) next() *member {
	w.leave()
	if m := w.other(); m != nil {
		return m
	}
	if w.forced {
		return nil
	}
	w.forced = true
	w.at = w.soonest()
	return w.at
}

// other is the next member that may well answer; nil: there is none.
func (w *walk) other() *member {
	if m := w.first; m != nil {
		w.first = nil
		if w.free(m) {
			w.at = m
			return m
		}
	}
	for w.level < len(w.pool.levels) {
		l := w.pool.levels[w.level]
		if !w.turned {
			w.turned = true
			if w.at = l.turn(); w.left(w.at) && w.free(w.at) {
				return w.at
			}
		}
		if w.at = w.spare(l); w.at != nil {
			return w.at
		}
		w.level, w.turned = w.level+1, false
	}
	return nil
}

// leave is done with the member that was tried last.
func (w *walk) leave() {
	w.release()
	if w.at == nil {
		return
	}
	if w.tried == nil {
		w.tried = make([]bool, w.pool.size)
	}
	w.tried[w.at.index] = true
}

// release gives the trial to the next request. Where the attempt said how the
// member is, nobody looks at it any more.
func (w *walk) release() {
	if w.trial != nil {
		w.trial.trial.Store(false)
		w.trial = nil
	}
}

// free reports whether m may be tried; of a member whose time is over it takes
// the trial.
func (w *walk) free(m *member) bool {
	if _, open := m.breaker.open(w.now); open || m.breaker.asked(w.now) {
		return false
	}
	if m.health.inUse() {
		return true
	}
	w.trial = m.health.claim(w.now())
	return w.trial != nil
}

func (w *walk) left(m *member) bool { return w.tried == nil || !w.tried[m.index] }

// inUse reports whether m is not set aside and not to be left alone.
func (w *walk) inUse(m *member) bool {
	_, open := m.breaker.open(w.now)
	return !open && !m.breaker.asked(w.now) && m.health.inUse()
}

// spare is a member of l in the place of the one whose turn it was. Those in
// use share such turns by weight; then come those whose time is over and those
// of weight 0, in their order.
func (w *walk) spare(l *level) *member {
	total := 0
	for _, m := range l.services {
		if w.left(m) && w.inUse(m) {
			total += m.share
		}
	}
	if total > 0 {
		turn := int((l.spare.Add(1) - 1) % uint64(total))
		for _, m := range l.services {
			if !w.left(m) || !w.inUse(m) {
				continue
			}
			if turn -= m.share; turn < 0 {
				return m
			}
		}
	}
	for _, m := range l.services {
		if w.left(m) && w.free(m) {
			return m
		}
	}
	return nil
}

// soonest is the member that was not tried and whose time ends first.
func (w *walk) soonest() (best *member) {
	var until time.Time
	for _, l := range w.pool.levels {
		for _, m := range l.services {
			if _, open := m.breaker.open(w.now); open || !w.left(m) {
				continue
			}
			s := m.health.state.Load()
			if s == nil {
				return m
			}
			if best == nil || s.until.Before(until) {
				best, until = m, s.until
			}
		}
	}
	return best
}
