package limit

import (
	"context"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// NoBound is the bound of a quota that does not bound.
const NoBound = -1

// Quota asks a counter of calls and bytes for room in a fixed window.
type Quota struct {
	Key Key
	// Calls and Bytes are how many may pass in Period; [NoBound]: any number.
	Calls, Bytes int64
	// Period is the length of the window in whole seconds; 0: there is one
	// window, which never ends. Counters of one key with other windows count
	// apart.
	Period time.Duration
	// First is when a window begins, from which all others are told.
	First time.Time
	// Count and Moved are the calls and bytes that pass now; without any, Ask
	// asks whether a call could, and counts nothing.
	Count, Moved int64
	// Counted: the call that asks is among those that were counted, and needs no
	// room.
	Counted bool
	// Late counts what has passed already, whether there is room or not.
	Late bool
}

// QuotaState is what a counter answers.
type QuotaState struct {
	Pass bool
	// Bandwidth: it is the bytes that are used up, not the calls.
	Bandwidth bool
	// ReplenishedIn is how long the window lasts; 0: it never ends.
	ReplenishedIn time.Duration
}

const (
	quotaShards = 64
	// quotaKeys bounds the keys of one family; one takes about 200 bytes.
	quotaKeys = 128 << 10
)

// Quotas counts calls and bytes in fixed windows. Calls that pass never become
// more than were allowed; bytes are counted when they have moved, so what is
// under way together may go beyond the bound.
//
// A key costs memory until its window has ended; then it leaves when others
// come. With 131,072 keys in a family there is [ErrFull] for new ones: to forget
// one would give it a new quota.
type Quotas struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [families][quotaShards]quotaShard
}

type quotaShard struct {
	mu    sync.Mutex // guards the rest
	used  map[quotaKey]*used
	swept time.Time
}

// quotaKey is a key as it is kept: period and offset, in seconds, say where its
// windows begin.
type quotaKey struct {
	text           string
	period, offset int64
}

// used is what passed in a window, which has a number.
type used struct {
	window       int64
	calls, bytes int64
}

// NewQuotas makes an empty one. now is the clock; nil: time.Now.
func NewQuotas(now func() time.Time) *Quotas {
	if now == nil {
		now = time.Now
	}
	return &Quotas{now: now, seed: maphash.MakeSeed()}
}

// Ask asks, and counts what passes.
func (q *Quotas) Ask(_ context.Context, ask Quota) (QuotaState, error) {
	key := ask.key()
	s := &q.shards[ask.Key.Of][maphash.String(q.seed, key.text)%quotaShards]
	now := q.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.find(key, now)
	if err != nil {
		return QuotaState{}, err
	}
	return u.ask(ask, key.left(now)), nil
}

// key is the key as it is kept.
func (ask *Quota) key() quotaKey {
	key := quotaKey{text: kept(ask.Key.Text), period: int64(ask.Period / time.Second)}
	if key.period > 0 {
		key.offset = modulo(ask.First.Unix(), key.period)
	}
	return key
}

// Same reports whether two questions are to one counter.
func (ask *Quota) Same(other *Quota) bool {
	return ask.Key.Of == other.Key.Of && ask.key() == other.key()
}

// modulo is the remainder that is not negative.
func modulo(n, by int64) int64 { return ((n % by) + by) % by }

// window is the number of the window in which a time lies.
func (k *quotaKey) window(now time.Time) int64 {
	if k.period == 0 {
		return 0
	}
	since := now.Unix() - k.offset
	return (since - modulo(since, k.period)) / k.period
}

// left is how long the window of a time lasts from then; 0: for ever.
func (k *quotaKey) left(now time.Time) time.Duration {
	if k.period == 0 {
		return 0
	}
	seconds := k.period - modulo(now.Unix()-k.offset, k.period)
	return time.Duration(seconds)*time.Second - time.Duration(now.Nanosecond())
}

// find finds or makes what a key has used in the window of now.
func (s *quotaShard) find(key quotaKey, now time.Time) (*used, error) {
	window := key.window(now)
	if u := s.used[key]; u != nil {
		if window > u.window { // never back: a clock that is set gives nothing
			*u = used{window: window}
		}
		return u, nil
	}
	if s.used == nil {
		s.used = make(map[quotaKey]*used)
	}
	if len(s.used) >= fewKeys {
		s.forget(now, 4)
	}
	if len(s.used) >= quotaKeys/quotaShards {
		if since := now.Sub(s.swept); since >= 0 && since < 100*time.Millisecond {
			return nil, ErrFull
		}
		s.swept = now
		if s.forget(now, len(s.used)); len(s.used) >= quotaKeys/quotaShards {
			return nil, ErrFull
		}
	}
	u := &used{window: window}
	key.text = strings.Clone(key.text)
	s.used[key] = u
	return u, nil
}

// forget looks at a few keys, as maps give them, and drops those whose window
// has ended.
func (s *quotaShard) forget(now time.Time, look int) {
	for key, u := range s.used {
		if look--; look < 0 {
			return
		}
		if key.window(now) > u.window || u.calls == 0 && u.bytes == 0 {
			delete(s.used, key)
		}
	}
}

func (u *used) ask(ask Quota, left time.Duration) QuotaState {
	state := QuotaState{Pass: true, ReplenishedIn: left}
	if !ask.Late {
		call := max(ask.Count, 1)
		if ask.Counted {
			call = 0
		}
		switch {
		case ask.Calls >= 0 && u.calls+call > ask.Calls:
			state.Pass = false
		case ask.Bytes >= 0 && u.bytes+max(ask.Moved, 1) > ask.Bytes:
			state.Pass, state.Bandwidth = false, true
		}
	}
	if state.Pass {
		u.calls += max(ask.Count, 0)
		u.bytes += max(ask.Moved, 0)
	}
	return state
}
